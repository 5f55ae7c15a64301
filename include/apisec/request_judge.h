/* request_judge.h - one request and an API's description: may it be served?
 *
 * In this order: path, method, credentials that security asks for, parameters, media type, body.
 * All parameters are judged even where some fail; a body only if they are good.  What is refused
 * has at most ten failures (failures.h, POS-21). Threads and processes: a judge belongs to one
 * thread of a child and is used for one request after the other; APIs may be shared. */
#ifndef APISEC_REQUEST_JUDGE_H
#define APISEC_REQUEST_JUDGE_H

#include "apisec/api.h"
#include "apisec/form.h"
#include "apisec/reason.h"

/* All borrowed. */
struct aps_request {
    enum aps_method method;
    struct aps_str path;  /* below the API's prefix, still percent-encoded */
    struct aps_str query; /* without '?', as received; .p NULL: none */
    const struct aps_param_field *fields;
    uint32_t fields_n;
    struct aps_str body; /* whole, decoded of any Content-Encoding; no bytes: none was sent */
    bool unread;         /* there is one, which is not here: only its type is judged */
    bool certificate;    /* the client has shown one, for mutualTLS */
};

struct aps_request_judge;

/* Reads a body of XML or JSON lines, by the media's table and schema; failures are its to list.
 * False: refused. */
typedef bool aps_request_body_fn(void *context, apr_pool_t *pool, const struct aps_api *api,
                                 const struct aps_api_media *media, struct aps_str body,
                                 struct aps_failures *failures);

struct aps_request_options {
    const struct aps_jsonread_options *json;
    const struct aps_multipart_options *multipart;
    bool undeclared; /* query and form parameters and bodies that nobody declares are refused */
    bool reserved;   /* as aps_param_options */
    bool security;   /* credentials that an operation asks for have to be there */
    bool head;       /* HEAD is answered by GET where only that is declared */
    aps_request_body_fn *xml, *lines; /* NULL: such a body is refused as of no known type */
    void *context;
};

struct aps_request_result {
    enum aps_reason reason; /* ALLOW, or an API_ one, or INTERNAL without memory */
    enum aps_api_found found;
    struct aps_api_match match;        /* but for API_PATH */
    const struct aps_api_media *media; /* that the body is of; NULL: it was not judged */
    enum aps_api_kind kind;            /* how that is read */
    bool doubled;                      /* a text still had %hh after its one decoding (NEG-01) */
    struct aps_failures failures;      /* its memory is the request's pool */
};

/* A judge; lives in `pool`.  `key` is random (jsonread.h); of `schema` the way is always that of
 * requests, so readOnly members are refused.  NULL without memory. */
struct aps_request_judge *aps_request_judge_new(apr_pool_t *pool,
                                                const unsigned char key[APS_SIPHASH_KEY_LEN],
                                                const struct aps_schema_judge_options *schema);

/* Judge; returns out->reason.  What is decoded lives in `pool`, which may be cleared afterwards. */
enum aps_reason aps_request_judge(struct aps_request_judge *j, apr_pool_t *pool,
                                  const struct aps_api *api, const struct aps_request *request,
                                  const struct aps_request_options *options,
                                  struct aps_request_result *out);

#endif
