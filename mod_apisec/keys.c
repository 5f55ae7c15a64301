/* Keys of this server's own that every child has, and finds again after a restart: made of the
 * master key, one for each purpose. */
#include "mod.h"

#include "apisec/kdf.h"

static apr_status_t free_mac(void *mac)
{
    aps_mac_free(mac);
    return APR_SUCCESS;
}

/* NULL where it could not be made: what it is for is refused then. */
static struct aps_mac *make(apr_pool_t *pool, const struct mod_store *store, const char *label)
{
    struct aps_secret key = {0};
    struct aps_mac *mac = NULL;
    if (aps_kdf_sub(&store->master, label, APS_MAC_LEN, &key) == APS_OK &&
        aps_mac_new(key.b, key.n, &mac) == APS_OK)
        apr_pool_cleanup_register(pool, mac, free_mac, apr_pool_cleanup_null);
    aps_secret_wipe(&key);
    return mac;
}

static apr_status_t free_ring(void *data)
{
    struct mod_store *store = data;
    aps_keyring_free(store->ring);
    store->ring = NULL;
    return APR_SUCCESS;
}

/* Fetched keys are known by where the store lies, since its id may not be known yet. */
static void make_ring(apr_pool_t *pchild, struct mod_store *store)
{
    struct aps_mac *mac = make(pchild, store, APS_KDF_CACHE);
    if (mac == NULL || aps_digest_sum(aps_str(store->dir), store->place_id) != APS_OK)
        return;
    store->place =
        (struct aps_keyring_place){mod_process.cache, store->place_id, sizeof store->place_id, mac};
    if (aps_keyring_new(&store->place, mod_process.refresh, &store->ring) == APS_OK)
        apr_pool_cleanup_register(pchild, store, free_ring, apr_pool_cleanup_null);
}

void mod_keys_child(apr_pool_t *pchild, server_rec *s, struct mod_store *store)
{
    store->nonces = make(pchild, store, APS_KDF_NONCE);
    if (mod_process.cache != NULL)
        make_ring(pchild, store);
    if (store->nonces == NULL || (mod_process.cache != NULL && store->ring == NULL))
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                     "APISEC0025: store %s: out of memory, or OpenSSL failed: tokens that want "
                     "fetched keys or nonces are refused by this child",
                     store->dir);
}
