/* What only the whole configuration shows: found by `-t`, and at start. */
#include "mod.h"

#include <apr_strings.h>

#include "content.h"
#include "finding.h"
#include "tls_floor.h"

struct check {
    apr_pool_t *pool;
    server_rec *server;
    bool engine;                 /* some section has it On or DetectOnly */
    const ap_directive_t *quick; /* CacheQuickHandler On */
    const char *fault;
};

bool mod_check_is(const ap_directive_t *d, const char *name)
{
    return ap_cstr_casecmp(d->directive, name) == 0;
}

/* On or Off, maybe in quotes. */
static bool on(const ap_directive_t *d)
{
    return ap_cstr_casecmpn(d->args + strspn(d->args, "\"'"), "on", 2) == 0;
}

static bool has_below(const ap_directive_t *d, const char *name)
{
    for (; d != NULL; d = d->next)
        if (mod_check_is(d, name) || (d->first_child != NULL && has_below(d->first_child, name)))
            return true;
    return false;
}

static bool has_engine(const ap_directive_t *d);

/* On or DetectOnly in this line or below it. */
static bool has_engine_line(const ap_directive_t *d)
{
    return (mod_check_is(d, "ApiSecEngine") && ap_cstr_casecmp(d->args, "off") != 0) ||
           has_engine(d->first_child);
}

/* On or DetectOnly in this line or one that follows it, or below them. */
static bool has_engine(const ap_directive_t *d)
{
    for (; d != NULL; d = d->next)
        if (has_engine_line(d))
            return true;
    return false;
}

/* " v ts boot ...": every field of the audit line. */
#define A(name, kind, when, text) " " #name
static const char fields[] =
#include "apisec/audit.def"
    ;
#undef A

/* %{FIELD}^AS in a format: the fields must exist. */
static const char *check_format(apr_pool_t *pool, const ap_directive_t *d)
{
    for (const char *p = d->args; (p = strstr(p, "}^AS")) != NULL; p += 4) {
        const char *open = p;
        while (open > d->args && open[-1] != '{')
            open--;
        struct aps_str name = {open, (size_t)(p - open)};
        if (aps_audit_field(name) < 0)
            return apr_psprintf(pool,
                                "%s line %d: %%{%.*s}^AS is no field of the audit line; want one "
                                "of%s",
                                d->filename, d->line_num, APS_STR_SHOW(name), fields);
    }
    return NULL;
}

/* ---- Plans, and where nobody is known ---- */

/* A line that names a plan. */
struct plan_line {
    const server_rec *server;
    const ap_directive_t *directive;
    const char *name;
};

static apr_array_header_t *plan_lines; /* of the configuration that is being read */

int mod_check_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    plan_lines = apr_array_make(pconf, 4, sizeof(struct plan_line));
    mod_check_names_begin(pconf);
    return OK;
}

void mod_check_note_plan(const cmd_parms *cmd, const char *name)
{
    APR_ARRAY_PUSH(plan_lines, struct plan_line) =
        (struct plan_line){cmd->server, cmd->directive, name};
}

/* A line of a section that says itself that it is public. */
static bool is_in_public(const ap_directive_t *d)
{
    for (d = d->parent != NULL ? d->parent->first_child : ap_conftree; d != NULL; d = d->next)
        if (mod_check_is(d, "ApiSecRequire") && ap_cstr_casecmp(d->args, "public") == 0)
            return true;
    return false;
}

static void warn(enum mod_finding_kind kind, const server_rec *s, const ap_directive_t *line,
                 const char *reason, const char *mend)
{
    mod_finding_add(&(struct mod_finding){kind, MOD_SEVERITY_WARNING, s, line, reason, mend});
}

static void warn_of_caller(apr_pool_t *pool, const server_rec *s, const ap_directive_t *d,
                           const struct aps_limit *limit)
{
    if ((limit->by & APS_LIMIT_BY_CALLER) != 0)
        warn(MOD_FINDING_LIMIT_OF_NOBODY, s, d,
             apr_psprintf(pool,
                          "%s: nobody is known in a public section, so that nothing is ever "
                          "counted for the limit \"%s\"",
                          d->directive, limit->text.p),
             "count by=ip or by=route there, or take ApiSecRequire public out");
}

