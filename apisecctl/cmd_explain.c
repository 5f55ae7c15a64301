/* cmd_explain.c - would this request be allowed, and by which rule?  The steps are those of the
 * module, on the copy that httpd reads, with the same code (CLI-13). */
#include <apr_strings.h>

#include "apisec/num.h"
#include "apisec/path.h"
#include "apisec/query.h"
#include "ctl.h"

/* Room for one step of each kind and two for each role. */
#define STEPS_MAX (8 + 2 * APS_KEY_ROLES_MAX)

struct step {
    const char *step;
    const char *result;
    const char *detail;
    struct aps_str role, from, rule; /* of a step that judges grants */
};

/* A request on its way through the steps; `reason` is UNDECIDED until one refuses. */
struct trial {
    struct ctl *c;
    enum aps_reason reason;
    size_t nsteps;
    struct step steps[STEPS_MAX];
    struct aps_str method_text;
    enum aps_method method;
    struct aps_str path; /* decoded */
    bool has_key;
    struct aps_key key;
    size_t nroles;
    const struct aps_role *roles[APS_KEY_ROLES_MAX];
};

static struct step *add_step(struct trial *t, const char *name, const char *result,
                             const char *detail)
{
    struct step *step = &t->steps[t->nsteps < STEPS_MAX ? t->nsteps++ : STEPS_MAX - 1];

    *step = (struct step){.step = name, .result = result, .detail = detail};
    return step;
}

static void refuse(struct trial *t, const char *step, enum aps_reason reason, const char *detail)
{
    add_step(t, step, aps_reason_token(reason), detail);
    t->reason = reason;
}

/* ---- What is asked ---- */

static enum aps_err split_request(struct trial *t, struct aps_str *out_target)
{
    struct aps_str rest = aps_str(t->c->call.arg[0]);

    if (aps_str_next(&rest, ' ', &t->method_text) && t->method_text.n > 0 && rest.n > 0 &&
        rest.p[0] == '/' && memchr(rest.p, ' ', rest.n) == NULL) {
        *out_target = rest;
        return APS_OK;
    }
    aps_err_explain(&t->c->diag, "request \"%s\": want 'METHOD PATH', such as 'GET /orders/7'",
                    t->c->call.arg[0]);
    return APS_ERR_FORMAT;
}

static void judge_method(struct trial *t)
{
    bool never = aps_str_eq(t->method_text, APS_STR_LIT("TRACE")) ||
                 aps_str_eq(t->method_text, APS_STR_LIT("CONNECT"));
    enum aps_reason reason = never ? APS_REASON_METHOD_REFUSED : APS_REASON_METHOD_UNKNOWN;

    t->method = aps_method_parse(t->method_text);
    if (t->method == APS_METHOD_NONE)
        refuse(t, "method", reason, aps_reason_text(reason));
    else
        add_step(t, "method", "ok", aps_str_copy(t->c->pool, t->method_text).p);
}

/* Of the query, which is no part of what grants are matched with, one parameter is refused. */
static void judge_path(struct trial *t, struct aps_str target)
{
    const char *query = memchr(target.p, '?', target.n);
    struct aps_str raw = {target.p, query != NULL ? (size_t)(query - target.p) : target.n};
    const char *fault = "";

    if (query != NULL && aps_query_has_method((struct aps_str){query + 1, target.n - raw.n - 1})) {
        refuse(t, "method", APS_REASON_METHOD_OVERRIDE,
               aps_reason_text(APS_REASON_METHOD_OVERRIDE));
        return;
    }
    if (aps_path_read(raw, apr_palloc(t->c->pool, raw.n + 1), &t->path, &fault))
        add_step(t, "path", "ok", aps_str_copy(t->c->pool, t->path).p);
    else
        refuse(t, "path", APS_REASON_PATH_AMBIGUOUS, fault);
}

/* ---- Who asks ---- */

static enum aps_err load_key(struct trial *t, const char *id)
{
    struct ctl *c = t->c;
    enum aps_err err = aps_snapshot_key(c->copy, aps_str(id), c->pool, &t->key);

