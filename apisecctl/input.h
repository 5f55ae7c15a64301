/* input.h - what people answer. */
#ifndef APISECCTL_INPUT_H
#define APISECCTL_INPUT_H

#include "apisec/err.h"

/* Ask on the terminal; APS_OK only for y or yes.  APS_ERR_CONFIRM otherwise, and where stdin is
 * not a terminal (CLI-11). */
APS_MUST_CHECK enum aps_err ctl_input_confirm(const char *question, struct aps_diag *diag);

#endif
