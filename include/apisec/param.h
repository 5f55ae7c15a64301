/* param.h - the parameters of a request: path, query, header and cookie, each read by its style and
 * judged by its schema.
 *
 * Texts are split where their style says so and each piece is then decoded once.  A bad %, invalid
 * UTF-8 and NUL are faults anywhere in a query or in cookies, whether declared or not (POS-14).
 * What a text becomes under its schema, and every style, is in docs/parameters.md.
 * Threads and processes: a reader belongs to one caller and is used for one request after the
 * other. */
#ifndef APISEC_PARAM_H
#define APISEC_PARAM_H

#include "apisec/api.h"
#include "apisec/failures.h"

#define APS_PARAM_PAIRS_MAX 1000 /* pairs of a query, a form or cookies */

struct aps_param_field {
    struct aps_str name; /* in any case */
    struct aps_str value;
};

/* What a request brings; all borrowed. */
struct aps_param_request {
    const struct aps_str *captures; /* of the path (api.h), still percent-encoded */
    uint32_t captures_n;
    struct aps_str query; /* without '?', as received; .p NULL: none */
    const struct aps_param_field *fields;
    uint32_t fields_n;
};

struct aps_param_options {
    bool undeclared; /* a query parameter that nobody declares is a fault (POS-01) */
    bool reserved;   /* so is a reserved character that is not encoded, but by allowReserved */
};

struct aps_param_reader;

/* A reader; lives in `pool` and borrows the judge, which is for values of requests.  `key` is
 * random (jsonread.h).  NULL without memory. */
struct aps_param_reader *aps_param_reader_new(apr_pool_t *pool, struct aps_schema_judge *judge,
                                              const unsigned char key[APS_SIPHASH_KEY_LEN]);

/* Whether all parameters of the operation are as it declares them; else why, in `failures`.  What
 * is decoded lives in `pool`.  *out_doubled: a text still had %hh after its one decoding (NEG-01);
 * only ever set to true. */
bool aps_param_judge(struct aps_param_reader *r, apr_pool_t *pool,
                     const struct aps_schema_image *image,
                     const struct aps_api_operation *operation,
                     const struct aps_param_request *request,
                     const struct aps_param_options *options, struct aps_failures *failures,
                     bool *out_doubled);

/* The field of this name (lower case); `*io_at` is where to begin and then behind the one that was
 * found.  NULL: no more. */
const struct aps_param_field *aps_param_field(const struct aps_param_request *request,
                                              struct aps_str name, uint32_t *io_at);

#endif
