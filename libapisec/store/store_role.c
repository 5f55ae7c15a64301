/* store_role.c - roles and what they are made of; each change with its change row. */
#include <apr_tables.h>

#include "own.h"

/* ---- reading ---- */

static enum aps_err load_names(sqlite3 *db, struct aps_rolebook *book, struct aps_diag *diag)
{
    struct aps_sql q;
    aps_sql_begin(&q, db, "SELECT name FROM role ORDER BY name");
    while (aps_sql_row(&q))
        aps_rolebook_add(book, aps_sql_get_str(&q, 0));
    return aps_sql_end(&q, diag);
}

static enum aps_err load_grants(sqlite3 *db, struct aps_rolebook *book, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;
    aps_sql_begin(&q, db, "SELECT role, text, deny FROM role_grant ORDER BY role, text");
    while (err == APS_OK && aps_sql_row(&q))
        err = aps_rolebook_grant(book, aps_sql_get_str(&q, 0), aps_sql_get_str(&q, 1),
                                 aps_sql_get_i64(&q, 2) != 0, diag);
    end = aps_sql_end(&q, diag);
    /* What was stored was checked, so that a text that does not parse is damage. */
    return err != APS_OK ? APS_ERR_CORRUPT : end;
}

static enum aps_err load_parents(sqlite3 *db, struct aps_rolebook *book, struct aps_diag *diag)
{
    struct aps_sql q;
    aps_sql_begin(&q, db, "SELECT role, parent FROM role_parent ORDER BY role, parent");
    while (aps_sql_row(&q))
        aps_rolebook_inherit(book, aps_sql_get_str(&q, 0), aps_sql_get_str(&q, 1));
    return aps_sql_end(&q, diag);
}

enum aps_err aps_store_role_load(sqlite3 *db, apr_pool_t *pool, struct aps_rolebook **out,
                                 struct aps_diag *diag)
{
    struct aps_rolebook *book = aps_rolebook_new(pool);
    enum aps_err err = load_names(db, book, diag);
    if (err == APS_OK)
        err = load_grants(db, book, diag);
    if (err == APS_OK)
        err = load_parents(db, book, diag);
    if (err == APS_OK)
        *out = book;
    return err;
}

enum aps_err aps_store_roles(struct aps_store *st, apr_pool_t *pool, struct aps_rolebook **out,
                             struct aps_diag *diag)
{
    struct aps_rolebook *book = NULL;
    /* Roles, grants and parents of one moment: a reader has no transaction of its own. */
    enum aps_err err = st->begun ? APS_OK : aps_db_exec(st->db, "BEGIN", diag);
    if (err == APS_OK)
        err = aps_store_role_load(st->db, pool, &book, diag);
    if (!st->begun)
        aps_db_rollback(st->db);
    if (err == APS_OK)
        err = aps_rolebook_seal(book, diag);
    if (err == APS_OK)
        *out = book;
    return err;
}

/* Whether a query with one text value has a row. */
static enum aps_err has_row(struct aps_store *st, const char *sql, struct aps_str a,
                            struct aps_str b, bool *out, struct aps_diag *diag)
{
    struct aps_sql q;
    aps_sql_begin(&q, st->db, sql);
    aps_sql_str(&q, a);
    if (b.p != NULL)
        aps_sql_str(&q, b);
    bool has = aps_sql_row(&q);
    enum aps_err err = aps_sql_end(&q, diag);
    if (err == APS_OK)
        *out = has;
    return err;
}

enum aps_err aps_store_role_exists(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    bool has = false;
    enum aps_err err =
        has_row(st, "SELECT 1 FROM role WHERE name = ?", name, (struct aps_str){0}, &has, diag);
    if (err == APS_OK && !has) {
        aps_err_explain(diag, "there is no role \"%.*s\"; `role list` shows them",
                        APS_STR_SHOW(name));
        err = APS_ERR_NOT_FOUND;
    }
    return err;
}

