/* jsonread_name.c - whether a name stands twice in an object. */
#include "jsonread_impl.h"

/* The tag of any name.  Up to twice sixteen bytes are taken in two steps, the first and the last
 * sixteen, which may overlap: the first result and the length become part of the second. */
uint32_t aps_jsonread_name_tag(const struct aps_jsonread *r, struct aps_str name)
{
    const struct name_key key = name_key_of(r);
    const char *last;
    char room[16] = {0};
    uint64_t x;

    if (name.n <= APS_JSONREAD_SHORT_NAME) {
        memcpy(room, name.p, name.n);
        return tag_short(room, name.n, key);
    }
    if (name.n > 32)
        return (uint32_t)(aps_siphash_64(name, r->key) >> (64 - APS_JSONREAD_TAG_BITS));
    last = name.p + name.n - 16;
    x = mix(bytes8_load(name.p), bytes8_load(name.p + 8), key);
    x = mix(bytes8_load(last) ^ x, bytes8_load(last + 8) ^ name.n, key);
    return (uint32_t)(x >> (64 - APS_JSONREAD_TAG_BITS));
}

bool aps_jsonread_name_has_tag(const struct aps_jsonread_node *object,
                               const struct aps_jsonread_node *name)
{
    for (const struct aps_jsonread_node *m = object + 1; m < name; m = aps_jsonread_next(m + 1))
        if (m->what == name->what)
            return true;
    return false;
}

static bool is_same_name(const struct aps_jsonread *r, const struct aps_jsonread_node *a,
                         const struct aps_jsonread_node *b)
{
    return aps_str_eq(aps_jsonread_str(r, a), aps_jsonread_str(r, b));
}

/* The exact answer where tags are equal: the later of two equal names, or NULL. */
static const struct aps_jsonread_node *find_same_name(const struct aps_jsonread *r,
                                                      const struct aps_jsonread_node *object,
                                                      const struct aps_jsonread_node *end)
{
    for (const struct aps_jsonread_node *b = object + 1; b < end; b = aps_jsonread_next(b + 1))
        for (const struct aps_jsonread_node *a = object + 1; a < b; a = aps_jsonread_next(a + 1))
            if (a->what == b->what && is_same_name(r, a, b))
                return b;
    return NULL;
}

/* Whether two of an object's few members have the same tag: each with those d places on, four at a
 * time.  Behind the last stand numbers that equal no tag and, as far as one step looks, not each
 * other. */
static bool has_same_tag(const struct aps_jsonread_node *object, unsigned count)
{
    typedef uint32_t words4 __attribute__((vector_size(16)));
    uint32_t tags[APS_JSONREAD_FEW + 4];
    const struct aps_jsonread_node *m = object + 1;
    words4 found = {0}, a, b;

    for (unsigned i = 0; i < count; i++, m = aps_jsonread_next(m + 1))
        tags[i] = m->what;
    for (unsigned i = 0; i < 4; i++)
        tags[count + i] = i;
    for (unsigned d = 1; d < count; d++)
        for (unsigned i = 0; i + d < count; i += 4) {
            memcpy(&a, tags + i, sizeof a);
            memcpy(&b, tags + i + d, sizeof b);
            found |= (words4)(a == b);
        }
    return ((halves16)found)[0] != 0 || ((halves16)found)[1] != 0;
}

static bool make_slots(struct aps_jsonread *r, size_t count)
{
    uint32_t *room = aps_jsonread_room(r, r->slots, &r->slots_cap, count, sizeof *room);

    if (room == NULL)
        return false;
    r->slots = room;
    memset(room, 0, count * sizeof *room);
    return true;
}

/* The later of two equal names among many, or NULL, by a table at most half full.  A slot is the
 * number of a name's node; 0, which no name has, is empty. */
static const struct aps_jsonread_node *find_same_slot(const struct aps_jsonread *r,
                                                      const struct aps_jsonread_node *object,
                                                      const struct aps_jsonread_node *end,
                                                      size_t slots)
{
    for (const struct aps_jsonread_node *m = object + 1; m < end; m = aps_jsonread_next(m + 1)) {
        size_t i = (size_t)((uint64_t)(m->what >> 8) * slots >> APS_JSONREAD_TAG_BITS);

        for (; r->slots[i] != 0; i = (i + 1) & (slots - 1)) {
            const struct aps_jsonread_node *other = r->nodes + r->slots[i];

            if (other->what == m->what && is_same_name(r, other, m))
                return m;
        }
        r->slots[i] = (uint32_t)(m - r->nodes);
    }
    return NULL;
}

bool aps_jsonread_name_check(struct aps_jsonread *r, const struct aps_jsonread_node *object,
                             const struct aps_jsonread_node *end, uint32_t count)
{
    const struct aps_jsonread_node *twice;
    size_t slots = 4 * APS_JSONREAD_FEW;

    if (count <= APS_JSONREAD_FEW) {
        if (!has_same_tag(object, count))
            return true;
        twice = find_same_name(r, object, end);
    } else {
        while (slots < 2 * (size_t)count)
            slots *= 2;
        if (!make_slots(r, slots))
            return aps_jsonread_fault_set(r, r->text.p + object->at, APS_JSONREAD_NOMEM) != NULL;
        twice = find_same_slot(r, object, end, slots);
    }
    return twice == NULL ||
           aps_jsonread_fault_set(r, r->text.p + twice->at, APS_JSONREAD_DUPLICATE) != NULL;
}
