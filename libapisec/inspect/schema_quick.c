/* schema_quick.c - what is put into an image only so that checks are cheap: kinds of values that
 * need no look, bounds as one range of integers, objects and arrays of which little is asked, and
 * references led past schemas that are only those. */
#include "schema_build.h"

/* ---- schemas that are a $ref and nothing else */

static uint32_t target_of(const struct schema_build *b, uint32_t node)
{
    for (unsigned i = 0; node != 0 && i < 16; i++) {
        const struct schema_node *s = schema_part_node(b, node);

        if (s->flags != SCHEMA_IN_PLACE || s->types != SCHEMA_T_ANY || s->ref == 0 ||
            (s->dynamic | s->all | s->any | s->one | s->no | s->when) != 0)
            return node;
        node = s->ref;
    }
    return node;
}

static void lead_list(struct schema_build *b, uint32_t list)
{
    const uint32_t n = *(uint32_t *)schema_part(b, SCHEMA_S_WORDS, list);

    for (uint32_t i = 1; i <= n; i++) {
        uint32_t *node = schema_part(b, SCHEMA_S_WORDS, list + i);

        *node = target_of(b, *node);
    }
}

/* Not what a branch of anyOf and such is, whose pointer tells more than that of its target. */
static void lead_all(struct schema_build *b)
{
    for (uint32_t i = 1; i < b->part[SCHEMA_S_NODES].n; i++) {
        struct schema_node *s = schema_part_node(b, i);

        s->items = target_of(b, s->items);
        s->ref = target_of(b, s->ref);
        lead_list(b, s->prefix);
    }
    for (uint32_t i = 1; i < b->part[SCHEMA_S_OBJECTS].n; i++) {
        struct schema_object *o = schema_part(b, SCHEMA_S_OBJECTS, i);

        o->additional = target_of(b, o->additional);
        for (uint32_t k = o->table; k <= o->table + o->mask; k++) {
            struct schema_member *m = schema_part(b, SCHEMA_S_MEMBERS, k);

            m->schema = target_of(b, m->schema);
        }
    }
}

/* ---- kinds and ranges */

/* Which kinds no keyword asks anything of. */
static uint32_t plain_of(const struct schema_node *s)
{
    uint32_t plain = s->types & ((1u << (APS_JSON_OBJECT + 1)) - 1);

    if ((s->flags & (SCHEMA_VALUE | SCHEMA_IN_PLACE | SCHEMA_UNSEEN)) != 0)
        return 0;
    if ((s->flags & SCHEMA_NUMBERS) != 0)
        plain &= ~(uint32_t)SCHEMA_T_NUMBER;
    if ((s->flags & SCHEMA_STRINGS) != 0)
        plain &= ~(uint32_t)SCHEMA_T_STRING;
    if ((s->flags & SCHEMA_ARRAYS) != 0)
        plain &= ~(uint32_t)SCHEMA_T_ARRAY;
    if ((s->flags & SCHEMA_OBJECTS) != 0)
        plain &= ~(uint32_t)SCHEMA_T_OBJECT;
    return plain;
}

static const struct schema_number *number_of(const struct schema_build *b, uint32_t i)
{
    return schema_part(b, SCHEMA_S_NUMBERS, i);
}

/* False where a bound is no integer of 64 bits. */
static bool set_range(const struct schema_build *b, struct schema_node *s)
{
    const struct schema_number *min = number_of(b, s->minimum), *max = number_of(b, s->maximum),
                               *above = number_of(b, s->above), *below = number_of(b, s->below);

    s->low = INT64_MIN;
    s->high = INT64_MAX;
    if ((s->minimum != 0 && !min->exact) || (s->maximum != 0 && !max->exact) ||
        (s->above != 0 && !above->exact) || (s->below != 0 && !below->exact) ||
        above->value == INT64_MAX || below->value == INT64_MIN || s->multiple != 0)
        return false;
    if (s->minimum != 0)
        s->low = min->value;
    if (s->maximum != 0)
        s->high = max->value;
    if (s->above != 0 && above->value + 1 > s->low)
        s->low = above->value + 1;
    if (s->below != 0 && below->value - 1 < s->high)
        s->high = below->value - 1;
    return true;
}

/* SCHEMA_Q_LENGTH or SCHEMA_Q_BYTES, if a string is asked nothing else. */
static uint32_t quick_string(const struct schema_build *b, const struct schema_node *s)
{
    const struct schema_pattern *p = schema_part(b, SCHEMA_S_PATTERNS, s->pattern);

    if ((s->types & 1u << APS_JSON_STRING) == 0 || s->format != 0 || s->urls_n != 0 ||
        (s->flags & (SCHEMA_BASE64 | SCHEMA_JSON)) != 0)
        return 0;
    return s->pattern == 0 ? SCHEMA_Q_LENGTH : p->kind == SCHEMA_P_BYTES ? SCHEMA_Q_BYTES : 0;
}

/* Whether no more is asked of an object than which names it has and what their values are. */
static bool has_only_members(const struct schema_build *b, const struct schema_node *s)
{
    const struct schema_object *o = schema_part(b, SCHEMA_S_OBJECTS, s->object);

    if (s->object == 0 || (s->types & SCHEMA_T_OBJECT) == 0 || o->bits > SCHEMA_Q_BITS ||
        (o->patterns | o->names | o->dependents) != 0)
        return false;
    for (uint32_t i = o->table; i <= o->table + o->mask; i++)
        if (((const struct schema_member *)schema_part(b, SCHEMA_S_MEMBERS, i))->flags != 0)
            return false;
    return true;
}

static void set_quick(const struct schema_build *b, struct schema_node *s)
{
    s->plain = plain_of(s);
    if ((s->flags & (SCHEMA_VALUE | SCHEMA_IN_PLACE)) != 0)
        return;
    s->quick |= quick_string(b, s);
    if ((s->types & (SCHEMA_T_NUMBER | SCHEMA_T_INTEGER)) != 0 && set_range(b, s))
        s->quick |= SCHEMA_Q_RANGE;
    if ((s->types & SCHEMA_T_NUMBER) == 0)
        s->quick |= SCHEMA_Q_WHOLE;
    if (b->scope || (s->flags & SCHEMA_UNSEEN) != 0)
        return;
    if (has_only_members(b, s))
        s->quick |= SCHEMA_Q_MEMBERS;
    if ((s->types & SCHEMA_T_ARRAY) != 0 && s->items != 0 && (s->prefix | s->contains) == 0)
        s->quick |= SCHEMA_Q_ITEMS;
}

void aps_schema_quick(struct schema_build *b)
{
    if (!b->scope) /* else each schema on the way counts */
        lead_all(b);
    for (uint32_t i = 1; i < b->part[SCHEMA_S_NODES].n; i++)
        set_quick(b, schema_part_node(b, i));
}