enum aps_err aps_store_role_parents(struct aps_store *st, struct aps_str role, apr_pool_t *pool,
                                    const struct aps_str **out, size_t *out_n,
                                    struct aps_diag *diag)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(struct aps_str));
    struct aps_sql q;
    enum aps_err err = aps_store_role_exists(st, role, diag);
    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "SELECT parent FROM role_parent WHERE role = ? ORDER BY parent");
    aps_sql_str(&q, role);
    while (aps_sql_row(&q)) {
        struct aps_str parent = aps_sql_get_str(&q, 0);
        APR_ARRAY_PUSH(list, struct aps_str) = aps_str_copy(pool, parent);
    }
    if ((err = aps_sql_end(&q, diag)) != APS_OK)
        return err;
    *out = (const struct aps_str *)list->elts;
    *out_n = (size_t)list->nelts;
    return APS_OK;
}

enum aps_err aps_store_role_each(struct aps_store *st, aps_store_role_fn fn, void *arg,
                                 struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;
    aps_sql_begin(&q, st->db, "SELECT name, created_at FROM role ORDER BY name");
    while (err == APS_OK && aps_sql_row(&q))
        err = fn(arg, aps_sql_get_str(&q, 0), aps_sql_get_i64(&q, 1));
    end = aps_sql_end(&q, diag);
    return err != APS_OK ? err : end;
}

/* ---- changing ---- */

/* The change row: an object of up to two fields, as what there was or as what there is. */
static enum aps_err log_role(struct aps_store *st, struct aps_str role, bool gone, const char *name,
                             struct aps_str value, struct aps_diag *diag)
{
    struct aps_json w;
    struct aps_str json, none = {0};
    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "role");
    aps_json_str(&w, role);
    if (name != NULL) {
        aps_json_name(&w, name);
        aps_json_str(&w, value);
    }
    aps_json_end(&w);
    json = aps_json_text(&w);
    return aps_store_change_put(st, role, gone ? json : none, gone ? none : json, diag);
}

enum aps_err aps_store_role_create(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    struct aps_sql q;
    bool has = false;
    enum aps_err err;

    if (!aps_str_is_name(name)) {
        aps_err_explain(diag,
                        "role \"%.*s\": want 1 to 64 letters, digits or . _ - beginning "
                        "with a letter or digit",
                        APS_STR_SHOW(name));
        return APS_ERR_FORMAT;
    }
    if ((err = aps_store_begin(st, diag)) != APS_OK)
        return err;
    err = has_row(st, "SELECT 1 FROM role WHERE name = ?", name, (struct aps_str){0}, &has, diag);
    if (err != APS_OK)
        return err;
    if (has) {
        aps_err_explain(diag,
                        "there is a role \"%.*s\" already; `role grant` and `role deny` change it",
                        APS_STR_ARG(name));
        return APS_ERR_EXISTS;
    }
    aps_sql_begin(&q, st->db,
                  "INSERT INTO role(name, created_at, max_age, warn) VALUES(?, ?, 0, 0)");
    aps_sql_str(&q, name);
    aps_sql_i64(&q, st->now);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return log_role(st, name, false, NULL, name, diag);
}

enum aps_err aps_store_role_grant(struct aps_store *st, struct aps_str role, struct aps_str grant,
                                  bool deny, struct aps_diag *diag)
{
    struct aps_grant parsed;
    struct aps_sql q;
    bool has = false;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_grant_parse(st->pool, grant, deny, &parsed, diag)) != APS_OK ||
        (err = aps_store_role_exists(st, role, diag)) != APS_OK)
        return err;
    err = has_row(st, "SELECT 1 FROM role_grant WHERE role = ? AND text = ?", role, parsed.text,
                  &has, diag);
    if (err != APS_OK)
        return err;
    if (has) {
        aps_err_explain(diag,
                        "role \"%.*s\" grants or denies \"%.*s\" already; `role revoke` "
                        "takes it away",
                        APS_STR_ARG(role), APS_STR_ARG(parsed.text));
        return APS_ERR_EXISTS;
    }
    aps_sql_begin(&q, st->db, "INSERT INTO role_grant(role, text, deny) VALUES(?, ?, ?)");
    aps_sql_str(&q, role);
    aps_sql_str(&q, parsed.text);
    aps_sql_i64(&q, deny);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return log_role(st, role, false, deny ? "deny" : "grant", parsed.text, diag);
}

