/* doctor_key.h - keys that end, are old, unused, or lack something. */
#ifndef APISECCTL_DOCTOR_KEY_H
#define APISECCTL_DOCTOR_KEY_H

#include "doctor.h"

/* Every key of c->store, in one pass. */
APS_MUST_CHECK enum aps_err ctl_doctor_key(struct ctl_doctor *d);

#endif
