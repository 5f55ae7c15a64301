/* challenge.c - parameters of a challenge, quoted. */
#include "apisec/challenge.h"

#include <apr_strings.h>

struct text {
    apr_pool_t *pool;
    const char *value;
    bool begun; /* a parameter stands there */
};

/* A quoted-string of RFC 9110 5.6.4; NULL for a byte that it cannot have. */
static const char *quote(apr_pool_t *pool, struct aps_str s)
{
    char *out = apr_palloc(pool, 2 * s.n + 1), *p = out;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < ' ' || s.p[i] > '~')
            return NULL;
        if (s.p[i] == '"' || s.p[i] == '\\')
            *p++ = '\\';
        *p++ = s.p[i];
    }
    *p = '\0';
    return out;
}

static void put(struct text *t, const char *name, struct aps_str value)
{
    const char *quoted = value.p != NULL ? quote(t->pool, value) : NULL;

    if (quoted == NULL)
        return;
    t->value =
        apr_pstrcat(t->pool, t->value, t->begun ? ", " : " ", name, "=\"", quoted, "\"", NULL);
    t->begun = true;
}

static void put_error(struct text *t, const struct aps_challenge *c)
{
    put(t, "error", aps_str(aps_token_error(c->verdict)));
    if (c->verdict == APS_TOKEN_SCOPE)
        put(t, "scope", c->scope);
    if (c->verdict != APS_TOKEN_STEP_UP)
        return;
    put(t, "acr_values", c->acr_values);
    if (c->max_age > 0)
        put(t, "max_age",
            aps_str(
                apr_psprintf(t->pool, "%" APR_INT64_T_FMT, (apr_int64_t)(c->max_age / APS_SEC))));
}

static void put_algs(struct text *t, const struct aps_challenge *c)
{
    const char *list = "";

    for (size_t i = 0; i < c->nalgs; i++)
        list = apr_pstrcat(t->pool, list, i == 0 ? "" : " ", aps_alg_jose(c->algs[i]), NULL);
    if (c->algs != NULL && c->nalgs != 0)
        put(t, "algs", aps_str(list));
}

static const char *one(apr_pool_t *pool, const struct aps_challenge *c, bool dpop)
{
    struct text t = {pool, dpop ? "DPoP" : "Bearer", false};

    put(&t, "realm", c->realm);
    if (c->by_dpop == dpop)
        put_error(&t, c);
    if (dpop)
        put_algs(&t, c);
    put(&t, "resource_metadata", c->resource_metadata);
    return t.value;
}

size_t aps_challenge(apr_pool_t *pool, const struct aps_challenge *c,
                     const char *out[APS_CHALLENGE_MAX])
{
    size_t n = 0;

    if (c->bearer)
        out[n++] = one(pool, c, false);
    if (c->dpop)
        out[n++] = one(pool, c, true);
    return n;
}
