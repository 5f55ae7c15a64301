/* replay.h - the audit log, judged anew. */
#ifndef APISECCTL_REPLAY_H
#define APISECCTL_REPLAY_H

#include "ctl.h"

/* Read lines of the log from the file (or "-", stdin), judge each with the copy that is open, and
 * show what it says now beside what it said then.  CHECK where a line is answered otherwise or
 * cannot be read; NOT_FOUND, IO: the file; RANGE: too many lines. */
APS_MUST_CHECK enum aps_err ctl_replay(struct ctl *c, const char *path);

#endif
