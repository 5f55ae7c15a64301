/* snapshot_own.h - what the files of a snapshot share: each reads one kind of row once, when the
 * snapshot is opened, and answers for it.
 *
 * Threads: after the opening nothing changes, and a lookup changes nothing. */
#ifndef APISEC_STORE_SNAPSHOT_OWN_H
#define APISEC_STORE_SNAPSHOT_OWN_H

#include <apr_hash.h>
#include <apr_strings.h>

#include "apisec/store_api.h"
#include "copy.h"
#include "delta.h"

struct aps_snapshot_pepper {
    uint32_t version;
    struct aps_mac *mac;
};

struct aps_snapshot {
    apr_pool_t *pool;
    struct aps_snapshot_stamp stamp;
    struct aps_meta meta; /* of the delta where there is one in force, else of the copy */
    struct aps_rolebook *roles;
    struct aps_planbook *plans;
    struct aps_adjusts *adjusts;
    unsigned npeppers;
    struct aps_snapshot_pepper peppers[APS_STORE_PEPPERS_MAX]; /* newest last */
    struct aps_mac *address;                                   /* newest */
    struct aps_mac *nonces;                                    /* newest */
    struct aps_secret cache;                                   /* newest */
    struct aps_mac *lookup;                                    /* gives an imported text its id */
    struct aps_copy *copy;
    struct aps_delta *delta; /* NULL: the copy is the newest there is */
    struct aps_copy *small;  /* whose small tables are in force: the copy, or the delta */
    struct aps_seal_key seal;
    struct aps_snapshot_vault *vault; /* secrets that were opened */
    /* By name; all in `pool`, the secrets' bytes apart. */
    const struct aps_issuer *issuers;
    size_t nissuers;
    apr_hash_t *gone; /* hashes of tokens */
    apr_hash_t *webhooks;
    apr_hash_t *signers;
    apr_hash_t *certificates; /* to the id of the key */
    apr_hash_t *apis;
};

/* Room for secrets, which are opened when they are asked for; the last wipes them.  NULL is fine.
 */
APS_MUST_CHECK enum aps_err aps_snapshot_secret_room(struct aps_snapshot_vault **out);
void aps_snapshot_secret_free(struct aps_snapshot_vault *vault);
/* Of the database whose small tables are in force. */
APS_MUST_CHECK enum aps_err aps_snapshot_issuer_load(struct aps_snapshot *snap, sqlite3 *db,
                                                     struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_snapshot_token_load(struct aps_snapshot *snap, sqlite3 *db,
                                                    struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_snapshot_webhook_load(struct aps_snapshot *snap, sqlite3 *db,
                                                      struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_snapshot_signer_load(struct aps_snapshot *snap, sqlite3 *db,
                                                     struct aps_diag *diag);
APS_MUST_CHECK enum aps_err aps_snapshot_certificate_load(struct aps_snapshot *snap, sqlite3 *db,
                                                          struct aps_diag *diag);
/* Map what is compiled of each API; what cannot be used is told to who asks for it. */
APS_MUST_CHECK enum aps_err aps_snapshot_api_load(struct aps_snapshot *snap,
                                                  const struct aps_snapshot_options *o, sqlite3 *db,
                                                  struct aps_diag *diag);
/* The block of this name and kind.  NOT_FOUND, or why it cannot be used. */
struct aps_block;
APS_MUST_CHECK enum aps_err aps_snapshot_api_find(const struct aps_snapshot *snap,
                                                  struct aps_str name, enum aps_store_api_kind kind,
                                                  const struct aps_block **out,
                                                  struct aps_diag *diag);
void aps_snapshot_api_release(struct aps_snapshot *snap);

#endif
