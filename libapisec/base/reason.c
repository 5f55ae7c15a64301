/* reason.c - the table of verdicts. */
#include "apisec/reason.h"

#include <string.h>

#define SEVERITY_INFO "info"
#define SEVERITY_WARN "warn"
#define SEVERITY_CRITICAL "critical"
#define WORD(lit)                                                                                  \
    {                                                                                              \
        lit, sizeof(lit) - 1                                                                       \
    }

static const struct row {
    struct aps_reason_words words;
    const char *text;
    int status;
    enum aps_severity severity;
} rows[APS_REASON_COUNT] = {
#define R(name, status, token, event, severity, text)                                              \
    [APS_REASON_##name] = {{WORD(token), WORD(event), WORD(SEVERITY_##severity)},                  \
                           text,                                                                   \
                           status,                                                                 \
                           APS_SEVERITY_##severity},
#include "apisec/reasons.def"
#undef R
};

_Static_assert(APS_REASON_UNDECIDED == 0, "a zeroed verdict refuses");

static const struct row *row_of(enum aps_reason reason)
{
    return &rows[(unsigned)reason < APS_REASON_COUNT ? reason : APS_REASON_UNDECIDED];
}

int aps_reason_status(enum aps_reason reason)
{
    return row_of(reason)->status;
}

const char *aps_reason_token(enum aps_reason reason)
{
    return row_of(reason)->words.token.p;
}

const char *aps_reason_event(enum aps_reason reason)
{
    return row_of(reason)->words.event.p;
}

const struct aps_reason_words *aps_reason_words(enum aps_reason reason)
{
    return &row_of(reason)->words;
}

const char *aps_reason_text(enum aps_reason reason)
{
    return row_of(reason)->text;
}

enum aps_severity aps_reason_severity(enum aps_reason reason)
{
    return row_of(reason)->severity;
}

#define PROBLEM "https://iana.org/assignments/http-problem-types#"

const char *aps_reason_problem(enum aps_reason reason)
{
    switch (reason) {
    case APS_REASON_AUTHN_RATE:
    case APS_REASON_DECOY_RATE:
        return PROBLEM "abnormal-usage-detected";
    case APS_REASON_STATE_MOVED:
    case APS_REASON_SLOTS_FULL:
    case APS_REASON_SERVER_STOPS:
        return PROBLEM "temporary-reduced-capacity";
    default:
        return aps_reason_status(reason) == 429 ? PROBLEM "quota-exceeded" : NULL;
    }
}

const char *aps_reason_severity_name(enum aps_severity severity)
{
    switch (severity) {
    case APS_SEVERITY_INFO:
        return SEVERITY_INFO;
    case APS_SEVERITY_WARN:
        return SEVERITY_WARN;
    case APS_SEVERITY_CRITICAL:
        break;
    }
    return SEVERITY_CRITICAL; /* an unknown severity is not played down */
}

bool aps_reason_is_authn_failure(enum aps_reason reason)
{
    const char *event = row_of(reason)->words.event.p;

    if (aps_reason_status(reason) == 429)
        return false; /* past the limit of failures nothing is charged */
    return strcmp(event, "authn_login_fail") == 0 || strcmp(event, "authn_token_reuse") == 0 ||
           strcmp(event, "authn_decoy_used") == 0;
}
