#include "mod.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "apisec/master.h"

#define TABLE_MIN 1024
#define TABLE_MAX ((uint64_t)1 << 28)
#define TABLE_DEFAULT 65536
#define REFRESH_DEFAULT (250 * APS_MSEC)
#define MAX_UNSET_BODY (-2)

enum where { GLOBAL = 1, SERVER, SECTION };

/* ---- Sections and servers ---- */

void *mod_config_dir_create(apr_pool_t *pool, char *where)
{
    struct mod_dir *dir = apr_pcalloc(pool, sizeof *dir);
    dir->path = where;
    return dir;
}

/* The outer ranges stay a set of their own: joining would sort them for each request.  httpd joins
 * the sections of one kind first, so `inner` may be a chain. */
static const struct mod_deny *join_deny(apr_pool_t *pool, const struct mod_deny *outer,
                                        const struct mod_deny *inner)
{
    struct mod_deny *deny = apr_pmemdup(pool, inner, sizeof *deny);
    deny->outer = inner->outer != NULL ? join_deny(pool, outer, inner->outer) : outer;
    return deny;
}

static const struct mod_limits *join_limits(apr_pool_t *pool, const struct mod_limits *outer,
                                            const struct mod_limits *inner)
{
    const struct mod_limit **v = apr_palloc(pool, (outer->n + inner->n) * sizeof *v);
    struct mod_limits *limits = apr_pcalloc(pool, sizeof *limits);
    limits->v = v;
    for (size_t i = 0; i < outer->n; i++) {
        bool replaced = false;
        for (size_t k = 0; k < inner->n && !replaced; k++)
            replaced = aps_str_eq(outer->v[i]->name, inner->v[k]->name);
        if (!replaced)
            v[limits->n++] = outer->v[i];
    }
    for (size_t k = 0; k < inner->n; k++)
        v[limits->n++] = inner->v[k];
    for (size_t i = 0; i < limits->n; i++)
        limits->by_ip |= v[i]->by == MOD_BY_IP;
    return limits;
}

/* Runs for each section of each request: nothing is copied that can be shared. */
void *mod_config_dir_merge(apr_pool_t *pool, void *base, void *add)
{
    const struct mod_dir *b = base, *a = add;
    if (!a->touched)
        return base;
    struct mod_dir *dir = apr_pmemdup(pool, a, sizeof *a);
    if (a->engine == MOD_ENGINE_UNSET)
        dir->engine = b->engine;
    if (a->tls == MOD_TLS_UNSET)
        dir->tls = b->tls;
    if (a->pass_credential == MOD_FLAG_UNSET)
        dir->pass_credential = b->pass_credential;
    if (a->exports == 0)
        dir->exports = b->exports;
    if (a->requires == NULL)
        dir->requires = b->requires;
    if (a->sources == NULL)
        dir->sources = b->sources;
    if (a->deny == NULL)
        dir->deny = b->deny;
    else if (b->deny != NULL)
        dir->deny = join_deny(pool, b->deny, a->deny);
    if (a->limits == NULL)
        dir->limits = b->limits;
    else if (b->limits != NULL)
        dir->limits = join_limits(pool, b->limits, a->limits);
    if (a->max == NULL) {
        dir->max = b->max;
    } else if (b->max != NULL) {
        struct mod_max *max = apr_pmemdup(pool, a->max, sizeof *max);
        if (max->target == 0)
            max->target = b->max->target;
        if (max->fields == 0)
            max->fields = b->max->fields;
        if (max->field == 0)
            max->field = b->max->field;
        if (max->body == MAX_UNSET_BODY)
            max->body = b->max->body;
        dir->max = max;
    }
    return dir;
}

void *mod_config_server_create(apr_pool_t *pool, server_rec *s)
{
    (void)s;
    return apr_pcalloc(pool, sizeof(struct mod_server));
}

void *mod_config_server_merge(apr_pool_t *pool, void *base, void *add)
{
    const struct mod_server *b = base, *a = add;
    struct mod_server *sc = apr_pmemdup(pool, a, sizeof *a);
    /* A store and its master key belong together: a virtual host with a store of its own never
     * tries the main server's key on it. */
    if (a->store_dir == NULL) {
        sc->store_dir = b->store_dir;
        if (a->master == NULL)
            sc->master = b->master;
    }
    if (a->fail == NULL)
        sc->fail = b->fail;
    if (a->address == MOD_ADDRESS_UNSET)
        sc->address = b->address;
    sc->state_path = b->state_path;
    sc->table = b->table;
    sc->refresh = b->refresh;
    return sc;
}

