/* schema_member.c - what a schema asks of an object's members: one table of all names that it
 * knows, each with the schema of its value and, if it has to be counted, a bit. */
#include "schema_build.h"

struct name {
    struct aps_str text;
    uint32_t schema, bit;
};

struct members {
    struct schema_build *b;
    struct schema_work w;
    struct schema_object o;
    apr_hash_t *known;          /* text -> struct name */
    apr_array_header_t *names;  /* of struct name * */
    apr_array_header_t *wanted; /* uint32_t, bits of `required` */
    apr_array_header_t *pairs;  /* uint32_t, three for each dependent */
    apr_array_header_t *sets;   /* of apr_array_header_t *, the bits of each dependent or NULL */
    bool any;
};

static const struct aps_jsonread_node *get(const struct members *m, const char *keyword)
{
    const struct aps_jsonread_node *v = schema_get(&m->w, keyword);

    return v != NULL && aps_schema_find_word(m->w.resource, aps_str(keyword)) != NULL ? v : NULL;
}

static bool refuse(struct members *m, const char *keyword, const char *want)
{
    if (!m->b->what->lax)
        return aps_schema_build_fail(m->b, APS_ERR_FORMAT, m->w.pointer, "%s: want %s", keyword,
                                     want);
    aps_schema_build_warn(m->b, m->w.pointer, "%s asks nothing: want %s", keyword, want);
    return true;
}

static struct name *name_of(struct members *m, const struct aps_jsonread_node *v)
{
    struct aps_str text = aps_jsonread_str(&m->w.doc->reader, v);
    struct name *name;

    if (text.n == 0)
        text = APS_STR_LIT("");
    if ((name = apr_hash_get(m->known, text.p, (apr_ssize_t)text.n)) != NULL)
        return name;
    name = apr_palloc(m->b->pool, sizeof *name);
    *name = (struct name){text, 0, SCHEMA_NO_BIT};
    apr_hash_set(m->known, text.p, (apr_ssize_t)text.n, name);
    APR_ARRAY_PUSH(m->names, struct name *) = name;
    return name;
}

static uint32_t bit_of(struct members *m, struct name *name)
{
    if (name->bit == SCHEMA_NO_BIT)
        name->bit = m->o.bits++;
    return name->bit;
}

/* The bits of a list of names into `bits`; false if it is none. */
static bool read_names(struct members *m, const struct aps_jsonread_node *list,
                       apr_array_header_t *bits)
{
    if (aps_jsonread_kind(list) != APS_JSON_ARRAY)
        return false;
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list); v < aps_jsonread_end(list);
         v++)
        if (aps_jsonread_kind(v) != APS_JSON_STRING)
            return false;
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list); v < aps_jsonread_end(list);
         v++)
        APR_ARRAY_PUSH(bits, uint32_t) = bit_of(m, name_of(m, v));
    return true;
}

static bool read_properties(struct members *m)
{
    const struct aps_jsonread_node *list = get(m, "properties");

    if (list == NULL)
        return true;
    if (aps_jsonread_kind(list) != APS_JSON_OBJECT)
        return refuse(m, "properties", "an object of schemas");
    m->any = true;
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list); v < aps_jsonread_end(list);
         v = aps_jsonread_next(v + 1))
        name_of(m, v)->schema = schema_node_of(&m->w, v + 1);
    return true;
}

static bool read_required(struct members *m)
{
    const struct aps_jsonread_node *list = get(m, "required");

    if (list == NULL)
        return true;
    if (!read_names(m, list, m->wanted))
        return refuse(m, "required", "a list of names");
    m->any |= m->wanted->nelts > 0;
    return true;
}

static void add_dependent(struct members *m, const struct aps_jsonread_node *name, uint32_t schema,
                          apr_array_header_t *bits)
{
    APR_ARRAY_PUSH(m->pairs, uint32_t) = bit_of(m, name_of(m, name));
    APR_ARRAY_PUSH(m->pairs, uint32_t) = schema;
    APR_ARRAY_PUSH(m->pairs, uint32_t) = 0;
    APR_ARRAY_PUSH(m->sets, apr_array_header_t *) = bits;
    m->any = true;
}

