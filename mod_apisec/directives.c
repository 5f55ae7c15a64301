/* The directives of directives.def: where each may stand, and its words -> configuration. */
#include "content.h"

#include <apr_strings.h>

#include "apisec/master.h"
#include "apisec/source.h"
#include "apisec/origin.h"
#include "apisec/resource.h"
#include "api.h"
#include "responses.h"
#include "hsts.h"

enum where { GLOBAL, SERVER, SECTION };

/* A row of the table: one of the two functions, which gives NULL or why the words are refused.
 * `dir` is the section's configuration, marked as one that says something. */
struct directive {
    enum where where;
    const char *(*one)(cmd_parms *cmd, struct mod_dir *dir, const char *arg);
    const char *(*list)(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[]);
};

/* A sentence for httpd: directives report by returning one. */
static const char *say(cmd_parms *cmd, const char *fault)
{
    return fault != NULL ? apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", fault, NULL) : NULL;
}

static const char *say_err(cmd_parms *cmd, enum aps_err err, const struct aps_diag *diag)
{
    return err != APS_OK ? say(cmd, aps_err_say(err, diag)) : NULL;
}

static const char *refuse(cmd_parms *cmd, const char *arg, const char *want)
{
    return apr_psprintf(cmd->pool, "%s \"%s\": want %s", cmd->cmd->name, arg, want);
}

/* One of a few words, in any case. */
struct word {
    const char *text;
    int value;
};

#define CHOOSE(cmd, arg, words, out)                                                               \
    choose(cmd, arg, words, sizeof(words) / sizeof((words)[0]), out)

static const char *choose(cmd_parms *cmd, const char *arg, const struct word *words, size_t n,
                          int *out)
{
    const char *all = "";
    for (size_t i = 0; i < n; i++) {
        if (ap_cstr_casecmp(arg, words[i].text) == 0) {
            *out = words[i].value;
            return NULL;
        }
        all = apr_pstrcat(cmd->pool, all,
                          i == 0      ? ""
                          : i + 1 < n ? ", "
                                      : " or ",
                          words[i].text, NULL);
    }
    return refuse(cmd, arg, all);
}

static struct mod_server *server_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &apisec_module);
}

static const char *absolute(cmd_parms *cmd, const char *path, const char **out)
{
    *out = ap_server_root_relative(cmd->pool, path);
    return *out != NULL ? NULL : refuse(cmd, path, "a path");
}

/* ---- Servers ---- */

static const char *set_store(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    (void)dir;
    return absolute(cmd, arg, &server_of(cmd)->store_dir);
}

static const char *set_master(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    struct aps_diag diag = {{0}};
    (void)dir;
    server_of(cmd)->master = apr_pstrdup(cmd->pool, arg);
    /* Before a log's program is started, which would inherit it. */
    (void)aps_source_keep_private(arg); /* most sources are no descriptor */
    return say_err(cmd, aps_master_check_source(arg, &diag), &diag);
}

static const char *set_passphrase(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    struct aps_diag diag = {{0}};
    (void)dir;
    server_of(cmd)->passphrase = apr_pstrdup(cmd->pool, arg);
    (void)aps_source_keep_private(arg); /* as above */
    return say_err(cmd, aps_source_check(arg, "passphrase", &diag), &diag);
}

static const char *set_state(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    (void)dir;
    return absolute(cmd, arg, &server_of(cmd)->state_path);
}

static const char *set_cache(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    (void)dir;
    return absolute(cmd, arg, &server_of(cmd)->cache);
}

static const char *set_table(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    struct aps_diag diag = {{0}};
    (void)dir;
    enum aps_err err = aps_num_parse(aps_str(arg), APS_STATE_ENTRIES_MIN, APS_STATE_ENTRIES_MAX,
                                     &server_of(cmd)->table, &diag);
    return say_err(cmd, err, &diag);
}

