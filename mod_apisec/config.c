/* What sections and servers say, what they inherit, and what holds where nobody says anything. */
#include "content.h"

#include <apr_strings.h>

#define REFRESH_DEFAULT (250 * APS_MSEC)
#define WAITERS_PERCENT_DEFAULT 10

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

/* What `inner` leaves unset is as `outer` has it. */
static struct mod_max join_max(const struct mod_max *outer, const struct mod_max *inner)
{
    return (struct mod_max){
        .target = inner->target != 0 ? inner->target : outer->target,
        .fields = inner->fields != 0 ? inner->fields : outer->fields,
        .field = inner->field != 0 ? inner->field : outer->field,
        .held = inner->held != 0 ? inner->held : outer->held,
        .body = inner->body != 0 ? inner->body : outer->body,
    };
}

/* Part by part, as they were set. */
static const struct mod_token *join_token(apr_pool_t *pool, const struct mod_token *outer,
                                          const struct mod_token *inner)
{
    struct mod_token *token = apr_pmemdup(pool, inner, sizeof *inner);
    if (token->issuers == NULL)
        token->issuers = outer->issuers;
    if (token->resource == NULL)
        token->resource = outer->resource;
    if (token->step_up == NULL)
        token->step_up = outer->step_up;
    if (token->dpop == NULL)
        token->dpop = outer->dpop;
    return token;
}

/* A signature and a certificate say who calls, and no request has two of them: the inner section's
 * one is in place of the outer one's. */
static void join_way(struct mod_dir *dir, const struct mod_dir *outer)
{
    const bool is_signed = dir->signature != NULL && !dir->signature->off;
    const bool by_certificate = dir->certificate > MOD_CERTIFICATE_OFF;
    if (dir->signature == NULL && !by_certificate)
        dir->signature = outer->signature;
    if (dir->certificate == MOD_CERTIFICATE_UNSET && !is_signed)
        dir->certificate = outer->certificate;
}

/* Runs for each section of each request: nothing is copied that can be shared. */
void *mod_config_dir_merge(apr_pool_t *pool, void *base, void *add)
{
    const struct mod_dir *b = base, *a = add;
    if (!a->touched)
        return base;
    if (!b->touched) /* all of it is unset */
        return add;
    struct mod_dir *dir = apr_pmemdup(pool, a, sizeof *a);
    if (a->engine == MOD_ENGINE_UNSET)
        dir->engine = b->engine;
    if (a->tls == MOD_TLS_UNSET)
        dir->tls = b->tls;
    if (a->pass_credential == MOD_FLAG_UNSET)
        dir->pass_credential = b->pass_credential;
    if (a->exports == 0)
        dir->exports = b->exports;
    if (a->upgrade == NULL)
        dir->upgrade = b->upgrade;
    if (a->stream == MOD_FLAG_UNSET)
        dir->stream = b->stream;
    if (a->relax == 0)
        dir->relax = b->relax;
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
        dir->limits = mod_limit_join(pool, b->limits, a->limits);
    if (a->cost == NULL)
        dir->cost = b->cost;
    if (a->token == NULL)
        dir->token = b->token;
    else if (b->token != NULL)
        dir->token = join_token(pool, b->token, a->token);
    if (a->plan == NULL)
        dir->plan = b->plan;
    if (a->fields == MOD_FIELDS_UNSET)
        dir->fields = b->fields;
    join_way(dir, b);
    if (a->upstream == NULL)
        dir->upstream = b->upstream;
    if (a->api == NULL)
        dir->api = b->api;
    if (a->responses == NULL)
        dir->responses = b->responses;
    if (a->content == NULL)
        dir->content = b->content;
    else if (b->content != NULL)
        dir->content = mod_content_join(pool, b->content, a->content);
    if (a->cors == NULL)
        dir->cors = b->cors;
    if (a->max == NULL) {
        dir->max = b->max;
    } else if (b->max != NULL) {
        struct mod_max *max = apr_palloc(pool, sizeof *max);
        *max = join_max(b->max, a->max);
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
    /* A store, its master key and the passphrase of that belong together: a virtual host with a
     * store of its own never tries the main server's key on it. */
    if (a->store_dir == NULL) {
        sc->store_dir = b->store_dir;
        if (a->master == NULL) {
            sc->master = b->master;
            if (a->passphrase == NULL)
                sc->passphrase = b->passphrase;
        }
    }
    if (a->fail == NULL)
        sc->fail = b->fail;
    if (a->origin == NULL)
        sc->origin = b->origin;
    if (a->floor == MOD_FLOOR_UNSET)
        sc->floor = b->floor;
    if (a->hosts == NULL)
        sc->hosts = b->hosts;
    if (a->hsts == NULL)
        sc->hsts = b->hsts;
    if (a->resources == NULL)
        sc->resources = b->resources;
    else if (b->resources != NULL)
        sc->resources = apr_array_append(pool, a->resources, b->resources);
    if (a->address == MOD_ADDRESS_UNSET)
        sc->address = b->address;
    sc->state_path = b->state_path;
    sc->cache = b->cache;
    sc->table = b->table;
    sc->has_uses = b->has_uses;
    sc->uses = b->uses;
    sc->refresh = b->refresh;
    sc->has_waiters = b->has_waiters;
    sc->waiters = b->waiters;
    sc->waiters_percent = b->waiters_percent;
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

/* RFC 9110 5.1 token, of which the signs are left out. */
bool mod_config_is_field(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && n <= 64 && name[n] == '\0';
}

struct mod_max mod_config_max_of(const struct mod_dir *dir)
{
    static const struct mod_max standard = {
        .target = 8190, .fields = 100, .field = 8190, .held = 1 << 20, .body = MOD_MAX_NO_BODY};
    return dir->max != NULL ? join_max(&standard, dir->max) : standard;
}

uint64_t mod_config_table_of(const struct mod_server *sc)
{
    return sc->table != 0 ? sc->table : APS_STATE_ENTRIES_DEFAULT;
}

uint64_t mod_config_uses_of(const struct mod_server *sc)
{
    return sc->has_uses ? sc->uses : APS_STATE_USES_DEFAULT;
}

aps_nsec mod_config_refresh_of(const struct mod_server *sc)
{
    return sc->refresh != 0 ? sc->refresh : REFRESH_DEFAULT;
}

/* A share is one at least; and one worker at least is left to others. */
uint32_t mod_config_waiters_of(const struct mod_server *sc, uint32_t workers)
{
    uint32_t percent = sc->has_waiters ? sc->waiters_percent : WAITERS_PERCENT_DEFAULT;
    uint64_t n = sc->waiters;
    if (percent != 0)
        n = (uint64_t)workers * percent / 100 > 0 ? (uint64_t)workers * percent / 100 : 1;
    if (n >= workers)
        n = workers > 0 ? workers - 1 : 0;
    return n < APS_SLOTS_MAX ? (uint32_t)n : APS_SLOTS_MAX;
}

const char *mod_config_origin(const request_rec *r)
{
    const server_rec *s = r->server;
    const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
    if (sc->origin != NULL)
        return sc->origin;
    return s->port != 0 && s->port != 443
               ? apr_psprintf(r->pool, "https://%s:%u", s->server_hostname, s->port)
               : apr_pstrcat(r->pool, "https://", s->server_hostname, NULL);
}