/* ---- Defaults ---- */

const struct mod_requires *mod_config_requires(const struct mod_dir *dir)
{
    static struct mod_require access = {.kind = MOD_REQUIRE_ACCESS};
    static apr_array_header_t list = {
        .elt_size = sizeof access, .nelts = 1, .nalloc = 1, .elts = (char *)&access};
    static const struct mod_requires requires_access = {.wants_access = true, .list = &list};
    return dir->requires != NULL ? dir->requires : &requires_access;
}

const struct mod_sources *mod_config_sources(const struct mod_dir *dir)
{
    static const struct mod_sources sources = {
        .n = 2,
        .v = {{APS_CREDENTIAL_HEADER, "X-API-Key"}, {APS_CREDENTIAL_BEARER, "Authorization"}},
        .bearer = true,
        .field = "X-API-Key",
    };
    return dir->sources != NULL ? dir->sources : &sources;
}

struct mod_max mod_config_max_of(const struct mod_dir *dir)
{
    struct mod_max max = {.target = 8190, .fields = 100, .field = 8190, .body = -1};
    if (dir->max == NULL)
        return max;
    if (dir->max->target != 0)
        max.target = dir->max->target;
    if (dir->max->fields != 0)
        max.fields = dir->max->fields;
    if (dir->max->field != 0)
        max.field = dir->max->field;
    if (dir->max->body != MAX_UNSET_BODY)
        max.body = dir->max->body;
    return max;
}

uint64_t mod_config_table_of(const struct mod_server *sc)
{
    return sc->table != 0 ? sc->table : TABLE_DEFAULT;
}

aps_nsec mod_config_refresh_of(const struct mod_server *sc)
{
    return sc->refresh != 0 ? sc->refresh : REFRESH_DEFAULT;
}

/* ---- Directives ---- */

/* A sentence for httpd: directives report by returning one. */
static const char *say(cmd_parms *cmd, enum aps_err err, const struct aps_diag *diag)
{
    return apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, aps_err_say(err, diag));
}

/* NULL, or why the directive may not stand here.  The override bits keep a section's directive
 * out of .htaccess, but AllowOverrideList lets any name in: ask again (HTTPD_NOTES 1.4). */
static const char *misplaced(cmd_parms *cmd)
{
    switch ((enum where)(intptr_t)cmd->info) {
    case GLOBAL:
        return ap_check_cmd_context(cmd, GLOBAL_ONLY);
    case SERVER:
        return ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    default:
        return ap_check_cmd_context(cmd, NOT_IN_HTACCESS | NOT_IN_LIMIT);
    }
}

static struct mod_server *server_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &apisec_module);
}

static const char *absolute(cmd_parms *cmd, const char *path, const char **out)
{
    *out = ap_server_root_relative(cmd->pool, path);
    return *out != NULL ? NULL
                        : apr_psprintf(cmd->pool, "%s: \"%s\" is not a path", cmd->cmd->name, path);
}

static const char *mod_config_store(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    const char *fault = misplaced(cmd);
    return fault != NULL ? fault : absolute(cmd, arg, &server_of(cmd)->store_dir);
}

static const char *mod_config_master(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    struct aps_diag diag = {{0}};
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    enum aps_err err = aps_master_check_source(arg, &diag);
    if (err != APS_OK)
        return say(cmd, err, &diag);
    server_of(cmd)->master = apr_pstrdup(cmd->pool, arg);
    return NULL;
}

static const char *mod_config_state(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    const char *fault = misplaced(cmd);
    return fault != NULL ? fault : absolute(cmd, arg, &server_of(cmd)->state_path);
}

static const char *mod_config_table(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    struct aps_diag diag = {{0}};
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    enum aps_err err =
        aps_num_parse(aps_str(arg), TABLE_MIN, TABLE_MAX, &server_of(cmd)->table, &diag);
    return err != APS_OK ? say(cmd, err, &diag) : NULL;
}

