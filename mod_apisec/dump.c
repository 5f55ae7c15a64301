/* httpd -t -D DUMP_APISEC: findings and what is configured, as JSON lines on standard output, for
 * apisecctl doctor and for people.  The form is docs/reference/findings.md. */
#include "dump.h"

#include <apr_strings.h>
#include <apr_user.h>

#include "apisec/json.h"
#include "apisec/version.h"
#include "finding.h"
#include "hsts.h"
#include "tree.h"
#include "unixd.h"

#define DUMP_FORM 1

struct dump {
    apr_pool_t *pool;
    server_rec *main_server;
    apr_file_t *out;
};

bool mod_dump_is_wanted(void)
{
    return ap_exists_config_define("DUMP_APISEC") &&
           ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST;
}

static void begin(const struct dump *d, struct aps_json *w)
{
    aps_json_init_pool(w, d->pool, 0);
    aps_json_object(w);
}

static void end(const struct dump *d, struct aps_json *w)
{
    aps_json_end(w);
    struct aps_str text = aps_json_text(w);
    apr_file_printf(d->out, "%.*s\n", APS_STR_ARG(text));
}

static void put_host(const struct dump *d, struct aps_json *w, const server_rec *s)
{
    aps_json_put_str(w, "host", s != NULL ? mod_tree_host(d->pool, s) : NULL);
}

static void put_line(struct aps_json *w, const char *file, unsigned line)
{
    aps_json_put_str(w, "file", file);
    aps_json_name(w, "line");
    if (file != NULL)
        aps_json_u64(w, line);
    else
        aps_json_null(w);
}

/* ---- Findings ---- */

static void put_finding(const struct dump *d, const struct mod_finding *f)
{
    struct aps_json w;
    begin(d, &w);
    aps_json_put_str(&w, "finding", mod_finding_token(f->kind));
    aps_json_put_str(&w, "severity", mod_finding_severity(f->severity));
    put_line(&w, f->line != NULL ? f->line->filename : NULL,
             f->line != NULL ? (unsigned)f->line->line_num : 0);
    put_host(d, &w, f->server);
    aps_json_put_str(&w, "reason", f->reason);
    aps_json_put_str(&w, "mend", f->mend);
    end(d, &w);
}

/* ---- Servers ---- */

static const char *engine_of(const server_rec *s)
{
    const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
    return sc->engine == MOD_ENGINE_ON       ? "On"
           : sc->engine == MOD_ENGINE_DETECT ? "DetectOnly"
                                             : "Off";
}

static const char *floor_of(const struct mod_server *sc)
{
    return sc->floor == MOD_FLOOR_OFF ? "Off" : sc->floor == MOD_FLOOR_STRICT ? "strict" : "warn";
}

static void put_server(const struct dump *d, const server_rec *s)
{
    const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
    struct aps_json w;
    begin(d, &w);
    aps_json_put_str(&w, "server", mod_tree_host(d->pool, s));
    put_line(&w, s->defn_name, s->defn_line_number);
    aps_json_put_str(&w, "engine", engine_of(s));
    aps_json_put_str(&w, "store", sc->store_dir);
    aps_json_put_str(&w, "hsts", mod_hsts_of(s));
    aps_json_put_str(&w, "tls_floor", floor_of(sc));
    end(d, &w);
}

static const char *group_name(apr_pool_t *pool)
{
    char *name = NULL;
    return apr_gid_name_get(&name, ap_unixd_config.group_id, pool) == APR_SUCCESS
               ? name
               : apr_psprintf(pool, "#%lu", (unsigned long)ap_unixd_config.group_id);
}

static void put_store(const struct dump *d, const server_rec *s)
{
    const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
    struct aps_json w;
    if (sc->store_dir == NULL)
        return;
    begin(d, &w);
    aps_json_put_str(&w, "store", sc->store_dir);
    put_host(d, &w, s);
    aps_json_put_str(&w, "master",
                     sc->master != NULL
                         ? sc->master
                         : apr_pstrcat(d->pool, "file:", sc->store_dir, "/master.key", NULL));
    aps_json_put_str(&w, "engine", engine_of(s));
    aps_json_put_str(&w, "state", mod_process_state_path(d->main_server));
    aps_json_put_str(&w, "user", ap_unixd_config.user_name);
    aps_json_put_str(&w, "group", group_name(d->pool));
    end(d, &w);
}

/* ---- Sections ---- */

/* "<Location /orders>"; NULL: the server itself. */
static const char *section_of(apr_pool_t *pool, const ap_directive_t *line)
{
    const ap_directive_t *above = line->parent;
    return above == NULL || mod_check_is(above, "<VirtualHost")
               ? NULL
               : apr_pstrcat(pool, above->directive, " ", above->args, NULL);
}

static void put_sections(const struct dump *d, const ap_directive_t *line)
{
    for (; line != NULL; line = line->next) {
        put_sections(d, line->first_child);
        if (!mod_check_is(line, "ApiSecEngine"))
            continue;
        struct aps_json w;
        begin(d, &w);
        aps_json_put_str(&w, "section", section_of(d->pool, line));
        put_line(&w, line->filename, (unsigned)line->line_num);
        put_host(d, &w, mod_tree_server(d->main_server, line));
        aps_json_put_str(&w, "engine", mod_tree_word(d->pool, line));
        end(d, &w);
    }
}

void mod_dump(apr_pool_t *pool, server_rec *main_server)
{
    struct dump d = {.pool = pool, .main_server = main_server};
    struct aps_json w;
    const apr_array_header_t *all = mod_finding_all();
    if (apr_file_open_stdout(&d.out, pool) != APR_SUCCESS)
        return;
    begin(&d, &w);
    aps_json_put_u64(&w, "dump", DUMP_FORM);
    aps_json_put_str(&w, "version", aps_version());
    aps_json_put_u64(&w, "findings", (uint64_t)all->nelts);
    end(&d, &w);
    for (int i = 0; i < all->nelts; i++)
        put_finding(&d, &APR_ARRAY_IDX(all, i, struct mod_finding));
    for (const server_rec *s = main_server; s != NULL; s = s->next) {
        put_server(&d, s);
        put_store(&d, s);
    }
    put_sections(&d, ap_conftree);
}

void mod_dump_test_config(apr_pool_t *pconf, server_rec *main_server)
{
    if (mod_dump_is_wanted())
        mod_dump(pconf, main_server);
}
