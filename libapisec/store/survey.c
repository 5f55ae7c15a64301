/* survey.c - a store that is looked at, damaged or not, by one who changes nothing of it. */
#include "apisec/survey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "own.h"

enum { FAULTS_MAX = 10, LINKS_MAX = 100000 };

/* ---- opening ---- */

/* Who can change the file decides whether it is read; who may read it is told elsewhere. */
static enum aps_err find(struct aps_store *st, const char *dir, char out[APS_FILE_PATH_MAX],
                         struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_PUBLIC};
    char path[APS_FILE_PATH_MAX];
    struct stat sb;
    struct aps_diag missing = {{0}};
    enum aps_err err = aps_file_folder(dir, want.owner, st->dir, diag);

    if (err == APS_OK)
        err = aps_file_join(st->dir, "store.db", path, diag);
    if (err == APS_OK)
        err = aps_file_find(path, &want, out, &sb, diag);
    if (err == APS_OK)
        err = aps_file_join(st->dir, "store.db-journal", path, diag);
    if (err != APS_OK)
        return err;
    err = aps_file_find(path, &want, path, &sb, &missing);
    if (err == APS_OK || err == APS_ERR_NOT_FOUND)
        return APS_OK;
    aps_err_explain(diag, "%s", missing.text);
    return err;
}

static enum aps_err check_version(struct aps_store *st, struct aps_diag *diag)
{
    const char *path = sqlite3_db_filename(st->db, "main");
    int64_t version = 0;
    enum aps_err err = aps_schema_version(st->db, &version, diag);

    if (err != APS_OK || version <= 0 || version >= APS_SCHEMA_VERSION)
        return err == APS_OK ? aps_schema_check(st->db, APS_SCHEMA_STORE, diag) : err;
    aps_err_explain(diag,
                    "%s has schema version %lld, and the next command brings it up to %d, after a "
                    "backup beside it",
                    path, (long long)version, APS_SCHEMA_VERSION);
    return APS_ERR_CONFLICT;
}

enum aps_err aps_survey_open(const char *dir, aps_nsec now, struct aps_store **out,
                             struct aps_diag *diag)
{
    char path[APS_FILE_PATH_MAX];
    enum aps_err err = APS_ERR_NOMEM;
    struct aps_store *st = calloc(1, sizeof *st);

    if (st == NULL)
        return err;
    st->lock = -1;
    st->pid = getpid();
    st->mode = APS_STORE_READ;
    st->now = now;
    if ((st->pool = aps_store_pool()) == NULL)
        goto out;
    if ((err = find(st, dir, path, diag)) != APS_OK ||
        (err = aps_db_open(path, APS_DB_LOOK, &st->db, diag)) != APS_OK ||
        (err = check_version(st, diag)) != APS_OK ||
        (err = aps_meta_load(st->db, &st->meta, diag)) != APS_OK)
        goto out;
    *out = st;
    st = NULL;
out:
    aps_store_close(st);
    return err;
}

enum aps_err aps_survey_check_master(struct aps_store *st, const struct aps_secret *master,
                                     struct aps_diag *diag)
{
    enum aps_err err = aps_seal_key_init(master, &st->seal);
    if (err == APS_OK)
        err = aps_meta_check_master(st->db, &st->meta, master, &st->seal, diag);
    if (err == APS_OK)
        st->master = master;
    return err;
}

/* ---- what is damaged ---- */

enum aps_err aps_survey_integrity(struct aps_store *st, aps_survey_text_fn fn, void *arg,
                                  struct aps_diag *diag)
{
    struct aps_sql q;
    int n = 0;
    aps_sql_begin(&q, st->db, "PRAGMA integrity_check(10)");
    while (n++ < FAULTS_MAX && aps_sql_row(&q))
        if (!aps_str_eq(aps_sql_get_str(&q, 0), APS_STR_LIT("ok")))
            fn(arg, aps_sql_get_str(&q, 0));
    return aps_sql_end(&q, diag);
}

enum aps_err aps_survey_keys(struct aps_store *st, aps_survey_key_fn fn, void *arg,
                             struct aps_diag *diag)
{
    apr_pool_t *pool = aps_store_pool();
    struct aps_sql q;
    enum aps_err err;

    if (pool == NULL)
        return APS_ERR_NOMEM;
    aps_sql_begin(&q, st->db, "SELECT id, name, record FROM key ORDER BY id");
    while (aps_sql_row(&q)) {
        struct aps_key key;
        apr_pool_clear(pool);
        err = aps_store_key_read(&q, pool, &key, NULL);
        fn(arg, aps_sql_get_str(&q, 0), err == APS_OK ? &key : NULL);
    }
    err = aps_sql_end(&q, diag);
    apr_pool_destroy(pool);
    return err;
}

