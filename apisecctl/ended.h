/* ended.h - the output of a command that took one thing away. */
#ifndef APISECCTL_ENDED_H
#define APISECCTL_ENDED_H

#include "ctl.h"

/* What it is called, as the field `field`, and that it is `how`, "deleted"; with --dry-run, that it
 * would be. */
void ctl_ended(struct ctl *c, const char *field, struct aps_str name, const char *how);

#endif
