/* directory_carry.h - registered limits go on in a state file of another size; only for table/. */
#ifndef APISEC_TABLE_DIRECTORY_CARRY_H
#define APISEC_TABLE_DIRECTORY_CARRY_H

#include "layout.h"

/* Copy the rows and counters of a sound file into a new one that nobody else sees yet.  False:
 * errno tells why. */
bool aps_directory_carry(int from_fd, const struct layout_head *from, int fd,
                         const struct layout_head *head);

#endif
