/* ApiSecPath: paths that are read all the same, each as one path, which is then the only one that
 * anybody behind us sees (NEG-02). */
#include "mod.h"

#include <apr_strings.h>

#include "apisec/path.h"
#include "tree.h"

#define PATH_WANTED                                                                                \
    "strict, or some of double-slash=merge, dot-segments=resolve, backslash=slash, "               \
    "semicolon=cut or semicolon=keep, encoded-slash=slash or encoded-slash=keep, "                 \
    "encoded-hash=keep and encoded-question-mark=keep"

#define KEEPS "encoded-slash=keep"

static const struct {
    const char *text;
    unsigned bits, instead_of;
} words[] = {
    {"double-slash=merge", APS_PATH_MERGE, 0},
    {"dot-segments=resolve", APS_PATH_RESOLVE, 0},
    {"backslash=slash", APS_PATH_BACKSLASH, 0},
    {"semicolon=cut", APS_PATH_CUT, APS_PATH_PARAMS},
    {"semicolon=keep", APS_PATH_PARAMS, APS_PATH_CUT},
    {"encoded-slash=slash", APS_PATH_SPLIT, APS_PATH_KEEP},
    {KEEPS, APS_PATH_KEEP, APS_PATH_SPLIT},
    {"encoded-hash=keep", APS_PATH_HASH, 0},
    {"encoded-question-mark=keep", APS_PATH_QUESTION, 0},
};

static const char *add_word(const char *word, unsigned *relax)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (ap_cstr_casecmp(word, words[i].text) != 0)
            continue;
        if ((*relax & words[i].instead_of) != 0 || (*relax & words[i].bits) != 0)
            return "says two things about one";
        *relax |= words[i].bits;
        return NULL;
    }
    return "want " PATH_WANTED;
}

const char *mod_path_parse(cmd_parms *cmd, int argc, char *const argv[], unsigned *out)
{
    unsigned relax = 0;
    if (argc == 0)
        return "want " PATH_WANTED;
    const bool strict = argc == 1 && ap_cstr_casecmp(argv[0], "strict") == 0;
    for (int i = 0; i < argc && !strict; i++) {
        const char *fault = add_word(argv[i], &relax);
        if (fault != NULL)
            return apr_psprintf(cmd->pool, "\"%s\": %s", argv[i], fault);
    }
    *out = relax | MOD_RELAX_SET;
    return NULL;
}

/* ---- A request ---- */

/* From here on the request is one that was sent with this path. */
static void replace(struct mod_req *m, struct aps_str raw)
{
    request_rec *r = m->first;
    char *text = apr_palloc(r->pool, 3 * m->path.n + 1);
    struct aps_str path = aps_path_print(m->path, text);
    text[path.n] = '\0';
    m->target = r->unparsed_uri;
    r->unparsed_uri =
        apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, m->target, (size_t)(raw.p - m->target)), text,
                    raw.p + raw.n, NULL);
    const char *protocol = strrchr(r->the_request, ' ');
    r->the_request = apr_pstrcat(r->pool, r->method, " ", r->unparsed_uri,
                                 protocol != NULL ? protocol : "", NULL);
    r->parsed_uri.path = r->uri = apr_pstrdup(r->pool, text); /* httpd decodes it where it lies */
}

bool mod_path_read(struct mod_req *m, struct aps_str raw, const struct mod_dir *dir)
{
    char *buf = apr_palloc(m->first->pool, raw.n + 1);
    if (!aps_path_relaxed(raw, dir->relax & ~MOD_RELAX_SET, buf, &m->path, &m->relaxed,
                          &m->path_fault))
        return false;
    if (m->relaxed != 0 && dir->engine == MOD_ENGINE_ON)
        replace(m, raw);
    return true;
}

/* ---- The configuration ---- */

static const char *check_slashes(apr_pool_t *pool, const server_rec *s, const ap_directive_t *line)
{
    const core_dir_config *core = ap_get_core_module_config(s->lookup_defaults);
    if (core->allow_encoded_slashes && !core->decode_encoded_slashes)
        return NULL;
    return apr_psprintf(pool,
                        "%s line %d: ApiSecPath " KEEPS " wants AllowEncodedSlashes NoDecode in "
                        "the server %s, or httpd would make another path of it",
                        line->filename, line->line_num, mod_tree_host(pool, s));
}

static const char *check_line(apr_pool_t *pool, server_rec *main_server, const ap_directive_t *line)
{
    server_rec *of = mod_tree_server(main_server, line);
    const char *fault = NULL;
    if (!mod_check_is(line, "ApiSecPath") ||
        ap_strcasestr(ap_resolve_env(pool, line->args), KEEPS) == NULL)
        return NULL;
    for (server_rec *s = main_server; s != NULL && fault == NULL; s = s->next) {
        const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
        if (s == of || (of == main_server && sc->engine > MOD_ENGINE_OFF))
            fault = check_slashes(pool, s, line);
    }
    return fault;
}

const char *mod_path_check(apr_pool_t *pool, server_rec *main_server, const ap_directive_t *line)
{
    const char *fault = NULL;
    for (; line != NULL && fault == NULL; line = line->next)
        if ((fault = check_line(pool, main_server, line)) == NULL)
            fault = mod_path_check(pool, main_server, line->first_child);
    return fault;
}