    if (err == APS_ERR_NOT_FOUND)
        aps_err_explain(&c->diag, "no key has the id \"%s\": see apisecctl key list for the ids",
                        id);
    t->has_key = err == APS_OK;
    return err;
}

static void judge_key(struct trial *t)
{
    enum aps_reason reason = t->key.decoy ? APS_REASON_KEY_DECOY
                                          : aps_key_live(&t->key, &t->key.secret[0], t->c->now);
    char until[APS_NUM_TIME_MAX];

    if (reason == APS_REASON_ALLOW)
        add_step(t, "key", "ok",
                 apr_psprintf(t->c->pool, "%.*s (%.*s) is active until %s", APS_STR_ARG(t->key.id),
                              APS_STR_ARG(t->key.name),
                              aps_num_print_time(t->key.expires_at, false, until)));
    else
        refuse(t, "key", reason, aps_reason_text(reason));
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
static enum aps_err judge_place(struct trial *t)
{
    const char *address = ctl_command_value(&t->c->call, CTL_OPT_ADDRESS);
    const char *host = ctl_command_value(&t->c->call, CTL_OPT_HOST);
    struct aps_key asked = t->key;
    struct aps_addr addr = {{0}};
    enum aps_reason reason;

    if (address != NULL && !aps_addr_parse(aps_str(address), &addr)) {
        aps_err_explain(&t->c->diag, "--address \"%s\": want an IPv4 or IPv6 address", address);
        return APS_ERR_FORMAT;
    }
    if (address == NULL)
        asked.nnets = 0;
    if (host == NULL)
        asked.nhosts = 0;
    else
        host = plain_host(t->c->pool, host);
    reason = aps_key_place(&asked, &addr, aps_str(host));
    if (reason != APS_REASON_ALLOW)
        refuse(t, "place", reason, aps_reason_text(reason));
    else
        add_step(t, "place", "ok",
                 apr_psprintf(t->c->pool, "networks: %s; hosts: %s",
                              t->key.nnets == 0 ? "any"
                              : address == NULL ? "not judged without --address"
                                                : address,
                              t->key.nhosts == 0 ? "any"
                              : host == NULL     ? "not judged without --host"
                                                 : host));
    return APS_OK;
}

/* A role that a key names and the copy does not have refuses; one that the question names is a
 * mistake of the question. */
static enum aps_err add_role(struct trial *t, struct aps_str name)
{
    const struct aps_role *role = aps_rolebook_find(aps_snapshot_roles(t->c->copy), name);

    if (role == NULL && t->has_key) {
        refuse(t, "roles", APS_REASON_ROLE_UNKNOWN, aps_str_copy(t->c->pool, name).p);
        return APS_OK;
    }
    if (role == NULL) {
        aps_err_explain(&t->c->diag, "no role \"%.*s\": see apisecctl role list",
                        APS_STR_ARG(name));
        return APS_ERR_NOT_FOUND;
    }
    if (t->nroles == APS_KEY_ROLES_MAX) {
        aps_err_explain(&t->c->diag, "more than %d roles: no caller has that many",
                        APS_KEY_ROLES_MAX);
        return APS_ERR_RANGE;
    }
    t->roles[t->nroles++] = role;
    return APS_OK;
}

static enum aps_err add_asked_roles(struct trial *t)
{
    const apr_array_header_t *values = t->c->call.values[CTL_OPT_ROLE];
    enum aps_err err = APS_OK;

    for (int i = 0; i < values->nelts; i++) {
        struct aps_str rest = aps_str(APR_ARRAY_IDX(values, i, const char *));
        struct aps_str name;

        while (err == APS_OK && aps_str_next(&rest, ',', &name))
            err = add_role(t, name);
    }
    return err;
}

static enum aps_err add_key_roles(struct trial *t)
{
    enum aps_err err = APS_OK;

    for (size_t i = 0; i < t->key.nroles && t->reason == APS_REASON_UNDECIDED && err == APS_OK; i++)
        err = add_role(t, t->key.roles[i]);
    return err;
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

static void name_rule(struct step *step, const struct aps_access *access)
{
    if (access->grant == NULL || access->role == NULL)
        return;
    step->role = aps_role_name(access->role);
    step->from = origin_of(access->role, access->grant);
    step->rule = access->grant->text;
}

static const char *access_detail(struct trial *t, const struct aps_access *access)
{
    char methods[APS_METHODS_TEXT_MAX];

    if (access->reason == APS_REASON_METHOD_NOT_GRANTED)
        return apr_psprintf(t->c->pool, "%s: %s", aps_reason_text(access->reason),
                            aps_methods_print(access->allow, methods));
    return aps_reason_text(access->reason);
}

static void judge_access(struct trial *t)
{
    const struct aps_rolebook *book = aps_snapshot_roles(t->c->copy);
    struct aps_access all = aps_access_path(book, t->roles, t->nroles, t->method, t->path);
    struct step *step;

    for (size_t i = 0; i < t->nroles; i++) {
        struct aps_access one = aps_access_path(book, &t->roles[i], 1, t->method, t->path);

        step = add_step(t, "role", aps_reason_token(one.reason), access_detail(t, &one));
        name_rule(step, &one);
        step->role = aps_role_name(t->roles[i]);
    }
    step = add_step(t, "access", aps_reason_token(all.reason), access_detail(t, &all));
    name_rule(step, &all);
    t->reason = all.reason;
}

/* Explaining spends nothing, and what is left of a limit is not judged. */
static void note_limit(struct trial *t)
{
    char rate[APS_NUM_RATE_MAX];

    if (t->has_key && t->key.limit.rate.count != 0)
        add_step(t, "limit", "not_judged",
                 apr_psprintf(t->c->pool, "the key's own limit is %s",
                              aps_num_print_rate(t->key.limit.rate, rate)));
}

/* ---- The answer ---- */

static void show(struct trial *t)
{
    struct ctl_out *out = t->c->out;
    bool pass = aps_reason_is_pass(t->reason);

    ctl_output_row(out);
    ctl_output_str(out, "decision", aps_str(pass ? "allow" : "refuse"));
    ctl_output_str(out, "reason", aps_str(aps_reason_token(t->reason)));
    ctl_output_u64(out, "status", (uint64_t)aps_reason_status(t->reason));
    ctl_output_u64(out, "generation", aps_snapshot_generation(t->c->copy));
    ctl_output_table(out, "steps", "step result role rule from detail");
    for (size_t i = 0; i < t->nsteps; i++) {
        const struct step *step = &t->steps[i];

        ctl_output_row(out);
        ctl_output_str(out, "step", aps_str(step->step));
        ctl_output_str(out, "result", aps_str(step->result));
        ctl_output_str(out, "role", step->role);
        ctl_output_str(out, "rule", step->rule);
        ctl_output_str(out, "from", step->from);
        ctl_output_str(out, "detail", aps_str(step->detail));
        ctl_output_end(out);
    }
    ctl_output_end(out);
    ctl_output_end(out);
}

static bool is_open(const struct trial *t)
{
    return t->reason == APS_REASON_UNDECIDED;
}

/* The steps in the module's order; the first that refuses is the last. */
static enum aps_err judge(struct trial *t, struct aps_str target)
{
    enum aps_err err = APS_OK;

    judge_method(t);
    if (is_open(t))
        judge_path(t, target);
    if (is_open(t) && t->has_key)
        judge_key(t);
    if (is_open(t) && t->has_key)
        err = add_key_roles(t);
    if (err == APS_OK && is_open(t) && t->has_key)
        err = judge_place(t);
    if (err != APS_OK || !is_open(t))
        return err;
    note_limit(t);
    judge_access(t);
    return APS_OK;
}

enum aps_err ctl_explain(struct ctl *c)
{
    const char *id = ctl_command_value(&c->call, CTL_OPT_KEY_ID);
    struct trial *t = apr_pcalloc(c->pool, sizeof *t);
    struct aps_str target;
    enum aps_err err;

    t->c = c;
    if ((err = split_request(t, &target)) != APS_OK ||
        (err = id != NULL ? load_key(t, id) : add_asked_roles(t)) != APS_OK ||
        (err = judge(t, target)) != APS_OK)
        return err;
    show(t);
    return aps_reason_is_pass(t->reason) ? APS_OK : APS_ERR_CHECK;
}
