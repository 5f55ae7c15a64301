/* store_webhook.c - endpoints for webhooks and their secrets; each change with its change row. */
#include "own.h"

#define OVERLAP_MAX (365 * APS_DAY)

/* ---- reading ---- */

static enum aps_err read_row(struct aps_sql *q, apr_pool_t *pool, struct aps_hook *out,
                             struct aps_diag *diag)
{
    struct aps_hook hook;
    enum aps_err err = aps_hook_read(aps_sql_get_str(q, 1), pool, &hook, diag);

    if (err != APS_OK)
        return err;
    hook.name = aps_str_copy(pool, aps_sql_get_str(q, 0));
    hook.created_at = aps_sql_get_i64(q, 2);
    *out = hook;
    return APS_OK;
}

enum aps_err aps_store_webhook_load(sqlite3 *db, struct aps_str name, apr_pool_t *pool,
                                    aps_store_webhook_fn fn, void *arg, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, db,
                  "SELECT name, record, created_at FROM webhook WHERE ?1 = '' OR name = ?1"
                  " ORDER BY name");
    aps_sql_str(&q, name);
    while (err == APS_OK && aps_sql_row(&q)) {
        struct aps_hook hook;

        if ((err = read_row(&q, pool, &hook, diag)) == APS_OK)
            err = fn(arg, &hook);
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

enum aps_err aps_store_webhook_each(struct aps_store *st, aps_store_webhook_fn fn, void *arg,
                                    struct aps_diag *diag)
{
    apr_pool_t *pool = NULL;
    enum aps_err err;

    if (apr_pool_create(&pool, st->pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    err = aps_store_webhook_load(st->db, (struct aps_str){NULL, 0}, pool, fn, arg, diag);
    apr_pool_destroy(pool);
    return err;
}

struct one {
    struct aps_hook hook;
    bool has;
};

static enum aps_err keep_one(void *arg, const struct aps_hook *hook)
{
    struct one *one = arg;

    *one = (struct one){*hook, true};
    return APS_OK;
}

enum aps_err aps_store_webhook_get(struct aps_store *st, struct aps_str name, apr_pool_t *pool,
                                   struct aps_hook *out, struct aps_diag *diag)
{
    struct one one = {.has = false};
    enum aps_err err =
        name.n != 0 ? aps_store_webhook_load(st->db, name, pool, keep_one, &one, diag) : APS_OK;

    if (err != APS_OK)
        return err;
    if (!one.has) {
        aps_err_explain(diag, "there is no webhook \"%.*s\"; `webhook list` shows them",
                        APS_STR_SHOW(name));
        return APS_ERR_NOT_FOUND;
    }
    *out = one.hook;
    return APS_OK;
}

/* ---- the change log's form ---- */

static struct aps_str describe(struct aps_store *st, const struct aps_hook *hook, bool new_secret)
{
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "name");
    aps_json_str(&w, hook->name);
    aps_hook_members(&w, hook);
    if (new_secret)
        aps_json_put_bool(&w, "new_secret", true);
    aps_json_end(&w);
    return aps_json_text(&w);
}

/* ---- secrets ---- */

struct sought {
    struct aps_store *st;
    const struct aps_hook *hook; /* whose it is to be */
    struct aps_str secret;
    struct aps_diag *diag;
    bool shared;
};

static enum aps_err compare(void *arg, struct aps_str name, uint32_t version, aps_nsec until,
                            struct aps_secret *value)
{
    struct sought *sought = arg;

    (void)name, (void)version, (void)until; /* one that has ended was given to somebody too */
    if (value->n == sought->secret.n && aps_secret_equal(value->b, sought->secret.p, value->n))
        sought->shared = true;
    return APS_OK;
}

/* What another webhook has of the store. */
static enum aps_err compare_named(void *arg, const struct aps_hook *hook)
{
    struct sought *s = arg;

    if (hook->secret_name.n == 0 || aps_str_eq(hook->name, s->hook->name))
        return APS_OK;
    return aps_store_secret_load(s->st->db, &s->st->meta, &s->st->seal, hook->secret_name, compare,
                                 s, s->diag);
}

/* A secret is one endpoint's (WHK-07): whoever can sign for one could sign for the other. */
static enum aps_err check_secret(struct aps_store *st, const struct aps_hook *hook,
                                 struct aps_str secret, struct aps_diag *diag)
{
    struct sought sought = {.st = st, .hook = hook, .secret = secret, .diag = diag};
    struct aps_webhook_key *key = NULL;
    enum aps_err err;

    if ((err = aps_webhook_key_check(hook->spec.scheme, secret, diag)) != APS_OK ||
        (err = aps_webhook_key(hook->spec.scheme, secret, &key, diag)) != APS_OK)
        return err;
    aps_webhook_key_free(key);
    err = aps_store_secret_under(st->db, &st->meta, &st->seal, "webhook/", compare, &sought, diag);
    if (err == APS_OK)
        err = aps_store_webhook_each(st, compare_named, &sought, diag);
    if (err == APS_OK && sought.shared) {
        aps_err_explain(diag, "this secret is that of a webhook already: want one of its own for "
                              "each, and a new one for each rotation");
        return APS_ERR_CONFLICT;
    }
    return err;
}

static enum aps_err check_value(void *arg, struct aps_str name, uint32_t version, aps_nsec until,
                                struct aps_secret *value)
{
    struct sought *s = arg;

    (void)name, (void)version, (void)until; /* all that it has are the webhook's from now on */
    return check_secret(s->st, s->hook, aps_secret_str(value), s->diag);
}

/* A secret of the store that is to be this webhook's: it is there, and fits. */
static enum aps_err check_named(struct aps_store *st, const struct aps_hook *hook,
                                struct aps_diag *diag)
{
    struct sought sought = {.st = st, .hook = hook, .diag = diag};
    struct aps_store_named named;
    enum aps_err err = aps_store_named_get(st, hook->secret_name, st->pool, &named, diag);

    return err == APS_OK ? aps_store_secret_load(st->db, &st->meta, &st->seal, hook->secret_name,
                                                 check_value, &sought, diag)
                         : err;
}

struct owner {
    struct aps_str named; /* the secret */
    struct aps_hook hook; /* whose it is */
};

static enum aps_err find_owner(void *arg, const struct aps_hook *hook)
{
    struct owner *owner = arg;

    if (hook->secret_name.n != 0 && aps_str_eq(hook->secret_name, owner->named))
        owner->hook = *hook;
    return APS_OK;
}

static enum aps_err owner_of(struct aps_store *st, struct aps_str secret, struct owner *out,
                             struct aps_diag *diag)
{
    *out = (struct owner){.named = secret};
    return aps_store_webhook_load(st->db, (struct aps_str){NULL, 0}, st->pool, find_owner, out,
                                  diag);
}

enum aps_err aps_store_webhook_fits(struct aps_store *st, struct aps_str name, struct aps_str value,
                                    struct aps_diag *diag)
{
    struct owner owner;
    enum aps_err err = owner_of(st, name, &owner, diag);

    return err == APS_OK && owner.hook.name.n != 0 ? check_secret(st, &owner.hook, value, diag)
                                                   : err;
}

enum aps_err aps_store_webhook_spares(struct aps_store *st, struct aps_str name,
                                      struct aps_diag *diag)
{
    struct owner owner;
    enum aps_err err = owner_of(st, name, &owner, diag);

    if (err != APS_OK || owner.hook.name.n == 0)
        return err;
    aps_err_explain(diag, "secret \"%.*s\" is that of webhook \"%.*s\": delete that first",
                    APS_STR_SHOW(name), APS_STR_SHOW(owner.hook.name));
    return APS_ERR_CONFLICT;
}

/* ---- writing ---- */

/* Its own, or none that another webhook has. */
static enum aps_err put_secret(struct aps_store *st, const struct aps_hook *hook,
                               struct aps_str secret, struct aps_diag *diag)
{
    enum aps_err err;

    if (hook->secret_name.n != 0)
        return (err = aps_store_webhook_spares(st, hook->secret_name, diag)) == APS_OK
                   ? check_named(st, hook, diag)
                   : err;
    err = check_secret(st, hook, secret, diag);
    return err == APS_OK
               ? aps_store_secret_put(st, aps_hook_secret(st->pool, hook), secret, st->now, diag)
               : err;
}

static enum aps_err refuse_present(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    struct aps_diag missing = {{0}}; /* what is hoped for is no fault */
    struct aps_hook hook;
    int64_t n = 0;
    enum aps_err err = aps_store_webhook_get(st, name, st->pool, &hook, &missing);

    if (err == APS_OK) {
        aps_err_explain(diag,
                        "there is a webhook \"%.*s\" already; `webhook set` changes it, `webhook "
                        "rotate` gives it a new secret",
                        APS_STR_ARG(name));
        return APS_ERR_EXISTS;
    }
    if (err != APS_ERR_NOT_FOUND) {
        aps_err_explain(diag, "%s", aps_err_say(err, &missing));
        return err;
    }
    err = aps_db_number(st->db, "SELECT count(*) FROM webhook", 0, &n, diag);
    if (err == APS_OK && n >= APS_HOOK_MAX) {
        aps_err_explain(diag, "there are %lld webhooks: a store has at most %d", (long long)n,
                        APS_HOOK_MAX);
        return APS_ERR_CONFLICT;
    }
    return err;
}

enum aps_err aps_store_webhook_add(struct aps_store *st, const struct aps_hook *hook,
                                   struct aps_str secret, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err;

    if ((err = aps_hook_check(hook, diag)) != APS_OK ||
        (err = aps_store_begin(st, diag)) != APS_OK ||
        (err = refuse_present(st, hook->name, diag)) != APS_OK ||
        (err = put_secret(st, hook, secret, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "INSERT INTO webhook(name, record, created_at) VALUES(?, ?, ?)");
    aps_sql_str(&q, hook->name);
    aps_sql_str(&q, aps_hook_print(st->pool, hook));
    aps_sql_i64(&q, st->now);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, hook->name, (struct aps_str){NULL, 0},
                                describe(st, hook, hook->secret_name.n == 0), diag);
}

enum aps_err aps_store_webhook_set(struct aps_store *st, const struct aps_hook *hook,
                                   struct aps_diag *diag)
{
    struct aps_hook old;
    struct aps_sql q;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_webhook_get(st, hook->name, st->pool, &old, diag)) != APS_OK ||
        (err = aps_hook_check(hook, diag)) != APS_OK)
        return err;
    if (old.spec.scheme != hook->spec.scheme) {
        aps_err_explain(diag,
                        "webhook \"%.*s\" has the scheme %s, and its secrets are of that form: "
                        "delete it and add it anew",
                        APS_STR_ARG(hook->name), aps_hook_scheme(old.spec.scheme));
        return APS_ERR_CONFLICT;
    }
    aps_sql_begin(&q, st->db, "UPDATE webhook SET record = ? WHERE name = ?");
    aps_sql_str(&q, aps_hook_print(st->pool, hook));
    aps_sql_str(&q, hook->name);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, hook->name, describe(st, &old, false),
                                describe(st, hook, false), diag);
}

