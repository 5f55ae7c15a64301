/* request_credential.c - presence of credentials, by the kinds of securitySchemes. */
#include "request_credential.h"

#include <apr_encode.h>

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

/* What stands behind "Basic " or the like; no bytes: the scheme is another. */
static struct aps_str token_of(const struct look *l, struct aps_str scheme)
{
    const struct aps_str value = field_of(l, APS_STR_LIT("authorization"));

    if (value.n <= scheme.n + 1 || value.p[scheme.n] != ' ' ||
        !aps_str_eq_nocase((struct aps_str){value.p, scheme.n}, scheme))
        return (struct aps_str){NULL, 0};
    return aps_str_trim((struct aps_str){value.p + scheme.n, value.n - scheme.n});
}

/* base64 of name:password (RFC 7617 2) */
static bool has_basic(const struct look *l)
{
    const struct aps_str token = token_of(l, APS_STR_LIT("Basic"));
    apr_size_t n = 0;
    const unsigned char *bytes =
        token.n == 0 ? NULL
                     : apr_pdecode_base64_binary(l->pool, token.p, (apr_ssize_t)token.n,
                                                 APR_ENCODE_NONE, &n);

    return bytes != NULL && memchr(bytes, ':', n) != NULL;
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
        return has_basic(l);
    case APS_API_HTTP_BEARER:
    case APS_API_OAUTH2:
    case APS_API_OPENID:
        return token_of(l, APS_STR_LIT("Bearer")).n + token_of(l, APS_STR_LIT("DPoP")).n > 0;
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
