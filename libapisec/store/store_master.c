/* store_master.c - the master keys of a store: listed, followed by another, retired (SEC-06). */
#include <apr_escape.h>
#include <stdio.h>

#include "reseal.h"

enum { RAW_LEN = APS_SEAL_ID_LEN, ID_LEN = APS_STORE_MASTER_ID_LEN };

_Static_assert(ID_LEN == 2 * RAW_LEN, "an id is told in hexadecimal digits");

static void print_id(const uint8_t raw[RAW_LEN], char out[ID_LEN + 1])
{
    (void)apr_escape_hex(out, raw, RAW_LEN, 0, NULL); /* it cannot fail */
}

/* ---- listing ---- */

struct list {
    struct aps_store_master master[APS_STORE_MASTERS_MAX];
    size_t n, newest;
};

/* One number that hangs on the ids of one or two master keys. */
static enum aps_err count(struct aps_store *st, const char *sql, const struct aps_store_master *one,
                          const struct aps_store_master *other, uint64_t *out,
                          struct aps_diag *diag)
{
    struct aps_sql q;
    int64_t n = 0;
    enum aps_err err;

    aps_sql_begin(&q, st->db, sql);
    aps_sql_blob(&q, one->raw, RAW_LEN);
    if (other != NULL)
        aps_sql_blob(&q, other->raw, RAW_LEN);
    if (aps_sql_row(&q))
        n = aps_sql_get_i64(&q, 0);
    if ((err = aps_sql_end(&q, diag)) == APS_OK)
        *out = (uint64_t)n;
    return err;
}

static bool read_master(struct aps_sql *q, struct aps_store_master *out)
{
    const struct aps_str id = aps_sql_get_str(q, 0);

    if (id.n != RAW_LEN)
        return false;
    *out = (struct aps_store_master){.created_at = aps_sql_get_i64(q, 1),
                                     .compromised = aps_sql_get_i64(q, 2) != 0,
                                     .seals = (uint64_t)aps_sql_get_i64(q, 3)};
    memcpy(out->raw, id.p, RAW_LEN);
    print_id(out->raw, out->id);
    return true;
}

static enum aps_err read_rows(struct aps_store *st, struct list *out, struct aps_diag *diag)
{
    struct aps_sql q;
    bool good = true;
    enum aps_err err;

    aps_sql_begin(&q, st->db,
                  "SELECT id, created_at, compromised, seals FROM master ORDER BY created_at, id");
    for (out->n = 0; good && out->n < APS_STORE_MASTERS_MAX && aps_sql_row(&q); out->n++)
        good = read_master(&q, &out->master[out->n]);
    if ((err = aps_sql_end(&q, diag)) == APS_OK && !good) {
        aps_err_explain(diag, "%s: a row of its master keys is damaged%s",
                        sqlite3_db_filename(st->db, "main"), aps_db_mend(st->db));
        err = APS_ERR_CORRUPT;
    }
    return err;
}

/* The newest is the one that no other has followed. */
static enum aps_err find_newest(struct aps_store *st, struct list *list, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < list->n; i++) {
        uint64_t followed = 0;

        err = count(st,
                    "SELECT count(*) FROM wrapped WHERE purpose = '" APS_WRAPPED_MASTER
                    "' || lower(hex(?))",
                    &list->master[i], NULL, &followed, diag);
        list->master[i].newest = followed == 0;
        if (followed == 0)
            list->newest = i;
    }
    return err;
}

static enum aps_err count_all(struct aps_store *st, const struct list *list,
                              struct aps_store_master *master, struct aps_diag *diag)
{
    const struct aps_store_master *newest = &list->master[list->newest];
    uint64_t keys = 0, secrets = 0;
    enum aps_err err;

    if ((err = count(st, "SELECT count(*) FROM wrapped WHERE master = ?", master, NULL,
                     &master->keys, diag)) != APS_OK ||
        (err = count(st, "SELECT count(*) FROM secret_key WHERE master = ?", master, NULL,
                     &master->secrets, diag)) != APS_OK ||
        (err = count(st,
                     "SELECT count(*) FROM (SELECT purpose, version FROM wrapped WHERE master = ?"
                     " EXCEPT SELECT purpose, version FROM wrapped WHERE master = ?)",
                     master, newest, &keys, diag)) != APS_OK ||
        (err = count(st,
                     "SELECT count(*) FROM secret_key AS a WHERE a.master = ?1 AND NOT EXISTS"
                     " (SELECT 1 FROM secret_key AS b WHERE b.name = a.name"
                     " AND b.version = a.version AND b.master = ?2)",
                     master, newest, &secrets, diag)) != APS_OK)
        return err;
    master->only = keys + secrets;
    return APS_OK;
}

