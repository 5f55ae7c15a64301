/* ApiSecUpgrade: what follows another protocol than HTTP is seen by nobody here, so that a section
 * has to say which ones may be asked for (RFC 9110 7.8). */
#include "mod.h"

#include <apr_strings.h>

#define UPGRADE_WANTED "deny, or allow and names of protocols such as websocket"

/* httpd would make a stream of HTTP/2 of the very request: charged twice, and without the
 * credential, which is out by then.  A server may leave it alone, and clients ask at random. */
static bool is_left_alone(struct aps_str protocol)
{
    return aps_str_eq_nocase(protocol, APS_STR_LIT("h2c"));
}

static bool is_allowed(struct aps_str protocol, const struct mod_upgrade *allow)
{
    for (size_t i = 0; allow != NULL && i < allow->n; i++)
        if (aps_str_eq_nocase(protocol, allow->v[i]))
            return true;
    return false;
}

bool mod_upgrade_is_allowed(const char *field, const struct mod_upgrade *allow)
{
    struct aps_str rest = aps_str(field), word;
    while (aps_str_next(&rest, ',', &word)) {
        word = aps_str_trim(word);
        if (word.n != 0 && !is_left_alone(word) && !is_allowed(word, allow))
            return false;
    }
    return true;
}

void mod_upgrade_clean(request_rec *r, const char *field)
{
    struct aps_str rest = aps_str(field), word;
    const char *kept = NULL;
    if (ap_strcasestr(field, "h2c") == NULL)
        return;
    while (aps_str_next(&rest, ',', &word)) {
        word = aps_str_trim(word);
        if (word.n == 0 || is_left_alone(word))
            continue;
        const char *text = apr_pstrmemdup(r->pool, word.p, word.n);
        kept = kept == NULL ? text : apr_pstrcat(r->pool, kept, ", ", text, NULL);
    }
    if (kept != NULL)
        apr_table_setn(r->headers_in, "Upgrade", kept);
    else
        apr_table_unset(r->headers_in, "Upgrade");
}

/* RFC 9110 7.8: a token, and maybe a version after a slash. */
static bool is_protocol(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/");
    return n > 0 && n <= 64 && name[n] == '\0' && name[0] != '/';
}

const char *mod_upgrade_parse(cmd_parms *cmd, int argc, char *const argv[],
                              const struct mod_upgrade **out)
{
    const bool allows = argc > 1 && ap_cstr_casecmp(argv[0], "allow") == 0;
    if (!allows && (argc != 1 || ap_cstr_casecmp(argv[0], "deny") != 0))
        return "want " UPGRADE_WANTED;
    struct mod_upgrade *upgrade = apr_pcalloc(cmd->pool, sizeof *upgrade);
    struct aps_str *v = apr_pcalloc(cmd->pool, (size_t)argc * sizeof *v);
    for (int i = 1; i < argc; i++) {
        struct aps_str name = aps_str(apr_pstrdup(cmd->pool, argv[i]));
        if (is_left_alone(name))
            return "h2c is never allowed: httpd would serve the request twice";
        if (!is_protocol(argv[i]))
            return apr_psprintf(cmd->pool, "\"%s\": want " UPGRADE_WANTED, argv[i]);
        v[upgrade->n++] = name;
    }
    upgrade->v = v;
    *out = upgrade;
    return NULL;
}
