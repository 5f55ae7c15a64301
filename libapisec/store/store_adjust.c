/* store_adjust.c - what single callers got beyond a limit; each with its change row. */
#include "own.h"

/* ---- reading ---- */

static struct aps_adjust row_of(struct aps_sql *q, int column)
{
    return (struct aps_adjust){
        .bonus = (uint32_t)aps_sql_get_i64(q, column),
        .until = aps_sql_get_i64(q, column + 1),
        .epoch = (uint64_t)aps_sql_get_i64(q, column + 2),
    };
}

enum aps_err aps_store_adjust_load(sqlite3 *db, apr_pool_t *pool, struct aps_adjusts **out,
                                   struct aps_diag *diag)
{
    struct aps_adjusts *book = aps_adjusts_new(pool);
    struct aps_sql q;
    enum aps_err err;

    aps_sql_begin(&q, db, "SELECT name, level, subject, bonus, until, epoch FROM adjust");
    while (aps_sql_row(&q)) {
        struct aps_adjust one = row_of(&q, 3);

        aps_adjusts_add(book, aps_sql_get_str(&q, 0), aps_sql_get_str(&q, 1),
                        aps_sql_get_str(&q, 2), &one);
    }
    if ((err = aps_sql_end(&q, diag)) == APS_OK)
        *out = book;
    return err;
}

enum aps_err aps_store_adjusts(struct aps_store *st, apr_pool_t *pool, struct aps_adjusts **out,
                               struct aps_diag *diag)
{
    return aps_store_adjust_load(st->db, pool, out, diag);
}

enum aps_err aps_store_adjust_each(struct aps_store *st, aps_store_adjust_fn fn, void *arg,
                                   struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, st->db,
                  "SELECT name, level, subject, bonus, until, epoch FROM adjust"
                  " ORDER BY name, level, subject");
    while (err == APS_OK && aps_sql_row(&q)) {
        const struct aps_store_adjusted row = {aps_sql_get_str(&q, 0), aps_sql_get_str(&q, 1),
                                               aps_sql_get_str(&q, 2), row_of(&q, 3)};

        err = fn(arg, &row);
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}

/* The row's three names. */
struct place {
    struct aps_str name, level, who;
    char by[APS_LIMIT_BY_TEXT_MAX];
    char text[APS_ADJUST_WHO_MAX];
};

static enum aps_err place_init(struct place *to, const struct aps_store_adjust *whose,
                               struct aps_diag *diag)
{
    to->name = whose->quota != NULL ? whose->quota->name : whose->limit->name;
    to->level = aps_str(aps_limit_print_by(whose->limit, to->by));
    to->who = aps_adjust_who(whose->limit->by, whose->key, to->text);
    if (to->who.n != 0)
        return APS_OK;
    aps_err_explain(diag,
                    "limit \"%.*s\" goes by %s, and by no caller: nothing of it is a single key's",
                    APS_STR_SHOW(to->name), to->by);
    return APS_ERR_CONFLICT;
}

static void bind_place(struct aps_sql *q, const struct place *place)
{
    aps_sql_str(q, place->name);
    aps_sql_str(q, place->level);
    aps_sql_str(q, place->who);
}

/* All zero where there is none. */
static enum aps_err get(struct aps_store *st, const struct place *place, struct aps_adjust *out,
                        struct aps_diag *diag)
{
    struct aps_sql q;

    *out = (struct aps_adjust){0, 0, 0};
    aps_sql_begin(&q, st->db,
                  "SELECT bonus, until, epoch FROM adjust"
                  " WHERE name = ? AND level = ? AND subject = ?");
    bind_place(&q, place);
    if (aps_sql_row(&q))
        *out = row_of(&q, 0);
    return aps_sql_end(&q, diag);
}

static bool is_none(const struct aps_adjust *adjust)
{
    return adjust->bonus == 0 && adjust->epoch == 0;
}

/* ---- writing ---- */

/* What has ended and says nothing any more; then whether there is room. */
static enum aps_err make_room(struct aps_store *st, struct aps_diag *diag)
{
    struct aps_sql q;
    int64_t n = 0;
    enum aps_err err;

    aps_sql_begin(&q, st->db, "DELETE FROM adjust WHERE epoch = 0 AND until <= ?");
    aps_sql_i64(&q, st->now);
    if ((err = aps_sql_run(&q, diag)) != APS_OK ||
        (err = aps_db_number(st->db, "SELECT count(*) FROM adjust", 0, &n, diag)) != APS_OK)
        return err;
    if (n < APS_STORE_ADJUST_MAX)
        return APS_OK;
    aps_err_explain(diag,
                    "%d callers have something beyond their limits, and a store holds no more: "
                    "raise the limit itself, or delete keys that are revoked",
                    APS_STORE_ADJUST_MAX);
    return APS_ERR_CONFLICT;
}

