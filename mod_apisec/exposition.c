/* SetHandler apisec-status: the counters, for programs that watch, as OpenMetrics or JSON.
 *
 * Names of limits and their places are the administrator's business.  So it answers where the
 * server's configuration says SetHandler, and ApiSecEngine has let the request in, and tells of the
 * limits of this virtual host and of the plans of its store alone. */
#include "mod.h"

#include "http_core.h"

#include <apr_strings.h>
#include <stdlib.h>

#include "apisec/json.h"

#define OPENMETRICS "application/openmetrics-text"

static const struct counter {
    enum aps_directory_count what;
    const char *metric, *member, *help;
} counters[] = {
#define L(what, metric, member, help) {APS_DIRECTORY_##what, metric, member, help},
#include "apisec/limit_metrics.def"
#undef L
};
enum { COUNTERS = sizeof counters / sizeof counters[0] };

/* ---- Which limits ---- */

/* Definitions of one name and place, such as those before and after an edit, are one. */
struct limit {
    const char *name, *of, *where;
    uint64_t count[APS_DIRECTORY_COUNTS];
};

struct listing {
    request_rec *r;
    uint64_t store;             /* tag of this server's; 0: none */
    const char *place;          /* "api.example.com:443" */
    apr_array_header_t *limits; /* of struct limit */
};

/* Whoever may write the state file can have put anything there: no byte of it ends a label. */
static const char *plain(apr_pool_t *pool, const char *text, size_t n)
{
    char *copy = apr_pstrmemdup(pool, text, n), *to = copy;
    struct aps_str rest = {copy, n};
    uint32_t code = 0;
    while (rest.n > 0) {
        size_t bytes = aps_str_utf8_code(rest, &code);
        bool keep = bytes != 0 && !aps_str_is_control(code) && code != '"' && code != '\\';
        if (keep)
            memmove(to, rest.p, bytes);
        else
            *to = '?';
        to += keep ? bytes : 1;
        bytes = bytes != 0 ? bytes : 1;
        rest.p += bytes;
        rest.n -= bytes;
    }
    *to = '\0';
    return copy;
}

static bool is_here(const struct listing *l, const struct aps_directory_entry *entry)
{
    size_t n = strlen(l->place);
    if (!entry->is_current)
        return false;
    if (entry->is_plan)
        return l->store != 0 && entry->store == l->store;
    return strncmp(entry->where, l->place, n) == 0 &&
           (entry->where[n] == '\0' || entry->where[n] == ' ');
}

static void keep(void *arg, const struct aps_directory_entry *entry)
{
    struct listing *l = arg;
    struct limit one = {.of = entry->is_plan ? "plan" : "section"};
    if (!is_here(l, entry))
        return;
    one.name = plain(l->r->pool, entry->text, strcspn(entry->text, " "));
    one.where = plain(l->r->pool, entry->where, strlen(entry->where));
    memcpy(one.count, entry->count, sizeof one.count);
    APR_ARRAY_PUSH(l->limits, struct limit) = one;
}

static int compare(const void *a, const void *b)
{
    const struct limit *x = a, *y = b;
    int order = strcmp(x->of, y->of);
    if (order == 0)
        order = strcmp(x->where, y->where);
    return order != 0 ? order : strcmp(x->name, y->name);
}

/* In order, and each once: a set of labels that comes twice is no OpenMetrics. */
static void sort(apr_array_header_t *limits)
{
    struct limit *v = (struct limit *)(void *)limits->elts;
    int n = 0;
    qsort(v, (size_t)limits->nelts, sizeof *v, compare);
    for (int i = 0; i < limits->nelts; i++) {
        if (n == 0 || compare(&v[n - 1], &v[i]) != 0) {
            v[n++] = v[i];
            continue;
        }
        for (size_t k = 0; k < APS_DIRECTORY_COUNTS; k++)
            v[n - 1].count[k] += v[i].count[k];
    }
    limits->nelts = n;
}

static void read_limits(request_rec *r, struct listing *l)
{
    const struct mod_server *sc = ap_get_module_config(r->server->module_config, &apisec_module);
    *l = (struct listing){
        .r = r,
        .store = sc->store != NULL ? sc->store->tag : 0,
        .place = mod_directory_place(r->pool, r->server, NULL),
        .limits = apr_array_make(r->pool, 16, sizeof(struct limit)),
    };
    if (mod_process.state != NULL &&
        aps_directory_each(mod_process.state, r->pool, keep, l, NULL) == APS_OK)
        sort(l->limits);
}

static uint64_t sum(enum aps_metric metric)
{
    return mod_process.state != NULL ? aps_metrics_sum(mod_process.state, metric) : 0;
}

static uint64_t sum_reason(enum aps_reason reason)
{
    return mod_process.state != NULL ? aps_metrics_sum_reason(mod_process.state, reason) : 0;
}

/* ---- OpenMetrics ---- */

static void put_family(request_rec *r, const char *name, const char *help)
{
    ap_rprintf(r, "# TYPE %s counter\n# HELP %s %s\n", name, name, help);
}

static void put_limits(request_rec *r, const apr_array_header_t *limits)
{
    for (size_t k = 0; k < COUNTERS; k++) {
        put_family(r, counters[k].metric, counters[k].help);
        for (int i = 0; i < limits->nelts; i++) {
            const struct limit *one = &APR_ARRAY_IDX(limits, i, struct limit);
            ap_rprintf(r, "%s_total{limit=\"%s\",of=\"%s\",where=\"%s\"} %" APR_UINT64_T_FMT "\n",
                       counters[k].metric, one->name, one->of, one->where,
                       one->count[counters[k].what]);
        }
    }
}

