/* blob.h - a text that is handed in whole: by stdin, by a descriptor, by a file. */
#ifndef APISECCTL_BLOB_H
#define APISECCTL_BLOB_H

#include "apisec/err.h"
#include "apisec/secret.h"

/* Read stdin to its end, without white space at both ends.  `what` names the text in messages and,
 * on a terminal, in the question.  *out is of `hold`, which the caller wipes.  APS_ERR_FORMAT:
 * there is none; APS_ERR_RANGE: more than `max` bytes; APS_ERR_IO. */
APS_MUST_CHECK enum aps_err ctl_blob_stdin(const char *what, size_t max, struct aps_secret *hold,
                                           struct aps_str *out, struct aps_diag *diag);

/* Read stdin to its end, as it is but for one newline at its end.  As above. */
APS_MUST_CHECK enum aps_err ctl_blob_value(const char *what, size_t max, struct aps_secret *hold,
                                           struct aps_str *out, struct aps_diag *diag);

/* All bytes of a file, as they are.  As above; APS_ERR_NOT_FOUND. */
APS_MUST_CHECK enum aps_err ctl_blob_file(const char *path, const char *what, size_t max,
                                          struct aps_secret *hold, struct aps_diag *diag);

/* The text, as of stdin, from `source`: the number of a descriptor, `-` for stdin, or the path of a
 * file, which with `is_private` must be one that nobody but its owner, its group and root can read.
 * As above; APS_ERR_NOT_FOUND, APS_ERR_UNSAFE. */
APS_MUST_CHECK enum aps_err ctl_blob_read(const char *source, bool is_private, const char *what,
                                          size_t max, struct aps_secret *hold, struct aps_str *out,
                                          struct aps_diag *diag);

#endif
