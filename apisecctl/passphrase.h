/* passphrase.h - what opens a backup and somebody remembers. */
#ifndef APISECCTL_PASSPHRASE_H
#define APISECCTL_PASSPHRASE_H

#include "ctl.h"

/* From `source`, as ctl_blob_read takes it, or, where that is NULL, from the terminal, which for a
 * new one is asked twice; `instead` is what may be given where there is no terminal.  *out is of
 * `hold`, which the caller wipes.  APS_ERR_USAGE: there is neither; RANGE: a new one is too short;
 * CONFIRM: the two differ. */
APS_MUST_CHECK enum aps_err ctl_passphrase_read(const char *source, bool is_new,
                                                const char *instead, struct aps_secret *hold,
                                                struct aps_str *out, struct aps_diag *diag);

#endif
