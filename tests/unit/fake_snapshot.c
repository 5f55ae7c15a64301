#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <apr_strings.h>
#include <apisec/keytext.h>

#include "apisec/siphash.h"
#include "fake_snapshot.h"

struct t_fake t_fake;

struct aps_snapshot {
    uint64_t generation;
    struct aps_snapshot_stamp stamp;
    unsigned char store_id[APS_SNAPSHOT_ID_LEN];
};

void t_fake_reset(apr_pool_t *pool)
{
    memset(&t_fake, 0, sizeof t_fake);
    t_fake.prefix = "shop";
    t_fake.pool = pool;
    t_fake.peppers = 1;
    memset(t_fake.store_id, 7, sizeof t_fake.store_id);
    t_fake.book = aps_rolebook_new(pool);
    aps_rolebook_add(t_fake.book, aps_str("reader"));
    aps_rolebook_add(t_fake.book, aps_str("writer"));
    if (aps_rolebook_seal(t_fake.book, NULL) != APS_OK)
        abort();
    t_fake.plans = aps_planbook_new(pool);
    t_fake_publish(1);
}

void t_fake_publish(uint64_t generation)
{
    t_fake.generation = generation;
    t_fake.inode++;
    t_fake.is_there = true;
}

struct aps_str t_fake_text(apr_pool_t *pool, unsigned n, unsigned s)
{
    char *text = apr_psprintf(pool, "%s_key%09u_%043u......", t_fake.prefix, n, s);
    size_t prefix = strlen(t_fake.prefix) + 1, body = 12 + 1 + 43;
    aps_keytext_checksum((struct aps_str){text + prefix, body}, text + prefix + body);
    return aps_str(text);
}

static void mac_of(uint32_t pepper, struct aps_str text, uint8_t out[APS_KEY_MAC_LEN])
{
    unsigned char key[APS_SIPHASH_KEY_LEN] = {(unsigned char)pepper};
    struct aps_siphash half[2];
    half[0] = aps_siphash_128(text, key);
    key[1] = 1;
    half[1] = aps_siphash_128(text, key);
    memcpy(out, half, APS_KEY_MAC_LEN);
}

void t_fake_secret(struct aps_key_secret *secret, unsigned n, unsigned s, uint32_t version,
                   uint32_t pepper)
{
    *secret = (struct aps_key_secret){.version = version, .pepper = pepper};
    mac_of(pepper, t_fake_text(t_fake.pool, n, s), secret->mac);
}

void t_fake_import(struct aps_key *key, struct aps_key_secret *secret, struct aps_str text)
{
    uint8_t digest[APS_DIGEST_LEN];
    char id[APS_KEYTEXT_ID_LEN];
    *secret = (struct aps_key_secret){.version = 1, .pepper = 1, .form = APS_KEY_FORM_DIGEST};
    if (aps_digest_sum(text, digest) != APS_OK ||
        aps_snapshot_imported_id(NULL, digest, id) != APS_OK)
        abort();
    mac_of(1, (struct aps_str){(const char *)digest, sizeof digest}, secret->mac);
    key->id = aps_str_copy(t_fake.pool, (struct aps_str){id, sizeof id});
}

struct aps_key *t_fake_add(unsigned n)
{
    static const struct aps_str reader[] = {{"reader", 6}};
    struct aps_key *key = &t_fake.keys[t_fake.nkeys++];
    *key = (struct aps_key){
        .id = aps_str(apr_psprintf(t_fake.pool, "key%09u", n)),
        .name = aps_str(apr_psprintf(t_fake.pool, "name%u", n)),
        .status = APS_KEY_ACTIVE,
        .expires_at = INT64_MAX,
        .roles = reader,
        .nroles = 1,
    };
    t_fake_secret(&key->secret[0], n, 1, 1, 1);
    return key;
}

/* ---- snapshot.h ---- */

enum aps_err aps_snapshot_stamp(const char *store, struct aps_snapshot_stamp *out,
                                struct aps_diag *diag)
{
    t_fake.stamps++;
    if (!t_fake.is_there) {
        aps_err_explain(diag, "%s/pub/store.db is not there", store);
        return APS_ERR_NOT_FOUND;
    }
    memset(out, 0, sizeof *out);
    out->copy.ino = t_fake.inode;
    return APS_OK;
}

bool aps_snapshot_stamp_equal(const struct aps_snapshot_stamp *a,
                              const struct aps_snapshot_stamp *b)
{
    return a->copy.ino == b->copy.ino;
}

