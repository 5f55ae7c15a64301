/* cmd_limit_simulate.c - what limits would have done to the requests of a log. */
#include <apr_strings.h>

#include "apisec/audit.h"
#include "apisec/metrics.h"
#include "apisec/num.h"
#include "ctl.h"
#include "lines.h"
#include "play.h"
#include "playlist.h"
#include "progress.h"

#define LINE_MAX_BYTES 65536 /* httpd's own limits allow less */
#define BAD_SHOWN 20
#define WORST_DEFAULT 20
#define WORST_MAX 1000000

_Static_assert(LINE_MAX_BYTES > APS_AUDIT_LINE_MAX, "every line of the audit log can be read");

struct bad_line {
    uint64_t number;
    const char *why;
};

struct simulation {
    struct ctl *c;
    struct ctl_logask ask;
    struct ctl_play play;
    uint64_t lines, bad, out_of_order, first_out_of_order;
    size_t nbad; /* that are shown */
    struct bad_line shown[BAD_SHOWN];
    const char *unplayed; /* names of a plan's limits that no log can tell of; empty: none */
};

/* ---- the words ---- */

static enum aps_err read_format(struct ctl *c, enum ctl_logask_format *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_LOG_FORMAT);

    *out = CTL_LOGASK_COMBINED;
    return text != NULL ? ctl_logask_parse_format(aps_str(text), out, &c->diag) : APS_OK;
}

static enum aps_err read_max(struct ctl *c, size_t *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_MAX);
    uint64_t max = WORST_DEFAULT;
    enum aps_err err = APS_OK;

    if (text != NULL)
        err = aps_num_parse(aps_str(text), 1, WORST_MAX, &max, &c->diag);
    *out = (size_t)max;
    return err;
}

static enum aps_err begin(struct simulation *s)
{
    struct ctl *c = s->c;
    enum ctl_logask_format format;
    enum aps_err err;

    if ((err = read_format(c, &format)) != APS_OK ||
        (err = ctl_play_init(&s->play, c->pool, &c->diag)) != APS_OK ||
        (err = ctl_playlist_read(c, &s->play, &s->unplayed)) != APS_OK)
        return err;
    return ctl_logask_init(&s->ask, c->pool, format, c->call.values[CTL_OPT_BY_FIELD], s->play.by,
                           &c->diag);
}

/* ---- the lines ---- */

static void note_bad(struct simulation *s, uint64_t number, const char *why)
{
    s->bad++;
    if (s->nbad < BAD_SHOWN)
        s->shown[s->nbad++] = (struct bad_line){number, apr_pstrdup(s->c->pool, why)};
}

static void take_line(struct simulation *s, const struct ctl_line *line)
{
    enum ctl_play_order order = CTL_PLAY_IN_ORDER;
    struct ctl_logask_line asked;
    struct aps_diag why = {0};

    if (line->is_cut) {
        note_bad(s, line->number, "it is longer than any line of a log");
        return;
    }
    if (ctl_logask_read(&s->ask, line->text, &asked, &why) != APS_OK ||
        ctl_play_line(&s->play, &asked, &order, &why) != APS_OK) {
        note_bad(s, line->number, why.text);
        return;
    }
    if (order == CTL_PLAY_OUT_OF_ORDER && s->out_of_order++ == 0)
        s->first_out_of_order = line->number;
}

static enum aps_err read_lines(struct simulation *s, struct ctl_lines *lines)
{
    struct ctl_progress progress;
    struct ctl_line line;

    ctl_progress_begin(&progress, "lines", 0);
    while (ctl_lines_next(lines, &line)) {
        s->lines++;
        take_line(s, &line);
        if (s->lines % 1024 == 0)
            ctl_progress_step(&progress, 1024);
    }
    ctl_progress_end(&progress);
    return ctl_lines_check(lines, &s->c->diag);
}

/* ---- what it comes to ---- */

static void show_duration(struct ctl_out *out, const char *name, aps_nsec duration)
{
    char text[APS_NUM_DURATION_MAX];

    ctl_output_str(out, name,
                   aps_str(duration >= APS_MSEC ? aps_num_print_duration(duration, text) : NULL));
}

static void show_limit(struct ctl_out *out, const struct simulation *s, uint32_t index)
{
    const struct ctl_played *played = &s->play.played[index];

    ctl_output_row(out);
    ctl_output_str(out, "limit", played->limit.name);
    ctl_output_u64(out, "asked", played->asked);
    ctl_output_u64(out, "refused", played->limit.dry_run ? 0 : played->refused);
    ctl_output_u64(out, "would_refuse", played->limit.dry_run ? played->refused : 0);
    ctl_output_u64(out, "callers_refused", ctl_offender_count(s->play.offenders, index));
    ctl_output_u64(out, "delayed", played->delayed);
    show_duration(out, "longest_delay", played->longest_delay);
    ctl_output_str(out, "definition", played->limit.text);
    ctl_output_end(out);
}

/* How much more he asked for than he got, since he was first refused. */
static void show_over(struct ctl *c, const struct ctl_offender *row)
{
    double percent = 100.0 * (double)row->refused / (double)(row->passed != 0 ? row->passed : 1);

    if (row->passed == 0)
        ctl_output_null(c->out, "over_percent");
    else
        ctl_output_json(c->out, "over_percent", aps_str(apr_psprintf(c->pool, "%.1f", percent)));
}

static void show_offender(const struct simulation *s, const struct ctl_offender *row)
{
    struct ctl_out *out = s->c->out;

    ctl_output_row(out);
    ctl_output_str(out, "limit", s->play.played[row->limit].limit.name);
    ctl_output_str(out, "who", aps_str(row->who));
    ctl_output_u64(out, "refused", row->refused);
    ctl_output_u64(out, "passed", row->passed);
    show_over(s->c, row);
    ctl_output_u64(out, "longest_run", row->longest);
    show_duration(out, "run_lasts", row->longest_lasts);
    ctl_output_time(out, "first", row->first);
    ctl_output_time(out, "last", row->last);
    ctl_output_end(out);
}

