/* sections.h - what sections say together, asked when the configuration is read. */
#ifndef MOD_APISEC_SECTIONS_H
#define MOD_APISEC_SECTIONS_H

#include "mod.h"

/* NULL, or what is wrong with a section, as all that holds there says it; lives in `pool`. */
typedef const char *mod_sections_judge(apr_pool_t *pool, const struct mod_dir *dir);

/* Ask about each server and each of its sections, with the sections of one kind that it lies in;
 * what patterns lead to shows only with a request.  NULL, or what was said first, and where. */
const char *mod_sections_check(apr_pool_t *pool, server_rec *main_server,
                               mod_sections_judge *judge);

#endif
