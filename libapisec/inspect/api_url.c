/* api_url.c - x-apisec-url in a description: where it cannot hold. */
#include "api_build.h"
#include "schema_impl.h"

#define NAME "x-apisec-url"

/* Whether a body of the operation has such a field. */
static bool has_fields(const struct api_build *b, const struct aps_schema_image *image,
                       const struct api_operation_record *operation)
{
    for (uint32_t i = 0; i < operation->bodies.n; i++) {
        const struct api_media_record *media = &APR_ARRAY_IDX(
            b->part[API_S_MEDIAS], (int)(operation->bodies.at + i), struct api_media_record);

        if (media->schema != APS_API_NO_SCHEMA &&
            aps_schema_reach_url(image, image->entries[media->schema + 1], b->pool))
            return true;
    }
    return false;
}

static bool check_streams(struct api_build *b, const struct aps_schema_image *image)
{
    const apr_array_header_t *operations = b->part[API_S_OPERATIONS];

    for (int i = 0; i < operations->nelts; i++) {
        const struct api_operation_record *o =
            &APR_ARRAY_IDX(operations, i, struct api_operation_record);
        const struct aps_str path = {b->bytes.p + o->path.at, o->path.n};

        if ((o->flags & API_STREAM) != 0 && has_fields(b, image, o))
            return aps_api_build_fail(b, b->root, APS_ERR_CONFLICT,
                                      "a body of %.*s has " NAME ", and x-apisec-stream has it "
                                      "passed on unread",
                                      APS_STR_SHOW(path));
    }
    return true;
}

bool aps_api_url(struct api_build *b, struct aps_str schemas)
{
    const uint32_t all = aps_api_build_count(b, NAME);
    const struct aps_schema_image *image = NULL;
    uint32_t seen;

    if (all == 0)
        return true;
    if ((b->err = aps_schema_image_open(b->pool, schemas, &image, b->diag)) != APS_OK)
        return false;
    seen = aps_schema_reach_urls(image);
    if (all > seen)
        aps_api_build_gap(b, b->root,
                          "%u of %u " NAME " stand in no schema that anything is judged by, and "
                          "ask nothing",
                          all - seen, all);
    return check_streams(b, image);
}
