/* snapshot.c - one published copy, opened with suspicion and then read by all threads. */
#include "apisec/snapshot.h"

#include <errno.h>
#include <stdlib.h>

#include "snapshot_own.h"

enum { OPEN_TRIES = 5 };

/* ---- the files ---- */

/* No copy, or not even a store.  The folder may be passed by whoever may read the copy. */
static enum aps_err say_missing(const char *store, struct aps_diag *diag)
{
    char truth[APS_FILE_PATH_MAX];
    struct stat st;
    if (aps_file_join(store, "store.db", truth, NULL) == APS_OK && lstat(truth, &st) != 0 &&
        (errno == ENOENT || errno == ENOTDIR))
        aps_err_explain(diag, "no store is there; apisecctl --store %s init makes one", store);
    else
        aps_err_explain(diag,
                        "%s/pub/store.db: no published copy is there; apisecctl --store %s publish "
                        "makes it",
                        store, store);
    return APS_ERR_NOT_FOUND;
}

/* What is wrong with the published files alone, publishing mends. */
static void say_mend(const char *store, struct aps_diag *diag)
{
    struct aps_diag said;
    if (diag == NULL)
        return;
    said = *diag;
    aps_err_explain(diag, "%s; apisecctl --store %s publish makes it anew",
                    aps_err_say(APS_ERR_CORRUPT, &said), store);
}

enum aps_err aps_snapshot_stamp(const char *store, struct aps_snapshot_stamp *out,
                                struct aps_diag *diag)
{
    static const struct aps_snapshot_file none;
    char copy[APS_FILE_PATH_MAX], delta[APS_FILE_PATH_MAX];
    struct aps_snapshot_stamp stamp;
    enum aps_err err;
    if ((err = aps_file_join(store, "pub/store.db", copy, diag)) != APS_OK ||
        (err = aps_file_join(store, "pub/delta.db", delta, diag)) != APS_OK ||
        (err = aps_pubfile_stamp(copy, &stamp.copy, diag)) != APS_OK ||
        (err = aps_pubfile_stamp(delta, &stamp.delta, diag)) != APS_OK)
        return err;
    if (aps_pubfile_same(&stamp.copy, &none))
        return say_missing(store, diag);
    *out = stamp;
    return APS_OK;
}

bool aps_snapshot_stamp_equal(const struct aps_snapshot_stamp *a,
                              const struct aps_snapshot_stamp *b)
{
    return aps_pubfile_same(&a->copy, &b->copy) && aps_pubfile_same(&a->delta, &b->delta);
}

/* An opening under way. */
struct trial {
    const struct aps_snapshot_options *o;
    struct aps_pubfile delta; /* its connection is NULL where none is in force */
};

/* The copy, which another snapshot may have open already. */
static enum aps_err open_copy(struct aps_snapshot *snap, struct trial *t, struct aps_diag *diag)
{
    const struct aps_snapshot *near = t->o->near;
    struct aps_pubfile file = {0};
    enum aps_err err;

    if (near != NULL && aps_pubfile_same(&near->stamp.copy, &snap->stamp.copy) &&
        (snap->copy = aps_copy_keep(near->copy)) != NULL)
        return APS_OK;
    err = aps_pubfile_open(t->o, "pub/store.db", APS_SCHEMA_COPY, &snap->seal, &file, diag);
    if (err == APS_ERR_NOT_FOUND)
        return say_missing(t->o->store, diag);
    return err == APS_OK ? aps_copy_new(&file, &snap->copy, diag) : err;
}

/* Whether a delta, whose MAC is right, is in force above the copy.  One that is not newer than the
 * copy was left behind when that was made. */
static enum aps_err judge_delta(struct aps_snapshot *snap, struct trial *t, struct aps_diag *diag)
{
    const struct aps_meta *copy = aps_copy_meta(snap->copy), *delta = &t->delta.meta;

    if (memcmp(delta->store_id, copy->store_id, sizeof copy->store_id) != 0) {
        aps_err_explain(diag,
                        "%s/pub/delta.db and pub/store.db are of two stores: apisecctl --store %s "
                        "publish puts the right ones there",
                        t->o->store, t->o->store);
        return APS_ERR_CONFLICT;
    }
    if (delta->generation > copy->generation && delta->base == copy->generation) {
        snap->meta = *delta;
        return APS_OK;
    }
    if (delta->generation <= copy->generation) {
        aps_db_close(t->delta.db);
        t->delta.db = NULL;
        return APS_OK;
    }
    aps_err_explain(
        diag,
        "%s/pub/delta.db, generation %llu, is of the copy of generation %llu, but "
        "pub/store.db has generation %llu: apisecctl --store %s publish makes both anew",
        t->o->store, (unsigned long long)delta->generation, (unsigned long long)delta->base,
        (unsigned long long)copy->generation, t->o->store);
    return APS_ERR_CONFLICT;
}