static struct aps_str describe(struct aps_store *st, const struct place *place,
                               const struct aps_adjust *adjust)
{
    char until[APS_NUM_TIME_MAX];
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "limit");
    aps_json_str(&w, place->name);
    aps_json_name(&w, "by");
    aps_json_str(&w, place->level);
    aps_json_name(&w, "who");
    aps_json_str(&w, place->who);
    if (adjust->bonus != 0) {
        aps_json_put_u64(&w, "bonus", adjust->bonus);
        aps_json_put_str(&w, "until", aps_num_print_time(adjust->until, false, until));
    }
    aps_json_put_u64(&w, "epoch", adjust->epoch);
    aps_json_end(&w);
    return aps_json_text(&w);
}

static enum aps_err put(struct aps_store *st, const struct aps_store_adjust *whose,
                        const struct place *place, const struct aps_adjust *old,
                        const struct aps_adjust *to, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err;

    aps_sql_begin(&q, st->db,
                  "INSERT OR REPLACE INTO adjust(name, level, subject, bonus, until, epoch)"
                  " VALUES(?, ?, ?, ?, ?, ?)");
    bind_place(&q, place);
    aps_sql_i64(&q, to->bonus);
    aps_sql_i64(&q, to->until);
    aps_sql_i64(&q, (int64_t)to->epoch);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, whose->key->id,
                                is_none(old) ? (struct aps_str){NULL, 0} : describe(st, place, old),
                                describe(st, place, to), diag);
}

/* What the caller has so far; where that is nothing, there is room for it. */
static enum aps_err begin(struct aps_store *st, const struct aps_store_adjust *whose,
                          struct place *out_place, struct aps_adjust *out_old,
                          struct aps_diag *diag)
{
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = place_init(out_place, whose, diag)) != APS_OK ||
        (err = get(st, out_place, out_old, diag)) != APS_OK)
        return err;
    return is_none(out_old) ? make_room(st, diag) : APS_OK;
}

enum aps_err aps_store_adjust_grant(struct aps_store *st, const struct aps_store_adjust *whose,
                                    uint32_t n, aps_nsec until, struct aps_adjust *out,
                                    struct aps_diag *diag)
{
    struct place place;
    struct aps_adjust old, to;
    uint64_t sum;
    enum aps_err err = begin(st, whose, &place, &old, diag);

    if (err != APS_OK)
        return err;
    /* What was granted in another period has ended with it. */
    sum = n + (uint64_t)(old.until == until ? old.bonus : 0);
    if (n == 0 || sum > APS_NUM_COUNT_MAX) {
        aps_err_explain(diag, "a bonus of %llu: want 1 to %u in one period",
                        (unsigned long long)sum, APS_NUM_COUNT_MAX);
        return APS_ERR_RANGE;
    }
    to = (struct aps_adjust){(uint32_t)sum, until, old.epoch};
    if ((err = put(st, whose, &place, &old, &to, diag)) == APS_OK && out != NULL)
        *out = to;
    return err;
}

/* What was granted of quotas that have names of their own. */
static enum aps_err drop_bonuses(struct aps_store *st, const struct aps_limit *limit,
                                 struct place place, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < limit->n; i++) {
        struct aps_sql q;

        if (aps_str_eq(limit->meter[i].name, limit->name))
            continue;
        place.name = limit->meter[i].name;
        aps_sql_begin(&q, st->db,
                      "DELETE FROM adjust WHERE name = ? AND level = ? AND subject = ?");
        bind_place(&q, &place);
        err = aps_sql_run(&q, diag);
    }
    return err;
}

enum aps_err aps_store_adjust_reset(struct aps_store *st, const struct aps_store_adjust *whose,
                                    struct aps_adjust *out, struct aps_diag *diag)
{
    struct place place;
    struct aps_adjust old, to;
    enum aps_err err = begin(st, whose, &place, &old, diag);

    if (err != APS_OK)
        return err;
    to = (struct aps_adjust){0, 0, old.epoch + 1};
    if ((err = drop_bonuses(st, whose->limit, place, diag)) != APS_OK)
        return err;
    if ((err = put(st, whose, &place, &old, &to, diag)) == APS_OK && out != NULL)
        *out = to;
    return err;
}

enum aps_err aps_store_adjust_forget(struct aps_store *st, struct aps_str id, struct aps_diag *diag)
{
    char who[APS_ADJUST_WHO_MAX];
    const struct aps_key key = {.id = id};
    struct aps_str text = aps_adjust_who(APS_LIMIT_BY_KEY, &key, who);
    struct aps_sql q;

    /* An id has one length, so that no other key's text begins with it. */
    aps_sql_begin(&q, st->db, "DELETE FROM adjust WHERE substr(subject, 1, ?) = ?");
    aps_sql_i64(&q, (int64_t)text.n);
    aps_sql_str(&q, text);
    return aps_sql_run(&q, diag);
}
