/* schema_fill.c - what a schema asks, keyword by keyword.
 *
 * A keyword whose value is malformed is an error, or with `lax` a warning; none is passed over in
 * silence (POS-09). */
#include "apisec/jsonnum.h"
#include "schema_build.h"

struct fill {
    struct schema_build *b;
    struct schema_work w;
    struct schema_node s; /* stored at the end, since records move */
    uint32_t number;
    bool never; /* nothing may be what it asks */
};

/* The value of a keyword is not what it has to be. */
static bool refuse(struct fill *f, const char *keyword, const char *want)
{
    if (!f->b->what->lax)
        return aps_schema_build_fail(f->b, APS_ERR_FORMAT, f->w.pointer, "%s: want %s", keyword,
                                     want);
    aps_schema_build_warn(f->b, f->w.pointer, "%s asks nothing: want %s", keyword, want);
    return true;
}

/* The keyword's value; NULL where it is not there or not known to the resource. */
static const struct aps_jsonread_node *get(const struct fill *f, const char *keyword)
{
    const struct aps_jsonread_node *v = schema_get(&f->w, keyword);

    return v != NULL && aps_schema_find_word(f->w.resource, aps_str(keyword)) != NULL ? v : NULL;
}

static struct aps_str text_of(const struct fill *f, const struct aps_jsonread_node *v)
{
    const struct aps_str text = aps_jsonread_str(&f->w.doc->reader, v);

    return text.n > 0 ? text : APS_STR_LIT("");
}

static bool is_kind(const struct aps_jsonread_node *v, enum aps_jsonread_kind kind)
{
    return aps_jsonread_kind(v) == kind;
}

static bool is_boolean(const struct aps_jsonread_node *v)
{
    return is_kind(v, APS_JSON_TRUE) || is_kind(v, APS_JSON_FALSE);
}

/* ---- type, enum, const */

static uint32_t type_of(struct aps_str name)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } types[] = {
        {"null", SCHEMA_T_NULL},
        {"boolean", SCHEMA_T_BOOLEAN},
        {"object", SCHEMA_T_OBJECT},
        {"array", SCHEMA_T_ARRAY},
        {"number", SCHEMA_T_NUMBER | SCHEMA_T_INTEGER},
        {"string", SCHEMA_T_STRING},
        {"integer", SCHEMA_T_INTEGER},
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (aps_str_eq(name, aps_str(types[i].name)))
            return types[i].bits;
    return 0;
}

static bool fill_type(struct fill *f)
{
    static const char want[] = "array, boolean, integer, null, number, object, string, or a list "
                               "of them";
    const struct aps_jsonread_node *v = get(f, "type"), *nullable = get(f, "nullable"), *i;
    const bool old = f->w.resource->dialect == APS_SCHEMA_OAS30;
    uint32_t types = 0, bits;

    if (nullable != NULL && !is_boolean(nullable) && !refuse(f, "nullable", "true or false"))
        return false;
    if (v == NULL)
        return true;
    if (is_kind(v, APS_JSON_STRING)) {
        types = type_of(text_of(f, v));
    } else if (is_kind(v, APS_JSON_ARRAY) && (!old || f->b->what->lax)) {
        for (i = aps_jsonread_first(v); i < aps_jsonread_end(v); i++) {
            bits = is_kind(i, APS_JSON_STRING) ? type_of(text_of(f, i)) : 0;
            if (bits == 0)
                return refuse(f, "type", want);
            types |= bits;
        }
    }
    if (types == 0 || (old && types == SCHEMA_T_NULL))
        return refuse(f, "type", want);
    if (nullable != NULL && is_kind(nullable, APS_JSON_TRUE))
        types |= SCHEMA_T_NULL;
    f->s.types = types;
    return true;
}

