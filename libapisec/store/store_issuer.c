/* store_issuer.c - issuers of tokens; each change with its change row. */
#include <apr_tables.h>

#include "apisec/issuer_record.h"
#include "apisec/random.h"
#include "own.h"

/* ---- reading ---- */

static enum aps_err read_row(struct aps_sql *q, apr_pool_t *pool, struct aps_store_issuer *out,
                             struct aps_diag *diag)
{
    struct aps_store_issuer issuer;
    enum aps_err err = aps_issuer_record_read(aps_sql_get_str(q, 2), pool, &issuer.def, diag);

    if (err != APS_OK)
        return err;
    issuer.def.name = aps_str_copy(pool, aps_sql_get_str(q, 0));
    issuer.def.edition = (uint64_t)aps_sql_get_i64(q, 1);
    issuer.keys = aps_str_copy(pool, aps_sql_get_str(q, 3));
    issuer.created_at = aps_sql_get_i64(q, 4);
    *out = issuer;
    return APS_OK;
}

static enum aps_err load(sqlite3 *db, struct aps_str name, apr_pool_t *pool, apr_array_header_t *to,
                         struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, db,
                  "SELECT name, edition, record, keys, created_at FROM issuer"
                  " WHERE ?1 = '' OR name = ?1 ORDER BY name");
    aps_sql_str(&q, name);
    while (err == APS_OK && aps_sql_row(&q))
        err = read_row(&q, pool, &APR_ARRAY_PUSH(to, struct aps_store_issuer), diag);
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

enum aps_err aps_store_issuer_load(sqlite3 *db, apr_pool_t *pool,
                                   const struct aps_store_issuer **out, size_t *out_n,
                                   struct aps_diag *diag)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(struct aps_store_issuer));
    enum aps_err err = load(db, (struct aps_str){NULL, 0}, pool, list, diag);

    if (err != APS_OK)
        return err;
    *out = (const struct aps_store_issuer *)(const void *)list->elts;
    *out_n = (size_t)list->nelts;
    return APS_OK;
}

enum aps_err aps_store_issuers(struct aps_store *st, apr_pool_t *pool,
                               const struct aps_store_issuer **out, size_t *out_n,
                               struct aps_diag *diag)
{
    return aps_store_issuer_load(st->db, pool, out, out_n, diag);
}

enum aps_err aps_store_issuer_get(struct aps_store *st, struct aps_str name, apr_pool_t *pool,
                                  struct aps_store_issuer *out, struct aps_diag *diag)
{
    apr_array_header_t *list = apr_array_make(pool, 1, sizeof(struct aps_store_issuer));
    enum aps_err err = name.n != 0 ? load(st->db, name, pool, list, diag) : APS_OK;

    if (err != APS_OK)
        return err;
    if (list->nelts == 0) {
        aps_err_explain(diag, "there is no issuer \"%.*s\"; `issuer list` shows them",
                        APS_STR_SHOW(name));
        return APS_ERR_NOT_FOUND;
    }
    *out = APR_ARRAY_IDX(list, 0, struct aps_store_issuer);
    return APS_OK;
}

/* ---- the change log's form ---- */

static struct aps_str describe(struct aps_store *st, const struct aps_issuer *issuer)
{
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "name");
    aps_json_str(&w, issuer->name);
    aps_issuer_record_members(&w, st->pool, issuer);
    aps_json_end(&w);
    return aps_json_text(&w);
}

/* The same, with what changed beside the definition. */
static struct aps_str describe_put(struct aps_store *st, const struct aps_store_issuer_put *put)
{
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "name");
    aps_json_str(&w, put->issuer->name);
    aps_issuer_record_members(&w, st->pool, put->issuer);
    if (put->keys.p != NULL)
        aps_json_put_bool(&w, "new_keys", true);
    if (put->secret.p != NULL)
        aps_json_put_bool(&w, "new_secret", true);
    aps_json_end(&w);
    return aps_json_text(&w);
}

/* ---- checks ---- */

/* Two issuers of one iss would leave it to chance whose keys are asked. */
static enum aps_err check_others(struct aps_store *st, const struct aps_issuer *issuer, bool add,
                                 struct aps_diag *diag)
{
    const struct aps_store_issuer *list = NULL;
    size_t n = 0;
    enum aps_err err = aps_store_issuers(st, st->pool, &list, &n, diag);

