/* reason.h - the verdict on a request.
 *
 * One row of reasons.def is enum, HTTP status, log token, event, severity and help text.
 * Zero is UNDECIDED, and UNDECIDED refuses.
 * Threads and processes: pure functions. */
#ifndef APISEC_REASON_H
#define APISEC_REASON_H

#include <stdbool.h>

#include "apisec/str.h"

enum aps_severity {
    APS_SEVERITY_INFO,
    APS_SEVERITY_WARN,
    APS_SEVERITY_CRITICAL,
};

enum aps_reason {
#define R(name, status, token, event, severity, text) APS_REASON_##name,
#include "apisec/reasons.def"
#undef R
    APS_REASON_COUNT
};

/* All calls take any value; one outside of the table counts as UNDECIDED. */
int aps_reason_status(enum aps_reason reason);        /* HTTP status; 200 for ALLOW */
const char *aps_reason_token(enum aps_reason reason); /* "key_unknown", for logs */
const char *aps_reason_event(enum aps_reason reason); /* OWASP log vocabulary, "authn_login_fail" */
const char *aps_reason_text(enum aps_reason reason);  /* help text for administrators */
enum aps_severity aps_reason_severity(enum aps_reason reason);

/* The type of its problem document (RFC 9457): a URI of draft-ietf-httpapi-ratelimit-headers.  429
 * is a quota that is spent, or abuse where the guard against guessing has struck.  503 is reduced
 * capacity where the server would serve the same request at another moment; a fault, which lasts
 * until somebody mends it, has no type: NULL, as all others (LIM-15, LIM-18). */
const char *aps_reason_problem(enum aps_reason reason);

/* The three words of a verdict that an audit line shows, with their lengths. */
struct aps_reason_words {
    struct aps_str token, event, severity;
};
const struct aps_reason_words *aps_reason_words(enum aps_reason reason);

const char *aps_reason_severity_name(enum aps_severity severity); /* "info", "warn", "critical" */

/* Whether this verdict lets the request through: ALLOW and PUBLIC do, nothing else does. */
static inline bool aps_reason_is_pass(enum aps_reason reason);

/* Whether the server itself gives the answer that was asked for: neither does a handler run nor is
 * anything refused. */
static inline bool aps_reason_is_answer(enum aps_reason reason);

/* Whether it counts as a failed authentication of the source (KEY-15, LIM-12): its event is
 * authn_login_fail, authn_token_reuse or authn_decoy_used.  AUTHN_RATE and DECOY_RATE, past the
 * limit, do not count again. */
bool aps_reason_is_authn_failure(enum aps_reason reason);

static inline bool aps_reason_is_pass(enum aps_reason reason)
{
    return reason == APS_REASON_ALLOW || reason == APS_REASON_PUBLIC;
}

static inline bool aps_reason_is_answer(enum aps_reason reason)
{
    return reason == APS_REASON_CORS_PREFLIGHT;
}

#endif
