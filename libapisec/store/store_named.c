/* store_named.c - secrets under names of the administrator's choice; each change with its row. */
#include "own.h"

#define OVERLAP_MAX (365 * APS_DAY)
#define AGE_MAX (36525 * APS_DAY) /* added to a time it stays within 64 bits */

/* ---- checks ---- */

/* What belongs to a webhook, signer or issuer has a slash in its name, and is out of reach here. */
static enum aps_err check_name(struct aps_str name, struct aps_diag *diag)
{
    if (aps_str_is_name(name))
        return APS_OK;
    aps_err_explain(
        diag,
        "secret name \"%.*s\": want 1 to 64 letters, digits and . _ -, beginning with a "
        "letter or a digit",
        APS_STR_SHOW(name));
    return APS_ERR_FORMAT;
}

/* What is not text could not be shown again as what it is. */
static enum aps_err check_value(struct aps_str value, struct aps_diag *diag)
{
    struct aps_str rest = value;
    size_t n;

    if (value.n == 0 || value.n > APS_STORE_VALUE_MAX) {
        aps_err_explain(diag, "a secret of %zu bytes: want 1 to %d", value.n, APS_STORE_VALUE_MAX);
        return APS_ERR_RANGE;
    }
    while (rest.n > 0 && rest.p[0] != '\0' && (n = aps_str_utf8(rest)) != 0) {
        rest.p += n;
        rest.n -= n;
    }
    if (rest.n == 0)
        return APS_OK;
    aps_err_explain(diag, "the secret is no text in UTF-8: want text, such as the base64 of bytes");
    return APS_ERR_FORMAT;
}

static enum aps_err check_age(const struct aps_store_named *to, struct aps_diag *diag)
{
    if (to->max_age < 0 || to->warn < 0 || to->max_age > AGE_MAX) {
        aps_err_explain(diag, "an age of %lld days: want at most %lld",
                        (long long)(to->max_age / APS_DAY), (long long)(AGE_MAX / APS_DAY));
        return APS_ERR_RANGE;
    }
    if (to->max_age == 0 && (to->warn != 0 || to->refuse)) {
        aps_err_explain(diag,
                        "secret \"%.*s\" has no greatest age that a warning or a refusal "
                        "could go by: want --max-age as well",
                        APS_STR_SHOW(to->name));
        return APS_ERR_RANGE;
    }
    if (to->max_age == 0 || to->warn < to->max_age)
        return APS_OK;
    aps_err_explain(diag, "a warning that is not shorter than the age that it comes before: want a "
                          "shorter --warn or a longer --max-age");
    return APS_ERR_RANGE;
}

/* ---- reading ---- */

static struct aps_store_named read_row(struct aps_sql *q)
{
    return (struct aps_store_named){
        .name = aps_sql_get_str(q, 0),
        .max_age = aps_sql_get_i64(q, 1),
        .warn = aps_sql_get_i64(q, 2),
        .refuse = aps_sql_get_i64(q, 3) != 0,
        .created_at = aps_sql_get_i64(q, 4),
    };
}

enum aps_err aps_store_named_each(struct aps_store *st, aps_store_named_fn fn, void *arg,
                                  struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, st->db,
                  "SELECT name, max_age, warn, refuse, created_at FROM secret ORDER BY name");
    while (err == APS_OK && aps_sql_row(&q)) {
        const struct aps_store_named named = read_row(&q);

        err = fn(arg, &named);
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

/* *out_has: whether it is there; if not, *out is as it was. */
static enum aps_err find(struct aps_store *st, struct aps_str name, apr_pool_t *pool,
                         struct aps_store_named *out, bool *out_has, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = check_name(name, diag);

    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, st->db,
                  "SELECT name, max_age, warn, refuse, created_at FROM secret WHERE name = ?");
    aps_sql_str(&q, name);
    if ((*out_has = aps_sql_row(&q))) {
        *out = read_row(&q);
        out->name = aps_str_copy(pool, out->name);
    }
    return aps_sql_end(&q, diag);
}

enum aps_err aps_store_named_get(struct aps_store *st, struct aps_str name, apr_pool_t *pool,
                                 struct aps_store_named *out, struct aps_diag *diag)
{
    bool has = false;
    enum aps_err err = find(st, name, pool, out, &has, diag);

    if (err != APS_OK || has)
        return err;
    aps_err_explain(diag, "there is no secret \"%.*s\"; `secret list` shows them",
                    APS_STR_SHOW(name));
    return APS_ERR_NOT_FOUND;
}

/* ---- the change log's form ---- */

static void put_age(struct aps_json *w, const char *name, aps_nsec duration)
{
    char text[APS_NUM_DURATION_MAX];

    if (duration != 0)
        aps_json_put_str(w, name, aps_num_print_duration(duration, text));
}

