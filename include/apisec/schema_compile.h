/* schema_compile.h - schemas as JSON documents -> one image of them (schema_image.h).
 *
 * A bundle is all documents that schemas may refer to: nothing is fetched, and a reference that
 * leads out of the bundle is an error (POS-12).  A keyword that is known is enforced or its value
 * is an error; one that is unknown is listed as a warning (POS-09).  docs/schema.md has the tables.
 * Threads and processes: a call belongs to one caller. */
#ifndef APISEC_SCHEMA_COMPILE_H
#define APISEC_SCHEMA_COMPILE_H

#include <apr_tables.h>

#include "apisec/err.h"
#include "apisec/str.h"

enum aps_schema_dialect {
    APS_SCHEMA_2020_12, /* JSON Schema 2020-12 */
    APS_SCHEMA_OAS31,   /* the same with OpenAPI 3.1's base vocabulary */
    APS_SCHEMA_OAS30,   /* OpenAPI 3.0's schema object */
};

/* A document of the bundle. */
struct aps_schema_source {
    struct aps_str uri;  /* absolute, without fragment; may be empty for the first */
    struct aps_str text; /* JSON */
    bool document;       /* not a schema itself, but has some: an OpenAPI description */
};

/* A schema that will be asked for by its number in the list. */
struct aps_schema_entry {
    uint32_t source;
    struct aps_str pointer; /* JSON Pointer; empty: the document itself */
};

struct aps_schema_compile {
    const struct aps_schema_source *sources;
    uint32_t sources_n;
    const struct aps_schema_entry *entries; /* NULL: one, the first document */
    uint32_t entries_n;
    enum aps_schema_dialect dialect; /* of documents without $schema */
    bool formats;                    /* `format` is asserted */
    bool content;                    /* contentEncoding and contentMediaType are asserted */
    apr_array_header_t *notes;       /* what is said there and has no meaning; NULL: nobody asks */
    bool lax; /* a malformed value of a keyword is a warning and asks nothing */
};

/* Compile.  *out is the block, aligned to 8; it, the notes and the warnings (const char *, each a
 * sentence that begins with a JSON Pointer) live in `pool`.  `warnings` may be NULL.
 * APS_ERR_FORMAT: a document or a schema in it is malformed; APS_ERR_NOT_FOUND: a reference leads
 * nowhere; APS_ERR_RANGE: over a bound of docs/schema.md; `diag` has pointer and reason. */
APS_MUST_CHECK enum aps_err aps_schema_compile(const struct aps_schema_compile *what,
                                               apr_pool_t *pool, struct aps_str *out,
                                               apr_array_header_t *warnings, struct aps_diag *diag);

#endif
