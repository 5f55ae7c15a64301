/* api_sanitize.c - x-apisec-sanitize: which fields of a body are changed, as pointers.
 *
 * All places of a body's schema are looked at in turn, each with the pointer of the values that it
 * is asked about.  Schemas that refer to themselves are followed once. */
#include "api_build.h"

#include <apr_strings.h>

#include "schema_build.h"

#define NAME "x-apisec-sanitize"
#define PLACES_MAX 20000
#define NOBODY UINT32_MAX

struct place {
    struct api_at at;
    struct aps_str pointer; /* of the values, with * for any name or index */
    uint32_t parent;
    uint32_t steps;
    bool rule; /* it, or one below it, has a rule */
};

struct walk {
    struct api_build *b;
    struct api_at media;
    apr_array_header_t *places; /* struct place */
    apr_array_header_t *rules;  /* struct aps_sanitize_field */
    apr_array_header_t *barred; /* struct aps_str: pointers of values that nobody may change */
    apr_array_header_t *cut;    /* uint32_t: places whose schema was met above them */
};

static struct place *place_of(const struct walk *w, uint32_t i)
{
    return &APR_ARRAY_IDX(w->places, (int)i, struct place);
}

static bool push(struct walk *w, uint32_t parent, struct api_at at, struct aps_str pointer,
                 uint32_t steps)
{
    if (w->places->nelts == PLACES_MAX)
        return aps_api_build_fail(w->b, w->media, APS_ERR_RANGE,
                                  "more than %d schemas stand below a body with " NAME, PLACES_MAX);
    APR_ARRAY_PUSH(w->places, struct place) = (struct place){at, pointer, parent, steps, false};
    return true;
}

/* ---- one schema */

static unsigned read_action(struct walk *w, struct api_at at)
{
    unsigned action =
        aps_jsonread_kind(at.v) == APS_JSON_STRING ? aps_sanitize_action(api_str(at)) : 0;

    if (action == 0)
        (void)aps_api_build_fail(w->b, at, APS_ERR_FORMAT,
                                 "want nfc, strip-markup, trim or html-escape, or a list of these");
    return action;
}

/* 0: b->err is set. */
static unsigned read_actions(struct walk *w, struct api_at at)
{
    const struct aps_jsonread_node *v;
    unsigned all = 0, one = 1;
    uint32_t i = 0;

    if (aps_jsonread_kind(at.v) != APS_JSON_ARRAY || aps_jsonread_count(at.v) == 0)
        return read_action(w, at);
    for (v = aps_jsonread_first(at.v); one != 0 && v < aps_jsonread_end(at.v);
         v = aps_jsonread_next(v))
        all |= one = read_action(w, aps_api_doc_item(w->b, at, i++, v));
    return one != 0 ? all : 0;
}

/* Whether the schema's values are bytes in text, or secrets (NEG-23). */
static bool is_barred(const struct walk *w, struct api_at at)
{
    static const struct aps_str formats[] = {{"byte", 4}, {"binary", 6}, {"password", 8}};
    struct api_at format, encoding;

    aps_api_doc_any(w->b, at, "format", &format);
    aps_api_doc_any(w->b, at, "contentEncoding", &encoding);
    return encoding.v != NULL ||
           (format.v != NULL && aps_jsonread_kind(format.v) == APS_JSON_STRING &&
            aps_str_is_in(api_str(format), formats, sizeof formats / sizeof *formats));
}

static bool has_string(const struct walk *w, struct api_at at)
{
    const struct aps_jsonread_node *v;
    struct api_at type;

    aps_api_doc_any(w->b, at, "type", &type);
    if (type.v == NULL)
        return true;
    v = aps_jsonread_kind(type.v) == APS_JSON_ARRAY ? aps_jsonread_first(type.v) : type.v;
    for (; v < aps_jsonread_next(type.v); v = aps_jsonread_next(v))
        if (aps_jsonread_kind(v) == APS_JSON_STRING &&
            aps_str_eq(aps_jsonread_str(&type.doc->reader, v), APS_STR_LIT("string")))
            return true;
    return false;
}

static bool add_rule(struct walk *w, struct api_at at, struct aps_str pointer, unsigned actions)
{
    for (int i = 0; i < w->rules->nelts; i++) {
        struct aps_sanitize_field *known = &APR_ARRAY_IDX(w->rules, i, struct aps_sanitize_field);

        if (aps_str_eq(known->pointer, pointer)) {
            known->actions |= actions;
            return true;
        }
    }
    if (w->rules->nelts == APS_API_SANITIZE_MAX)
        return aps_api_build_fail(w->b, at, APS_ERR_RANGE,
                                  "more than %d fields of a body have " NAME, APS_API_SANITIZE_MAX);
    APR_ARRAY_PUSH(w->rules, struct aps_sanitize_field) =
        (struct aps_sanitize_field){pointer, actions};
    return true;
}

