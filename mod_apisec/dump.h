/* dump.h - what -D DUMP_APISEC prints; see docs/reference/findings.md. */
#ifndef MOD_APISEC_DUMP_H
#define MOD_APISEC_DUMP_H

#include "mod.h"

/* Under -t -D DUMP_APISEC. */
bool mod_dump_is_wanted(void);
void mod_dump(apr_pool_t *pool, server_rec *main_server);
/* After a configuration that is good; one that is not is dumped by whoever refuses it. */
void mod_dump_test_config(apr_pool_t *pconf, server_rec *main_server);

#endif