static const char *set_uses(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    struct mod_server *sc = server_of(cmd);
    (void)dir;
    sc->has_uses = true;
    if (strcmp(arg, "0") == 0) {
        sc->uses = 0;
        return NULL;
    }
    if (aps_num_parse(aps_str(arg), APS_STATE_USES_MIN, APS_STATE_USES_MAX, &sc->uses, NULL) !=
        APS_OK)
        return refuse(cmd, arg, "0 for none, or 1024 to 16777216");
    return NULL;
}

static const char *set_refresh(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    struct aps_diag diag = {{0}};
    aps_nsec refresh = 0;
    (void)dir;
    enum aps_err err = aps_num_parse_duration(aps_str(arg), &refresh, &diag);
    if (err != APS_OK && err != APS_ERR_RANGE)
        return say_err(cmd, err, &diag);
    if (err != APS_OK || refresh < 10 * APS_MSEC || refresh > APS_MINUTE)
        return refuse(cmd, arg, "10ms to 60s");
    server_of(cmd)->refresh = refresh;
    return NULL;
}

#define WAITERS_WANTED "a number up to 65535, or 1% to 50% of the workers"

static const char *set_waiters(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    struct mod_server *sc = server_of(cmd);
    struct aps_str text = aps_str(arg);
    uint64_t n = 0;
    (void)dir;
    bool share = text.n != 0 && arg[text.n - 1] == '%';
    if (share)
        text.n--;
    if (aps_num_parse(text, share ? 1 : 0, share ? 50 : APS_SLOTS_MAX, &n, NULL) != APS_OK)
        return refuse(cmd, arg, WAITERS_WANTED);
    sc->has_waiters = true;
    sc->waiters = share ? 0 : (uint32_t)n;
    sc->waiters_percent = share ? (uint32_t)n : 0;
    return NULL;
}

static const char *set_hsts(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    (void)dir;
    return say(cmd, mod_hsts_parse(cmd, argc, argv, &server_of(cmd)->hsts));
}

static const char *set_floor(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    static const struct word words[] = {
        {"Off", MOD_FLOOR_OFF}, {"warn", MOD_FLOOR_WARN}, {"strict", MOD_FLOOR_STRICT}};
    int floor = MOD_FLOOR_UNSET;
    (void)dir;
    const char *fault = CHOOSE(cmd, arg, words, &floor);
    server_of(cmd)->floor = (enum mod_floor)floor;
    return fault;
}

static const char *set_fail(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    (void)dir;
    return say(cmd, mod_limit_parse_fail(cmd->pool, arg, &server_of(cmd)->fail));
}

static const char *set_address(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    static const struct word words[] = {{"full", MOD_ADDRESS_FULL},
                                        {"truncated", MOD_ADDRESS_TRUNCATED},
                                        {"pseudonym", MOD_ADDRESS_PSEUDONYM}};
    int address = MOD_ADDRESS_UNSET;
    (void)dir;
    const char *fault = CHOOSE(cmd, arg, words, &address);
    server_of(cmd)->address = (enum mod_address)address;
    return fault;
}

/* ---- Sections ---- */

static const char *set_engine(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    static const struct word words[] = {
        {"Off", MOD_ENGINE_OFF}, {"DetectOnly", MOD_ENGINE_DETECT}, {"On", MOD_ENGINE_ON}};
    int engine = MOD_ENGINE_UNSET;
    const char *fault = CHOOSE(cmd, arg, words, &engine);
    dir->engine = (enum mod_engine)engine;
    if (dir->engine > MOD_ENGINE_OFF)
        mod_module_hook(cmd->pool);
    return fault;
}

static const char *set_tls(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    static const struct word words[] = {
        {"On", MOD_TLS_ON}, {"Off", MOD_TLS_OFF}, {"proxy", MOD_TLS_PROXY}};
    int tls = MOD_TLS_UNSET;
    const char *fault = CHOOSE(cmd, arg, words, &tls);
    dir->tls = (enum mod_tls)tls;
    return fault;
}

static const char *set_pass(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    static const struct word words[] = {{"On", MOD_FLAG_ON}, {"Off", MOD_FLAG_OFF}};
    int pass = MOD_FLAG_UNSET;
    const char *fault = CHOOSE(cmd, arg, words, &pass);
    dir->pass_credential = (enum mod_flag)pass;
    return fault;
}

