/* group.h - the group of httpd's children. */
#ifndef APISECCTL_GROUP_H
#define APISECCTL_GROUP_H

#include <sys/types.h>

#include "apisec/err.h"

/* By name or number; NULL: of the first account there is that distributions run them as.
 * APS_ERR_NOT_FOUND. */
APS_MUST_CHECK enum aps_err ctl_group_read(const char *text, gid_t *out, struct aps_diag *diag);

#endif
