/* planbook.c - every plan of a store, and which of them holds for a caller. */
#include "apisec/planbook.h"

#include <apr_hash.h>
#include <apr_tables.h>

/* An edit is recent for so long: a process that learns of it then makes sure that no other one goes
 * by the earlier definition (rate.h). */
#define RECENT (2 * APS_MINUTE)

/* A limit that was added, as it is stored. */
struct row {
    struct aps_str name;
    struct aps_planbook_text text;
};

struct entry {
    struct aps_plan plan;
    apr_array_header_t *rows; /* of struct row */
    apr_hash_t *earlier;      /* name of a limit -> array of its earlier texts, newest first */
};

/* What a role brings along. */
struct attached {
    struct aps_str plan;
    uint32_t priority;
};

struct aps_planbook {
    apr_pool_t *pool;
    apr_hash_t *plans; /* name -> struct entry */
    apr_hash_t *roles; /* name -> struct attached */
};

struct aps_planbook *aps_planbook_new(apr_pool_t *pool)
{
    struct aps_planbook *book = apr_pcalloc(pool, sizeof *book);

    book->pool = pool;
    book->plans = apr_hash_make(pool);
    book->roles = apr_hash_make(pool);
    return book;
}

static struct entry *entry_of(const struct aps_planbook *book, struct aps_str name)
{
    return apr_hash_get(book->plans, name.p, (apr_ssize_t)name.n);
}

void aps_planbook_add(struct aps_planbook *book, struct aps_str name)
{
    struct entry *entry = apr_pcalloc(book->pool, sizeof *entry);

    entry->plan.name = aps_str_copy(book->pool, name);
    entry->rows = apr_array_make(book->pool, 4, sizeof(struct row));
    entry->earlier = apr_hash_make(book->pool);
    apr_hash_set(book->plans, entry->plan.name.p, (apr_ssize_t)name.n, entry);
}

static struct aps_planbook_text keep(struct aps_planbook *book,
                                     const struct aps_planbook_text *text)
{
    struct aps_planbook_text kept = *text;

    kept.text = aps_str_copy(book->pool, text->text);
    return kept;
}

void aps_planbook_limit(struct aps_planbook *book, struct aps_str plan, struct aps_str name,
                        const struct aps_planbook_text *text)
{
    struct entry *entry = entry_of(book, plan);

    if (entry != NULL)
        APR_ARRAY_PUSH(entry->rows, struct row) =
            (struct row){aps_str_copy(book->pool, name), keep(book, text)};
}

void aps_planbook_earlier(struct aps_planbook *book, struct aps_str plan, struct aps_str name,
                          const struct aps_planbook_text *text)
{
    struct entry *entry = entry_of(book, plan);
    apr_array_header_t *list;

    if (entry == NULL)
        return;
    list = apr_hash_get(entry->earlier, name.p, (apr_ssize_t)name.n);
    if (list == NULL) {
        list = apr_array_make(book->pool, APS_PLAN_EARLIER_MAX, sizeof *text);
        apr_hash_set(entry->earlier, aps_str_copy(book->pool, name).p, (apr_ssize_t)name.n, list);
    }
    if (list->nelts < APS_PLAN_EARLIER_MAX)
        APR_ARRAY_PUSH(list, struct aps_planbook_text) = keep(book, text);
}

void aps_planbook_attach(struct aps_planbook *book, struct aps_str role, struct aps_str plan,
                         uint32_t priority)
{
    struct attached *attached = apr_palloc(book->pool, sizeof *attached);

    *attached = (struct attached){aps_str_copy(book->pool, plan), priority};
    apr_hash_set(book->roles, aps_str_copy(book->pool, role).p, (apr_ssize_t)role.n, attached);
}

/* Where and when a book is sealed. */
struct sealing {
    struct aps_planbook *book;
    uint64_t store;
    struct aps_table_now now;
};

static bool read_text(const struct sealing *s, struct aps_str name,
                      const struct aps_planbook_text *text, struct aps_limit *out)
{
    if (aps_plan_parse(s->book->pool, text->text, out, NULL) != APS_OK ||
        !aps_str_eq(out->name, name))
        return false;
    out->edition = text->edition;
    return aps_limit_bind(s->book->pool, out, s->store, NULL) == APS_OK;
}

/* When this process learned that the limit says something else; 0: long ago.  A clock that was set
 * back makes it recent. */
static aps_nsec edited_at(const struct sealing *s, const struct aps_planbook_text *newest)
{
    return s->now.wall - newest->changed_at < RECENT ? s->now.mono : 0;
}

/* Let the limit go on with what was consumed of its earlier texts.  One that is damaged is passed
 * over: the limit itself holds in any case. */