static bool see_rule(struct walk *w, uint32_t at)
{
    const struct place place = *place_of(w, at);
    struct api_at rule;
    unsigned actions;

    if (is_barred(w, place.at))
        APR_ARRAY_PUSH(w->barred, struct aps_str) = place.pointer;
    aps_api_doc_any(w->b, place.at, NAME, &rule);
    if (rule.v == NULL)
        return true;
    apr_hash_set(w->b->sanitized, apr_pmemdup(w->b->pool, &rule.v, sizeof rule.v), sizeof rule.v,
                 "");
    if (!has_string(w, place.at))
        return aps_api_build_fail(w->b, rule, APS_ERR_FORMAT, "counts for type string only");
    if (place.steps > APS_SANITIZE_STEPS_MAX)
        return aps_api_build_fail(w->b, rule, APS_ERR_RANGE, "stands more than %d steps deep",
                                  APS_SANITIZE_STEPS_MAX);
    for (uint32_t i = at; i != NOBODY; i = place_of(w, i)->parent)
        place_of(w, i)->rule = true;
    actions = read_actions(w, rule);
    return actions != 0 && add_rule(w, rule, place.pointer, actions);
}

/* ---- those below it */

/* A keyword whose value is a schema, a list of them or a map; of which values. */
enum below { SAME, ANY, INDEX, MEMBER };

static const struct {
    const char *name;
    enum below below;
    bool map; /* an object has schemas, and is none */
} keywords[] = {
    {"allOf", SAME, false},
    {"anyOf", SAME, false},
    {"oneOf", SAME, false},
    {"if", SAME, false},
    {"then", SAME, false},
    {"else", SAME, false},
    {"dependentSchemas", SAME, true},
    {"properties", MEMBER, true},
    {"patternProperties", ANY, true},
    {"additionalProperties", ANY, false},
    {"unevaluatedProperties", ANY, false},
    {"prefixItems", INDEX, false},
    {"items", ANY, false},
    {"contains", ANY, false},
    {"unevaluatedItems", ANY, false},
};

static bool push_below(struct walk *w, uint32_t parent, enum below below, struct api_at at,
                       struct aps_str name, uint32_t i)
{
    const struct place from = *place_of(w, parent);
    struct aps_str pointer = from.pointer;

    if (below == ANY)
        pointer = aps_schema_find_pointer(w->b->pool, pointer, APS_STR_LIT("*"));
    else if (below == MEMBER)
        pointer = aps_schema_find_pointer(w->b->pool, pointer, name);
    else if (below == INDEX)
        pointer = aps_schema_find_pointer_at(w->b->pool, pointer, i);
    return push(w, parent, at, pointer, from.steps + (below != SAME));
}

static bool see_keyword(struct walk *w, uint32_t parent, size_t k)
{
    const struct api_at from = place_of(w, parent)->at;
    const struct aps_jsonread_node *v;
    struct api_at at;
    uint32_t i = 0;

    aps_api_doc_any(w->b, from, keywords[k].name, &at);
    if (at.v == NULL)
        return true;
    if (aps_jsonread_kind(at.v) == APS_JSON_ARRAY) {
        for (v = aps_jsonread_first(at.v); v < aps_jsonread_end(at.v);
             v = aps_jsonread_next(v), i++)
            if (!push_below(w, parent, keywords[k].below, aps_api_doc_item(w->b, at, i, v),
                            (struct aps_str){NULL, 0}, i))
                return false;
        return true;
    }
    if (aps_jsonread_kind(at.v) != APS_JSON_OBJECT || !keywords[k].map)
        return push_below(w, parent, keywords[k].below, at, (struct aps_str){NULL, 0}, 0);
    for (v = aps_jsonread_first(at.v); v < aps_jsonread_end(at.v); v = aps_jsonread_next(v + 1))
        if (!push_below(w, parent, keywords[k].below, aps_api_doc_member(w->b, at, v),
                        aps_jsonread_str(&at.doc->reader, v), 0))
            return false;
    return true;
}

/* Whether the schema was met on the way to this place. */
static bool is_met(const struct walk *w, uint32_t at, uint32_t *out)
{
    const struct aps_jsonread_node *v = place_of(w, at)->at.v;

    for (*out = place_of(w, at)->parent; *out != NOBODY; *out = place_of(w, *out)->parent)
        if (place_of(w, *out)->at.v == v)
            return true;
    return false;
}

static bool see(struct walk *w, uint32_t at)
{
    struct api_at next = place_of(w, at)->at;
    uint32_t above;
    bool moved;

    if (aps_jsonread_kind(next.v) != APS_JSON_OBJECT)
        return true;
    if (is_met(w, at, &above)) {
        APR_ARRAY_PUSH(w->cut, uint32_t) = above;
        return true;
    }
    if (!aps_api_extension(w->b, next, API_EXTENSION_SCHEMA) || !see_rule(w, at))
        return false;
    for (size_t k = 0; k < sizeof keywords / sizeof *keywords; k++)
        if (!see_keyword(w, at, k))
            return false;
    if (!aps_api_doc_step(w->b, &next, &moved))
        return false;
    return !moved || push(w, at, next, place_of(w, at)->pointer, place_of(w, at)->steps);
}

