/* doctor_trust.h - signers, webhooks and issuers that end, or cannot be used. */
#ifndef APISECCTL_DOCTOR_TRUST_H
#define APISECCTL_DOCTOR_TRUST_H

#include "doctor.h"

void ctl_doctor_trust(struct ctl_doctor *d);

#endif
