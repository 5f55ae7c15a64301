/* cmd_limit_show.c - how far one caller is into every limit that counts him. */
#include <apr_strings.h>

#include "apisec/generation.h"
#include "ctl.h"
#include "standing.h"

/* Names that a note tells at most; limit list has all. */
#define NAMED_MAX 8

/* ---- A row ---- */

static void show_where(struct ctl_out *out, const apr_array_header_t *where)
{
    ctl_output_list(out, "where",
                    where != NULL ? (const struct aps_str *)(const void *)where->elts : NULL,
                    where != NULL ? (size_t)where->nelts : 0);
}

static void show_count(struct ctl_out *out, const char *name, bool known, uint64_t value)
{
    if (known)
        ctl_output_u64(out, name, value);
    else
        ctl_output_null(out, name);
}

static void show_row(struct ctl_out *out, const struct ctl_standing_row *row)
{
    const struct ctl_figure *f = &row->figure;
    bool known = row->unknown == NULL;

    ctl_output_row(out);
    ctl_output_str(out, "limit", row->name);
    ctl_output_str(out, "of", aps_str(row->of));
    show_where(out, row->where);
    ctl_output_str(out, "concerns", aps_str(row->concerns));
    ctl_output_str(out, "kind", aps_str(row->kind));
    ctl_output_bool(out, "dry_run", row->dry_run);
    show_count(out, "most", known, f->most);
    show_count(out, "used", known && f->counted, f->used);
    show_count(out, "left", known && f->counted, f->left);
    ctl_output_time(out, "next_at", f->next_at);
    ctl_output_time(out, "full_at", f->full_at);
    ctl_output_time(out, "period_end", f->period_end);
    show_count(out, "bonus", known, f->bonus);
    show_count(out, "resets", known, f->resets);
    ctl_output_bool(out, "shared", f->shared);
    ctl_output_str(out, "unknown", aps_str(row->unknown));
    ctl_output_str(out, "definition", row->definition);
    ctl_output_end(out);
}

/* ---- What no row tells ---- */

struct notes {
    apr_pool_t *pool;
    apr_array_header_t *v; /* of struct aps_str */
};

static void APS_PRINTF(2, 3) note(struct notes *notes, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    APR_ARRAY_PUSH(notes->v, struct aps_str) = aps_str(apr_pvsprintf(notes->pool, fmt, args));
    va_end(args);
}

/* "host (gate:80 /api), net (gate:80 /api), and 3 more". */
static const char *named(apr_pool_t *pool, const apr_array_header_t *list)
{
    const char *text = "";

    for (int i = 0; i < list->nelts && i < NAMED_MAX; i++)
        text = apr_psprintf(pool, "%s%s%.*s", text, i != 0 ? ", " : "",
                            APS_STR_ARG(APR_ARRAY_IDX(list, i, struct aps_str)));
    return list->nelts <= NAMED_MAX
               ? text
               : apr_psprintf(pool, "%s, and %d more", text, list->nelts - NAMED_MAX);
}

static void note_plan(struct notes *notes, const struct ctl_standing *s)
{
    if (s->held.reason == APS_REASON_PLAN_UNKNOWN)
        note(notes,
             "plan \"%.*s\" of %s, or an override, is not there or damaged: httpd refuses this key "
             "(plan_unknown)",
             APS_STR_ARG(s->held.choice.name), s->held.source);
    else if (s->held.choice.source == APS_PLANBOOK_NONE)
        note(notes, "neither the key nor a role of it names a plan: where a section does "
                    "(ApiSecPlan), --plan NAME tells of that one");
}

static void note_unknown(struct notes *notes, const struct ctl_standing *s)
{
    if (s->others->nelts != 0)
        note(notes, "by no caller, so nothing of this key is counted apart in: %s",
             named(notes->pool, s->others));
    if (s->unread->nelts != 0)
        note(notes, "the state file does not keep all of their words, so nothing is told of: %s",
             named(notes->pool, s->unread));
}

static bool has_kind(const struct ctl_standing *s, const char *kind)
{
    for (int i = 0; i < s->rows->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(s->rows, i, struct ctl_standing_row).kind, kind) == 0)
            return true;
    return false;
}

