/* schema_run.c - a value and a schema. */
#include "schema_run.h"

#define MARKS (1u << 16) /* words: 256 arrays of 10,000 items within each other */

bool aps_schema_run_fault(struct aps_schema_judge *c, enum aps_schema_verdict fault)
{
    if (c->fault == APS_SCHEMA_UNDECIDED)
        c->fault = fault;
    c->stop = true;
    c->quiet = true;
    c->steps = 0;
    return false;
}

bool aps_schema_run_fail(struct aps_schema_judge *c, uint32_t node,
                         const struct aps_jsonread_node *v, enum schema_keyword keyword,
                         uint32_t detail)
{
    if (c->quiet)
        return false;
    c->failures[c->failures_n++] =
        (struct aps_schema_failure){.value = (uint32_t)(v - c->reader->nodes),
                                    .schema = node,
                                    .keyword = (uint16_t)keyword,
                                    .detail = detail};
    if (c->options.first || c->failures_n == APS_SCHEMA_FAILURES)
        c->stop = c->quiet = true;
    return false;
}

uint64_t *aps_schema_run_marks(struct aps_schema_judge *c, uint32_t n)
{
    const uint32_t words = schema_words(n);
    uint64_t *marks;

    if (c->marks == NULL) {
        if ((c->marks = apr_palloc(c->pool, MARKS * sizeof *c->marks)) == NULL) {
            (void)aps_schema_run_fault(c, APS_SCHEMA_NOMEM);
            return NULL;
        }
        c->marks_cap = MARKS;
    }
    if (words > c->marks_cap - c->marks_n) {
        (void)aps_schema_run_fault(c, APS_SCHEMA_NOMEM);
        return NULL;
    }
    marks = c->marks + c->marks_n;
    c->marks_n += words;
    memset(marks, 0, words * sizeof *marks);
    return marks;
}

/* ---- numbers */

static bool run_bounds(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v,
                       const struct schema_decimal *d)
{
    const struct aps_schema_image *im = c->image;
    const struct schema_node *s = im->nodes + node;
    bool good = true;

    if (s->minimum != 0 && aps_schema_number_compare(d, im->numbers + s->minimum, im->bytes) < 0)
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_MINIMUM, 0);
    if (s->maximum != 0 && aps_schema_number_compare(d, im->numbers + s->maximum, im->bytes) > 0)
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_MAXIMUM, 0);
    if (s->above != 0 && aps_schema_number_compare(d, im->numbers + s->above, im->bytes) <= 0)
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_EXCLUSIVE_MINIMUM, 0);
    if (s->below != 0 && aps_schema_number_compare(d, im->numbers + s->below, im->bytes) >= 0)
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_EXCLUSIVE_MAXIMUM, 0);
    if (s->multiple != 0 && !aps_schema_number_is_multiple(d->text, im->numbers + s->multiple))
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_MULTIPLE_OF, 0);
    return good;
}

/* ---- strings */

/* Code points: bytes that do not go on with one. */
static uint32_t length_of(struct aps_str s)
{
    uint32_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += (signed char)s.p[i] >= -0x40;
    return n;
}

static bool run_length(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v,
                       struct aps_str text)
{
    const struct schema_node *s = c->image->nodes + node;
    uint32_t n;

    /* A code point has one to four bytes. */
    if (text.n <= s->length_max && (text.n + 3) / 4 >= s->length_min)
        return true;
    n = length_of(text);
    if (n < s->length_min)
        return aps_schema_run_fail(c, node, v, SCHEMA_K_MIN_LENGTH, n);
    return n <= s->length_max || aps_schema_run_fail(c, node, v, SCHEMA_K_MAX_LENGTH, n);
}

static bool run_url(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v,
                    struct aps_str text)
{
    const struct schema_node *s = c->image->nodes + node;
    const enum aps_urlrule_fault fault =
        aps_urlrule_judge(c->image->urls + s->urls, s->urls_n, text);

    return fault == APS_URLRULE_OK ||
           aps_schema_run_fail(c, node, v, SCHEMA_K_APISEC_URL, (uint32_t)fault);
}

__attribute__((noinline)) static bool run_string(struct aps_schema_judge *c, uint32_t node,
                                                 const struct aps_jsonread_node *v)
{
    const struct schema_node *s = c->image->nodes + node;
    const struct aps_str text = schema_view_str(&c->view, v);
    bool good = run_length(c, node, v, text);

    if (!good && c->stop)
        return false;
    if (s->pattern != 0 && !aps_schema_run_match(c, s->pattern, text))
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_PATTERN, 0);
    if (s->format != 0 && s->format < SCHEMA_F_BINARY && !aps_schema_format(s->format, text))
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_FORMAT, 0);
    if (s->urls_n != 0 && !run_url(c, node, v, text))
        good = false;
    if ((s->flags & (SCHEMA_BASE64 | SCHEMA_JSON)) != 0 && !aps_schema_run_content(c, node, v))
        good = false;
    return good;
}

