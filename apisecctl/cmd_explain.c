/* cmd_explain.c - would this request be allowed, by which rule, and what would change that? */
#include <apr_strings.h>

#include "apisec/num.h"
#include "ctl.h"
#include "remedy.h"
#include "replay.h"
#include "trial.h"
#include "use.h"

static enum aps_err split_request(struct ctl *c, struct ctl_question *out)
{
    struct aps_str rest = aps_str(c->call.arg[0]);

    if (aps_str_next(&rest, ' ', &out->method) && out->method.n > 0 && rest.n > 0 &&
        rest.p[0] == '/' && memchr(rest.p, ' ', rest.n) == NULL) {
        out->target = rest;
        return APS_OK;
    }
    aps_err_explain(&c->diag, "request \"%s\": want 'METHOD PATH', such as 'GET /orders/7'",
                    c->call.arg[0]);
    return APS_ERR_FORMAT;
}

static enum aps_err add_roles(struct ctl *c, struct ctl_trial *t)
{
    const apr_array_header_t *values = c->call.values[CTL_OPT_ROLE];
    enum aps_err err = APS_OK;

    for (int i = 0; values != NULL && i < values->nelts; i++) {
        struct aps_str rest = aps_str(APR_ARRAY_IDX(values, i, const char *));
        struct aps_str name;

        while (err == APS_OK && aps_str_next(&rest, ',', &name))
            err = ctl_trial_role(t, name, &c->diag);
    }
    return err;
}

/* Scopes come with a token, whose caller is known here by roles alone. */
static void add_scopes(struct ctl *c, struct ctl_trial *t)
{
    const apr_array_header_t *values = c->call.values[CTL_OPT_SCOPE];
    struct aps_str *scopes;

    if (values == NULL)
        return;
    scopes = apr_palloc(c->pool, (size_t)values->nelts * sizeof *scopes);
    for (int i = 0; i < values->nelts; i++)
        scopes[i] = aps_str(APR_ARRAY_IDX(values, i, const char *));
    t->scopes = scopes;
    t->nscopes = (size_t)values->nelts;
}

static void show_changes(struct ctl *c, const struct ctl_trial *t)
{
    const apr_array_header_t *all = ctl_remedy_find(t, c->place.given);

    ctl_output_block(c->out, "changes", "what would change it", "what command");
    for (int i = 0; i < all->nelts; i++) {
        const struct ctl_remedy *one = &APR_ARRAY_IDX(all, i, struct ctl_remedy);

        ctl_output_row(c->out);
        ctl_output_str(c->out, "what", aps_str(one->what));
        ctl_output_str(c->out, "command", aps_str(one->command));
        ctl_output_end(c->out);
    }
    ctl_output_end(c->out);
}

/* Until when the secret before the newest one works too, which callers may still have. */
static void show_old(struct ctl *c, const struct ctl_trial *t)
{
    aps_nsec until = ctl_use_old_until(c, &t->key);
    char grace[APS_NUM_DURATION_MAX];

    ctl_output_time(c->out, "old_valid_until", until);
    ctl_output_str(c->out, "old_ends_after_first_use",
                   aps_str(until != 0 && t->key.secret[1].grace != 0
                               ? aps_num_print_duration(t->key.secret[1].grace, grace)
                               : NULL));
}

