/* trial.c - the module's steps on the copy that httpd reads, with the same code (CLI-13). */
#include "trial.h"

#include <apr_strings.h>

#include "apisec/api_caller.h"
#include "apisec/num.h"
#include "apisec/path.h"
#include "apisec/query.h"

struct ctl_step *ctl_trial_step(struct ctl_trial *t, const char *name, const char *result,
                                const char *detail)
{
    struct ctl_step *step =
        &t->steps[t->nsteps < CTL_TRIAL_STEPS_MAX ? t->nsteps++ : CTL_TRIAL_STEPS_MAX - 1];

    *step = (struct ctl_step){.step = name, .result = result, .detail = detail};
    return step;
}

void ctl_trial_refuse(struct ctl_trial *t, const char *step, enum aps_reason reason,
                      const char *detail)
{
    ctl_trial_step(t, step, aps_reason_token(reason), detail);
    t->reason = reason;
}

/* ---- What is asked ---- */

static void judge_method(struct ctl_trial *t)
{
    bool never = aps_str_eq(t->asked.method, APS_STR_LIT("TRACE")) ||
                 aps_str_eq(t->asked.method, APS_STR_LIT("CONNECT"));
    enum aps_reason reason = never ? APS_REASON_METHOD_REFUSED : APS_REASON_METHOD_UNKNOWN;

    t->method = aps_method_parse(t->asked.method);
    if (t->method == APS_METHOD_NONE)
        ctl_trial_refuse(t, "method", reason, aps_reason_text(reason));
    else
        ctl_trial_step(t, "method", "ok", aps_str_copy(t->pool, t->asked.method).p);
}

/* Of the query, which is no part of what grants are matched with, one parameter is refused. */
static void judge_path(struct ctl_trial *t)
{
    struct aps_str target = t->asked.target;
    const char *query = memchr(target.p, '?', target.n);
    struct aps_str raw = {target.p, query != NULL ? (size_t)(query - target.p) : target.n};

    if (query != NULL && aps_query_has_method((struct aps_str){query + 1, target.n - raw.n - 1})) {
        ctl_trial_refuse(t, "method", APS_REASON_METHOD_OVERRIDE,
                         aps_reason_text(APS_REASON_METHOD_OVERRIDE));
        return;
    }
    if (aps_path_read(raw, apr_palloc(t->pool, raw.n + 1), &t->path, &t->path_fault))
        ctl_trial_step(t, "path", "ok", aps_str_copy(t->pool, t->path).p);
    else
        ctl_trial_refuse(t, "path", APS_REASON_PATH_AMBIGUOUS, t->path_fault);
}

/* ---- Who asks ---- */

enum aps_err ctl_trial_key(struct ctl_trial *t, struct aps_str id, struct aps_diag *diag)
{
    enum aps_err err = aps_snapshot_key(t->copy, id, t->pool, &t->key);

    if (err == APS_OK)
        err = aps_snapshot_name(t->copy, id, t->pool, &t->key.name);
    if (err == APS_ERR_NOT_FOUND)
        aps_err_explain(diag, "no key has the id \"%.*s\": see apisecctl key list for the ids",
                        APS_STR_ARG(id));
    t->has_key = err == APS_OK;
    t->secret = &t->key.secret[0];
    return err;
}

static void judge_key(struct ctl_trial *t)
{
    enum aps_reason reason =
        t->key.decoy ? APS_REASON_KEY_DECOY : aps_key_live(&t->key, t->secret, t->now);
    char until[APS_NUM_TIME_MAX];

    if (reason == APS_REASON_ALLOW)
        ctl_trial_step(t, "key", "ok",
                       apr_psprintf(t->pool, "%.*s (%.*s) is active until %s",
                                    APS_STR_ARG(t->key.id), APS_STR_ARG(t->key.name),
                                    aps_num_print_time(t->key.expires_at, false, until)));
    else
        ctl_trial_refuse(t, "key", reason, aps_reason_text(reason));
}

/* As httpd hands it to the module: in lower case, without port. */
static const char *plain_host(apr_pool_t *pool, const char *host)
{
    char *plain = apr_pstrdup(pool, host);
    size_t end = strcspn(plain, plain[0] == '[' ? "]" : ":");

    if (plain[end] == ':' || plain[end] == ']')
        plain[end + (plain[end] == ']' ? 1 : 0)] = '\0';
    for (size_t i = 0; plain[i] != '\0'; i++)
        if (plain[i] >= 'A' && plain[i] <= 'Z')
            plain[i] = (char)(plain[i] - 'A' + 'a');
    return plain;
}

/* Networks and hosts of the key, where the question names an address and a host.  What it leaves
 * open is taken as allowed, and the step says so. */
