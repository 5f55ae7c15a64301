/* store_age.c - how old the secrets of a role's keys may get. */
#include "own.h"

enum aps_err aps_store_age_get(struct aps_store *st, struct aps_str role, struct aps_store_age *out,
                               struct aps_diag *diag)
{
    struct aps_store_age age = {0, 0};
    struct aps_sql q;
    enum aps_err err = aps_store_role_exists(st, role, diag);

    if (err != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "SELECT max_age, warn FROM role WHERE name = ?");
    aps_sql_str(&q, role);
    if (aps_sql_row(&q))
        age = (struct aps_store_age){aps_sql_get_i64(&q, 0), aps_sql_get_i64(&q, 1)};
    if ((err = aps_sql_end(&q, diag)) == APS_OK)
        *out = age;
    return err;
}

static enum aps_err check(const struct aps_store_age *age, struct aps_diag *diag)
{
    char warn[APS_NUM_DURATION_MAX], max_age[APS_NUM_DURATION_MAX];

    if (age->max_age < 0 || age->warn < 0) {
        aps_err_explain(diag, "an age cannot be negative");
        return APS_ERR_RANGE;
    }
    if (age->max_age == 0 || age->warn < age->max_age)
        return APS_OK;
    aps_err_explain(diag,
                    "a warning of %s is not shorter than the age of %s that it comes before: want "
                    "a shorter --warn or a longer --max-age",
                    aps_num_print_duration(age->warn, warn),
                    aps_num_print_duration(age->max_age, max_age));
    return APS_ERR_RANGE;
}

static void put(struct aps_json *w, const char *name, aps_nsec duration)
{
    char text[APS_NUM_DURATION_MAX];

    aps_json_put_str(w, name, duration != 0 ? aps_num_print_duration(duration, text) : "none");
}

static struct aps_str describe(struct aps_store *st, struct aps_str role,
                               const struct aps_store_age *age)
{
    struct aps_json w;

    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "role");
    aps_json_str(&w, role);
    put(&w, "max_age", age->max_age);
    put(&w, "warn", age->warn);
    aps_json_end(&w);
    return aps_json_text(&w);
}

enum aps_err aps_store_age_set(struct aps_store *st, struct aps_str role,
                               const struct aps_store_age *age, struct aps_diag *diag)
{
    struct aps_store_age old;
    struct aps_sql q;
    enum aps_err err;

    if ((err = check(age, diag)) != APS_OK || (err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_age_get(st, role, &old, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "UPDATE role SET max_age = ?, warn = ? WHERE name = ?");
    aps_sql_i64(&q, age->max_age);
    aps_sql_i64(&q, age->warn);
    aps_sql_str(&q, role);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, role, describe(st, role, &old), describe(st, role, age), diag);
}

enum aps_err aps_store_age_each(struct aps_store *st, aps_store_age_fn fn, void *arg,
                                struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, st->db,
                  "SELECT name, max_age, warn FROM role WHERE max_age <> 0 OR warn <> 0"
                  " ORDER BY name");
    while (err == APS_OK && aps_sql_row(&q)) {
        struct aps_store_age age = {aps_sql_get_i64(&q, 1), aps_sql_get_i64(&q, 2)};

        err = fn(arg, aps_sql_get_str(&q, 0), &age);
    }
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    return err != APS_OK ? err : end;
}
