/* ApiSecUpstreamSecret: its words, and whether the store has what the lines name. */
#include "mod.h"

#include <apr_lib.h>
#include <apr_strings.h>

struct line {
    const server_rec *server;
    const ap_directive_t *directive;
    struct mod_gift gift;
};

static apr_array_header_t *lines; /* of the configuration that is being read */

int mod_upstream_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    lines = apr_array_make(pconf, 4, sizeof(struct line));
    return OK;
}

/* ---- Words ---- */

/* Fields that say how a message is framed or routed, and those that are the module's own. */
static const char *const own_fields[] = {
    "Connection", "Content-Length", "Expect",  "Host",         "Keep-Alive",
    "TE",         "Trailer",        "Upgrade", "X-Request-Id", "Transfer-Encoding",
};

static bool is_taken_field(const char *name)
{
    for (size_t i = 0; i < sizeof own_fields / sizeof own_fields[0]; i++)
        if (ap_cstr_casecmp(name, own_fields[i]) == 0)
            return true;
    return ap_cstr_casecmpn(name, "X-Apisec-", 9) == 0;
}

/* Variables that others set, or that say how a program runs. */
static const char *const own_variables[] = {
    "APISEC_",   "AUTH_TYPE", "BASH_ENV", "CONTENT_", "CONTEXT_", "DOCUMENT_", "ENV",
    "GATEWAY_",  "HTTP_",     "HTTPS",    "IFS",      "LD_",      "PATH",      "QUERY_STRING",
    "REDIRECT_", "REMOTE_",   "REQUEST_", "SCRIPT_",  "SERVER_",  "SSL_",      "UNIQUE_ID",
};

static bool is_variable(const char *name)
{
    size_t n = 0;
    while (apr_isalnum(name[n]) || name[n] == '_')
        n++;
    return n > 0 && n <= 64 && name[n] == '\0' && !apr_isdigit(name[0]);
}

/* A name that ends in `_` in the list is the beginning of many. */
static bool is_taken_variable(const char *name)
{
    for (size_t i = 0; i < sizeof own_variables / sizeof own_variables[0]; i++) {
        size_t n = strlen(own_variables[i]);
        if (ap_cstr_casecmpn(name, own_variables[i], n) == 0 &&
            (own_variables[i][n - 1] == '_' || name[n] == '\0'))
            return true;
    }
    return ap_cstr_casecmpn(name, "PATH_", 5) == 0;
}

/* HTTP_X_TOKEN of X-Token, as httpd calls it for programs. */
static const char *variable_of(apr_pool_t *pool, const char *field)
{
    char *name = apr_pstrcat(pool, "HTTP_", field, NULL);
    for (char *p = name; *p != '\0'; p++)
        *p = (char)(apr_isalnum(*p) ? apr_toupper(*p) : '_');
    return name;
}

static const char *read_as(apr_pool_t *pool, const char *as, struct mod_gift *out)
{
    if (strncmp(as, "header:", 7) == 0) {
        if (!mod_config_is_field(as + 7) || is_taken_field(as + 7))
            return apr_psprintf(pool,
                                "as=%s: want the name of a header field, of letters, digits and -, "
                                "that neither frames the message nor is the module's own",
                                as);
        out->field = apr_pstrdup(pool, as + 7);
        out->variable = variable_of(pool, out->field);
        return NULL;
    }
    if (strncmp(as, "env:", 4) != 0)
        return apr_psprintf(pool, "as=%s: want as=header:FIELD or as=env:VARIABLE", as);
    if (!is_variable(as + 4) || is_taken_variable(as + 4))
        return apr_psprintf(pool,
                            "as=%s: want the name of a variable, of letters, digits and _, that "
                            "neither httpd nor a program has another use for",
                            as);
    out->variable = apr_pstrdup(pool, as + 4);
    return NULL;
}

/* What stands before and behind the secret: one %s, and %% for a percent sign. */
static const char *read_format(apr_pool_t *pool, const char *format, struct mod_gift *out)
{
    char *text = apr_palloc(pool, strlen(format) + 1), *to = text;
    size_t before = 0;
    bool seen = false;
    for (const char *p = format; *p != '\0'; p++) {
        if (apr_iscntrl(*p))
            return "format= has a control character";
        if (*p != '%') {
            *to++ = *p;
        } else if (*++p == '%') {
            *to++ = '%';
        } else if (*p == 's' && !seen) {
            seen = true;
            before = (size_t)(to - text);
        } else {
            seen = false;
            break;
        }
    }
    *to = '\0';
    if (!seen)
        return apr_psprintf(pool, "format=%s: want exactly one %%s, and %%%% for a percent sign",
                            format);
    out->before = (struct aps_str){text, before};
    out->behind = (struct aps_str){text + before, (size_t)(to - text) - before};
    return NULL;
}

static const char *read_gift(apr_pool_t *pool, int argc, char *const argv[], struct mod_gift *out)
{
    const char *fault = NULL;
    bool has_format = false;
    if (argc < 2 || !aps_str_is_name(aps_str(argv[0])))
        return "want the name of a secret of the store and as=header:FIELD or as=env:VARIABLE, or "
               "None";
    *out = (struct mod_gift){.secret = aps_str(apr_pstrdup(pool, argv[0]))};
    for (int i = 1; i < argc && fault == NULL; i++) {
        if (strncmp(argv[i], "as=", 3) == 0 && out->variable == NULL) {
            fault = read_as(pool, argv[i] + 3, out);
        } else if (strncmp(argv[i], "format=", 7) == 0 && !has_format) {
            has_format = true;
            fault = read_format(pool, argv[i] + 7, out);
        } else {
            fault = apr_psprintf(pool, "\"%s\": want as= and format=, each once", argv[i]);
        }
    }
    if (fault == NULL && out->variable == NULL)
        return "want as=header:FIELD or as=env:VARIABLE";
    return fault;
}

