/* block.h - what was compiled of an API: a file of pub/api, read by one process and shared by all
 * of its snapshots that name it.
 *
 * Its bytes are those that the published row has the digest of, which is under the copy's MAC, and
 * stay so whatever becomes of the file.
 * Threads: every call is safe from any thread.  Processes: never across fork. */
#ifndef APISEC_STORE_BLOCK_H
#define APISEC_STORE_BLOCK_H

#include "apisec/api.h"
#include "apisec/store_api.h"
#include "own.h"

struct aps_block;

/* STORE/pub/api/DIGEST. */
APS_MUST_CHECK enum aps_err aps_block_path(const char *store, const uint8_t digest[APS_DIGEST_LEN],
                                           char out[APS_FILE_PATH_MAX], struct aps_diag *diag);
/* Look at the file with suspicion, read it and open what is in it.  One reference, the caller's.
 * APS_ERR_NOT_FOUND, UNSAFE, IO; CORRUPT: its size or digest is another one; what
 * aps_api_open says. */
APS_MUST_CHECK enum aps_err aps_block_open(const char *store, uid_t owner,
                                           const struct aps_store_api *api, struct aps_block **out,
                                           struct aps_diag *diag);
/* One more reference; NULL where the block is of another process. */
struct aps_block *aps_block_keep(struct aps_block *block);
/* The last one frees it.  NULL is fine. */
void aps_block_release(struct aps_block *block);

bool aps_block_is(const struct aps_block *block, const struct aps_store_api *api);
/* Of a description, or of a schema. */
const struct aps_api *aps_block_api(const struct aps_block *block);
const struct aps_schema_image *aps_block_schema(const struct aps_block *block);
struct aps_str aps_block_bytes(const struct aps_block *block);

#endif