/* ---- values */

static bool is_in(struct aps_schema_judge *c, uint32_t list, const struct aps_jsonread_node *v)
{
    const uint32_t *pairs = c->image->words + list + 1, n = pairs[-1] / 2;
    const uint32_t hash = (uint32_t)aps_schema_value_hash(&c->view, v, 1, &c->steps);
    uint32_t low = 0, high = n;

    while (low < high) { /* the first that is not below */
        const uint32_t mid = low + (high - low) / 2;

        if (pairs[2 * mid] < hash)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < n && pairs[2 * low] == hash; low++)
        if (aps_schema_value_equal(&c->view, v, &c->stored, c->image->values + pairs[2 * low + 1],
                                   &c->steps))
            return true;
    if (c->steps == 0)
        return aps_schema_run_fault(c, APS_SCHEMA_STEPS);
    return false;
}

/* The formats that are kinds of numbers, or of strings that may be anything. */
static bool is_of_format(const struct schema_node *s, enum aps_jsonread_kind kind,
                         struct aps_str text)
{
    if (kind == APS_JSON_NULL)
        return true;
    if (s->format < SCHEMA_F_DECIMAL)
        return kind == APS_JSON_STRING;
    if (s->format < SCHEMA_F_INT8 && kind == APS_JSON_STRING)
        return aps_schema_format_oas(s->format, text);
    return kind == APS_JSON_NUMBER && aps_schema_number_is_format(s->format, text);
}

static bool run_value(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v)
{
    const struct schema_node *s = c->image->nodes + node;
    bool good = true;

    if (s->values != 0 && !is_in(c, s->values, v))
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_ENUM, 0);
    if (s->constant != 0 &&
        !aps_schema_value_equal(&c->view, v, &c->stored, c->image->values + s->constant, &c->steps))
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_CONST, 0);
    if (c->steps == 0)
        return aps_schema_run_fault(c, APS_SCHEMA_STEPS);
    if (s->format >= SCHEMA_F_BINARY &&
        !is_of_format(s, schema_kind(v), schema_view_str(&c->view, v)))
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_FORMAT, 0);
    return good;
}

/* ---- all of it */

/* A number, of which the type may ask that it has no fraction. */
__attribute__((noinline)) static bool run_number(struct aps_schema_judge *c, uint32_t node,
                                                 const struct aps_jsonread_node *v)
{
    const struct schema_node *s = c->image->nodes + node;
    const bool whole = (s->types & SCHEMA_T_NUMBER) == 0;
    const struct schema_decimal d = aps_schema_number_read(schema_view_str(&c->view, v));

    if (whole && !aps_schema_number_is_integer(&d))
        return aps_schema_run_fail(c, node, v, SCHEMA_K_TYPE, 0);
    return (s->flags & SCHEMA_NUMBERS) == 0 || run_bounds(c, node, v, &d);
}

/* What the value's kind has keywords for.  The functions that this leads to are apart, so that
 * a value which needs none of them pays for none. */
static inline bool run_scalar(struct aps_schema_judge *c, uint32_t node,
                              const struct schema_node *s, const struct aps_jsonread_node *v,
                              enum aps_jsonread_kind kind)
{
    if (kind == APS_JSON_STRING)
        return (s->flags & SCHEMA_STRINGS) == 0 || run_string(c, node, v);
    if (kind == APS_JSON_NUMBER)
        return ((s->flags & SCHEMA_NUMBERS) == 0 && (s->types & SCHEMA_T_NUMBER) != 0) ||
               run_number(c, node, v);
    return true;
}

static inline bool run_kind(struct aps_schema_judge *c, uint32_t node,
                            const struct aps_jsonread_node *v, enum aps_jsonread_kind kind,
                            uint64_t *marks)
{
    const struct schema_node *s = c->image->nodes + node;

    if (kind == APS_JSON_ARRAY)
        return (s->flags & SCHEMA_ARRAYS) == 0 || aps_schema_run_array(c, node, v, marks);
    if (kind == APS_JSON_OBJECT)
        return (s->flags & SCHEMA_OBJECTS) == 0 || aps_schema_run_object(c, node, v, marks);
    return run_scalar(c, node, s, v, kind);
}

static bool run_all(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v,
                    uint64_t *marks)
{
    const uint32_t flags = c->image->nodes[node].flags;
    bool good = (flags & SCHEMA_VALUE) == 0 || run_value(c, node, v);

    if (!good && c->stop)
        return false;
    if ((flags & SCHEMA_IN_PLACE) != 0 && !aps_schema_run_place(c, node, v, marks))
        good = false;
    if (!good && c->stop)
        return false;
    return run_kind(c, node, v, schema_kind(v), marks) && good;
}

