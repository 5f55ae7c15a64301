/* doctor_host.h - the machine: clocks, memory, cores, releases with known faults. */
#ifndef APISECCTL_DOCTOR_HOST_H
#define APISECCTL_DOCTOR_HOST_H

#include "doctor.h"

void ctl_doctor_host(struct ctl_doctor *d);

#endif