#define ONE_WAY_IN                                                                                 \
    "a delivery is what ApiSecWebhook requires, and a section requires that or what "              \
    "ApiSecRequire "                                                                               \
    "says"

static const char *set_webhook(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    const struct mod_webhook *webhook = NULL;
    const char *fault = mod_webhook_parse(cmd, argc, argv, &webhook);
    if (fault != NULL)
        return say(cmd, fault);
    if (dir->requires != NULL)
        return say(cmd, dir->requires->webhook != NULL ? "was given before in this section"
                                                       : ONE_WAY_IN);
    dir->requires = apr_pcalloc(cmd->pool, sizeof *dir->requires);
    dir->requires->list = apr_array_make(cmd->pool, 0, sizeof(struct mod_require));
    dir->requires->webhook = webhook;
    return NULL;
}

static const char *add_require(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    struct mod_require req;
    const char *fault = mod_require_parse(cmd->pool, argc, argv, &req);
    if (fault != NULL)
        return say(cmd, fault);
    if (dir->requires == NULL) {
        dir->requires = apr_pcalloc(cmd->pool, sizeof *dir->requires);
        dir->requires->list = apr_array_make(cmd->pool, 2, sizeof(struct mod_require));
    }
    struct mod_requires *requires = dir->requires;
    if (requires->webhook != NULL)
        return say(cmd, ONE_WAY_IN);
    if (requires->is_public || (req.kind == MOD_REQUIRE_PUBLIC && requires->list->nelts > 0))
        return say(cmd, "public stands alone; it cannot be combined with another requirement of "
                        "the same section");
    requires->is_public = req.kind == MOD_REQUIRE_PUBLIC;
    requires->wants_access |= req.kind == MOD_REQUIRE_ACCESS;
    APR_ARRAY_PUSH(requires->list, struct mod_require) = req;
    return NULL;
}

/* An address range, or `file:` and the path of a list of them. */
static const char *deny_one(cmd_parms *cmd, struct aps_netset *set, const char *arg)
{
    struct aps_diag diag = {{0}};
    struct aps_net net;
    const char *path = NULL, *fault;
    enum aps_err err;
    if (strncmp(arg, "file:", 5) == 0) {
        fault = absolute(cmd, arg + 5, &path);
        return fault != NULL ? fault : say_err(cmd, aps_netset_load(set, path, &diag), &diag);
    }
    if ((err = aps_net_parse(aps_str(arg), &net, &diag)) != APS_OK)
        return say_err(cmd, err, &diag);
    aps_netset_add(set, &net);
    return NULL;
}

static const char *set_path(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    const char *fault = ap_check_cmd_context(cmd, NOT_IN_DIRECTORY | NOT_IN_FILES);
    return fault != NULL ? fault : say(cmd, mod_path_parse(cmd, argc, argv, &dir->relax));
}

static const char *set_hosts(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    (void)dir;
    return say(cmd, mod_wire_parse(cmd, argc, argv, &server_of(cmd)->hosts));
}

static const char *set_upgrade(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    return say(cmd, mod_upgrade_parse(cmd, argc, argv, &dir->upgrade));
}

static const char *set_stream(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    static const struct word words[] = {{"On", MOD_FLAG_ON}, {"Off", MOD_FLAG_OFF}};
    int value = MOD_FLAG_UNSET;
    const char *fault = CHOOSE(cmd, arg, words, &value);
    dir->stream = (enum mod_flag)value;
    return fault;
}

static const char *add_deny(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    const char *fault = NULL;
    if (argc == 0)
        return say(cmd, "want addresses (192.0.2.0/24, 2001:db8::/32) or file:PATH");
    struct mod_deny *deny = apr_pcalloc(cmd->pool, sizeof *deny);
    deny->set = aps_netset_new(cmd->pool);
    deny->outer = dir->deny; /* an earlier line of the same section */
    dir->deny = deny;
    for (int i = 0; i < argc && fault == NULL; i++)
        fault = deny_one(cmd, deny->set, argv[i]);
    aps_netset_seal(deny->set);
    return fault;
}

