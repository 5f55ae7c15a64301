/* meta.c - whose store it is, which master keys open it, and whether a copy is untouched. */
#include <apr_escape.h>

#include "apisec/kdf.h"
#include "own.h"
#include "schema.h"

enum { CHECK_LEN = APS_MAC_LEN };

enum aps_err aps_meta_load(sqlite3 *db, struct aps_meta *out, struct aps_diag *diag)
{
    struct aps_meta meta = {0};
    struct aps_sql q;
    bool good = false;

    aps_sql_begin(&q, db, "SELECT store_id, prefix, generation, imports, base, deltas FROM meta");
    if (aps_sql_row(&q)) {
        struct aps_str id = aps_sql_get_str(&q, 0), prefix = aps_sql_get_str(&q, 1);
        int64_t generation = aps_sql_get_i64(&q, 2);
        int64_t imports = aps_sql_get_i64(&q, 3);
        int64_t base = aps_sql_get_i64(&q, 4);
        good = id.n == sizeof meta.store_id && aps_keytext_is_prefix(prefix) && generation > 0 &&
               imports >= 0 && base > 0 && base <= generation;
        if (good) {
            memcpy(meta.store_id, id.p, id.n);
            memcpy(meta.prefix, prefix.p, prefix.n);
            meta.generation = (uint64_t)generation;
            meta.imports = (uint64_t)imports;
            meta.base = (uint64_t)base;
            meta.deltas = aps_sql_get_i64(&q, 5) != 0;
        }
    }
    enum aps_err err = aps_sql_end(&q, diag);
    if (err == APS_OK && !good) {
        aps_err_explain(diag, "%s: its meta row is damaged%s", sqlite3_db_filename(db, "main"),
                        aps_db_mend(db));
        err = APS_ERR_CORRUPT;
    }
    if (err == APS_OK)
        *out = meta;
    return err;
}

uint64_t aps_meta_tag(const struct aps_meta *meta)
{
    uint64_t tag = 0;
    for (int i = 0; i < 8; i++)
        tag = tag << 8 | meta->store_id[i];
    return tag;
}

/* A MAC under the sub-key of `label`. */
static enum aps_err sub_mac(const struct aps_secret *master, const char *label,
                            struct aps_mac **out)
{
    struct aps_secret key = {0};
    enum aps_err err = aps_kdf_sub(master, label, APS_MAC_LEN, &key);
    if (err == APS_OK)
        err = aps_mac_new(key.b, key.n, out);
    aps_secret_wipe(&key);
    return err;
}

static enum aps_err check_value(const struct aps_meta *meta, const struct aps_secret *master,
                                uint8_t out[CHECK_LEN])
{
    struct aps_mac *mac = NULL;
    enum aps_err err = sub_mac(master, APS_KDF_CHECK, &mac);
    if (err == APS_OK)
        err = aps_mac_sum(
            mac, (struct aps_str){(const char *)meta->store_id, sizeof meta->store_id}, out);
    aps_mac_free(mac);
    return err;
}

enum aps_err aps_meta_put_master(sqlite3 *db, const struct aps_meta *meta,
                                 const struct aps_secret *master, const struct aps_seal_key *seal,
                                 aps_nsec now, struct aps_diag *diag)
{
    uint8_t check[CHECK_LEN];
    struct aps_sql q;
    enum aps_err err = check_value(meta, master, check);
    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, db,
                  "INSERT INTO master(id, check_value, mac, created_at)"
                  " VALUES(?, ?, x'', ?)");
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    aps_sql_blob(&q, check, sizeof check);
    aps_sql_i64(&q, now);
    return aps_sql_run(&q, diag);
}

/* The store is of other master keys: name one of them. */
static enum aps_err wrong_master(sqlite3 *db, const struct aps_seal_key *seal,
                                 struct aps_diag *diag)
{
    char mine[2 * APS_SEAL_ID_LEN + 1], theirs[2 * APS_SEAL_ID_LEN + 1] = "none";
    struct aps_sql q;
    (void)apr_escape_hex(mine, seal->id, sizeof seal->id, 0, NULL); /* it cannot fail */
    aps_sql_begin(&q, db, "SELECT id FROM master ORDER BY created_at DESC LIMIT 1");
    if (aps_sql_row(&q)) {
        struct aps_str id = aps_sql_get_str(&q, 0);
        if (id.n == APS_SEAL_ID_LEN)
            (void)apr_escape_hex(theirs, id.p, id.n, 0, NULL); /* it cannot fail */
    }
    enum aps_err err = aps_sql_end(&q, diag);
    if (err != APS_OK)
        return err;
    aps_err_explain(diag,
                    "the master key does not fit %s: the key given has id %s, the store's has id "
                    "%s; give the file or command that the store was made with",
                    sqlite3_db_filename(db, "main"), mine, theirs);
    return APS_ERR_KEY;
}

enum aps_err aps_meta_check_master(sqlite3 *db, const struct aps_meta *meta,
                                   const struct aps_secret *master, const struct aps_seal_key *seal,
                                   struct aps_diag *diag)
{
    uint8_t check[CHECK_LEN];
    struct aps_sql q;
    bool fits = false;
    enum aps_err err = check_value(meta, master, check);
    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, db, "SELECT check_value FROM master WHERE id = ?");
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    if (aps_sql_row(&q)) {
        struct aps_str seen = aps_sql_get_str(&q, 0);
        fits = seen.n == sizeof check && aps_secret_equal(seen.p, check, sizeof check);
    }
    if ((err = aps_sql_end(&q, diag)) != APS_OK)
        return err;
    return fits ? APS_OK : wrong_master(db, seal, diag);
}