/* dependentSchemas, dependentRequired or the older dependencies, which may hold both. */
static bool read_dependents(struct members *m, const char *keyword, bool schemas, bool names)
{
    const struct aps_jsonread_node *list = get(m, keyword);

    if (list == NULL)
        return true;
    if (aps_jsonread_kind(list) != APS_JSON_OBJECT)
        return refuse(m, keyword, "an object");
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list); v < aps_jsonread_end(list);
         v = aps_jsonread_next(v + 1)) {
        apr_array_header_t *bits = apr_array_make(m->b->pool, 4, sizeof(uint32_t));
        const uint32_t schema = schemas ? schema_node_of(&m->w, v + 1) : 0;

        if (schema != 0)
            add_dependent(m, v, schema, NULL);
        else if (names && read_names(m, v + 1, bits))
            add_dependent(m, v, 0, bits);
        else if (!refuse(m, keyword, names ? "lists of names" : "schemas"))
            return false;
    }
    return true;
}

static bool read_patterns(struct members *m)
{
    const struct aps_jsonread_node *list = get(m, "patternProperties");
    uint32_t *pairs, n = 0;

    if (list == NULL)
        return true;
    if (aps_jsonread_kind(list) != APS_JSON_OBJECT)
        return refuse(m, "patternProperties", "an object of schemas");
    if (m->w.resource->dialect == APS_SCHEMA_OAS30)
        aps_schema_build_warn(m->b, m->w.pointer,
                              "patternProperties is no keyword of OpenAPI 3.0; it is enforced");
    m->any = true;
    pairs = apr_palloc(m->b->pool, (aps_jsonread_count(list) + 1) * 2 * sizeof *pairs);
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list); v < aps_jsonread_end(list);
         v = aps_jsonread_next(v + 1)) {
        pairs[n] =
            aps_schema_compile_pattern(m->b, m->w.pointer, aps_jsonread_str(&m->w.doc->reader, v));
        if (pairs[n++] == 0)
            return false;
        pairs[n++] = schema_node_of(&m->w, v + 1);
    }
    m->o.patterns = aps_schema_build_list(m->b, pairs, n);
    return m->b->err == APS_OK;
}

static bool read_one(struct members *m, const char *keyword, uint32_t *out)
{
    const struct aps_jsonread_node *v = get(m, keyword);

    if (v == NULL)
        return true;
    if ((*out = schema_node_of(&m->w, v)) == 0)
        return refuse(m, keyword, "a schema");
    m->any = true;
    return true;
}

/* ---- into the image */

static uint32_t put_bits(struct members *m, const apr_array_header_t *bits)
{
    const uint32_t at = aps_schema_build_add(m->b, SCHEMA_S_WORDS, m->o.bits / 32 + 1);
    uint32_t *set = schema_part(m->b, SCHEMA_S_WORDS, at);

    for (int i = 0; at != 0 && i < bits->nelts; i++) {
        const uint32_t bit = APR_ARRAY_IDX(bits, i, uint32_t);

        set[bit / 32] |= 1u << bit % 32;
    }
    return at;
}

#define SEEDS 64 /* tried until no two names meet */

static struct aps_str text_of(const struct members *m, int i)
{
    return APR_ARRAY_IDX(m->names, i, struct name *)->text;
}

/* The seed under which fewest names meet, in `taken` of `mask + 1` bytes. */
static uint32_t choose_seed(const struct members *m, uint32_t mask, char *taken)
{
    uint32_t best = 0, least = UINT32_MAX;

    for (uint32_t seed = 0; seed < SEEDS && least > 0; seed++) {
        uint32_t met = 0;

        memset(taken, 0, mask + 1);
        for (int i = 0; i < m->names->nelts; i++) {
            const struct aps_str text = text_of(m, i);
            char *place = taken + schema_place(schema_ends(text), text.n, seed, mask);

            met += *place != 0;
            *place = 1;
        }
        if (met < least) {
            least = met;
            best = seed;
        }
    }
    return best;
}

/* A table at most half full. */
static bool put_table(struct members *m)
{
    uint32_t slots = 2;
    struct schema_member *table, slot;
    char *taken;

    while (slots < 2 * (uint32_t)m->names->nelts)
        slots *= 2;
    if ((m->o.table = aps_schema_build_add(m->b, SCHEMA_S_MEMBERS, slots)) == 0 ||
        (taken = apr_palloc(m->b->pool, slots)) == NULL)
        return false;
    m->o.mask = slots - 1;
    m->o.seed = choose_seed(m, m->o.mask, taken);
    for (int i = 0; i < m->names->nelts; i++) {
        const struct name *name = APR_ARRAY_IDX(m->names, i, struct name *);
        const struct schema_ends ends = schema_ends(name->text);
        uint32_t at = schema_place(ends, name->text.n, m->o.seed, m->o.mask);

        slot = (struct schema_member){.first = ends.first,
                                      .last = ends.last,
                                      .used = (uint32_t)name->text.n + 1,
                                      .schema = name->schema,
                                      .bit = name->bit};
        if (!aps_schema_build_text(m->b, name->text, &slot.name))
            return false;
        table = schema_part(m->b, SCHEMA_S_MEMBERS, m->o.table);
        for (; table[at].used != 0; at = (at + 1) & m->o.mask)
            continue;
        table[at] = slot;
    }
    return true;
}

