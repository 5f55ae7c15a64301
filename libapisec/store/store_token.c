/* store_token.c - single tokens that were revoked, until they end by themselves (JWT-20). */
#include <apr_escape.h>

#include "own.h"

enum aps_err aps_store_token_prune(struct aps_store *st, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, "DELETE FROM token_gone WHERE until <> 0 AND until <= ?");
    aps_sql_i64(&q, st->now);
    return aps_sql_run(&q, diag);
}

enum aps_err aps_store_token_load(sqlite3 *db, aps_store_token_fn fn, void *arg,
                                  struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, db,
                  "SELECT hash, issuer, until, created_at FROM token_gone"
                  " ORDER BY created_at, hash");
    while (err == APS_OK && aps_sql_row(&q)) {
        struct aps_str hash = aps_sql_get_str(&q, 0);
        struct aps_store_token token = {
            .issuer = aps_sql_get_str(&q, 1),
            .until = aps_sql_get_i64(&q, 2),
            .created_at = aps_sql_get_i64(&q, 3),
        };

        if (hash.n != sizeof token.hash) {
            err = APS_ERR_CORRUPT;
            break;
        }
        memcpy(token.hash, hash.p, hash.n);
        err = fn(arg, &token);
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

enum aps_err aps_store_token_each(struct aps_store *st, aps_store_token_fn fn, void *arg,
                                  struct aps_diag *diag)
{
    return aps_store_token_load(st->db, fn, arg, diag);
}

/* *out_until is 0 where it is not there. */
static enum aps_err find(struct aps_store *st, const struct aps_store_token *token, bool *out_has,
                         aps_nsec *out_until, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, "SELECT until FROM token_gone WHERE hash = ?");
    aps_sql_blob(&q, token->hash, sizeof token->hash);
    if ((*out_has = aps_sql_row(&q)))
        *out_until = aps_sql_get_i64(&q, 0);
    return aps_sql_end(&q, diag);
}

static enum aps_err check_room(struct aps_store *st, struct aps_diag *diag)
{
    int64_t n = 0;
    enum aps_err err = aps_db_number(st->db, "SELECT count(*) FROM token_gone", 0, &n, diag);

    if (err != APS_OK || n < APS_STORE_TOKEN_MAX)
        return err;
    aps_err_explain(diag,
                    "%d tokens are revoked, and a store holds no more: change the keys of their "
                    "issuer, which ends all of its tokens",
                    APS_STORE_TOKEN_MAX);
    return APS_ERR_CONFLICT;
}

static struct aps_str describe(struct aps_store *st, const struct aps_store_token *token,
                               const char *hex, aps_nsec until)
{
    char time[APS_NUM_TIME_MAX];
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_put_str(&w, "token", hex);
    if (token->issuer.n != 0) {
        aps_json_name(&w, "issuer");
        aps_json_str(&w, token->issuer);
    }
    if (until != 0)
        aps_json_put_str(&w, "until", aps_num_print_time(until, false, time));
    aps_json_end(&w);
    return aps_json_text(&w);
}

static enum aps_err put(struct aps_store *st, const struct aps_store_token *token, aps_nsec until,
                        struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db,
                  "INSERT INTO token_gone(hash, issuer, until, created_at) VALUES(?, ?, ?, ?)"
                  " ON CONFLICT(hash) DO UPDATE SET until = excluded.until");
    aps_sql_blob(&q, token->hash, sizeof token->hash);
    aps_sql_str(&q, token->issuer);
    aps_sql_i64(&q, until);
    aps_sql_i64(&q, st->now);
    return aps_sql_run(&q, diag);
}

enum aps_err aps_store_token_revoke(struct aps_store *st, const struct aps_store_token *token,
                                    struct aps_diag *diag)
{
    char hex[2 * APS_DIGEST_LEN + 1];
    aps_nsec until = token->until, old = 0;
    bool has = false;
    enum aps_err err;

    (void)apr_escape_hex(hex, token->hash, sizeof token->hash, 0, NULL); /* it cannot fail */
    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_token_prune(st, diag)) != APS_OK ||
        (err = find(st, token, &has, &old, diag)) != APS_OK)
        return err;
    if (has && (old == 0 || (until != 0 && until <= old)))
        return APS_OK;
    if (!has && (err = check_room(st, diag)) != APS_OK)
        return err;
    if ((err = put(st, token, until, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, aps_str(hex),
                                has ? describe(st, token, hex, old) : (struct aps_str){NULL, 0},
                                describe(st, token, hex, until), diag);
}
