/* masters.c - every master key that can open the store: what is sealed under one is sealed under
 * all of them, and each is counted (SEC-02). */
#include "masters.h"

#include <apr_escape.h>
#include <stdio.h>

/* A master key lies in `wrapped` under each other one, so that whoever has one of them can seal for
 * all that may still read: a server that was started with an older one.  The purpose names whose
 * key it is. */
enum { PURPOSE_MAX = sizeof APS_WRAPPED_MASTER + 2 * APS_SEAL_ID_LEN };

static void purpose_of(const uint8_t id[APS_SEAL_ID_LEN], char out[PURPOSE_MAX])
{
    char hex[2 * APS_SEAL_ID_LEN + 1];
    (void)apr_escape_hex(hex, id, APS_SEAL_ID_LEN, 0, NULL); /* it cannot fail */
    (void)snprintf(out, PURPOSE_MAX, APS_WRAPPED_MASTER "%s", hex);
}

/* ---- counting ---- */

enum aps_err aps_masters_take(sqlite3 *db, const struct aps_seal_key *seal, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err;

    aps_sql_begin(&q, db, "UPDATE master SET seals = seals + 1 WHERE id = ? AND seals < ?");
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    aps_sql_i64(&q, APS_MASTERS_SEALS);
    if ((err = aps_sql_run(&q, diag)) != APS_OK || sqlite3_changes(db) == 1)
        return err;
    aps_err_explain(diag,
                    "the master key has sealed %lld times, which is what one may: apisecctl master "
                    "rotate makes another",
                    (long long)APS_MASTERS_SEALS);
    return APS_ERR_CONFLICT;
}

/* ---- the others ---- */

static enum aps_err keep(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_masters *all = arg;

    (void)version; /* there is one */
    if (all->n == APS_MASTERS_MAX)
        return APS_ERR_CORRUPT;
    struct aps_master_key *m = &all->key[all->n];
    enum aps_err err = aps_secret_copy(key->b, key->n, &m->master);
    if (err == APS_OK && (err = aps_seal_key_init(&m->master, &m->seal)) != APS_OK)
        aps_secret_wipe(&m->master);
    if (err == APS_OK)
        all->n++;
    return err;
}

/* The ids of the other rows, into all->key[].seal.id; *out_n of them. */
static enum aps_err list(sqlite3 *db, const struct aps_seal_key *seal,
                         uint8_t ids[APS_MASTERS_MAX][APS_SEAL_ID_LEN], size_t *out_n,
                         struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;
    size_t n = 0;

    aps_sql_begin(&q, db, "SELECT id FROM master WHERE id <> ? ORDER BY id");
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    while (err == APS_OK && aps_sql_row(&q)) {
        struct aps_str id = aps_sql_get_str(&q, 0);
        if (id.n != APS_SEAL_ID_LEN || n == APS_MASTERS_MAX)
            err = APS_ERR_CORRUPT;
        else
            memcpy(ids[n++], id.p, id.n);
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    if (err == APS_ERR_CORRUPT)
        aps_err_explain(diag, "%s: its master keys are damaged%s", sqlite3_db_filename(db, "main"),
                        aps_db_mend(db));
    *out_n = n;
    return err != APS_OK ? err : end;
}

enum aps_err aps_masters_load(sqlite3 *db, const struct aps_meta *meta,
                              const struct aps_seal_key *seal, struct aps_masters *out,
                              struct aps_diag *diag)
{
    uint8_t ids[APS_MASTERS_MAX][APS_SEAL_ID_LEN];
    struct aps_masters all = {.n = 0};
    size_t n = 0;
    enum aps_err err = list(db, seal, ids, &n, diag);

    for (size_t i = 0; err == APS_OK && i < n; i++) {
        char purpose[PURPOSE_MAX];
        purpose_of(ids[i], purpose);
        err = aps_wrapped_each(db, meta, seal, purpose, keep, &all, diag);
        if (err == APS_OK &&
            (all.n != i + 1 || memcmp(all.key[i].seal.id, ids[i], sizeof ids[i]) != 0)) {
            aps_err_explain(diag, "%s: a sealed master key is of another one%s",
                            sqlite3_db_filename(db, "main"), aps_db_mend(db));
            err = APS_ERR_CORRUPT;
        }
    }
    if (err == APS_OK)
        *out = all;
    else
        aps_masters_wipe(&all);
    return err;
}

void aps_masters_wipe(struct aps_masters *all)
{
    for (size_t i = 0; i < all->n; i++) {
        aps_seal_key_wipe(&all->key[i].seal);
        aps_secret_wipe(&all->key[i].master);
    }
    all->n = 0;
}

/* ---- one more ---- */

/* `key` under `seal`. */
static enum aps_err put_under(struct aps_store *st, const struct aps_seal_key *seal,
                              const struct aps_seal_key *whose, const struct aps_secret *key,
                              struct aps_diag *diag)
{
    char purpose[PURPOSE_MAX];
    purpose_of(whose->id, purpose);
    return aps_wrapped_put(st->db, &st->meta, seal, purpose, 1, key, st->now, diag);
}

enum aps_err aps_masters_add(struct aps_store *st, const struct aps_secret *master,
                             struct aps_diag *diag)
{
    struct aps_master_key key = {.master = {NULL, 0}};
    enum aps_err err;

    if (st->others.n == APS_MASTERS_MAX) {
        aps_err_explain(diag,
                        "the store has %d master keys: apisecctl master retire takes one away that "
                        "no server uses any more",
                        APS_MASTERS_MAX + 1);
        return APS_ERR_CONFLICT;
    }
    if ((err = aps_secret_copy(master->b, master->n, &key.master)) != APS_OK ||
        (err = aps_seal_key_init(&key.master, &key.seal)) != APS_OK ||
        (err = aps_meta_put_master(st->db, &st->meta, &key.master, &key.seal, st->now, diag)) !=
            APS_OK ||
        (err = put_under(st, &key.seal, &st->seal, st->master, diag)) != APS_OK ||
        (err = put_under(st, &st->seal, &key.seal, &key.master, diag)) != APS_OK)
        goto out;
    for (size_t i = 0; err == APS_OK && i < st->others.n; i++) {
        const struct aps_master_key *o = &st->others.key[i];
        err = put_under(st, &key.seal, &o->seal, &o->master, diag);
        if (err == APS_OK)
            err = put_under(st, &o->seal, &key.seal, &key.master, diag);
    }
    if (err == APS_OK) {
        st->others.key[st->others.n++] = key;
        key = (struct aps_master_key){.master = {NULL, 0}};
    }
out:
    aps_seal_key_wipe(&key.seal);
    aps_secret_wipe(&key.master);
    return err;
}
