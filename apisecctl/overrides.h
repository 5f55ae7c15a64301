/* overrides.h - which keys of a plan have a limit of their own in place of the plan's, or beside
 * it. */
#ifndef APISECCTL_OVERRIDES_H
#define APISECCTL_OVERRIDES_H

#include "ctl.h"

/* A table `overrides` of the document's row, at most 1,000 of them, and how many there are in all;
 * people see it only where there are some.  Of the keys that the plan holds for by themselves or by
 * a role (aps_store_plan_key_page).  What that says. */
APS_MUST_CHECK enum aps_err ctl_overrides_show(struct ctl *c, struct aps_str plan);

#endif
