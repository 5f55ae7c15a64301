/* api.h - an API as its OpenAPI description says it, compiled: which operation a request asks for,
 * and what that operation takes and gives.
 *
 * The block has offsets and no pointers, may be stored and mapped by many, and is looked at whole
 * when it is opened (as schema_image.h).  Its schemas are one schema image inside of it.
 * docs/openapi.md has what of OpenAPI is enforced.
 * Threads and processes: an open API is read-only. */
#ifndef APISEC_API_H
#define APISEC_API_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/role.h" /* enum aps_method */
#include "apisec/sanitize.h"
#include "apisec/schema_image.h"
#include "apisec/str.h"

#define APS_API_NO_SCHEMA UINT32_MAX /* any value */
#define APS_API_CAPTURES_MAX 32      /* path parameters of one template */
#define APS_API_SEGMENTS_MAX 64      /* of one template */

enum aps_api_in {
    APS_API_PATH,
    APS_API_QUERY,
    APS_API_HEADER,
    APS_API_COOKIE,
};

enum aps_api_style {
    APS_API_SIMPLE,
    APS_API_LABEL,
    APS_API_MATRIX,
    APS_API_FORM,
    APS_API_SPACE,
    APS_API_PIPE,
    APS_API_DEEP,
};

struct aps_api_param {
    struct aps_str name; /* header names in lower case */
    enum aps_api_in in;
    enum aps_api_style style;
    bool explode;
    bool required;
    bool reserved;   /* allowReserved */
    bool empty;      /* allowEmptyValue */
    bool json;       /* `content` of a JSON type in place of a style */
    uint32_t schema; /* entry of the schema image, or APS_API_NO_SCHEMA */
};

/* How a body of this type is read. */
enum aps_api_kind {
    APS_API_BYTES, /* not read: image/png, application/octet-stream; texts of which nothing is asked
                    */
    APS_API_JSON,
    APS_API_NDJSON,
    APS_API_URLENCODED,
    APS_API_MULTIPART,
    APS_API_XML,
    APS_API_TEXT, /* one text: text/plain, text/csv; only where the schema asks something of it */
};

/* Of one property of a form. */
struct aps_api_encoding {
    struct aps_str property;
    struct aps_str types; /* contentType as it stands: a list with ", "; empty: the usual one */
    enum aps_api_style style;
    bool explode;
    bool reserved;
    bool styled; /* style, explode or allowReserved stand there (else contentType counts) */
    const struct aps_api_param *headers; /* of the part, `in` header */
    uint32_t headers_n;
};

struct aps_api_media {
    struct aps_str type;    /* lower case, without parameters; a range ends in a star */
    enum aps_api_kind kind; /* of a range BYTES or TEXT: aps_api_kind_of tells of the body itself */
    uint32_t schema;
    uint32_t xml; /* of kind XML: where its table of names begins (apixml.h), or UINT32_MAX */
    const struct aps_api_encoding *encodings;
    uint32_t encodings_n;
    const struct aps_sanitize_field *sanitize; /* x-apisec-sanitize of a request's values */
    uint32_t sanitize_n;
};

#define APS_API_SANITIZE_MAX (APS_SANITIZE_RULES_MAX / 2) /* of one media */

struct aps_api_response {
    uint16_t from, to; /* 200, 200; 200, 299 for 2XX; 0, 999 for default; most exact first */
    const struct aps_api_media *medias;
    uint32_t medias_n;
    const struct aps_api_param *headers;
    uint32_t headers_n;
};

enum aps_api_scheme {
    APS_API_KEY_HEADER,
    APS_API_KEY_QUERY,
    APS_API_KEY_COOKIE,
    APS_API_HTTP_BASIC,
    APS_API_HTTP_BEARER,
    APS_API_HTTP_OTHER,
    APS_API_OAUTH2,
    APS_API_OPENID,
    APS_API_MUTUAL_TLS,
};

/* One scheme that is asked for together with the others of its list. */
struct aps_api_need {
    struct aps_str scheme; /* its name in securitySchemes */
    enum aps_api_scheme kind;
    struct aps_str name;          /* of an apiKey: the field, parameter or cookie */
    const struct aps_str *scopes; /* or roles, with 3.1 and other kinds */
    uint32_t scopes_n;
};

/* All of its needs; none: nobody is asked. */
struct aps_api_way {
    const struct aps_api_need *needs;
    uint32_t needs_n;
};

struct aps_api_operation {
    struct aps_str id;   /* operationId, or "GET /pets/{id}" */
    struct aps_str path; /* the template */
    enum aps_method method;
    const struct aps_api_param *params; /* of the path item too; path parameters first, in the order
                                         * of the template, then query, header and cookie */
    uint32_t params_n;
    bool body_required;
    const struct aps_api_media *bodies; /* most exact type first; none: no body is taken */
    uint32_t bodies_n;
    const struct aps_api_response *responses;
    uint32_t responses_n;
    const struct aps_api_way *security; /* one of these; security_n 0: nothing is said */
    uint32_t security_n;
    struct aps_str limit; /* x-apisec-limit: a plan; empty: none */
    bool stream;          /* x-apisec-stream: passed without being held */
    bool deprecated;
};

struct aps_api;

/* Look at a block and open it; keeps the bytes, which are aligned to 8 and do not change.  *out
 * lives in `pool`.  Errors as aps_schema_image_open. */
APS_MUST_CHECK enum aps_err aps_api_open(apr_pool_t *pool, struct aps_str block,
                                         const struct aps_api **out, struct aps_diag *diag);

const struct aps_schema_image *aps_api_schemas(const struct aps_api *api);

/* info.title and info.version; borrowed from the block. */
struct aps_str aps_api_title(const struct aps_api *api);
struct aps_str aps_api_version(const struct aps_api *api);

/* All of them, those of one path together, in the order of the paths' bytes. */
uint32_t aps_api_operations(const struct aps_api *api, const struct aps_api_operation **out);

/* How a body of this media type, in lower case and without parameters, is read; of a text BYTES. */
enum aps_api_kind aps_api_kind_of(struct aps_str type);

enum aps_api_found {
    APS_API_NO_PATH,
    APS_API_NO_METHOD,
    APS_API_FOUND,
};

struct aps_api_match {
    const struct aps_api_operation *operation;
    unsigned allowed; /* NO_METHOD: the methods that the path has */
    /* What stands for the {names}: capture i is that of the operation's params[i].  Pieces of
     * `path`, still percent-encoded. */
    struct aps_str captures[APS_API_CAPTURES_MAX];
    uint32_t captures_n;
};

/* Take the place of an API off an encoded path whose escapes are right: `at` is decoded and does
 * not end in a slash; empty: the server's root.  What is left begins with a slash.  False, and
 * nothing is changed: the path does not lie there. */
bool aps_api_below(struct aps_str *io_path, struct aps_str at);

/* The operation for `path`, which is below the API's prefix, begins with a slash and is still
 * percent-encoded.  Concrete segments win over templates from left to right; {x} is one byte at
 * least and never spans a slash (POS-01).  HEAD is answered by GET where it is not declared.
 * Allocates nothing; looks at each segment of the description at most once.  *out is set but for
 * NO_PATH. */
enum aps_api_found aps_api_find(const struct aps_api *api, enum aps_method method,
                                struct aps_str path, struct aps_api_match *out);

#endif