static void show(struct ctl *c, const struct ctl_trial *t)
{
    struct ctl_out *out = c->out;
    bool pass = aps_reason_is_pass(t->reason);

    ctl_output_row(out);
    ctl_output_str(out, "decision", aps_str(pass ? "allow" : "refuse"));
    ctl_output_str(out, "reason", aps_str(aps_reason_token(t->reason)));
    ctl_output_u64(out, "status", (uint64_t)aps_reason_status(t->reason));
    ctl_output_u64(out, "generation", aps_snapshot_generation(t->copy));
    if (t->has_key)
        show_old(c, t);
    ctl_output_table(out, "steps", "step result role rule from detail");
    for (size_t i = 0; i < t->nsteps; i++) {
        const struct ctl_step *step = &t->steps[i];

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
    if (t->described.name.n != 0)
        ctl_described_print(c, &t->described);
    show_changes(c, t);
    ctl_output_end(out);
}

static bool is_given(const struct ctl *c, enum ctl_opt opt)
{
    return c->call.values[opt] != NULL;
}

/* The section asks for nobody itself. */
static bool is_open(const struct ctl *c)
{
    const char *word = ctl_command_value(&c->call, CTL_OPT_REQUIRE);

    return word != NULL && strcmp(word, "public") == 0;
}

static enum aps_err check_options(struct ctl *c)
{
    const char *word = ctl_command_value(&c->call, CTL_OPT_REQUIRE);

    if (word != NULL && !is_open(c) && strcmp(word, "api-access") != 0) {
        aps_err_explain(&c->diag, "--require \"%s\": want api-access or public", word);
        return APS_ERR_FORMAT;
    }
    if (is_given(c, CTL_OPT_SCOPE) && !is_given(c, CTL_OPT_ROLE)) {
        aps_err_explain(&c->diag, "--scope is of a caller that --role tells: a key has its own");
        return APS_ERR_USAGE;
    }
    return APS_OK;
}

/* --log has its questions in the lines; else one is asked. */
static enum aps_err check_words(struct ctl *c)
{
    static const enum ctl_opt of_one[] = {CTL_OPT_HOST, CTL_OPT_ADDRESS, CTL_OPT_FIELD,
                                          CTL_OPT_BODY, CTL_OPT_UNDECLARED};
    const bool log = is_given(c, CTL_OPT_LOG);
    bool asked = c->call.nargs > 0;

    for (size_t i = 0; i < sizeof of_one / sizeof *of_one; i++)
        asked = asked || is_given(c, of_one[i]);
    if (log && asked) {
        aps_err_explain(&c->diag,
                        "--log takes requests, hosts and addresses from the lines: want beside it "
                        "none of 'METHOD PATH', --host, --address, --field, --body and "
                        "--undeclared");
        return APS_ERR_USAGE;
    }
    if (!log && c->call.nargs == 0) {
        aps_err_explain(&c->diag, "a request is missing: want 'METHOD PATH', such as "
                                  "'GET /orders/7', or --log FILE");
        return APS_ERR_USAGE;
    }
    return check_options(c);
}

static enum aps_err set_caller(struct ctl *c, struct ctl_trial *t)
{
    const char *id = ctl_command_value(&c->call, CTL_OPT_KEY_ID);

    t->open = is_open(c);
    t->nobody = is_given(c, CTL_OPT_NOBODY);
    if (id != NULL)
        return ctl_trial_key(t, aps_str(id), &c->diag);
    add_scopes(c, t);
    return add_roles(c, t);
}

enum aps_err ctl_explain(struct ctl *c)
{
    struct ctl_trial *t = apr_pcalloc(c->pool, sizeof *t);
    enum aps_err err;

    if ((err = check_words(c)) != APS_OK ||
        (err = ctl_described_options(c, &t->described)) != APS_OK)
        return err;
    if (is_given(c, CTL_OPT_LOG))
        return ctl_replay(c, ctl_command_value(&c->call, CTL_OPT_LOG), &t->described, is_open(c));
    t->pool = c->pool;
    t->copy = c->copy;
    t->now = c->now;
    t->asked.address = ctl_command_value(&c->call, CTL_OPT_ADDRESS);
    t->asked.host = ctl_command_value(&c->call, CTL_OPT_HOST);
    if ((err = ctl_use_open(c)) != APS_OK || (err = split_request(c, &t->asked)) != APS_OK ||
        (err = set_caller(c, t)) != APS_OK || (err = ctl_trial_judge(t, &c->diag)) != APS_OK)
        return err;
    show(c, t);
    return aps_reason_is_pass(t->reason) ? APS_OK : APS_ERR_CHECK;
}
