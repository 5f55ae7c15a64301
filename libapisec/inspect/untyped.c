/* untyped.c - texts become JSON by the shape of their schema.
 *
 * Values are within each other no deeper than UNTYPED_DEPTH, which those who build them see to. */
#include "untyped.h"

struct writing {
    struct untyped_judge *u;
    uint32_t shape;
    bool strings; /* wherever strings are taken */
    struct aps_schema_shape_step way[UNTYPED_DEPTH];
    uint32_t depth;
};

void aps_untyped_init(struct untyped_judge *u, apr_pool_t *pool, struct aps_schema_judge *judge,
                      const unsigned char key[APS_SIPHASH_KEY_LEN])
{
    *u = (struct untyped_judge){.judge = judge, .json = &aps_jsonread_strict};
    aps_jsonread_init(&u->reader, pool, key);
    aps_json_init_pool(&u->text, pool, 0);
}

struct untyped *aps_untyped_add(apr_pool_t *pool, struct untyped *holder, enum untyped_kind kind,
                                struct aps_str name, struct aps_str text)
{
    struct untyped *v = apr_palloc(pool, sizeof *v);

    if (v == NULL)
        return NULL;
    *v = (struct untyped){.kind = kind, .name = name, .text = text};
    if (holder != NULL)
        aps_untyped_put(holder, v);
    return v;
}

void aps_untyped_put(struct untyped *holder, struct untyped *value)
{
    if (holder->first == NULL)
        holder->first = value;
    else
        holder->last->next = value;
    holder->last = value;
}

struct untyped *aps_untyped_get(const struct untyped *map, struct aps_str name)
{
    struct untyped *v = map->first;

    while (v != NULL && !aps_str_eq(v->name, name))
        v = v->next;
    return v;
}

static size_t digits(struct aps_str s, size_t at)
{
    size_t n = at;

    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n - at;
}

bool aps_untyped_is_number(struct aps_str s)
{
    size_t at = s.n > 0 && s.p[0] == '-', n = digits(s, at);

    if (n == 0 || (n > 1 && s.p[at] == '0'))
        return false;
    at += n;
    if (at < s.n && s.p[at] == '.') {
        if ((n = digits(s, at + 1)) == 0)
            return false;
        at += 1 + n;
    }
    if (at < s.n && (s.p[at] | 0x20) == 'e') {
        at++;
        if (at < s.n && (s.p[at] == '+' || s.p[at] == '-'))
            at++;
        if ((n = digits(s, at)) == 0)
            return false;
        at += n;
    }
    return at == s.n;
}

/* The kind that the text is the exact JSON form of. */
static enum aps_jsonread_kind kind_of(struct aps_str text)
{
    if (aps_str_eq(text, APS_STR_LIT("null")))
        return APS_JSON_NULL;
    if (aps_str_eq(text, APS_STR_LIT("true")))
        return APS_JSON_TRUE;
    if (aps_str_eq(text, APS_STR_LIT("false")))
        return APS_JSON_FALSE;
    return aps_untyped_is_number(text) ? APS_JSON_NUMBER : APS_JSON_STRING;
}

static void write_text(struct writing *w, struct aps_str text)
{
    const enum aps_jsonread_kind kind = kind_of(text);
    unsigned types;

    if (kind != APS_JSON_STRING) {
        types = aps_schema_shape_types_at(w->u->image, w->shape, w->way, w->depth);
        if ((types & 1u << kind) != 0 && !(w->strings && (types & 1u << APS_JSON_STRING) != 0)) {
            w->u->ambiguous |= (types & 1u << APS_JSON_STRING) != 0;
            aps_json_raw(&w->u->text, text);
            return;
        }
    }
    aps_json_str(&w->u->text, text);
}

static bool is_simple(struct aps_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < ' ' || name.p[i] == '"' || name.p[i] == '\\')
            return false;
    return true;
}

/* The writer takes names as they are; others are written as a string first. */
static void write_name(struct aps_json *out, struct aps_str name)
{
    struct aps_json w;
    struct aps_str text;

    if (is_simple(name)) {
        aps_json_name_n(out, name.p, name.n);
        return;
    }
    aps_json_init_pool(&w, out->pool, 0);
    aps_json_str(&w, name);
    text = aps_json_text(&w);
    if (text.n >= 2)
        aps_json_name_n(out, text.p + 1, text.n - 2);
}

static void write_value(struct writing *w, const struct untyped *v);

static void write_held(struct writing *w, const struct untyped *v)
{
    const bool list = v->kind == UNTYPED_LIST;
    uint32_t i = 0;

    w->depth++;
    for (const struct untyped *held = v->first; held != NULL; held = held->next, i++) {
        w->way[w->depth - 1] =
            (struct aps_schema_shape_step){.name = held->name, .item = list, .i = i};
        if (!list)
            write_name(&w->u->text, held->name);
        write_value(w, held);
    }
    w->depth--;
}

static void write_value(struct writing *w, const struct untyped *v)
{
    if (v->kind == UNTYPED_TEXT) {
        write_text(w, v->text);
    } else if (v->kind == UNTYPED_JSON) {
        aps_json_raw(&w->u->text, v->text);
    } else if (w->depth < UNTYPED_DEPTH) {
        if (v->kind == UNTYPED_LIST)
            aps_json_array(&w->u->text);
        else
            aps_json_object(&w->u->text);
        write_held(w, v);
        aps_json_end(&w->u->text);
    }
}

static enum aps_schema_verdict judge(struct untyped_judge *u, uint32_t entry,
                                     const struct untyped *value, bool strings)
{
    struct writing w = {
        .u = u, .shape = aps_schema_shape_entry(u->image, entry), .strings = strings};

    if (u->text.full)
        aps_json_init_pool(&u->text, u->text.pool, 0);
    u->text.len = 0;
    u->text.depth = 0;
    u->text.fast = 0;
    u->ambiguous = false;
    write_value(&w, value);
    if (u->text.full)
        return APS_SCHEMA_NOMEM;
    if (aps_jsonread(&u->reader, aps_json_text(&u->text), u->json) != APS_JSONREAD_OK)
        return APS_SCHEMA_UNDECIDED;
    return aps_schema_judge(u->judge, u->image, entry, &u->reader, aps_jsonread_root(&u->reader));
}

enum aps_schema_verdict aps_untyped_judge(struct untyped_judge *u, uint32_t entry,
                                          const struct untyped *value)
{
    enum aps_schema_verdict verdict = judge(u, entry, value, false);

    if (verdict == APS_SCHEMA_VALID || !u->ambiguous)
        return verdict;
    if (judge(u, entry, value, true) == APS_SCHEMA_VALID)
        return APS_SCHEMA_VALID;
    return judge(u, entry, value, false);
}

void aps_untyped_list(const struct untyped_judge *u, struct aps_failures *failures,
                      const struct aps_failures_place *place, enum aps_schema_verdict verdict)
{
    if (verdict == APS_SCHEMA_UNDECIDED && u->reader.fault != APS_JSONREAD_OK)
        aps_failures_add_json(failures, place, &u->reader);
    else
        aps_failures_add_verdict(failures, place, u->judge, verdict);
}
