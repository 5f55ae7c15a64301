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

void mod_keys_child(apr_pool_t *pchild, struct mod_store *store)
{
    store->nonces = make(pchild, store, APS_KDF_NONCE);
}
