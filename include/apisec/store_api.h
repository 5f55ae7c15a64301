/* store_api.h - what a store keeps of APIs: descriptions and schemas that requests are judged by.
 *
 * Each is a bundle of documents, which stay in store.db, and what was compiled of them: a block
 * that is published as a file of its own, STORE/pub/api/DIGEST, beside the copy that names it.
 * A bundle is replaced as a whole, and one that cannot be compiled leaves the old one in force
 * (POS-22).
 * Threads: as the store. */
#ifndef APISEC_STORE_API_H
#define APISEC_STORE_API_H

#include <apr_tables.h>

#include "apisec/digest.h"
#include "apisec/schema_compile.h"
#include "apisec/store.h"

#define APS_STORE_API_MAX 256                       /* of one store */
#define APS_STORE_API_SOURCES_MAX 512               /* documents of a bundle */
#define APS_STORE_API_TEXT_MAX (64 * 1024 * 1024)   /* bytes of all of them */
#define APS_STORE_API_BLOCK_MAX (512 * 1024 * 1024) /* bytes of what is compiled */
#define APS_STORE_API_TITLE_MAX 128                 /* bytes of title and version that are kept */

/* What the URIs of documents begin with: the folder that the first one lay in. */
#define APS_STORE_API_ROOT "file:///"

enum aps_store_api_kind {
    APS_STORE_API_NONE,
    APS_STORE_API_OPENAPI,
    APS_STORE_API_SCHEMA, /* one JSON Schema, and what it refers to */
    APS_STORE_API_XSD,    /* an XML schema, and what it includes and imports */
};
/* "openapi"; NULL of NONE. */
const char *aps_store_api_kind_name(enum aps_store_api_kind kind);
enum aps_store_api_kind aps_store_api_kind(struct aps_str name);

struct aps_store_api {
    struct aps_str name;
    enum aps_store_api_kind kind;
    uint64_t edition; /* a number that no other description of the store ever had */
    struct aps_str title, version;
    uint8_t digest[APS_DIGEST_LEN];  /* of the block */
    uint64_t size;                   /* its bytes */
    struct aps_str release;          /* which program compiled it */
    aps_nsec created_at, changed_at; /* wall */
};

/* What an API is made of: the first document is the description or schema itself. */
struct aps_store_api_bundle {
    enum aps_store_api_kind kind;
    const struct aps_schema_source *sources;
    uint32_t n;
};

/* What it was compiled to. */
struct aps_store_api_made {
    struct aps_str block;
    struct aps_str title, version;
    /* Sentences (const char *), each beginning with where it is: what is not enforced, and what
     * else should be otherwise. */
    apr_array_header_t *gaps, *warnings;
};

/* Compile a bundle as it would be kept; no store is needed, and nothing is changed.  All lives in
 * `pool`.  FORMAT, NOT_FOUND, RANGE: what the compiler says. */
APS_MUST_CHECK enum aps_err aps_store_api_compile(const struct aps_store_api_bundle *bundle,
                                                  apr_pool_t *pool, struct aps_store_api_made *out,
                                                  struct aps_diag *diag);

/* Compile it and put it in place of the one of this name, or make it.  *out, in `pool`, is what was
 * made; *out_changed: it is not what was there.  FORMAT: the name, or as above; CONFLICT: the one
 * of this name is of another kind, or there are APS_STORE_API_MAX. */
APS_MUST_CHECK enum aps_err aps_store_api_put(struct aps_store *st, struct aps_str name,
                                              const struct aps_store_api_bundle *bundle,
                                              apr_pool_t *pool, struct aps_store_api_made *out,
                                              bool *out_changed, struct aps_diag *diag);
/* In `pool`.  NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_api_get(struct aps_store *st, struct aps_str name,
                                              apr_pool_t *pool, struct aps_store_api *out,
                                              struct aps_diag *diag);
/* Its documents, in `pool`.  NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_api_bundle(struct aps_store *st, struct aps_str name,
                                                 apr_pool_t *pool, struct aps_store_api_bundle *out,
                                                 struct aps_diag *diag);
/* All of them in order of name, in `pool`. */
APS_MUST_CHECK enum aps_err aps_store_apis(struct aps_store *st, apr_pool_t *pool,
                                           const struct aps_store_api **out, size_t *out_n,
                                           struct aps_diag *diag);
/* NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_store_api_remove(struct aps_store *st, struct aps_str name,
                                                 struct aps_diag *diag);

#endif
