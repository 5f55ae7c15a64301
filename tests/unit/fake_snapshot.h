/* A published copy that tests make up: what it holds, how it fails, and how often it was asked. */
#ifndef T_FAKE_SNAPSHOT_H
#define T_FAKE_SNAPSHOT_H

#include <stdatomic.h>

#include <apisec/snapshot.h>

#define T_KEYS_MAX 256

struct t_fake {
    /* The file as it lies there; changed by the test alone. */
    atomic_bool is_there;
    atomic_uint_least64_t generation;
    atomic_uint_least64_t inode; /* its stamp */
    atomic_int open_err;         /* an enum aps_err, APS_OK for a good copy */
    unsigned char store_id[APS_SNAPSHOT_ID_LEN];
    const char *prefix;
    apr_pool_t *pool; /* the books of every copy live here */
    struct aps_rolebook *book;
    struct aps_planbook *plans; /* empty; a test may put another one here */
    struct aps_key keys[T_KEYS_MAX];
    size_t nkeys;
    enum aps_err key_err; /* what every lookup ends with */
    enum aps_err mac_err;
    const struct aps_issuer *issuers;
    size_t nissuers;
    uint8_t gone[APS_DIGEST_LEN]; /* the one token that was revoked */
    bool imports;                 /* keys from elsewhere were imported */
    uint32_t peppers;             /* versions 1 to this one are there */

    /* How often. */
    atomic_uint stamps, opens, closes, lookups, macs;
    /* While set, an open waits; `waiting` counts those that do. */
    atomic_bool hold;
    atomic_uint waiting;
};

extern struct t_fake t_fake;

/* Forget all; roles "reader" and "writer" and no keys. */
void t_fake_reset(apr_pool_t *pool);

/* The text of key number `n` with secret number `s`; lives in `pool`. */
struct aps_str t_fake_text(apr_pool_t *pool, unsigned n, unsigned s);

/* Add key number `n`, active, without end, with role "reader" and secret number 1 as version 1
 * under pepper 1; the caller changes it. */
struct aps_key *t_fake_add(unsigned n);

/* Make `secret` that of text number `s` of key number `n`. */
void t_fake_secret(struct aps_key_secret *secret, unsigned n, unsigned s, uint32_t version,
                   uint32_t pepper);

/* Make `secret` that of a text from elsewhere, as version 1 under pepper 1, and give `key` the id
 * that goes with it. */
void t_fake_import(struct aps_key *key, struct aps_key_secret *secret, struct aps_str text);

/* Replace the file by one of this generation. */
void t_fake_publish(uint64_t generation);

#endif
