/* standing.c - every limit that counts a key, and how far the caller is into each. */
#include "standing.h"

#include <apr_strings.h>
#include <stdlib.h>

#include "apisec/directory.h"
#include "apisec/ownlimit.h"
#include "apisec/subject.h"

/* Whose rows are being made. */
struct work {
    struct ctl *c;
    struct ctl_standing *s;
    struct aps_subject who;
    apr_array_header_t *listed; /* of const struct aps_directory_entry * */
    apr_hash_t *seen;           /* canonical text of a section's limit -> its places */
    enum aps_err err;
};

/* ---- What a limit is called ---- */

static const char *kind_of(const struct aps_limit_meter *meter)
{
    switch (meter->kind) {
    case APS_LIMIT_QUOTA:
        return "quota";
    case APS_LIMIT_INFLIGHT:
        return "inflight";
    case APS_LIMIT_RATE:
        break;
    }
    return "rate";
}

/* "key pnS9oNeurxtu", "all keys of user ada, of org acme"; empty: the limit goes by neither. */
static const char *concerns_of(const struct work *w, const struct aps_limit *limit)
{
    char room[APS_ADJUST_WHO_MAX];
    struct aps_str rest = aps_adjust_who(limit->by, &w->s->key, room), part;
    const char *text = "";

    if (aps_str_starts(rest, APS_STR_LIT("key ")))
        return apr_psprintf(w->c->pool, "key %.*s", APS_STR_ARG(w->s->key.id));
    while (aps_str_next(&rest, '\n', &part))
        text = apr_psprintf(w->c->pool, "%s of %.*s",
                            *text != '\0' ? apr_pstrcat(w->c->pool, text, ",", NULL) : "all keys",
                            APS_STR_ARG(part));
    return text;
}

static const char *concerns(const struct work *w, const struct aps_limit *limit, size_t i)
{
    const char *text = concerns_of(w, limit);

    if ((limit->by & APS_LIMIT_BY_ROLE) != 0)
        return apr_psprintf(w->c->pool, "%s role %.*s",
                            *text != '\0' ? apr_pstrcat(w->c->pool, text, ", of", NULL)
                                          : "all keys of",
                            APS_STR_ARG(w->s->key.roles[i]));
    return *text != '\0' ? text : "all callers";
}

/* Why nobody can say from here how far the caller is; NULL: it can be said. */
static const char *why_unknown(const struct aps_limit *limit)
{
    bool ip = (limit->by & APS_LIMIT_BY_IP) != 0, route = (limit->by & APS_LIMIT_BY_ROUTE) != 0;

    if (ip && route)
        return "each address has a count of its own on each route";
    if (ip)
        return "each address has a count of its own";
    return route ? "each route has a count of its own" : NULL;
}

/* ---- Rows ---- */

static struct ctl_standing_row *add_row(struct work *w, const struct aps_limit *limit, size_t k,
                                        size_t i)
{
    struct ctl_standing_row *row = apr_array_push(w->s->rows);

    *row = (struct ctl_standing_row){
        .name = limit->meter[k].name,
        .concerns = concerns(w, limit, i),
        .kind = kind_of(&limit->meter[k]),
        .dry_run = limit->dry_run,
        .unknown = why_unknown(limit),
        .definition = limit->text,
    };
    return row;
}

/* Every meter of a limit that is bound, for each subject that the caller is in it. */
static void add_limit(struct work *w, const struct aps_limit *limit, const char *of,
                      apr_array_header_t *where)
{
    size_t n = aps_subject_count(limit, &w->who);

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; w->err == APS_OK && k < limit->n; k++) {
            struct ctl_standing_row *row = add_row(w, limit, k, i);

            row->of = of;
            row->where = where;
            if (row->unknown == NULL)
                w->err = ctl_figures_read(&w->s->figures, limit, k, &w->s->key, i, &row->figure,
                                          &w->c->diag);
        }
}

static enum aps_err add_own(struct work *w)
{
    struct ctl_standing *s = w->s;
    struct ctl_standing_row *row;
    struct aps_rate_limit own;
    char text[APS_NUM_RATE_MAX];
    enum aps_err err = aps_ownlimit_init(&s->key, s->figures.store, &own, &w->c->diag);

    if (err != APS_OK || s->key.limit.rate.count == 0)
        return err;
    row = apr_array_push(s->rows);
    *row = (struct ctl_standing_row){
        .name = APS_STR_LIT(APS_OWNLIMIT_NAME),
        .of = "key",
        .concerns = apr_psprintf(w->c->pool, "key %.*s", APS_STR_ARG(s->key.id)),
        .kind = "rate",
        .definition = aps_str(apr_pstrdup(w->c->pool, aps_num_print_rate(s->key.limit.rate, text))),
    };
    return ctl_figures_read_own(&s->figures, &own, &s->key, &row->figure, &w->c->diag);
}

static apr_array_header_t *one_place(const struct work *w, struct aps_str place)
{
    apr_array_header_t *list = apr_array_make(w->c->pool, 1, sizeof(struct aps_str));

    APR_ARRAY_PUSH(list, struct aps_str) = aps_str_copy(w->c->pool, place);
    return list;
}

static bool is_of_plan(const struct ctl_held *held, const struct aps_limit *limit)
{
    for (size_t i = 0; held->choice.plan != NULL && i < held->choice.plan->n; i++)
        if (held->choice.plan->limits[i] == limit)
            return true;
    return false;
}

