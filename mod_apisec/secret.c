/* secret.c - secrets of the store that a request needs, and the word in the log where one is
 * damaged. */
#include "mod.h"

#include <stdatomic.h>

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

const struct aps_snapshot_secret *mod_secret(struct mod_req *m, struct aps_str name, size_t *out_n)
{
    const struct aps_snapshot_secret *list = NULL;
    struct aps_diag diag = {{0}};
    enum aps_err err =
        aps_snapshot_secret(aps_view_snapshot(m->view), name, m->first->pool, &list, out_n, &diag);
    if (err == APS_OK)
        return list;
    tell(m, name, aps_err_say(err, &diag));
    *out_n = 0;
    return NULL;
}

const struct aps_secret *mod_secret_newest(struct mod_req *m, struct aps_str name)
{
    const aps_nsec now = mod_req_now(m).wall;
    size_t n = 0;
    const struct aps_snapshot_secret *list = mod_secret(m, name, &n);
    for (size_t i = n; i > 0; i--)
        if (list[i - 1].until == 0 || now < list[i - 1].until)
            return &list[i - 1].value;
    return NULL;
}