static bool read_source(apr_pool_t *pool, const char *arg, struct aps_credential_source *out)
{
    out->field = "Authorization";
    if (strcmp(arg, "bearer") == 0) {
        out->kind = APS_CREDENTIAL_BEARER;
        return true;
    }
    if (strcmp(arg, "basic") == 0) {
        out->kind = APS_CREDENTIAL_BASIC;
        return true;
    }
    if (strncmp(arg, "header:", 7) != 0 || !mod_config_is_field(arg + 7) ||
        ap_cstr_casecmp(arg + 7, "Authorization") == 0 || ap_cstr_casecmp(arg + 7, "Cookie") == 0)
        return false;
    out->kind = APS_CREDENTIAL_HEADER;
    out->field = apr_pstrdup(pool, arg + 7);
    return true;
}

static bool is_same_source(const struct aps_credential_source *a,
                           const struct aps_credential_source *b)
{
    return a->kind == b->kind && ap_cstr_casecmp(a->field, b->field) == 0;
}

static const char *set_keyfrom(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    if (argc == 0 || argc > MOD_SOURCES_MAX)
        return apr_psprintf(cmd->pool, "%s: want 1 to %d of header:NAME, bearer and basic",
                            cmd->cmd->name, MOD_SOURCES_MAX);
    struct mod_sources *sources = apr_pcalloc(cmd->pool, sizeof *sources);
    for (int i = 0; i < argc; i++) {
        struct aps_credential_source *s = &sources->v[sources->n++];
        if (!read_source(cmd->pool, argv[i], s))
            return refuse(cmd, argv[i],
                          "header:NAME (not Authorization nor Cookie), bearer or basic");
        for (size_t k = 0; k + 1 < sources->n; k++)
            if (is_same_source(&sources->v[k], s))
                return apr_psprintf(cmd->pool, "%s \"%s\": named twice", cmd->cmd->name, argv[i]);
        sources->bearer |= s->kind == APS_CREDENTIAL_BEARER;
        sources->basic |= s->kind == APS_CREDENTIAL_BASIC;
        if (s->kind == APS_CREDENTIAL_HEADER)
            sources->field = s->field;
    }
    dir->sources = sources;
    return NULL;
}

/* Of a section; the directives that say something of tokens fill in parts of it. */
static struct mod_token *token_of(cmd_parms *cmd, struct mod_dir *dir)
{
    struct mod_token *token = apr_pcalloc(cmd->pool, sizeof *token);
    if (dir->token != NULL)
        *token = *dir->token;
    dir->token = token;
    return token;
}

static const char *set_issuers(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    struct mod_issuers *issuers = apr_pcalloc(cmd->pool, sizeof *issuers);
    struct aps_str *v = apr_pcalloc(cmd->pool, (size_t)(argc + 1) * sizeof *v);
    const bool none = argc == 1 && ap_cstr_casecmp(argv[0], "none") == 0;
    if (argc == 0 || argc > APS_ISSUER_MAX)
        return apr_psprintf(cmd->pool, "%s: want 1 to %d names of issuers, or none", cmd->cmd->name,
                            APS_ISSUER_MAX);
    for (int i = 0; i < argc && !none; i++) {
        v[i] = aps_str(apr_pstrdup(cmd->pool, argv[i]));
        if (!aps_str_is_name(v[i]) || ap_cstr_casecmp(argv[i], "none") == 0)
            return refuse(cmd, argv[i], "names of issuers of the store, or none alone");
        issuers->n++;
    }
    issuers->v = v;
    token_of(cmd, dir)->issuers = issuers;
    return NULL;
}

