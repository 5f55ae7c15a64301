/* snapshot_xsd.c - schemas of XML, as text. */
#include "block.h"
#include "snapshot_own.h"

enum aps_err aps_snapshot_xsd_text(const struct aps_snapshot *snap, struct aps_str name,
                                   struct aps_str *out, struct aps_diag *diag)
{
    const struct aps_block *block = NULL;
    enum aps_err err = aps_snapshot_api_find(snap, name, APS_STORE_API_XSD, &block, diag);

    if (err == APS_OK)
        *out = aps_block_bytes(block);
    return err;
}