static void show_worst(const struct simulation *s, size_t max)
{
    size_t n = 0;
    const struct ctl_offender **worst = ctl_offender_worst(s->play.offenders, s->c->pool, max, &n);

    ctl_output_table(s->c->out, "worst",
                     "limit who refused passed over_percent longest_run run_lasts first last");
    for (size_t i = 0; i < n; i++)
        show_offender(s, worst[i]);
    ctl_output_end(s->c->out);
}

static void show_bad(const struct simulation *s)
{
    ctl_output_block(s->c->out, "bad_lines", "lines that cannot be read", "line why");
    for (size_t i = 0; i < s->nbad; i++) {
        ctl_output_row(s->c->out);
        ctl_output_u64(s->c->out, "line", s->shown[i].number);
        ctl_output_str(s->c->out, "why", aps_str(s->shown[i].why));
        ctl_output_end(s->c->out);
    }
    ctl_output_end(s->c->out);
}

struct notes {
    apr_pool_t *pool;
    size_t n;
    struct aps_str v[8];
};

static void APS_PRINTF(2, 3) note(struct notes *notes, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    notes->v[notes->n++] = aps_str(apr_pvsprintf(notes->pool, fmt, args));
    va_end(args);
}

/* What the words ask for and a log does not have. */
static void note_unknown(const struct simulation *s, struct notes *notes)
{
    bool inflight = false, bytes = false;

    for (size_t i = 0; i < s->play.n; i++) {
        inflight |= s->play.played[i].nmeters < s->play.played[i].nall;
        bytes |= s->play.played[i].limit.cost.bytes != 0;
    }
    if (*s->unplayed != '\0')
        note(notes,
             "a log does not tell how many requests are under way, so these limits are not played: "
             "%s",
             s->unplayed);
    if (inflight)
        note(notes, "inflight= is not played: a log does not tell how many requests are under way");
    if (bytes)
        note(notes, "cost=bytes/ is not played: a log does not tell how long bodies are");
    if (s->ask.format == CTL_LOGASK_COMBINED)
        note(notes, "the format has whole seconds: what came in one second is played as coming "
                    "at once");
}

static void note_order(const struct simulation *s, struct notes *notes)
{
    char text[APS_NUM_DURATION_MAX];

    if (s->play.late != 0)
        note(notes,
             "%" APR_UINT64_T_FMT " lines were received before the line above them, at most %s, "
             "and are played at its time",
             s->play.late, aps_num_print_duration(s->play.latest_most, text));
    if (s->out_of_order != 0)
        note(notes,
             "%" APR_UINT64_T_FMT " lines are more than an hour behind a line above them, and "
             "are not played; the first is line %" APR_UINT64_T_FMT,
             s->out_of_order, s->first_out_of_order);
}

static void show_notes(const struct simulation *s)
{
    struct notes notes = {.pool = s->c->pool};
    uint64_t shared = aps_metrics_sum(s->play.state, APS_METRIC_TABLE_OVERFLOW);

    note_unknown(s, &notes);
    note_order(s, &notes);
    if (shared != 0)
        note(&notes,
             "%" APR_UINT64_T_FMT " charges went to shared cells, since the table is full: too "
             "much may be refused",
             shared);
    if (ctl_offender_lost(s->play.offenders) != 0)
        note(&notes,
             "more callers were refused than are kept: of %" APR_UINT64_T_FMT " that were refused "
             "seldom nothing is told, and of others maybe too little",
             ctl_offender_lost(s->play.offenders));
    ctl_output_list(s->c->out, "notes", notes.v, notes.n);
}

static void answer(const struct simulation *s, size_t max)
{
    const struct ctl_play *play = &s->play;
    struct ctl_out *out = s->c->out;

    ctl_output_row(out);
    ctl_output_u64(out, "lines", s->lines);
    ctl_output_u64(out, "requests", play->admitted + play->refused);
    ctl_output_u64(out, "admitted", play->admitted);
    ctl_output_u64(out, "refused", play->refused);
    ctl_output_u64(out, "delayed", play->delayed);
    ctl_output_u64(out, "not_asked", play->not_asked);
    ctl_output_u64(out, "out_of_order", s->out_of_order);
    ctl_output_u64(out, "bad", s->bad);
    ctl_output_time(out, "first", play->first);
    ctl_output_time(out, "last", play->latest);
    show_notes(s);
    ctl_output_table(out, "limits",
                     "limit asked refused would_refuse callers_refused delayed longest_delay");
    for (uint32_t i = 0; i < play->n; i++)
        show_limit(out, s, i);
    ctl_output_end(out);
    show_worst(s, max);
    show_bad(s);
    ctl_output_end(out);
}

enum aps_err ctl_limit_simulate(struct ctl *c)
{
    struct simulation *s = apr_pcalloc(c->pool, sizeof *s);
    struct ctl_lines *lines = NULL;
    enum aps_err err;
    size_t max;

    s->c = c;
    if ((err = read_max(c, &max)) != APS_OK || (err = begin(s)) != APS_OK ||
        (err = ctl_lines_open(c->pool, ctl_command_value(&c->call, CTL_OPT_LOG), LINE_MAX_BYTES,
                              "a log of httpd", &lines, &c->diag)) != APS_OK ||
        (err = read_lines(s, lines)) != APS_OK)
        return err;
    answer(s, max);
    return s->bad != 0 || s->out_of_order != 0 ? APS_ERR_CHECK : APS_OK;
}
