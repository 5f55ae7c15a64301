/* logline.h - one line of the audit log -> the request that it tells of.
 *
 * The line is what %^AJ writes, and is read as text from outside: nothing of it is believed. */
#ifndef APISECCTL_LOGLINE_H
#define APISECCTL_LOGLINE_H

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/jsonread.h"

/* Texts are borrowed from the reader, until its next line; empty where the line has none. */
struct ctl_logline {
    struct aps_str ts, method, path, route, host, ip, key, user, decision, reason, fault;
    uint64_t kv, status;                   /* 0: not told */
    const struct aps_jsonread_node *roles; /* an array of strings, or NULL */
};

/* FORMAT: no JSON object, a field of the wrong kind, no method, path or reason, another version
 * of the log. */
APS_MUST_CHECK enum aps_err ctl_logline_read(struct aps_jsonread *reader, struct aps_str text,
                                             struct ctl_logline *out, struct aps_diag *diag);

/* When the request was received (wall, whole milliseconds).  FORMAT. */
APS_MUST_CHECK enum aps_err ctl_logline_time(const struct ctl_logline *line, aps_nsec *out,
                                             struct aps_diag *diag);

/* Whether a text of a line was cut, or looks so: it ends with the mark of audit.h and is at least
 * as long as the log cuts it. */
bool ctl_logline_is_cut(struct aps_str text);

/* Whether the address is less than the whole one: a pseudonym, "unknown", or cut to its network
 * as ApiSecLogAddress can have it. */
bool ctl_logline_hides_address(const struct ctl_logline *line);

#endif