static const char *mod_config_refresh(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    struct aps_diag diag = {{0}};
    aps_nsec refresh;
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    enum aps_err err = aps_num_parse_duration(aps_str(arg), &refresh, &diag);
    if (err != APS_OK)
        return say(cmd, err, &diag);
    if (refresh < 10 * APS_MSEC || refresh > APS_MINUTE)
        return apr_psprintf(cmd->pool, "ApiSecRefresh \"%s\": want 10ms to 60s", arg);
    server_of(cmd)->refresh = refresh;
    return NULL;
}

/* The section's configuration, marked as one that says something. */
static struct mod_dir *touch(void *dir)
{
    struct mod_dir *d = dir;
    d->touched = true;
    d->where = d->path;
    return d;
}

static const char *mod_config_engine(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    struct mod_dir *d = touch(dir);
    if (ap_cstr_casecmp(arg, "on") == 0)
        d->engine = MOD_ENGINE_ON;
    else if (ap_cstr_casecmp(arg, "off") == 0)
        d->engine = MOD_ENGINE_OFF;
    else if (ap_cstr_casecmp(arg, "detectonly") == 0)
        d->engine = MOD_ENGINE_DETECT;
    else
        return apr_psprintf(cmd->pool, "ApiSecEngine \"%s\": want Off, DetectOnly or On", arg);
    return NULL;
}

static const char *mod_config_require(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    struct mod_require req;
    fault = mod_require_parse(cmd->pool, argc, argv, &req);
    if (fault != NULL)
        return apr_psprintf(cmd->pool, "ApiSecRequire: %s", fault);
    struct mod_dir *d = touch(dir);
    if (d->requires == NULL) {
        struct mod_requires *fresh = apr_pcalloc(cmd->pool, sizeof *fresh);
        fresh->list = apr_array_make(cmd->pool, 2, sizeof(struct mod_require));
        d->requires = fresh;
    }
    struct mod_requires *requires = d->requires;
    if (requires->is_public || (req.kind == MOD_REQUIRE_PUBLIC && requires->list->nelts > 0))
        return "ApiSecRequire: public stands alone; it cannot be combined with another "
               "requirement of the same section";
    requires->is_public = req.kind == MOD_REQUIRE_PUBLIC;
    requires->wants_access |= req.kind == MOD_REQUIRE_ACCESS;
    APR_ARRAY_PUSH(requires->list, struct mod_require) = req;
    return NULL;
}

static const char *mod_config_tls(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    struct mod_dir *d = touch(dir);
    if (ap_cstr_casecmp(arg, "on") == 0)
        d->tls = MOD_TLS_ON;
    else if (ap_cstr_casecmp(arg, "off") == 0)
        d->tls = MOD_TLS_OFF;
    else if (ap_cstr_casecmp(arg, "proxy") == 0)
        d->tls = MOD_TLS_PROXY;
    else
        return apr_psprintf(cmd->pool, "ApiSecRequireTLS \"%s\": want On, Off or proxy", arg);
    return NULL;
}

static const char *mod_config_deny(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    struct aps_diag diag = {{0}};
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    if (argc == 0)
        return "ApiSecDeny: want addresses (192.0.2.0/24, 2001:db8::/32) or file:PATH";
    struct mod_dir *d = touch(dir);
    if (d->deny == NULL) {
        struct mod_deny *deny = apr_pcalloc(cmd->pool, sizeof *deny);
        deny->set = aps_netset_new(cmd->pool);
        d->deny = deny;
    }
    for (int i = 0; i < argc; i++) {
        enum aps_err err;
        if (strncmp(argv[i], "file:", 5) == 0) {
            const char *path = NULL;
            fault = absolute(cmd, argv[i] + 5, &path);
            if (fault != NULL)
                return fault;
            err = aps_netset_load(d->deny->set, path, &diag);
        } else {
            struct aps_net net;
            err = aps_net_parse(aps_str(argv[i]), &net, &diag);
            if (err == APS_OK)
                aps_netset_add(d->deny->set, &net);
        }
        if (err != APS_OK)
            return say(cmd, err, &diag);
    }
    aps_netset_seal(d->deny->set);
    return NULL;
}

/* A field's name: RFC 9110 5.1 token, without `_`, which programs read as `-`. */
static bool is_field_name(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && n <= 64 && name[n] == '\0';
}