static enum aps_err judge_place(struct ctl_trial *t, struct aps_diag *diag)
{
    const char *address = t->asked.address;
    const char *host = t->asked.host;
    struct aps_key asked = t->key;
    struct aps_addr addr = {{0}};
    enum aps_reason reason;

    if (address != NULL && !aps_addr_parse(aps_str(address), &addr)) {
        aps_err_explain(diag, "--address \"%s\": want an IPv4 or IPv6 address", address);
        return APS_ERR_FORMAT;
    }
    if (address == NULL)
        asked.nnets = 0;
    if (host == NULL)
        asked.nhosts = 0;
    else
        host = plain_host(t->pool, host);
    reason = aps_key_place(&asked, &addr, aps_str(host));
    if (reason != APS_REASON_ALLOW)
        ctl_trial_refuse(t, "place", reason, aps_reason_text(reason));
    else
        ctl_trial_step(t, "place", "ok",
                       apr_psprintf(t->pool, "networks: %s; hosts: %s",
                                    t->key.nnets == 0 ? "any"
                                    : address == NULL ? "not judged without --address"
                                                      : address,
                                    t->key.nhosts == 0 ? "any"
                                    : host == NULL     ? "not judged without --host"
                                                       : host));
    return APS_OK;
}

enum aps_err ctl_trial_role(struct ctl_trial *t, struct aps_str name, struct aps_diag *diag)
{
    const struct aps_role *role = aps_rolebook_find(aps_snapshot_roles(t->copy), name);

    if (role == NULL) {
        aps_err_explain(diag, "no role \"%.*s\": see apisecctl role list", APS_STR_ARG(name));
        return APS_ERR_NOT_FOUND;
    }
    if (t->nroles == APS_KEY_ROLES_MAX) {
        aps_err_explain(diag, "more than %d roles: no caller has that many", APS_KEY_ROLES_MAX);
        return APS_ERR_RANGE;
    }
    t->roles[t->nroles++] = role;
    return APS_OK;
}

/* The key, or one that has the roles which are asked about. */
static struct aps_key caller_of(struct ctl_trial *t)
{
    struct aps_key key = t->key;
    struct aps_str *names = apr_pcalloc(t->pool, (t->nroles + 1) * sizeof *names);

    if (t->has_key)
        return key;
    for (size_t i = 0; i < t->nroles; i++)
        names[i] = aps_role_name(t->roles[i]);
    aps_str_sort(names, t->nroles);
    key.roles = names;
    key.nroles = t->nroles;
    key.scopes = t->scopes;
    key.nscopes = t->nscopes;
    return key;
}

/* What a section adds (ApiSecPlan) is not in the store. */
static void judge_plan(struct ctl_trial *t)
{
    const struct aps_planbook_choice *choice = &t->held.choice;
    const struct aps_key key = caller_of(t);
    const char *name;

    ctl_held_read(t->pool, aps_snapshot_plans(t->copy), &key, (struct aps_str){NULL, 0}, &t->held);
    name = apr_psprintf(t->pool, "%.*s, of %s", APS_STR_ARG(choice->name), t->held.source);
    if (t->held.reason != APS_REASON_ALLOW)
        ctl_trial_refuse(t, "plan", t->held.reason,
                         choice->source != APS_PLANBOOK_NONE ? name : "a limit of the key's own");
    else if (choice->source != APS_PLANBOOK_NONE)
        ctl_trial_step(t, "plan", "ok", name)->role = choice->role;
}

/* A role that a key names and the copy does not have refuses. */
static void resolve_roles(struct ctl_trial *t)
{
    const struct aps_rolebook *book = aps_snapshot_roles(t->copy);

    for (size_t i = 0; i < t->key.nroles; i++) {
        const struct aps_role *role = aps_rolebook_find(book, t->key.roles[i]);

        if (role == NULL) {
            t->lost = t->key.roles[i];
            ctl_trial_refuse(t, "roles", APS_REASON_ROLE_UNKNOWN, aps_str_copy(t->pool, t->lost).p);
            return;
        }
        t->roles[t->nroles++] = role;
    }
}

/* ---- What the roles say ---- */

/* The role that an entry of `role` was written in. */
static struct aps_str origin_of(const struct aps_role *role, const struct aps_grant *grant)
{
    size_t n;
    const struct aps_grant *all = aps_role_grants(role, &n);

    for (size_t i = 0; i < n; i++)
        if (&all[i] == grant)
            return aps_role_grant_origin(role, i);
    return aps_role_name(role);
}

