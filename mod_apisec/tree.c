/* What the whole configuration says of each server. */
#include "tree.h"

#include <apr_strings.h>

server_rec *mod_tree_server(server_rec *main_server, const ap_directive_t *line)
{
    while (line != NULL && !mod_check_is(line, "<VirtualHost"))
        line = line->parent;
    for (server_rec *s = main_server->next; line != NULL && s != NULL; s = s->next)
        if (s->defn_line_number == (unsigned)line->line_num && s->defn_name != NULL &&
            strcmp(s->defn_name, line->filename) == 0)
            return s;
    return main_server;
}

const char *mod_tree_host(apr_pool_t *pool, const server_rec *s)
{
    unsigned port = s->addrs != NULL && s->addrs->host_port != 0 ? s->addrs->host_port : s->port;
    return port != 0 ? apr_psprintf(pool, "%s:%u", s->server_hostname, port) : s->server_hostname;
}

const char *mod_tree_word(apr_pool_t *pool, const ap_directive_t *line)
{
    const char *args = ap_resolve_env(pool, line->args);
    return ap_getword_conf(pool, &args);
}

bool mod_tree_says(apr_pool_t *pool, const ap_directive_t *line, const char *name, const char *word)
{
    return mod_check_is(line, name) && ap_cstr_casecmp(mod_tree_word(pool, line), word) == 0;
}

/* ---- Each server ---- */

static struct mod_server *config_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &apisec_module);
}

static void note(apr_pool_t *pool, struct mod_server *sc, const ap_directive_t *line)
{
    for (; line != NULL; line = line->next) {
        if (mod_check_is(line, "<VirtualHost"))
            continue;
        if (mod_tree_says(pool, line, "ApiSecEngine", "On"))
            sc->engine = MOD_ENGINE_ON;
        else if (mod_tree_says(pool, line, "ApiSecEngine", "DetectOnly") &&
                 sc->engine < MOD_ENGINE_DETECT)
            sc->engine = MOD_ENGINE_DETECT;
        sc->proxied |= mod_tree_says(pool, line, "ApiSecRequireTLS", "proxy");
        note(pool, sc, line->first_child);
    }
}

void mod_tree_note(apr_pool_t *ptemp, server_rec *main_server)
{
    struct mod_server *base = config_of(main_server);
    base->engine = MOD_ENGINE_OFF;
    note(ptemp, base, ap_conftree);
    for (server_rec *s = main_server->next; s != NULL; s = s->next) {
        config_of(s)->engine = base->engine;
        config_of(s)->proxied = base->proxied;
    }
    for (const ap_directive_t *line = ap_conftree; line != NULL; line = line->next)
        if (mod_check_is(line, "<VirtualHost"))
            note(ptemp, config_of(mod_tree_server(main_server, line)), line->first_child);
}
