/* trial.h - one request, judged with the published copy step by step, as the module does.
 *
 * A trial is filled in (the question, then the key or the roles) and judged once.  It spends
 * nothing and asks no clock. */
#ifndef APISECCTL_TRIAL_H
#define APISECCTL_TRIAL_H

#include "apisec/snapshot.h"
#include "described.h"
#include "held.h"

#define CTL_TRIAL_WAYS_MAX 32 /* alternatives of an operation's security that are shown */

/* Room for one step of each kind, two for each role, and one for each limit, of the caller and of
 * an operation, and for each alternative. */
#define CTL_TRIAL_STEPS_MAX                                                                        \
    (16 + 2 * APS_KEY_ROLES_MAX + 2 * APS_PLANBOOK_HELD_MAX + CTL_TRIAL_WAYS_MAX)

struct ctl_step {
    const char *step;
    const char *result;
    const char *detail;
    struct aps_str role, from, rule; /* of a step that judges grants */
};

/* What is asked.  NULL: the key's networks, or its hosts, are not judged. */
struct ctl_question {
    struct aps_str method;
    struct aps_str target; /* path and query, as a client sends them */
    const char *address;
    const char *host;
};

struct ctl_trial {
    apr_pool_t *pool;
    struct aps_snapshot *copy;
    aps_nsec now;
    struct ctl_question asked;
    bool open;   /* the section asks for nobody (ApiSecRequire public), and an API may */
    bool nobody; /* who asks has shown no credential */
    bool has_key;
    struct aps_key key;
    const struct aps_key_secret *secret; /* the version that is taken as proved */
    size_t nroles;
    const struct aps_role *roles[APS_KEY_ROLES_MAX];
    const struct aps_str *scopes; /* of who is known by roles alone */
    size_t nscopes;
    struct ctl_described described;

    /* What came of it. */
    enum aps_reason reason; /* UNDECIDED until a step refuses or the last one is done */
    enum aps_method method;
    struct aps_str path;    /* decoded */
    const char *path_fault; /* of PATH_AMBIGUOUS: a literal of path.h */
    struct aps_str lost;    /* of ROLE_UNKNOWN: the role */
    struct ctl_held held;   /* the caller's limits, where it came so far */
    unsigned granted;       /* of METHOD_NOT_GRANTED: the methods that are */
    size_t nsteps;
    struct ctl_step steps[CTL_TRIAL_STEPS_MAX];
};

/* Let the key with this id ask.  NOT_FOUND, or what aps_snapshot_key says. */
APS_MUST_CHECK enum aps_err ctl_trial_key(struct ctl_trial *t, struct aps_str id,
                                          struct aps_diag *diag);

/* Let a caller with this role ask, besides those named before.  NOT_FOUND, or RANGE for more than
 * a key can have. */
APS_MUST_CHECK enum aps_err ctl_trial_role(struct ctl_trial *t, struct aps_str name,
                                           struct aps_diag *diag);

/* For those who make steps: one more, whose other texts may be set; the one that refuses. */
struct ctl_step *ctl_trial_step(struct ctl_trial *t, const char *name, const char *result,
                                const char *detail);
void ctl_trial_refuse(struct ctl_trial *t, const char *step, enum aps_reason reason,
                      const char *detail);

/* The steps in the module's order; the first that refuses is the last.  FORMAT: the address; else
 * what ctl_described_find says. */
APS_MUST_CHECK enum aps_err ctl_trial_judge(struct ctl_trial *t, struct aps_diag *diag);

#endif
