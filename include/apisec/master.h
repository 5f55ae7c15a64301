/* master.h - where the master key comes from: `file:PATH` or `exec:PATH` (SEC-08).
 *
 * A key file holds 64 hexadecimal digits (256 bits) and at most one newline.  It must be a
 * regular file with one link, not a symlink, owned by root or the caller, mode 0600 or less,
 * below folders that nobody else can write (SEC-09).  A helper command is run without a shell and
 * with an empty environment, must be owned by root or the caller and not writable by others,
 * prints the same form on stdout within 10 s, and exits 0.
 * Never from an environment variable, an argument or configuration text.
 * Threads: call from one thread (it may fork). */
#ifndef APISEC_MASTER_H
#define APISEC_MASTER_H

#include "apisec/err.h"
#include "apisec/secret.h"

#define APS_MASTER_LEN 32

/* `source` is "file:/abs/path" or "exec:/abs/path".  The caller wipes *out. */
APS_MUST_CHECK enum aps_err aps_master_load(const char *source, struct aps_secret *out,
                                            struct aps_diag *diag);

/* The form alone, for a configuration test. */
APS_MUST_CHECK enum aps_err aps_master_check_source(const char *source, struct aps_diag *diag);

#endif
