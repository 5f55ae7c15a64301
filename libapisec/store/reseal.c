/* reseal.c - every secret of a store, for another master key or under another data key. */
#include "reseal.h"

#include <stdio.h>

#include "envelope.h"

enum { PAGE = 256 };

struct item {
    char name[APS_ENVELOPE_NAME_MAX + 1];
    uint32_t version;
};

/* What is done to each. */
struct work {
    struct aps_store *st;
    const struct aps_seal_key *to; /* wrapped for it too; NULL: see `renew` */
    bool renew;
    struct aps_diag *diag;
};

/* The next ones in order, after `last`.  They are collected first, since their rows change. */
static enum aps_err read_page(const struct work *w, const struct item *last, struct item *out,
                              size_t *out_n)
{
    struct aps_sql q;
    bool good = true;
    size_t n = 0;
    enum aps_err err;

    aps_sql_begin(&q, w->st->db,
                  "SELECT name, version FROM secret_version WHERE (name, version) > (?, ?)"
                  " ORDER BY name, version LIMIT 256");
    aps_sql_str(&q, aps_str(last->name));
    aps_sql_i64(&q, last->version);
    for (; good && n < PAGE && aps_sql_row(&q); n++) {
        const struct aps_str name = aps_sql_get_str(&q, 0);
        const int64_t version = aps_sql_get_i64(&q, 1);

        good = name.n <= APS_ENVELOPE_NAME_MAX && version > 0 && version <= UINT32_MAX;
        (void)snprintf(out[n].name, sizeof out[n].name, "%.*s", APS_STR_ARG(name));
        out[n].version = (uint32_t)version;
    }
    if ((err = aps_sql_end(&q, w->diag)) != APS_OK)
        return err;
    if (!good) {
        aps_err_explain(w->diag, "%s: a row of its secrets is damaged%s",
                        sqlite3_db_filename(w->st->db, "main"), aps_db_mend(w->st->db));
        return APS_ERR_CORRUPT;
    }
    *out_n = n;
    return APS_OK;
}

/* The value, or with `key` only the data key; and since when until when it is. */
static enum aps_err open_one(const struct work *w, const struct item *item, bool key,
                             struct aps_secret *out, aps_nsec times[2])
{
    struct aps_envelope e = {.name = aps_str(item->name), .version = item->version};
    struct aps_sql q;
    enum aps_err err = APS_ERR_CORRUPT, end;

    aps_sql_begin(&q, w->st->db,
                  "SELECT v.blob, k.blob, v.created_at, v.until FROM secret_version AS v"
                  " LEFT JOIN secret_key AS k ON k.name = v.name AND k.version = v.version"
                  " AND k.master = ?1 WHERE v.name = ?2 AND v.version = ?3");
    aps_sql_blob(&q, w->st->seal.id, sizeof w->st->seal.id);
    aps_sql_str(&q, e.name);
    aps_sql_i64(&q, item->version);
    if (aps_sql_row(&q)) {
        e.blob = aps_sql_get_str(&q, 0);
        e.key = aps_sql_get_str(&q, 1);
        times[0] = aps_sql_get_i64(&q, 2);
        times[1] = aps_sql_get_i64(&q, 3);
        err = key ? aps_envelope_key(&w->st->meta, &w->st->seal, &e, out)
                  : aps_envelope_open(&w->st->meta, &w->st->seal, &e, out);
    }
    end = aps_sql_end(&q, err == APS_OK ? w->diag : NULL);
    if (err == APS_ERR_CORRUPT)
        aps_err_explain(w->diag, "%s: the sealed secret \"%s\", version %u, is damaged%s",
                        sqlite3_db_filename(w->st->db, "main"), item->name, item->version,
                        aps_db_mend(w->st->db));
    return err != APS_OK ? err : end;
}

static enum aps_err delete_one(const struct work *w, const struct item *item)
{
    static const char *const deletes[] = {
        "DELETE FROM secret_version WHERE name = ? AND version = ?",
        "DELETE FROM secret_key WHERE name = ? AND version = ?",
    };
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < sizeof deletes / sizeof *deletes; i++) {
        struct aps_sql q;

        aps_sql_begin(&q, w->st->db, deletes[i]);
        aps_sql_str(&q, aps_str(item->name));
        aps_sql_i64(&q, item->version);
        err = aps_sql_run(&q, w->diag);
    }
    return err;
}

static enum aps_err do_one(const struct work *w, const struct item *item)
{
    const struct aps_str name = aps_str(item->name);
    struct aps_secret plain = {NULL, 0};
    aps_nsec times[2] = {0, 0};
    enum aps_err err = open_one(w, item, !w->renew, &plain, times);

    if (err == APS_OK && w->to != NULL)
        err =
            aps_envelope_wrap(w->st->db, &w->st->meta, w->to, name, item->version, &plain, w->diag);
    else if (err == APS_OK && w->renew && (err = delete_one(w, item)) == APS_OK)
        err = aps_envelope_put(w->st, name, item->version, aps_secret_str(&plain), times[0],
                               times[1], w->diag);
    aps_secret_wipe(&plain);
    return err;
}

static enum aps_err each(const struct work *w, struct aps_store_step step, uint64_t *out_n)
{
    struct item *page = apr_palloc(w->st->pool, (PAGE + 1) * sizeof *page);
    struct item *last = &page[PAGE];
    uint64_t all = 0;
    size_t n = 0;
    enum aps_err err;

    *last = (struct item){.version = 0};
    while ((err = read_page(w, last, page, &n)) == APS_OK && n != 0) {
        for (size_t i = 0; err == APS_OK && i < n; i++)
            err = do_one(w, &page[i]);
        if (err != APS_OK)
            return err;
        *last = page[n - 1];
        all += n;
        if (step.fn != NULL)
            step.fn(step.arg, n);
    }
    if (err == APS_OK)
        *out_n = all;
    return err;
}

enum aps_err aps_reseal_wrap(struct aps_store *st, const struct aps_seal_key *to,
                             struct aps_store_step step, uint64_t *out_n, struct aps_diag *diag)
{
    const struct work w = {.st = st, .to = to, .diag = diag};
    return each(&w, step, out_n);
}

enum aps_err aps_reseal_renew(struct aps_store *st, struct aps_store_step step, uint64_t *out_n,
                              struct aps_diag *diag)
{
    const struct work w = {.st = st, .renew = true, .diag = diag};
    return each(&w, step, out_n);
}