const char *mod_upstream_parse(cmd_parms *cmd, int argc, char *const argv[],
                               const struct mod_upstream *outer, const struct mod_upstream **out)
{
    struct mod_upstream *upstream = apr_pcalloc(cmd->pool, sizeof *upstream);
    bool none = argc == 1 && ap_cstr_casecmp(argv[0], "None") == 0;
    const char *fault;
    if (outer != NULL)
        *upstream = *outer;
    if (outer != NULL && (none || outer->n == 0))
        return "None stands alone in its section";
    *out = upstream;
    if (none)
        return NULL;
    if (upstream->n == MOD_UPSTREAM_MAX)
        return apr_psprintf(cmd->pool, "want at most %d lines in one section", MOD_UPSTREAM_MAX);
    struct mod_gift *gift = &upstream->v[upstream->n];
    if ((fault = read_gift(cmd->pool, argc, argv, gift)) != NULL)
        return fault;
    for (size_t i = 0; i < upstream->n; i++)
        if (strcmp(upstream->v[i].variable, gift->variable) == 0)
            return apr_psprintf(cmd->pool, "%s is given by an earlier line of the section",
                                gift->field != NULL ? gift->field : gift->variable);
    upstream->n++;
    APR_ARRAY_PUSH(lines, struct line) = (struct line){cmd->server, cmd->directive, *gift};
    mod_stage_upstream_hook(cmd->server->process->pconf);
    return NULL;
}

/* ---- What the lines name ---- */

const char *mod_upstream_say(apr_pool_t *pool, const char *store, const struct mod_gift *gift,
                             enum aps_reason reason)
{
    const char *name = gift->secret.p;
    switch (reason) {
    case APS_REASON_SECRET_MISSING:
        return apr_psprintf(pool,
                            "the store %s has no secret \"%s\", or none of its versions is live: "
                            "make it by apisecctl --store %s secret set %s",
                            store, name, store, name);
    case APS_REASON_SECRET_DAMAGED:
        return apr_psprintf(
            pool,
            "the secret \"%s\" of the store %s cannot be opened: restore it from a "
            "backup, or give it another value by apisecctl --store %s secret set %s",
            name, store, store, name);
    case APS_REASON_SECRET_UNFIT:
        return apr_psprintf(pool,
                            "the secret \"%s\" of the store %s does not fit into a %s: it is "
                            "longer than %d bytes or has a control character such as a line end; "
                            "give it another value by apisecctl --store %s secret rotate %s",
                            name, store, gift->field != NULL ? "header field" : "variable",
                            MOD_GIFT_MAX, store, name);
    default:
        return apr_psprintf(pool, "the secret \"%s\" of the store %s cannot be used: %s", name,
                            store, aps_reason_text(reason));
    }
}

/* What would write the credential into a log, and whose line that is; NULL: nothing. */
static const ap_directive_t *find_log(const ap_directive_t *d)
{
    const ap_directive_t *found = NULL;
    for (; d != NULL && found == NULL; d = d->next)
        if (mod_check_is(d, "ScriptLog") ||
            (mod_check_is(d, "DumpIOOutput") && ap_cstr_casecmp(d->args, "off") != 0))
            found = d;
        else
            found = find_log(d->first_child);
    return found;
}

const char *mod_upstream_check_tree(apr_pool_t *pool)
{
    const ap_directive_t *log = lines->nelts != 0 ? find_log(ap_conftree) : NULL;
    if (log == NULL)
        return NULL;
    const ap_directive_t *d = APR_ARRAY_IDX(lines, 0, struct line).directive;
    return apr_psprintf(pool,
                        "%s line %d: %s writes what a handler or backend is sent into a log, and "
                        "%s line %d gives it a secret: want only one of them",
                        log->filename, log->line_num, log->directive, d->filename, d->line_num);
}

bool mod_upstream_is_used(void)
{
    return lines->nelts != 0;
}

bool mod_upstream_check(const struct mod_store *store, struct aps_snapshot *snap, int level)
{
    apr_pool_t *pool = NULL;
    bool good = true;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return false;
    for (int i = 0; i < lines->nelts; i++) {
        const struct line *line = &APR_ARRAY_IDX(lines, i, struct line);
        const struct mod_server *sc =
            ap_get_module_config(line->server->module_config, &apisec_module);
        const struct aps_snapshot_secret *v = NULL;
        if (sc->store != store)
            continue;
        enum aps_reason reason = mod_stage_upstream_find(snap, &line->gift, pool,
                                                         (aps_nsec)apr_time_now() * APS_USEC, &v);
        if (reason == APS_REASON_ALLOW)
            continue;
        ap_log_error(APLOG_MARK, level, 0, line->server, "APISEC0064: %s line %d: %s: %s",
                     line->directive->filename, line->directive->line_num,
                     line->directive->directive,
                     mod_upstream_say(pool, store->dir, &line->gift, reason));
        good = false;
    }
    apr_pool_destroy(pool);
    return good;
}
