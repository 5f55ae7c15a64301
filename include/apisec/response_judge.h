/* response_judge.h - an answer and the operation that it is of: is it what the description
 * declares?
 *
 * In this order: status, fields, media type, body.  What is not as declared has at most ten
 * failures (failures.h).  Members of a body that no schema speaks of may be taken out of it,
 * whatever its fields are. Threads and processes: a judge belongs to one thread at a time and is
 * used for one answer after the other; APIs may be shared. */
#ifndef APISEC_RESPONSE_JUDGE_H
#define APISEC_RESPONSE_JUDGE_H

#include "apisec/api.h"
#include "apisec/param.h"
#include "apisec/reason.h"

/* All borrowed. */
struct aps_response {
    unsigned status;
    const struct aps_param_field *fields;
    uint32_t fields_n;
    struct aps_str body; /* whole, decoded of any Content-Encoding */
    bool bare;           /* there is none, as of HEAD and 304: nor is its type judged */
    bool unread;         /* it is not here: only its type is judged */
};

struct aps_response_options {
    const struct aps_jsonread_options *json;
    bool strip; /* take out members that no schema speaks of, and judge what is left */
};

struct aps_response_result {
    enum aps_reason reason; /* ALLOW; RESPONSE_STATUS, _FIELD, _TYPE, _BODY; INTERNAL */
    struct aps_str body;    /* with `strip`, where something was taken out; else .p NULL */
    bool unreadable;        /* JSON that could not be read, so that nothing was taken out */
    struct aps_failures failures;
};

struct aps_response_judge;

/* A judge; lives in `pool`.  `key` is random (jsonread.h); of `schema` the way is always that of
 * responses, so writeOnly members are refused.  NULL without memory. */
struct aps_response_judge *aps_response_judge_new(apr_pool_t *pool,
                                                  const unsigned char key[APS_SIPHASH_KEY_LEN],
                                                  const struct aps_schema_judge_options *schema);

/* Judge; returns out->reason.  304 without a body passes where it is not declared and 200 is (RFC
 * 9110 15.4.5).  An operation that declares no responses, and a media type that is
 * not JSON, leave the body unread.  What is made lives in `pool`. */
enum aps_reason
aps_response_judge(struct aps_response_judge *j, apr_pool_t *pool, const struct aps_api *api,
                   const struct aps_api_operation *operation, const struct aps_response *response,
                   const struct aps_response_options *options, struct aps_response_result *out);

#endif
