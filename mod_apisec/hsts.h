/* hsts.h - Strict-Transport-Security on what a server answers by HTTPS. */
#ifndef MOD_APISEC_HSTS_H
#define MOD_APISEC_HSTS_H

#include "mod.h"

/* Words of ApiSecHSTS: NULL and *out, or what is wrong with them; lives in the pool. */
const char *mod_hsts_parse(cmd_parms *cmd, int argc, char *const argv[],
                           const struct mod_hsts **out);
/* When the configuration was read, mod_tree_note included: what each server sends. */
void mod_hsts_bind(server_rec *main_server);
/* What a server sends, as it stands in the field; NULL: nothing. */
const char *mod_hsts_of(const server_rec *s);
/* Have the answer's field set when it goes out, whoever makes it. */
void mod_hsts_insert_filter(request_rec *r);
void mod_hsts_register(void);

#endif
