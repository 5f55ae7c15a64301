/* preview.c - whom a change of a plan would refuse at once, by what is counted now. */
#include "preview.h"

#include <apr_strings.h>

#include "apisec/num.h"
#include "figure.h"

#define PAGE 1000
#define MAX 1000000

/* A limit that the change makes, or makes different. */
struct changed {
    const struct aps_limit *limit, *before; /* NULL: it is new */
};

/* A caller with nothing left. */
struct over {
    struct aps_str key, name, limit;
    struct ctl_figure figure, before;
    bool has_before;
};

struct preview {
    struct ctl *c;
    struct aps_str plan;
    struct aps_planbook *book; /* as it would be */
    struct ctl_figures figures;
    size_t n;
    struct changed changed[APS_PLAN_LIMITS_MAX];
    apr_array_header_t *dropped; /* of const struct aps_limit * */
    apr_array_header_t *over;    /* of struct over */
    uint64_t left;               /* of --max */
    uint64_t keys, keys_over, keys_over_now;
    struct aps_str last; /* id of the key that was looked at last */
    bool more;
};

static const char *option(const struct ctl *c, enum ctl_opt opt)
{
    return ctl_command_value(&c->call, opt);
}

enum aps_err ctl_preview_check(struct ctl *c)
{
    if (c->call.values[CTL_OPT_PREVIEW] != NULL ||
        (option(c, CTL_OPT_AFTER) == NULL && option(c, CTL_OPT_MAX) == NULL))
        return APS_OK;
    aps_err_explain(&c->diag, "%s is for --preview, which is not given",
                    option(c, CTL_OPT_MAX) != NULL ? "--max" : "--after");
    return APS_ERR_USAGE;
}

static enum aps_err read_max(struct preview *p)
{
    const char *text = option(p->c, CTL_OPT_MAX);

    p->left = UINT64_MAX;
    if (text == NULL || aps_num_parse(aps_str(text), 1, MAX, &p->left, NULL) == APS_OK)
        return APS_OK;
    aps_err_explain(&p->c->diag, "--max \"%s\": want 1 to %d", text, MAX);
    return APS_ERR_RANGE;
}

/* ---- What changes ---- */

static const struct aps_limit *find(const struct aps_plan *plan, struct aps_str name)
{
    for (size_t i = 0; plan != NULL && i < plan->n; i++)
        if (aps_str_eq(plan->limits[i]->name, name))
            return plan->limits[i];
    return NULL;
}

static void compare(struct preview *p, const struct aps_planbook *before)
{
    const struct aps_plan *then = aps_planbook_find(before, p->plan);
    const struct aps_plan *now = aps_planbook_find(p->book, p->plan);

    for (size_t i = 0; now != NULL && i < now->n; i++) {
        const struct aps_limit *was = find(then, now->limits[i]->name);

        if (was == NULL || !aps_str_eq(was->text, now->limits[i]->text))
            p->changed[p->n++] = (struct changed){now->limits[i], was};
    }
    for (size_t i = 0; then != NULL && i < then->n; i++)
        if (find(now, then->limits[i]->name) == NULL)
            APR_ARRAY_PUSH(p->dropped, const struct aps_limit *) = then->limits[i];
}

/* Nothing can be written any more, and nobody waits for a lock while keys are looked at. */
static enum aps_err let_go(struct ctl *c)
{
    const struct aps_store_open how = {
        .dir = c->place.store,
        .master = &c->master,
        .mode = APS_STORE_READ,
        .now = c->now,
        .actor = &c->actor,
    };

    aps_store_close(c->store);
    c->store = NULL;
    return aps_store_open(&how, &c->store, &c->diag);
}

static enum aps_err begin(struct preview *p, const struct aps_store_plan_change *change)
{
    struct ctl *c = p->c;
    struct aps_planbook *before;
    enum aps_err err;

    if ((err = read_max(p)) != APS_OK ||
        (err = aps_store_plan_book(c->store, c->pool, &before, &c->diag)) != APS_OK ||
        (err = aps_store_plan_set(c->store, p->plan, change, &c->diag)) != APS_OK ||
        (err = aps_store_plan_book(c->store, c->pool, &p->book, &c->diag)) != APS_OK)
        return err;
    compare(p, before);
    if ((err = let_go(c)) != APS_OK)
        return err;
    return ctl_figures_open(c, &p->figures);
}