static const char *set_resource(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    struct mod_resource *resource = apr_pcalloc(cmd->pool, sizeof *resource);
    struct aps_str *scopes = apr_pcalloc(cmd->pool, (size_t)(argc + 1) * sizeof *scopes);
    struct mod_server *sc = server_of(cmd);
    struct aps_diag diag = {{0}};
    if (argc == 0)
        return apr_psprintf(cmd->pool, "%s: want an https URL", cmd->cmd->name);
    resource->id = aps_str(apr_pstrdup(cmd->pool, argv[0]));
    enum aps_err err = aps_resource_check(resource->id, &diag);
    if (err != APS_OK)
        return say_err(cmd, err, &diag);
    for (int i = 1; i < argc; i++) {
        scopes[resource->nscopes++] = aps_str(apr_pstrdup(cmd->pool, argv[i]));
        if (!aps_key_is_scope(aps_str(argv[i])))
            return refuse(cmd, argv[i], "a scope of at most 64 printable ASCII characters");
    }
    resource->scopes = scopes;
    resource->metadata = aps_resource_url(cmd->pool, resource->id, &resource->path);
    resource->dir = dir;
    if (sc->resources == NULL)
        sc->resources = apr_array_make(cmd->pool, 2, sizeof resource);
    APR_ARRAY_PUSH(sc->resources, const struct mod_resource *) = resource;
    token_of(cmd, dir)->resource = resource;
    mod_resource_hook(cmd->pool);
    return NULL;
}

/* Words with commas between; NULL: one of them is empty. */
static struct aps_str *split(apr_pool_t *pool, const char *text, size_t *out_n)
{
    struct aps_str rest = aps_str(apr_pstrdup(pool, text)), word = {NULL, 0};
    struct aps_str *list = apr_pcalloc(pool, (rest.n + 1) * sizeof *list);
    for (*out_n = 0; aps_str_next(&rest, ',', &word); list[(*out_n)++] = word)
        if (word.n == 0)
            return NULL;
    return *out_n != 0 ? list : NULL;
}

static const char *read_step_up(cmd_parms *cmd, const char *option, struct mod_step_up *out)
{
    struct aps_diag diag = {{0}};
    if (strncmp(option, "acr=", 4) == 0) {
        out->login.acr = split(cmd->pool, option + 4, &out->login.nacr);
        char *values = apr_pstrdup(cmd->pool, option + 4);
        for (char *p = values; *p != '\0'; p++)
            *p = (char)(*p == ',' ? ' ' : *p);
        out->acr_values = aps_str(values);
        return out->login.acr != NULL ? NULL : refuse(cmd, option, "acr=VALUE,...");
    }
    if (strncmp(option, "amr=", 4) == 0) {
        out->login.amr = split(cmd->pool, option + 4, &out->login.namr);
        return out->login.amr != NULL ? NULL : refuse(cmd, option, "amr=METHOD,...");
    }
    if (strncmp(option, "max-age=", 8) != 0)
        return refuse(cmd, option, "acr=VALUE,..., amr=METHOD,... and max-age=DURATION, or none");
    enum aps_err err = aps_num_parse_duration(aps_str(option + 8), &out->login.max_age, &diag);
    if (err == APS_OK && out->login.max_age < APS_SEC)
        return refuse(cmd, option, "one second at least");
    return say_err(cmd, err, &diag);
}

static const char *set_step_up(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    struct mod_step_up *step_up = apr_pcalloc(cmd->pool, sizeof *step_up);
    const bool none = argc == 1 && ap_cstr_casecmp(argv[0], "none") == 0;
    if (argc == 0)
        return apr_psprintf(cmd->pool, "%s: want acr=, amr= or max-age=, or none", cmd->cmd->name);
    for (int i = 0; i < argc && !none; i++) {
        const char *fault = read_step_up(cmd, argv[i], step_up);
        if (fault != NULL)
            return fault;
    }
    token_of(cmd, dir)->step_up = step_up;
    return NULL;
}

static const char *set_dpop(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    static const struct word words[] = {{"Off", 0}, {"On", 1}, {"Required", 2}};
    struct mod_dpop *dpop = apr_pcalloc(cmd->pool, sizeof *dpop);
    int mode = 0;
    if (argc == 0 || argc > 2)
        return apr_psprintf(cmd->pool, "%s: want Off, On or Required, and nonce behind it",
                            cmd->cmd->name);
    const char *fault = CHOOSE(cmd, argv[0], words, &mode);
    if (fault != NULL)
        return fault;
    if (argc == 2 && (mode == 0 || ap_cstr_casecmp(argv[1], "nonce") != 0))
        return refuse(cmd, argv[1], "nonce, behind On or Required");
    *dpop = (struct mod_dpop){mode != 0, mode == 2, argc == 2};
    token_of(cmd, dir)->dpop = dpop;
    return NULL;
}