static enum aps_err load(struct aps_store *st, struct list *out, struct aps_diag *diag)
{
    enum aps_err err;

    if ((err = read_rows(st, out, diag)) != APS_OK || (err = find_newest(st, out, diag)) != APS_OK)
        return err;
    for (size_t i = 0; err == APS_OK && i < out->n; i++)
        err = count_all(st, out, &out->master[i], diag);
    return err;
}

static const struct aps_store_master *find(const struct list *list, struct aps_str id)
{
    for (size_t i = 0; i < list->n; i++)
        if (aps_str_eq(aps_str(list->master[i].id), id))
            return &list->master[i];
    return NULL;
}

enum aps_err aps_store_master_each(struct aps_store *st, aps_store_master_fn fn, void *arg,
                                   struct aps_diag *diag)
{
    struct list list = {.n = 0};
    enum aps_err err = load(st, &list, diag);

    for (size_t i = 0; err == APS_OK && i < list.n; i++)
        err = fn(arg, &list.master[i]);
    return err;
}

enum aps_err aps_store_master_steps(struct aps_store *st, uint64_t *out, struct aps_diag *diag)
{
    int64_t n = 0;
    enum aps_err err = aps_db_number(st->db, "SELECT count(*) FROM secret_version", 0, &n, diag);

    if (err == APS_OK)
        *out = (uint64_t)n;
    return err;
}

/* ---- both ways of making anew ---- */

/* New data keys and new versions of the store's own. */
static enum aps_err renew(struct aps_store *st, struct aps_store_step step,
                          struct aps_store_rotated *out, struct aps_diag *diag)
{
    enum aps_err err;

    if ((err = aps_store_own_renew(st, &out->keys, diag)) != APS_OK ||
        (err = aps_reseal_renew(st, step, &out->secrets, diag)) != APS_OK)
        return err;
    out->renewed = true;
    return APS_OK;
}

static enum aps_err log_change(struct aps_store *st, const struct aps_store_rotated *done,
                               struct aps_diag *diag)
{
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_put_str(&w, "from", done->from);
    aps_json_put_str(&w, "to", done->to);
    aps_json_put_bool(&w, "renewed", done->renewed);
    aps_json_end(&w);
    return aps_store_change_put(st, APS_STR_LIT("master"), (struct aps_str){0}, aps_json_text(&w),
                                diag);
}

/* ---- one more ---- */

static enum aps_err check_new(const struct list *list, const struct aps_seal_key *to,
                              bool compromised, struct aps_diag *diag)
{
    char id[ID_LEN + 1];

    print_id(to->id, id);
    if (find(list, aps_str(id)) != NULL) {
        aps_err_explain(diag, "the master key %s opens the store already: want a new one", id);
        return APS_ERR_CONFLICT;
    }
    if (list->n >= APS_STORE_MASTERS_MAX) {
        aps_err_explain(diag, "%zu master keys open the store: apisecctl master retire %s first",
                        list->n, list->master[0].id);
        return APS_ERR_CONFLICT;
    }
    for (size_t i = 0; !compromised && i < list->n; i++)
        if (list->master[i].compromised) {
            aps_err_explain(diag,
                            "the master key %s was compromised and has not retired: apisecctl "
                            "master retire %s first, or rotate with --compromised; rewrapping "
                            "alone would keep what it opens",
                            list->master[i].id, list->master[i].id);
            return APS_ERR_CONFLICT;
        }
    return APS_OK;
}

/* From now on the store is changed with this one.  What the one before seals with lies under it. */
static enum aps_err follow(struct aps_store *st, const struct aps_secret *master,
                           struct aps_seal_key *to, struct aps_diag *diag)
{
    char purpose[APS_WRAPPED_PURPOSE_MAX], id[ID_LEN + 1];
    enum aps_err err;

    print_id(st->seal.id, id);
    (void)snprintf(purpose, sizeof purpose, APS_WRAPPED_MASTER "%s", id);
    if ((err = aps_wrapped_put_under(st, to, purpose, 1, &st->seal.key, diag)) != APS_OK)
        return err;
    aps_store_seal_forget(st);
    aps_seal_key_wipe(&st->seal);
    st->seal = *to;
    st->master = master;
    *to = (struct aps_seal_key){.id = {0}}; /* taken */
    return APS_OK;
}

static enum aps_err mark_others(struct aps_store *st, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, "UPDATE master SET compromised = 1 WHERE id <> ?");
    aps_sql_blob(&q, st->seal.id, sizeof st->seal.id);
    return aps_sql_run(&q, diag);
}

static enum aps_err add(struct aps_store *st, const struct aps_secret *master,
                        struct aps_seal_key *to, struct aps_store_step step,
                        struct aps_store_rotated *done, struct aps_diag *diag)
{
    enum aps_err err;

