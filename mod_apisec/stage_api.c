/* The operation of a description that a request asks for, and the caller that its security wants.
 */
#include "api.h"

#include <apr_strings.h>
#include <stdatomic.h>

#include "apisec/api_caller.h"
#include "apisec/path.h"

#define TELL_EVERY (60 * APS_SEC)

/* ---- The API ---- */

/* One line a minute and child, for as long as it lasts: each request would write one. */
static void tell(struct mod_req *m, struct aps_str name, const char *why)
{
    static _Atomic aps_nsec told;
    aps_nsec now = mod_req_monotonic(m), last = atomic_load(&told);
    if ((last != 0 && now - last < TELL_EVERY) ||
        !atomic_compare_exchange_strong(&told, &last, now))
        return;
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, m->first,
                  "APISEC0102: sys_crash: the API %.*s cannot be used: %s", APS_STR_SHOW(name),
                  why);
}

static enum aps_reason find_api(struct mod_req *m, struct mod_api_use *use)
{
    struct aps_diag diag = {{0}};
    struct aps_view *view = mod_process_view(m);
    if (view == NULL)
        return APS_REASON_STORE_DOWN;
    enum aps_err err = aps_snapshot_api(aps_view_snapshot(view), use->want->name, &use->api, &diag);
    if (err == APS_OK)
        return APS_REASON_ALLOW;
    tell(m, use->want->name, aps_err_say(err, &diag));
    use->api = NULL;
    return APS_REASON_API_DOWN;
}

/* ---- The path ---- */

/* What the client has sent; where it was read in another way (ApiSecPath), what came out of that,
 * encoded so far that it is decoded to the same. */
static struct aps_str encoded_path(struct mod_req *m)
{
    if (m->relaxed == 0)
        return mod_stage_inspect_raw(m);
    return aps_path_print(m->path, apr_palloc(m->first->pool, 3 * m->path.n + 1));
}

static enum aps_reason find_operation(struct mod_req *m, struct mod_api_use *use)
{
    use->path = encoded_path(m);
    if (!aps_api_below(&use->path, use->want->at))
        return APS_REASON_API_PATH;
    switch (aps_api_find(use->api, m->method, use->path, &use->match)) {
    case APS_API_FOUND:
        return APS_REASON_ALLOW;
    case APS_API_NO_METHOD:
        return APS_REASON_API_METHOD;
    case APS_API_NO_PATH:
        break;
    }
    return APS_REASON_API_PATH;
}

/* ---- Its security ---- */

static enum aps_reason judge_security(struct mod_req *m, const struct aps_api_operation *operation)
{
    if (aps_api_caller_is_any(operation))
        return APS_REASON_ALLOW;
    if (m->who == NULL) {
        enum aps_reason reason = mod_stage_auth(m);
        if (reason != APS_REASON_ALLOW)
            return reason;
    }
    const struct aps_api_caller caller = {&m->who->key, m->who->bearer != NULL,
                                          m->certificate > MOD_CERTIFICATE_OFF};
    return aps_api_caller(operation, &caller);
}

/* ---- The stage ---- */

struct mod_api_use *mod_stage_api_use(const struct mod_req *m, const struct mod_api *want)
{
    for (struct mod_api_use *use = m->apis; use != NULL; use = use->next)
        if (use->want == want)
            return use;
    return NULL;
}

bool mod_stage_api_streams(const struct mod_req *m, const struct mod_dir *dir)
{
    const struct mod_api_use *use = dir->api != NULL ? mod_stage_api_use(m, dir->api) : NULL;
    return use != NULL && use->reason == APS_REASON_ALLOW && use->match.operation->stream;
}

static struct aps_str route_of(const struct mod_req *m, const struct mod_api_use *use)
{
    const struct aps_str at = use->want->at, path = use->match.operation->path;
    if (at.n == 0)
        return path;
    char *route = apr_palloc(m->first->pool, at.n + path.n);
    memcpy(route, at.p, at.n);
    memcpy(route + at.n, path.p, path.n);
    return (struct aps_str){route, at.n + path.n};
}

const char *mod_stage_api_plan(const struct mod_req *m, const struct mod_api *want)
{
    const struct mod_api_use *use = mod_stage_api_use(m, want);
    if (use == NULL || use->reason != APS_REASON_ALLOW || use->match.operation->limit.n == 0)
        return NULL;
    return apr_pstrmemdup(m->first->pool, use->match.operation->limit.p,
                          use->match.operation->limit.n);
}

enum aps_reason mod_stage_api(struct mod_req *m, const struct mod_api *want)
{
    const struct mod_api_use *known = mod_stage_api_use(m, want);
    if (known != NULL)
        return known->reason;
    struct mod_api_use *use = apr_pcalloc(m->first->pool, sizeof *use);
    use->want = want;
    use->reason = find_api(m, use);
    if (use->reason == APS_REASON_ALLOW)
        use->reason = find_operation(m, use);
    if (use->reason == APS_REASON_ALLOW)
        use->reason = judge_security(m, use->match.operation);
    if (use->reason == APS_REASON_API_METHOD)
        m->access.allow = use->match.allowed;
    if (use->reason == APS_REASON_ALLOW)
        m->route = route_of(m, use);
    use->next = m->apis;
    m->apis = use;
    return use->reason;
}
