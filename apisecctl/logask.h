/* logask.h - one line of a log -> who asked, when, and which limits he would be charged for.
 *
 * The log is httpd's access log in the common or the combined format, or the audit log.  Its lines
 * are read as text from outside: nothing of them is believed but that the request was made. */
#ifndef APISECCTL_LOGASK_H
#define APISECCTL_LOGASK_H

#include <apr_tables.h>

#include "apisec/jsonread.h"
#include "apisec/subject.h"

enum ctl_logask_format { CTL_LOGASK_COMBINED, CTL_LOGASK_JSON };

/* What a line may have, and a level of a limit may be taken from. */
enum ctl_logask_field {
    CTL_LOGASK_NONE,
    CTL_LOGASK_IP,
    CTL_LOGASK_USER,
    CTL_LOGASK_PATH,
    CTL_LOGASK_KEY,   /* from here on only an audit line has it */
    CTL_LOGASK_ROLES, /* a level that is one text has their first */
    CTL_LOGASK_ROUTE,
    CTL_LOGASK_HOST,
};

/* Levels that are taken from a field; an address is one already. */
enum ctl_logask_level {
    CTL_LOGASK_BY_KEY,
    CTL_LOGASK_BY_USER,
    CTL_LOGASK_BY_ORG,
    CTL_LOGASK_BY_ROLE,
    CTL_LOGASK_BY_ROUTE,
    CTL_LOGASK_LEVELS,
};

/* How lines are read.  Zeroed but for `format`, it takes what the format has of itself. */
struct ctl_logask {
    enum ctl_logask_format format;
    enum ctl_logask_field field[CTL_LOGASK_LEVELS];
    unsigned by; /* bits of enum aps_limit_by that some limit asks for */
    struct aps_jsonread reader;
    struct aps_str role[APS_KEY_ROLES_MAX]; /* of the line at hand */
};

/* What the line is to limits. */
enum ctl_logask_part {
    CTL_LOGASK_ALL,     /* all are asked */
    CTL_LOGASK_ADDRESS, /* nobody proved who he is: those by address alone (LIM-11, LIM-12) */
    CTL_LOGASK_NOTHING, /* httpd answered before any was asked */
};

struct ctl_logask_line {
    aps_nsec at; /* wall */
    enum ctl_logask_part part;
    enum aps_method method;
    struct aps_subject who; /* borrowed from the text, the reader and the struct */
};

/* "combined", "json".  APS_ERR_FORMAT says what is accepted. */
APS_MUST_CHECK enum aps_err
ctl_logask_parse_format(struct aps_str text, enum ctl_logask_format *out, struct aps_diag *diag);

/* Begin: the format's own fields, then `fields`, each LEVEL=FIELD.  `by`: what the limits ask for;
 * a level of them that the lines do not have is APS_ERR_USAGE, and says what may stand in.
 * APS_ERR_FORMAT: a field.  Lives in `pool`. */
APS_MUST_CHECK enum aps_err ctl_logask_init(struct ctl_logask *ask, apr_pool_t *pool,
                                            enum ctl_logask_format format,
                                            const apr_array_header_t *fields, unsigned by,
                                            struct aps_diag *diag);

/* Read one.  APS_ERR_FORMAT says why it cannot be. */
APS_MUST_CHECK enum aps_err ctl_logask_read(struct ctl_logask *ask, struct aps_str text,
                                            struct ctl_logask_line *out, struct aps_diag *diag);

/* Who has the cell `i` of a limit (aps_subject_count), for people; NUL-ended and cut to fit. */
#define CTL_LOGASK_WHO_MAX 160
char *ctl_logask_print(const struct aps_limit *limit, const struct aps_subject *who, size_t i,
                       char out[CTL_LOGASK_WHO_MAX]);

#endif