static bool has_shared(const struct ctl_standing *s)
{
    for (int i = 0; i < s->rows->nelts; i++)
        if (APR_ARRAY_IDX(s->rows, i, struct ctl_standing_row).figure.shared)
            return true;
    return false;
}

/* Slots of the dead still count until a request that would be refused looks for them. */
static enum aps_err note_dead(struct ctl *c, struct notes *notes, const struct ctl_standing *s)
{
    struct aps_slots_usage usage;
    enum aps_err err;

    if (s->figures.reader == NULL || !has_kind(s, "inflight"))
        return APS_OK;
    if ((err = aps_slots_usage(s->figures.reader, &usage, &c->diag)) != APS_OK)
        return err;
    if (usage.left != 0)
        note(notes,
             "%" APR_UINT64_T_FMT
             " requests under way are those of processes that have ended, and count "
             "until one would be refused for them",
             usage.left);
    return APS_OK;
}

static void count_process(void *arg, const struct aps_generation_use *use)
{
    (void)use;
    ++*(uint64_t *)arg;
}

static uint64_t processes(const struct ctl_standing *s)
{
    uint64_t n = 0;

    if (s->figures.reader != NULL)
        aps_generation_each(s->figures.reader, s->figures.store, count_process, &n);
    return n;
}

static void note_state(struct ctl *c, struct notes *notes, const struct ctl_standing *s)
{
    struct aps_state_info info;

    if (s->figures.reader == NULL) {
        note(notes,
             "not counted yet: there is no state file %s; if httpd has another one (ApiSecState), "
             "name "
             "it by --state or $APISEC_STATE",
             c->place.state);
        return;
    }
    aps_state_info(s->figures.reader, &info);
    if (info.is_stale)
        note(notes,
             "the system was started anew since httpd used the state file: but for quotas all "
             "begins anew");
    if (processes(s) == 0)
        note(notes, "no process of httpd serves this store with this state file now");
    if (has_shared(s))
        note(notes, "the table of the state file is full: a shared row counts all callers "
                    "that have no place of their own; raise ApiSecTable");
}

/* ---- The command ---- */

static void show(struct ctl *c, const struct ctl_standing *s, const struct notes *notes)
{
    struct ctl_out *out = c->out;

    ctl_output_row(out);
    ctl_output_str(out, "key", s->key.id);
    ctl_output_str(out, "name", s->key.name);
    ctl_output_str(out, "plan", s->held.choice.name);
    ctl_output_str(out, "plan_of",
                   aps_str(s->held.choice.source != APS_PLANBOOK_NONE ? s->held.source : NULL));
    ctl_output_str(out, "state", aps_str(c->place.state));
    ctl_output_bool(out, "counted", s->figures.reader != NULL);
    ctl_output_bool(out, "running", processes(s) != 0);
    ctl_output_list(out, "notes", (const struct aps_str *)(const void *)notes->v->elts,
                    (size_t)notes->v->nelts);
    ctl_output_table(out, "limits",
                     "limit of where kind most used left full_at bonus resets concerns unknown");
    for (int i = 0; i < s->rows->nelts; i++)
        show_row(out, &APR_ARRAY_IDX(s->rows, i, struct ctl_standing_row));
    ctl_output_end(out);
    ctl_output_end(out);
}

enum aps_err ctl_limit_show(struct ctl *c)
{
    struct aps_str section = aps_str(ctl_command_value(&c->call, CTL_OPT_PLAN));
    struct notes notes = {c->pool, apr_array_make(c->pool, 8, sizeof(struct aps_str))};
    struct ctl_standing s;
    enum aps_err err;

    if ((err = ctl_held_check(c->store, c->pool, section, &c->diag)) != APS_OK ||
        (err = ctl_standing_read(c, aps_str(c->call.arg[0]), section, &s)) != APS_OK)
        return err;
    if ((err = note_dead(c, &notes, &s)) == APS_OK) {
        note_state(c, &notes, &s);
        note_plan(&notes, &s);
        note_unknown(&notes, &s);
        show(c, &s, &notes);
    }
    ctl_standing_close(&s);
    return err;
}