/* A copy of a large store says that a delta stands beside it; without one nobody knows what was
 * revoked since. */
static enum aps_err open_delta(struct aps_snapshot *snap, struct trial *t, struct aps_diag *diag)
{
    enum aps_err err;
    snap->meta = *aps_copy_meta(snap->copy);
    if (!snap->meta.deltas)
        return APS_OK;
    err = aps_pubfile_open(t->o, "pub/delta.db", APS_SCHEMA_DELTA, &snap->seal, &t->delta, diag);
    if (err == APS_ERR_NOT_FOUND) {
        aps_err_explain(diag,
                        "%s/pub/delta.db is gone, which belongs to pub/store.db: apisecctl --store "
                        "%s publish makes it anew",
                        t->o->store, t->o->store);
        return APS_ERR_NOT_FOUND;
    }
    return err == APS_OK ? judge_delta(snap, t, diag) : err;
}

static void drop_files(struct aps_snapshot *snap, struct trial *t)
{
    aps_db_close(t->delta.db);
    t->delta.db = NULL;
    aps_copy_release(snap->copy);
    snap->copy = NULL;
}

/* Open what the names lead to.  They may be given to newer files meanwhile, so it is done again
 * until both were the same before and after; a fault of files that were not is none. */
static enum aps_err open_files(struct aps_snapshot *snap, struct trial *t, struct aps_diag *diag)
{
    for (int i = 0; i < OPEN_TRIES; i++) {
        struct aps_snapshot_stamp after;
        enum aps_err err = aps_snapshot_stamp(t->o->store, &snap->stamp, diag), look;
        if (err != APS_OK)
            return err;
        if ((err = open_copy(snap, t, diag)) == APS_OK)
            err = open_delta(snap, t, diag);
        look = aps_snapshot_stamp(t->o->store, &after, err == APS_OK ? diag : NULL);
        if (look == APS_OK && aps_snapshot_stamp_equal(&after, &snap->stamp))
            return err;
        drop_files(snap, t);
        if (look != APS_OK)
            return err != APS_OK ? err : look;
    }
    aps_err_explain(diag, "%s/pub/store.db: it is replaced faster than it can be opened",
                    t->o->store);
    return APS_ERR_BUSY;
}

static enum aps_err check_generation(const struct aps_snapshot *snap,
                                     const struct aps_snapshot_options *o, struct aps_diag *diag)
{
    if (snap->meta.generation >= o->min_generation)
        return APS_OK;
    aps_err_explain(diag,
                    "%s/pub/store.db has generation %llu, older than %llu which is in force: "
                    "apisecctl --store %s publish makes a new one",
                    o->store, (unsigned long long)snap->meta.generation,
                    (unsigned long long)o->min_generation, o->store);
    return APS_ERR_CONFLICT;
}

/* ---- what is in them ---- */

static enum aps_err add_pepper(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_snapshot *snap = arg;
    if (snap->npeppers == APS_STORE_PEPPERS_MAX)
        return APS_ERR_CORRUPT;
    struct aps_snapshot_pepper *p = &snap->peppers[snap->npeppers];
    enum aps_err err = aps_mac_new(key->b, key->n, &p->mac);
    p->version = version;
    if (err == APS_OK)
        snap->npeppers++;
    return err;
}

static enum aps_err set_address(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_snapshot *snap = arg;
    (void)version; /* they come oldest first, and the newest is the one to use */
    aps_mac_free(snap->address);
    snap->address = NULL;
    return aps_mac_new(key->b, key->n, &snap->address);
}

static enum aps_err set_nonces(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_snapshot *snap = arg;
    (void)version; /* the newest is the last one */
    aps_mac_free(snap->nonces);
    snap->nonces = NULL;
    return aps_mac_new(key->b, key->n, &snap->nonces);
}

static enum aps_err set_cache(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_snapshot *snap = arg;
    (void)version; /* the newest is the last one */
    aps_secret_wipe(&snap->cache);
    return aps_secret_copy(key->b, key->n, &snap->cache);
}

static enum aps_err set_lookup(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_snapshot *snap = arg;
    (void)version; /* there is one only: another would give every imported key another id */
    return snap->lookup != NULL ? APS_ERR_CORRUPT : aps_mac_new(key->b, key->n, &snap->lookup);
}