/* Those of the plan are bound already, with what they took the place of. */
static enum aps_err add_held(struct work *w)
{
    const struct ctl_held *held = &w->s->held;

    for (size_t i = 0; w->err == APS_OK && i < held->n; i++) {
        struct aps_limit *own;

        if (is_of_plan(held, held->limits[i])) {
            add_limit(w, held->limits[i], "plan", one_place(w, held->choice.name));
            continue;
        }
        own = apr_pmemdup(w->c->pool, held->limits[i], sizeof *own);
        w->err = aps_limit_bind(w->c->pool, own, w->s->figures.store, &w->c->diag);
        if (w->err == APS_OK)
            add_limit(w, own, "override", NULL);
    }
    return w->err;
}

/* ---- The server's own ---- */

static void note_place(apr_array_header_t *list, const struct work *w,
                       const struct aps_directory_entry *entry)
{
    APR_ARRAY_PUSH(list, struct aps_str) = aps_str(apr_psprintf(
        w->c->pool, "%.*s (%s)", (int)strcspn(entry->text, " "), entry->text, entry->where));
}

/* A limit of the same words in another place has the same cells. */
static void add_section(struct work *w, const struct aps_directory_entry *entry,
                        struct aps_limit *limit)
{
    struct aps_str place = aps_str(entry->where);
    apr_array_header_t *places = apr_hash_get(w->seen, limit->text.p, (apr_ssize_t)limit->text.n);

    if (places != NULL) {
        APR_ARRAY_PUSH(places, struct aps_str) = aps_str_copy(w->c->pool, place);
        return;
    }
    places = one_place(w, place);
    apr_hash_set(w->seen, limit->text.p, (apr_ssize_t)limit->text.n, places);
    add_limit(w, limit, "section", places);
}

static void keep_entry(void *arg, const struct aps_directory_entry *entry)
{
    struct work *w = arg;

    if (!entry->is_plan && entry->is_current &&
        (entry->store == 0 || entry->store == w->s->figures.store))
        APR_ARRAY_PUSH(w->listed, const struct aps_directory_entry *) =
            apr_pmemdup(w->c->pool, entry, sizeof *entry);
}

static int compare(const void *a, const void *b)
{
    const struct aps_directory_entry *x = *(const struct aps_directory_entry *const *)a;
    const struct aps_directory_entry *y = *(const struct aps_directory_entry *const *)b;
    int order = strcmp(x->where, y->where);

    return order != 0 ? order : strcmp(x->text, y->text);
}

/* Whoever may write the file can have put anything there. */
static void take_entry(struct work *w, const struct aps_directory_entry *entry)
{
    struct aps_limit *limit = apr_pcalloc(w->c->pool, sizeof *limit);

    if (entry->text_cut ||
        aps_limit_parse(w->c->pool, aps_str(entry->text), limit, NULL) != APS_OK ||
        aps_limit_bind(w->c->pool, limit, 0, NULL) != APS_OK)
        note_place(w->s->unread, w, entry);
    else if ((limit->by & APS_LIMIT_BY_CALLER) == 0)
        note_place(w->s->others, w, entry);
    else
        add_section(w, entry, limit);
}

static enum aps_err add_sections(struct work *w)
{
    struct aps_state *reader = w->s->figures.reader;
    enum aps_err err;

    if (reader == NULL)
        return APS_OK;
    w->listed = apr_array_make(w->c->pool, 32, sizeof(const struct aps_directory_entry *));
    if ((err = aps_directory_each(reader, w->c->pool, keep_entry, w, &w->c->diag)) != APS_OK)
        return err;
    qsort(w->listed->elts, (size_t)w->listed->nelts, (size_t)w->listed->elt_size, compare);
    for (int i = 0; w->err == APS_OK && i < w->listed->nelts; i++)
        take_entry(w, APR_ARRAY_IDX(w->listed, i, const struct aps_directory_entry *));
    return w->err;
}

/* ---- In all ---- */

static enum aps_err fill(struct work *w)
{
    enum aps_err err;

    if ((err = add_own(w)) != APS_OK || (err = add_held(w)) != APS_OK)
        return err;
    return add_sections(w);
}

enum aps_err ctl_standing_read(struct ctl *c, struct aps_str ref, struct aps_str section,
                               struct ctl_standing *out)
{
    struct work w = {.c = c, .s = out, .seen = apr_hash_make(c->pool)};
    struct aps_planbook *book;
    enum aps_err err;

    *out = (struct ctl_standing){
        .rows = apr_array_make(c->pool, 16, sizeof(struct ctl_standing_row)),
        .others = apr_array_make(c->pool, 4, sizeof(struct aps_str)),
        .unread = apr_array_make(c->pool, 4, sizeof(struct aps_str)),
    };
    if ((err = aps_store_key_get(c->store, ref, c->pool, &out->key, &c->diag)) != APS_OK ||
        (err = aps_store_plan_book(c->store, c->pool, &book, &c->diag)) != APS_OK ||
        (err = ctl_figures_open(c, &out->figures)) != APS_OK)
        return err;
    ctl_held_read(c->pool, book, &out->key, section, &out->held);
    w.who.store = out->figures.store;
    aps_subject_set_caller(&w.who, &out->key);
    if ((err = fill(&w)) != APS_OK)
        ctl_standing_close(out);
    return err;
}

void ctl_standing_close(struct ctl_standing *s)
{
    ctl_figures_close(&s->figures);
}
