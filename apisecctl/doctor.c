/* doctor.c - findings: kept, put in order, shown. */
#include "doctor.h"

#include <apr_strings.h>
#include <stdlib.h>

#include "prose.h"
#include "quote.h"

#define DOCTOR_STORED 512 /* findings that are ONE for each thing; no more are kept */

static const struct {
    const char *id;
    enum ctl_doctor_severity severity;
    bool many;
    const char *text, *mend;
} rows[CTL_DOCTOR_COUNT] = {
#define ONE false
#define MANY true
#define F(name, id, severity, many, text, mend)                                                    \
    [CTL_DOCTOR_##name] = {id, CTL_DOCTOR_##severity, many, text, mend},
#include "doctor.def"
#undef F
#undef MANY
#undef ONE
};

static const char *const severities[CTL_DOCTOR_SEVERITIES] = {
    [CTL_DOCTOR_OK] = "ok",
    [CTL_DOCTOR_INFO] = "info",
    [CTL_DOCTOR_WARNING] = "warning",
    [CTL_DOCTOR_ERROR] = "error",
};

void ctl_doctor_init(struct ctl_doctor *d, struct ctl *c)
{
    memset(d, 0, sizeof *d);
    d->c = c;
    d->folders = apr_hash_make(c->pool);
    d->findings = apr_array_make(c->pool, 32, sizeof(struct ctl_doctor_finding));
}

void ctl_doctor_checked(struct ctl_doctor *d, enum ctl_doctor_id id)
{
    d->checked[id] = true;
}

/* ---- the command that mends ---- */

static const char *quoted(apr_pool_t *pool, const char *text)
{
    return text != NULL ? ctl_quote(pool, aps_str(text)) : "";
}

/* The row's command with what was found in it. */
static const char *mend_of(const struct ctl_doctor *d, enum ctl_doctor_id id,
                           const struct ctl_doctor_at *at)
{
    apr_pool_t *pool = d->c->pool;
    const struct {
        const char *mark, *text;
    } marks[] = {
        {"{options}", d->c->place.given},
        {"{path}", quoted(pool, at->path)},
        {"{name}", quoted(pool, at->name)},
        {"{value}", quoted(pool, at->value)},
    };
    const char *text = rows[id].mend;
    const char *mend = "";

    if (strcmp(text, "{value}") == 0)
        return at->value != NULL ? at->value : "";
    while (*text != '\0') {
        size_t plain = strcspn(text, "{");
        size_t i = 0;

        mend = apr_pstrcat(pool, mend, apr_pstrmemdup(pool, text, plain), NULL);
        text += plain;
        while (i < sizeof marks / sizeof *marks &&
               strncmp(text, marks[i].mark, strlen(marks[i].mark)) != 0)
            i++;
        if (i < sizeof marks / sizeof *marks) {
            mend = apr_pstrcat(pool, mend, marks[i].text, NULL);
            text += strlen(marks[i].mark);
        }
    }
    return mend;
}

/* ---- what was found ---- */

static struct ctl_doctor_finding *add(struct ctl_doctor *d, enum ctl_doctor_severity severity,
                                      const char *id)
{
    struct ctl_doctor_finding *finding = apr_array_push(d->findings);

    memset(finding, 0, sizeof *finding);
    finding->id = id;
    finding->severity = severity;
    return finding;
}

static void add_example(struct ctl_doctor *d, struct ctl_doctor_finding *finding,
                        const struct ctl_doctor_at *at)
{
    const char *name = at->name != NULL ? at->name : at->path;

    finding->count++;
    if (name != NULL && finding->n < CTL_DOCTOR_EXAMPLES)
        finding->example[finding->n++] = apr_pstrdup(d->c->pool, name);
}

void ctl_doctor_find(struct ctl_doctor *d, enum ctl_doctor_id id, const struct ctl_doctor_at *at,
                     const char *fmt, ...)
{
    struct ctl_doctor_finding *finding;
    va_list args;

    d->checked[id] = true;
    if (rows[id].many && d->first[id] != 0) {
        add_example(d, &APR_ARRAY_IDX(d->findings, d->first[id] - 1, struct ctl_doctor_finding),
                    at);
        return;
    }
    if (d->findings->nelts >= DOCTOR_STORED)
        return;
    finding = add(d, rows[id].severity, rows[id].id);
    d->first[id] = d->findings->nelts;
    va_start(args, fmt);
    finding->reason = apr_pvsprintf(d->c->pool, fmt, args);
    va_end(args);
    finding->mend = mend_of(d, id, at);
    add_example(d, finding, at);
}

void ctl_doctor_unchecked(struct ctl_doctor *d, const char *what, const char *why, const char *mend)
{
    struct ctl_doctor_at at = {.value = mend};

    ctl_doctor_find(d, CTL_DOCTOR_UNCHECKED, &at, "%s: not looked at, since %s", what, why);
}

void ctl_doctor_report(struct ctl_doctor *d, enum ctl_doctor_severity severity, const char *id,
                       const char *reason, const char *mend)
{
    struct ctl_doctor_finding *finding;

    if (d->findings->nelts >= DOCTOR_STORED)
        return;
    finding = add(d, severity, id);
    finding->count = 1;
    finding->reason = reason;
    finding->mend = mend;
}

const char *ctl_doctor_days(apr_pool_t *pool, aps_nsec duration)
{
    aps_nsec days = duration / APS_DAY;

    return apr_psprintf(pool, "%" APR_INT64_T_FMT " day%s", days, days == 1 ? "" : "s");
}

/* ---- the document ---- */

/* Worst first, then as they were found. */
static int compare(const void *a, const void *b)
{
    const struct ctl_doctor_finding *const *x = a, *const *y = b;

    if ((*x)->severity != (*y)->severity)
        return (*x)->severity > (*y)->severity ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

static const struct ctl_doctor_finding **sorted(const struct ctl_doctor *d)
{
    size_t n = (size_t)d->findings->nelts;
    const struct ctl_doctor_finding **list = apr_palloc(d->c->pool, (n + 1) * sizeof *list);

    for (size_t i = 0; i < n; i++)
        list[i] = &APR_ARRAY_IDX(d->findings, (int)i, struct ctl_doctor_finding);
    qsort(list, n, sizeof *list, compare);
    return list;
}

/* "; 37 such, among them a, b and others" of more than one. */
static const char *others(apr_pool_t *pool, const struct ctl_doctor_finding *f)
{
    const char *text;

    if (f->count < 2)
        return "";
    text = apr_psprintf(pool, "; %" APR_UINT64_T_FMT " such:", f->count);
    for (size_t i = 0; i < f->n; i++)
        text = apr_pstrcat(pool, text, i > 0 ? ", " : " ", f->example[i], NULL);
    return apr_pstrcat(pool, text, f->count > f->n ? ", ..." : "", NULL);
}

static void print_one(struct ctl_doctor *d, const struct ctl_doctor_finding *f)
{
    struct ctl_out *out = d->c->out;
    struct aps_str examples[CTL_DOCTOR_EXAMPLES];
    bool json = ctl_output_is_json(out);

    for (size_t i = 0; i < f->n; i++)
        examples[i] = aps_str(f->example[i]);
    ctl_output_row(out);
    ctl_output_str(out, "severity", aps_str(severities[f->severity]));
    ctl_output_str(out, "id", aps_str(f->id));
    ctl_output_u64(out, "count", f->count);
    ctl_output_list(out, "examples", examples, f->n);
    ctl_output_str(out, "reason",
                   aps_str(json ? f->reason
                                : apr_pstrcat(d->c->pool, f->reason, others(d->c->pool, f), NULL)));
    ctl_output_str(out, "mend", aps_str(f->mend));
    ctl_output_end(out);
}

/* Rows that were looked at, and where nothing was found. */
static void print_well(struct ctl_doctor *d, bool asked, uint64_t *n)
{
    for (int i = 0; i < CTL_DOCTOR_COUNT; i++) {
        struct ctl_doctor_finding f = {rows[i].id, CTL_DOCTOR_OK, 0, 0, {NULL}, rows[i].text, NULL};

        if (!d->checked[i] || d->first[i] != 0)
            continue;
        ++*n;
        if (asked)
            print_one(d, &f);
    }
}

/* Commands on lines of their own, so that they can be copied. */
static void print_mends(struct ctl_doctor *d, const struct ctl_doctor_finding **list, size_t n)
{
    struct ctl_prose text = {.pool = d->c->pool};

    for (size_t i = 0; i < n; i++) {
        if (list[i]->mend == NULL || list[i]->mend[0] == '\0')
            continue;
        ctl_prose_put(&text, aps_str(text.n == 0 ? "\nwhat mends it:\n" : ""));
        ctl_prose_put(&text, APS_STR_LIT("  "));
        ctl_prose_put(&text, ctl_prose_escaped(d->c->pool, aps_str(list[i]->mend)));
        ctl_prose_put(&text, aps_str(apr_pstrcat(d->c->pool, "  # ", list[i]->id, "\n", NULL)));
    }
    if (text.n > 0)
        ctl_output_tail(d->c->out, "%.*s", (int)text.n, text.p);
}

void ctl_doctor_print(struct ctl_doctor *d, enum ctl_doctor_severity *out_worst)
{
    bool all = d->c->call.values[CTL_OPT_ALL] != NULL;
    const struct ctl_doctor_finding **list = sorted(d);
    size_t n = (size_t)d->findings->nelts;
    uint64_t counts[CTL_DOCTOR_SEVERITIES] = {0};

    *out_worst = n > 0 ? list[0]->severity : CTL_DOCTOR_OK;
    for (size_t i = 0; i < n; i++)
        counts[list[i]->severity]++;
    ctl_output_row(d->c->out);
    ctl_output_str(d->c->out, "store", aps_str(d->c->place.store));
    ctl_output_str(d->c->out, "severity", aps_str(severities[*out_worst]));
    ctl_output_u64(d->c->out, "errors", counts[CTL_DOCTOR_ERROR]);
    ctl_output_u64(d->c->out, "warnings", counts[CTL_DOCTOR_WARNING]);
    ctl_output_u64(d->c->out, "infos", counts[CTL_DOCTOR_INFO]);
    ctl_output_table(d->c->out, "findings", "severity id reason");
    for (size_t i = 0; i < n; i++)
        print_one(d, list[i]);
    print_well(d, all, &counts[CTL_DOCTOR_OK]);
    ctl_output_end(d->c->out);
    ctl_output_u64(d->c->out, "oks", counts[CTL_DOCTOR_OK]);
    ctl_output_end(d->c->out);
    print_mends(d, list, n);
}
