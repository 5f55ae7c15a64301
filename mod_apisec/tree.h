/* tree.h - what the whole configuration says of each server. */
#ifndef MOD_APISEC_TREE_H
#define MOD_APISEC_TREE_H

#include "mod.h"

#include "util_cfgtree.h"

/* The server that a line stands in; the main one for lines outside of virtual hosts. */
server_rec *mod_tree_server(server_rec *main_server, const ap_directive_t *line);
/* "api.example.org:443": virtual hosts of one name differ by their port. */
const char *mod_tree_host(apr_pool_t *pool, const server_rec *s);
/* The first word of a line, as httpd reads it: without quotes, and with what Define has set. */
const char *mod_tree_word(apr_pool_t *pool, const ap_directive_t *line);
/* Whether the line has this name and this word, in whatever case. */
bool mod_tree_says(apr_pool_t *pool, const ap_directive_t *line, const char *name,
                   const char *word);
/* Fill in `engine` and `proxied` of each server, by its sections and those that it inherits. */
void mod_tree_note(apr_pool_t *ptemp, server_rec *main_server);

#endif
