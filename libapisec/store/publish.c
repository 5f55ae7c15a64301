/* publish.c - the immutable copy that httpd reads: made beside the old one, renamed over it. */
#include "own.h"

/* ---- a file of pub/ ---- */

enum aps_err aps_publish_file(struct aps_store *st, const char *target, aps_publish_fn fill,
                              void *arg, struct aps_diag *diag)
{
    char folder[APS_FILE_PATH_MAX], temp[APS_FILE_PATH_MAX];
    struct stat where;
    enum aps_err err;
    int fd = -1;

    if ((err = aps_file_join(st->dir, "pub", folder, diag)) != APS_OK)
        return err;
    if (stat(folder, &where) != 0) {
        aps_err_explain(diag, "folder %s is gone: make it again, mode 0750, group of httpd",
                        folder);
        return APS_ERR_NOT_FOUND;
    }
    aps_file_sweep(target);
    if ((err = aps_file_temp(target, 0640, where.st_gid, temp, &fd, diag)) != APS_OK)
        return err;
    if ((err = fill(st, temp, arg, diag)) == APS_OK)
        err = aps_file_replace(temp, fd, target, diag);
    if (err != APS_OK)
        (void)unlink(temp); /* else the next sweep takes it */
    (void)close(fd);        /* synced, or gone */
    return err;
}

static enum aps_err make_tables(const char *path, enum aps_schema_kind kind, struct aps_diag *diag)
{
    sqlite3 *db = NULL;
    enum aps_err err = aps_db_open(path, APS_DB_MAKE, &db, diag);
    if (err == APS_OK)
        err = aps_schema_make(db, kind, diag);
    aps_db_close(db);
    return err;
}

enum aps_err aps_publish_attach(struct aps_store *st, const char *path, enum aps_schema_kind kind,
                                struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = make_tables(path, kind, diag);
    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "ATTACH ? AS pub");
    aps_sql_str(&q, aps_str(path));
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    err = aps_db_exec(
        st->db, "PRAGMA pub.journal_mode = MEMORY; PRAGMA pub.synchronous = OFF; BEGIN", diag);
    return err == APS_OK ? APS_OK : aps_publish_detach(st, err, diag);
}

enum aps_err aps_publish_detach(struct aps_store *st, enum aps_err err, struct aps_diag *diag)
{
    enum aps_err detach;
    if (err == APS_OK)
        err = aps_db_exec(st->db, "COMMIT", diag);
    if (err != APS_OK)
        aps_db_rollback(st->db);
    detach = aps_db_exec(st->db, "DETACH pub", err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : detach;
}

enum aps_err aps_publish_small(struct aps_store *st, struct aps_diag *diag)
{
    /* The change log is not among them: httpd has no use for it. */
    static const char *const copies[] = {
        "INSERT INTO pub.meta SELECT * FROM main.meta",
        "INSERT INTO pub.master SELECT * FROM main.master",
        "INSERT INTO pub.wrapped SELECT * FROM main.wrapped",
        "INSERT INTO pub.role SELECT * FROM main.role",
        "INSERT INTO pub.role_grant SELECT * FROM main.role_grant",
        "INSERT INTO pub.role_parent SELECT * FROM main.role_parent",
        "INSERT INTO pub.plan SELECT * FROM main.plan",
        "INSERT INTO pub.plan_limit SELECT * FROM main.plan_limit",
        "INSERT INTO pub.plan_earlier SELECT * FROM main.plan_earlier",
        "INSERT INTO pub.adjust SELECT * FROM main.adjust",
        "INSERT INTO pub.issuer SELECT * FROM main.issuer",
        "INSERT INTO pub.token_gone SELECT * FROM main.token_gone",
        "INSERT INTO pub.secret SELECT * FROM main.secret",
        "INSERT INTO pub.secret_version SELECT * FROM main.secret_version",
        "INSERT INTO pub.secret_key SELECT * FROM main.secret_key",
        "INSERT INTO pub.webhook SELECT * FROM main.webhook",
        "INSERT INTO pub.signer SELECT * FROM main.signer",
        "INSERT INTO pub.certificate SELECT * FROM main.certificate",
        "INSERT INTO pub.api SELECT * FROM main.api",
    };
    enum aps_err err = APS_OK;
    for (size_t i = 0; err == APS_OK && i < sizeof copies / sizeof *copies; i++)
        err = aps_db_exec(st->db, copies[i], diag);
    return err;
}

/* ---- the complete copy ---- */

enum aps_err aps_publish_is_large(struct aps_store *st, bool *out, struct aps_diag *diag)
{
    int64_t more = 0;
    /* Reads so many rows of an index and no more, whatever the number of keys. */
    enum aps_err err = aps_db_number(st->db, "SELECT 1 FROM key LIMIT 1 OFFSET " APS_PUBLISH_LARGE,
                                     0, &more, diag);
    if (err == APS_OK)
        *out = more != 0;
    return err;
}

/* In the copy, `base` is its own generation, whatever the store still says. */
static enum aps_err put_meta(struct aps_store *st, const struct aps_meta *meta,
                             struct aps_diag *diag)
{
    uint8_t mac[APS_MAC_LEN];
    struct aps_sql q;
    enum aps_err err;
    aps_sql_begin(&q, st->db, "UPDATE pub.meta SET base = generation, deltas = ?");
    aps_sql_i64(&q, meta->deltas);
    if ((err = aps_sql_run(&q, diag)) != APS_OK ||
        (err = aps_meta_mac(st->db, APS_SCHEMA_COPY, meta, &st->seal, mac, diag)) != APS_OK)
        return err;
    return aps_meta_put_mac(st->db, "UPDATE pub.master SET mac = ?", mac, diag);
}

static enum aps_err fill_copy(struct aps_store *st, const char *path, void *arg,
                              struct aps_diag *diag)
{
    enum aps_err err = aps_publish_attach(st, path, APS_SCHEMA_COPY, diag);
    if (err != APS_OK)
        return err;
    err = aps_publish_small(st, diag);
    if (err == APS_OK)
        err = aps_db_exec(st->db, "INSERT INTO pub.key SELECT * FROM main.key", diag);
    if (err == APS_OK)
        err = put_meta(st, arg, diag);
    return aps_publish_detach(st, err, diag);
}

/* The delta beside a copy that wants one is there before that copy, so that at no moment it is
 * missed; what it says is older than the copy, and ignored. */
static enum aps_err prepare_delta(struct aps_store *st, const struct aps_meta *meta,
                                  const char *delta, struct aps_diag *diag)
{
    if (!meta->deltas || access(delta, F_OK) == 0)
        return APS_OK;
    return aps_publish_delta(st, diag);
}

/* What the new copy makes true in the store. */
static enum aps_err note_base(struct aps_store *st, const struct aps_meta *meta,
                              struct aps_diag *diag)
{
    enum aps_err err;
    if (st->meta.base == meta->base && st->meta.deltas == meta->deltas)
        return APS_OK;
    err = aps_db_exec(st->db,
                      meta->deltas ? "BEGIN IMMEDIATE; UPDATE meta SET base = generation,"
                                     " deltas = 1; DELETE FROM key_changed; COMMIT"
                                   : "BEGIN IMMEDIATE; UPDATE meta SET base = generation,"
                                     " deltas = 0; DELETE FROM key_changed; COMMIT",
                      diag);
    if (err != APS_OK)
        aps_db_rollback(st->db);
    else
        st->meta = *meta;
    return err;
}

/* Files of APIs that are missing, so that what is published after them finds them.  A failure holds
 * up nothing else: who would be judged by that API is refused, and aps_store_publish tells it. */
static bool mend_blocks(struct aps_store *st)
{
    bool wrote = false;
    return aps_publish_block(st, false, &wrote, NULL) == APS_OK && wrote;
}

static enum aps_err publish(struct aps_store *st, struct aps_diag *diag)
{
    struct aps_meta meta = st->meta;
    char delta[APS_FILE_PATH_MAX];
    enum aps_err err;

