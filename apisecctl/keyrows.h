/* keyrows.h - the keys of a set, each with whether it can be used. */
#ifndef APISECCTL_KEYROWS_H
#define APISECCTL_KEYROWS_H

#include "apisec/jwks.h"
#include "ctl.h"

/* A table of this name, within a row; people see none where the set has no keys. */
void ctl_keyrows(struct ctl *c, const char *name, const struct aps_jwks *set);

#endif