static void check_limit(const struct check *c, const ap_directive_t *d)
{
    struct aps_limit limit;
    const char *args = d->args, *text = "";
    while (*args != '\0') /* as httpd reads them, without quotes */
        text = apr_pstrcat(c->pool, text, *text != '\0' ? " " : "", ap_getword_conf(c->pool, &args),
                           NULL);
    if (is_in_public(d) &&
        aps_limit_parse(c->pool, aps_str(text), &limit, NULL) == APS_OK) /* a fault was told */
        warn_of_caller(c->pool, c->server, d, &limit);
}

static void check_plan(apr_pool_t *pool, const struct plan_line *line,
                       const struct aps_planbook *book)
{
    const ap_directive_t *d = line->directive;
    const struct aps_plan *plan = aps_planbook_find(book, aps_str(line->name));
    if (plan == NULL || !plan->sound) {
        warn(MOD_FINDING_PLAN_UNKNOWN, line->server, d,
             apr_psprintf(pool,
                          "ApiSecPlan %s: the store has no such plan, or cannot read it; until it "
                          "does, whom the plan would hold for is refused",
                          line->name),
             apr_psprintf(pool, "apisecctl plan create %s", line->name));
        return;
    }
    mod_cost_check_plan(line->server, d, plan);
    for (size_t i = 0; i < plan->n && is_in_public(d); i++)
        warn_of_caller(pool, line->server, d, plan->limits[i]);
}

/* Plans change without a restart, so that nothing here keeps a server from starting. */
void mod_check_plans(apr_pool_t *pool, const struct mod_store *store,
                     const struct aps_planbook *book)
{
    for (int i = 0; i < plan_lines->nelts; i++) {
        const struct plan_line *line = &APR_ARRAY_IDX(plan_lines, i, struct plan_line);
        const struct mod_server *sc =
            ap_get_module_config(line->server->module_config, &apisec_module);
        if (sc->store == store)
            check_plan(pool, line, book);
    }
}

/* ---- The tree ---- */

static void walk(struct check *c, const ap_directive_t *d)
{
    for (; d != NULL && c->fault == NULL; d = d->next) {
        if (mod_check_is(d, "ApiSecEngine") && ap_cstr_casecmp(d->args, "off") != 0)
            c->engine = true;
        else if (mod_check_is(d, "CacheQuickHandler") && on(d))
            c->quick = d;
        else if (mod_check_is(d, "ApiSecLimit"))
            check_limit(c, d);
        else if (mod_check_is(d, "LogFormat") || mod_check_is(d, "CustomLog") ||
                 mod_check_is(d, "GlobalLog"))
            c->fault = check_format(c->pool, d);
        else if (mod_check_is(d, "AuthType") && ap_cstr_casecmp(d->args, "ApiSec") == 0 &&
                 !has_below(d->parent != NULL ? d->parent->first_child : d, "Require"))
            warn(MOD_FINDING_AUTHTYPE_ALONE, c->server, d,
                 "AuthType ApiSec without Require protects nothing",
                 "add Require api-access, or use ApiSecRequire");
        if (d->first_child != NULL)
            walk(c, d->first_child);
    }
}

/* The engine needs a store: the virtual host's own or the main server's. */
static const char *check_store(apr_pool_t *pool)
{
    bool outside = false;
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next)
        outside |= mod_check_is(d, "ApiSecStore");
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next)
        if (!outside && mod_check_is(d, "<VirtualHost") && has_engine(d->first_child) &&
            !has_below(d->first_child, "ApiSecStore"))
            return apr_psprintf(pool,
                                "%s line %d: the virtual host has ApiSecEngine and no "
                                "ApiSecStore",
                                d->filename, d->line_num);
    return outside || has_below(ap_conftree, "ApiSecStore")
               ? NULL
               : "there is an ApiSecEngine and no ApiSecStore";
}

/* The last of a server's own lines with this name, or NULL. */
static const ap_directive_t *last_line(const ap_directive_t *d, const char *name)
{
    const ap_directive_t *last = NULL;
    for (; d != NULL; d = d->next)
        if (mod_check_is(d, name))
            last = d;
    return last;
}

