/* described.h - what a description of the store says of a trial's request: the steps of a section
 * that is an API (ApiSecApi), with the code that the module judges by. */
#ifndef APISECCTL_DESCRIBED_H
#define APISECCTL_DESCRIBED_H

#include "apisec/api.h"
#include "apisec/key.h"
#include "apisec/param.h"

struct ctl;
struct ctl_trial;

struct ctl_described {
    /* The section. */
    struct aps_str name; /* of the API; empty: it is none */
    struct aps_str at;   /* where the description's paths begin; empty: at / */
    bool undeclared;     /* what nobody declares passes */

    /* What the request brings. */
    bool unsent; /* its query, fields and content are not known, and not judged */
    const struct aps_param_field *fields;
    uint32_t fields_n;
    struct aps_str body; /* decoded; no bytes: none was sent */
    bool over;           /* there is more of it than a section holds */

    /* What came of it. */
    const struct aps_api *api;
    struct aps_api_match match; /* where the path is one of the description */
    struct aps_str failures;    /* as failures.h has them; empty: none */
};

/* The section and the request as options of the command say them, into `out`; c->pool.  USAGE: what
 * needs --api and has none; FORMAT; NOT_FOUND, the file. */
APS_MUST_CHECK enum aps_err ctl_described_options(struct ctl *c, struct ctl_described *out);

/* The steps, in the module's order; each may refuse the trial.  NOT_FOUND and others: the copy has
 * no such API, or it cannot be used. */
APS_MUST_CHECK enum aps_err ctl_described_find(struct ctl_trial *t, struct aps_diag *diag);
void ctl_described_security(struct ctl_trial *t, const struct aps_key *caller);
void ctl_described_plan(struct ctl_trial *t);
APS_MUST_CHECK enum aps_err ctl_described_judge(struct ctl_trial *t);

/* "getOrder (GET /orders/{id})", or the pattern alone of one without a name. */
const char *ctl_described_operation(apr_pool_t *pool, const struct aps_api_operation *operation);
/* An alternative of `security`: "login orders:write + key". */
const char *ctl_described_way(apr_pool_t *pool, const struct aps_api_way *way);

/* The failures, a field of the document's row. */
void ctl_described_print(struct ctl *c, const struct ctl_described *d);

#endif
