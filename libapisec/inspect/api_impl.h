/* api_impl.h - how a compiled API is laid out.
 *
 * Block: [ head | sections ].  A section is an array of records of one size, in the order of enum
 * api_section, and begins on a border of 8; the last one is the schema image, whole.  A range is a
 * number of records of one section; what a record has stands in ranges, so that opening turns each
 * into a pointer and a count.  Numbers are those of the machine. */
#ifndef INSPECT_API_IMPL_H
#define INSPECT_API_IMPL_H

#include "apisec/api.h"
#include "apisec/apixml.h"

#define API_MAGIC 0x69706131u
#define API_VERSION 3u

enum api_section {
    API_S_OPERATIONS, /* of one path together, paths in the order of their bytes */
    API_S_PARAMS,
    API_S_MEDIAS,
    API_S_ENCODINGS,
    API_S_RESPONSES,
    API_S_WAYS,
    API_S_NEEDS,
    API_S_TEXTS,
    API_S_SANITIZE,
    API_S_BYTES,
    API_S_SCHEMAS,
    API_SECTIONS
};

struct api_text {
    uint32_t at, n; /* in the section of bytes */
};

struct api_range {
    uint32_t at, n; /* records of a section */
};

enum {
    API_EXPLODE = 1,
    API_REQUIRED = 2,
    API_RESERVED = 4,
    API_EMPTY = 8,
    API_JSON_TEXT = 16,
    API_STYLED = 32,
    API_STREAM = 64,
    API_DEPRECATED = 128,
};

struct api_param_record {
    struct api_text name;
    uint32_t in, style, flags, schema;
};

struct api_encoding_record {
    struct api_text property, types;
    uint32_t style, flags;
    struct api_range headers;
};

struct api_media_record {
    struct api_text type;
    uint32_t kind, schema, xml, spare;
    struct api_range encodings, sanitize;
};

struct api_sanitize_record {
    struct api_text pointer;
    uint32_t actions, spare;
};

struct api_response_record {
    uint32_t from, to;
    struct api_range medias, headers;
};

struct api_need_record {
    struct api_text scheme, name;
    struct api_range scopes;
    uint32_t kind, spare;
};

struct api_operation_record {
    struct api_text id, path, limit;
    uint32_t method, flags;
    struct api_range params, bodies, responses, security;
};

struct api_head {
    uint32_t magic, version;
    uint32_t size, spare;                   /* bytes of the block */
    uint64_t sum;                           /* of all that follows */
    struct api_range section[API_SECTIONS]; /* byte of the block where it begins, and records */
    struct api_text title, info_version;
};
_Static_assert(sizeof(struct api_head) % 8 == 0, "sections begin on a border of 8");

extern const uint32_t api_sizes[API_SECTIONS];

uint64_t aps_api_open_sum(const void *block, size_t n);

/* ---- the tree of paths (api_tree.c) */

/* A segment below a place.  `parts` has what stands around its captures, decoded; of a literal
 * segment, the only one is all of it. */
struct api_edge {
    const struct aps_str *parts;
    uint32_t captures;
    uint32_t to; /* place */
};

/* Literal segments first, in the order of their bytes; then the others, those with the longest
 * literals first. */
struct api_place {
    const struct api_edge *edges;
    uint32_t literals, edges_n;
    uint32_t first, operations; /* of the path that ends here */
};

struct aps_api {
    const struct api_head *head;
    const char *bytes;
    const struct aps_schema_image *schemas;
    const struct aps_apixml *const *tables; /* by the number of their text; NULL: it is none */
    const struct aps_api_operation *operations;
    uint32_t operations_n;
    const struct api_place *places; /* the first is the root */
    uint32_t depth;                 /* segments of the longest path */
};

/* Fill in places and depth.  APS_ERR_CONFLICT: two paths are the same but for the names of their
 * parameters; APS_ERR_FORMAT: a path is none. */
APS_MUST_CHECK enum aps_err aps_api_tree(struct aps_api *api, apr_pool_t *pool,
                                         struct aps_diag *diag);

/* ---- templates (api_path.c) */

/* The next piece of a template: a literal, or a name without its braces. */
bool aps_api_path_next(struct aps_str *rest, struct aps_str *out, bool *out_is_name);
/* What is wrong with a template, or NULL; then its names are in `names`. */
const char *aps_api_path_check(struct aps_str path, struct aps_str names[APS_API_CAPTURES_MAX],
                               uint32_t *out_n);
/* The next byte of percent-encoded text, which is not empty; `%` without two hexadecimal digits
 * stands for itself. */
unsigned char aps_api_path_byte(struct aps_str *text);
/* All of them; lives in `pool`. */
struct aps_str aps_api_path_decode(apr_pool_t *pool, struct aps_str text);

#endif