/* ---- all of them */

static struct aps_str next_step(struct aps_str *rest)
{
    const char *end = rest->n > 1 ? memchr(rest->p + 1, '/', rest->n - 1) : NULL;
    const size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    const struct aps_str step = {rest->p, n};

    *rest = (struct aps_str){rest->p + n, rest->n - n};
    return step;
}

/* Whether both may be pointers of one value. */
static bool meet(struct aps_str a, struct aps_str b)
{
    const struct aps_str any = APS_STR_LIT("/*");

    while (a.n != 0 && b.n != 0) {
        const struct aps_str x = next_step(&a), y = next_step(&b);

        if (!aps_str_eq(x, y) && !aps_str_eq(x, any) && !aps_str_eq(y, any))
            return false;
    }
    return a.n == 0 && b.n == 0;
}

static bool check_barred(const struct walk *w)
{
    for (int i = 0; i < w->rules->nelts; i++)
        for (int k = 0; k < w->barred->nelts; k++) {
            const struct aps_str rule =
                APR_ARRAY_IDX(w->rules, i, struct aps_sanitize_field).pointer;

            if (meet(rule, APR_ARRAY_IDX(w->barred, k, struct aps_str)))
                return aps_api_build_fail(w->b, w->media, APS_ERR_CONFLICT,
                                          NAME " of %.*s: base64, binary values and passwords "
                                               "(format, contentEncoding) are never changed",
                                          APS_STR_SHOW(rule));
        }
    return true;
}

static void list_cuts(const struct walk *w)
{
    for (int i = 0; i < w->cut->nelts; i++) {
        const struct place *place = place_of(w, APR_ARRAY_IDX(w->cut, i, uint32_t));

        if (place->rule)
            aps_api_build_gap(w->b, place->at,
                              NAME " is not followed where the schema refers to itself");
    }
}

static bool put_rules(const struct walk *w, struct api_range *out)
{
    apr_array_header_t *records =
        apr_array_make(w->b->pool, w->rules->nelts + 1, sizeof(struct api_sanitize_record));

    for (int i = 0; i < w->rules->nelts; i++) {
        const struct aps_sanitize_field *rule =
            &APR_ARRAY_IDX(w->rules, i, struct aps_sanitize_field);
        struct api_sanitize_record r = {.actions = rule->actions};

        if (!aps_api_build_text(w->b, rule->pointer, &r.pointer))
            return false;
        APR_ARRAY_PUSH(records, struct api_sanitize_record) = r;
    }
    return aps_api_build_add(w->b, API_S_SANITIZE, records, out);
}

bool aps_api_sanitize(struct api_build *b, struct api_at media, enum aps_api_kind kind,
                      struct api_range *out)
{
    struct walk w = {.b = b, .media = media};
    struct api_at schema;

    aps_api_doc_any(b, media, "schema", &schema);
    if (schema.v == NULL || aps_api_build_count(b, NAME) == 0)
        return true;
    w.places = apr_array_make(b->pool, 64, sizeof(struct place));
    w.rules = apr_array_make(b->pool, 4, sizeof(struct aps_sanitize_field));
    w.barred = apr_array_make(b->pool, 4, sizeof(struct aps_str));
    w.cut = apr_array_make(b->pool, 4, sizeof(uint32_t));
    if (!push(&w, NOBODY, schema, (struct aps_str){"", 0}, 0))
        return false;
    for (int i = 0; i < w.places->nelts; i++)
        if (!see(&w, (uint32_t)i))
            return false;
    if (w.rules->nelts > 0 && kind != APS_API_JSON && kind != APS_API_URLENCODED) {
        aps_api_build_gap(b, media, NAME " counts in JSON and urlencoded forms only");
        return true;
    }
    list_cuts(&w);
    return check_barred(&w) && put_rules(&w, out);
}

void aps_api_sanitize_list(struct api_build *b)
{
    const uint32_t all = aps_api_build_count(b, NAME);
    uint32_t told = apr_hash_count(b->sanitized);

    for (int i = 0; i < b->sanitizes->nelts; i++) {
        const struct api_at at = APR_ARRAY_IDX(b->sanitizes, i, struct api_at);

        if (apr_hash_get(b->sanitized, &at.v, sizeof at.v) != NULL)
            continue;
        aps_api_build_gap(b, at, "stands in no schema of a request's body, and changes nothing");
        told++;
    }
    if (all > told)
        aps_api_build_gap(b, b->root, "%u of %u " NAME " stand in no schema, and change nothing",
                          all - told, all);
}