enum aps_err aps_store_role_revoke(struct aps_store *st, struct aps_str role, struct aps_str grant,
                                   struct aps_diag *diag)
{
    struct aps_grant parsed;
    struct aps_sql q;
    int64_t deny = -1;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_grant_parse(st->pool, grant, false, &parsed, diag)) != APS_OK ||
        (err = aps_store_role_exists(st, role, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db,
                  "DELETE FROM role_grant WHERE role = ? AND text = ?"
                  " RETURNING deny");
    aps_sql_str(&q, role);
    aps_sql_str(&q, parsed.text);
    while (aps_sql_row(&q))
        deny = aps_sql_get_i64(&q, 0);
    if ((err = aps_sql_end(&q, diag)) != APS_OK)
        return err;
    if (deny < 0) {
        aps_err_explain(diag,
                        "role \"%.*s\" itself neither grants nor denies \"%.*s\"; `role show` "
                        "tells what it has, and from which role",
                        APS_STR_ARG(role), APS_STR_ARG(parsed.text));
        return APS_ERR_NOT_FOUND;
    }
    return log_role(st, role, true, deny ? "deny" : "grant", parsed.text, diag);
}

/* Would it make a cycle?  The book of all roles with the new parent finds out and names it. */
static enum aps_err check_cycle(struct aps_store *st, struct aps_str role, struct aps_str parent,
                                struct aps_diag *diag)
{
    apr_pool_t *pool = aps_store_pool();
    struct aps_rolebook *book = NULL;
    if (pool == NULL)
        return APS_ERR_NOMEM;
    enum aps_err err = aps_store_role_load(st->db, pool, &book, diag);
    if (err == APS_OK) {
        aps_rolebook_inherit(book, role, parent);
        if (aps_rolebook_seal(book, diag) != APS_OK)
            err = APS_ERR_CONFLICT;
    }
    apr_pool_destroy(pool);
    return err;
}

enum aps_err aps_store_role_inherit(struct aps_store *st, struct aps_str role,
                                    struct aps_str parent, struct aps_diag *diag)
{
    struct aps_sql q;
    bool has = false;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_role_exists(st, role, diag)) != APS_OK ||
        (err = aps_store_role_exists(st, parent, diag)) != APS_OK)
        return err;
    err = has_row(st, "SELECT 1 FROM role_parent WHERE role = ? AND parent = ?", role, parent, &has,
                  diag);
    if (err != APS_OK)
        return err;
    if (has) {
        aps_err_explain(
            diag,
            "role \"%.*s\" inherits from \"%.*s\" already; `role show` tells what it has by that",
            APS_STR_ARG(role), APS_STR_ARG(parent));
        return APS_ERR_EXISTS;
    }
    if ((err = check_cycle(st, role, parent, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "INSERT INTO role_parent(role, parent) VALUES(?, ?)");
    aps_sql_str(&q, role);
    aps_sql_str(&q, parent);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return log_role(st, role, false, "inherit", parent, diag);
}

enum aps_err aps_store_role_disinherit(struct aps_store *st, struct aps_str role,
                                       struct aps_str parent, struct aps_diag *diag)
{
    struct aps_sql q;
    bool has = false;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = has_row(st, "SELECT 1 FROM role_parent WHERE role = ? AND parent = ?", role, parent,
                       &has, diag)) != APS_OK)
        return err;
    if (!has) {
        aps_err_explain(diag, "role \"%.*s\" does not inherit from \"%.*s\"", APS_STR_SHOW(role),
                        APS_STR_SHOW(parent));
        return APS_ERR_NOT_FOUND;
    }
    aps_sql_begin(&q, st->db, "DELETE FROM role_parent WHERE role = ? AND parent = ?");
    aps_sql_str(&q, role);
    aps_sql_str(&q, parent);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return log_role(st, role, true, "inherit", parent, diag);
}

