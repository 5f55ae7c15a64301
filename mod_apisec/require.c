/* The words of ApiSecRequire, and the same words as providers of `Require`. */
#include "mod.h"

#include <apr_strings.h>

#include "ap_provider.h"

static const struct {
    const char *word;
    enum mod_require_kind kind;
    bool wants_args;
} words[] = {
    {"public", MOD_REQUIRE_PUBLIC, false},
    {"api-key", MOD_REQUIRE_KEY, false},
    {"api-user", MOD_REQUIRE_USER, false},
    {"api-access", MOD_REQUIRE_ACCESS, false},
    {"api-role", MOD_REQUIRE_ROLE, true},
    {"api-scope", MOD_REQUIRE_SCOPE, true},
    {"api-permission", MOD_REQUIRE_PERMISSION, true},
};

/* A permission that can be asked for names one thing and one act: no star. */
static bool is_permission(struct aps_str text)
{
    struct aps_str resource;
    return aps_str_next(&text, ':', &resource) && aps_str_is_name(resource) &&
           aps_str_is_name(text);
}

static bool fits(enum mod_require_kind kind, struct aps_str arg)
{
    if (kind == MOD_REQUIRE_ROLE)
        return aps_str_is_name(arg);
    return kind == MOD_REQUIRE_SCOPE ? aps_key_is_scope(arg) : is_permission(arg);
}

const char *mod_require_parse(apr_pool_t *pool, int argc, char *const argv[],
                              struct mod_require *out)
{
    size_t w = 0, nwords = sizeof words / sizeof words[0];
    while (w < nwords && argc > 0 && strcmp(argv[0], words[w].word) != 0)
        w++;
    if (argc == 0 || w == nwords)
        return apr_psprintf(
            pool,
            "\"%s\" is not known; want public, api-key, api-user, api-access, "
            "api-role ROLE..., api-scope SCOPE... or api-permission RESOURCE:ACTION...",
            argc > 0 ? argv[0] : "");
    if (words[w].wants_args != (argc > 1))
        return apr_psprintf(pool,
                            words[w].wants_args ? "%s: want one name or more after it"
                                                : "%s stands alone, without \"%s\"",
                            argv[0], argc > 1 ? argv[1] : "");
    if (argc > MOD_REQUIRE_ARGS_MAX)
        return apr_psprintf(pool, "%s: more than %d names", argv[0], MOD_REQUIRE_ARGS_MAX - 1);
    struct aps_str *arg = apr_palloc(pool, MOD_REQUIRE_ARGS_MAX * sizeof *arg);
    for (int i = 1; i < argc; i++) {
        arg[i - 1] = aps_str(apr_pstrdup(pool, argv[i]));
        if (!fits(words[w].kind, arg[i - 1]))
            return apr_psprintf(pool, "%s \"%s\": want %s", argv[0], argv[i],
                                words[w].kind == MOD_REQUIRE_ROLE ? "a role's name"
                                : words[w].kind == MOD_REQUIRE_SCOPE
                                    ? "a scope of at most 64 printable ASCII characters"
                                    : "RESOURCE:ACTION, such as orders:read");
    }
    *out = (struct mod_require){.kind = words[w].kind, .n = (size_t)argc - 1, .arg = arg};
    return NULL;
}

/* ---- Require api-* ---- */

/* `Require not` and <RequireNone> turn a refusal of ours, also one for a fault, into "no
 * opinion": there is no safe reading of them. */
static bool is_negated(const cmd_parms *cmd)
{
    const ap_directive_t *d = cmd->directive;
    if (d == NULL)
        return false;
    const char *args = d->args;
    if (args != NULL && ap_cstr_casecmp(ap_getword_conf(cmd->temp_pool, &args), "not") == 0)
        return true;
    for (d = d->parent; d != NULL; d = d->parent)
        if (ap_cstr_casecmp(d->directive, "<RequireNone") == 0)
            return true;
    return false;
}

static const char *parse_line(enum mod_require_kind kind, cmd_parms *cmd, const char *args,
                              const void **out)
{
    char *argv[MOD_REQUIRE_ARGS_MAX + 1];
    int argc = 0;
    size_t w = 0;
    while (words[w].kind != kind)
        w++;
    argv[argc++] = apr_pstrdup(cmd->pool, words[w].word);
    if (is_negated(cmd))
        return apr_psprintf(
            cmd->pool, "Require not %s: cannot be negated; grant what is allowed instead", argv[0]);
    while (*args != '\0') {
        char *word = ap_getword_conf(cmd->pool, &args);
        if (*word == '\0')
            break;
        if (argc > MOD_REQUIRE_ARGS_MAX)
            return apr_psprintf(cmd->pool, "Require %s: more than %d names", argv[0],
                                MOD_REQUIRE_ARGS_MAX);
        argv[argc++] = word;
    }
    struct mod_require *req = apr_palloc(cmd->pool, sizeof *req);
    const char *fault = mod_require_parse(cmd->pool, argc, argv, req);
    *out = req;
    return fault != NULL ? apr_pstrcat(cmd->pool, "Require ", fault, NULL) : NULL;
}

/* Pure but for the first need of a decision: httpd calls providers any number of times. */
static authz_status check(request_rec *r, const char *args, const void *parsed)
{
    (void)args;
    return mod_req_provide(r, parsed);
}

#define PROVIDER(fn, kind)                                                                         \
    static const char *parse_##fn(cmd_parms *cmd, const char *line, const void **parsed)           \
    {                                                                                              \
        return parse_line(kind, cmd, line, parsed);                                                \
    }                                                                                              \
    static const authz_provider provider_##fn = {check, parse_##fn};

PROVIDER(key, MOD_REQUIRE_KEY)
PROVIDER(user, MOD_REQUIRE_USER)
PROVIDER(access, MOD_REQUIRE_ACCESS)
PROVIDER(role, MOD_REQUIRE_ROLE)
PROVIDER(scope, MOD_REQUIRE_SCOPE)
PROVIDER(permission, MOD_REQUIRE_PERMISSION)

void mod_require_register(apr_pool_t *pool)
{
    static const struct {
        const char *word;
        const authz_provider *provider;
    } all[] = {{"api-key", &provider_key},       {"api-user", &provider_user},
               {"api-access", &provider_access}, {"api-role", &provider_role},
               {"api-scope", &provider_scope},   {"api-permission", &provider_permission}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, all[i].word, AUTHZ_PROVIDER_VERSION,
                                  all[i].provider, AP_AUTH_INTERNAL_PER_CONF);
}
