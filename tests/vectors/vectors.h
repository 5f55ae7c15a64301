/* vectors.h - a kind of cases: how a row of it is judged.
 *
 * Each kind is a file kind_<name>.c and a row in vectors.c. */
#ifndef T_VECTORS_H
#define T_VECTORS_H

#include <apr_pools.h>

#include "apisec/json.h"
#include "apisec/jsonread.h"

/* One row; all of it lives until the next. */
struct t_row {
    apr_pool_t *pool;
    struct aps_jsonread *reader; /* which has read the row */
    const struct aps_jsonread_node *object;
    const unsigned char *key; /* random, for readers of what the row holds */
};

/* Judge the row: write the member "got" (or "got_b64") and return NULL, or write nothing and return
 * why it cannot be judged. */
typedef const char *t_kind_fn(const struct t_row *row, struct aps_json *out);

t_kind_fn t_kind_digest;
t_kind_fn t_kind_dpop;
t_kind_fn t_kind_httpsig;
t_kind_fn t_kind_httpsig_component;
t_kind_fn t_kind_json;
t_kind_fn t_kind_jws;
t_kind_fn t_kind_jwt_attack;
t_kind_fn t_kind_leak;
t_kind_fn t_kind_openapi_doc;
t_kind_fn t_kind_openapi_request;
t_kind_fn t_kind_schema;
t_kind_fn t_kind_schema_oas30;
t_kind_fn t_kind_sf;
t_kind_fn t_kind_webhook;
t_kind_fn t_kind_xml_attack;
t_kind_fn t_kind_xsd;
t_kind_fn t_kind_zone;

/* Judge a whole file and print its rows; false if one could not be printed. */
typedef bool t_whole_fn(struct aps_str text, const unsigned char *key, apr_pool_t *pool);

t_whole_fn t_kind_crypto;

/* The member `name`, or that of `name_b64` decoded; false if there is neither, or it is no string
 * or no base64. */
bool t_row_bytes(const struct t_row *row, const char *name, struct aps_str *out);

/* The member `name` if it is a string. */
bool t_row_text(const struct t_row *row, const char *name, struct aps_str *out);

/* The member `name` if it is an integer. */
bool t_row_integer(const struct t_row *row, const char *name, int64_t *out);

#endif
