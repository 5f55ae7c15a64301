/* wrapped.c - the store's own random keys, sealed under the master key. */
#include <stdio.h>

#include "apisec/random.h"
#include "masters.h"

enum { ROW_MAX = APS_WRAPPED_PURPOSE_MAX + 16, BLOB_LEN = APS_WRAPPED_LEN + APS_SEAL_OVERHEAD };

/* Where version `version` of `purpose` lies; `row` holds its name. */
static struct aps_seal_place place_of(const struct aps_meta *meta, const char *purpose,
                                      uint32_t version, char row[ROW_MAX])
{
    (void)snprintf(row, ROW_MAX, "%s/%u", purpose, version);
    return (struct aps_seal_place){
        .store = {(const char *)meta->store_id, sizeof meta->store_id},
        .table = "wrapped",
        .row = aps_str(row),
        .column = "blob",
    };
}

/* A row of the table. */
struct row {
    const char *purpose;
    uint32_t version;
    aps_nsec created_at;
};

static enum aps_err put_row(struct aps_store *st, const struct aps_seal_key *seal,
                            const struct row *r, const struct aps_secret *key,
                            struct aps_diag *diag)
{
    char row[ROW_MAX];
    const struct aps_seal_place place = place_of(&st->meta, r->purpose, r->version, row);
    uint8_t blob[BLOB_LEN];
    struct aps_sql q;
    enum aps_err err;

    if (key->n != APS_WRAPPED_LEN)
        return APS_ERR_CRYPTO;
    if ((err = aps_masters_take(st->db, seal, diag)) != APS_OK ||
        (err = aps_seal(seal, &place, aps_secret_str(key), blob)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db,
                  "INSERT INTO wrapped(purpose, version, master, blob, created_at)"
                  " VALUES(?, ?, ?, ?, ?)");
    aps_sql_str(&q, aps_str(r->purpose));
    aps_sql_i64(&q, r->version);
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    aps_sql_blob(&q, blob, sizeof blob);
    aps_sql_i64(&q, r->created_at);
    return aps_sql_run(&q, diag);
}

enum aps_err aps_wrapped_put_under(struct aps_store *st, const struct aps_seal_key *seal,
                                   const char *purpose, uint32_t version,
                                   const struct aps_secret *key, struct aps_diag *diag)
{
    const struct row row = {purpose, version, st->now};
    return put_row(st, seal, &row, key, diag);
}

enum aps_err aps_wrapped_put(struct aps_store *st, const char *purpose, uint32_t version,
                             const struct aps_secret *key, struct aps_diag *diag)
{
    const struct row row = {purpose, version, st->now};
    const struct aps_seal_key *seal;
    enum aps_err err = aps_store_seal_load(st, diag);

    for (size_t i = 0; err == APS_OK && (seal = aps_store_seal_at(st, i)) != NULL; i++)
        err = put_row(st, seal, &row, key, diag);
    return err;
}

enum aps_err aps_wrapped_new(struct aps_store *st, const char *purpose, uint32_t version,
                             struct aps_diag *diag)
{
    struct aps_secret key = {0};
    enum aps_err err;

    if ((err = aps_secret_new(APS_WRAPPED_LEN, &key)) == APS_OK &&
        (err = aps_random_fill(key.b, key.n)) == APS_OK)
        err = aps_wrapped_put(st, purpose, version, &key, diag);
    aps_secret_wipe(&key);
    return err;
}

enum aps_err aps_wrapped_newest(struct aps_store *st, const char *purpose, uint32_t *out,
                                struct aps_diag *diag)
{
    struct aps_sql q;
    int64_t newest = 0;
    enum aps_err err;

