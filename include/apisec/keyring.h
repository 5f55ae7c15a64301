/* keyring.h - the keys of a store's issuers that are fetched, as one process knows them.
 *
 * Whoever fetches a set puts it into a folder, under a MAC, since more accounts than one may write
 * there; all processes read it from there, each as often as it looks for a new generation, and
 * never from the issuer.  A set is used until its time and the time for outages are over
 * (jwks.h), a set that was fetched earlier than the one in use is refused, and so is one of another
 * store, issuer or edition.
 * Threads: every call is safe from any thread, but new and free.  Processes: make it after fork. */
#ifndef APISEC_KEYRING_H
#define APISEC_KEYRING_H

#include "apisec/issuer.h"
#include "apisec/mac.h"

struct aps_keyring;

/* Whose files. */
struct aps_keyring_place {
    const char *folder;      /* absolute; kept */
    const uint8_t *store_id; /* APS_SNAPSHOT_ID_LEN bytes; copied */
    size_t store_id_len;
    struct aps_mac *mac; /* kept; with a key that is this store's alone */
};

/* Lives on the heap.  `refresh`: look at the files at most this often.  APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_keyring_new(const struct aps_keyring_place *place, aps_nsec refresh,
                                            struct aps_keyring **out);
/* NULL is fine. */
void aps_keyring_free(struct aps_keyring *ring);

/* A number that changes whenever one of the sets does, or may not be used any more.  Looks at the
 * files of `issuers` if it is time; one thread looks, the others go on.  *out_refused (may be NULL)
 * is set to whether a file was refused that was not refused before, and then `diag` says why. */
uint64_t aps_keyring_epoch(struct aps_keyring *ring, const struct aps_issuer *issuers, size_t n,
                           aps_nsec monotonic, aps_nsec wall, bool *out_refused,
                           struct aps_diag *diag);

/* Set `keys` of each of n `jwt`, which are copies of those of `issuers`, to the set that may be
 * used now, or leave it as it is.  What was taken stays until `pool` is cleared. */
void aps_keyring_take(struct aps_keyring *ring, const struct aps_issuer *issuers, size_t n,
                      apr_pool_t *pool, struct aps_jwt_issuer *jwt);

/* When the set of an issuer was fetched that lies in the folder (wall); 0: there is none that may
 * be read.  For who fetches. */
aps_nsec aps_keyring_fetched(const struct aps_keyring_place *place,
                             const struct aps_issuer *issuer);

/* Put a set that was fetched at `wall` into the folder, in place of the one before.  The text has
 * to be one that aps_jwks_read takes for this issuer: else its error, and the old set stays.
 * APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_keyring_put(const struct aps_keyring_place *place,
                                            const struct aps_issuer *issuer, struct aps_str text,
                                            aps_nsec wall, struct aps_diag *diag);

#endif