/* ---- Keys ---- */

static bool is_told(const struct aps_limit *limit)
{
    return (limit->by & (APS_LIMIT_BY_ROUTE | APS_LIMIT_BY_IP)) == 0 &&
           (limit->by & APS_LIMIT_BY_CALLER) != 0;
}

/* The meter that `meter` takes the place of; NULL: there is none, or it counted other callers. */
static const struct aps_limit_meter *find_meter(const struct changed *changed,
                                                const struct aps_limit_meter *meter)
{
    const struct aps_limit *was = changed->before;

    for (size_t i = 0; was != NULL && was->by == changed->limit->by && i < was->n; i++) {
        const struct aps_limit_meter *one = &was->meter[i];
        bool only = was->n == 1 && changed->limit->n == 1;

        if (one->kind == meter->kind &&
            (only || (one->period == meter->period && one->of == meter->of)))
            return one;
    }
    return NULL;
}

static enum aps_err read_before(struct preview *p, const struct changed *changed, size_t k,
                                const struct aps_key *key, struct over *out)
{
    const struct aps_limit_meter *meter = find_meter(changed, &changed->limit->meter[k]);

    out->has_before = meter != NULL;
    return meter != NULL ? ctl_figures_read(&p->figures, changed->before,
                                            (size_t)(meter - changed->before->meter), key, 0,
                                            &out->before, &p->c->diag)
                         : APS_OK;
}

static enum aps_err judge(struct preview *p, const struct changed *changed, size_t k,
                          const struct aps_key *key, bool *is_over, bool *is_over_now)
{
    struct over row = {.limit = changed->limit->meter[k].name};
    enum aps_err err =
        ctl_figures_read(&p->figures, changed->limit, k, key, 0, &row.figure, &p->c->diag);

    if (err != APS_OK || !row.figure.counted || row.figure.left != 0)
        return err;
    if ((err = read_before(p, changed, k, key, &row)) != APS_OK)
        return err;
    row.key = aps_str_copy(p->c->pool, key->id);
    row.name = aps_str_copy(p->c->pool, key->name);
    APR_ARRAY_PUSH(p->over, struct over) = row;
    *is_over = true;
    *is_over_now |= row.has_before && row.before.left == 0;
    return APS_OK;
}

static bool holds(const struct aps_limit *const *limits, size_t n, const struct aps_limit *limit)
{
    for (size_t i = 0; i < n; i++)
        if (limits[i] == limit)
            return true;
    return false; /* an override stands in its place */
}

static enum aps_err look(void *to, const struct aps_key *key, const struct aps_limit *const *limits,
                         size_t n)
{
    struct preview *p = to;
    bool is_over = false, is_over_now = false;
    enum aps_err err = APS_OK;

    p->keys++;
    p->last = aps_str_copy(p->c->pool, key->id);
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; err == APS_OK && k < p->changed[i].limit->n; k++)
            if (is_told(p->changed[i].limit) && holds(limits, n, p->changed[i].limit))
                err = judge(p, &p->changed[i], k, key, &is_over, &is_over_now);
    p->keys_over += is_over;
    p->keys_over_now += is_over_now;
    return err;
}

static enum aps_err walk(struct preview *p)
{
    enum aps_err err = APS_OK;

    p->last = aps_str(option(p->c, CTL_OPT_AFTER));
    do {
        uint64_t max = p->left < PAGE ? p->left : PAGE, before = p->keys;

        p->more = false;
        err = aps_store_plan_key_page(p->c->store, p->book, p->plan, p->last, max, look, p,
                                      &p->more, &p->c->diag);
        p->left -= p->keys - before;
    } while (err == APS_OK && p->more && p->left > 0);
    return err;
}

/* ---- What it comes to ---- */

static void show_limit(struct ctl_out *out, struct aps_str name, struct aps_str limit,
                       struct aps_str before)
{
    ctl_output_row(out);
    ctl_output_str(out, "name", name);
    ctl_output_str(out, "limit", limit);
    ctl_output_str(out, "before", before);
    ctl_output_end(out);
}

