/* overlap.h - how long an old secret works beside a new one. */
#ifndef APISECCTL_OVERLAP_H
#define APISECCTL_OVERLAP_H

#include "ctl.h"

/* --overlap, or `otherwise`; "0", "0s" and "none" are 0: the old one ends at once.  APS_ERR_FORMAT,
 * APS_ERR_RANGE. */
APS_MUST_CHECK enum aps_err ctl_overlap_read(struct ctl *c, aps_nsec otherwise, aps_nsec *out);

#endif