static const char *mod_config_keyfrom(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    if (argc == 0 || argc > MOD_SOURCES_MAX)
        return apr_psprintf(cmd->pool,
                            "ApiSecKeyFrom: want 1 to %d of header:NAME, bearer and basic",
                            MOD_SOURCES_MAX);
    struct mod_sources *sources = apr_pcalloc(cmd->pool, sizeof *sources);
    for (int i = 0; i < argc; i++) {
        struct aps_credential_source *s = &sources->v[sources->n++];
        s->field = "Authorization";
        if (strcmp(argv[i], "bearer") == 0) {
            s->kind = APS_CREDENTIAL_BEARER;
            sources->bearer = true;
        } else if (strcmp(argv[i], "basic") == 0) {
            s->kind = APS_CREDENTIAL_BASIC;
            sources->basic = true;
        } else if (strncmp(argv[i], "header:", 7) == 0 && is_field_name(argv[i] + 7) &&
                   ap_cstr_casecmp(argv[i] + 7, "Authorization") != 0 &&
                   ap_cstr_casecmp(argv[i] + 7, "Cookie") != 0) {
            s->kind = APS_CREDENTIAL_HEADER;
            s->field = apr_pstrdup(cmd->pool, argv[i] + 7);
            sources->field = s->field;
        } else {
            return apr_psprintf(cmd->pool,
                                "ApiSecKeyFrom \"%s\": want header:NAME (not Authorization nor "
                                "Cookie), bearer or basic",
                                argv[i]);
        }
        for (size_t k = 0; k + 1 < sources->n; k++)
            if (sources->v[k].kind == s->kind &&
                ap_cstr_casecmp(sources->v[k].field, s->field) == 0)
                return apr_psprintf(cmd->pool, "ApiSecKeyFrom \"%s\": named twice", argv[i]);
    }
    touch(dir)->sources = sources;
    return NULL;
}

/* Equal definitions share their cells, in every process and over every restart; a changed one
 * starts anew.  The store is told apart by the caller's bytes. */
static uint64_t limit_scope(apr_pool_t *pool, const struct mod_limit *limit)
{
    const char *text =
        apr_psprintf(pool, "%.*s %u %" APR_INT64_T_FMT " %u %d", APS_STR_ARG(limit->name),
                     limit->rate.count, (apr_int64_t)limit->rate.period, limit->burst, limit->by);
    return aps_table_scope(APS_TABLE_RATE, 0, aps_str(text));
}

/* NULL, or why a rate and a burst make no limit.  Fills in what is derived. */
static const char *limit_finish(cmd_parms *cmd, struct mod_limit *limit)
{
    struct aps_diag diag = {{0}};
    if (limit->burst == 0)
        limit->burst = limit->rate.count;
    enum aps_err err = aps_rate_init(&limit->limit, limit_scope(cmd->temp_pool, limit), limit->rate,
                                     limit->burst, &diag);
    if (err != APS_OK)
        return say(cmd, err, &diag);
    limit->policy = aps_str(apr_psprintf(cmd->pool, "\"%.*s\";q=%u;w=%" APR_INT64_T_FMT,
                                         APS_STR_ARG(limit->name), limit->rate.count,
                                         (apr_int64_t)(limit->rate.period / APS_SEC)));
    return NULL;
}

static const char *limit_option(cmd_parms *cmd, struct mod_limit *limit, const char *option)
{
    static const struct {
        const char *name;
        enum mod_by by;
    } bys[] = {{"key", MOD_BY_KEY},
               {"user", MOD_BY_USER},
               {"role", MOD_BY_ROLE},
               {"ip", MOD_BY_IP},
               {"route", MOD_BY_ROUTE}};
    struct aps_diag diag = {{0}};
    enum aps_err err = APS_OK;
    uint64_t n;
    if (strncmp(option, "rate=", 5) == 0) {
        err = aps_num_parse_rate(aps_str(option + 5), &limit->rate, &diag);
    } else if (strncmp(option, "burst=", 6) == 0) {
        if ((err = aps_num_parse(aps_str(option + 6), 1, 1000000000, &n, &diag)) == APS_OK)
            limit->burst = (uint32_t)n;
    } else if (strncmp(option, "by=", 3) == 0) {
        for (size_t i = 0; i < sizeof bys / sizeof bys[0]; i++)
            if (strcmp(option + 3, bys[i].name) == 0) {
                limit->by = bys[i].by;
                return NULL;
            }
        return apr_psprintf(cmd->pool,
                            "ApiSecLimit %.*s \"%s\": want by=key, by=user, by=role, by=ip or "
                            "by=route",
                            APS_STR_ARG(limit->name), option);
    } else {
        return apr_psprintf(cmd->pool,
                            "ApiSecLimit %.*s: \"%s\" is not known; want rate=N/UNIT, burst=N, "
                            "by=key|user|role|ip|route",
                            APS_STR_ARG(limit->name), option);
    }
    return err != APS_OK ? say(cmd, err, &diag) : NULL;
}

