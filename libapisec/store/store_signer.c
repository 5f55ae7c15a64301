/* store_signer.c - keys with which requests are signed, each an API key's; with their change rows.
 */
#include "own.h"

/* ---- reading ---- */

static struct aps_signer read_row(struct aps_sql *q)
{
    return (struct aps_signer){
        .keyid = aps_sql_get_str(q, 0),
        .key = aps_sql_get_str(q, 1),
        .alg = aps_alg_from_jose(aps_sql_get_str(q, 2)),
        .public = aps_sql_get_str(q, 3),
        .created_at = aps_sql_get_i64(q, 4),
        .until = aps_sql_get_i64(q, 5),
    };
}

enum aps_err aps_store_signer_load(sqlite3 *db, struct aps_str key, aps_store_signer_fn fn,
                                   void *arg, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, db,
                  "SELECT keyid, key, alg, public, created_at, until FROM signer"
                  " WHERE ?1 = '' OR key = ?1 ORDER BY keyid");
    aps_sql_str(&q, key);
    while (err == APS_OK && aps_sql_row(&q)) {
        const struct aps_signer signer = read_row(&q);

        err = signer.alg != APS_ALG_NONE ? fn(arg, &signer) : APS_ERR_CORRUPT;
        if (err == APS_ERR_CORRUPT)
            aps_err_explain(diag, "%s: signer \"%.*s\" has no algorithm that is known",
                            sqlite3_db_filename(db, "main"), APS_STR_SHOW(signer.keyid));
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

enum aps_err aps_store_signer_each(struct aps_store *st, struct aps_str key, aps_store_signer_fn fn,
                                   void *arg, struct aps_diag *diag)
{
    return aps_store_signer_load(st->db, key, fn, arg, diag);
}

static enum aps_err find(struct aps_store *st, struct aps_str keyid, bool *out_has,
                         struct aps_signer *out, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db,
                  "SELECT keyid, key, alg, public, created_at, until FROM signer WHERE keyid = ?");
    aps_sql_str(&q, keyid);
    if ((*out_has = aps_sql_row(&q))) {
        *out = read_row(&q);
        out->keyid = aps_str_copy(st->pool, out->keyid);
        out->key = aps_str_copy(st->pool, out->key);
        out->public = aps_str_copy(st->pool, out->public);
    }
    return aps_sql_end(&q, diag);
}

/* ---- the change log's form ---- */

static struct aps_str describe(struct aps_store *st, const struct aps_signer *signer)
{
    char time[APS_NUM_TIME_MAX];
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "keyid");
    aps_json_str(&w, signer->keyid);
    aps_json_name(&w, "key");
    aps_json_str(&w, signer->key);
    aps_json_put_str(&w, "alg", aps_alg_jose(signer->alg));
    if (signer->until != 0)
        aps_json_put_str(&w, "until", aps_num_print_time(signer->until, false, time));
    aps_json_end(&w);
    return aps_json_text(&w);
}

/* ---- checks ---- */

enum aps_err aps_store_signer_owner(struct aps_store *st, struct aps_str ref, struct aps_key *out,
                                    struct aps_diag *diag)
{
    enum aps_err err = aps_store_key_get(st, ref, st->pool, out, diag);

    if (err != APS_OK || (out->status != APS_KEY_REVOKED && !out->decoy))
        return err;
    aps_err_explain(diag, "key %.*s (\"%.*s\") is %s: nothing can be it", APS_STR_ARG(out->id),
                    APS_STR_ARG(out->name), out->decoy ? "a decoy" : "revoked");
    return APS_ERR_CONFLICT;
}

static enum aps_err check(struct aps_store *st, const struct aps_signer *signer,
                          struct aps_str secret, struct aps_diag *diag)
{
    const struct aps_secret borrowed = {(unsigned char *)(uintptr_t)secret.p, secret.n};
    struct aps_verify_key *key = NULL;
    struct aps_signer there;
    bool has = false;
    int64_t n = 0;
    enum aps_err err;