    if ((err = aps_meta_put_master(st->db, &st->meta, master, to, st->now, diag)) != APS_OK ||
        (err = aps_wrapped_rewrap(st, to, &done->keys, diag)) != APS_OK ||
        (err = aps_reseal_wrap(st, to, step, &done->secrets, diag)) != APS_OK)
        return err;
    return follow(st, master, to, diag);
}

enum aps_err aps_store_master_rotate(struct aps_store *st, const struct aps_secret *to,
                                     bool compromised, struct aps_store_step step,
                                     struct aps_store_rotated *out, struct aps_diag *diag)
{
    struct aps_store_rotated done = {.keys = 0};
    struct aps_seal_key seal = {.id = {0}};
    struct list list = {.n = 0};
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK || (err = load(st, &list, diag)) != APS_OK ||
        (err = aps_seal_key_init(to, &seal)) != APS_OK ||
        (err = check_new(&list, &seal, compromised, diag)) != APS_OK)
        goto out;
    print_id(st->seal.id, done.from);
    print_id(seal.id, done.to);
    if ((err = add(st, to, &seal, step, &done, diag)) != APS_OK)
        goto out;
    if (compromised &&
        ((err = mark_others(st, diag)) != APS_OK || (err = renew(st, step, &done, diag)) != APS_OK))
        goto out;
    if ((err = log_change(st, &done, diag)) == APS_OK)
        *out = done;
out:
    aps_seal_key_wipe(&seal);
    return err;
}

/* ---- one less ---- */

static enum aps_err check_retired(const struct list *list, const struct aps_store_master *old,
                                  struct aps_str id, struct aps_diag *diag)
{
    if (old == NULL) {
        aps_err_explain(diag,
                        "no master key \"%.*s\" opens the store: apisecctl master list shows those "
                        "that do",
                        APS_STR_SHOW(id));
        return APS_ERR_NOT_FOUND;
    }
    if (list->n == 1) {
        aps_err_explain(diag,
                        "the master key %s is the only one that opens the store: apisecctl master "
                        "rotate makes another first",
                        old->id);
        return APS_ERR_CONFLICT;
    }
    if (old->newest) {
        aps_err_explain(diag,
                        "the master key %s is the newest, with which the store is changed: "
                        "apisecctl master rotate makes another first",
                        old->id);
        return APS_ERR_CONFLICT;
    }
    if (old->only != 0) {
        aps_err_explain(diag,
                        "%llu keys and secrets lie under the master key %s alone: restore the "
                        "store from a backup",
                        (unsigned long long)old->only, old->id);
        return APS_ERR_CONFLICT;
    }
    return APS_OK;
}

static enum aps_err run_with(struct aps_store *st, const char *sql, const void *p, size_t n,
                             struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, sql);
    aps_sql_blob(&q, p, n);
    return aps_sql_run(&q, diag);
}

static enum aps_err take_away(struct aps_store *st, const struct aps_store_master *old,
                              struct aps_diag *diag)
{
    enum aps_err err;

    aps_store_seal_forget(st);
    if ((err = run_with(st, "DELETE FROM wrapped WHERE master = ?", old->raw, RAW_LEN, diag)) !=
            APS_OK ||
        (err = run_with(
             st, "DELETE FROM wrapped WHERE purpose = '" APS_WRAPPED_MASTER "' || lower(hex(?))",
             old->raw, RAW_LEN, diag)) != APS_OK)
        return err;
    if ((err = run_with(st, "DELETE FROM secret_key WHERE master = ?", old->raw, RAW_LEN, diag)) !=
        APS_OK)
        return err;
    return run_with(st, "DELETE FROM master WHERE id = ?", old->raw, RAW_LEN, diag);
}

enum aps_err aps_store_master_retire(struct aps_store *st, struct aps_str id,
                                     struct aps_store_step step, struct aps_store_rotated *out,
                                     struct aps_diag *diag)
{
    struct aps_store_rotated done = {.keys = 0};
    const struct aps_store_master *old;
    struct list list = {.n = 0};
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK || (err = load(st, &list, diag)) != APS_OK)
        return err;
    old = find(&list, id);
    if ((err = check_retired(&list, old, id, diag)) != APS_OK ||
        (err = aps_wrapped_verify(st, &done.keys, diag)) != APS_OK ||
        (err = aps_reseal_wrap(st, NULL, step, &done.secrets, diag)) != APS_OK ||
        (err = take_away(st, old, diag)) != APS_OK)
        return err;
    done.keys = done.secrets = 0;
    memcpy(done.from, old->id, sizeof done.from);
    print_id(st->seal.id, done.to);
    if (old->compromised && (err = renew(st, step, &done, diag)) != APS_OK)
        return err;
    if ((err = log_change(st, &done, diag)) == APS_OK)
        *out = done;
    return err;
}
