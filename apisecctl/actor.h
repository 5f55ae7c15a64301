/* actor.h - who runs the command, from the kernel (CLI-04). */
#ifndef APISECCTL_ACTOR_H
#define APISECCTL_ACTOR_H

#include "apisec/store.h"

/* Lives in `pool`.  The environment's word for the sudo user counts for root only: nobody else
 * can be sudo's child. */
struct aps_store_actor ctl_actor_read(apr_pool_t *pool, const char *command);

#endif