    if (!aps_signer_is_keyid(signer->keyid)) {
        aps_err_explain(diag,
                        "keyid \"%.*s\": want 1 to %d bytes of printable ASCII without spaces, "
                        "quotes and backslashes",
                        APS_STR_SHOW(signer->keyid), APS_SIGNER_KEYID_MAX);
        return APS_ERR_FORMAT;
    }
    if ((err = aps_signer_verifier(signer, &borrowed, &key, diag)) != APS_OK)
        return err;
    aps_verify_free(key);
    if ((err = find(st, signer->keyid, &has, &there, diag)) != APS_OK ||
        (err = aps_db_number(st->db, "SELECT count(*) FROM signer", 0, &n, diag)) != APS_OK)
        return err;
    if (has) {
        aps_err_explain(diag, "keyid \"%.*s\" is that of key %.*s already",
                        APS_STR_SHOW(signer->keyid), APS_STR_ARG(there.key));
        return APS_ERR_EXISTS;
    }
    if (n < APS_SIGNER_MAX)
        return APS_OK;
    aps_err_explain(diag, "there are %lld signers: a store has at most %d", (long long)n,
                    APS_SIGNER_MAX);
    return APS_ERR_CONFLICT;
}

/* ---- writing ---- */

static enum aps_err insert(struct aps_store *st, const struct aps_signer *signer,
                           struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db,
                  "INSERT INTO signer(keyid, key, alg, public, created_at, until)"
                  " VALUES(?, ?, ?, ?, ?, ?)");
    aps_sql_str(&q, signer->keyid);
    aps_sql_str(&q, signer->key);
    aps_sql_str(&q, aps_str(aps_alg_jose(signer->alg)));
    aps_sql_blob(&q, signer->public.p, signer->public.n);
    aps_sql_i64(&q, st->now);
    aps_sql_i64(&q, signer->until);
    return aps_sql_run(&q, diag);
}

enum aps_err aps_store_signer_add(struct aps_store *st, const struct aps_signer *signer,
                                  struct aps_str secret, struct aps_diag *diag)
{
    struct aps_signer to = *signer;
    struct aps_key key;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_signer_owner(st, signer->key, &key, diag)) != APS_OK)
        return err;
    to.key = key.id;
    if ((err = check(st, &to, secret, diag)) != APS_OK || (err = insert(st, &to, diag)) != APS_OK)
        return err;
    if (to.public.n == 0)
        err =
            aps_store_secret_put(st, aps_signer_secret(st->pool, to.keyid), secret, st->now, diag);
    if (err != APS_OK)
        return err;
    return aps_store_change_put(st, to.key, (struct aps_str){NULL, 0}, describe(st, &to), diag);
}

enum aps_err aps_store_signer_delete(struct aps_store *st, struct aps_str keyid,
                                     struct aps_diag *diag)
{
    struct aps_signer old;
    struct aps_sql q;
    bool has = false;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = find(st, keyid, &has, &old, diag)) != APS_OK)
        return err;
    if (!has) {
        aps_err_explain(diag, "there is no signer \"%.*s\"; `key signer list` shows them",
                        APS_STR_SHOW(keyid));
        return APS_ERR_NOT_FOUND;
    }
    aps_sql_begin(&q, st->db, "DELETE FROM signer WHERE keyid = ?");
    aps_sql_str(&q, keyid);
    if ((err = aps_sql_run(&q, diag)) != APS_OK ||
        (err = aps_store_secret_drop(st, aps_signer_secret(st->pool, keyid), diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, old.key, describe(st, &old), (struct aps_str){NULL, 0}, diag);
}

enum aps_err aps_store_signer_forget(struct aps_store *st, struct aps_str id, struct aps_diag *diag)
{
    static const char *const sql[] = {
        "DELETE FROM secret WHERE name IN (SELECT 'signer/' || keyid FROM signer WHERE key = ?)",
        "DELETE FROM secret_version WHERE name IN (SELECT 'signer/' || keyid FROM signer"
        " WHERE key = ?)",
        "DELETE FROM secret_key WHERE name IN (SELECT 'signer/' || keyid FROM signer"
        " WHERE key = ?)",
        "DELETE FROM signer WHERE key = ?",
    };
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < sizeof sql / sizeof *sql; i++) {
        struct aps_sql q;

        aps_sql_begin(&q, st->db, sql[i]);
        aps_sql_str(&q, id);
        err = aps_sql_run(&q, diag);
    }
    return err;
}