/* Whom else than keys of its own the store believes. */
static enum aps_err load_trust(struct aps_snapshot *snap, sqlite3 *db, struct aps_diag *diag)
{
    enum aps_err err;
    if ((err = aps_snapshot_issuer_load(snap, db, diag)) != APS_OK ||
        (err = aps_snapshot_token_load(snap, db, diag)) != APS_OK ||
        (err = aps_snapshot_webhook_load(snap, db, diag)) != APS_OK ||
        (err = aps_snapshot_signer_load(snap, db, diag)) != APS_OK)
        return err;
    return aps_snapshot_certificate_load(snap, db, diag);
}

/* The store's own keys. */
static enum aps_err load_own(struct aps_snapshot *snap, sqlite3 *db, struct aps_diag *diag)
{
    static const struct {
        const char *purpose;
        aps_wrapped_fn set;
    } keys[] = {
        {APS_WRAPPED_PEPPER, add_pepper}, {APS_WRAPPED_ADDRESS, set_address},
        {APS_WRAPPED_LOOKUP, set_lookup}, {APS_WRAPPED_NONCE, set_nonces},
        {APS_WRAPPED_CACHE, set_cache},
    };
    enum aps_err err = APS_OK;
    for (size_t i = 0; err == APS_OK && i < sizeof keys / sizeof *keys; i++)
        err = aps_wrapped_each(db, &snap->meta, &snap->seal, keys[i].purpose, keys[i].set, snap,
                               diag);
    return err;
}

/* What the small tables, of the delta or else of the copy, are loaded with. */
struct load {
    struct aps_snapshot *snap;
    const struct aps_snapshot_options *o;
};

static enum aps_err load(void *arg, sqlite3 *db, struct aps_diag *diag)
{
    const struct load *l = arg;
    struct aps_snapshot *snap = l->snap;
    enum aps_err err;
    if ((err = load_own(snap, db, diag)) != APS_OK ||
        (err = aps_store_role_load(db, snap->pool, &snap->roles, diag)) != APS_OK ||
        (err = aps_store_plan_book_load(db, &snap->meta, snap->pool, &snap->plans, diag)) !=
            APS_OK ||
        (err = aps_store_adjust_load(db, snap->pool, &snap->adjusts, diag)) != APS_OK ||
        (err = load_trust(snap, db, diag)) != APS_OK ||
        (err = aps_snapshot_api_load(snap, l->o, db, diag)) != APS_OK)
        return err;
    return aps_rolebook_seal(snap->roles, diag);
}

static enum aps_err load_all(struct aps_snapshot *snap, struct trial *t, struct aps_diag *diag)
{
    struct aps_pubfile file = t->delta;
    struct load l = {snap, t->o};
    enum aps_err err;
    if (file.db == NULL) {
        if ((snap->small = aps_copy_keep(snap->copy)) == NULL)
            return APS_ERR_FAILED;
        return aps_copy_load(snap->copy, load, &l, diag);
    }
    if ((err = load(&l, file.db, diag)) != APS_OK ||
        (err = aps_delta_load(file.db, snap->pool, &snap->delta, diag)) != APS_OK)
        return err;
    t->delta.db = NULL; /* taken */
    return aps_copy_new(&file, &snap->small, diag);
}

enum aps_err aps_snapshot_open(const struct aps_snapshot_options *options,
                               struct aps_snapshot **out, struct aps_diag *diag)
{
    struct trial t = {.o = options};
    enum aps_err err = APS_ERR_NOMEM;
    struct aps_snapshot *snap = calloc(1, sizeof *snap);

    if (snap == NULL)
        return err;
    if ((snap->pool = aps_store_pool()) == NULL)
        goto out;
    if ((err = aps_seal_key_init(options->master, &snap->seal)) != APS_OK ||
        (err = aps_snapshot_secret_room(&snap->vault)) != APS_OK)
        goto out;
    if ((err = open_files(snap, &t, diag)) != APS_OK)
        goto out;
    if ((err = check_generation(snap, options, diag)) != APS_OK)
        goto out;
    if ((err = load_all(snap, &t, diag)) != APS_OK)
        goto out;
    *out = snap;
    snap = NULL;
out:
    if (err == APS_ERR_CORRUPT)
        say_mend(options->store, diag);
    aps_db_close(t.delta.db);
    aps_snapshot_close(snap);
    return err;
}

