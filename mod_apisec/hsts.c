/* Strict-Transport-Security on what a server answers by HTTPS (TRN-02).
 *
 * Browsers keep it for the host and not for a section: a server in which some section has the
 * engine On sends it with all that it answers, httpd's own errors included.  Never over plain HTTP,
 * where anybody on the way could have written it. */
#include "hsts.h"

#include <apr_strings.h>

#include "apisec/hsts.h"
#include "util_filter.h"

#define FIELD "Strict-Transport-Security"

struct mod_hsts {
    bool off;
    struct aps_hsts told;
    const char *text;
};

static ap_filter_rec_t *hsts_filter;

/* ---- Configuration ---- */

#define WANTED "Off, or max-age=DURATION of 365d or more, includeSubDomains and preload"

static const char *read_age(cmd_parms *cmd, const char *text, uint64_t *out)
{
    struct aps_diag diag = {{0}};
    aps_nsec age = 0;
    enum aps_err err = aps_num_parse_duration(aps_str(text), &age, &diag);
    if (err != APS_OK)
        return apr_pstrdup(cmd->pool, aps_err_say(err, &diag));
    if ((uint64_t)(age / APS_SEC) < APS_HSTS_AGE_MIN)
        return apr_psprintf(cmd->pool,
                            "max-age=%s: want 365d or more; to try a shorter one, or to take it "
                            "back by 0, set ApiSecHSTS Off and Header always set " FIELD
                            " of mod_headers",
                            text);
    *out = (uint64_t)(age / APS_SEC);
    return NULL;
}

static const char *read_word(cmd_parms *cmd, const char *word, struct aps_hsts *told)
{
    bool *flag = NULL;
    if (strncmp(word, "max-age=", 8) == 0 && told->max_age == 0)
        return read_age(cmd, word + 8, &told->max_age);
    if (ap_cstr_casecmp(word, "includeSubDomains") == 0)
        flag = &told->subdomains;
    else if (ap_cstr_casecmp(word, "preload") == 0)
        flag = &told->preload;
    if (flag == NULL || *flag)
        return apr_psprintf(cmd->pool, "\"%s\": want " WANTED ", each once", word);
    *flag = true;
    return NULL;
}

const char *mod_hsts_parse(cmd_parms *cmd, int argc, char *const argv[],
                           const struct mod_hsts **out)
{
    struct mod_hsts *hsts = apr_pcalloc(cmd->pool, sizeof *hsts);
    const char *fault = argc == 0 ? "want " WANTED : NULL;
    hsts->off = argc == 1 && ap_cstr_casecmp(argv[0], "Off") == 0;
    for (int i = 0; i < argc && fault == NULL && !hsts->off; i++)
        fault = read_word(cmd, argv[i], &hsts->told);
    if (fault != NULL)
        return fault;
    if (!hsts->off && hsts->told.max_age == 0)
        return "max-age= is missing; want " WANTED;
    if (hsts->told.preload && !hsts->told.subdomains)
        return "preload: lists of browsers take no host without includeSubDomains";
    hsts->text = apr_psprintf(
        cmd->pool, "max-age=%" APR_UINT64_T_FMT "%s%s", (apr_uint64_t)hsts->told.max_age,
        hsts->told.subdomains ? "; includeSubDomains" : "", hsts->told.preload ? "; preload" : "");
    *out = hsts;
    return NULL;
}

/* A year, and nothing about names that may be others' to serve. */
static const struct mod_hsts standard = {.told = {.max_age = APS_HSTS_AGE_MIN},
                                         .text = "max-age=31536000"};
static const struct mod_hsts none = {.off = true};

void mod_hsts_bind(server_rec *main_server)
{
    for (server_rec *s = main_server; s != NULL; s = s->next) {
        struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
        if (sc->engine != MOD_ENGINE_ON)
            sc->hsts = &none;
        else if (sc->hsts == NULL)
            sc->hsts = &standard;
    }
}

static const struct mod_hsts *find(const server_rec *s)
{
    const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
    return sc->hsts != NULL && !sc->hsts->off ? sc->hsts : NULL;
}

const char *mod_hsts_of(const server_rec *s)
{
    const struct mod_hsts *hsts = find(s);
    return hsts != NULL ? hsts->text : NULL;
}

/* ---- An answer ---- */

struct seen {
    int n;
    const char *first;
};

static int see(void *data, const char *name, const char *value)
{
    struct seen *seen = data;
    (void)name;
    if (seen->n++ == 0)
        seen->first = value;
    return 1;
}

/* One field: the site's own where it tells at least as much. */
static void set_field(request_rec *r, const struct mod_hsts *hsts)
{
    struct seen seen = {0, NULL};
    struct aps_hsts theirs;
    apr_table_do(see, &seen, r->err_headers_out, FIELD, NULL);
    apr_table_do(see, &seen, r->headers_out, FIELD, NULL);
    if (seen.n == 1 && aps_hsts_read(aps_str(seen.first), &theirs) &&
        aps_hsts_covers(&theirs, &hsts->told))
        return;
    apr_table_unset(r->err_headers_out, FIELD);
    apr_table_setn(r->headers_out, FIELD, hsts->text);
}

static apr_status_t filter_field(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const struct mod_hsts *hsts = find(f->r->server);
    if (hsts != NULL)
        set_field(f->r, hsts);
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

void mod_hsts_insert_filter(request_rec *r)
{
    const struct mod_server *sc = ap_get_module_config(r->server->module_config, &apisec_module);
    const request_rec *first = r;
    if (sc->hsts == NULL || sc->hsts->off || r->main != NULL)
        return;
    while (first->prev != NULL)
        first = first->prev;
    if (mod_stage_auth_is_https(first, sc->proxied))
        ap_add_output_filter_handle(hsts_filter, NULL, r, r->connection);
}

/* Behind those of mod_headers, and behind what mod_cache stores: a cached answer may be served by
 * plain HTTP. */
void mod_hsts_register(void)
{
    hsts_filter = ap_register_output_filter("APISEC_HSTS", filter_field, NULL,
                                            (ap_filter_type)(AP_FTYPE_PROTOCOL - 1));
}
