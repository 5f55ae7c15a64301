/* near.h - which of the accepted words was meant by one that is not among them. */
#ifndef APISECCTL_NEAR_H
#define APISECCTL_NEAR_H

#include "apisec/str.h"

#define CTL_NEAR_MAX 64 /* longer words are no slips of the finger */

/* The nearest candidate so far.  Borrows the word. */
struct ctl_near {
    struct aps_str word;
    unsigned distance;
    char best[CTL_NEAR_MAX + 1];
};

void ctl_near_init(struct ctl_near *near, struct aps_str word);
void ctl_near_try(struct ctl_near *near, struct aps_str candidate);

/* The one that was probably meant; NULL where none is near, and where the word itself was among
 * them. */
const char *ctl_near_found(const struct ctl_near *near);

#endif
