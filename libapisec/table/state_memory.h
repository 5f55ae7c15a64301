/* state_memory.h - a state in memory with a head of one's choice; only for table/. */
#ifndef APISEC_TABLE_STATE_MEMORY_H
#define APISEC_TABLE_STATE_MEMORY_H

#include "layout.h"

/* Empty but for the head, whose sizes are sound (aps_layout_is_sound).  Lives in `pool`.
 * APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_state_with_head(apr_pool_t *pool, const struct layout_head *head,
                                                struct aps_state **out);

#endif
