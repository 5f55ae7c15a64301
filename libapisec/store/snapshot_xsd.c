/* snapshot_xsd.c - schemas of XML, as texts. */
#include "block.h"
#include "snapshot_own.h"
#include "xsd_block.h"

enum aps_err aps_snapshot_xsd(const struct aps_snapshot *snap, struct aps_str name,
                              apr_pool_t *pool, const struct aps_xsd_source **out, uint32_t *out_n,
                              struct aps_diag *diag)
{
    const struct aps_block *block = NULL;
    enum aps_err err = aps_snapshot_api_find(snap, name, APS_STORE_API_XSD, &block, diag);

    return err == APS_OK ? aps_xsd_block_read(aps_block_bytes(block), pool, out, out_n) : err;
}
