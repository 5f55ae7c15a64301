/* doctor_host.h - the machine: clocks, memory, cores, releases with known faults. */
#ifndef APISECCTL_DOCTOR_HOST_H
#define APISECCTL_DOCTOR_HOST_H

#include "doctor.h"

/* What a process should be able to lock for its secrets. */
#define CTL_DOCTOR_LOCKED_MIN (1024 * 1024)

/* Whether memory can be written to disk at all. */
bool ctl_doctor_host_has_swap(void);

void ctl_doctor_host(struct ctl_doctor *d);

#endif
