/* introspect.c - active, and then what every token is asked. */
#include "apisec/introspect.h"

static const struct aps_jsonread_options limits = {
    .bytes_max = APS_INTROSPECT_MAX,
    .depth_max = 8,
    .nodes_max = 8000,
    .string_max = 16 * 1024,
    .members_max = 200,
    .items_max = 1000,
    .digits_max = 100,
    .big_integers = true,
};

enum aps_token aps_introspect(struct aps_str body, const struct aps_claims_policy *policy,
                              aps_nsec now, const unsigned char hash_key[APS_SIPHASH_KEY_LEN],
                              apr_pool_t *pool, struct aps_jsonread *reader, struct aps_claims *out,
                              struct aps_diag *diag)
{
    struct aps_claims_policy answer = *policy;
    const struct aps_jsonread_node *active;
    enum aps_jsonread_fault fault;

    answer.answer = true;
    aps_jsonread_init(reader, pool, hash_key);
    if ((fault = aps_jsonread(reader, body, &limits)) != APS_JSONREAD_OK) {
        aps_jsonread_fault_explain(reader, diag);
        return fault == APS_JSONREAD_NOMEM ? APS_TOKEN_INTERNAL : APS_TOKEN_ANSWER;
    }
    active = aps_jsonread_get(reader, aps_jsonread_root(reader), APS_STR_LIT("active"));
    if (active == NULL || (aps_jsonread_kind(active) != APS_JSON_TRUE &&
                           aps_jsonread_kind(active) != APS_JSON_FALSE)) {
        aps_err_explain(diag, "the answer has no active that is true or false");
        return APS_TOKEN_ANSWER;
    }
    if (aps_jsonread_kind(active) != APS_JSON_TRUE)
        return APS_TOKEN_INACTIVE;
    return aps_claims(reader, aps_jsonread_root(reader), &answer, now, pool, out, NULL, diag);
}
