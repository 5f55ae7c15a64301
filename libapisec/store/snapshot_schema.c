/* snapshot_schema.c - schemas of JSON, compiled. */
#include "block.h"
#include "snapshot_own.h"

enum aps_err aps_snapshot_schema(const struct aps_snapshot *snap, struct aps_str name,
                                 const struct aps_schema_image **out, struct aps_diag *diag)
{
    const struct aps_block *block = NULL;
    enum aps_err err = aps_snapshot_api_find(snap, name, APS_STORE_API_SCHEMA, &block, diag);

    if (err == APS_OK)
        *out = aps_block_schema(block);
    return err;
}