static struct aps_str describe(struct aps_store *st, const struct aps_store_named *named,
                               bool new_value)
{
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "name");
    aps_json_str(&w, named->name);
    put_age(&w, "max_age", named->max_age);
    put_age(&w, "warn", named->warn);
    if (named->max_age != 0)
        aps_json_put_str(&w, "on_expiry", named->refuse ? "refuse" : "warn");
    if (new_value)
        aps_json_put_bool(&w, "new_value", true);
    aps_json_end(&w);
    return aps_json_text(&w);
}

/* ---- writing ---- */

enum aps_err aps_store_named_set(struct aps_store *st, const struct aps_store_named *to,
                                 struct aps_str value, struct aps_diag *diag)
{
    struct aps_store_named old;
    struct aps_str before = {NULL, 0};
    struct aps_sql q;
    bool has = false;
    enum aps_err err;

    if ((err = check_value(value, diag)) != APS_OK || (err = check_age(to, diag)) != APS_OK ||
        (err = aps_store_begin(st, diag)) != APS_OK ||
        (err = find(st, to->name, st->pool, &old, &has, diag)) != APS_OK ||
        (err = aps_store_webhook_fits(st, to->name, value, diag)) != APS_OK ||
        (err = aps_store_secret_put(st, to->name, value, st->now, diag)) != APS_OK)
        return err;
    if (has)
        before = describe(st, &old, false);
    aps_sql_begin(&q, st->db, "UPDATE secret SET max_age = ?, warn = ?, refuse = ? WHERE name = ?");
    aps_sql_i64(&q, to->max_age);
    aps_sql_i64(&q, to->warn);
    aps_sql_i64(&q, to->refuse);
    aps_sql_str(&q, to->name);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, to->name, before, describe(st, to, true), diag);
}

enum aps_err aps_store_named_rotate(struct aps_store *st, struct aps_str name, struct aps_str value,
                                    aps_nsec overlap, struct aps_diag *diag)
{
    struct aps_store_named named;
    enum aps_err err;

    if (overlap < 0 || overlap > OVERLAP_MAX) {
        aps_err_explain(diag, "overlap of %lld days: want at most %lld",
                        (long long)(overlap / APS_DAY), (long long)(OVERLAP_MAX / APS_DAY));
        return APS_ERR_RANGE;
    }
    if ((err = check_value(value, diag)) != APS_OK || (err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_named_get(st, name, st->pool, &named, diag)) != APS_OK ||
        (err = aps_store_webhook_fits(st, name, value, diag)) != APS_OK ||
        (err = aps_store_secret_put(st, name, value, st->now + overlap, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, name, describe(st, &named, false), describe(st, &named, true),
                                diag);
}

/* The last one stays: they come oldest first. */
static enum aps_err keep_newest(void *arg, struct aps_str name, uint32_t version, aps_nsec until,
                                struct aps_secret *value)
{
    struct aps_secret *newest = arg;

    (void)name, (void)version, (void)until; /* who reveals one asks for what there is */
    aps_secret_wipe(newest);
    *newest = *value;
    *value = (struct aps_secret){NULL, 0}; /* taken */
    return APS_OK;
}

static struct aps_str describe_reveal(struct aps_store *st, struct aps_str name,
                                      struct aps_str reason)
{
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "name");
    aps_json_str(&w, name);
    aps_json_put_bool(&w, "revealed", true);
    aps_json_name(&w, "reason");
    aps_json_str(&w, reason);
    aps_json_end(&w);
    return aps_json_text(&w);
}

enum aps_err aps_store_named_reveal(struct aps_store *st, struct aps_str name,
                                    struct aps_str reason, struct aps_secret *out,
                                    struct aps_diag *diag)
{
    struct aps_secret newest = {NULL, 0};
    struct aps_store_named named;
    enum aps_err err;

    if (!aps_str_is_text(reason)) {
        aps_err_explain(diag, "--reason is to say why, for the record: want 1 to 128 bytes of "
                              "text without control characters");
        return APS_ERR_FORMAT;
    }
    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_named_get(st, name, st->pool, &named, diag)) != APS_OK ||
        (err = aps_store_secret_load(st->db, &st->meta, &st->seal, name, keep_newest, &newest,
                                     diag)) != APS_OK)
        goto out;
    if (newest.n == 0) {
        aps_err_explain(diag, "secret \"%.*s\" has no value: give it one by `secret rotate`",
                        APS_STR_SHOW(name));
        err = APS_ERR_NOT_FOUND;
        goto out;
    }
    err = aps_store_change_put(st, name, (struct aps_str){NULL, 0},
                               describe_reveal(st, name, reason), diag);
out:
    if (err == APS_OK)
        *out = newest;
    else
        aps_secret_wipe(&newest);
    return err;
}

enum aps_err aps_store_named_delete(struct aps_store *st, struct aps_str name,
                                    struct aps_diag *diag)
{
    struct aps_store_named old;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_named_get(st, name, st->pool, &old, diag)) != APS_OK ||
        (err = aps_store_webhook_spares(st, name, diag)) != APS_OK ||
        (err = aps_store_secret_drop(st, name, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, name, describe(st, &old, false), (struct aps_str){NULL, 0},
                                diag);
}