static const char *mod_config_limit(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    if (argc < 3 || !aps_str_is_name(aps_str(argv[0])))
        return apr_psprintf(cmd->pool,
                            "ApiSecLimit%s%s: want NAME rate=N/UNIT [burst=N] "
                            "by=key|user|role|ip|route, NAME of letters, digits, '.', '_', '-'",
                            argc > 0 ? " " : "", argc > 0 ? argv[0] : "");
    struct mod_limit *limit = apr_pcalloc(cmd->pool, sizeof *limit);
    limit->name = aps_str(apr_pstrdup(cmd->pool, argv[0]));
    for (int i = 1; i < argc; i++)
        if ((fault = limit_option(cmd, limit, argv[i])) != NULL)
            return fault;
    if (limit->rate.count == 0 || limit->by == MOD_BY_NONE)
        return apr_psprintf(cmd->pool, "ApiSecLimit %s: rate=N/UNIT and by= are both needed",
                            argv[0]);
    if ((fault = limit_finish(cmd, limit)) != NULL)
        return fault;

    struct mod_dir *d = touch(dir);
    struct mod_limits *one = apr_pcalloc(cmd->pool, sizeof *one);
    const struct mod_limit **v = apr_palloc(cmd->pool, sizeof *v);
    v[0] = limit;
    *one = (struct mod_limits){.n = 1, .v = v, .by_ip = limit->by == MOD_BY_IP};
    for (size_t i = 0; d->limits != NULL && i < d->limits->n; i++)
        if (aps_str_eq(d->limits->v[i]->name, limit->name))
            return apr_psprintf(cmd->pool, "ApiSecLimit %s: named twice in one section", argv[0]);
    d->limits = d->limits == NULL ? one : join_limits(cmd->pool, d->limits, one);
    if (d->limits->n > MOD_LIMITS_MAX)
        return apr_psprintf(cmd->pool, "ApiSecLimit: more than %d limits in one section",
                            MOD_LIMITS_MAX);
    return NULL;
}

static const char *mod_config_fail(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    struct aps_diag diag = {{0}};
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    struct mod_limit *limit = apr_pcalloc(cmd->pool, sizeof *limit);
    limit->name = APS_STR_LIT("authentication");
    limit->by = MOD_BY_IP;
    enum aps_err err = aps_num_parse_rate(aps_str(arg), &limit->rate, &diag);
    if (err != APS_OK)
        return say(cmd, err, &diag);
    if ((fault = limit_finish(cmd, limit)) != NULL)
        return fault;
    server_of(cmd)->fail = limit;
    return NULL;
}

const struct mod_limit *mod_config_fail_default(apr_pool_t *pool)
{
    struct mod_limit *limit = apr_pcalloc(pool, sizeof *limit);
    limit->name = APS_STR_LIT("authentication");
    limit->by = MOD_BY_IP;
    limit->rate = (struct aps_rate){60, APS_MINUTE};
    limit->burst = limit->rate.count;
    return aps_rate_init(&limit->limit, limit_scope(pool, limit), limit->rate, limit->burst,
                         NULL) == APS_OK
               ? limit
               : NULL;
}

static const char *mod_config_address(cmd_parms *cmd, void *dir, const char *arg)
{
    (void)dir;
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    if (ap_cstr_casecmp(arg, "full") == 0)
        server_of(cmd)->address = MOD_ADDRESS_FULL;
    else if (ap_cstr_casecmp(arg, "truncated") == 0)
        server_of(cmd)->address = MOD_ADDRESS_TRUNCATED;
    else if (ap_cstr_casecmp(arg, "pseudonym") == 0)
        server_of(cmd)->address = MOD_ADDRESS_PSEUDONYM;
    else
        return apr_psprintf(cmd->pool, "ApiSecLogAddress \"%s\": want full, truncated or pseudonym",
                            arg);
    return NULL;
}

