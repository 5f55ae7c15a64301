/* doctor.h - findings of apisecctl doctor, by the rows of doctor.def.
 *
 * Checks only look.  What can be found of a million keys is one finding with a count and its first
 * examples, so that memory stays bounded. */
#ifndef APISECCTL_DOCTOR_H
#define APISECCTL_DOCTOR_H

#include "ctl.h"

enum ctl_doctor_severity {
    CTL_DOCTOR_OK,
    CTL_DOCTOR_INFO,
    CTL_DOCTOR_WARNING,
    CTL_DOCTOR_ERROR,
    CTL_DOCTOR_SEVERITIES,
};

enum ctl_doctor_id {
#define F(name, id, severity, many, text, mend) CTL_DOCTOR_##name,
#include "doctor.def"
#undef F
    CTL_DOCTOR_COUNT
};

#define CTL_DOCTOR_EXAMPLES 10
#define CTL_DOCTOR_SOON (14 * APS_DAY)

struct ctl_doctor_finding {
    const char *id;
    enum ctl_doctor_severity severity;
    uint64_t count;
    size_t n; /* examples */
    const char *example[CTL_DOCTOR_EXAMPLES];
    const char *reason;
    const char *mend;
};

/* The account of httpd's children. */
struct ctl_doctor_account {
    const char *name; /* NULL: unknown */
    uid_t uid;
    gid_t gid;
};

struct ctl_doctor {
    struct ctl *c;
    apr_array_header_t *findings;   /* of struct ctl_doctor_finding */
    bool checked[CTL_DOCTOR_COUNT]; /* it was looked at */
    int first[CTL_DOCTOR_COUNT];    /* of a MANY: its place in `findings`, from 1; 0: none */
    apr_hash_t *folders;            /* those that were judged */
    struct ctl_doctor_account account;
    bool has_master;    /* c->master was loaded */
    uint64_t published; /* generation of the copy; 0: unknown */
    uint64_t tag;       /* of the store in the state file; 0: unknown */
};

/* Where and what; each may be NULL. */
struct ctl_doctor_at {
    const char *path;
    const char *name;
    const char *value; /* quoted, unless the row's command is "{value}" alone */
};

void ctl_doctor_init(struct ctl_doctor *d, struct ctl *c);

/* The check of this row was made: where nothing was found it is well. */
void ctl_doctor_checked(struct ctl_doctor *d, enum ctl_doctor_id id);

/* Something was found.  The sentence says what; of a MANY that of the first. */
void ctl_doctor_find(struct ctl_doctor *d, enum ctl_doctor_id id, const struct ctl_doctor_at *at,
                     const char *fmt, ...) APS_PRINTF(4, 5);

/* Something could not be looked at, and `mend` is what makes it possible. */
void ctl_doctor_unchecked(struct ctl_doctor *d, const char *what, const char *why,
                          const char *mend);

/* Something that httpd itself found, in its own words. */
void ctl_doctor_report(struct ctl_doctor *d, enum ctl_doctor_severity severity, const char *id,
                       const char *reason, const char *mend);

/* The document; *out_worst is the worst of what was found. */
void ctl_doctor_print(struct ctl_doctor *d, enum ctl_doctor_severity *out_worst);

/* Numbers of a duration for a sentence: "3 days". */
const char *ctl_doctor_days(apr_pool_t *pool, aps_nsec duration);

#endif
