/* sanitize.c - which fields change, and the text around them. */
#include "apisec/sanitize.h"

#include "sanitize_impl.h"

static const struct {
    const char *name;
    unsigned action;
} actions[] = {{"nfc", APS_SANITIZE_NFC},
               {"strip-markup", APS_SANITIZE_STRIP},
               {"trim", APS_SANITIZE_TRIM},
               {"html-escape", APS_SANITIZE_ESCAPE}};

struct aps_sanitize *aps_sanitize_new(apr_pool_t *pool)
{
    struct aps_sanitize *rules = apr_pcalloc(pool, sizeof *rules);

    if (rules != NULL)
        rules->pool = pool;
    return rules;
}

unsigned aps_sanitize_action(struct aps_str name)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (aps_str_eq(name, aps_str(actions[i].name)))
            return actions[i].action;
    return 0;
}

static enum aps_err refuse(enum aps_err err, struct aps_str pointer, const char *why,
                           struct aps_diag *diag)
{
    aps_err_explain(diag, "field \"%.*s\": %s", APS_STR_SHOW(pointer), why);
    return err;
}

/* RFC 6901 3: ~0 is ~, ~1 is /. */
static enum aps_err unescape(apr_pool_t *pool, struct aps_str step, struct aps_str *out)
{
    char *p = apr_palloc(pool, step.n + 1);
    size_t n = 0;

    if (p == NULL)
        return APS_ERR_NOMEM;
    for (size_t i = 0; i < step.n; i++) {
        char c = step.p[i];

        if (c == '~') {
            if (++i == step.n || (step.p[i] != '0' && step.p[i] != '1'))
                return APS_ERR_FORMAT;
            c = step.p[i] == '0' ? '~' : '/';
        }
        p[n++] = c;
    }
    *out = (struct aps_str){p, n};
    return APS_OK;
}

enum aps_err aps_sanitize_add(struct aps_sanitize *rules, struct aps_str pointer, unsigned what,
                              struct aps_diag *diag)
{
    struct aps_sanitize_rule *rule = &rules->rules[rules->n];
    struct aps_sanitize_step *steps;
    struct aps_str rest = pointer;
    size_t count = 0;
    enum aps_err err;

    if (rules->n == APS_SANITIZE_RULES_MAX)
        return refuse(APS_ERR_RANGE, pointer, "more than 64 of them", diag);
    if (pointer.n != 0 && pointer.p[0] != '/')
        return refuse(APS_ERR_FORMAT, pointer, "want a pointer such as /items/*/title", diag);
    for (size_t i = 0; i < pointer.n; i++)
        count += pointer.p[i] == '/';
    if (count > APS_SANITIZE_STEPS_MAX)
        return refuse(APS_ERR_RANGE, pointer, "more than 16 steps", diag);
    if ((steps = apr_palloc(rules->pool, (count + 1) * sizeof *steps)) == NULL)
        return APS_ERR_NOMEM;
    for (rule->n = 0; rest.n != 0; rule->n++) {
        size_t n = 1;

        while (n < rest.n && rest.p[n] != '/')
            n++;
        struct aps_sanitize_step *step = &steps[rule->n];
        err = unescape(rules->pool, (struct aps_str){rest.p + 1, n - 1}, &step->name);
        if (err != APS_OK)
            return refuse(err, pointer, "behind ~ want 0 or 1", diag);
        step->any = n == 2 && rest.p[1] == '*';
        rest = (struct aps_str){rest.p + n, rest.n - n};
    }
    rule->steps = steps;
    rule->actions = what;
    rules->n++;
    return APS_OK;
}

uint64_t aps_sanitize_all(const struct aps_sanitize *rules)
{
    return rules->n == 64 ? UINT64_MAX : (UINT64_C(1) << rules->n) - 1;
}

uint64_t aps_sanitize_narrow(const struct aps_sanitize *rules, uint64_t set, uint32_t at,
                             struct aps_str name)
{
    uint64_t left = 0;

    for (uint64_t rest = set; rest != 0; rest &= rest - 1) {
        const struct aps_sanitize_rule *rule = &rules->rules[__builtin_ctzll(rest)];

        if (at < rule->n && (rule->steps[at].any || aps_str_eq(rule->steps[at].name, name)))
            left |= rest & -rest;
    }
    return left;
}

unsigned aps_sanitize_actions(const struct aps_sanitize *rules, uint64_t set, uint32_t n)
{
    unsigned all = 0;

    for (; set != 0; set &= set - 1)
        if (rules->rules[__builtin_ctzll(set)].n == n)
            all |= rules->rules[__builtin_ctzll(set)].actions;
    return all;
}

void aps_sanitize_begin(struct aps_sanitize_run *run, const struct aps_sanitize *rules,
                        struct aps_str text, apr_pool_t *pool, size_t max,
                        struct aps_sanitize_result *result)
{
    *run = (struct aps_sanitize_run){.rules = rules, .text = text, .result = result};
    *result = (struct aps_sanitize_result){.text = text};
    aps_buf_init(&run->out, pool, max);
    for (int i = 0; i < 2; i++)
        aps_buf_init(&run->work[i], pool, max < SIZE_MAX / 3 ? max * 3 : max);
}

void aps_sanitize_copy(struct aps_sanitize_run *run, size_t to, size_t from)
{
    aps_buf_add(&run->out, (struct aps_str){run->text.p + run->from, to - run->from});
    run->from = from;
}

void aps_sanitize_note(struct aps_sanitize_run *run, struct aps_str pointer)
{
    struct aps_sanitize_result *result = run->result;

    if (result->shown < APS_SANITIZE_SHOWN_MAX)
        result->pointers[result->shown++] = aps_str_copy(run->out.pool, pointer);
    result->changed++;
}

enum aps_err aps_sanitize_end(struct aps_sanitize_run *run)
{
    if (run->result->changed == 0)
        return APS_OK;
    aps_sanitize_copy(run, run->text.n, run->text.n);
    run->result->text = aps_buf_text(&run->out);
    return run->out.full ? APS_ERR_RANGE : APS_OK;
}