    if (err != APS_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        const bool same_name = aps_str_eq(list[i].def.name, issuer->name);

        if (same_name && add) {
            aps_err_explain(diag, "there is an issuer \"%.*s\" already; `issuer set` changes it",
                            APS_STR_ARG(issuer->name));
            return APS_ERR_EXISTS;
        }
        if (!same_name && aps_str_eq(list[i].def.jwt.claims.iss, issuer->jwt.claims.iss)) {
            aps_err_explain(diag, "issuer \"%.*s\" has the iss \"%.*s\" already",
                            APS_STR_ARG(list[i].def.name), APS_STR_SHOW(issuer->jwt.claims.iss));
            return APS_ERR_EXISTS;
        }
    }
    if (add && n >= APS_ISSUER_MAX) {
        aps_err_explain(diag, "there are %zu issuers: a store has at most %d", n, APS_ISSUER_MAX);
        return APS_ERR_CONFLICT;
    }
    return APS_OK;
}

static enum aps_err check_roles(struct aps_store *st, const struct aps_issuer *issuer,
                                struct aps_diag *diag)
{
    const struct aps_claims_policy *claims = &issuer->jwt.claims;
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < claims->nrules; i++)
        if (claims->rules[i].kind == APS_CLAIMRULE_ROLE && claims->rules[i].to.p != NULL)
            err = aps_store_role_exists(st, claims->rules[i].to, diag);
    return err;
}

/* Keys of the store, as they will be read when tokens come. */
static enum aps_err check_keys(struct aps_store *st, const struct aps_store_issuer_put *put,
                               struct aps_diag *diag)
{
    const struct aps_jwks_options options = aps_issuer_jwks(put->issuer, false);
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    struct aps_jwks set;
    enum aps_err err;

    if (put->keys.p == NULL)
        return APS_OK;
    if (put->issuer->source != APS_ISSUER_STATIC) {
        aps_err_explain(diag, "keys from a file belong to an issuer that fetches none");
        return APS_ERR_FORMAT;
    }
    if ((err = aps_random_fill(hash_key, sizeof hash_key)) != APS_OK)
        return err;
    return aps_jwks_read(put->keys, &options, hash_key, st->pool, &set, diag);
}

/* ---- writing ---- */

static enum aps_err write_row(struct aps_store *st, const struct aps_store_issuer_put *put,
                              struct aps_str keys, bool add, struct aps_diag *diag)
{
    struct aps_str record = aps_issuer_record_print(st->pool, put->issuer);
    struct aps_sql q;
    int64_t edition = 0;
    enum aps_err err = aps_store_change_next(st, &edition, diag);

    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, st->db,
                  add ? "INSERT INTO issuer(edition, record, keys, name, created_at)"
                        " VALUES(?1, ?2, ?3, ?4, ?5)"
                      : "UPDATE issuer SET edition = ?1, record = ?2, keys = ?3 WHERE name = ?4"
                        " AND ?5 IS NOT NULL");
    aps_sql_i64(&q, edition);
    aps_sql_str(&q, record);
    aps_sql_str(&q, keys);
    aps_sql_str(&q, put->issuer->name);
    aps_sql_i64(&q, st->now);
    return aps_sql_run(&q, diag);
}

/* The set lies in the row, or where it is of secrets among those; elsewhere there is none. */
static enum aps_err write_keys(struct aps_store *st, const struct aps_store_issuer_put *put,
                               struct aps_str *out, struct aps_diag *diag)
{
    const struct aps_issuer *issuer = put->issuer;
    const struct aps_str name = aps_issuer_secret_keys(st->pool, issuer->name);
    const bool secret = issuer->source == APS_ISSUER_STATIC && aps_issuer_is_secret(issuer);

    *out = (struct aps_str){NULL, 0};
    if (!secret) {
        if (issuer->source == APS_ISSUER_STATIC)
            *out = put->keys;
        return aps_store_secret_drop(st, name, diag);
    }
    return put->keys.p != NULL ? aps_store_secret_put(st, name, put->keys, st->now, diag) : APS_OK;
}

static enum aps_err write_secret(struct aps_store *st, const struct aps_store_issuer_put *put,
                                 struct aps_diag *diag)
{
    const struct aps_str name = aps_issuer_secret(st->pool, put->issuer->name);