static bool put_dependents(struct members *m)
{
    for (int i = 0; i < m->sets->nelts; i++) {
        const apr_array_header_t *bits = APR_ARRAY_IDX(m->sets, i, apr_array_header_t *);

        if (bits != NULL)
            APR_ARRAY_IDX(m->pairs, 3 * i + 2, uint32_t) = put_bits(m, bits);
    }
    m->o.dependents =
        aps_schema_build_list(m->b, (uint32_t *)m->pairs->elts, (uint32_t)m->pairs->nelts);
    return m->b->err == APS_OK;
}

static bool put_object(struct members *m, uint32_t *out)
{
    uint32_t at;

    if (!put_table(m) || !put_dependents(m) ||
        (m->wanted->nelts > 0 && (m->o.required = put_bits(m, m->wanted)) == 0) ||
        (at = aps_schema_build_add(m->b, SCHEMA_S_OBJECTS, 1)) == 0)
        return false;
    *(struct schema_object *)schema_part(m->b, SCHEMA_S_OBJECTS, at) = m->o;
    *out = at;
    return true;
}

static struct members members_of(struct schema_build *b, uint32_t node)
{
    return (struct members){
        .b = b,
        .w = *schema_work(b, node),
        .known = apr_hash_make(b->pool),
        .names = apr_array_make(b->pool, 16, sizeof(struct name *)),
        .wanted = apr_array_make(b->pool, 8, sizeof(uint32_t)),
        .pairs = apr_array_make(b->pool, 4, sizeof(uint32_t)),
        .sets = apr_array_make(b->pool, 4, sizeof(apr_array_header_t *)),
    };
}

bool aps_schema_member_fill(struct schema_build *b, uint32_t node)
{
    struct members m = members_of(b, node);
    uint32_t at = 0;

    if (m.w.resource->dialect == APS_SCHEMA_OAS30 && schema_get(&m.w, "$ref") != NULL)
        return true;
    if (!read_properties(&m) || !read_required(&m) || !read_patterns(&m) ||
        !read_one(&m, "additionalProperties", &m.o.additional) ||
        !read_one(&m, "propertyNames", &m.o.names) ||
        !read_dependents(&m, "dependentRequired", false, true) ||
        !read_dependents(&m, "dependentSchemas", true, false) ||
        !read_dependents(&m, "dependencies", true, true))
        return false;
    if (!m.any)
        return true;
    if (!put_object(&m, &at))
        return false;
    schema_part_node(b, node)->object = at;
    schema_part_node(b, node)->flags |= SCHEMA_OBJECTS;
    return true;
}

/* ---- discriminator */

/* The branch that leads to `target`, or 0. */
static uint32_t branch_of(const struct schema_build *b, const uint32_t *list, uint32_t target)
{
    for (uint32_t i = 1; target != 0 && i <= list[0]; i++)
        if (list[i] == target || schema_part_node(b, list[i])->ref == target)
            return list[i];
    return 0;
}

/* Behind the last slash. */
static struct aps_str last_of(struct aps_str pointer)
{
    size_t n = 0;

    while (n < pointer.n && pointer.p[pointer.n - 1 - n] != '/')
        n++;
    return (struct aps_str){pointer.p + pointer.n - n, n};
}

static uint32_t target_of(struct schema_build *b, const struct schema_work *w, struct aps_str value)
{
    struct aps_str anchor, ref = value;

    if (memchr(value.p, '/', value.n) == NULL && memchr(value.p, '#', value.n) == NULL &&
        memchr(value.p, '.', value.n) == NULL)
        ref = aps_schema_find_pointer(b->pool, APS_STR_LIT("#/components/schemas"), value);
    return aps_schema_find_ref(b, w, ref, &anchor);
}

/* OpenAPI 3.0: the value of a member chooses the branch, by the mapping or by its schema's name.
 * In 3.1 it only says which one is meant, so there all branches are looked at. */