static int by_hash(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* The values of enum, in the order of their hashes. */
static bool fill_enum(struct fill *f)
{
    const struct aps_jsonread_node *v = get(f, "enum"), *i;
    const struct schema_view view = {f->w.doc->reader.text.p, f->w.doc->reader.decoded};
    uint32_t *pairs, n = 0, steps;

    if (v == NULL)
        return true;
    if (!is_kind(v, APS_JSON_ARRAY))
        return refuse(f, "enum", "a list of values");
    f->s.flags |= SCHEMA_VALUE;
    if (aps_jsonread_count(v) == 0) {
        f->s.types = 0;
        return true;
    }
    pairs = apr_palloc(f->b->pool, aps_jsonread_count(v) * 2 * sizeof *pairs);
    for (i = aps_jsonread_first(v); i < aps_jsonread_end(v); i = aps_jsonread_next(i)) {
        steps = UINT32_MAX;
        pairs[n++] = (uint32_t)aps_schema_value_hash(&view, i, 1, &steps);
        if ((pairs[n++] = aps_schema_build_value(f->b, f->w.doc, i)) == 0)
            return false;
    }
    qsort(pairs, n / 2, 2 * sizeof *pairs, by_hash);
    return (f->s.values = aps_schema_build_list(f->b, pairs, n)) != 0;
}

static bool fill_const(struct fill *f)
{
    const struct aps_jsonread_node *v = get(f, "const");

    if (v == NULL)
        return true;
    f->s.flags |= SCHEMA_VALUE;
    return (f->s.constant = aps_schema_build_value(f->b, f->w.doc, v)) != 0;
}

/* ---- numbers */

static uint32_t add_number(struct fill *f, struct schema_number number, struct aps_str text)
{
    uint32_t at;

    if (!aps_schema_build_text(f->b, text, &number.text) ||
        (at = aps_schema_build_add(f->b, SCHEMA_S_NUMBERS, 1)) == 0)
        return 0;
    *(struct schema_number *)schema_part(f->b, SCHEMA_S_NUMBERS, at) = number;
    return at;
}

static bool fill_bound(struct fill *f, const struct aps_jsonread_node *v, const char *keyword,
                       uint32_t *out)
{
    struct schema_number number = {.exact = 0};
    struct aps_str text;

    if (v == NULL)
        return true;
    if (!is_kind(v, APS_JSON_NUMBER))
        return refuse(f, keyword, "a number");
    text = text_of(f, v);
    /* One that a number of 18 digits may be compared with. */
    if (aps_jsonnum_i64(text, &number.value))
        number.exact = 1;
    f->s.flags |= SCHEMA_NUMBERS;
    return (*out = add_number(f, number, text)) != 0;
}

/* OpenAPI 3.0: exclusive* is a boolean that changes the bound beside it. */
static bool fill_exclusive(struct fill *f, const char *keyword, uint32_t *io_bound, uint32_t *out)
{
    const struct aps_jsonread_node *v = get(f, keyword);

    if (v == NULL || f->w.resource->dialect != APS_SCHEMA_OAS30)
        return fill_bound(f, v, keyword, out);
    if (!is_boolean(v))
        return refuse(f, keyword, "true or false");
    if (is_kind(v, APS_JSON_TRUE)) {
        *out = *io_bound;
        *io_bound = 0;
    }
    return true;
}

static bool fill_multiple(struct fill *f)
{
    const struct aps_jsonread_node *v = get(f, "multipleOf");
    struct schema_number number = {.exact = 0};

    if (v == NULL)
        return true;
    if (!is_kind(v, APS_JSON_NUMBER) || !aps_schema_number_divisor(text_of(f, v), &number))
        return refuse(f, "multipleOf", "a number above 0 of at most 18 digits");
    f->s.flags |= SCHEMA_NUMBERS;
    return (f->s.multiple = add_number(f, number, text_of(f, v))) != 0;
}

static bool fill_numbers(struct fill *f)
{
    return fill_bound(f, get(f, "minimum"), "minimum", &f->s.minimum) &&
           fill_bound(f, get(f, "maximum"), "maximum", &f->s.maximum) &&
           fill_exclusive(f, "exclusiveMinimum", &f->s.minimum, &f->s.above) &&
           fill_exclusive(f, "exclusiveMaximum", &f->s.maximum, &f->s.below) && fill_multiple(f);
}

/* ---- counts */

static bool fill_count(struct fill *f, const char *keyword, uint32_t flag, uint32_t *out)
{
    const struct aps_jsonread_node *v = get(f, keyword);
    int64_t value;

    if (v == NULL)
        return true;
    if (!is_kind(v, APS_JSON_NUMBER) || text_of(f, v).p[0] == '-' ||
        !aps_jsonnum_is_integer(text_of(f, v)))
        return refuse(f, keyword, "an integer, 0 or more");
    /* No text has as many of anything. */
    if (!aps_jsonnum_i64(text_of(f, v), &value) || value >= UINT32_MAX)
        value = UINT32_MAX - 1;
    *out = (uint32_t)value;
    f->s.flags |= flag;
    return true;
}

static bool fill_counts(struct fill *f)
{
    return fill_count(f, "minLength", SCHEMA_STRINGS, &f->s.length_min) &&
           fill_count(f, "maxLength", SCHEMA_STRINGS, &f->s.length_max) &&
           fill_count(f, "minItems", SCHEMA_ARRAYS, &f->s.items_min) &&
           fill_count(f, "maxItems", SCHEMA_ARRAYS, &f->s.items_max) &&
           fill_count(f, "minContains", SCHEMA_ARRAYS, &f->s.contains_min) &&
           fill_count(f, "maxContains", SCHEMA_ARRAYS, &f->s.contains_max) &&
           fill_count(f, "minProperties", SCHEMA_OBJECTS, &f->s.members_min) &&
           fill_count(f, "maxProperties", SCHEMA_OBJECTS, &f->s.members_max);
}

/* ---- strings */

static const char *const formats[SCHEMA_F_COUNT] = {
#define F(name, token, text) [SCHEMA_F_##name] = token,
#include "apisec/schema_format.def"
#undef F
};

static bool fill_format(struct fill *f)
{
    const struct aps_jsonread_node *v = get(f, "format");
    const bool openapi = f->w.resource->dialect != APS_SCHEMA_2020_12;

    if (v == NULL)
        return true;
    if (!is_kind(v, APS_JSON_STRING))
        return refuse(f, "format", "a string");
    if (!f->b->what->formats && (f->w.resource->vocabularies & SCHEMA_V_ASSERT) == 0)
        return true;
    for (uint32_t i = 1; i < (openapi ? SCHEMA_F_COUNT : SCHEMA_F_BYTE); i++)
        if (aps_str_eq(text_of(f, v), aps_str(formats[i]))) {
            f->s.format = i;
            f->s.flags |= i >= SCHEMA_F_BINARY ? SCHEMA_VALUE : SCHEMA_STRINGS;
            return true;
        }
    aps_schema_build_warn(f->b, f->w.pointer, "format \"%.*s\" is unknown and asks nothing",
                          APS_STR_SHOW(text_of(f, v)));
    return true;
}

static bool fill_pattern(struct fill *f)
{
    const struct aps_jsonread_node *v = get(f, "pattern");

    if (v == NULL)
        return true;
    if (!is_kind(v, APS_JSON_STRING))
        return refuse(f, "pattern", "a regular expression");
    f->s.flags |= SCHEMA_STRINGS;
    return (f->s.pattern = aps_schema_compile_pattern(f->b, f->w.pointer, text_of(f, v))) != 0;
}

static bool fill_content(struct fill *f)
{
    const struct aps_jsonread_node *encoding = get(f, "contentEncoding"),
                                   *type = get(f, "contentMediaType");

    if ((encoding != NULL && !is_kind(encoding, APS_JSON_STRING)) ||
        (type != NULL && !is_kind(type, APS_JSON_STRING)))
        return refuse(f, "contentEncoding, contentMediaType", "a string");
    if (!f->b->what->content)
        return true;
    if (encoding != NULL && aps_str_eq_nocase(text_of(f, encoding), APS_STR_LIT("base64")))
        f->s.flags |= SCHEMA_BASE64 | SCHEMA_STRINGS;
    else if (encoding != NULL)
        aps_schema_build_warn(f->b, f->w.pointer, "contentEncoding \"%.*s\" is not enforced",
                              APS_STR_SHOW(text_of(f, encoding)));
    if (type != NULL && (encoding == NULL || (f->s.flags & SCHEMA_BASE64) != 0) &&
        aps_str_eq_nocase(text_of(f, type), APS_STR_LIT("application/json")))
        f->s.flags |= SCHEMA_JSON | SCHEMA_STRINGS;
    else if (type != NULL)
        aps_schema_build_warn(f->b, f->w.pointer, "contentMediaType \"%.*s\" is not enforced",
                              APS_STR_SHOW(text_of(f, type)));
    if (get(f, "contentSchema") != NULL)
        aps_schema_build_warn(f->b, f->w.pointer, "contentSchema is not enforced");
    return true;
}

/* ---- schemas within */

static bool fill_one(struct fill *f, const char *keyword, uint32_t flag, uint32_t *out)
{
    const struct aps_jsonread_node *v = get(f, keyword);

    if (v == NULL)
        return true;
    if ((*out = schema_node_of(&f->w, v)) == 0)
        return refuse(f, keyword, "a schema");
    f->s.flags |= flag;
    return true;
}

static bool fill_list(struct fill *f, const char *keyword, uint32_t flag, uint32_t *out)
{
    const struct aps_jsonread_node *v = get(f, keyword), *i;
    uint32_t *nodes, n = 0;

    if (v == NULL)
        return true;
    if (!is_kind(v, APS_JSON_ARRAY) || aps_jsonread_count(v) == 0) {
        if (flag == SCHEMA_IN_PLACE)
            f->never = true; /* with lax too: what it was meant to ask nobody knows */
        return refuse(f, keyword, "a list of at least one schema");
    }
    nodes = apr_palloc(f->b->pool, aps_jsonread_count(v) * sizeof *nodes);
    for (i = aps_jsonread_first(v); i < aps_jsonread_end(v); i = aps_jsonread_next(i))
        nodes[n++] = schema_node_of(&f->w, i);
    f->s.flags |= flag;
    return (*out = aps_schema_build_list(f->b, nodes, n)) != 0;
}

static bool fill_ref(struct fill *f, const char *keyword, bool dynamic)
{
    const struct aps_jsonread_node *v = get(f, keyword);
    struct aps_str anchor;
    uint32_t node;

    if (v == NULL)
        return true;
    if (!is_kind(v, APS_JSON_STRING))
        return refuse(f, keyword, "a URI reference");
    if ((node = aps_schema_find_ref(f->b, &f->w, text_of(f, v), &anchor)) == 0)
        return false;
    f->s.flags |= SCHEMA_IN_PLACE;
    if (!dynamic || anchor.n == 0) {
        if (!dynamic || f->s.ref == 0)
            f->s.ref = node;
        if (dynamic && f->s.ref != node)
            return (f->s.dynamic = aps_schema_build_list(f->b, &node, 1)) != 0;
        return true;
    }
    f->b->scope = true;
    schema_work(f->b, f->number)->dynamic = anchor;
    return (f->s.dynamic = aps_schema_build_list(f->b, &node, 1)) != 0;
}

static bool fill_in_place(struct fill *f)
{
    return fill_ref(f, "$ref", false) && fill_ref(f, "$dynamicRef", true) &&
           fill_list(f, "allOf", SCHEMA_IN_PLACE, &f->s.all) &&
           fill_list(f, "anyOf", SCHEMA_IN_PLACE, &f->s.any) &&
           fill_list(f, "oneOf", SCHEMA_IN_PLACE, &f->s.one) &&
           fill_one(f, "not", SCHEMA_IN_PLACE, &f->s.no) &&
           fill_one(f, "if", SCHEMA_IN_PLACE, &f->s.when) && fill_one(f, "then", 0, &f->s.then) &&
           fill_one(f, "else", 0, &f->s.otherwise);
}

static bool fill_items(struct fill *f)
{
    const struct aps_jsonread_node *unique = get(f, "uniqueItems");

    if (unique != NULL && !is_boolean(unique) && !refuse(f, "uniqueItems", "true or false"))
        return false;
    if (unique != NULL && is_kind(unique, APS_JSON_TRUE))
        f->s.flags |= SCHEMA_ARRAYS | SCHEMA_UNIQUE;
    return fill_list(f, "prefixItems", SCHEMA_ARRAYS, &f->s.prefix) &&
           fill_one(f, "items", SCHEMA_ARRAYS, &f->s.items) &&
           fill_one(f, "contains", SCHEMA_ARRAYS, &f->s.contains) &&
           fill_one(f, "unevaluatedItems", SCHEMA_UNSEEN, &f->s.unseen_items) &&
           fill_one(f, "unevaluatedProperties", SCHEMA_UNSEEN, &f->s.unseen_members);
}

/* ---- what is only said */

static bool fill_annotations(struct fill *f)
{
    const struct aps_jsonread_node *read = get(f, "readOnly"), *write = get(f, "writeOnly");

    if ((read != NULL && !is_boolean(read) && !refuse(f, "readOnly", "true or false")) ||
        (write != NULL && !is_boolean(write) && !refuse(f, "writeOnly", "true or false")))
        return false;
    if (read != NULL && is_kind(read, APS_JSON_TRUE))
        f->s.flags |= SCHEMA_READ_ONLY;
    if (write != NULL && is_kind(write, APS_JSON_TRUE))
        f->s.flags |= SCHEMA_WRITE_ONLY;
    return true;
}

/* nullable in OpenAPI 3.1, which has no such keyword: it asks nothing that the types do not. */
static bool is_moot(const struct fill *f, struct aps_str name, const struct aps_jsonread_node *v)
{
    if (f->w.resource->dialect != APS_SCHEMA_OAS31 || !aps_str_eq(name, APS_STR_LIT("nullable")) ||
        !(is_kind(v, APS_JSON_TRUE) ||
          (is_kind(v, APS_JSON_FALSE) && (f->s.types & SCHEMA_T_NULL) == 0)))
        return false;
    aps_schema_build_note(f->b, f->w.pointer,
                          "nullable is a keyword of OpenAPI 3.0 alone: null is taken where type "
                          "lists it, or where there is none");
    return true;
}

/* Names that no keyword has (POS-09). */
static void warn_unknown(struct fill *f)
{
    const struct schema_resource *r = f->w.resource;

    for (const struct aps_jsonread_node *m = aps_jsonread_first(f->w.value);
         m < aps_jsonread_end(f->w.value); m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = text_of(f, m);

        if (aps_schema_find_word(r, name) == NULL && !is_moot(f, name, m + 1) &&
            (r->dialect == APS_SCHEMA_2020_12 || !aps_str_starts(name, APS_STR_LIT("x-"))))
            aps_schema_build_warn(f->b, f->w.pointer,
                                  "the keyword \"%.*s\" is unknown here and asks nothing",
                                  APS_STR_SHOW(name));
    }
}

static bool fill_all(struct fill *f)
{
    if (is_kind(f->w.value, APS_JSON_TRUE))
        return true;
    if (is_kind(f->w.value, APS_JSON_FALSE)) {
        f->s.flags = SCHEMA_NEVER;
        f->s.types = 0;
        return true;
    }
    if (!aps_schema_url_check(f->b, f->number))
        return false;
    if (f->w.resource->dialect == APS_SCHEMA_OAS30 && schema_get(&f->w, "$ref") != NULL)
        return fill_ref(f, "$ref", false);
    if (!fill_type(f))
        return false;
    warn_unknown(f);
    return fill_enum(f) && fill_const(f) && fill_numbers(f) && fill_counts(f) && fill_format(f) &&
           fill_pattern(f) && fill_content(f) && fill_in_place(f) && fill_items(f) &&
           fill_annotations(f) && aps_schema_url_fill(f->b, f->number, &f->s);
}

bool aps_schema_fill(struct schema_build *b, uint32_t node)
{
    struct fill f = {.b = b, .w = *schema_work(b, node), .number = node};

    f.s = (struct schema_node){
        .types = SCHEMA_T_ANY,
        .resource = f.w.resource->number,
        .length_max = SCHEMA_NO_MOST,
        .items_max = SCHEMA_NO_MOST,
        .contains_min = 1,
        .contains_max = SCHEMA_NO_MOST,
        .members_max = SCHEMA_NO_MOST,
    };
    if (!aps_schema_build_text(b, f.w.pointer, &f.s.pointer) || !fill_all(&f))
        return false;
    if (f.never) {
        f.s.types = 0;
        f.s.flags |= SCHEMA_NEVER;
    }
    *schema_part_node(b, node) = f.s;
    return aps_jsonread_kind(f.w.value) != APS_JSON_OBJECT || aps_schema_member_fill(b, node);
}
