/* schema_run_object.c - objects: each member is looked up once, and bits say which names were
 * there. */
#include "schema_run.h"

#define FEW_WORDS 4 /* of 32 bits */

/* Whether the way that the value goes forbids this member (POS-10). */
static bool is_one_way(const struct aps_schema_judge *c, const struct schema_member *m)
{
    return (c->options.way == APS_SCHEMA_REQUEST && (m->flags & SCHEMA_READ_ONLY) != 0) ||
           (c->options.way == APS_SCHEMA_RESPONSE && (m->flags & SCHEMA_WRITE_ONLY) != 0);
}

/* patternProperties; *io_known is set where one matches. */
static bool run_patterns(struct aps_schema_judge *c, const struct schema_object *o,
                         const struct aps_jsonread_node *name, bool *io_known)
{
    const uint32_t *pairs = c->image->words + o->patterns;
    const struct aps_str text = schema_view_str(&c->view, name);
    bool good = true;

    for (uint32_t i = 1; i <= pairs[0] && (good || !c->stop); i += 2) {
        if (!aps_schema_run_match(c, pairs[i], text))
            continue;
        *io_known = true;
        good = aps_schema_run(c, pairs[i + 1], name + 1, NULL) && good;
    }
    return good;
}

/* One member; `known` says whether a keyword has spoken of it. */
static inline bool run_member(struct aps_schema_judge *c, uint32_t node,
                              const struct schema_object *o, const struct aps_jsonread_node *name,
                              uint32_t *seen, bool *out_known)
{
    const struct schema_member *m = schema_member_of(c->image, o, schema_view_str(&c->view, name));
    bool good = true, known = false;

    if (m != NULL) {
        if (m->bit != SCHEMA_NO_BIT)
            seen[m->bit / 32] |= 1u << m->bit % 32;
        if (m->flags != 0 && is_one_way(c, m))
            good = aps_schema_run_fail(
                c, node, name,
                (m->flags & SCHEMA_READ_ONLY) != 0 ? SCHEMA_K_READ_ONLY : SCHEMA_K_WRITE_ONLY, 0);
        if (m->schema != 0) {
            known = true;
            good = schema_run(c, m->schema, name + 1) && good;
        }
    }
    if (o->patterns != 0 && (good || !c->stop))
        good = run_patterns(c, o, name, &known) && good;
    if (!known && o->additional != 0 && (good || !c->stop)) {
        known = true;
        good = schema_run(c, o->additional, name + 1) && good;
    }
    if (o->names != 0 && (good || !c->stop))
        good = aps_schema_run(c, o->names, name, NULL) && good;
    *out_known = known;
    return good;
}

static const uint32_t *words_of(const struct aps_schema_judge *c, uint32_t at)
{
    return at != 0 ? c->image->words + at : NULL;
}

/* List the names of these bits that were not seen. */
static bool fail_missing(struct aps_schema_judge *c, uint32_t node,
                         const struct aps_jsonread_node *v, const struct schema_object *o,
                         const uint32_t *want, const uint32_t *seen, const uint32_t *spare,
                         enum schema_keyword keyword)
{
    const struct schema_member *table = c->image->members + o->table;

    for (uint32_t i = 0; i <= o->mask && !c->quiet; i++) {
        const uint32_t bit = table[i].bit;

        if (table[i].used == 0 || bit == SCHEMA_NO_BIT)
            continue;
        if ((want[bit / 32] & ~seen[bit / 32] & ~(spare != NULL ? spare[bit / 32] : 0) &
             1u << bit % 32) != 0)
            (void)aps_schema_run_fail(c, node, v, keyword, o->table + i);
    }
    return false;
}

/* Whether all of `want` but `spare` was seen. */
static bool has_all(const struct schema_object *o, const uint32_t *want, const uint32_t *seen,
                    const uint32_t *spare)
{
    uint32_t missing = 0;

    for (uint32_t i = 0; i <= o->bits / 32; i++)
        missing |= want[i] & ~seen[i] & ~(spare != NULL ? spare[i] : 0);
    return missing == 0;
}

/* What a way forbids need not be there. */
static bool run_required(struct aps_schema_judge *c, uint32_t node,
                         const struct aps_jsonread_node *v, const struct schema_object *o,
                         const uint32_t *seen)
{
    const uint32_t *spare = words_of(c, c->options.way == APS_SCHEMA_REQUEST    ? o->read_only
                                        : c->options.way == APS_SCHEMA_RESPONSE ? o->write_only
                                                                                : 0);
    const uint32_t *want = c->image->words + o->required;

    return has_all(o, want, seen, spare) ||
           fail_missing(c, node, v, o, want, seen, spare, SCHEMA_K_REQUIRED);
}

