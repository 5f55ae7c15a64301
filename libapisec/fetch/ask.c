/* ask.c - the question, in a form. */
#include "apisec/ask.h"

/* application/x-www-form-urlencoded, with all escaped that any reader could take for something
 * else: at most three bytes for each.  `out` is not NUL-ended; returns how many. */
static size_t encode(struct aps_str text, char *out)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];

        if (memchr(plain, c, sizeof plain - 1) != NULL) {
            out[n++] = text.p[i];
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return n;
}

static struct aps_str form_of(struct aps_str token, apr_pool_t *pool)
{
    static const struct aps_str head = {"token_type_hint=access_token&token=", 35};
    char *text = apr_palloc(pool, head.n + 3 * token.n);

    memcpy(text, head.p, head.n);
    return (struct aps_str){text, head.n + encode(token, text + head.n)};
}

static enum aps_err check(const struct aps_issuer *issuer, const struct aps_fetch_answer *answer,
                          struct aps_diag *diag)
{
    if (answer->status != 200) {
        aps_err_explain(diag, "%.*s: it answers with status %u: want 200%s",
                        APS_STR_SHOW(issuer->introspect), answer->status,
                        answer->status == 401 ? "; the client or its secret is wrong" : "");
        return APS_ERR_CHECK;
    }
    if (!aps_fetch_is_json(answer->type)) {
        aps_err_explain(diag, "%.*s: an answer of type \"%.*s\": want application/json",
                        APS_STR_SHOW(issuer->introspect), APS_STR_SHOW(answer->type));
        return APS_ERR_CHECK;
    }
    return APS_OK;
}

enum aps_err aps_ask(const struct aps_issuer *issuer, const struct aps_secret *secret,
                     struct aps_str token, const struct aps_fetch_options *base, apr_pool_t *pool,
                     struct aps_fetch_answer *out, struct aps_diag *diag)
{
    struct aps_fetch_options options = *base;
    struct aps_secret password = {NULL, 0};
    char *user = apr_pcalloc(pool, 3 * issuer->client_id.n + 1);
    enum aps_err err = aps_secret_new(3 * secret->n + 1, &password);

    if (err != APS_OK)
        return err;
    password.n = encode(aps_secret_str(secret), (char *)password.b);
    (void)encode(issuer->client_id, user);
    options.ca = issuer->ca.p;
    options.private_net = issuer->private_net;
    options.insecure_http = issuer->insecure_http;
    options.body_max = APS_INTROSPECT_MAX;
    options.form = form_of(token, pool);
    options.user = user;
    options.password = &password;
    err = aps_fetch(issuer->introspect, &options, pool, out, diag);
    password.n = 3 * secret->n + 1; /* all of it is wiped */
    aps_secret_wipe(&password);
    return err == APS_OK ? check(issuer, out, diag) : err;
}
