/* issuer.c - what a definition of an issuer has to keep to. */
#include "apisec/issuer.h"

#include <apr_strings.h>

enum { TTL_MIN = 10, CLIENT_MAX = 256 };

const char *aps_issuer_source_name(enum aps_issuer_source source)
{
    static const char *const names[] = {"static", "url", "discover", "none"};

    return names[source];
}

void aps_issuer_defaults(struct aps_issuer *issuer)
{
    *issuer = (struct aps_issuer){
        .jwt = {.claims = {.leeway = 30 * APS_SEC, .profile = true}},
        .source = APS_ISSUER_NONE,
        .life = {.ttl = 10 * APS_MINUTE, .max_stale = APS_HOUR, .min_interval = 30 * APS_SEC},
        .answer_ttl = 60 * APS_SEC,
    };
}

struct aps_claims_policy aps_issuer_answers(const struct aps_issuer *issuer)
{
    struct aps_claims_policy policy = issuer->jwt.claims;

    policy.answer = true;
    policy.profile = false;
    return policy;
}

bool aps_issuer_is_secret(const struct aps_issuer *issuer)
{
    for (size_t i = 0; i < issuer->jwt.nalgs; i++)
        if (aps_alg_key(issuer->jwt.algs[i]) == APS_ALG_KEY_SECRET)
            return true;
    return false;
}

struct aps_jwks_options aps_issuer_jwks(const struct aps_issuer *issuer, bool fetched)
{
    return (struct aps_jwks_options){
        .jwk = {issuer->jwt.algs, issuer->jwt.nalgs, !fetched && aps_issuer_is_secret(issuer)},
        .mixed = issuer->jwt.mixed,
    };
}

struct aps_str aps_issuer_secret(apr_pool_t *pool, struct aps_str name)
{
    return aps_str(apr_psprintf(pool, "issuer/%.*s", APS_STR_ARG(name)));
}

struct aps_str aps_issuer_secret_keys(apr_pool_t *pool, struct aps_str name)
{
    return aps_str(apr_psprintf(pool, "issuer-keys/%.*s", APS_STR_ARG(name)));
}

/* ---- checks ---- */

/* Text that stands in logs and answers: no control character, at most `max` bytes. */
static bool is_plain(struct aps_str s, size_t max)
{
    if (s.n == 0 || s.n > max)
        return false;
    for (size_t i = 0; i < s.n;) {
        const struct aps_str at = {s.p + i, s.n - i};
        uint32_t code = 0;
        const size_t n = aps_str_utf8_code(at, &code);

        if (n == 0 || aps_str_is_control(code))
            return false;
        i += n;
    }
    return true;
}

static enum aps_err check_url(const struct aps_issuer *issuer, const char *what,
                              struct aps_str text, struct aps_diag *diag)
{
    struct aps_url url;
    enum aps_err err = aps_url_parse(text, &url, diag);

