"""Signers and client certificates: each is an API key's, and nothing is both two keys'."""

import os
import re
import secrets
import subprocess

import pytest

from harness import Store

SECRET = "0123456789abcdef0123456789abcdef"
KINDS = {"ed25519": ["-algorithm", "ed25519"], "ecdsa-p256-sha256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "ecdsa-p384-sha384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
         "rsa-pss-sha512": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
         "rsa-v1_5-sha256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}
PIN = "AB" * 32


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Public keys by algorithm, and a certificate."""
    place = tmp_path_factory.mktemp("keys")
    for alg, options in KINDS.items():
        subprocess.run(["openssl", "genpkey", *options, "-out", place / alg], check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["openssl", "pkey", "-in", place / alg, "-pubout", "-out", place / (alg + ".pub")], check=True)
    subprocess.run(["openssl", "req", "-x509", "-key", place / "ed25519", "-subj", "/CN=shop", "-out", place / "shop.crt"], check=True)
    return place


@pytest.fixture
def shop(store):
    store.role_create("reader", "GET /a")
    for name in ("shop", "bank"):
        store.key_create(name, role="reader")
    return store


def refused(store, rc, says, *args, input=None):
    """The exit code, one line that holds the text and no secret, and nothing done."""
    before = store.json("changes")
    result = store.run(*args, input=input)
    assert (result.rc, result.out) == (rc, "") and result.err.count("\n") == 1 and says in result.err, result
    assert not input or input not in result.err
    assert store.json("changes") == before


# ---- signers


# SIG-03
@pytest.mark.parametrize("alg", [*KINDS, "hmac-sha256"])
def test_signer_is_that_of_a_key(shop, keys, alg):
    id = shop.json("key", "show", "shop")["id"]
    how = {"input": SECRET + "\n"} if alg == "hmac-sha256" else {}
    options = [] if how else ["--public", str(keys / (alg + ".pub"))]
    made = shop.json("key", "signer", "add", "shop", "--keyid", "shop-1", "--alg", alg, *options, "--expires", "30d", **how)
    assert list(made) == ["keyid", "alg", "key", "key_name", "created_at", "expires_at"]
    assert [made[name] for name in ("keyid", "alg", "key", "key_name")] == ["shop-1", alg, id, "shop"] and made["expires_at"] > made["created_at"]
    assert shop.json("key", "signer", "list") == shop.json("key", "signer", "list", "shop") == shop.json("key", "signer", "list", id) == [made]
    assert shop.json("key", "signer", "list", "bank") == []
    row = shop.json("changes")[-1]
    assert (row["command"], row["subject"], row["old"], row["new"]["keyid"]) == ("key signer add", id, None, "shop-1")
    for folder, _, names in os.walk(shop.path):
        for name in names:
            with open(os.path.join(folder, name), "rb") as seen:
                assert SECRET.encode() not in seen.read(), name
    refused(shop, 4, "is that of key " + id, "key", "signer", "add", "bank", "--keyid", "shop-1", "--alg", alg, *options, **how)
    assert shop.json("key", "signer", "delete", "shop-1", "--yes") == {"keyid": "shop-1", "deleted": True}
    assert shop.json("key", "signer", "list") == []
    shop.ok("key", "signer", "add", "bank", "--keyid", "shop-1", "--alg", alg, *options, **how)


def test_generated_secret_is_shown_once(shop):
    made = shop.json("key", "signer", "add", "shop", "--keyid", "a", "--alg", "hmac-sha256", "--generate")
    assert re.match("[0-9a-f]{64}$", made["secret"]) and list(made)[:2] == ["keyid", "secret"]
    assert made["expires_at"] is None and made["secret"] not in shop.ok("key", "signer", "list", "--json") + shop.ok("changes", "--json")


# SIG-03
@pytest.mark.parametrize("rc, says, words", [
    (2, '"hs256": want ed25519', ["--keyid", "a", "--alg", "hs256"]),
    (2, "has no public key", ["--keyid", "a", "--alg", "hmac-sha256", "--public", "ed25519.pub"]),
    (2, "--public is missing", ["--keyid", "a", "--alg", "ed25519"]),
    (2, "stays with who signs", ["--keyid", "a", "--alg", "ed25519", "--generate"]),
    (2, "", ["--keyid", "a", "--alg", "ecdsa-p256-sha256", "--public", "ed25519.pub"]),
    (2, "", ["--keyid", "a", "--alg", "ed25519", "--public", "ed25519"]),
    (3, "none.pub", ["--keyid", "a", "--alg", "ed25519", "--public", "none.pub"]),
    (2, "keyid", ["--keyid", "a b", "--alg", "ed25519", "--public", "ed25519.pub"]),
    (2, "is past", ["--keyid", "a", "--alg", "ed25519", "--public", "ed25519.pub", "--expires", "2020-01-01"]),
    (2, "secret", ["--keyid", "a", "--alg", "hmac-sha256"]),
])
def test_mistakes(shop, keys, rc, says, words):
    words = [str(keys / word) if word.startswith(("ed25519.", "none.")) or words[i - 1] == "--public" else word for i, word in enumerate(words)]
    refused(shop, rc, says, "key", "signer", "add", "shop", *words, input="0123456789abcdef")


def test_signer_of_no_key(shop):
    refused(shop, 3, "(did you mean shop?)", "key", "signer", "add", "shpo", "--keyid", "a", "--alg", "hmac-sha256", input=SECRET)
    refused(shop, 3, "(did you mean shop?)", "key", "signer", "list", "shpo")
    refused(shop, 3, "key signer list", "key", "signer", "delete", "a", "--yes")
    shop.ok("key", "signer", "add", "shop", "--keyid", "shop-1", "--alg", "hmac-sha256", input=SECRET)
    refused(shop, 3, "(did you mean shop-1?)", "key", "signer", "delete", "shop-2", "--yes")
    # CLI-11
    refused(shop, 2, "delete key signer shop-1 needs a confirmation", "key", "signer", "delete", "shop-1")
    assert shop.json("key", "signer", "delete", "shop-1", "--dry-run") == {"keyid": "shop-1", "dry_run": True}
    shop.ok("key", "revoke", "shop")
    refused(shop, 4, "is revoked", "key", "signer", "add", "shop", "--keyid", "b", "--alg", "hmac-sha256", input=SECRET)
    shop.ok("key", "delete", "shop", "--yes")
    assert shop.json("key", "signer", "list") == []


# ---- certificates


# MTLS-02
@pytest.mark.parametrize("options, name", [
    (["--thumbprint", PIN], "sha256:" + PIN.lower()), (["--thumbprint", ":".join(["Ab"] * 32)], "sha256:" + PIN.lower()),
    (["--dn", "CN=shop,O=Shop GmbH"], "dn:CN=shop,O=Shop GmbH"), (["--san-dns", "Shop.Example"], "san:dns:shop.example"),
    (["--san-uri", "spiffe://shop/a"], "san:uri:spiffe://shop/a"), (["--san-email", "a@shop.example"], "san:email:a@shop.example"),
])
def test_certificate_is_that_of_a_key(shop, options, name):
    id = shop.json("key", "show", "shop")["id"]
    made = shop.json("key", "certificate", "add", "shop", *options)
    assert list(made) == ["certificate", "key", "key_name", "created_at"]
    assert (made["certificate"], made["key"], made["key_name"]) == (name, id, "shop")
    assert shop.json("key", "certificate", "list") == shop.json("key", "certificate", "list", "shop") == [made]
    assert shop.json("key", "certificate", "list", "bank") == []
    refused(shop, 4, "is key " + id, "key", "certificate", "add", "bank", *options)
    # CLI-11
    refused(shop, 2, "delete key certificate %s needs" % name, "key", "certificate", "delete", name)
    assert shop.json("key", "certificate", "delete", name, "--dry-run") == {"certificate": name, "dry_run": True}
    assert shop.json("key", "certificate", "delete", name, "--yes") == {"certificate": name, "deleted": True}
    refused(shop, 3, "key certificate list", "key", "certificate", "delete", name, "--yes")


# MTLS-02
def test_certificate_from_its_file(shop, keys):
    path = str(keys / "shop.crt")
    pin = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"], stdout=subprocess.PIPE, text=True).stdout
    pin = "sha256:" + pin.strip().split("=")[1].replace(":", "").lower()
    assert shop.json("key", "certificate", "add", "shop", "--file", path)["certificate"] == pin
    shop.ok("key", "certificate", "delete", pin, "--yes")
    with open(path) as pem:
        assert shop.json("key", "certificate", "add", "shop", "--file", "-", input=pem.read())["certificate"] == pin


@pytest.mark.parametrize("rc, says, words", [
    (2, "want one of", ["add", "shop"]), (2, "want only one of", ["add", "shop", "--dn", "CN=a", "--san-dns", "b"]),
    (2, "no certificate can be read", ["add", "shop", "--file", "ed25519.pub"]), (3, "none.crt", ["add", "shop", "--file", "none.crt"]),
    (2, "want sha256: and 64", ["add", "shop", "--thumbprint", PIN[1:]]), (2, "want sha256:", ["add", "shop", "--dn", ""]),
    (2, "want sha256:", ["delete", "shop", "--yes"]), (3, "(did you mean shop?)", ["add", "sohp", "--dn", "CN=a"]),
    (3, "(did you mean shop?)", ["list", "sohp"]),
])
def test_mistakes_with_certificates(shop, keys, rc, says, words):
    words = [str(keys / word) if words[i - 1] == "--file" else word for i, word in enumerate(words)]
    refused(shop, rc, says, "key", "certificate", *words)


# ---- commands of three words


def test_help_takes_three_words():
    out = Store.call("help", "key", "signer").out
    assert "key signer add" in out and "key signer list" in out and "key rotate" not in out
    assert Store.call("key", "signer", "-h").out == out and "key signer add" in Store.call("help", "key").out
    assert Store.call("help", "key", "signer", "add").out.startswith("usage: apisecctl key signer add ")
    for words, says in ((["help", "key", "signer", "ad"], '"key signer ad" (did you mean add?)'), (["help", "key", "singer"], '"key singer" (did you mean signer?)'),
                        (["key", "signer"], "key signer what? want add, list, delete;"), (["key", "signer", "ad", "x"], "unknown key signer command ad (did you mean add?)"),
                        (["help", "a", "b", "c", "d"], "one word too many")):
        result = Store.call(*words)
        assert (result.rc, result.out) == (2, "") and says in result.err, result


def test_completion_of_three_words(shop):
    shop.ok("key", "signer", "add", "shop", "--keyid", "shop-1", "--alg", "hmac-sha256", input=secrets.token_hex(32))
    shop.ok("key", "certificate", "add", "shop", "--dn", "CN=a")

    def found(*words):
        return shop.run("complete", "--", "\n".join(["--store", shop.path, *words])).out.split("\n")[:-1]

    assert found("key", "signer", "") == found("help", "key", "signer", "") == ["add", "list", "delete"] and found("key", "cert") == ["certificate"]
    assert found("key", "signer", "delete", "") == ["shop-1"] and found("key", "certificate", "delete", "") == ["dn:CN=a"]
    assert found("key", "signer", "list", "") == ["bank", "shop"]
