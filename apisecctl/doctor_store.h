/* doctor_store.h - what store.db holds, whole or damaged. */
#ifndef APISECCTL_DOCTOR_STORE_H
#define APISECCTL_DOCTOR_STORE_H

#include "doctor.h"

/* Load the master key; that it cannot be is a finding. */
void ctl_doctor_store_master(struct ctl_doctor *d);

/* Open store.db as it is and look at all of it but its keys.  c->store is NULL where it cannot be
 * opened. */
void ctl_doctor_store(struct ctl_doctor *d);

#endif