/* Every row of `sql`, column by column, then how many there were. */
static enum aps_err add_rows(struct aps_mac_run *run, sqlite3 *db, const char *sql, int columns,
                             struct aps_diag *diag)
{
    struct aps_sql q;
    uint64_t rows = 0;
    aps_sql_begin(&q, db, sql);
    for (; aps_sql_row(&q); rows++)
        for (int i = 0; i < columns; i++) {
            struct aps_str s = aps_sql_get_str(&q, i);
            aps_mac_add(run, s.p, s.n);
        }
    aps_mac_add_u64(run, rows);
    return aps_sql_end(&q, diag);
}

/* What the MAC covers of the tables: whether a delta or a copy has them is under it too, so that
 * neither passes for the other. */
static enum aps_err add_tables(struct aps_mac_run *run, sqlite3 *db, enum aps_schema_kind kind,
                               struct aps_diag *diag)
{
    static const struct {
        const char *sql;
        int columns;
        bool delta_only;
    } parts[] = {
        {"SELECT name, created_at, max_age, warn, plan, priority FROM role ORDER BY name", 6,
         false},
        {"SELECT role, text, deny FROM role_grant ORDER BY role, text", 3, false},
        {"SELECT role, parent FROM role_parent ORDER BY role, parent", 2, false},
        {"SELECT name, description, created_at FROM plan ORDER BY name", 3, false},
        {"SELECT plan, name, position, text, edition FROM plan_limit ORDER BY plan, name", 5,
         false},
        {"SELECT plan, name, n, text, edition, changed_at, until FROM plan_earlier"
         " ORDER BY plan, name, n",
         7, false},
        {"SELECT name, level, subject, bonus, until, epoch FROM adjust ORDER BY name, level,"
         " subject",
         6, false},
        {"SELECT name, edition, record, keys, created_at FROM issuer ORDER BY name", 5, false},
        {"SELECT hash, issuer, until, created_at FROM token_gone ORDER BY hash", 4, false},
        {"SELECT name, record, created_at FROM webhook ORDER BY name", 3, false},
        {"SELECT keyid, key, alg, public, created_at, until FROM signer ORDER BY keyid", 6, false},
        {"SELECT name, key, created_at FROM certificate ORDER BY name", 3, false},
        {"SELECT name, edition, kind, title, version, digest, size, release, created_at,"
         " changed_at FROM api ORDER BY name",
         10, false},
        {"SELECT id, name, record FROM key ORDER BY id", 3, true},
        {"SELECT id FROM key_gone ORDER BY id", 1, true},
    };
    enum aps_err err = APS_OK;
    aps_mac_add_u64(run, kind == APS_SCHEMA_DELTA);
    for (size_t i = 0; err == APS_OK && i < sizeof parts / sizeof *parts; i++)
        if (!parts[i].delta_only || kind == APS_SCHEMA_DELTA)
            err = add_rows(run, db, parts[i].sql, parts[i].columns, diag);
    return err;
}

static enum aps_err keep_newest(void *arg, uint32_t version, const struct aps_secret *key)
{
    struct aps_mac **mac = arg;
    (void)version; /* they come oldest first */
    aps_mac_free(*mac);
    *mac = NULL;
    return aps_mac_new(key->b, key->n, mac);
}

enum aps_err aps_meta_mac(sqlite3 *db, enum aps_schema_kind kind, const struct aps_meta *meta,
                          const struct aps_seal_key *seal, uint8_t out[APS_MAC_LEN],
                          struct aps_diag *diag)
{
    struct aps_mac *mac = NULL;
    struct aps_mac_run *run = NULL;
    enum aps_err err, end;

    if ((err = aps_wrapped_each(db, meta, seal, APS_WRAPPED_PUBLISH, keep_newest, &mac, diag)) !=
        APS_OK)
        goto out;
    if ((err = aps_mac_begin(mac, &run)) != APS_OK)
        goto out;
    aps_mac_add(run, meta->store_id, sizeof meta->store_id);
    aps_mac_add_u64(run, APS_SCHEMA_VERSION);
    aps_mac_add_u64(run, meta->generation);
    aps_mac_add_u64(run, meta->base);
    aps_mac_add_u64(run, meta->deltas);
    aps_mac_add_u64(run, meta->imports);
    aps_mac_add(run, meta->prefix, strlen(meta->prefix));
    err = add_tables(run, db, kind, diag);
    end = aps_mac_end(run, err == APS_OK ? out : NULL);
    err = err != APS_OK ? err : end;
out:
    aps_mac_free(mac);
    return err;
}

enum aps_err aps_meta_put_mac(sqlite3 *db, const char *sql, const uint8_t mac[APS_MAC_LEN],
                              struct aps_diag *diag)
{
    struct aps_sql q;
    aps_sql_begin(&q, db, sql);
    aps_sql_blob(&q, mac, APS_MAC_LEN);
    return aps_sql_run(&q, diag);
}

enum aps_err aps_meta_check_mac(sqlite3 *db, enum aps_schema_kind kind, const struct aps_meta *meta,
                                const struct aps_seal_key *seal, struct aps_diag *diag)
{
    uint8_t want[APS_MAC_LEN];
    struct aps_sql q;
    bool fits = false;
    enum aps_err err = aps_meta_mac(db, kind, meta, seal, want, diag);
    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, db, "SELECT mac FROM master WHERE id = ?");
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    if (aps_sql_row(&q)) {
        struct aps_str seen = aps_sql_get_str(&q, 0);
        fits = seen.n == sizeof want && aps_secret_equal(seen.p, want, sizeof want);
    }
    if ((err = aps_sql_end(&q, diag)) != APS_OK || fits)
        return err;
    aps_err_explain(diag, "%s was changed after it was published: it does not authenticate",
                    sqlite3_db_filename(db, "main"));
    return APS_ERR_CORRUPT;
}
