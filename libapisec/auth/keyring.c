/* keyring.c - the sets of fetched keys that one process holds, and when they change. */
#include "apisec/keyring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "apisec/random.h"
#include "keyring_file.h"

/* A set that several requests use; the last of them frees it. */
struct keyset {
    atomic_size_t refs;
    apr_pool_t *pool;
    struct aps_jwks jwks;
    uint8_t digest[APS_DIGEST_LEN]; /* of its text */
};

/* What is held of one issuer. */
struct slot {
    char name[65]; /* "": free */
    uint64_t edition;
    struct stat seen;   /* the file that was looked at last, good or not */
    struct keyset *set; /* NULL: none that may be used */
    aps_nsec fetched;
    aps_nsec ends; /* wall; of the set */
};

struct aps_keyring {
    struct aps_keyring_place place;
    uint8_t store_id[32];
    aps_nsec refresh;
    _Atomic(aps_nsec) next_look; /* monotonic */
    _Atomic(aps_nsec) ends;      /* wall: the first of the sets to end */
    atomic_uint_least64_t epoch;
    pthread_mutex_t looking;  /* one thread looks at files; held while it reads */
    pthread_mutex_t swapping; /* guards `slots`, for some loads and stores */
    struct slot slots[APS_ISSUER_MAX];
};

static void release(struct keyset *set)
{
    if (set != NULL && atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) == 1) {
        apr_pool_destroy(set->pool); /* keys and numbers of OpenSSL go with it */
        free(set);
    }
}

static apr_status_t release_taken(void *set)
{
    release(set);
    return APR_SUCCESS;
}

enum aps_err aps_keyring_new(const struct aps_keyring_place *place, aps_nsec refresh,
                             struct aps_keyring **out)
{
    struct aps_keyring *ring;
    uint64_t epoch = 0;
    enum aps_err err = aps_random_fill(&epoch, sizeof epoch);

    if (err != APS_OK || place->store_id_len > sizeof ring->store_id)
        return err != APS_OK ? err : APS_ERR_RANGE;
    if ((ring = calloc(1, sizeof *ring)) == NULL)
        return APS_ERR_NOMEM;
    if (pthread_mutex_init(&ring->looking, NULL) != 0) {
        free(ring);
        return APS_ERR_NOMEM;
    }
    if (pthread_mutex_init(&ring->swapping, NULL) != 0) {
        (void)pthread_mutex_destroy(&ring->looking); /* nobody has seen it */
        free(ring);
        return APS_ERR_NOMEM;
    }
    ring->place = *place;
    memcpy(ring->store_id, place->store_id, place->store_id_len);
    ring->place.store_id = ring->store_id;
    ring->refresh = refresh;
    atomic_init(&ring->epoch, epoch);
    atomic_init(&ring->ends, INT64_MAX);
    *out = ring;
    return APS_OK;
}

void aps_keyring_free(struct aps_keyring *ring)
{
    if (ring == NULL)
        return;
    for (size_t i = 0; i < APS_ISSUER_MAX; i++)
        release(ring->slots[i].set);
    (void)pthread_mutex_destroy(&ring->looking); /* no other thread uses the ring any more */
    (void)pthread_mutex_destroy(&ring->swapping);
    free(ring);
}

/* ---- Looking, by the holder of `looking` ---- */

static bool is_fetched(const struct aps_issuer *issuer)
{
    return issuer->source == APS_ISSUER_URL || issuer->source == APS_ISSUER_DISCOVER;
}

static struct slot *find(struct aps_keyring *ring, struct aps_str name)
{
    for (size_t i = 0; i < APS_ISSUER_MAX; i++)
        if (ring->slots[i].name[0] != '\0' && aps_str_eq(aps_str(ring->slots[i].name), name))
            return &ring->slots[i];
    return NULL;
}

/* Takes `set`.  Whatever was verified with the old one is forgotten, before anybody can verify with
 * the new one. */
static void swap(struct aps_keyring *ring, struct slot *slot, struct keyset *set)
{
    struct keyset *old;

    (void)pthread_mutex_lock(&ring->swapping); /* fails only for a mutex that is none */
    old = slot->set;
    slot->set = set;
    atomic_fetch_add_explicit(&ring->epoch, 0x9e3779b97f4a7c15u, memory_order_acq_rel);
    (void)pthread_mutex_unlock(&ring->swapping); /* held */
    release(old);
}