static void put_openmetrics(request_rec *r, const struct listing *l)
{
    for (enum aps_metric i = 0; i < APS_METRIC_COUNT; i++) {
        put_family(r, aps_metrics_name(i), aps_metrics_help(i));
        ap_rprintf(r, "%s_total %" APR_UINT64_T_FMT "\n", aps_metrics_name(i), sum(i));
    }
    put_family(r, "apisec_decisions", "decisions by their reason");
    for (enum aps_reason i = 0; i < APS_REASON_COUNT; i++)
        ap_rprintf(r, "apisec_decisions_total{reason=\"%s\"} %" APR_UINT64_T_FMT "\n",
                   aps_reason_token(i), sum_reason(i));
    put_limits(r, l->limits);
    ap_rputs("# EOF\n", r);
}

/* ---- JSON ---- */

static void put_json_limits(struct aps_json *w, const apr_array_header_t *limits)
{
    aps_json_name(w, "limits");
    aps_json_array(w);
    for (int i = 0; i < limits->nelts; i++) {
        const struct limit *one = &APR_ARRAY_IDX(limits, i, struct limit);
        aps_json_object(w);
        aps_json_put_str(w, "limit", one->name);
        aps_json_put_str(w, "of", one->of);
        aps_json_put_str(w, "where", one->where);
        for (size_t k = 0; k < COUNTERS; k++)
            aps_json_put_u64(w, counters[k].member, one->count[counters[k].what]);
        aps_json_end(w);
    }
    aps_json_end(w);
}

static void put_json(request_rec *r, const struct listing *l)
{
    struct aps_json w;
    aps_json_init_pool(&w, r->pool, 0);
    aps_json_object(&w);
    aps_json_put_bool(&w, "state_down", mod_process.state == NULL);
    aps_json_name(&w, "counters");
    aps_json_object(&w);
    for (enum aps_metric i = 0; i < APS_METRIC_COUNT; i++)
        aps_json_put_u64(&w, aps_metrics_name(i), sum(i));
    aps_json_end(&w);
    aps_json_name(&w, "decisions");
    aps_json_object(&w);
    for (enum aps_reason i = 0; i < APS_REASON_COUNT; i++)
        aps_json_put_u64(&w, aps_reason_token(i), sum_reason(i));
    aps_json_end(&w);
    put_json_limits(&w, l->limits);
    aps_json_end(&w);
    struct aps_str text = aps_json_text(&w);
    ap_rwrite(text.p, (int)text.n, r);
    ap_rputs("\n", r);
}

/* ---- The handler ---- */

#define HANDLER "apisec-status"

/* "json" or "openmetrics" in the query, else what the client accepts, else OpenMetrics. */
static bool wants_json(const request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");
    if (r->args != NULL)
        return strcmp(r->args, "json") == 0;
    return accept != NULL && strstr(accept, "application/json") != NULL &&
           strstr(accept, OPENMETRICS) == NULL;
}

/* Whether this SetHandler is that of the section, or of one within it. */
static bool sets_handler(const ap_conf_vector_t *section, const ap_expr_info_t *handler);

static bool one_sets_handler(const apr_array_header_t *sections, const ap_expr_info_t *handler)
{
    for (int i = 0; sections != NULL && i < sections->nelts; i++)
        if (sets_handler(APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *), handler))
            return true;
    return false;
}

static bool sets_handler(const ap_conf_vector_t *section, const ap_expr_info_t *handler)
{
    const core_dir_config *core = ap_get_core_module_config(section);
    return core->expr_handler == handler || one_sets_handler(core->sec_file, handler) ||
           one_sets_handler(core->sec_if, handler);
}

/* A tenant could name the handler in .htaccess by SetHandler, AddHandler or a RewriteRule, in a
 * section that lets everybody in.  What the configuration says lies in memory of its own. */
static bool is_of_server(const request_rec *r)
{
    const core_server_config *server = ap_get_core_module_config(r->server->module_config);
    const core_dir_config *dir = ap_get_core_module_config(r->per_dir_config);
    return dir->expr_handler != NULL &&
           (sets_handler(r->server->lookup_defaults, dir->expr_handler) ||
            one_sets_handler(server->sec_dir, dir->expr_handler) ||
            one_sets_handler(server->sec_url, dir->expr_handler));
}

static bool is_query(const char *args)
{
    return args == NULL || strcmp(args, "json") == 0 || strcmp(args, "openmetrics") == 0;
}

__attribute__((noinline)) static int serve(request_rec *r)
{
    struct listing l;
    const struct mod_req *m = mod_req_get(r);
    if (m == NULL || m->decision != APS_DECISION_ALLOW || !is_of_server(r)) {
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, 0, r,
            "APISEC0013: the handler apisec-status tells nothing here, since ApiSecEngine "
            "is Off or would refuse this request, or since it is not a SetHandler of the "
            "server's own configuration that names it");
        return HTTP_NOT_FOUND;
    }
    r->allowed = AP_METHOD_BIT << M_GET;
    if (r->method_number != M_GET)
        return HTTP_METHOD_NOT_ALLOWED;
    if (!is_query(r->args))
        return HTTP_BAD_REQUEST;
    bool json = wants_json(r);
    ap_set_content_type(r,
                        json ? "application/json" : OPENMETRICS "; version=1.0.0; charset=utf-8");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    if (r->header_only)
        return OK;
    read_limits(r, &l);
    if (json)
        put_json(r, &l);
    else
        put_openmetrics(r, &l);
    return OK;
}

/* Of every request: nearly all are told apart without a call. */
static int handle(request_rec *r)
{
    bool may_be = r->handler != NULL && strncmp(r->handler, HANDLER, 3) == 0;
    return may_be && strcmp(r->handler, HANDLER) == 0 ? serve(r) : DECLINED;
}

void mod_exposition_register(void)
{
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
}
