/* preview.h - whom a change of a plan would refuse at once, by what is counted now.
 *
 * The change is made in a transaction that is never committed; what it comes to is kept, and the
 * keys are looked at with the store open for reading alone. */
#ifndef APISECCTL_PREVIEW_H
#define APISECCTL_PREVIEW_H

#include "ctl.h"

/* Show what the change would do to the keys that `plan` holds for by themselves or by a role.  The
 * store is open for reading afterwards.  APS_ERR_USAGE, RANGE: --after, --max; what the change
 * says; what ctl_figures_open says. */
APS_MUST_CHECK enum aps_err ctl_preview(struct ctl *c, struct aps_str plan,
                                        const struct aps_store_plan_change *change);

/* --after and --max are for --preview.  APS_ERR_USAGE. */
APS_MUST_CHECK enum aps_err ctl_preview_check(struct ctl *c);

#endif
