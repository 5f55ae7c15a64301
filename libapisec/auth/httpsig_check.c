/* httpsig_check.c - what a route asks of a signature (RFC 9421 3.2.1). */
#include "httpsig_impl.h"

/* The first that is asked for and not covered, or NULL. */
static const struct aps_sf *find_uncovered(const struct aps_sf *covered,
                                           const struct aps_sf *wanted)
{
    while (wanted != NULL && aps_httpsig_component_is_covered(covered, wanted))
        wanted = wanted->next;
    return wanted;
}

static enum aps_httpsig_fault check_cover(const struct aps_httpsig *sig,
                                          const struct aps_httpsig_policy *policy, bool has_body,
                                          struct aps_diag *diag)
{
    const struct aps_sf *covered = sig->input->items;
    const struct aps_sf *missing = find_uncovered(covered, policy->require);

    if (missing == NULL && has_body)
        missing = find_uncovered(covered, policy->require_body);
    if (missing == NULL)
        return APS_HTTPSIG_OK;
    return aps_httpsig_explain(APS_HTTPSIG_UNCOVERED, missing->text, "it to be signed", diag);
}

/* All in seconds, as the signature says its times: fifteen digits, so that no difference of two
 * overflows. */
static enum aps_httpsig_fault check_time(const struct aps_httpsig *sig,
                                         const struct aps_httpsig_policy *policy, int64_t now,
                                         struct aps_diag *diag)
{
    static const struct aps_str created_name = {"created", 7}, expires_name = {"expires", 7};
    int64_t created;

    if (sig->created == NULL)
        return aps_httpsig_explain(APS_HTTPSIG_CREATED, created_name, "it in the signature", diag);
    created = sig->created->number;
    if (created - now > policy->max_ahead / APS_SEC) {
        aps_err_explain(diag, "created %lld: want at most %lld, which is now, and %lld more",
                        (long long)created, (long long)now,
                        (long long)(policy->max_ahead / APS_SEC));
        return APS_HTTPSIG_EARLY;
    }
    if (now - created > policy->max_age / APS_SEC) {
        aps_err_explain(diag, "created %lld: want at most %lld seconds before now, %lld",
                        (long long)created, (long long)(policy->max_age / APS_SEC), (long long)now);
        return APS_HTTPSIG_STALE;
    }
    if (sig->expires != NULL && now >= sig->expires->number) {
        aps_err_explain(diag, "%.*s %lld: want it after now, %lld", APS_STR_ARG(expires_name),
                        (long long)sig->expires->number, (long long)now);
        return APS_HTTPSIG_EXPIRED;
    }
    return APS_HTTPSIG_OK;
}

enum aps_httpsig_fault aps_httpsig_check(const struct aps_httpsig *sig,
                                         const struct aps_httpsig_policy *policy,
                                         const struct aps_httpsig_at *at, struct aps_diag *diag)
{
    static const struct aps_str nonce_name = {"nonce", 5};
    enum aps_httpsig_fault fault;

    if (sig->fault != APS_HTTPSIG_OK)
        return sig->fault;
    if ((fault = check_cover(sig, policy, at->has_body, diag)) != APS_HTTPSIG_OK ||
        (fault = check_time(sig, policy, at->now / APS_SEC, diag)) != APS_HTTPSIG_OK)
        return fault;
    if (policy->nonce && (sig->nonce == NULL || sig->nonce->text.n == 0))
        return aps_httpsig_explain(APS_HTTPSIG_NONCE, nonce_name, "it in the signature", diag);
    return APS_HTTPSIG_OK;
}
