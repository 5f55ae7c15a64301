/* request_credential.c - presence of credentials, by the kinds of securitySchemes. */
#include "request_credential.h"

#include "pairs.h"

struct look {
    apr_pool_t *pool;
    const struct aps_param_request *request;
    bool certificate;
};

static struct aps_str field_of(const struct look *l, struct aps_str name)
{
    uint32_t at = 0;
    const struct aps_param_field *field = aps_param_field(l->request, name, &at);

    return field != NULL ? aps_str_trim(field->value) : (struct aps_str){NULL, 0};
}

/* "Basic" and something behind it. */
static bool has_scheme(const struct look *l, struct aps_str scheme)
{
    const struct aps_str value = field_of(l, APS_STR_LIT("authorization"));

    return value.n > scheme.n + 1 && value.p[scheme.n] == ' ' &&
           aps_str_eq_nocase((struct aps_str){value.p, scheme.n}, scheme);
}

static bool has_pair(const struct look *l, struct aps_str text, char sep, struct aps_str name)
{
    struct decoder decoder = {.pool = l->pool, .percent = true, .plus = sep == '&'};
    struct pairs pairs;

    if (!aps_pairs_read(&decoder, text, sep, sep == ';', APS_PARAM_PAIRS_MAX, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs.n; i++)
        if (pairs.list[i].value.n > 0 && aps_str_eq(pairs.list[i].name, name))
            return true;
    return false;
}

static bool has(const struct look *l, const struct aps_api_need *need)
{
    switch (need->kind) {
    case APS_API_KEY_HEADER:
        return field_of(l, need->name).n > 0;
    case APS_API_KEY_QUERY:
        return has_pair(l, l->request->query, '&', need->name);
    case APS_API_KEY_COOKIE:
        return has_pair(l, field_of(l, APS_STR_LIT("cookie")), ';', need->name);
    case APS_API_HTTP_BASIC:
        return has_scheme(l, APS_STR_LIT("Basic"));
    case APS_API_HTTP_BEARER:
    case APS_API_OAUTH2:
    case APS_API_OPENID:
        return has_scheme(l, APS_STR_LIT("Bearer")) || has_scheme(l, APS_STR_LIT("DPoP"));
    case APS_API_HTTP_OTHER:
        return field_of(l, APS_STR_LIT("authorization")).n > 0;
    case APS_API_MUTUAL_TLS:
        return l->certificate;
    }
    return false;
}

bool aps_request_credential(apr_pool_t *pool, const struct aps_api_operation *operation,
                            const struct aps_param_request *request, bool certificate)
{
    const struct look l = {pool, request, certificate};
    bool good = operation->security_n == 0;

    for (uint32_t i = 0; i < operation->security_n && !good; i++) {
        const struct aps_api_way *way = &operation->security[i];

        good = true;
        for (uint32_t k = 0; k < way->needs_n && good; k++)
            good = has(&l, &way->needs[k]);
    }
    return good;
}
