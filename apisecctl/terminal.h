/* terminal.h - what people sit at: colours or none, its size, a program that pages. */
#ifndef APISECCTL_TERMINAL_H
#define APISECCTL_TERMINAL_H

#include "command.h"

struct ctl_terminal {
    bool is_terminal; /* stdout is one */
    bool color;
    unsigned rows, columns; /* of stdout, or 24 and 80 */
};

/* Look at stdout, --color, NO_COLOR and TERM.  USAGE: the value of --color. */
APS_MUST_CHECK enum aps_err ctl_terminal_read(const struct ctl_call *call, struct ctl_terminal *out,
                                              struct aps_diag *diag);

/* Whether escape codes move the cursor of what `fd` is; false for what is no terminal. */
bool ctl_terminal_is_smart(int fd);

#endif