/* With marks of its own, which those around it get too. */
static bool run_seen(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v,
                     uint64_t *marks)
{
    const uint32_t before = c->marks_n, n = aps_jsonread_count(v);
    uint64_t *own = aps_schema_run_marks(c, n);
    bool good;

    if (own == NULL)
        return false;
    good = run_all(c, node, v, own) && aps_schema_run_place_unseen(c, node, v, own);
    for (uint32_t i = 0; marks != NULL && i < n; i++) /* all have been looked at */
        schema_mark(marks, i);
    c->marks_n = before;
    return good;
}

/* A schema that may lead to others. */
__attribute__((noinline)) static bool run_deep(struct aps_schema_judge *c, uint32_t node,
                                               const struct aps_jsonread_node *v, uint64_t *marks)
{
    const struct schema_node *s = c->image->nodes + node;
    const uint32_t scope = c->scope_n;
    const enum aps_jsonread_kind kind = schema_kind(v);
    bool good;

    if (c->depth == 0)
        return aps_schema_run_fault(c, APS_SCHEMA_DEPTH);
    c->depth--;
    if (c->image->head->scope != 0 && (scope == 0 || c->scope[scope - 1] != s->resource))
        c->scope[c->scope_n++] = s->resource;
    if ((s->unseen_items != 0 && kind == APS_JSON_ARRAY) ||
        (s->unseen_members != 0 && kind == APS_JSON_OBJECT))
        good = run_seen(c, node, v, marks);
    else
        good = run_all(c, node, v, marks);
    c->scope_n = scope;
    c->depth++;
    return good;
}

static inline bool is_type(const struct schema_node *s, enum aps_jsonread_kind kind)
{
    return (s->types >> kind & 1) != 0 ||
           (kind == APS_JSON_NUMBER && (s->types & SCHEMA_T_INTEGER) != 0);
}

bool aps_schema_run(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v,
                    uint64_t *marks)
{
    const struct schema_node *s = c->image->nodes + node;
    const enum aps_jsonread_kind kind = schema_kind(v);

    if (!schema_spend(c, 1))
        return false;
    if (!is_type(s, kind)) /* all else would only say so again */
        return aps_schema_run_fail(
            c, node, v, (s->flags & SCHEMA_NEVER) != 0 ? SCHEMA_K_NONE : SCHEMA_K_TYPE, 0);
    if (kind >= APS_JSON_ARRAY ? (s->flags & ~SCHEMA_SCALARS) != 0
                               : (s->flags & (SCHEMA_VALUE | SCHEMA_IN_PLACE)) != 0)
        return run_deep(c, node, v, marks);
    return kind >= APS_JSON_ARRAY || run_scalar(c, node, s, v, kind);
}

/* ---- what needs less */

/* Whether a string is what its pattern of bytes says. */
static inline bool is_sure_string(const struct aps_schema_judge *c, const struct schema_node *s,
                                  const struct aps_jsonread_node *v)
{
    const struct schema_pattern *p = c->image->patterns + s->pattern;

    return (s->quick & SCHEMA_Q_BYTES) != 0 && schema_is_sure_length(s, v) &&
           schema_bytes_match(schema_str(c->image, p->text), schema_view_str(&c->view, v));
}

/* Whether a number is surely within its bounds. */
static inline bool is_sure_number(const struct aps_schema_judge *c, const struct schema_node *s,
                                  const struct aps_jsonread_node *v)
{
    int64_t low, high;

    return (s->quick & SCHEMA_Q_RANGE) != 0 &&
           schema_whole((struct aps_str){c->view.text + v->at, v->n}, &low, &high) &&
           low >= s->low && high <= s->high && (low == high || (s->quick & SCHEMA_Q_WHOLE) == 0);
}

bool aps_schema_run_held(struct aps_schema_judge *c, uint32_t node,
                         const struct aps_jsonread_node *v)
{
    const struct schema_node *s = c->image->nodes + node;
    const enum aps_jsonread_kind kind = aps_jsonread_kind(v);

    if (kind == APS_JSON_STRING && is_sure_string(c, s, v))
        return true;
    if (kind == APS_JSON_NUMBER && is_sure_number(c, s, v))
        return true;
    if (kind == APS_JSON_OBJECT && (s->quick & SCHEMA_Q_MEMBERS) != 0)
        return aps_schema_run_object_members(c, node, v);
    if (kind == APS_JSON_ARRAY && (s->quick & SCHEMA_Q_ITEMS) != 0)
        return aps_schema_run_array_items(c, node, v);
    return aps_schema_run(c, node, v, NULL);
}
