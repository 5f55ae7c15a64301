"""A single token that is revoked is refused by every child once --wait says so, and other tokens are not."""

import time

import pytest
from harness import Site
from harness.tokens import Issuer, add_issuer, bearer

pytestmark = pytest.mark.one_mpm

CONF = """
<Location />
    ApiSecEngine On
</Location>
"""


def prepare(site):
    site.role("reader", "GET /orders/**")
    site.issuer = Issuer(site.folder.root)
    add_issuer(site.store, site.issuer, jwks="static", role_claim="groups", plain_typ=True)


@pytest.fixture(scope="module")
def site():
    with Site(CONF, prepare) as made:
        yield made


def statuses(site, token):
    """What each child answers."""
    found = []

    def ask():
        answer = site.get(headers=bearer(token))
        found.append(answer.status)
        return answer

    site.reach_children(ask)
    return set(found)


# JWT-20
@pytest.mark.parametrize("how", ["stdin", "jti", "text"])
def test_a_revoked_token_is_refused_by_every_child(site, how):
    token = site.issuer.token(groups=["reader"], **({"jti": None} if how == "text" else {"jti": "j-" + how}))
    other = site.issuer.token(groups=["reader"])
    assert statuses(site, token) == statuses(site, other) == {200}, "each child has it in its cache"
    words = ["--issuer", "acme", "--jti", "j-jti"] if how == "jti" else []
    done = site.store.run("token", "revoke", *words, "--wait", input=None if words else token)
    assert done.rc == 0 and "no process decides by less" in done.err, done
    assert statuses(site, token) == {401} and statuses(site, other) == {200}
    answer = site.get(headers=bearer(token))
    line = site.server.wait_audit(lambda line: line["id"] == answer.headers["X-Request-Id"])
    assert line["reason"] == "token_revoked"
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"] and "revoked" not in answer.text


# JWT-20, JWT-26
def test_it_stays_revoked_over_a_restart(site):
    token = site.issuer.token(groups=["reader"], exp=int(time.time()) + 900)
    site.store.ok("token", "revoke", "--wait", input=token)
    site.server.restart()
    assert statuses(site, token) == {401}
    assert site.store.json("token", "check", input=token, rc=5)["reason"] == "token_revoked"
