/* doctor_copy.h - the published copy, as httpd's children see it. */
#ifndef APISECCTL_DOCTOR_COPY_H
#define APISECCTL_DOCTOR_COPY_H

#include "doctor.h"

/* Open it as this account, then as that of d->account; before store.db is opened, since another
 * process is made for it. */
void ctl_doctor_copy(struct ctl_doctor *d);

/* Compare it with what the open c->store says. */
void ctl_doctor_copy_compare(struct ctl_doctor *d);

/* Who httpd's children are, where nobody has said: the first account there is that distributions
 * run them as, or the caller where it is not root. */
void ctl_doctor_copy_account(struct ctl_doctor *d);

/* The account of this name, with the group `group` (NULL: its own).  APS_ERR_NOT_FOUND. */
APS_MUST_CHECK enum aps_err ctl_doctor_copy_account_named(struct ctl_doctor *d, const char *user,
                                                          const char *group);

#endif
