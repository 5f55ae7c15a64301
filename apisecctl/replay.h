/* replay.h - the audit log, judged anew. */
#ifndef APISECCTL_REPLAY_H
#define APISECCTL_REPLAY_H

#include "ctl.h"
#include "described.h"

/* Read lines of the log from the file (or "-", stdin), judge each with the copy that is open, and
 * show what it says now beside what it said then.  Of `described` the section counts: lines below
 * it are judged by its description too, and with `open` without a grant.  CHECK where a line is
 * answered otherwise or cannot be read; NOT_FOUND, IO: the file, the API; RANGE: too many lines. */
APS_MUST_CHECK enum aps_err ctl_replay(struct ctl *c, const char *path,
                                       const struct ctl_described *described, bool open);

#endif