static bool run_dependents(struct aps_schema_judge *c, uint32_t node,
                           const struct aps_jsonread_node *v, const struct schema_object *o,
                           const uint32_t *seen, uint64_t *marks)
{
    const uint32_t *list = c->image->words + o->dependents;
    bool good = true;

    for (uint32_t i = 1; i <= list[0] && (good || !c->stop); i += 3) {
        const uint32_t *want = words_of(c, list[i + 2]);

        if ((seen[list[i] / 32] & 1u << list[i] % 32) == 0)
            continue;
        if (list[i + 1] != 0)
            good = aps_schema_run(c, list[i + 1], v, marks) && good;
        if (want != NULL && !has_all(o, want, seen, NULL))
            good = fail_missing(c, node, v, o, want, seen, NULL, SCHEMA_K_DEPENDENT_REQUIRED);
    }
    return good;
}

static bool run_members(struct aps_schema_judge *c, uint32_t node,
                        const struct aps_jsonread_node *v, uint32_t *seen, uint64_t *marks)
{
    const struct schema_object *o = c->image->objects + c->image->nodes[node].object;
    const struct aps_jsonread_node *name = aps_jsonread_first(v), *end = aps_jsonread_end(v);
    bool good = true, known;

    for (uint32_t i = 0; name < end; name = aps_jsonread_next(name + 1), i++) {
        if (!run_member(c, node, o, name, seen, &known)) {
            good = false;
            if (c->stop)
                return false;
        }
        if (known)
            schema_mark(marks, i);
    }
    if (o->required != 0)
        good = run_required(c, node, v, o, seen) && good;
    if (o->dependents != 0 && (good || !c->stop))
        good = run_dependents(c, node, v, o, seen, marks) && good;
    return good;
}

bool aps_schema_run_object(struct aps_schema_judge *c, uint32_t node,
                           const struct aps_jsonread_node *v, uint64_t *marks)
{
    const struct schema_node *s = c->image->nodes + node;
    const uint32_t n = aps_jsonread_count(v), before = c->marks_n;
    const uint32_t bits = c->image->objects[s->object].bits;
    uint32_t few[FEW_WORDS] = {0}, *seen = few;
    bool good = true;

    if (!schema_spend(c, n))
        return false;
    if (n < s->members_min)
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_MIN_PROPERTIES, n);
    if (n > s->members_max)
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_MAX_PROPERTIES, n);
    if (s->object == 0 || (!good && c->stop))
        return good;
    if (bits / 32 >= FEW_WORDS && (seen = (void *)aps_schema_run_marks(c, bits)) == NULL)
        return false;
    good = run_members(c, node, v, seen, marks) && good;
    c->marks_n = before;
    return good;
}

/* ---- objects of which little is asked */

/* The schema of a member's value; *io_seen gets its bit, the last for a name without one. */
static inline uint32_t look_up(const struct aps_schema_judge *c, const struct schema_object *o,
                               const struct aps_jsonread_node *name, uint32_t *io_seen)
{
    const struct schema_member *m = schema_member_of(c->image, o, schema_view_str(&c->view, name));

    if (m == NULL)
        return o->additional;
    *io_seen |= 1u << m->bit % 32;
    return m->schema != 0 ? m->schema : o->additional;
}

__attribute__((noinline)) static bool fail_required(struct aps_schema_judge *c, uint32_t node,
                                                    const struct aps_jsonread_node *v,
                                                    const struct schema_object *o, uint32_t seen)
{
    return fail_missing(c, node, v, o, c->image->words + o->required, &seen, NULL,
                        SCHEMA_K_REQUIRED);
}

/* Apart from aps_schema_run_held, which has to need few registers. */
__attribute__((noinline)) bool aps_schema_run_object_members(struct aps_schema_judge *c,
                                                             uint32_t node,
                                                             const struct aps_jsonread_node *v)
{
    const struct schema_node *s = c->image->nodes + node;
    const struct schema_object *o = c->image->objects + s->object;
    const struct aps_jsonread_node *name = aps_jsonread_first(v), *end = aps_jsonread_end(v);
    const uint32_t n = aps_jsonread_count(v);
    uint32_t seen = 0, schema;
    bool good = true;

    if (n < s->members_min || n > s->members_max)
        return aps_schema_run(c, node, v, NULL);
    if (c->depth == 0)
        return aps_schema_run_fault(c, APS_SCHEMA_DEPTH);
    if (!schema_spend(c, n + 1))
        return false;
    c->depth--;
    for (; name < end; name = aps_jsonread_next(name + 1)) {
        schema = look_up(c, o, name, &seen);
        if (schema == 0 || schema_run(c, schema, name + 1))
            continue;
        good = false;
        if (c->stop)
            break;
    }
    c->depth++;
    if ((c->image->words[o->required] & ~seen) == 0 || (!good && c->stop))
        return good;
    return fail_required(c, node, v, o, seen);
}
