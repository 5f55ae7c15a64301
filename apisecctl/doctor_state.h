/* doctor_state.h - httpd's state file: how full it is, and which generations are in use. */
#ifndef APISECCTL_DOCTOR_STATE_H
#define APISECCTL_DOCTOR_STATE_H

#include "doctor.h"

/* Look at it; c->use.state is set where it notes uses. */
void ctl_doctor_state(struct ctl_doctor *d);

#endif