bool aps_schema_member_choice(struct schema_build *b, uint32_t node)
{
    const struct schema_work own = *schema_work(b, node), *const w = &own;
    const struct aps_jsonread_node *v = schema_get(w, "discriminator"), *name, *map;
    const struct schema_node *s = schema_part_node(b, node);
    const uint32_t at = s->one != 0 ? s->one : s->any;
    struct members m = members_of(b, node);
    struct schema_member choice = {.used = 0};
    uint32_t object, member, n, branch;

    if (v == NULL || at == 0 || aps_jsonread_kind(w->value) != APS_JSON_OBJECT ||
        w->resource->dialect != APS_SCHEMA_OAS30)
        return true;
    name = aps_jsonread_get(&w->doc->reader, v, APS_STR_LIT("propertyName"));
    map = aps_jsonread_get(&w->doc->reader, v, APS_STR_LIT("mapping"));
    if (name == NULL || aps_jsonread_kind(name) != APS_JSON_STRING ||
        (map != NULL && aps_jsonread_kind(map) != APS_JSON_OBJECT))
        return refuse(&m, "discriminator", "an object with propertyName, and mapping an object");
    n = *(uint32_t *)schema_part(b, SCHEMA_S_WORDS, at);
    for (uint32_t i = 1; i <= n; i++) {
        branch = *(uint32_t *)schema_part(b, SCHEMA_S_WORDS, at + i);
        v = aps_jsonread_get(&w->doc->reader, schema_work(b, branch)->value, APS_STR_LIT("$ref"));
        if (v != NULL) {
            struct name *last = apr_palloc(b->pool, sizeof *last);

            *last =
                (struct name){last_of(aps_jsonread_str(&w->doc->reader, v)), branch, SCHEMA_NO_BIT};
            APR_ARRAY_PUSH(m.names, struct name *) = last;
            apr_hash_set(m.known, last->text.p, (apr_ssize_t)last->text.n, last);
        }
    }
    for (v = map != NULL ? aps_jsonread_first(map) : NULL; v != NULL && v < aps_jsonread_end(map);
         v = aps_jsonread_next(v + 1)) {
        if (aps_jsonread_kind(v + 1) != APS_JSON_STRING)
            return refuse(&m, "discriminator", "a mapping of strings");
        branch = target_of(b, w, aps_jsonread_str(&w->doc->reader, v + 1));
        if (branch == 0)
            return false;
        name_of(&m, v)->schema =
            branch_of(b, schema_part(b, SCHEMA_S_WORDS, at), branch); /* 0: refused */
    }
    if (!put_object(&m, &object) ||
        !aps_schema_build_text(b, aps_jsonread_str(&w->doc->reader, name), &choice.name) ||
        (member = aps_schema_build_add(b, SCHEMA_S_MEMBERS, 1)) == 0)
        return false;
    choice.bit = object;
    *(struct schema_member *)schema_part(b, SCHEMA_S_MEMBERS, member) = choice;
    schema_part_node(b, node)->choice = member;
    schema_part_node(b, node)->flags |= SCHEMA_SELECTED;
    return true;
}

/* ---- readOnly and writeOnly */

/* Through $ref, a few times, as chains may be circles. */
static uint32_t flags_of(const struct schema_build *b, uint32_t node)
{
    uint32_t flags = 0;

    for (unsigned i = 0; node != 0 && i < 16; i++) {
        flags |= schema_part_node(b, node)->flags & (SCHEMA_READ_ONLY | SCHEMA_WRITE_ONLY);
        node = schema_part_node(b, node)->ref;
    }
    return flags;
}

static uint32_t put_flagged(struct schema_build *b, uint32_t object, uint32_t flag)
{
    const struct schema_object o =
        *(const struct schema_object *)schema_part(b, SCHEMA_S_OBJECTS, object);
    uint32_t at = 0, *set;

    for (uint32_t i = o.table; i <= o.table + o.mask; i++) {
        const struct schema_member *m = schema_part(b, SCHEMA_S_MEMBERS, i);

        if ((m->flags & flag) == 0 || m->bit == SCHEMA_NO_BIT)
            continue;
        if (at == 0 && (at = aps_schema_build_add(b, SCHEMA_S_WORDS, o.bits / 32 + 1)) == 0)
            return 0;
        set = schema_part(b, SCHEMA_S_WORDS, at);
        set[m->bit / 32] |= 1u << m->bit % 32;
    }
    return at;
}

bool aps_schema_member_finish(struct schema_build *b)
{
    for (uint32_t i = 1; i < b->part[SCHEMA_S_OBJECTS].n; i++) {
        struct schema_object *o = schema_part(b, SCHEMA_S_OBJECTS, i);

        for (uint32_t k = o->table; k <= o->table + o->mask; k++) {
            struct schema_member *m = schema_part(b, SCHEMA_S_MEMBERS, k);

            m->flags = flags_of(b, m->schema);
        }
        o->read_only = put_flagged(b, i, SCHEMA_READ_ONLY);
        o->write_only = put_flagged(b, i, SCHEMA_WRITE_ONLY);
    }
    return b->err == APS_OK;
}