    if (err != APS_OK || url.https || (issuer->insecure_http && url.loopback))
        return err;
    aps_err_explain(diag,
                    "%s \"%.*s\": want https; http is taken with --insecure-http and on an address "
                    "of loopback alone",
                    what, APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

static enum aps_err check_names(const struct aps_issuer *issuer, struct aps_diag *diag)
{
    const struct aps_claims_policy *claims = &issuer->jwt.claims;

    if (!aps_str_is_name(issuer->name)) {
        aps_err_explain(diag,
                        "issuer name \"%.*s\": want 1 to 64 letters, digits and . _ -, beginning "
                        "with a letter or a digit",
                        APS_STR_SHOW(issuer->name));
        return APS_ERR_FORMAT;
    }
    if (claims->iss.n != 0 && !is_plain(claims->iss, APS_CLAIMS_TEXT_MAX)) {
        aps_err_explain(diag, "iss \"%.*s\": want at most %d bytes without control characters",
                        APS_STR_SHOW(claims->iss), APS_CLAIMS_TEXT_MAX);
        return APS_ERR_FORMAT;
    }
    for (size_t i = 0; i < claims->naudiences; i++)
        if (!is_plain(claims->audiences[i], APS_CLAIMS_TEXT_MAX)) {
            aps_err_explain(diag,
                            "audience \"%.*s\": want 1 to %d bytes without control characters",
                            APS_STR_SHOW(claims->audiences[i]), APS_CLAIMS_TEXT_MAX);
            return APS_ERR_FORMAT;
        }
    return APS_OK;
}

static enum aps_err check_counts(const struct aps_issuer *issuer, struct aps_diag *diag)
{
    const struct {
        const char *what;
        size_t n;
    } lists[] = {
        {"audiences", issuer->jwt.claims.naudiences},
        {"algorithms", issuer->jwt.nalgs},
        {"needed claims", issuer->jwt.claims.nneeds},
        {"rules", issuer->jwt.claims.nrules},
        {"hosts", issuer->nhosts},
    };

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (lists[i].n > APS_ISSUER_LIST_MAX) {
            aps_err_explain(diag, "%zu %s: want at most %d", lists[i].n, lists[i].what,
                            APS_ISSUER_LIST_MAX);
            return APS_ERR_RANGE;
        }
    return APS_OK;
}

static enum aps_err check_rules(const struct aps_issuer *issuer, struct aps_diag *diag)
{
    for (size_t i = 0; i < issuer->jwt.claims.nrules; i++) {
        const struct aps_claimrule *rule = &issuer->jwt.claims.rules[i];

        if (rule->to.p != NULL && rule->kind == APS_CLAIMRULE_ROLE && !aps_str_is_name(rule->to)) {
            aps_err_explain(diag,
                            "role \"%.*s\": want 1 to 64 letters, digits and . _ -, beginning with "
                            "a letter or a digit",
                            APS_STR_SHOW(rule->to));
            return APS_ERR_FORMAT;
        }
        if (rule->value.p != NULL && !is_plain(rule->value, APS_CLAIMS_TEXT_MAX)) {
            aps_err_explain(diag, "value \"%.*s\" of a claim: want text without control characters",
                            APS_STR_SHOW(rule->value));
            return APS_ERR_FORMAT;
        }
    }
    return APS_OK;
}

static enum aps_err check_time(const char *what, aps_nsec value, aps_nsec min, aps_nsec max,
                               struct aps_diag *diag)
{
    if (value >= min && value <= max && value % APS_SEC == 0)
        return APS_OK;
    aps_err_explain(diag, "%s of %lld ms: want whole seconds from %lld to %lld s", what,
                    (long long)(value / (APS_SEC / 1000)), (long long)(min / APS_SEC),
                    (long long)(max / APS_SEC));
    return APS_ERR_RANGE;
}

static enum aps_err check_times(const struct aps_issuer *issuer, struct aps_diag *diag)
{
    const struct aps_claims_policy *claims = &issuer->jwt.claims;
    const struct aps_jwks_life *life = &issuer->life;
    enum aps_err err;

    if ((err = check_time("leeway", claims->leeway, 0, APS_CLAIMS_LEEWAY_MAX, diag)) != APS_OK ||
        (err = check_time("max-age", claims->max_age, 0, 366 * APS_DAY, diag)) != APS_OK ||
        (err = check_time("max-life", claims->max_life, 0, 366 * APS_DAY, diag)) != APS_OK ||
        (err = check_time("ttl of keys", life->ttl, TTL_MIN * APS_SEC, 7 * APS_DAY, diag)) !=
            APS_OK ||
        (err = check_time("stale time of keys", life->max_stale, 0, 7 * APS_DAY, diag)) != APS_OK ||
        (err = check_time("interval of fetching", life->min_interval, APS_SEC, APS_DAY, diag)) !=
            APS_OK)
        return err;
    return check_time("remembering of answers", issuer->answer_ttl, 0, APS_HOUR, diag);
}

static enum aps_err check_source(const struct aps_issuer *issuer, struct aps_diag *diag)
{
    if (issuer->source == APS_ISSUER_NONE && issuer->introspect.p == NULL) {
        aps_err_explain(diag, "an issuer without keys and without --introspect: nobody could tell "
                              "whose a token is; give --jwks");
        return APS_ERR_FORMAT;
    }
    if (issuer->source != APS_ISSUER_STATIC && aps_issuer_is_secret(issuer)) {
        aps_err_explain(diag, "HMAC wants its secret from a file: a secret that is fetched from a "
                              "URL is none; give --jwks FILE");
        return APS_ERR_FORMAT;
    }
    if (issuer->source == APS_ISSUER_URL)
        return check_url(issuer, "URL of keys", issuer->jwks_url, diag);
    return issuer->source == APS_ISSUER_DISCOVER
               ? check_url(issuer, "issuer that is to be discovered", issuer->jwt.claims.iss, diag)
               : APS_OK;
}

static enum aps_err check_introspect(const struct aps_issuer *issuer, struct aps_diag *diag)
{
    if (issuer->introspect.p == NULL && issuer->client_id.p == NULL)
        return APS_OK;
    if (issuer->introspect.p == NULL || issuer->client_id.p == NULL ||
        !is_plain(issuer->client_id, CLIENT_MAX)) {
        aps_err_explain(diag,
                        "--introspect URL and --client-id ID go together, the latter of 1 to %d "
                        "bytes without control characters: who asks an issuer about tokens has to "
                        "prove who it is",
                        CLIENT_MAX);
        return APS_ERR_FORMAT;
    }
    return check_url(issuer, "URL of introspection", issuer->introspect, diag);
}

static enum aps_err check_hosts(const struct aps_issuer *issuer, struct aps_diag *diag)
{
    for (size_t i = 0; i < issuer->nhosts; i++) {
        const struct aps_str host = issuer->hosts[i];
        char text[APS_URL_MAX];
        struct aps_url url;
        const int n = apr_snprintf(text, sizeof text, "https://%.*s/", APS_STR_SHOW(host));

        if (aps_url_parse((struct aps_str){text, (size_t)n}, &url, NULL) == APS_OK &&
            aps_str_eq(url.host, host))
            continue;
        aps_err_explain(diag, "host \"%.*s\": want a name such as keys.example, without a port",
                        APS_STR_SHOW(host));
        return APS_ERR_FORMAT;
    }
    return APS_OK;
}

static enum aps_err check_ca(const struct aps_issuer *issuer, struct aps_diag *diag)
{
    if (issuer->ca.p == NULL ||
        (issuer->ca.n < APS_URL_MAX && issuer->ca.p[0] == '/' && is_plain(issuer->ca, APS_URL_MAX)))
        return APS_OK;
    aps_err_explain(diag, "file of authorities \"%.*s\": want a path from / on",
                    APS_STR_SHOW(issuer->ca));
    return APS_ERR_FORMAT;
}

enum aps_err aps_issuer_check(const struct aps_issuer *issuer, struct aps_diag *diag)
{
    enum aps_err err;

    if ((err = check_names(issuer, diag)) != APS_OK ||
        (err = check_counts(issuer, diag)) != APS_OK ||
        (err = aps_jwt_issuer_check(&issuer->jwt, diag)) != APS_OK ||
        (err = check_rules(issuer, diag)) != APS_OK ||
        (err = check_source(issuer, diag)) != APS_OK ||
        (err = check_introspect(issuer, diag)) != APS_OK ||
        (err = check_hosts(issuer, diag)) != APS_OK || (err = check_ca(issuer, diag)) != APS_OK)
        return err;
    return check_times(issuer, diag);
}