static const char *max_option(cmd_parms *cmd, struct mod_max *max, const char *option)
{
    struct aps_diag diag = {{0}};
    enum aps_err err;
    uint64_t n = 0;
    if (strcmp(option, "body=none") == 0) {
        max->body = -1;
        return NULL;
    }
    const char *value = strchr(option, '=');
    if (value == NULL)
        value = option;
    else
        value++;
    if ((err = aps_num_parse(aps_str(value), 1, INT32_MAX, &n, &diag)) != APS_OK)
        return say(cmd, err, &diag);
    if (strncmp(option, "target=", 7) == 0)
        max->target = (uint32_t)n;
    else if (strncmp(option, "fields=", 7) == 0)
        max->fields = (uint32_t)n;
    else if (strncmp(option, "field=", 6) == 0)
        max->field = (uint32_t)n;
    else if (strncmp(option, "body=", 5) == 0)
        max->body = (int64_t)n;
    else
        return apr_psprintf(cmd->pool,
                            "ApiSecMax \"%s\": want target=, fields=, field= or body=, each with a "
                            "number",
                            option);
    return NULL;
}

static const char *mod_config_max(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    if (argc == 0)
        return "ApiSecMax: want target=, fields=, field= or body=, each with a number";
    struct mod_dir *d = touch(dir);
    struct mod_max *max = d->max != NULL ? apr_pmemdup(cmd->pool, d->max, sizeof *max)
                                         : apr_pcalloc(cmd->pool, sizeof *max);
    if (d->max == NULL)
        max->body = MAX_UNSET_BODY;
    for (int i = 0; i < argc; i++)
        if ((fault = max_option(cmd, max, argv[i])) != NULL)
            return fault;
    d->max = max;
    return NULL;
}

static const char *mod_config_export(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    static const struct {
        const char *name;
        unsigned bits;
    } fields[] = {{"none", 0},
                  {"key-id", MOD_EXPORT_KEY_ID},
                  {"user", MOD_EXPORT_USER},
                  {"roles", MOD_EXPORT_ROLES},
                  {"scopes", MOD_EXPORT_SCOPES},
                  {"kv", MOD_EXPORT_KV}};
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    unsigned exports = MOD_EXPORT_SET;
    for (int i = 0; i < argc; i++) {
        size_t k = 0;
        while (k < sizeof fields / sizeof fields[0] && strcmp(argv[i], fields[k].name) != 0)
            k++;
        if (k == sizeof fields / sizeof fields[0] || (k == 0 && argc > 1))
            return apr_psprintf(cmd->pool,
                                "ApiSecExport \"%s\": want none, or some of key-id, user, roles, "
                                "scopes and kv",
                                argv[i]);
        exports |= fields[k].bits;
    }
    if (argc == 0)
        return "ApiSecExport: want none, or some of key-id, user, roles, scopes and kv";
    touch(dir)->exports = exports;
    return NULL;
}

static const char *mod_config_pass(cmd_parms *cmd, void *dir, const char *arg)
{
    const char *fault = misplaced(cmd);
    if (fault != NULL)
        return fault;
    if (ap_cstr_casecmp(arg, "on") != 0 && ap_cstr_casecmp(arg, "off") != 0)
        return apr_psprintf(cmd->pool, "ApiSecPassCredential \"%s\": want On or Off", arg);
    touch(dir)->pass_credential = ap_cstr_casecmp(arg, "on") == 0 ? MOD_FLAG_ON : MOD_FLAG_OFF;
    return NULL;
}

/* ---- The table for httpd ---- */

#define CONTEXT_GLOBAL RSRC_CONF
#define CONTEXT_SERVER RSRC_CONF
#define CONTEXT_SECTION (RSRC_CONF | ACCESS_CONF)
#define COMMAND_ONE(name, fn, where, text)                                                         \
    AP_INIT_TAKE1(name, fn, (void *)(intptr_t)where, CONTEXT_##where, text)
#define COMMAND_LIST(name, fn, where, text)                                                        \
    AP_INIT_TAKE_ARGV(name, fn, (void *)(intptr_t)where, CONTEXT_##where, text)

const command_rec mod_config_commands[] = {
#define D(name, args, fn, where, standard, form, text) COMMAND_##args(#name, fn, where, text),
#include "directives.def"
#undef D
    {.name = NULL},
};
