/* audit.h - a finished request -> one line of JSON.
 *
 * audit.def names the fields.  No key text, token, body or query value can get in: the struct has
 * no place for one (AUD-03).  A line is at most APS_AUDIT_LINE_MAX bytes; texts from outside are
 * escaped and cut with a mark (AUD-04).
 * Threads and processes: pure functions. */
#ifndef APISEC_AUDIT_H
#define APISEC_AUDIT_H

#include "apisec/clock.h"
#include "apisec/reason.h"
#include "apisec/str.h"

#define APS_AUDIT_LINE_MAX 3500
#define APS_AUDIT_VERSION 1

enum aps_decision {
    APS_DECISION_OFF,
    APS_DECISION_ALLOW,
    APS_DECISION_REFUSE,
    APS_DECISION_WOULD_REFUSE,
};

const char *aps_audit_decision(enum aps_decision decision); /* "would-refuse" */

struct aps_audit {
    aps_nsec at; /* wall */
    uint64_t boot, n;
    uint32_t pid;
    struct aps_str process; /* what aps_audit_process made of boot and pid, or empty */
    struct aps_str caller;  /* what aps_audit_caller made of key, kv, user and roles, or empty */
    enum aps_reason reason;
    enum aps_decision decision;
    int status;
    uint32_t kv; /* 0: unknown */
    struct aps_str id, host, ip, method, path, route, key, user, webhook, api, fault, sanitized,
        limit, would_limit;
    struct aps_str secret_due; /* a name, which wants no escape */
    const struct aps_str *roles;
    size_t nroles;
    uint64_t waited; /* ms; 0: not at all */
    uint64_t us;
    uint64_t gen; /* 0: unknown */
};

/* The part of a line that says which process writes, to be made once for each; it borrows `out`. */
#define APS_AUDIT_PROCESS_MAX 64
struct aps_str aps_audit_process(uint64_t boot, uint32_t pid, char out[APS_AUDIT_PROCESS_MAX]);

/* The part that says who calls, to be made once for each caller.  Returns its length: 0 where a
 * text is too long or wants an escape, and every line is written without it. */
#define APS_AUDIT_CALLER_MAX 1536
size_t aps_audit_caller(const struct aps_audit *a, char out[APS_AUDIT_CALLER_MAX]);

/* The line, without a newline, at most APS_AUDIT_LINE_MAX bytes and NUL-ended; lives in `pool`.
 * Always complete JSON: long texts are cut further, the least important first, until it fits. */
struct aps_str aps_audit_line(const struct aps_audit *a, apr_pool_t *pool);

/* Index of a field by name, or -1.  For a configuration test of %{FIELD}^AS. */
int aps_audit_field(struct aps_str name);

/* One field as text (lists with commas), unescaped; "" where it is not known.  Numbers are
 * printed into `scratch`. */
#define APS_AUDIT_SCRATCH 1024
struct aps_str aps_audit_value(const struct aps_audit *a, int field,
                               char scratch[APS_AUDIT_SCRATCH]);

#endif
