/* pour.h - bytes that go out as they come, for what is too large to be held. */
#ifndef APISECCTL_POUR_H
#define APISECCTL_POUR_H

#include <stddef.h>

/* Write all of it; 0, or the errno of what failed. */
int ctl_pour(int fd, const void *p, size_t n);

#endif