    if (put->issuer->introspect.p == NULL)
        return aps_store_secret_drop(st, name, diag);
    return put->secret.p != NULL ? aps_store_secret_put(st, name, put->secret, st->now, diag)
                                 : APS_OK;
}

static enum aps_err has_secret(struct aps_store *st, struct aps_str name, bool *out,
                               struct aps_diag *diag)
{
    const struct aps_store_secret *list = NULL;
    size_t n = 0;
    enum aps_err err = aps_store_secrets(st, name, st->pool, &list, &n, diag);

    *out = n != 0;
    return err;
}

/* What the definition asks for is there, given now or before. */
static enum aps_err check_whole(struct aps_store *st, const struct aps_issuer *issuer,
                                struct aps_str keys, struct aps_diag *diag)
{
    bool has = true;
    enum aps_err err = APS_OK;

    if (issuer->source == APS_ISSUER_STATIC && aps_issuer_is_secret(issuer))
        err = has_secret(st, aps_issuer_secret_keys(st->pool, issuer->name), &has, diag);
    else if (issuer->source == APS_ISSUER_STATIC)
        has = keys.n != 0;
    if (err == APS_OK && !has) {
        aps_err_explain(diag, "issuer \"%.*s\" without its keys: give --jwks FILE",
                        APS_STR_ARG(issuer->name));
        return APS_ERR_FORMAT;
    }
    if (err == APS_OK && issuer->introspect.p != NULL)
        err = has_secret(st, aps_issuer_secret(st->pool, issuer->name), &has, diag);
    if (err == APS_OK && !has) {
        aps_err_explain(diag, "issuer \"%.*s\" without the secret of its client",
                        APS_STR_ARG(issuer->name));
        return APS_ERR_FORMAT;
    }
    return err;
}

static enum aps_err put_all(struct aps_store *st, const struct aps_store_issuer_put *put,
                            const struct aps_store_issuer *old, struct aps_diag *diag)
{
    const bool add = old == NULL;
    struct aps_str keys;
    struct aps_store_issuer_put kept = *put;
    enum aps_err err;

    /* Keys that stay are read once more: the algorithms may have changed. */
    if (!add && kept.keys.p == NULL && old->keys.n != 0 && put->issuer->source == APS_ISSUER_STATIC)
        kept.keys = old->keys;
    if ((err = aps_issuer_check(put->issuer, diag)) != APS_OK ||
        (err = check_others(st, put->issuer, add, diag)) != APS_OK ||
        (err = check_roles(st, put->issuer, diag)) != APS_OK ||
        (err = check_keys(st, &kept, diag)) != APS_OK ||
        (err = write_keys(st, &kept, &keys, diag)) != APS_OK ||
        (err = write_secret(st, put, diag)) != APS_OK ||
        (err = check_whole(st, put->issuer, keys, diag)) != APS_OK ||
        (err = write_row(st, put, keys, add, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, put->issuer->name,
                                add ? (struct aps_str){NULL, 0} : describe(st, &old->def),
                                describe_put(st, put), diag);
}

enum aps_err aps_store_issuer_add(struct aps_store *st, const struct aps_store_issuer_put *put,
                                  struct aps_diag *diag)
{
    enum aps_err err = aps_store_begin(st, diag);

    return err == APS_OK ? put_all(st, put, NULL, diag) : err;
}

enum aps_err aps_store_issuer_set(struct aps_store *st, const struct aps_store_issuer_put *put,
                                  struct aps_diag *diag)
{
    struct aps_store_issuer old;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_issuer_get(st, put->issuer->name, st->pool, &old, diag)) != APS_OK)
        return err;
    return put_all(st, put, &old, diag);
}

enum aps_err aps_store_issuer_delete(struct aps_store *st, struct aps_str name,
                                     struct aps_diag *diag)
{
    struct aps_store_issuer old;
    struct aps_sql q;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_issuer_get(st, name, st->pool, &old, diag)) != APS_OK ||
        (err = aps_store_secret_drop(st, aps_issuer_secret(st->pool, name), diag)) != APS_OK ||
        (err = aps_store_secret_drop(st, aps_issuer_secret_keys(st->pool, name), diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "DELETE FROM issuer WHERE name = ?");
    aps_sql_str(&q, name);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, name, describe(st, &old.def), (struct aps_str){NULL, 0}, diag);
}
