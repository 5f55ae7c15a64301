/* t_schema.h - schemas of a test, opened. */
#ifndef T_SCHEMA_H
#define T_SCHEMA_H

#include <apr_strings.h>

#include "apisec/schema_compile.h"
#include "apisec/schema_image.h"

/* Entry i of the image is schemas[i]. */
static inline const struct aps_schema_image *t_schema_open(apr_pool_t *pool,
                                                           const char *const *schemas, uint32_t n,
                                                           enum aps_schema_dialect dialect)
{
    struct aps_schema_source *sources = apr_pcalloc(pool, n * sizeof *sources);
    struct aps_schema_entry *entries = apr_pcalloc(pool, n * sizeof *entries);
    const struct aps_schema_compile what = {.sources = sources,
                                            .sources_n = n,
                                            .entries = entries,
                                            .entries_n = n,
                                            .dialect = dialect,
                                            .formats = true};
    const struct aps_schema_image *image = NULL;
    struct aps_str block = {NULL, 0};
    struct aps_diag diag = {.text = ""};

    for (uint32_t i = 0; i < n; i++) {
        sources[i].uri = aps_str(apr_psprintf(pool, "https://t.example/%u", i));
        sources[i].text = aps_str(schemas[i]);
        entries[i].source = i;
    }
    if (aps_schema_compile(&what, pool, &block, NULL, &diag) != APS_OK ||
        aps_schema_image_open(pool, block, &image, &diag) != APS_OK)
        fail_msg("%s: %s", schemas[0], diag.text);
    return image;
}

#endif
