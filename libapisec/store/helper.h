/* helper.h - the output of a program that somebody trusts with a secret.
 *
 * It is run without a shell, without arguments and with an empty environment, with an empty
 * standard input and no descriptor but where it may complain; it must be root's or the caller's,
 * not writable by others, end within 10 s and exit 0. */
#ifndef APISEC_HELPER_H
#define APISEC_HELPER_H

#include "apisec/err.h"
#include "apisec/secret.h"

/* 1 to `max` bytes; the caller wipes *out.  `source` is its name in sentences.  APS_ERR_RANGE: it
 * printed none or more; APS_ERR_FAILED: it did not exit 0; APS_ERR_IO: it did not end, or could
 * not be started; APS_ERR_UNSAFE, NOT_FOUND. */
APS_MUST_CHECK enum aps_err aps_helper_run(const char *source, const char *path, size_t max,
                                           struct aps_secret *out, struct aps_diag *diag);

#endif
