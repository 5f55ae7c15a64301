/* cmd_limit.c - the limits that httpd has registered, and how often each was asked and refused. */
#include <apr_strings.h>
#include <stdlib.h>

#include "apisec/directory.h"
#include "apisec/generation.h"
#include "apisec/metrics.h"
#include "ctl.h"

/* Rows of the directory; what was read and what is shown. */
struct listing {
    struct ctl *c;
    bool all; /* also those that the running configuration no longer has */
    uint64_t processes;
    apr_array_header_t *rows; /* of const struct aps_directory_entry * */
};

static void keep(void *arg, const struct aps_directory_entry *entry)
{
    struct listing *l = arg;

    if (l->all || entry->is_current)
        APR_ARRAY_PUSH(l->rows, const struct aps_directory_entry *) =
            apr_pmemdup(l->c->pool, entry, sizeof *entry);
}

static int compare(const void *a, const void *b)
{
    const struct aps_directory_entry *x = *(const struct aps_directory_entry *const *)a;
    const struct aps_directory_entry *y = *(const struct aps_directory_entry *const *)b;
    int order;

    if (x->is_current != y->is_current)
        return x->is_current ? -1 : 1;
    if (x->is_plan != y->is_plan)
        return x->is_plan ? 1 : -1;
    if ((order = strcmp(x->where, y->where)) != 0)
        return order;
    return strcmp(x->text, y->text);
}

static const char *marked(apr_pool_t *pool, const char *text, bool is_cut)
{
    return is_cut ? apr_pstrcat(pool, text, "...", NULL) : text;
}

static void show_row(struct ctl *c, const struct aps_directory_entry *entry)
{
    struct ctl_out *out = c->out;
    const char *text = marked(c->pool, entry->text, entry->text_cut);

    ctl_output_row(out);
    ctl_output_str(out, "limit", (struct aps_str){text, strcspn(text, " ")});
    ctl_output_str(out, "of", aps_str(entry->is_plan ? "plan" : "section"));
    ctl_output_str(out, "where", aps_str(marked(c->pool, entry->where, entry->where_cut)));
    ctl_output_u64(out, "asked", entry->count[APS_DIRECTORY_ASKED]);
    ctl_output_u64(out, "refused", entry->count[APS_DIRECTORY_REFUSED]);
    ctl_output_u64(out, "would_refuse", entry->count[APS_DIRECTORY_WOULD_REFUSE]);
    ctl_output_u64(out, "delayed", entry->count[APS_DIRECTORY_DELAYED]);
    ctl_output_u64(out, "overflow", entry->count[APS_DIRECTORY_OVERFLOW]);
    ctl_output_bool(out, "current", entry->is_current);
    ctl_output_time(out, "last_met", entry->met);
    ctl_output_str(out, "definition", aps_str(text));
    ctl_output_end(out);
}

static void count_process(void *arg, const struct aps_generation_use *use)
{
    (void)use;
    ++*(uint64_t *)arg;
}

static void show_listing(struct listing *l, const struct aps_state *state)
{
    struct ctl_out *out = l->c->out;

    aps_generation_each(state, 0, count_process, &l->processes);
    qsort(l->rows->elts, (size_t)l->rows->nelts, (size_t)l->rows->elt_size, compare);
    ctl_output_row(out);
    ctl_output_str(out, "state", aps_str(l->c->place.state));
    ctl_output_u64(out, "boot", aps_state_boot(state));
    ctl_output_bool(out, "running", l->processes != 0);
    ctl_output_u64(out, "unlisted", aps_metrics_sum(state, APS_METRIC_LIMIT_UNLISTED));
    ctl_output_table(out, "limits",
                     l->all ? "limit of where asked refused would_refuse delayed overflow current "
                              "last_met definition"
                            : "limit of where asked refused would_refuse delayed overflow "
                              "definition");
    for (int i = 0; i < l->rows->nelts; i++)
        show_row(l->c, APR_ARRAY_IDX(l->rows, i, const struct aps_directory_entry *));
    ctl_output_end(out);
    ctl_output_end(out);
}

enum aps_err ctl_limit_list(struct ctl *c)
{
    struct listing l = {.c = c, .all = c->call.values[CTL_OPT_ALL] != NULL};
    struct aps_state *state = NULL;
    enum aps_err err = aps_state_attach(c->pool, c->place.state, &state, &c->diag);

    if (err != APS_OK)
        return err;
    l.rows = apr_array_make(c->pool, 32, sizeof(const struct aps_directory_entry *));
    if ((err = aps_directory_each(state, c->pool, keep, &l, &c->diag)) == APS_OK)
        show_listing(&l, state);
    aps_state_close(state);
    return err;
}