void aps_snapshot_close(struct aps_snapshot *snap)
{
    if (snap == NULL)
        return;
    aps_copy_release(snap->copy);
    aps_copy_release(snap->small);
    aps_snapshot_api_release(snap);
    for (unsigned i = 0; i < snap->npeppers; i++)
        aps_mac_free(snap->peppers[i].mac);
    aps_mac_free(snap->address);
    aps_mac_free(snap->lookup);
    aps_mac_free(snap->nonces);
    aps_secret_wipe(&snap->cache);
    aps_snapshot_secret_free(snap->vault);
    aps_seal_key_wipe(&snap->seal);
    if (snap->pool != NULL)
        apr_pool_destroy(snap->pool);
    free(snap);
}

/* ---- what it answers ---- */

uint64_t aps_snapshot_generation(const struct aps_snapshot *snap)
{
    return snap->meta.generation;
}

const struct aps_snapshot_stamp *aps_snapshot_opened(const struct aps_snapshot *snap)
{
    return &snap->stamp;
}

const uint8_t *aps_snapshot_store_id(const struct aps_snapshot *snap)
{
    return snap->meta.store_id;
}

uint64_t aps_snapshot_store_tag(const struct aps_snapshot *snap)
{
    return aps_meta_tag(&snap->meta);
}

struct aps_str aps_snapshot_prefix(const struct aps_snapshot *snap)
{
    return aps_str(snap->meta.prefix);
}

const struct aps_rolebook *aps_snapshot_roles(const struct aps_snapshot *snap)
{
    return snap->roles;
}

const struct aps_planbook *aps_snapshot_plans(const struct aps_snapshot *snap)
{
    return snap->plans;
}

const struct aps_adjusts *aps_snapshot_adjusts(const struct aps_snapshot *snap)
{
    return snap->adjusts;
}

enum aps_err aps_snapshot_key(struct aps_snapshot *snap, struct aps_str id, apr_pool_t *pool,
                              struct aps_key *out)
{
    enum aps_err err, changed;
    if (!aps_keytext_is_id(id))
        return APS_ERR_NOT_FOUND;
    if (snap->delta == NULL)
        return aps_copy_key(snap->copy, id, pool, out);
    /* The copy is asked about a key of the delta as well, so that no key is found sooner than one
     * that nobody has is missed (KEY-07). */
    err = aps_copy_key(snap->copy, id, pool, out);
    if (err != APS_OK && err != APS_ERR_NOT_FOUND)
        return err;
    return aps_delta_key(snap->delta, id, pool, out, &changed) ? changed : err;
}

enum aps_err aps_snapshot_name(struct aps_snapshot *snap, struct aps_str id, apr_pool_t *pool,
                               struct aps_str *out)
{
    struct aps_str changed = {NULL, 0};
    if (!aps_keytext_is_id(id))
        return APS_ERR_NOT_FOUND;
    if (snap->delta != NULL)
        changed = aps_delta_name(snap->delta, id);
    if (changed.n == 0)
        return aps_copy_name(snap->copy, id, pool, out);
    *out = aps_str_copy(pool, changed);
    return APS_OK;
}

enum aps_err aps_snapshot_mac(struct aps_snapshot *snap, uint32_t pepper, struct aps_str text,
                              uint8_t out[APS_KEY_MAC_LEN])
{
    for (unsigned i = snap->npeppers; i > 0; i--) {
        const struct aps_snapshot_pepper *p = &snap->peppers[i - 1];
        if (pepper == 0 || p->version == pepper)
            return aps_mac_sum(p->mac, text, out);
    }
    return APS_ERR_NOT_FOUND;
}

struct aps_mac *aps_snapshot_nonces(const struct aps_snapshot *snap)
{
    return snap->nonces;
}

enum aps_err aps_snapshot_cache(const struct aps_snapshot *snap, struct aps_mac **out)
{
    return aps_mac_new(snap->cache.b, snap->cache.n, out);
}

bool aps_snapshot_has_imports(const struct aps_snapshot *snap)
{
    return snap->meta.imports != 0;
}

enum aps_err aps_snapshot_imported_id(struct aps_snapshot *snap,
                                      const uint8_t digest[APS_DIGEST_LEN],
                                      char out[APS_KEYTEXT_ID_LEN])
{
    return aps_imported_id(snap->lookup, digest, out);
}

enum aps_err aps_snapshot_pseudonym(struct aps_snapshot *snap, const struct aps_addr *addr,
                                    uint8_t out[16])
{
    uint8_t mac[APS_MAC_LEN];
    enum aps_err err =
        aps_mac_sum(snap->address, (struct aps_str){(const char *)addr->b, sizeof addr->b}, mac);
    if (err == APS_OK)
        memcpy(out, mac, 16);
    return err;
}
