/* secret.c - secrets of the store that a request needs, and the word in the log where one is
 * damaged. */
#include "mod.h"

#include <stdatomic.h>

#include "apisec/once.h"

#define TELL_EVERY (60 * APS_SEC)

/* One line a minute and child, for as long as it lasts: each request would write one. */
static void tell(struct mod_req *m, struct aps_str name, const char *why)
{
    static _Atomic aps_nsec told;
    aps_nsec now = mod_req_monotonic(m), last = atomic_load(&told);
    if ((last != 0 && now - last < TELL_EVERY) ||
        !atomic_compare_exchange_strong(&told, &last, now))
        return;
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, m->first,
                  "APISEC0070: crypt_decrypt_fail: the secret %.*s cannot be opened: %s",
                  APS_STR_SHOW(name), why);
}

/* Of all processes of the server and of all requests of a day one is to tell it. */
static bool is_first_of_day(struct mod_req *m, struct aps_str name, struct aps_table_now now)
{
    const aps_nsec day = now.wall / APS_DAY;
    uint8_t digest[APS_DIGEST_LEN];
    struct aps_digest_run *run = NULL;
    if (mod_process.state == NULL || aps_digest_begin(&run) != APS_OK)
        return false;
    aps_digest_add(run, &day, sizeof day);
    aps_digest_add(run, name.p, name.n);
    return aps_digest_end(run, digest) == APS_OK &&
           aps_once(mod_process.state, APS_ONCE_TOLD,
                    aps_snapshot_store_tag(aps_view_snapshot(m->view)), digest, (day + 1) * APS_DAY,
                    now) == APS_ONCE_NEW;
}

void mod_secret_age(struct mod_req *m, struct aps_str name, const struct aps_snapshot_secret *v)
{
    const struct aps_table_now now = mod_req_now(m);
    char text[APS_NUM_TIME_MAX];
    if (v->old_at == 0 || now.wall < v->due_at || !is_first_of_day(m, name, now))
        return;
    m->secret_due = aps_str_copy(m->first->pool, name);
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, m->first,
                  "APISEC0071: the secret %.*s %s its greatest age at %s: apisecctl --store %s "
                  "secret rotate %.*s gives it a new value",
                  APS_STR_SHOW(name), now.wall >= v->old_at ? "came to" : "comes to",
                  aps_num_print_time(v->old_at, false, text), m->server->store->dir,
                  APS_STR_SHOW(name));
}

const struct aps_snapshot_secret *mod_secret(struct mod_req *m, struct aps_str name, size_t *out_n)
{
    const struct aps_snapshot_secret *list = NULL;
    struct aps_diag diag = {{0}};
    enum aps_err err =
        aps_snapshot_secret(aps_view_snapshot(m->view), name, m->first->pool, &list, out_n, &diag);
    if (err == APS_OK && *out_n > 0)
        mod_secret_age(m, name, &list[*out_n - 1]);
    if (err == APS_OK)
        return list;
    tell(m, name, aps_err_say(err, &diag));
    *out_n = 0;
    return NULL;
}

const struct aps_snapshot_secret *mod_secret_in_force(const struct aps_snapshot_secret *list,
                                                      size_t n, aps_nsec now)
{
    while (n > 0 && list[n - 1].until != 0 && now >= list[n - 1].until)
        n--;
    return n > 0 ? &list[n - 1] : NULL;
}

const struct aps_secret *mod_secret_newest(struct mod_req *m, struct aps_str name)
{
    const aps_nsec now = mod_req_now(m).wall;
    size_t n = 0;
    const struct aps_snapshot_secret *list = mod_secret(m, name, &n);
    const struct aps_snapshot_secret *v = mod_secret_in_force(list, n, now);
    return v != NULL ? &v->value : NULL;
}
