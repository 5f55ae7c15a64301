/* store_pepper.c - versions of the pepper, and which keys hang on each (SEC-13).
 *
 * A MAC cannot be made again without the text, so a key comes under the newest pepper when it gets
 * a new text. */
#include "own.h"

/* ---- who hangs on it ---- */

static bool is_open(const struct aps_store *st, const struct aps_key_secret *older)
{
    return older->version != 0 && (older->closes_at == 0 || older->closes_at > st->now);
}

bool aps_store_pepper_has(const struct aps_store *st, uint32_t version, const struct aps_key *key)
{
    return key->secret[0].pepper == version ||
           (is_open(st, &key->secret[1]) && key->secret[1].pepper == version);
}

struct tally {
    struct aps_store_pepper list[APS_STORE_PEPPERS_MAX];
    size_t n;
};

static enum aps_err load(struct aps_store *st, struct tally *out, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err;
    size_t n = 0;

    aps_sql_begin(&q, st->db,
                  "SELECT version, created_at FROM wrapped WHERE purpose = '" APS_WRAPPED_PEPPER
                  "' AND master = ? ORDER BY version");
    aps_sql_blob(&q, st->seal.id, sizeof st->seal.id);
    for (; n < APS_STORE_PEPPERS_MAX && aps_sql_row(&q); n++)
        out->list[n] = (struct aps_store_pepper){.version = (uint32_t)aps_sql_get_i64(&q, 0),
                                                 .created_at = aps_sql_get_i64(&q, 1)};
    if ((err = aps_sql_end(&q, diag)) != APS_OK)
        return err;
    if (n != 0)
        out->list[n - 1].newest = true;
    out->n = n;
    return APS_OK;
}

static struct aps_store_pepper *find(struct tally *t, uint32_t version)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->list[i].version == version)
            return &t->list[i];
    return NULL;
}

static void count_one(const struct aps_store *st, struct tally *t, const struct aps_key *key)
{
    struct aps_store_pepper *pepper = find(t, key->secret[0].pepper);

    if (pepper != NULL)
        pepper->keys++;
    pepper = is_open(st, &key->secret[1]) ? find(t, key->secret[1].pepper) : NULL;
    if (pepper != NULL)
        pepper->older++;
}

/* In the order in which the keys lie, which is much faster than that of their names. */
static enum aps_err count(struct aps_store *st, struct tally *t, struct aps_store_step step,
                          struct aps_diag *diag)
{
    enum { STEP = 4096 };
    apr_pool_t *pool = aps_store_pool();
    struct aps_sql q;
    enum aps_err err = APS_OK, end;
    uint64_t n = 0;

    if (pool == NULL)
        return APS_ERR_NOMEM;
    aps_sql_begin(&q, st->db, "SELECT id, name, record FROM key");
    while (err == APS_OK && aps_sql_row(&q)) {
        struct aps_key key;
        apr_pool_clear(pool);
        if ((err = aps_store_key_read(&q, pool, &key, diag)) == APS_OK)
            count_one(st, t, &key);
        if (++n % STEP == 0 && step.fn != NULL)
            step.fn(step.arg, STEP);
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    apr_pool_destroy(pool);
    return err != APS_OK ? err : end;
}

enum aps_err aps_store_pepper_each(struct aps_store *st, struct aps_store_step step,
                                   aps_store_pepper_fn fn, void *arg, struct aps_diag *diag)
{
    struct tally t = {.n = 0};
    enum aps_err err;

    if ((err = load(st, &t, diag)) != APS_OK || (err = count(st, &t, step, diag)) != APS_OK)
        return err;
    for (size_t i = 0; err == APS_OK && i < t.n; i++)
        err = fn(arg, &t.list[i]);
    return err;
}

/* ---- changing ---- */

static enum aps_err log_change(struct aps_store *st, const char *field, uint32_t version,
                               struct aps_diag *diag)
{
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_put_u64(&w, field, version);
    aps_json_end(&w);
    return aps_store_change_put(st, APS_STR_LIT("pepper"), (struct aps_str){0}, aps_json_text(&w),
                                diag);
}

enum aps_err aps_store_pepper_add(struct aps_store *st, uint32_t *out_version,
                                  struct aps_diag *diag)
{
    struct tally t = {.n = 0};
    uint32_t newest = 0;
    enum aps_err err = load(st, &t, diag);

    if (err != APS_OK)
        return err;
    if (t.n >= APS_STORE_PEPPERS_MAX) {
        aps_err_explain(diag,
                        "the store has %zu peppers, which is as many as there can be: give the "
                        "keys on the oldest new texts, then apisecctl pepper retire %u",
                        t.n, t.list[0].version);
        return APS_ERR_CONFLICT;
    }
    if ((err = aps_wrapped_newest(st, APS_WRAPPED_PEPPER, &newest, diag)) != APS_OK ||
        (err = aps_wrapped_new(st, APS_WRAPPED_PEPPER, newest + 1, diag)) != APS_OK)
        return err;
    aps_mac_free(st->pepper); /* that of the version before */
    st->pepper = NULL;
    *out_version = newest + 1;
    return APS_OK;
}

enum aps_err aps_store_pepper_rotate(struct aps_store *st, uint32_t *out_version,
                                     struct aps_diag *diag)
{
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_pepper_add(st, out_version, diag)) != APS_OK)
        return err;
    return log_change(st, "version", *out_version, diag);
}

static enum aps_err check_idle(const struct aps_store_pepper *pepper, uint32_t version,
                               struct aps_diag *diag)
{
    if (pepper == NULL) {
        aps_err_explain(diag, "there is no pepper %u: apisecctl pepper list shows those there are",
                        version);
        return APS_ERR_NOT_FOUND;
    }
    if (pepper->newest) {
        aps_err_explain(diag,
                        "pepper %u is the newest, under which new texts come: apisecctl pepper "
                        "rotate makes another first",
                        version);
        return APS_ERR_CONFLICT;
    }
    if (pepper->keys == 0 && pepper->older == 0)
        return APS_OK;
    aps_err_explain(diag,
                    "%llu keys hang on pepper %u, and %llu texts from before a rotation that have "
                    "not ended: apisecctl key list --pepper %u names them; rotate each, or revoke "
                    "and delete it",
                    (unsigned long long)pepper->keys, version, (unsigned long long)pepper->older,
                    version);
    return APS_ERR_CONFLICT;
}

enum aps_err aps_store_pepper_retire(struct aps_store *st, uint32_t version,
                                     struct aps_store_step step, struct aps_diag *diag)
{
    struct tally t = {.n = 0};
    struct aps_sql q;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK || (err = load(st, &t, diag)) != APS_OK ||
        (err = count(st, &t, step, diag)) != APS_OK ||
        (err = check_idle(find(&t, version), version, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db,
                  "DELETE FROM wrapped WHERE purpose = '" APS_WRAPPED_PEPPER "' AND version = ?");
    aps_sql_i64(&q, version);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return log_change(st, "retired", version, diag);
}