/* The issuer's slot: one that is free, or else one of an issuer that the store no longer has. */
static struct slot *slot_of(struct aps_keyring *ring, const struct aps_issuer *issuers, size_t n,
                            const struct aps_issuer *issuer)
{
    struct slot *slot = find(ring, issuer->name);

    for (size_t i = 0; slot == NULL && i < APS_ISSUER_MAX; i++) {
        bool used = false;

        for (size_t k = 0; ring->slots[i].name[0] != '\0' && k < n; k++)
            used = used || aps_str_eq(aps_str(ring->slots[i].name), issuers[k].name);
        if (!used)
            slot = &ring->slots[i];
    }
    if (slot == NULL || issuer->name.n >= sizeof slot->name)
        return NULL;
    if (!aps_str_eq(aps_str(slot->name), issuer->name) || slot->edition < issuer->edition) {
        if (slot->set != NULL)
            swap(ring, slot, NULL);
        (void)pthread_mutex_lock(&ring->swapping); /* fails only for a mutex that is none */
        memset(slot, 0, sizeof *slot);
        memcpy(slot->name, issuer->name.p, issuer->name.n);
        slot->edition = issuer->edition;
        (void)pthread_mutex_unlock(&ring->swapping); /* held */
    }
    return slot->edition == issuer->edition ? slot : NULL; /* a request of an older generation */
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Read the text that the file has into a set of its own. */
static enum aps_err read_set(const struct aps_issuer *issuer, struct aps_str text,
                             struct keyset **out, struct aps_diag *diag)
{
    struct aps_jwks_options options = aps_issuer_jwks(issuer, true);
    struct keyset *set = calloc(1, sizeof *set);
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    enum aps_err err = APS_ERR_NOMEM;

    if (set == NULL)
        return err;
    if (apr_pool_create_unmanaged_ex(&set->pool, NULL, NULL) != APR_SUCCESS) {
        free(set);
        return err;
    }
    atomic_init(&set->refs, 1);
    if ((err = aps_random_fill(hash_key, sizeof hash_key)) == APS_OK &&
        (err = aps_digest_sum(text, set->digest)) == APS_OK)
        err = aps_jwks_read(text, &options, hash_key, set->pool, &set->jwks, diag);
    if (err == APS_OK)
        *out = set;
    else
        release(set);
    return err;
}

/* A set of the same text is the same set, fetched later. */
static enum aps_err load(struct aps_keyring *ring, struct slot *slot,
                         const struct aps_issuer *issuer, apr_pool_t *pool, struct aps_diag *diag)
{
    struct aps_str text = {NULL, 0};
    struct keyset *set = NULL;
    aps_nsec fetched = 0;
    enum aps_err err;

    err = aps_keyring_file_read(&ring->place, issuer, pool, &slot->seen, &text, &fetched, diag);
    if (err != APS_OK)
        return err;
    if (fetched < slot->fetched) {
        aps_err_explain(diag,
                        "issuer %.*s: an older set of keys was put in place of the one in "
                        "use",
                        APS_STR_SHOW(issuer->name));
        return APS_ERR_CONFLICT;
    }
    if ((err = read_set(issuer, text, &set, diag)) != APS_OK)
        return err;
    if (slot->set != NULL && aps_secret_equal(slot->set->digest, set->digest, sizeof set->digest))
        release(set);
    else
        swap(ring, slot, set);
    slot->fetched = fetched;
    return APS_OK;
}

/* Whether the file was refused, and was not before. */
static bool look_at(struct aps_keyring *ring, struct slot *slot, const struct aps_issuer *issuer,
                    aps_nsec wall, apr_pool_t *pool, struct aps_diag *diag)
{
    char path[APS_FILE_PATH_MAX];
    struct stat st;
    enum aps_err err = APS_OK;

    if (aps_keyring_file_path(&ring->place, issuer->name, path, NULL) == APS_OK &&
        lstat(path, &st) == 0 && !is_same_file(&st, &slot->seen))
        err = load(ring, slot, issuer, pool, diag);
    slot->ends = slot->fetched + issuer->life.ttl + issuer->life.max_stale;
    if (slot->set != NULL && !aps_jwks_usable(&issuer->life, slot->fetched, wall))
        swap(ring, slot, NULL);
    return err != APS_OK && err != APS_ERR_NOT_FOUND;
}

/* When the next set ends. */
static void note_end(struct aps_keyring *ring)
{
    aps_nsec ends = INT64_MAX;

    for (size_t i = 0; i < APS_ISSUER_MAX; i++)
        if (ring->slots[i].set != NULL && ring->slots[i].ends < ends)
            ends = ring->slots[i].ends;
    atomic_store_explicit(&ring->ends, ends, memory_order_relaxed);
}

static bool look(struct aps_keyring *ring, const struct aps_issuer *issuers, size_t n,
                 aps_nsec wall, struct aps_diag *diag)
{
    apr_pool_t *pool = NULL;
    bool refused = false;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return false; /* the sets that are there go on; the next look may have memory */
    for (size_t i = 0; i < n; i++) {
        struct slot *slot = is_fetched(&issuers[i]) ? slot_of(ring, issuers, n, &issuers[i]) : NULL;

        if (slot != NULL)
            refused |= look_at(ring, slot, &issuers[i], wall, pool, refused ? NULL : diag);
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    note_end(ring);
    return refused;
}

uint64_t aps_keyring_epoch(struct aps_keyring *ring, const struct aps_issuer *issuers, size_t n,
                           aps_nsec monotonic, aps_nsec wall, bool *out_refused,
                           struct aps_diag *diag)
{
    bool ended = wall >= atomic_load_explicit(&ring->ends, memory_order_relaxed);
    bool refused = false;

    if (ended)
        (void)pthread_mutex_lock(&ring->looking); /* what ends is never used again */
    if (ended || (monotonic >= atomic_load_explicit(&ring->next_look, memory_order_relaxed) &&
                  pthread_mutex_trylock(&ring->looking) == 0)) {
        refused = look(ring, issuers, n, wall, diag);
        atomic_store_explicit(&ring->next_look, monotonic + ring->refresh, memory_order_relaxed);
        (void)pthread_mutex_unlock(&ring->looking); /* held */
    }
    if (out_refused != NULL)
        *out_refused = refused;
    return atomic_load_explicit(&ring->epoch, memory_order_acquire);
}

void aps_keyring_take(struct aps_keyring *ring, const struct aps_issuer *issuers, size_t n,
                      apr_pool_t *pool, struct aps_jwt_issuer *jwt)
{
    (void)pthread_mutex_lock(&ring->swapping); /* fails only for a mutex that is none */
    for (size_t i = 0; i < n; i++) {
        struct slot *slot = is_fetched(&issuers[i]) ? find(ring, issuers[i].name) : NULL;

        if (slot == NULL || slot->set == NULL || slot->edition != issuers[i].edition)
            continue;
        atomic_fetch_add_explicit(&slot->set->refs, 1, memory_order_relaxed);
        apr_pool_cleanup_register(pool, slot->set, release_taken, apr_pool_cleanup_null);
        jwt[i].keys = &slot->set->jwks;
    }
    (void)pthread_mutex_unlock(&ring->swapping); /* held */
}

/* ---- For who fetches ---- */

aps_nsec aps_keyring_fetched(const struct aps_keyring_place *place, const struct aps_issuer *issuer)
{
    apr_pool_t *pool = NULL;
    struct aps_str text;
    aps_nsec fetched = 0;
    struct stat st;

    if (apr_pool_create_unmanaged_ex(&pool, NULL, NULL) != APR_SUCCESS)
        return 0;
    if (aps_keyring_file_read(place, issuer, pool, &st, &text, &fetched, NULL) != APS_OK)
        fetched = 0;
    apr_pool_destroy(pool);
    return fetched;
}

enum aps_err aps_keyring_put(const struct aps_keyring_place *place, const struct aps_issuer *issuer,
                             struct aps_str text, aps_nsec wall, struct aps_diag *diag)
{
    struct keyset *set = NULL;
    enum aps_err err = read_set(issuer, text, &set, diag);

    if (err != APS_OK)
        return err;
    release(set);
    return aps_keyring_file_write(place, issuer, text, wall, diag);
}
