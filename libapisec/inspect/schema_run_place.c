/* schema_run_place.c - schemas that judge the same value: $ref, allOf, anyOf, oneOf, not, if. */
#include "schema_run.h"

bool aps_schema_run_place_try(struct aps_schema_judge *c, uint32_t node,
                              const struct aps_jsonread_node *v, uint64_t *marks)
{
    const bool stop = c->stop, quiet = c->quiet;
    const uint32_t before = c->marks_n, n = marks != NULL ? aps_jsonread_count(v) : 0;
    uint64_t *own = NULL;
    bool good;

    if (marks != NULL && (own = aps_schema_run_marks(c, n)) == NULL)
        return false;
    c->stop = c->quiet = true;
    good = aps_schema_run(c, node, v, own);
    if (c->fault != APS_SCHEMA_UNDECIDED)
        return false; /* stop stays set */
    for (uint32_t i = 0; good && own != NULL && i < schema_words(n); i++)
        marks[i] |= own[i];
    c->marks_n = before;
    c->stop = stop;
    c->quiet = quiet;
    return good;
}

/* How many of a list hold; no more than `most` are looked for where no marks want all. */
static uint32_t count_of(struct aps_schema_judge *c, uint32_t list,
                         const struct aps_jsonread_node *v, uint64_t *marks, uint32_t most)
{
    const uint32_t *nodes = c->image->words + list;
    uint32_t count = 0;

    for (uint32_t i = 1; i <= nodes[0] && c->fault == APS_SCHEMA_UNDECIDED; i++)
        if (aps_schema_run_place_try(c, nodes[i], v, marks) && ++count == most && marks == NULL)
            break;
    return count;
}

/* Where $dynamicRef leads: to the anchor of the outermost resource that has it (2020-12 8.2.3.2).
 */
static uint32_t dynamic_of(const struct aps_schema_judge *c, uint32_t list)
{
    const uint32_t *words = c->image->words + list;

    for (uint32_t i = 0; words[0] > 1 && i < c->scope_n; i++)
        for (uint32_t k = 2; k < words[0]; k += 2)
            if (words[k] == c->scope[i])
                return words[k + 1];
    return words[1];
}

/* OpenAPI 3.0's discriminator: the one branch that its member names; *out_known is false for a
 * value that has none such member, which no object may be. */
static uint32_t choice_of(const struct aps_schema_judge *c, const struct schema_node *s,
                          const struct aps_jsonread_node *v)
{
    const struct schema_member *choice = c->image->members + s->choice, *m;
    const struct aps_jsonread_node *value =
        aps_jsonread_get(c->reader, v, schema_str(c->image, choice->name));

    if (value == NULL || aps_jsonread_kind(value) != APS_JSON_STRING)
        return 0;
    m = schema_member_of(c->image, c->image->objects + choice->bit,
                         schema_view_str(&c->view, value));
    return m != NULL ? m->schema : 0;
}

static bool run_choice(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v,
                       uint64_t *marks)
{
    const uint32_t chosen = choice_of(c, c->image->nodes + node, v);

    if (chosen == 0)
        return aps_schema_run_fail(c, node, v, SCHEMA_K_DISCRIMINATOR, 0);
    return aps_schema_run(c, chosen, v, marks);
}

static bool run_lists(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v,
                      uint64_t *marks)
{
    const struct schema_node *s = c->image->nodes + node;
    const uint32_t *all = c->image->words + s->all;
    const bool chosen =
        (s->flags & SCHEMA_SELECTED) != 0 && aps_jsonread_kind(v) == APS_JSON_OBJECT;
    bool good = true;
    uint32_t count;

    for (uint32_t i = 1; i <= all[0] && (good || !c->stop); i++)
        good = aps_schema_run(c, all[i], v, marks) && good;
    if (!good && c->stop)
        return false;
    if (chosen)
        good = run_choice(c, node, v, marks) && good;
    if (s->any != 0 && !(chosen && s->one == 0) && count_of(c, s->any, v, marks, 1) == 0)
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_ANY_OF, 0);
    if (s->one != 0 && !chosen && (count = count_of(c, s->one, v, marks, 2)) != 1)
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_ONE_OF, count);
    return good;
}

static bool run_if(struct aps_schema_judge *c, uint32_t node, const struct aps_jsonread_node *v,
                   uint64_t *marks)
{
    const struct schema_node *s = c->image->nodes + node;
    const uint32_t next = aps_schema_run_place_try(c, s->when, v, marks) ? s->then : s->otherwise;

    return c->fault == APS_SCHEMA_UNDECIDED && (next == 0 || aps_schema_run(c, next, v, marks));
}

bool aps_schema_run_place(struct aps_schema_judge *c, uint32_t node,
                          const struct aps_jsonread_node *v, uint64_t *marks)
{
    const struct schema_node *s = c->image->nodes + node;
    bool good = s->ref == 0 || aps_schema_run(c, s->ref, v, marks);

    if (!good && c->stop)
        return false;
    if (s->dynamic != 0)
        good = aps_schema_run(c, dynamic_of(c, s->dynamic), v, marks) && good;
    if (!good && c->stop)
        return false;
    if ((s->all | s->any | s->one) != 0)
        good = run_lists(c, node, v, marks) && good;
    if (!good && c->stop)
        return false;
    if (s->no != 0 && aps_schema_run_place_try(c, s->no, v, NULL))
        good = aps_schema_run_fail(c, node, v, SCHEMA_K_NOT, 0);
    if (c->fault != APS_SCHEMA_UNDECIDED || (!good && c->stop))
        return false;
    if (s->when != 0)
        good = run_if(c, node, v, marks) && good;
    return good;
}

/* What no keyword has spoken of. */
bool aps_schema_run_place_unseen(struct aps_schema_judge *c, uint32_t node,
                                 const struct aps_jsonread_node *v, const uint64_t *marks)
{
    const struct schema_node *s = c->image->nodes + node;
    const bool object = aps_jsonread_kind(v) == APS_JSON_OBJECT;
    const uint32_t unseen = object ? s->unseen_members : s->unseen_items;
    const struct aps_jsonread_node *i = aps_jsonread_first(v);
    bool good = true;

    for (uint32_t n = 0; i < aps_jsonread_end(v) && (good || !c->stop); n++) {
        const struct aps_jsonread_node *value = i + object;

        if (!schema_is_marked(marks, n))
            good = aps_schema_run(c, unseen, value, NULL) && good;
        i = aps_jsonread_next(value);
    }
    return good;
}
