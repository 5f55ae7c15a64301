/* schemadiff.h - what one schema takes that another one does not. */
#ifndef APISECCTL_SCHEMADIFF_H
#define APISECCTL_SCHEMADIFF_H

#include "jsondoc.h"

/* Called for each keyword by which `b` takes less than `a`; `where` is the way to it, such as
 * "/items/name". */
typedef void (*ctl_schemadiff_fn)(void *arg, const char *where, const char *keyword);

/* By keywords, so that what is said in another way may be told as well; what lies deeper than 24
 * schemas is not looked at.  `where` is where they stand. */
void ctl_schemadiff(struct ctl_jsonat a, struct ctl_jsonat b, const char *where,
                    ctl_schemadiff_fn fn, void *arg);

#endif
