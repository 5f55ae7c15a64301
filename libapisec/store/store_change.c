/* store_change.c - the change log: who changed what, and when. */
#include "own.h"

static struct aps_str or_empty(const char *text)
{
    return text != NULL ? aps_str(text) : APS_STR_LIT("");
}

enum aps_err aps_store_change_put(struct aps_store *st, struct aps_str subject,
                                  struct aps_str old_json, struct aps_str new_json,
                                  struct aps_diag *diag)
{
    static const struct aps_store_actor nobody;
    const struct aps_store_actor *a = st->actor != NULL ? st->actor : &nobody;
    struct aps_sql q;
    enum aps_err err;

    aps_sql_begin(&q, st->db,
                  "INSERT INTO change(at, uid, login, sudo, tty, host, command, subject, old,"
                  " new) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    aps_sql_i64(&q, st->now);
    aps_sql_i64(&q, st->actor != NULL ? a->uid : getuid());
    aps_sql_str(&q, or_empty(a->login));
    aps_sql_str(&q, or_empty(a->sudo));
    aps_sql_str(&q, or_empty(a->tty));
    aps_sql_str(&q, or_empty(a->host));
    aps_sql_str(&q, or_empty(a->command));
    aps_sql_str(&q, subject);
    aps_sql_str(&q, old_json);
    aps_sql_str(&q, new_json);
    if ((err = aps_sql_run(&q, diag)) == APS_OK)
        st->changed = true;
    return err;
}

enum aps_err aps_store_change_next(struct aps_store *st, int64_t *out, struct aps_diag *diag)
{
    return aps_db_number(st->db, "SELECT seq + 1 FROM sqlite_sequence WHERE name = 'change'", 1,
                         out, diag);
}

enum aps_err aps_store_change_each(struct aps_store *st, uint64_t after, aps_store_change_fn fn,
                                   void *arg, struct aps_diag *diag)
{
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, st->db,
                  "SELECT n, at, uid, login, sudo, tty, host, command, subject, old, new"
                  " FROM change WHERE n > ? ORDER BY n");
    aps_sql_i64(&q, after > INT64_MAX ? INT64_MAX : (int64_t)after);
    while (err == APS_OK && aps_sql_row(&q)) {
        struct aps_change change = {
            .n = (uint64_t)aps_sql_get_i64(&q, 0),
            .at = aps_sql_get_i64(&q, 1),
            .uid = (uint32_t)aps_sql_get_i64(&q, 2),
            .login = aps_sql_get_str(&q, 3),
            .sudo = aps_sql_get_str(&q, 4),
            .tty = aps_sql_get_str(&q, 5),
            .host = aps_sql_get_str(&q, 6),
            .command = aps_sql_get_str(&q, 7),
            .subject = aps_sql_get_str(&q, 8),
            .old_json = aps_sql_get_str(&q, 9),
            .new_json = aps_sql_get_str(&q, 10),
        };
        err = fn(arg, &change);
    }
    end = aps_sql_end(&q, diag);
    return err != APS_OK ? err : end;
}
