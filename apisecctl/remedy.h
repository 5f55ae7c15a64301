/* remedy.h - what would change the answer of a trial, and the commands that do it. */
#ifndef APISECCTL_REMEDY_H
#define APISECCTL_REMEDY_H

#include <apr_tables.h>

#include "trial.h"

struct ctl_remedy {
    const char *what;
    const char *command; /* NULL: no command does it */
};

/* Of a judged trial: for a refusal what would lift it, for ALLOW what would end it.  `place` is
 * what names the store in a command, as ctl_place has it.  An array of struct ctl_remedy, in
 * t->pool. */
apr_array_header_t *ctl_remedy_find(const struct ctl_trial *t, const char *place);

#endif
