/* The words of ApiSecApi. */
#include "api.h"

#include <apr_strings.h>

/* The path of a <Location> that is no pattern: what stands below it is the API's own path. */
static const char *place_of(const cmd_parms *cmd)
{
    const ap_directive_t *section = cmd->directive->parent;
    if (cmd->path == NULL)
        return "/";
    if (section == NULL || ap_cstr_casecmp(section->directive, "<Location") != 0 ||
        section->args[strspn(section->args, " \t\"")] != '/')
        return NULL;
    return cmd->path;
}

static struct aps_str without_end(const char *path)
{
    struct aps_str at = aps_str(path);
    while (at.n != 0 && at.p[at.n - 1] == '/')
        at.n--;
    return at;
}

static const char *set_at(cmd_parms *cmd, const char *value, struct mod_api *api)
{
    if (*value != '/' || strpbrk(value, "?#%;") != NULL || strstr(value, "//") != NULL)
        return apr_psprintf(cmd->pool,
                            "at=%s: want a path that begins with /, such as at=/shop/v1, as it is "
                            "when it is decoded",
                            value);
    api->at = without_end(value);
    return NULL;
}

static const char *set_undeclared(cmd_parms *cmd, const char *value, struct mod_api *api)
{
    if (strcmp(value, "refuse") != 0 && strcmp(value, "pass") != 0)
        return apr_psprintf(cmd->pool, "undeclared=%s: want refuse or pass", value);
    api->undeclared = *value == 'p';
    return NULL;
}

static const char *set_word(cmd_parms *cmd, const char *word, struct mod_api *api)
{
    if (strncmp(word, "at=", 3) == 0)
        return set_at(cmd, word + 3, api);
    if (strncmp(word, "undeclared=", 11) == 0)
        return set_undeclared(cmd, word + 11, api);
    return apr_psprintf(cmd->pool, "\"%s\": want at=PATH or undeclared=refuse|pass", word);
}

const char *mod_api_words(cmd_parms *cmd, int argc, char *const argv[], const struct mod_api **out)
{
    struct mod_api *api = apr_pcalloc(cmd->pool, sizeof *api);
    const char *place = place_of(cmd);
    if (argc == 0 || !aps_str_is_name(aps_str(argv[0])))
        return "want the name of an API of the store, as apisecctl api import was given it, or "
               "none";
    api->name = aps_str(argv[0]);
    api->none = strcmp(argv[0], "none") == 0;
    api->at.p = NULL;
    for (int i = 1; i < argc; i++) {
        const char *fault = set_word(cmd, argv[i], api);
        if (fault != NULL)
            return fault;
    }
    if (api->at.p == NULL && !api->none) {
        if (place == NULL)
            return "this section has no path of its own: say at=PATH, where the description's "
                   "paths "
                   "begin";
        api->at = without_end(place);
    }
    *out = api;
    return NULL;
}
