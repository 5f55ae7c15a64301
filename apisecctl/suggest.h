/* suggest.h - what a command that found nothing may have meant. */
#ifndef APISECCTL_SUGGEST_H
#define APISECCTL_SUGGEST_H

#include "ctl.h"

/* " (did you mean reader?)", where a word of the command names a role or a key that the store
 * does not have, and one that it has is near; else NULL.  Opens the store where the command did
 * not. */
const char *ctl_suggest(struct ctl *c);

#endif
