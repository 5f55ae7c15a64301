/* store_certificate.c - client certificates, each an API key's; with their change rows. */
#include "apisec/certname.h"
#include "own.h"

enum aps_err aps_store_certificate_load(sqlite3 *db, struct aps_str key,
                                        aps_store_certificate_fn fn, void *arg,
                                        struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, db,
                  "SELECT name, key, created_at FROM certificate WHERE ?1 = '' OR key = ?1"
                  " ORDER BY name");
    aps_sql_str(&q, key);
    while (err == APS_OK && aps_sql_row(&q))
        err = fn(arg, aps_sql_get_str(&q, 0), aps_sql_get_str(&q, 1), aps_sql_get_i64(&q, 2));
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

enum aps_err aps_store_certificate_each(struct aps_store *st, struct aps_str key,
                                        aps_store_certificate_fn fn, void *arg,
                                        struct aps_diag *diag)
{
    return aps_store_certificate_load(st->db, key, fn, arg, diag);
}

/* The key that it is, in st->pool; empty where there is none. */
static enum aps_err find(struct aps_store *st, struct aps_str name, struct aps_str *out,
                         struct aps_diag *diag)
{
    struct aps_sql q;

    *out = (struct aps_str){NULL, 0};
    aps_sql_begin(&q, st->db, "SELECT key FROM certificate WHERE name = ?");
    aps_sql_str(&q, name);
    if (aps_sql_row(&q))
        *out = aps_str_copy(st->pool, aps_sql_get_str(&q, 0));
    return aps_sql_end(&q, diag);
}

static struct aps_str describe(struct aps_store *st, struct aps_str name, struct aps_str key)
{
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "certificate");
    aps_json_str(&w, name);
    aps_json_name(&w, "key");
    aps_json_str(&w, key);
    aps_json_end(&w);
    return aps_json_text(&w);
}

static enum aps_err check_free(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    struct aps_str key;
    int64_t n = 0;
    enum aps_err err;

    if ((err = find(st, name, &key, diag)) != APS_OK ||
        (err = aps_db_number(st->db, "SELECT count(*) FROM certificate", 0, &n, diag)) != APS_OK)
        return err;
    if (key.n != 0) {
        aps_err_explain(diag, "certificate \"%.*s\" is key %.*s already", APS_STR_SHOW(name),
                        APS_STR_ARG(key));
        return APS_ERR_EXISTS;
    }
    if (n < APS_CERTNAME_LIMIT)
        return APS_OK;
    aps_err_explain(diag, "there are %lld certificates: a store has at most %d", (long long)n,
                    APS_CERTNAME_LIMIT);
    return APS_ERR_CONFLICT;
}

enum aps_err aps_store_certificate_add(struct aps_store *st, struct aps_str ref,
                                       struct aps_str name, struct aps_diag *diag)
{
    struct aps_str canonical;
    struct aps_key key;
    struct aps_sql q;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_certname_parse(st->pool, name, &canonical, diag)) != APS_OK ||
        (err = aps_store_signer_owner(st, ref, &key, diag)) != APS_OK ||
        (err = check_free(st, canonical, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "INSERT INTO certificate(name, key, created_at) VALUES(?, ?, ?)");
    aps_sql_str(&q, canonical);
    aps_sql_str(&q, key.id);
    aps_sql_i64(&q, st->now);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, key.id, (struct aps_str){NULL, 0},
                                describe(st, canonical, key.id), diag);
}

enum aps_err aps_store_certificate_delete(struct aps_store *st, struct aps_str name,
                                          struct aps_diag *diag)
{
    struct aps_str canonical, key;
    struct aps_sql q;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_certname_parse(st->pool, name, &canonical, diag)) != APS_OK ||
        (err = find(st, canonical, &key, diag)) != APS_OK)
        return err;
    if (key.n == 0) {
        aps_err_explain(diag, "there is no certificate \"%.*s\"; `key certificate list` shows them",
                        APS_STR_SHOW(canonical));
        return APS_ERR_NOT_FOUND;
    }
    aps_sql_begin(&q, st->db, "DELETE FROM certificate WHERE name = ?");
    aps_sql_str(&q, canonical);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, key, describe(st, canonical, key), (struct aps_str){NULL, 0},
                                diag);
}

enum aps_err aps_store_certificate_forget(struct aps_store *st, struct aps_str id,
                                          struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, "DELETE FROM certificate WHERE key = ?");
    aps_sql_str(&q, id);
    return aps_sql_run(&q, diag);
}
