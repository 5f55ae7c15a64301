/* due.h - keys whose secret gets too old for a role of theirs, or that soon expire. */
#ifndef APISECCTL_DUE_H
#define APISECCTL_DUE_H

#include "ctl.h"

/* Read what each role asks for. */
APS_MUST_CHECK enum aps_err ctl_due_open(struct ctl *c);

/* Whether the key is one that --due asks for. */
bool ctl_due_is_wanted(const struct ctl *c, const struct aps_key *key);

/* Whether the newest secret of a live key is older than a role of its allows, and whether the key
 * ends within the warning of a role of its. */
bool ctl_due_is_overdue(const struct ctl *c, const struct aps_key *key);
bool ctl_due_is_ending(const struct ctl *c, const struct aps_key *key);

/* The fields of a key's row. */
void ctl_due_show(struct ctl *c, const struct aps_key *key);

/* "none" or a duration of at most a hundred years; `opt` was given. */
APS_MUST_CHECK enum aps_err ctl_due_read(struct ctl *c, enum ctl_opt opt, aps_nsec *out);

/* The two fields of a role's row. */
void ctl_due_show_role(struct ctl *c, const struct aps_store_age *age);

#endif
