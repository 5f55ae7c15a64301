/* input.h - what people answer. */
#ifndef APISECCTL_INPUT_H
#define APISECCTL_INPUT_H

#include "apisec/err.h"
#include "apisec/secret.h"

/* Ask on the terminal; APS_OK only for y or yes.  APS_ERR_CONFIRM otherwise, and where stdin is
 * not a terminal (CLI-11). */
APS_MUST_CHECK enum aps_err ctl_input_confirm(const char *question, struct aps_diag *diag);

/* A secret that somebody else has made: on a terminal one line that is not shown, else stdin to its
 * end; without white space at both ends (CLI-01).  `what` names it in the question.  *out is of
 * `hold`, which the caller wipes.  APS_ERR_FORMAT: there is none; APS_ERR_RANGE: more than `max`
 * bytes; APS_ERR_CONFIRM: Ctrl-C; APS_ERR_IO. */
APS_MUST_CHECK enum aps_err ctl_input_secret(const char *what, size_t max, struct aps_secret *hold,
                                             struct aps_str *out, struct aps_diag *diag);
/* The same, but what comes by stdin is taken as it is, without one newline at its end. */
APS_MUST_CHECK enum aps_err ctl_input_value(const char *what, size_t max, struct aps_secret *hold,
                                            struct aps_str *out, struct aps_diag *diag);

#endif