    meta.base = meta.generation;
    if ((err = aps_publish_is_large(st, &meta.deltas, diag)) != APS_OK ||
        (err = aps_file_join(st->dir, "pub/delta.db", delta, diag)) != APS_OK ||
        (err = prepare_delta(st, &meta, delta, diag)) != APS_OK ||
        (err = aps_publish_file(st, st->pub, fill_copy, &meta, diag)) != APS_OK ||
        (err = note_base(st, &meta, diag)) != APS_OK)
        return err;
    if (meta.deltas && (err = aps_publish_delta(st, diag)) != APS_OK) /* empty, not a damaged one */
        return err;
    if (!meta.deltas)
        (void)unlink(delta); /* nobody looks at it: the copy says that none belongs to it */
    aps_publish_block_sweep(st);
    return APS_OK;
}

enum aps_err aps_publish(struct aps_store *st, struct aps_diag *diag)
{
    (void)mend_blocks(st); /* all of it is published anyway */
    return publish(st, diag);
}

/* ---- what is there ---- */

/* The meta row of a file of pub/; false if there is none or it cannot be read. */
static bool read_meta(const char *pub, enum aps_schema_kind kind, struct aps_meta *out)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_SHARED};
    char path[APS_FILE_PATH_MAX];
    struct stat st;
    sqlite3 *db = NULL;
    bool good = aps_file_find(pub, &want, path, &st, NULL) == APS_OK &&
                aps_db_open(path, APS_DB_COPY, &db, NULL) == APS_OK &&
                aps_schema_check(db, kind, NULL) == APS_OK &&
                aps_meta_load(db, out, NULL) == APS_OK;
    aps_db_close(db);
    return good;
}

uint64_t aps_publish_generation(const char *pub)
{
    struct aps_meta meta = {0};
    return read_meta(pub, APS_SCHEMA_COPY, &meta) ? meta.generation : 0;
}

/* Whether the delta there brings the copy of st->meta.base up to the store. */
static bool has_delta(struct aps_store *st)
{
    char path[APS_FILE_PATH_MAX];
    struct aps_meta seen = {0};
    if (aps_file_join(st->dir, "pub/delta.db", path, NULL) != APS_OK ||
        !read_meta(path, APS_SCHEMA_DELTA, &seen))
        return false;
    if (st->meta.base == st->meta.generation)
        return seen.generation <= st->meta.generation;
    return seen.generation == st->meta.generation && seen.base == st->meta.base;
}

enum aps_err aps_publish_mend(struct aps_store *st, struct aps_diag *diag)
{
    struct aps_meta seen = {0};
    bool wrote = mend_blocks(st);
    enum aps_err err;
    bool copied = read_meta(st->pub, APS_SCHEMA_COPY, &seen) && seen.generation == st->meta.base &&
                  seen.base == st->meta.base && seen.deltas == st->meta.deltas;
    if (!copied || (!st->meta.deltas && st->meta.base != st->meta.generation))
        return publish(st, diag);
    if (st->meta.deltas && !has_delta(st)) {
        if ((err = aps_publish_delta(st, diag)) == APS_OK)
            aps_publish_block_sweep(st);
        return err;
    }
    /* Children look at files of APIs when what is published changes. */
    return wrote ? publish(st, diag) : APS_OK;
}