static enum aps_err refuse_named(const struct aps_hook *hook, struct aps_diag *diag)
{
    if (hook->secret_name.n == 0)
        return APS_OK;
    aps_err_explain(diag,
                    "webhook \"%.*s\" has the secret \"%.*s\" of the store: `secret rotate` "
                    "gives that a new value",
                    APS_STR_SHOW(hook->name), APS_STR_SHOW(hook->secret_name));
    return APS_ERR_CONFLICT;
}

enum aps_err aps_store_webhook_rotate(struct aps_store *st, struct aps_str name,
                                      struct aps_str secret, aps_nsec overlap,
                                      struct aps_diag *diag)
{
    struct aps_hook hook;
    enum aps_err err;

    if (overlap < 0 || overlap > OVERLAP_MAX) {
        aps_err_explain(diag, "overlap of %lld days: want at most %lld",
                        (long long)(overlap / APS_DAY), (long long)(OVERLAP_MAX / APS_DAY));
        return APS_ERR_RANGE;
    }
    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_webhook_get(st, name, st->pool, &hook, diag)) != APS_OK ||
        (err = refuse_named(&hook, diag)) != APS_OK ||
        (err = check_secret(st, &hook, secret, diag)) != APS_OK ||
        (err = aps_store_secret_put(st, aps_hook_secret(st->pool, &hook), secret, st->now + overlap,
                                    diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, name, describe(st, &hook, false), describe(st, &hook, true),
                                diag);
}

enum aps_err aps_store_webhook_delete(struct aps_store *st, struct aps_str name,
                                      struct aps_diag *diag)
{
    struct aps_hook old;
    struct aps_sql q;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_webhook_get(st, name, st->pool, &old, diag)) != APS_OK)
        return err;
    if (old.secret_name.n == 0 &&
        (err = aps_store_secret_drop(st, aps_hook_secret(st->pool, &old), diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "DELETE FROM webhook WHERE name = ?");
    aps_sql_str(&q, name);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, name, describe(st, &old, false), (struct aps_str){NULL, 0},
                                diag);
}
