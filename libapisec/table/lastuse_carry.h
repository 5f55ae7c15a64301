/* lastuse_carry.h - last uses go on in a state file of another size; only for table/. */
#ifndef APISEC_TABLE_LASTUSE_CARRY_H
#define APISEC_TABLE_LASTUSE_CARRY_H

#include "layout.h"

/* Copy the rows of a sound file into a new one that nobody else sees yet, and whose head is still
 * to be written; `head` is told what had to give way.  False: errno tells why. */
bool aps_lastuse_carry(int from_fd, const struct layout_head *from, int fd,
                       struct layout_head *head, aps_nsec wall);

#endif