static void chain(const struct sealing *s, const apr_array_header_t *texts, struct aps_limit *limit)
{
    const struct aps_planbook_text *text = (const void *)texts->elts;
    struct aps_limit *earlier = apr_palloc(s->book->pool, (size_t)texts->nelts * sizeof *earlier);
    size_t n = 0;

    for (int i = 0; i < texts->nelts; i++)
        if (text[i].until > s->now.wall && read_text(s, limit->name, &text[i], &earlier[n]))
            n++;
    aps_limit_bind_earlier(limit, earlier, n, edited_at(s, &text[0]));
}

static bool seal_limit(const struct sealing *s, const struct entry *entry, const struct row *row,
                       struct aps_limit *out)
{
    const apr_array_header_t *earlier =
        apr_hash_get(entry->earlier, row->name.p, (apr_ssize_t)row->name.n);

    if (!read_text(s, row->name, &row->text, out))
        return false;
    if (earlier != NULL)
        chain(s, earlier, out);
    return true;
}

static void seal_plan(const struct sealing *s, struct entry *entry)
{
    size_t n = (size_t)entry->rows->nelts;
    struct aps_limit *limits = apr_pcalloc(s->book->pool, (n + 1) * sizeof *limits);
    const struct aps_limit **list = apr_pcalloc(s->book->pool, (n + 1) * sizeof *list);
    bool sound = n > 0 && n <= APS_PLAN_LIMITS_MAX;

    for (size_t i = 0; sound && i < n; i++) {
        sound = seal_limit(s, entry, &APR_ARRAY_IDX(entry->rows, (int)i, struct row), &limits[i]);
        list[i] = &limits[i];
    }
    entry->plan.sound = sound;
    entry->plan.n = sound ? n : 0;
    entry->plan.limits = list;
}

void aps_planbook_seal(struct aps_planbook *book, uint64_t store, struct aps_table_now now)
{
    struct sealing s = {book, store, now};

    for (apr_hash_index_t *i = apr_hash_first(book->pool, book->plans); i != NULL;
         i = apr_hash_next(i))
        seal_plan(&s, apr_hash_this_val(i));
}

const struct aps_plan *aps_planbook_find(const struct aps_planbook *book, struct aps_str name)
{
    const struct entry *entry = entry_of(book, name);

    return entry != NULL ? &entry->plan : NULL;
}

/* The roles of a key are sorted, so that of equal priorities the first stays. */
static bool choose_role(const struct aps_planbook *book, const struct aps_key *key,
                        struct aps_planbook_choice *out)
{
    const struct attached *best = NULL;
    size_t n = apr_hash_count(book->roles) != 0 ? key->nroles : 0;

    for (size_t i = 0; i < n; i++) {
        const struct attached *one =
            apr_hash_get(book->roles, key->roles[i].p, (apr_ssize_t)key->roles[i].n);

        if (one == NULL || (best != NULL && one->priority <= best->priority))
            continue;
        best = one;
        out->role = key->roles[i];
    }
    if (best == NULL)
        return false;
    out->source = APS_PLANBOOK_ROLE;
    out->name = best->plan;
    return true;
}

enum aps_reason aps_planbook_choose(const struct aps_planbook *book, const struct aps_key *key,
                                    struct aps_str section, struct aps_planbook_choice *out)
{
    *out = (struct aps_planbook_choice){APS_PLANBOOK_NONE, {NULL, 0}, {NULL, 0}, NULL};
    if (key->plan.n != 0) {
        out->source = APS_PLANBOOK_KEY;
        out->name = key->plan;
    } else if (!choose_role(book, key, out) && section.n != 0) {
        out->source = APS_PLANBOOK_SECTION;
        out->name = section;
    }
    if (out->source == APS_PLANBOOK_NONE)
        return APS_REASON_ALLOW;
    out->plan = aps_planbook_find(book, out->name);
    if (out->plan == NULL || !out->plan->sound)
        return APS_REASON_PLAN_UNKNOWN;
    return APS_REASON_ALLOW;
}

static const struct aps_limit *find_override(const struct aps_limit *const *overrides, size_t n,
                                             struct aps_str name)
{
    for (size_t i = 0; i < n; i++)
        if (aps_str_eq(overrides[i]->name, name))
            return overrides[i];
    return NULL;
}

static bool has_limit(const struct aps_plan *plan, struct aps_str name)
{
    for (size_t i = 0; plan != NULL && i < plan->n; i++)
        if (aps_str_eq(plan->limits[i]->name, name))
            return true;
    return false;
}

size_t aps_planbook_lay(const struct aps_plan *plan, const struct aps_limit *const *overrides,
                        size_t n, const struct aps_limit *out[APS_PLANBOOK_HELD_MAX])
{
    size_t held = 0;

    for (size_t i = 0; plan != NULL && i < plan->n; i++) {
        const struct aps_limit *mine = find_override(overrides, n, plan->limits[i]->name);

        out[held++] = mine != NULL ? mine : plan->limits[i];
    }
    for (size_t i = 0; i < n; i++)
        if (!has_limit(plan, overrides[i]->name))
            out[held++] = overrides[i];
    return held;
}