enum aps_err aps_snapshot_open(const struct aps_snapshot_options *options,
                               struct aps_snapshot **out, struct aps_diag *diag)
{
    t_fake.opens++;
    t_fake.waiting++;
    while (t_fake.hold)
        sched_yield();
    t_fake.waiting--;
    enum aps_err err = (enum aps_err)(int)t_fake.open_err;
    /* The stamp first, as the real one does: a copy published in between shows at the next look. */
    uint64_t inode = t_fake.inode;
    uint64_t generation = t_fake.generation;
    if (err == APS_OK && generation < options->min_generation)
        err = APS_ERR_CONFLICT;
    if (err == APS_OK && options->store_id != NULL &&
        memcmp(options->store_id, t_fake.store_id, sizeof t_fake.store_id) != 0)
        err = APS_ERR_CORRUPT;
    if (err != APS_OK) {
        if (err != APS_ERR_IO)
            aps_err_explain(diag, "copy %llu: refused", (unsigned long long)inode);
        t_fake.closes++;
        return err;
    }
    struct aps_snapshot *snap = calloc(1, sizeof *snap);
    snap->generation = generation;
    snap->stamp.copy.ino = inode;
    memcpy(snap->store_id, t_fake.store_id, sizeof snap->store_id);
    *out = snap;
    return APS_OK;
}

void aps_snapshot_close(struct aps_snapshot *snap)
{
    if (snap != NULL)
        t_fake.closes++;
    free(snap);
}

uint64_t aps_snapshot_generation(const struct aps_snapshot *snap)
{
    return snap->generation;
}

const struct aps_snapshot_stamp *aps_snapshot_opened(const struct aps_snapshot *snap)
{
    return &snap->stamp;
}

const uint8_t *aps_snapshot_store_id(const struct aps_snapshot *snap)
{
    return snap->store_id;
}

uint64_t aps_snapshot_store_tag(const struct aps_snapshot *snap)
{
    uint64_t tag;
    memcpy(&tag, snap->store_id, sizeof tag);
    return tag;
}

struct aps_str aps_snapshot_prefix(const struct aps_snapshot *snap)
{
    (void)snap;
    return aps_str(t_fake.prefix);
}

const struct aps_planbook *aps_snapshot_plans(const struct aps_snapshot *snap)
{
    (void)snap;
    return t_fake.plans;
}

const struct aps_rolebook *aps_snapshot_roles(const struct aps_snapshot *snap)
{
    (void)snap;
    return t_fake.book;
}

/* The record's lists are copied, so that nothing of it outlives `pool`. */
enum aps_err aps_snapshot_key(struct aps_snapshot *snap, struct aps_str id, apr_pool_t *pool,
                              struct aps_key *out)
{
    (void)snap;
    t_fake.lookups++;
    if (t_fake.key_err != APS_OK)
        return t_fake.key_err;
    for (size_t i = 0; i < t_fake.nkeys; i++) {
        const struct aps_key *key = &t_fake.keys[i];
        if (!aps_str_eq(key->id, id))
            continue;
        *out = *key;
        out->id.p = apr_pstrmemdup(pool, key->id.p, key->id.n);
        out->owner.p = apr_pstrmemdup(pool, key->owner.p, key->owner.n);
        out->roles = apr_pmemdup(pool, key->roles, key->nroles * sizeof *key->roles);
        out->scopes = apr_pmemdup(pool, key->scopes, key->nscopes * sizeof *key->scopes);
        out->hosts = apr_pmemdup(pool, key->hosts, key->nhosts * sizeof *key->hosts);
        out->nets = apr_pmemdup(pool, key->nets, key->nnets * sizeof *key->nets);
        return APS_OK;
    }
    return APS_ERR_NOT_FOUND;
}

enum aps_err aps_snapshot_mac(struct aps_snapshot *snap, uint32_t pepper, struct aps_str text,
                              uint8_t out[APS_KEY_MAC_LEN])
{
    (void)snap;
    t_fake.macs++;
    if (t_fake.mac_err != APS_OK)
        return t_fake.mac_err;
    if (pepper > t_fake.peppers)
        return APS_ERR_NOT_FOUND;
    mac_of(pepper != 0 ? pepper : t_fake.peppers, text, out);
    return APS_OK;
}

bool aps_snapshot_has_imports(const struct aps_snapshot *snap)
{
    (void)snap;
    return t_fake.imports;
}

enum aps_err aps_snapshot_imported_id(struct aps_snapshot *snap,
                                      const uint8_t digest[APS_DIGEST_LEN],
                                      char out[APS_KEYTEXT_ID_LEN])
{
    (void)snap;
    t_fake.macs++;
    if (t_fake.mac_err != APS_OK)
        return t_fake.mac_err;
    for (size_t i = 0; i < APS_KEYTEXT_ID_LEN; i++)
        aps_keytext_digits(digest[i], 1, out + i);
    return APS_OK;
}

enum aps_err aps_snapshot_pseudonym(struct aps_snapshot *snap, const struct aps_addr *addr,
                                    uint8_t out[16])
{
    (void)snap;
    memcpy(out, addr->b, 16);
    return APS_OK;
}

const struct aps_issuer *aps_snapshot_issuers(const struct aps_snapshot *snap, size_t *out_n)
{
    (void)snap;
    *out_n = t_fake.nissuers;
    return t_fake.issuers;
}

bool aps_snapshot_token_gone(const struct aps_snapshot *snap, const uint8_t hash[APS_DIGEST_LEN])
{
    (void)snap;
    return memcmp(hash, t_fake.gone, APS_DIGEST_LEN) == 0;
}
