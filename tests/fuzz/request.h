/* request.h - a description that the fuzzers of requests judge by, and what holds of any verdict.
 */
#ifndef FUZZ_REQUEST_H
#define FUZZ_REQUEST_H

#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/failures.h"
#include "apisec/schema_compile.h"

static inline void expect(bool holds)
{
    if (!holds)
        abort();
}

/* The image of these schemas, made once. */
static inline const struct aps_schema_image *open_schemas(const char *const *schemas, uint32_t n)
{
    static const struct aps_schema_image *image;
    static apr_pool_t *pool;
    struct aps_schema_source sources[8];
    struct aps_schema_entry entries[8];
    struct aps_schema_compile what = {.sources = sources,
                                      .sources_n = n,
                                      .entries = entries,
                                      .entries_n = n,
                                      .dialect = APS_SCHEMA_OAS31,
                                      .formats = true};
    static const char *const uris[8] = {"u:0", "u:1", "u:2", "u:3", "u:4", "u:5", "u:6", "u:7"};
    struct aps_str block = {NULL, 0};

    if (image != NULL)
        return image;
    expect(apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS);
    for (uint32_t i = 0; i < n; i++) {
        sources[i] =
            (struct aps_schema_source){.uri = aps_str(uris[i]), .text = aps_str(schemas[i])};
        entries[i] = (struct aps_schema_entry){.source = i};
    }
    expect(aps_schema_compile(&what, pool, &block, NULL, NULL) == APS_OK);
    expect(aps_schema_image_open(pool, block, &image, NULL) == APS_OK);
    return image;
}

/* What is refused has failures, no more than ten, and they are JSON. */
static inline void check_failures(apr_pool_t *pool, bool good, struct aps_failures *failures)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";
    const struct aps_str text = aps_failures_text(failures);
    struct aps_jsonread r;

    aps_jsonread_init(&r, pool, key);
    expect(good == (failures->n == 0));
    expect(aps_jsonread(&r, text, &aps_jsonread_plain) == APS_JSONREAD_OK);
    expect(aps_jsonread_count(aps_jsonread_root(&r)) == failures->n);
    expect(failures->n <= APS_FAILURES_MAX);
}

#endif