static void name_rule(struct ctl_step *step, const struct aps_access *access)
{
    if (access->grant == NULL || access->role == NULL)
        return;
    step->role = aps_role_name(access->role);
    step->from = origin_of(access->role, access->grant);
    step->rule = access->grant->text;
}

static const char *access_detail(struct ctl_trial *t, const struct aps_access *access)
{
    char methods[APS_METHODS_TEXT_MAX];

    if (access->reason == APS_REASON_METHOD_NOT_GRANTED)
        return apr_psprintf(t->pool, "%s: %s", aps_reason_text(access->reason),
                            aps_methods_print(access->allow, methods));
    return aps_reason_text(access->reason);
}

static void judge_access(struct ctl_trial *t)
{
    const struct aps_rolebook *book = aps_snapshot_roles(t->copy);
    struct aps_access all = aps_access_path(book, t->roles, t->nroles, t->method, t->path);
    struct ctl_step *step;

    for (size_t i = 0; i < t->nroles; i++) {
        struct aps_access one = aps_access_path(book, &t->roles[i], 1, t->method, t->path);

        step = ctl_trial_step(t, "role", aps_reason_token(one.reason), access_detail(t, &one));
        name_rule(step, &one);
        step->role = aps_role_name(t->roles[i]);
    }
    step = ctl_trial_step(t, "access", aps_reason_token(all.reason), access_detail(t, &all));
    name_rule(step, &all);
    t->granted = all.allow;
    t->reason = all.reason;
}

/* Explaining spends nothing, and what is left of a limit is not judged. */
static void note_limits(struct ctl_trial *t)
{
    char rate[APS_NUM_RATE_MAX];

    for (size_t i = 0; i < t->held.n; i++) {
        const char *from = ctl_held_from(t->pool, &t->held, t->held.limits[i]);

        ctl_trial_step(t, "limit", "not_judged", apr_psprintf(t->pool, "of %s", from))->rule =
            t->held.limits[i]->text;
    }

    if (t->has_key && t->key.limit.rate.count != 0)
        ctl_trial_step(t, "limit", "not_judged",
                       apr_psprintf(t->pool, "the key's own limit is %s",
                                    aps_num_print_rate(t->key.limit.rate, rate)));
}

/* ---- All of it ---- */

static bool is_open(const struct ctl_trial *t)
{
    return t->reason == APS_REASON_UNDECIDED;
}

static enum aps_err judge_caller(struct ctl_trial *t, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    if (t->nobody)
        ctl_trial_refuse(t, "credential", APS_REASON_CREDENTIAL_MISSING,
                         aps_reason_text(APS_REASON_CREDENTIAL_MISSING));
    if (is_open(t) && t->has_key)
        judge_key(t);
    if (is_open(t))
        judge_plan(t);
    if (is_open(t) && t->has_key)
        resolve_roles(t);
    if (is_open(t) && t->has_key)
        err = judge_place(t, diag);
    if (err == APS_OK && is_open(t))
        note_limits(t);
    return err;
}

/* Nobody is asked for a name where neither the section nor the operation wants one. */
static enum aps_err judge_security(struct ctl_trial *t, struct aps_diag *diag)
{
    const bool asks = !aps_api_caller_is_any(t->described.match.operation);
    enum aps_err err = APS_OK;
    struct aps_key caller;

    if (t->open && asks)
        err = judge_caller(t, diag);
    if (err != APS_OK || !is_open(t))
        return err;
    caller = caller_of(t);
    ctl_described_security(t, &caller);
    return APS_OK;
}

static enum aps_err judge_described(struct ctl_trial *t, struct aps_diag *diag)
{
    enum aps_err err = ctl_described_find(t, diag);

    if (err == APS_OK && is_open(t))
        err = judge_security(t, diag);
    if (err == APS_OK && is_open(t))
        ctl_described_plan(t);
    if (err == APS_OK && is_open(t) && !t->described.unsent)
        err = ctl_described_judge(t);
    return err;
}

enum aps_err ctl_trial_judge(struct ctl_trial *t, struct aps_diag *diag)
{
    enum aps_reason passed = APS_REASON_PUBLIC;
    enum aps_err err = APS_OK;

    judge_method(t);
    if (is_open(t))
        judge_path(t);
    if (is_open(t) && !t->open)
        err = judge_caller(t, diag);
    if (err != APS_OK || !is_open(t))
        return err;
    if (!t->open) {
        judge_access(t);
        passed = t->reason;
    }
    if (t->described.name.n != 0 && aps_reason_is_pass(passed)) {
        t->reason = APS_REASON_UNDECIDED;
        err = judge_described(t, diag);
        passed = is_open(t) ? passed : t->reason;
    }
    t->reason = passed;
    return err;
}