/* ---- deleting ---- */

static enum aps_err put_list(struct aps_json *w, struct aps_store *st, const char *name,
                             const char *sql, struct aps_str role, struct aps_diag *diag)
{
    struct aps_sql q;
    aps_json_name(w, name);
    aps_json_array(w);
    aps_sql_begin(&q, st->db, sql);
    aps_sql_str(&q, role);
    while (aps_sql_row(&q))
        aps_json_str(w, aps_sql_get_str(&q, 0));
    aps_json_end(w);
    return aps_sql_end(&q, diag);
}

/* All that goes with the role, for the change log. */
static enum aps_err describe(struct aps_store *st, struct aps_str role, struct aps_str *out,
                             struct aps_diag *diag)
{
    static const struct {
        const char *name, *sql;
    } lists[] = {
        {"grants", "SELECT text FROM role_grant WHERE role = ? AND deny = 0 ORDER BY text"},
        {"denials", "SELECT text FROM role_grant WHERE role = ? AND deny <> 0 ORDER BY text"},
        {"inherits", "SELECT parent FROM role_parent WHERE role = ? ORDER BY parent"},
    };
    struct aps_json w;
    enum aps_err err = APS_OK;
    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "role");
    aps_json_str(&w, role);
    for (size_t i = 0; err == APS_OK && i < sizeof lists / sizeof *lists; i++)
        err = put_list(&w, st, lists[i].name, lists[i].sql, role, diag);
    aps_json_end(&w);
    if (err == APS_OK)
        *out = aps_json_text(&w);
    return err;
}

static enum aps_err refuse_used(struct aps_store *st, struct aps_str role, struct aps_diag *diag)
{
    struct aps_key key;
    enum aps_err err = aps_store_key_page_role(st, role, st->pool, &key, diag);
    if (err != APS_OK)
        return err == APS_ERR_NOT_FOUND ? APS_OK : err;
    bool dead = key.status == APS_KEY_REVOKED;
    aps_err_explain(diag, "role \"%.*s\" is used by %skey %.*s (\"%.*s\"): %s first",
                    APS_STR_ARG(role), dead ? "the revoked " : "", APS_STR_ARG(key.id),
                    APS_STR_ARG(key.name),
                    dead ? "delete that key" : "take it away with `key set --role -ROLE`");
    return APS_ERR_CONFLICT;
}

static enum aps_err refuse_parent(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;
    aps_sql_begin(&q, st->db, "SELECT role FROM role_parent WHERE parent = ? ORDER BY role");
    aps_sql_str(&q, name);
    if (aps_sql_row(&q)) {
        aps_err_explain(diag, "role \"%.*s\" inherits from \"%.*s\": `role delete` that one first",
                        APS_STR_ARG(aps_sql_get_str(&q, 0)), APS_STR_ARG(name));
        err = APS_ERR_CONFLICT;
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

enum aps_err aps_store_role_delete(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    static const char *const sql[] = {
        "DELETE FROM role_grant WHERE role = ?",
        "DELETE FROM role_parent WHERE role = ?",
        "DELETE FROM role WHERE name = ?",
    };
    struct aps_str old, none = {0};
    struct aps_sql q;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_role_exists(st, name, diag)) != APS_OK ||
        (err = refuse_parent(st, name, diag)) != APS_OK ||
        (err = refuse_used(st, name, diag)) != APS_OK ||
        (err = describe(st, name, &old, diag)) != APS_OK)
        return err;
    for (size_t i = 0; err == APS_OK && i < sizeof sql / sizeof *sql; i++) {
        aps_sql_begin(&q, st->db, sql[i]);
        aps_sql_str(&q, name);
        err = aps_sql_run(&q, diag);
    }
    return err == APS_OK ? aps_store_change_put(st, name, old, none, diag) : err;
}
