/* Which line of mod_ssl holds where, and what it says to OpenSSL. */
#include "tls_lines.h"

#include <apr_strings.h>

/* From the inside to the outside; a list may be empty. */
#define LISTS 3

static void lists_of(const struct mod_tls_place *at, const ap_directive_t *out[LISTS])
{
    out[0] = at->section != NULL ? at->section->first_child : NULL;
    out[1] = at->host != NULL ? at->host->first_child : NULL;
    out[2] = ap_conftree;
}

const ap_directive_t *mod_tls_lines_find(const struct mod_tls_place *at, const char *name)
{
    const ap_directive_t *lists[LISTS], *last = NULL;
    lists_of(at, lists);
    for (int i = 0; i < LISTS && last == NULL; i++)
        for (const ap_directive_t *d = lists[i]; d != NULL; d = d->next)
            if (mod_check_is(d, name))
                last = d;
    return last;
}

bool mod_tls_lines_hold(const struct mod_tls_place *at, const char *name, const char *word)
{
    const ap_directive_t *line = mod_tls_lines_find(at, name);
    return line != NULL && mod_tree_says(at->pool, line, name, word);
}

/* ---- Versions ---- */

#define ALL (APS_TLS_SSL3 | APS_TLS_1_0 | APS_TLS_1_1 | APS_TLS_1_2 | APS_TLS_1_3)

static unsigned version_of(const char *word)
{
    static const struct {
        const char *word;
        unsigned bits;
    } words[] = {{"all", ALL & ~(unsigned)APS_TLS_SSL3},
                 {"SSLv3", APS_TLS_SSL3},
                 {"TLSv1", APS_TLS_1_0},
                 {"TLSv1.1", APS_TLS_1_1},
                 {"TLSv1.2", APS_TLS_1_2},
                 {"TLSv1.3", APS_TLS_1_3}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (ap_cstr_casecmp(word, words[i].word) == 0)
            return words[i].bits;
    return 0;
}

/* A word without a sign takes the place of what stands before it, as mod_ssl has it. */
bool mod_tls_lines_versions(const struct mod_tls_place *at, const ap_directive_t *line,
                            unsigned *out)
{
    const char *args = line != NULL ? ap_resolve_env(at->pool, line->args) : "all";
    unsigned versions = 0;
    while (*args != '\0') {
        const char *word = ap_getword_conf(at->pool, &args);
        const char sign = *word == '+' || *word == '-' ? *word++ : '\0';
        const unsigned bits = version_of(word);
        if (bits == 0 && ap_cstr_casecmp(word, "SSLv2") != 0)
            return false;
        versions = sign == '-' ? versions & ~bits : sign == '+' ? versions | bits : bits;
    }
    *out = versions;
    return true;
}

/* ---- Cipher suites ---- */

/* "SSL LIST", "TLSv1.3 LIST" or "LIST": whether the line is of TLS 1.3, and its list. */
static bool is_of_13(const struct mod_tls_place *at, const ap_directive_t *line, const char **out)
{
    const char *args = ap_resolve_env(at->pool, line->args);
    const char *first = ap_getword_conf(at->pool, &args);
    const bool two = *args != '\0';
    *out = two ? ap_getword_conf(at->pool, &args) : first;
    return two && ap_cstr_casecmp(first, "TLSv1.3") == 0;
}

const ap_directive_t *mod_tls_lines_ciphers(const struct mod_tls_place *at, const char *name,
                                            struct aps_tls_config *out)
{
    const ap_directive_t *lists[LISTS], *old = NULL;
    const char *suites[2] = {NULL, NULL}; /* up to TLS 1.2, and of 1.3 */
    lists_of(at, lists);
    for (int i = LISTS - 1; i >= 0; i--)
        for (const ap_directive_t *d = lists[i]; d != NULL; d = d->next) {
            const char *list = NULL;
            if (!mod_check_is(d, name))
                continue;
            const bool new = is_of_13(at, d, &list);
            suites[new] = list;
            if (!new)
                old = d;
        }
    /* mod_ssl puts this behind every list. */
    out->ciphers = apr_pstrcat(at->pool, suites[0] != NULL ? suites[0] : "DEFAULT",
                               ":!aNULL:!eNULL:!EXP", NULL);
    out->ciphers_13 = suites[1];
    return old;
}

/* ---- Commands ---- */

const ap_directive_t *mod_tls_lines_commands(const struct mod_tls_place *at,
                                             struct aps_tls_config *out)
{
    apr_array_header_t *commands = apr_array_make(at->pool, 2, sizeof(struct aps_tls_command));
    const ap_directive_t *lists[LISTS], *last = NULL;
    lists_of(at, lists);
    for (int i = LISTS - 1; i > 0; i--) /* none stands in a section */
        for (const ap_directive_t *d = lists[i]; d != NULL; d = d->next) {
            if (!mod_check_is(d, "SSLOpenSSLConfCmd"))
                continue;
            const char *args = ap_resolve_env(at->pool, d->args);
            struct aps_tls_command *command = apr_array_push(commands);
            command->name = ap_getword_conf(at->pool, &args);
            command->value = ap_getword_conf(at->pool, &args);
            last = d;
        }
    out->commands = (const struct aps_tls_command *)(const void *)commands->elts;
    out->n = (size_t)commands->nelts;
    return last;
}
