/* schema_run.h - a checker at work.
 *
 * A schema is evaluated by aps_schema_run, which calls itself for schemas within it: no deeper than
 * depth_max.  What a keyword unevaluated* has to know is a bit for each item or member of the one
 * array or object, in a stack of words. */
#ifndef INSPECT_SCHEMA_RUN_H
#define INSPECT_SCHEMA_RUN_H

#include "apisec/schema_judge.h"
#include "schema_impl.h"

struct aps_schema_judge {
    struct aps_schema_judge_options options;
    const struct aps_schema_image *image;
    const struct aps_jsonread *reader;
    struct schema_view view;   /* of the value */
    struct schema_view stored; /* of values in the image */
    uint64_t seed;
    uint32_t steps; /* left */
    uint32_t depth; /* left */
    enum aps_schema_verdict fault;
    bool stop;  /* at the next failure */
    bool quiet; /* do not list it: a branch may fail */
    uint32_t failures_n;
    struct aps_schema_failure failures[APS_SCHEMA_FAILURES];
    apr_pool_t *pool;
    uint64_t *marks; /* stack of bits */
    uint32_t marks_n, marks_cap;
    uint32_t *scope; /* resources from the outermost in; depth_max of them */
    uint32_t scope_n;
    uint64_t *hashes; /* of the items of an array */
    uint32_t *slots;
    uint32_t hashes_cap, slots_cap;
    char *decoded; /* base64 */
    uint32_t decoded_cap;
    struct aps_jsonread inner; /* contentMediaType */
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

/* Whether the value is what the schema asks; marks, unless NULL, get a bit for each item or member
 * that it speaks of, which mean nothing where the answer is no. */
bool aps_schema_run(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v,
                    uint64_t *marks);
/* The same, without listing failures; marks change only where the answer is yes. */
bool aps_schema_run_place_try(struct aps_schema_judge *c, uint32_t node,
                              const struct aps_jsonread_node *v, uint64_t *marks);

bool aps_schema_run_array(struct aps_schema_judge *c, uint32_t node,
                          const struct aps_jsonread_node *v, uint64_t *marks);
bool aps_schema_run_object(struct aps_schema_judge *c, uint32_t node,
                           const struct aps_jsonread_node *v, uint64_t *marks);
/* The same where the step was spent: by a shorter way if there is one. */
bool aps_schema_run_held(struct aps_schema_judge *c, uint32_t node,
                         const struct aps_jsonread_node *v);
/* aps_schema_run for what SCHEMA_Q_MEMBERS and SCHEMA_Q_ITEMS are: as strict, and with the same
 * failures. */
bool aps_schema_run_object_members(struct aps_schema_judge *c, uint32_t node,
                                   const struct aps_jsonread_node *v);
bool aps_schema_run_array_items(struct aps_schema_judge *c, uint32_t node,
                                const struct aps_jsonread_node *v);
bool aps_schema_run_place(struct aps_schema_judge *c, uint32_t node,
                          const struct aps_jsonread_node *v, uint64_t *marks);
bool aps_schema_run_place_unseen(struct aps_schema_judge *c, uint32_t node,
                                 const struct aps_jsonread_node *v, const uint64_t *marks);
/* Whether the pattern is somewhere in the text. */
bool aps_schema_run_match(struct aps_schema_judge *c, uint32_t pattern, struct aps_str text);
/* The same without a checker, for who asks now and then; over a limit the answer is no. */
bool aps_schema_run_match_once(const struct aps_schema_image *image, uint32_t pattern,
                               struct aps_str text);
bool aps_schema_run_content(struct aps_schema_judge *c, uint32_t node,
                            const struct aps_jsonread_node *v);

/* List a failure; returns false. */
bool aps_schema_run_fail(struct aps_schema_judge *c, uint32_t node,
                         const struct aps_jsonread_node *v, enum schema_keyword keyword,
                         uint32_t detail);
/* No more of this: returns false. */
bool aps_schema_run_fault(struct aps_schema_judge *c, enum aps_schema_verdict fault);

/* Room for `n` bits, zeroed, on the stack of marks; NULL and a fault without memory.  The caller
 * gives it back by setting c->marks_n to what it was. */
uint64_t *aps_schema_run_marks(struct aps_schema_judge *c, uint32_t n);

static inline uint32_t schema_words(uint32_t bits)
{
    return bits / 64 + 1;
}

static inline void schema_mark(uint64_t *marks, uint32_t i)
{
    if (marks != NULL)
        marks[i / 64] |= (uint64_t)1 << i % 64;
}

static inline bool schema_is_marked(const uint64_t *marks, uint32_t i)
{
    return (marks[i / 64] >> i % 64 & 1) != 0;
}

/* The scalar kind of names is that of strings. */
static inline enum aps_jsonread_kind schema_kind(const struct aps_jsonread_node *v)
{
    const enum aps_jsonread_kind kind = aps_jsonread_kind(v);

    return kind == APS_JSON_NAME ? APS_JSON_STRING : kind;
}

/* Spend steps; false and a fault once they are over. */
static inline bool schema_spend(struct aps_schema_judge *c, uint32_t n)
{
    if (n >= c->steps)
        return aps_schema_run_fault(c, APS_SCHEMA_STEPS);
    c->steps -= n;
    return true;
}

/* Eight bytes that are all at most '9', as those of a fraction are that no exponent follows. */
static inline bool schema_are_digits(const char *p)
{
    const uint64_t x = schema_load8(p) ^ 0x3030303030303030u; /* as jsonread.c finds digits */

    return ((x + 0x7676767676767676u) & 0x8080808080808080u) == 0;
}

/* A number of at most 18 digits lies between two integers, which are one if it is an integer; false
 * for all others.  A fraction is not looked at but for exponents. */
static inline bool schema_whole(struct aps_str text, int64_t *out_low, int64_t *out_high)
{
    const bool negative = text.p[0] == '-';
    const char *p = text.p + negative, *const end = text.p + text.n;
    int64_t whole = 0, fraction;

    if (text.n > 18)
        return false;
    for (; p < end && *p >= '0'; p++) {
        if (*p > '9')
            return false;
        whole = whole * 10 + (*p - '0');
    }
    fraction = p < end;
    *out_low = negative ? -whole - fraction : whole;
    *out_high = negative ? -whole : whole + fraction;
    if (end - p > 8)
        return schema_are_digits(p + 1) && schema_are_digits(end - 8);
    for (; p < end; p++)
        if (*p > '9')
            return false;
    return true;
}

/* Whether the length of a string is surely right: a code point has one to four bytes. */
static inline bool schema_is_sure_length(const struct schema_node *s,
                                         const struct aps_jsonread_node *v)
{
    return v->n <= s->length_max && (v->n + 3) / 4 >= s->length_min;
}

/* aps_schema_run for a member or an item, whose step was spent with those of all. */
__attribute__((always_inline)) static inline bool
schema_run(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v)
{
    const struct schema_node *s = c->image->nodes + node;
    const enum aps_jsonread_kind kind = aps_jsonread_kind(v);

    return (s->plain >> kind & 1) != 0 ||
           (kind == APS_JSON_STRING && (s->quick & SCHEMA_Q_LENGTH) != 0 &&
            schema_is_sure_length(s, v)) ||
           aps_schema_run_held(c, node, v);
}

#endif
