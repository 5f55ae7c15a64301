/* api_build.h - what the compiler of API descriptions works with. */
#ifndef INSPECT_API_BUILD_H
#define INSPECT_API_BUILD_H

#include <apr_hash.h>
#include <apr_tables.h>

#include "apisec/api_compile.h"
#include "apisec/buf.h"
#include "apisec/jsonread.h"
#include "api_impl.h"
#include "docindex.h"

struct api_doc {
    struct aps_str uri;
    struct aps_jsonread reader;
    struct docindex index;
};

/* A value and where it stands. */
struct api_at {
    const struct api_doc *doc;
    const struct aps_jsonread_node *v; /* NULL: there is none */
    struct aps_str pointer;            /* JSON Pointer in its document */
};

struct api_build {
    apr_pool_t *pool; /* of the compiler */
    const struct aps_api_options *options;
    const struct aps_schema_source *sources;
    struct api_doc *docs;
    uint32_t docs_n;
    bool old; /* OpenAPI 3.0 */
    enum aps_schema_dialect dialect;
    struct api_at root;
    struct api_at components;
    struct api_head head;
    apr_array_header_t *part[API_SECTIONS]; /* of records; bytes and schemas are apart */
    struct aps_buf bytes;
    apr_hash_t *texts;             /* bytes -> struct api_text */
    apr_array_header_t *entries;   /* struct aps_schema_entry */
    apr_hash_t *numbers;           /* value -> number of its entry */
    apr_hash_t *sanitized;         /* values of x-apisec-sanitize that count */
    apr_array_header_t *sanitizes; /* struct api_at: those that stand in any schema */
    apr_hash_t *extended;          /* schemas, and references, that were looked at for extensions */
    apr_hash_t *counts;            /* name -> uint32_t, as aps_api_build_count has found it */
    struct aps_api_report *report;
    struct aps_diag *diag;
    enum aps_err err;
};

/* ---- api_build.c: sections of the block */

bool aps_api_build_begin(struct api_build *b);
bool aps_api_build_text(struct api_build *b, struct aps_str text, struct api_text *out);
/* Append the array's records, which are of the section. */
bool aps_api_build_add(struct api_build *b, enum api_section section,
                       const apr_array_header_t *records, struct api_range *out);
/* The entry of this schema; APS_API_NO_SCHEMA where there is none. */
bool aps_api_build_schema(struct api_build *b, struct api_at schema, uint32_t *out);
/* Put the block together around the schema image; lives in `pool`. */
bool aps_api_build_finish(struct api_build *b, struct aps_str schemas, apr_pool_t *pool,
                          struct aps_str *out);

/* Set b->err and the sentence, which begins with the place; returns false. */
bool aps_api_build_fail(struct api_build *b, struct api_at at, enum aps_err err, const char *fmt,
                        ...) APS_PRINTF(4, 5);
/* One more line of the report. */
void aps_api_build_gap(struct api_build *b, struct api_at at, const char *fmt, ...)
    APS_PRINTF(3, 4);
void aps_api_build_warn(struct api_build *b, struct api_at at, const char *fmt, ...)
    APS_PRINTF(3, 4);

/* How often the name stands in the documents, between quotes. */
uint32_t aps_api_build_count(const struct api_build *b, const char *name);

/* ---- api_doc.c: values of the documents.  False: b->err is set. */

bool aps_api_doc_read(struct api_build *b);
/* The member of this name, of any kind; out->v is NULL where there is none. */
void aps_api_doc_any(const struct api_build *b, struct api_at at, const char *name,
                     struct api_at *out);
/* The same of one kind, APS_JSON_OBJECT or else. */
bool aps_api_doc_get(struct api_build *b, struct api_at at, const char *name,
                     enum aps_jsonread_kind kind, struct api_at *out);
/* A string; empty where there is none. */
bool aps_api_doc_text(struct api_build *b, struct api_at at, const char *name, struct aps_str *out);
/* true or false; untouched where there is none. */
bool aps_api_doc_flag(struct api_build *b, struct api_at at, const char *name, bool *io);
/* The member whose name is `m`; the item `i`, which is `v`. */
struct api_at aps_api_doc_member(const struct api_build *b, struct api_at at,
                                 const struct aps_jsonread_node *m);
struct api_at aps_api_doc_item(const struct api_build *b, struct api_at at, uint32_t i,
                               const struct aps_jsonread_node *v);
/* One step along a $ref that the object may be; *out_moved false: it is none. */
bool aps_api_doc_step(struct api_build *b, struct api_at *io, bool *out_moved);
/* All steps, to an object. */
bool aps_api_doc_resolve(struct api_build *b, struct api_at *io);

static inline struct aps_str api_str(struct api_at at)
{
    return aps_jsonread_str(&at.doc->reader, at.v);
}

/* ---- api_param.c */

bool aps_api_param_style(struct aps_str name, enum aps_api_style *out);
/* Whether a parameter there, "query" or else, may have the style of this name. */
bool aps_api_param_fits(struct aps_str style, struct aps_str in);
/* Those of the path items and the operation, each later one in place of an earlier; in order. */
bool aps_api_param_list(struct api_build *b, const struct api_at *lists, uint32_t n,
                        struct api_at operation, struct aps_str path, struct api_range *out);
/* A map of headers. */
bool aps_api_param_headers(struct api_build *b, struct api_at map, struct api_range *out);

/* ---- api_media.c */

/* A media type in lower case without its parameters; lives in b->pool. */
struct aps_str aps_api_media_type(const struct api_build *b, struct aps_str text);
/* A map of media types, of a request's body or an answer's. */
bool aps_api_media_list(struct api_build *b, struct api_at content, bool request,
                        struct api_range *out);

/* ---- api_sanitize.c */

/* What x-apisec-sanitize says of the fields of a request's body. */
bool aps_api_sanitize(struct api_build *b, struct api_at media, enum aps_api_kind kind,
                      struct api_range *out);
/* List how many of all stand where they do not count. */
void aps_api_sanitize_list(struct api_build *b);

/* ---- api_url.c */

/* What x-apisec-url asks holds wherever its schema is judged: list those that stand nowhere else,
 * and refuse operations whose bodies nobody reads. */
bool aps_api_url(struct api_build *b, struct aps_str schemas);

/* ---- api_security.c */

/* The list of requirements, unless there is none. */
bool aps_api_security(struct api_build *b, struct api_at list, struct api_range *out);

/* ---- api_check.c */

/* What the description's form has to be; without a report, all that is wrong is an error. */
bool aps_api_check_all(struct api_build *b);

/* ---- api_compile.c */

/* The version, the dialect and info. */
bool aps_api_compile_head(struct api_build *b);

/* ---- api_operation.c */

/* An operation of the path, of path items that refer to each other; appended to `out`. */
bool aps_api_operation(struct api_build *b, struct aps_str path, enum aps_method method,
                       struct api_at operation, const struct api_at *items, uint32_t items_n,
                       apr_array_header_t *out);

/* ---- api_extension.c */

/* Where members of ours, x-apisec-..., may stand. */
enum api_extension { API_EXTENSION_NONE, API_EXTENSION_OPERATION, API_EXTENSION_SCHEMA };

/* Whether the object, which is one of those places, has none but those that count there. */
bool aps_api_extension(struct api_build *b, struct api_at at, enum api_extension place);
/* The same of a schema, of those below it and of those that it refers to, each once. */
bool aps_api_extension_schema(struct api_build *b, struct api_at schema);

#endif
