/* Keys of issuers that were fetched, as every child has them and finds them again after a restart:
 * under a key of the store, which a new master key leaves as it is. */
#include "mod.h"

#include <pthread.h>

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

/* Known by where the store lies, and under the key that the first copy has that this child opens;
 * another one comes only after a compromise, and then with a restart. */
static struct aps_keyring *make(struct mod_store *store, const struct aps_snapshot *snap)
{
    struct aps_keyring *ring = NULL;
    if (store->cache == NULL && (aps_digest_sum(aps_str(store->dir), store->place_id) != APS_OK ||
                                 aps_snapshot_cache(snap, &store->cache) != APS_OK))
        return NULL;
    store->place = (struct aps_keyring_place){mod_process.cache, store->place_id,
                                              sizeof store->place_id, store->cache};
    return aps_keyring_new(&store->place, mod_process.refresh, &ring) == APS_OK ? ring : NULL;
}

struct aps_keyring *mod_keys_ring(server_rec *s, struct mod_store *store,
                                  const struct aps_snapshot *snap)
{
    struct aps_keyring *ring = __atomic_load_n(&store->ring, __ATOMIC_ACQUIRE);
    if (ring != NULL || mod_process.cache == NULL)
        return ring;
    (void)pthread_mutex_lock(&making); /* fails only for a mutex that is none */
    if ((ring = store->ring) == NULL && (ring = make(store, snap)) != NULL)
        __atomic_store_n(&store->ring, ring, __ATOMIC_RELEASE);
    (void)pthread_mutex_unlock(&making); /* held */
    if (ring == NULL)
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "APISEC0025: store %s: out of memory, or OpenSSL failed: a token that wants "
                     "fetched keys was refused",
                     store->dir);
    return ring;
}

void mod_keys_close(struct mod_store *store)
{
    aps_keyring_free(store->ring);
    store->ring = NULL;
    aps_mac_free(store->cache);
    store->cache = NULL;
}
