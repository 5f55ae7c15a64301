"""mod_cache: nothing that a key has opened is served to anybody else."""

import os
import shutil

import pytest
from harness import IS_ROOT, SERVER_GROUP, SERVER_USER, Backend, Site

pytestmark = pytest.mark.one_mpm

CONF = """
CacheQuickHandler Off
CACHE
CacheDefaultExpire 3600
CacheIgnoreNoLastMod On
CacheStoreNoStore On
CacheStorePrivate On
CacheHeader On
ProxyPass /api http://127.0.0.1:BACKEND/api
ProxyPass /open http://127.0.0.1:BACKEND/open
ProxyPass /public http://127.0.0.1:BACKEND/public
ProxyPass /typed http://127.0.0.1:BACKEND/typed
<Location /api>
    ApiSecEngine On
    ApiSecExport key-id user
    ApiSecLimit total rate=2/d burst=5000 by=key
</Location>
<Location /orders>
    ApiSecEngine On
</Location>
<Location /public>
    ApiSecEngine On
    ApiSecRequire public
</Location>
<Location /typed>
    ApiSecEngine On
    ApiSecRequire public
    AuthType ApiSec
    Require api-key
</Location>
<Directory @DOCS@>
    RewriteEngine On
    RewriteRule ^perdir/(.*)$ /api/$1
</Directory>
"""

CACHES = {
    "disk": (["cache_disk"], "CacheRoot @ROOT@/cache\nCacheEnable disk /\n"),
    "socache": (["cache_socache", "socache_shmcb"], "CacheSocache shmcb:@ROOT@/cache/shm\nCacheEnable socache /\n"),
}
FIELDS = {"plain": [], "public": [("Cache-Control", "public, max-age=3600")],
          "shared": [("Cache-Control", "public, s-maxage=3600, must-revalidate"), ("Vary", "Accept")],
          "expires": [("Expires", "Fri, 01 Jan 2100 00:00:00 GMT"), ("Last-Modified", "Fri, 01 Jan 2010 00:00:00 GMT")]}


def prepare(site):
    site.role("reader", "GET /api/**", "GET /orders/**", "GET /public/**", "GET /perdir/**")
    site.key("ci", owner="shop")
    site.key("other", owner="elsewhere")
    os.makedirs(site.folder.path("cache"))
    if IS_ROOT:
        shutil.chown(site.folder.path("cache"), SERVER_USER, SERVER_GROUP)


@pytest.fixture(scope="module", params=[(c, f) for c in sorted(CACHES) for f in sorted(FIELDS)], ids="-".join)
def site(request):
    modules, lines = CACHES[request.param[0]]
    with Backend(FIELDS[request.param[1]]) as backend:
        conf = CONF.replace("CACHE\n", lines, 1).replace("BACKEND", str(backend.port))
        with Site(conf, prepare, modules=["cache"] + modules + ["proxy_http", "rewrite"]) as made:
            made.backend, made.fields = backend, request.param[1]
            yield made


# TRN-19, TRN-05, AZ-01
@pytest.mark.parametrize("path", ["/api/x", "/api/x?q", "/orders/7.json", "/perdir/y", "/typed/x"])
@pytest.mark.parametrize("how", ["header", "bearer"])
def test_what_one_key_opened_is_not_served_to_others(site, path, how):
    path += "?" + how if "?" not in path else how
    def get(key):
        text = site.keys.get(key, key or "")
        pair = ("X-API-Key", text) if how == "header" else ("Authorization", "Bearer " + text)
        return site.get(path, headers=[pair] if key else [])
    for _ in range(2):
        assert get(None).status == 401
        for key, owner in (("ci", "shop"), ("other", "elsewhere"), ("ci", "shop")):
            got = get(key)
            assert got.status == 200 and "HIT" not in got.headers.get("X-Cache", ""), got
            if "/orders" not in path and "/typed" not in path:
                assert owner in got.text, got
        assert get("hunter2").status == 401 and get(None).status == 401


# LIM-23: an answer is charged, wherever it comes from
def test_each_answer_is_charged(site):
    left = []
    for _ in range(3):
        got = site.get("/api/limited", key="ci")
        left.append(int(got.headers["RateLimit"].split(";r=")[1].split(";")[0]))
    assert left == [left[0], left[0] - 1, left[0] - 2]


# the cache still works where it may
def test_what_is_open_is_cached(site):
    for place in ("/open/x", "/public/x"):
        assert site.get(place).status == 200
        got = site.get(place)
        assert got.status == 200
        if site.fields in ("public", "expires"):
            assert "HIT" in got.headers["X-Cache"], got
        got = site.get(place, key="ci")
        assert got.status == 200 and site.keys["ci"] not in got.text


# TRN-19: what was cached while the place was open is decided, too
def test_what_was_cached_before_is_decided(make_site):
    modules, lines = CACHES["disk"]
    with Backend(FIELDS["public"]) as backend:
        conf = CONF.replace("CACHE\n", lines, 1).replace("BACKEND", str(backend.port))
        site = make_site(conf, prepare, modules=["cache"] + modules + ["proxy_http", "rewrite"])
        site.get("/open/x")
        assert "HIT" in site.get("/open/x").headers["X-Cache"]
        with open(site.server.conf_path) as old:
            text = old.read()
        site.folder.write("httpd.conf", text + "<Location /open>\nApiSecEngine On\n</Location>\n")
        site.server.graceful()
        assert site.get("/open/x").status == 401
        assert site.get("/open/x", key="ci").status == 403
        assert site.get("/open/x", key="hunter2").status == 401


# TRN-19, TRN-14: the quick handler would answer before anybody decides
def test_quick_handler_is_a_fault_of_the_configuration(make_site):
    site = make_site("", prepare, modules=["cache", "cache_disk"], start=False)
    for quick in ("", "CacheQuickHandler On\n", "CacheQuickHandler on\nCacheQuickHandler Off\n",
                  "<VirtualHost *:*>\nCacheQuickHandler On\n</VirtualHost>\nCacheQuickHandler Off\n"):
        for enable in ("CacheEnable disk /\n", "<Location /x>\nCacheEnable disk\n</Location>\n"):
            for engine, bad in (("On", True), ("DetectOnly", True), ("Off", False)):
                site.server.configure("ApiSecStore @STORE@\nCacheRoot @ROOT@/cache\n%s%s<Location /api>\n"
                                      "ApiSecEngine %s\n</Location>\n" % (quick, enable, engine))
                code, said = site.server.configtest()
                assert (code != 0) == bad, (engine, said)
                if bad:
                    assert "CacheQuickHandler" in said and "Off" in said