    aps_sql_begin(&q, st->db, "SELECT coalesce(max(version), 0) FROM wrapped WHERE purpose = ?");
    aps_sql_str(&q, aps_str(purpose));
    if (aps_sql_row(&q))
        newest = aps_sql_get_i64(&q, 0);
    if ((err = aps_sql_end(&q, diag)) != APS_OK)
        return err;
    if (newest < 0 || newest >= UINT32_MAX)
        return APS_ERR_CORRUPT;
    *out = (uint32_t)newest;
    return APS_OK;
}

static enum aps_err open_one(const struct aps_meta *meta, const struct aps_seal_key *seal,
                             const char *purpose, int64_t version, struct aps_str blob,
                             aps_wrapped_fn fn, void *arg)
{
    char row[ROW_MAX];
    struct aps_secret key = {0};
    if (version <= 0 || version > UINT32_MAX)
        return APS_ERR_CORRUPT;
    struct aps_seal_place place = place_of(meta, purpose, (uint32_t)version, row);
    enum aps_err err = aps_seal_open(seal, &place, blob, &key);
    if (err == APS_ERR_CRYPTO || (err == APS_OK && key.n != APS_WRAPPED_LEN))
        err = APS_ERR_CORRUPT;
    if (err == APS_OK)
        err = fn(arg, (uint32_t)version, &key);
    aps_secret_wipe(&key);
    return err;
}

enum aps_err aps_wrapped_each(sqlite3 *db, const struct aps_meta *meta,
                              const struct aps_seal_key *seal, const char *purpose,
                              aps_wrapped_fn fn, void *arg, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;
    unsigned n = 0;

    aps_sql_begin(&q, db,
                  "SELECT version, blob FROM wrapped WHERE purpose = ? AND master = ?"
                  " ORDER BY version");
    aps_sql_str(&q, aps_str(purpose));
    aps_sql_blob(&q, seal->id, sizeof seal->id);
    for (; err == APS_OK && aps_sql_row(&q); n++)
        err =
            open_one(meta, seal, purpose, aps_sql_get_i64(&q, 0), aps_sql_get_str(&q, 1), fn, arg);
    end = aps_sql_end(&q, diag);
    if (err == APS_OK)
        err = end;
    if (err == APS_OK && n == 0)
        err = APS_ERR_CORRUPT;
    if (err == APS_ERR_CORRUPT)
        aps_err_explain(diag, "%s: the sealed %s key is missing or damaged%s",
                        sqlite3_db_filename(db, "main"), purpose, aps_db_mend(db));
    return err;
}

/* ---- all that lies under the master key in hand ---- */

struct work {
    struct aps_store *st;
    const struct aps_seal_key *to; /* NULL: only opened */
    struct row row;
    struct aps_diag *diag;
};

static enum aps_err do_one(void *arg, uint32_t version, const struct aps_secret *key)
{
    const struct work *w = arg;
    (void)version; /* that of w->row */
    return w->to != NULL ? put_row(w->st, w->to, &w->row, key, w->diag) : APS_OK;
}

static enum aps_err each(struct work *w, uint64_t *out_n)
{
    struct aps_store *st = w->st;
    char purpose[APS_WRAPPED_PURPOSE_MAX];
    struct aps_sql q;
    enum aps_err err = APS_OK, end;
    uint64_t n = 0;

    /* Sorted apart from the table, to which rows are added meanwhile. */
    aps_sql_begin(&q, st->db,
                  "SELECT purpose, version, blob, created_at FROM wrapped WHERE master = ?"
                  " ORDER BY +purpose, +version");
    aps_sql_blob(&q, st->seal.id, sizeof st->seal.id);
    for (; err == APS_OK && aps_sql_row(&q); n++) {
        (void)snprintf(purpose, sizeof purpose, "%.*s", APS_STR_ARG(aps_sql_get_str(&q, 0)));
        w->row = (struct row){purpose, (uint32_t)aps_sql_get_i64(&q, 1), aps_sql_get_i64(&q, 3)};
        err = open_one(&st->meta, &st->seal, purpose, aps_sql_get_i64(&q, 1),
                       aps_sql_get_str(&q, 2), do_one, w);
        if (err == APS_ERR_CORRUPT)
            aps_err_explain(w->diag, "%s: the sealed %s key, version %u, is damaged%s",
                            sqlite3_db_filename(st->db, "main"), purpose, w->row.version,
                            aps_db_mend(st->db));
    }
    end = aps_sql_end(&q, err == APS_OK ? w->diag : NULL);
    if (err == APS_OK)
        err = end;
    if (err == APS_OK)
        *out_n = n;
    return err;
}

enum aps_err aps_wrapped_rewrap(struct aps_store *st, const struct aps_seal_key *to,
                                uint64_t *out_n, struct aps_diag *diag)
{
    struct work w = {.st = st, .to = to, .diag = diag};
    return each(&w, out_n);
}

enum aps_err aps_wrapped_verify(struct aps_store *st, uint64_t *out_n, struct aps_diag *diag)
{
    struct work w = {.st = st, .diag = diag};
    return each(&w, out_n);
}
