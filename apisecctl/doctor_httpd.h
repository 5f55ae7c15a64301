/* doctor_httpd.h - what httpd's configuration says, and what httpd itself finds in it. */
#ifndef APISECCTL_DOCTOR_HTTPD_H
#define APISECCTL_DOCTOR_HTTPD_H

#include "doctor.h"

/* Ask by `PROGRAM -t -D DUMP_APISEC`, whose form is docs/reference/findings.md; nothing where
 * --httpd is none.  d->account is set where the configuration says it. */
void ctl_doctor_httpd(struct ctl_doctor *d);

#endif