static const char *add_limit(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    const struct aps_limit *limit = NULL;
    const char *fault = mod_limit_parse(cmd, argc, argv, &limit);
    if (fault != NULL)
        return say(cmd, fault);
    for (size_t i = 0; dir->limits != NULL && i < dir->limits->n; i++)
        if (aps_str_eq(dir->limits->v[i]->name, limit->name))
            return apr_psprintf(cmd->pool, "%s %s: named twice in one section", cmd->cmd->name,
                                limit->name.p);
    const struct mod_limits *one = mod_limit_list(cmd->pool, limit);
    dir->limits = dir->limits == NULL ? one : mod_limit_join(cmd->pool, dir->limits, one);
    if (dir->limits->n > MOD_LIMITS_MAX)
        return apr_psprintf(cmd->pool, "%s: more than %d limits in one section", cmd->cmd->name,
                            MOD_LIMITS_MAX);
    return NULL;
}

static const char *set_plan(cmd_parms *cmd, struct mod_dir *dir, const char *name)
{
    if (!aps_str_is_name(aps_str(name)))
        return apr_psprintf(
            cmd->pool,
            "ApiSecPlan \"%s\": want the name of a plan (1 to 64 letters, digits or . _ -, "
            "beginning with a letter or digit), or none",
            name);
    dir->plan = name;
    if (strcmp(name, MOD_PLAN_NONE) != 0)
        mod_check_note_plan(cmd, name);
    return NULL;
}

static const char *set_cost(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    if (dir->cost != NULL)
        return say(cmd, "was given before in this section; all costs go into one line");
    const char *fault = mod_limit_parse_cost(cmd, argc, argv, &dir->cost);
    if (fault == NULL)
        mod_cost_note(cmd, dir->cost);
    return say(cmd, fault);
}

static const char *set_origin(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    struct aps_diag diag = {{0}};
    (void)dir;
    if (strncmp(arg, "https://", 8) != 0)
        return refuse(cmd, arg, "https://HOST or https://HOST:PORT");
    server_of(cmd)->origin = apr_pstrdup(cmd->pool, arg);
    return say_err(cmd, aps_origin_check(aps_str(arg), &diag), &diag);
}

/* Each says who calls, in place of a key. */
static const char *two_ways(const struct mod_dir *dir)
{
    return dir->certificate > MOD_CERTIFICATE_OFF && dir->signature != NULL && !dir->signature->off
               ? "ApiSecSignature and ApiSecCertificate both say who calls; a section asks for one "
                 "of them"
               : NULL;
}

static const char *set_signature(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    const char *fault = mod_signature_parse(cmd, argc, argv, &dir->signature);
    return say(cmd, fault != NULL ? fault : two_ways(dir));
}

static const char *set_certificate(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    static const struct word words[] = {{"Off", MOD_CERTIFICATE_OFF},
                                        {"pinned", MOD_CERTIFICATE_PINNED},
                                        {"pki", MOD_CERTIFICATE_PKI}};
    int mode = MOD_CERTIFICATE_UNSET;
    const char *fault = CHOOSE(cmd, arg, words, &mode);
    dir->certificate = (enum mod_certificate)mode;
    return fault != NULL ? fault : say(cmd, two_ways(dir));
}

static const char *set_cors(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    if (dir->cors != NULL)
        return say(cmd, "was given before in this section; all origins go into one line");
    return say(cmd, mod_cors_parse(cmd, argc, argv, &dir->cors));
}

/* Of a section; the directives that say something of content fill in parts of it. */
static struct mod_content *content_of(cmd_parms *cmd, struct mod_dir *dir)
{
    struct mod_content *content = apr_pcalloc(cmd->pool, sizeof *content);
    if (dir->content != NULL)
        *content = *dir->content;
    dir->content = content;
    return content;
}

