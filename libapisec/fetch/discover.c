/* discover.c - an issuer's metadata, and its keys. */
#include "apisec/discover.h"

#include <apr_strings.h>

#include "apisec/random.h"

/* Of a document; the largest of known ones have some ten kilobytes. */
static const struct aps_jsonread_options limits = {
    .bytes_max = 64 * 1024,
    .depth_max = 8,
    .nodes_max = 8000,
    .string_max = 16 * 1024,
    .members_max = 500,
    .items_max = 1000,
    .digits_max = 100,
    .big_integers = true,
};

enum aps_err aps_discover_places(struct aps_str iss, apr_pool_t *pool,
                                 struct aps_str out[APS_DISCOVER_PLACES], struct aps_diag *diag)
{
    struct aps_url url;
    enum aps_err err = aps_url_parse(iss, &url, diag);
    struct aps_str head, path;

    if (err != APS_OK)
        return err;
    if (url.query.p != NULL) {
        aps_err_explain(diag, "issuer \"%.*s\": one with a query has no metadata; give --jwks",
                        APS_STR_SHOW(iss));
        return APS_ERR_FORMAT;
    }
    head = (struct aps_str){iss.p, iss.n - url.path.n};
    path = url.path;
    if (path.n != 0 && path.p[path.n - 1] == '/')
        path.n--;
    out[0] = aps_str(apr_psprintf(pool, "%.*s/.well-known/oauth-authorization-server%.*s",
                                  APS_STR_ARG(head), APS_STR_ARG(path)));
    out[1] = aps_str(apr_psprintf(pool, "%.*s%.*s/.well-known/openid-configuration",
                                  APS_STR_ARG(head), APS_STR_ARG(path)));
    return APS_OK;
}

static struct aps_str text_of(const struct aps_jsonread *r, const char *name)
{
    const struct aps_jsonread_node *v = aps_jsonread_get(r, aps_jsonread_root(r), aps_str(name));

    return v != NULL && aps_jsonread_kind(v) == APS_JSON_STRING ? aps_jsonread_str(r, v)
                                                                : (struct aps_str){NULL, 0};
}

static bool is_named(const struct aps_issuer *issuer, const struct aps_url *url)
{
    struct aps_url own;

    if (aps_url_parse(issuer->jwt.claims.iss, &own, NULL) == APS_OK && aps_url_same_host(&own, url))
        return true;
    for (size_t i = 0; i < issuer->nhosts; i++)
        if (aps_str_eq_nocase(issuer->hosts[i], url->host))
            return true;
    return false;
}

static enum aps_err check_jwks(const struct aps_issuer *issuer, struct aps_str jwks,
                               struct aps_diag *diag)
{
    struct aps_url url;
    enum aps_err err;

    if (jwks.p == NULL) {
        aps_err_explain(diag, "it has no jwks_uri");
        return APS_ERR_FORMAT;
    }
    if ((err = aps_url_parse(jwks, &url, diag)) != APS_OK)
        return err;
    if (!url.https && !(issuer->insecure_http && url.loopback)) {
        aps_err_explain(diag, "its jwks_uri is \"%.*s\": want https", APS_STR_SHOW(jwks));
        return APS_ERR_UNSAFE;
    }
    if (is_named(issuer, &url))
        return APS_OK;
    aps_err_explain(diag,
                    "its jwks_uri is \"%.*s\", on another host than the issuer: if that is meant, "
                    "name it with --host %.*s",
                    APS_STR_SHOW(jwks), APS_STR_SHOW(url.host));
    return APS_ERR_UNSAFE;
}

enum aps_err aps_discover_read(struct aps_str body, const struct aps_issuer *issuer,
                               apr_pool_t *pool, struct aps_str *out_jwks, struct aps_diag *diag)
{
    unsigned char key[APS_SIPHASH_KEY_LEN];
    struct aps_jsonread r;
    struct aps_str iss, jwks;
    enum aps_err err = aps_random_fill(key, sizeof key);

    if (err != APS_OK)
        return err;
    aps_jsonread_init(&r, pool, key);
    if (aps_jsonread(&r, body, &limits) != APS_JSONREAD_OK) {
        aps_jsonread_fault_explain(&r, diag);
        return APS_ERR_FORMAT;
    }
    iss = text_of(&r, "issuer");
    if (iss.p == NULL) {
        aps_err_explain(diag, "it is no metadata of an issuer: it has no issuer");
        return APS_ERR_FORMAT;
    }
    if (!aps_str_eq(iss, issuer->jwt.claims.iss)) {
        aps_err_explain(diag, "it is that of issuer \"%.*s\": want \"%.*s\", byte by byte",
                        APS_STR_SHOW(iss), APS_STR_SHOW(issuer->jwt.claims.iss));
        return APS_ERR_CONFLICT;
    }
    jwks = text_of(&r, "jwks_uri");
    if ((err = check_jwks(issuer, jwks, diag)) == APS_OK)
        *out_jwks = aps_str_copy(pool, jwks);
    return err;
}