static void show_changes(struct ctl_out *out, const struct preview *p)
{
    const struct aps_str none = {NULL, 0};

    ctl_output_table(out, "changes", "name limit before");
    for (size_t i = 0; i < p->n; i++) {
        const struct changed *one = &p->changed[i];

        show_limit(out, one->limit->name, one->limit->text,
                   one->before != NULL ? one->before->text : none);
    }
    for (int i = 0; i < p->dropped->nelts; i++) {
        const struct aps_limit *gone = APR_ARRAY_IDX(p->dropped, i, const struct aps_limit *);

        show_limit(out, gone->name, none, gone->text);
    }
    ctl_output_end(out);
}

static void show_count(struct ctl_out *out, const char *name, bool known, uint64_t value)
{
    if (known)
        ctl_output_u64(out, name, value);
    else
        ctl_output_null(out, name);
}

static void show_over(struct ctl_out *out, const struct over *row)
{
    ctl_output_row(out);
    ctl_output_str(out, "key", row->key);
    ctl_output_str(out, "name", row->name);
    ctl_output_str(out, "limit", row->limit);
    ctl_output_u64(out, "most", row->figure.most);
    ctl_output_u64(out, "used", row->figure.used);
    ctl_output_time(out, "next_at", row->figure.next_at);
    show_count(out, "most_before", row->has_before, row->before.most);
    show_count(out, "used_before", row->has_before, row->before.used);
    ctl_output_end(out);
}

struct notes {
    size_t n;
    struct aps_str v[3];
};

static void note(struct notes *notes, const char *text)
{
    notes->v[notes->n++] = aps_str(text);
}

static void show_notes(struct ctl *c, const struct preview *p)
{
    struct notes notes = {.n = 0};
    const char *names = "";

    for (size_t i = 0; i < p->n; i++)
        if (!is_told(p->changed[i].limit))
            names = apr_psprintf(c->pool, "%s%s%.*s", names, *names != '\0' ? ", " : "",
                                 APS_STR_ARG(p->changed[i].limit->name));
    note(&notes, "keys that have the plan by a section (ApiSecPlan) are not looked at");
    if (p->figures.reader == NULL)
        note(&notes,
             apr_psprintf(c->pool,
                          "not counted yet: there is no state file %s; if httpd has another "
                          "one (ApiSecState), name it by --state or $APISEC_STATE",
                          c->place.state));
    if (*names != '\0')
        note(&notes,
             apr_psprintf(c->pool,
                          "each route has a count of its own, so nobody is looked for in: %s",
                          names));
    ctl_output_list(c->out, "notes", notes.v, notes.n);
}

static void show(struct ctl *c, const struct preview *p)
{
    struct ctl_out *out = c->out;
    bool people = !ctl_output_is_json(out);

    ctl_output_row(out);
    ctl_output_str(out, "plan", p->plan);
    ctl_output_bool(out, "preview", true);
    ctl_output_bool(out, "counted", p->figures.reader != NULL);
    ctl_output_u64(out, "keys", p->keys);
    ctl_output_u64(out, "keys_over", p->keys_over);
    ctl_output_u64(out, "keys_over_now", p->keys_over_now);
    show_notes(c, p);
    show_changes(out, p);
    ctl_output_table(out, "over", "key name limit most used next_at most_before used_before");
    for (int i = 0; i < p->over->nelts; i++)
        show_over(out, &APR_ARRAY_IDX(p->over, i, struct over));
    ctl_output_end(out);
    if (!people)
        ctl_output_str(out, "next", p->more ? p->last : (struct aps_str){NULL, 0});
    ctl_output_end(out);
    if (people && p->more)
        ctl_output_tail(out, "\nmore keys follow: --after %.*s goes on\n", APS_STR_ARG(p->last));
}

enum aps_err ctl_preview(struct ctl *c, struct aps_str plan,
                         const struct aps_store_plan_change *change)
{
    struct preview *p = apr_pcalloc(c->pool, sizeof *p);
    enum aps_err err;

    p->c = c;
    p->plan = plan;
    p->dropped = apr_array_make(c->pool, 4, sizeof(const struct aps_limit *));
    p->over = apr_array_make(c->pool, 64, sizeof(struct over));
    if ((err = begin(p, change)) != APS_OK)
        return err;
    if ((err = walk(p)) == APS_OK)
        show(c, p);
    ctl_figures_close(&p->figures);
    return err;
}