static const char *const links[APS_SURVEY_LINK_COUNT] = {
    [APS_SURVEY_ROLE_PARENT] =
        "SELECT role, parent FROM role_parent WHERE parent NOT IN (SELECT name FROM role)"
        " ORDER BY role, parent LIMIT ?",
    [APS_SURVEY_ROLE_GRANT] = "SELECT DISTINCT role, '' FROM role_grant"
                              " WHERE role NOT IN (SELECT name FROM role) ORDER BY role LIMIT ?",
    [APS_SURVEY_ROLE_PLAN] =
        "SELECT name, plan FROM role WHERE plan <> '' AND plan NOT IN (SELECT name FROM plan)"
        " ORDER BY name LIMIT ?",
    [APS_SURVEY_PLAN_EMPTY] =
        "SELECT name, '' FROM plan WHERE name NOT IN (SELECT plan FROM plan_limit)"
        " ORDER BY name LIMIT ?",
    [APS_SURVEY_SIGNER] = "SELECT keyid, key FROM signer WHERE key NOT IN (SELECT id FROM key)"
                          " ORDER BY keyid LIMIT ?",
    [APS_SURVEY_CERTIFICATE] =
        "SELECT name, key FROM certificate WHERE key NOT IN (SELECT id FROM key)"
        " ORDER BY name LIMIT ?",
};

enum aps_err aps_survey_links(struct aps_store *st, aps_survey_link_fn fn, void *arg,
                              struct aps_diag *diag)
{
    enum aps_err err = APS_OK;
    for (int i = 0; err == APS_OK && i < APS_SURVEY_LINK_COUNT; i++) {
        struct aps_sql q;
        aps_sql_begin(&q, st->db, links[i]);
        aps_sql_i64(&q, LINKS_MAX);
        while (aps_sql_row(&q))
            fn(arg, (enum aps_survey_link)i, aps_sql_get_str(&q, 0), aps_sql_get_str(&q, 1));
        err = aps_sql_end(&q, diag);
    }
    return err;
}

/* ---- what is sealed ---- */

enum aps_err aps_survey_masters(struct aps_store *st, aps_survey_master_fn fn, void *arg,
                                struct aps_diag *diag)
{
    struct aps_sql q;
    aps_sql_begin(&q, st->db, "SELECT id, created_at FROM master ORDER BY created_at, id");
    while (aps_sql_row(&q)) {
        struct aps_str id = aps_sql_get_str(&q, 0);
        bool own = st->master != NULL && id.n == sizeof st->seal.id &&
                   memcmp(id.p, st->seal.id, id.n) == 0;
        fn(arg, id, aps_sql_get_i64(&q, 1), own);
    }
    return aps_sql_end(&q, diag);
}

static enum aps_err is_open(void *arg, uint32_t version, const struct aps_secret *key)
{
    (void)arg;
    (void)version;
    (void)key;
    return APS_OK;
}

enum aps_err aps_survey_wrapped(struct aps_store *st, struct aps_diag *diag)
{
    static const char *const purposes[] = {APS_WRAPPED_PEPPER, APS_WRAPPED_AUDIT,
                                           APS_WRAPPED_ADDRESS, APS_WRAPPED_LOOKUP};
    enum aps_err err = APS_OK;
    for (size_t i = 0; err == APS_OK && i < sizeof purposes / sizeof *purposes; i++)
        err = aps_wrapped_each(st->db, &st->meta, &st->seal, purposes[i], is_open, NULL, diag);
    return err;
}

static enum aps_err is_whole(void *arg, struct aps_str name, uint32_t version, aps_nsec until,
                             struct aps_secret *value)
{
    (void)arg;
    (void)name;
    (void)version;
    (void)until;
    (void)value;
    return APS_OK;
}

enum aps_err aps_survey_secrets(struct aps_store *st, struct aps_diag *diag)
{
    return aps_store_secret_under(st->db, &st->meta, &st->seal, "", is_whole, NULL, diag);
}

enum aps_err aps_survey_pepper(struct aps_store *st, uint32_t *out, struct aps_diag *diag)
{
    int64_t version = 0;
    enum aps_err err = aps_db_number(
        st->db, "SELECT coalesce(max(version), 0) FROM wrapped WHERE purpose = 'pepper'", 0,
        &version, diag);
    if (err == APS_OK)
        *out = version > 0 && version <= UINT32_MAX ? (uint32_t)version : 0;
    return err;
}

enum aps_err aps_survey_changed_at(struct aps_store *st, aps_nsec *out, struct aps_diag *diag)
{
    return aps_db_number(st->db, "SELECT at FROM change ORDER BY n DESC LIMIT 1", 0, out, diag);
}

const char *aps_survey_sqlite(void)
{
    return sqlite3_libversion();
}