/* A line of this name in a server's own sections, or NULL. */
static const ap_directive_t *find_line(const ap_directive_t *d, const char *name)
{
    const ap_directive_t *found = NULL;
    for (; d != NULL && found == NULL; d = d->next)
        if (mod_check_is(d, name))
            found = d;
        else if (!mod_check_is(d, "<VirtualHost"))
            found = find_line(d->first_child, name);
    return found;
}

static bool has_own_engine(const ap_directive_t *d)
{
    for (; d != NULL; d = d->next)
        if (!mod_check_is(d, "<VirtualHost") && has_engine_line(d))
            return true;
    return false;
}

/* The line that lets mod_cache's quick handler answer where an engine decides: it is on where
 * nobody turns it off, in each server of its own.  NULL if there is none. */
static const ap_directive_t *open_cache(void)
{
    const ap_directive_t *quick = last_line(ap_conftree, "CacheQuickHandler");
    const ap_directive_t *cache = find_line(ap_conftree, "CacheEnable");
    bool engine = has_own_engine(ap_conftree);
    if (engine && cache != NULL && (quick == NULL || on(quick)))
        return cache;
    for (const ap_directive_t *d = ap_conftree; d != NULL; d = d->next) {
        const ap_directive_t *own = NULL, *own_quick = NULL;
        if (!mod_check_is(d, "<VirtualHost"))
            continue;
        if ((own = find_line(d->first_child, "CacheEnable")) == NULL)
            own = cache;
        if ((own_quick = last_line(d->first_child, "CacheQuickHandler")) == NULL)
            own_quick = quick;
        if (own != NULL && (own_quick == NULL || on(own_quick)) &&
            (engine || has_engine(d->first_child)))
            return own;
    }
    return NULL;
}

static void collect_documents(apr_pool_t *pool, const ap_directive_t *d, apr_hash_t *out)
{
    for (; d != NULL; d = d->next) {
        if (d->first_child != NULL)
            collect_documents(pool, d->first_child, out);
        if (!mod_check_is(d, "ErrorDocument"))
            continue;
        const char *args = d->args;
        (void)ap_getword_conf(pool, &args); /* the status */
        const char *target = ap_getword_conf(pool, &args);
        if (*target == '/')
            apr_hash_set(out, target, APR_HASH_KEY_STRING, target);
    }
}

apr_hash_t *mod_check_documents(apr_pool_t *pool)
{
    apr_hash_t *documents = apr_hash_make(pool);
    collect_documents(pool, ap_conftree, documents);
    return documents;
}

const char *mod_check_tree(apr_pool_t *pool, server_rec *main_server, struct mod_check_found *out)
{
    struct check c = {.pool = pool, .server = main_server};
    walk(&c, ap_conftree);
    out->engine = c.engine;
    if (c.fault != NULL || !c.engine)
        return c.fault;
    if ((c.fault = check_store(pool)) != NULL ||
        (c.fault = mod_check_tls(pool, main_server, &out->generous)) != NULL ||
        (c.fault = mod_tls_floor(pool, main_server)) != NULL ||
        (c.fault = mod_upstream_check_tree(pool)) != NULL ||
        (c.fault = mod_limit_check(pool, main_server)) != NULL ||
        (c.fault = mod_wire_check(pool, main_server)) != NULL ||
        (c.fault = mod_stream_check(pool, main_server)) != NULL ||
        (c.fault = mod_sanitize_check(pool, main_server)) != NULL ||
        (c.fault = mod_urls_check(pool, main_server)) != NULL ||
        (c.fault = mod_path_check(pool, main_server, ap_conftree)) != NULL)
        return c.fault;
    mod_cost_check(main_server);
    /* It would answer from the cache before anything is decided.  On is mod_cache's default. */
    const ap_directive_t *d = c.quick != NULL ? c.quick : open_cache();
    if (d != NULL)
        return apr_psprintf(pool,
                            "%s line %d: %s: the cache's quick handler answers before "
                            "ApiSecEngine decides; set CacheQuickHandler Off",
                            d->filename, d->line_num, d->directive);
    return NULL;
}