static const char *set_methods(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    return say(cmd, mod_content_words_methods(cmd, argc, argv, &content_of(cmd, dir)->methods));
}

static const char *set_types(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    return say(cmd, mod_content_words_types(cmd, argc, argv, &content_of(cmd, dir)->types));
}

static const char *set_body(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    struct mod_content *content = content_of(cmd, dir);
    const char *fault = mod_content_words_read(cmd, argc, argv, &content->read);
    return say(cmd, fault != NULL ? fault : mod_content_words_check(content));
}

static const char *set_schema(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    struct mod_content *content = content_of(cmd, dir);
    const char *fault = mod_content_words_schema(cmd, argc, argv, content);
    if (fault == NULL)
        mod_check_names_note(cmd, *argv[0] == 'x' ? MOD_CHECK_NAMES_XML : MOD_CHECK_NAMES_JSON,
                             content->schema);
    return say(cmd, fault != NULL ? fault : mod_content_words_check(content));
}

static const char *add_sanitize(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    return say(cmd, mod_sanitize_words(cmd, argc, argv, &content_of(cmd, dir)->sanitize));
}

static const char *add_url(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    return say(cmd, mod_urls_words(cmd, argc, argv, &content_of(cmd, dir)->urls));
}

static const char *set_decode(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    return say(cmd, mod_content_words_decode(cmd, argc, argv, &content_of(cmd, dir)->decode));
}

static const char *set_errors(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    static const struct word words[] = {{"detail", MOD_ERRORS_DETAIL},
                                        {"status", MOD_ERRORS_STATUS}};
    int errors = MOD_ERRORS_UNSET;
    const char *fault = CHOOSE(cmd, arg, words, &errors);
    content_of(cmd, dir)->errors = (enum mod_errors)errors;
    return fault;
}

static const char *set_fields(cmd_parms *cmd, struct mod_dir *dir, const char *arg)
{
    static const struct word words[] = {{"draft", MOD_FIELDS_DRAFT},
                                        {"legacy", MOD_FIELDS_LEGACY},
                                        {"both", MOD_FIELDS_DRAFT | MOD_FIELDS_LEGACY},
                                        {"none", MOD_FIELDS_NONE}};
    int fields = MOD_FIELDS_UNSET;
    const char *fault = CHOOSE(cmd, arg, words, &fields);
    dir->fields = (unsigned)fields;
    return fault;
}

static const char *set_api(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    const char *fault = mod_api_words(cmd, argc, argv, &dir->api);
    if (fault == NULL && !dir->api->none)
        mod_check_names_note(cmd, MOD_CHECK_NAMES_API, dir->api->name.p);
    return say(cmd, fault);
}

static const char *set_responses(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    return say(cmd, mod_responses_parse(cmd, argc, argv, &dir->responses));
}

static const char *add_upstream(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    return say(cmd, mod_upstream_parse(cmd, argc, argv, dir->upstream, &dir->upstream));
}

#define MAX_WANTED "target=, fields=, field=, body= or held=, each with a number"

static const char *read_max(cmd_parms *cmd, struct mod_max *max, const char *option)
{
    const struct {
        const char *name;
        uint32_t *value;
    } options[] = {{"target=", &max->target},
                   {"fields=", &max->fields},
                   {"field=", &max->field},
                   {"held=", &max->held}};
    struct aps_diag diag = {{0}};
    size_t name = strcspn(option, "=") + 1;
    enum aps_err err;
    uint64_t n = 0;
    if (strcmp(option, "body=none") == 0) {
        max->body = MOD_MAX_NO_BODY;
        return NULL;
    }
    if (option[name - 1] == '\0')
        return refuse(cmd, option, MAX_WANTED);
    if ((err = aps_num_parse(aps_str(option + name), 1, INT32_MAX, &n, &diag)) != APS_OK)
        return say_err(cmd, err, &diag);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strncmp(option, options[i].name, name) == 0) {
            *options[i].value = (uint32_t)n;
            return NULL;
        }
    if (strncmp(option, "body=", name) != 0)
        return refuse(cmd, option, MAX_WANTED);
    max->body = (int64_t)n;
    return NULL;
}

