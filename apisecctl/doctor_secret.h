/* doctor_secret.h - secrets that are as old as they may be, or soon are. */
#ifndef APISEC_CTL_DOCTOR_SECRET_H
#define APISEC_CTL_DOCTOR_SECRET_H

#include "doctor.h"

/* Finds what is due; what else there is to know of secrets is with those whom they belong to. */
APS_MUST_CHECK enum aps_err ctl_doctor_secrets(struct ctl_doctor *d, struct aps_diag *why);

#endif
