/* api_caller.c - a caller and the alternatives of `security`. */
#include "apisec/api_caller.h"

static bool is_of_kind(const struct aps_api_caller *caller, const struct aps_api_need *need)
{
    switch (need->kind) {
    case APS_API_KEY_HEADER:
    case APS_API_KEY_QUERY:
    case APS_API_KEY_COOKIE:
    case APS_API_HTTP_BASIC:
        return !caller->token;
    case APS_API_MUTUAL_TLS:
        return caller->certificate;
    case APS_API_HTTP_BEARER:
    case APS_API_HTTP_OTHER:
    case APS_API_OAUTH2:
    case APS_API_OPENID:
        break;
    }
    return true;
}

/* Scopes are asked for by OAuth; of all others the list names roles (OpenAPI 3.1). */
static enum aps_reason judge_list(const struct aps_key *key, const struct aps_api_need *need)
{
    bool scopes = need->kind == APS_API_OAUTH2 || need->kind == APS_API_OPENID;

    for (uint32_t i = 0; i < need->scopes_n; i++) {
        if (scopes && !aps_key_has_scope(key, need->scopes[i]))
            return APS_REASON_SCOPE_MISSING;
        if (!scopes && !aps_str_is_in(need->scopes[i], key->roles, key->nroles))
            return APS_REASON_ROLE_MISSING;
    }
    return APS_REASON_ALLOW;
}

enum aps_reason aps_api_caller_way(const struct aps_api_way *way,
                                   const struct aps_api_caller *caller)
{
    for (uint32_t i = 0; i < way->needs_n; i++) {
        enum aps_reason reason;

        if (!is_of_kind(caller, &way->needs[i]))
            return APS_REASON_API_SECURITY;
        if ((reason = judge_list(caller->key, &way->needs[i])) != APS_REASON_ALLOW)
            return reason;
    }
    return APS_REASON_ALLOW;
}

bool aps_api_caller_is_any(const struct aps_api_operation *operation)
{
    for (uint32_t i = 0; i < operation->security_n; i++)
        if (operation->security[i].needs_n == 0)
            return true;
    return operation->security_n == 0;
}

enum aps_reason aps_api_caller(const struct aps_api_operation *operation,
                               const struct aps_api_caller *caller)
{
    enum aps_reason first = APS_REASON_API_SECURITY;

    if (aps_api_caller_is_any(operation))
        return APS_REASON_ALLOW;
    for (uint32_t i = 0; i < operation->security_n; i++) {
        enum aps_reason reason = aps_api_caller_way(&operation->security[i], caller);

        if (reason == APS_REASON_ALLOW)
            return reason;
        if (first == APS_REASON_API_SECURITY)
            first = reason;
    }
    return first;
}