static const char *set_max(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
{
    const char *fault = NULL;
    if (argc == 0)
        return say(cmd, "want " MAX_WANTED);
    struct mod_max *max = apr_pcalloc(cmd->pool, sizeof *max);
    if (dir->max != NULL)
        *max = *dir->max;
    for (int i = 0; i < argc && fault == NULL; i++)
        fault = read_max(cmd, max, argv[i]);
    dir->max = max;
    return fault;
}

#define EXPORT_WANTED "none, or some of key-id, user, roles, scopes and kv"

static const char *set_export(cmd_parms *cmd, struct mod_dir *dir, int argc, char *const argv[])
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
    unsigned exports = MOD_EXPORT_SET;
    if (argc == 0)
        return say(cmd, "want " EXPORT_WANTED);
    for (int i = 0; i < argc; i++) {
        size_t k = 0;
        while (k < sizeof fields / sizeof fields[0] && strcmp(argv[i], fields[k].name) != 0)
            k++;
        if (k == sizeof fields / sizeof fields[0] || (k == 0 && argc > 1))
            return refuse(cmd, argv[i], EXPORT_WANTED);
        exports |= fields[k].bits;
    }
    dir->exports = exports;
    return NULL;
}

/* ---- The table for httpd ---- */

enum {
#define D(name, args, fn, where, standard, form, text) ROW_##name,
#include "directives.def"
#undef D
};

#define FUNCTION_ONE(fn) .one = fn
#define FUNCTION_LIST(fn) .list = fn

static const struct directive rows[] = {
#define D(name, args, fn, where, standard, form, text) [ROW_##name] = {where, FUNCTION_##args(fn)},
#include "directives.def"
#undef D
};

/* NULL, or why the directive may not stand here.  The override bits keep a section's directive
 * out of .htaccess, but AllowOverrideList lets any name in: ask again. */
static const char *misplaced(cmd_parms *cmd, enum where where)
{
    switch (where) {
    case GLOBAL:
        return ap_check_cmd_context(cmd, GLOBAL_ONLY);
    case SERVER:
        return ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    case SECTION:
        break;
    }
    return ap_check_cmd_context(cmd, NOT_IN_HTACCESS | NOT_IN_LIMIT);
}

/* What every directive does first. */
static const char *begin(cmd_parms *cmd, struct mod_dir *dir)
{
    const struct directive *row = cmd->info;
    const char *fault = misplaced(cmd, row->where);
    if (fault == NULL && row->where == SECTION) {
        dir->touched = true;
        dir->where = dir->path;
    }
    return fault;
}

static const char *run_one(cmd_parms *cmd, void *dir, const char *arg)
{
    const struct directive *row = cmd->info;
    const char *fault = begin(cmd, dir);
    return fault != NULL ? fault : row->one(cmd, dir, arg);
}

static const char *run_list(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const struct directive *row = cmd->info;
    const char *fault = begin(cmd, dir);
    return fault != NULL ? fault : row->list(cmd, dir, argc, argv);
}

#define CONTEXT_GLOBAL RSRC_CONF
#define CONTEXT_SERVER RSRC_CONF
#define CONTEXT_SECTION (RSRC_CONF | ACCESS_CONF)
#define COMMAND_ONE(name, where, text)                                                             \
    AP_INIT_TAKE1(#name, run_one, (void *)(uintptr_t)&rows[ROW_##name], CONTEXT_##where, text)
#define COMMAND_LIST(name, where, text)                                                            \
    AP_INIT_TAKE_ARGV(#name, run_list, (void *)(uintptr_t)&rows[ROW_##name], CONTEXT_##where, text)

const command_rec mod_directives_commands[] = {
#define D(name, args, fn, where, standard, form, text) COMMAND_##args(name, where, text),
#include "directives.def"
#undef D
    {.name = NULL},
};