/* ---- fetching ---- */

struct run {
    const struct aps_issuer *issuer;
    struct aps_fetch_options options;
    apr_pool_t *pool;
    aps_discover_step_fn step;
    void *arg;
};

static void tell(const struct run *run, const char *what, struct aps_str url, enum aps_err err,
                 const struct aps_diag *diag, const char *address)
{
    const struct aps_discover_step step = {what, url, err,
                                           err != APS_OK ? aps_err_say(err, diag) : NULL, address};

    if (run->step != NULL)
        run->step(run->arg, &step);
}

/* A document of status 200 and of JSON. */
static enum aps_err get(const struct run *run, struct aps_str url, struct aps_fetch_answer *out,
                        struct aps_diag *diag)
{
    enum aps_err err = aps_fetch(url, &run->options, run->pool, out, diag);

    if (err != APS_OK)
        return err;
    if (out->status != 200) {
        aps_err_explain(diag, "%.*s: it answers with status %u: want 200%s", APS_STR_SHOW(url),
                        out->status, out->status / 100 == 3 ? ", and no redirect is followed" : "");
        return APS_ERR_CHECK;
    }
    if (!aps_fetch_is_json(out->type)) {
        aps_err_explain(diag, "%.*s: it answers with \"%.*s\": want application/json",
                        APS_STR_SHOW(url), APS_STR_SHOW(out->type));
        return APS_ERR_CHECK;
    }
    return APS_OK;
}

/* A place that has no document leaves the next; one that has a wrong one ends it. */
static enum aps_err find_jwks(const struct run *run, struct aps_str *out, struct aps_diag *diag)
{
    struct aps_str places[APS_DISCOVER_PLACES];
    enum aps_err err = aps_discover_places(run->issuer->jwt.claims.iss, run->pool, places, diag);

    for (size_t i = 0; err == APS_OK && i < APS_DISCOVER_PLACES; i++) {
        struct aps_fetch_answer answer = {.status = 0};

        err = get(run, places[i], &answer, diag);
        if (err == APS_OK)
            err = aps_discover_read(answer.body, run->issuer, run->pool, out, diag);
        tell(run, "metadata", places[i], err, diag, answer.address);
        if (err != APS_ERR_CHECK)
            return err;
        if (i + 1 < APS_DISCOVER_PLACES)
            err = APS_OK;
    }
    return err;
}

static enum aps_err get_keys(const struct run *run, struct aps_str url, struct aps_jwks *out,
                             struct aps_str *out_text, struct aps_diag *diag)
{
    const struct aps_jwks_options options = aps_issuer_jwks(run->issuer, true);
    unsigned char key[APS_SIPHASH_KEY_LEN];
    struct aps_fetch_answer answer = {.status = 0};
    enum aps_err err = aps_random_fill(key, sizeof key);

    if (err == APS_OK)
        err = get(run, url, &answer, diag);
    if (err == APS_OK)
        err = aps_jwks_read(answer.body, &options, key, run->pool, out, diag);
    tell(run, "keys", url, err, diag, answer.address);
    if (err == APS_OK)
        *out_text = answer.body;
    return err;
}

enum aps_err aps_discover_keys(const struct aps_issuer *issuer,
                               const struct aps_fetch_options *base, apr_pool_t *pool,
                               struct aps_jwks *out, struct aps_str *out_text,
                               aps_discover_step_fn step, void *arg, struct aps_diag *diag)
{
    struct run run = {issuer, *base, pool, step, arg};
    struct aps_str url = issuer->jwks_url;
    struct aps_diag said = {{0}};
    enum aps_err err = APS_OK;

    run.options.ca = issuer->ca.p;
    run.options.private_net = issuer->private_net;
    run.options.insecure_http = issuer->insecure_http;
    run.options.body_max = APS_JWKS_BYTES_MAX;
    if (issuer->source == APS_ISSUER_DISCOVER)
        err = find_jwks(&run, &url, &said);
    else if (issuer->source != APS_ISSUER_URL)
        err = APS_ERR_FAILED;
    if (err == APS_OK)
        err = get_keys(&run, url, out, out_text, &said);
    if (err != APS_OK)
        aps_err_explain(diag, "%s", aps_err_say(err, &said));
    return err;
}
