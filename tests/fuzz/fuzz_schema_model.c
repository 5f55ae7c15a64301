/* A schema of JSON Schema 2020-12, a line feed and a value, judged beside a plain reading of the
 * standard that shares nothing with the compiler but the JSON reader: it walks the schema's text,
 * and does one keyword after the other.  What it does not know is left out: references, regular
 * expressions, numbers with an exponent or more than twelve digits before or six behind the point,
 * and values of more than 64 members or items. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/schema_compile.h"
#include "apisec/schema_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ONE 1000000 /* numbers are counted in millionths */
#define HELD 64

static void expect(bool holds)
{
    if (!holds)
        abort();
}

typedef const struct aps_jsonread_node *node;

/* Texts of a schema and of values. */
static struct aps_jsonread schema_text, value_text;

/* What a schema says of a value: the members and items that it has looked at, a bit each. */
struct answer {
    bool valid;
    uint64_t members, items;
};

static struct answer ask(node s, node v);

static enum aps_jsonread_kind kind_of(node v)
{
    const enum aps_jsonread_kind kind = aps_jsonread_kind(v);

    return kind == APS_JSON_NAME ? APS_JSON_STRING : kind;
}

static struct aps_str text_of(node v)
{
    const bool is_value = v >= value_text.nodes && v < value_text.nodes + value_text.count;

    return aps_jsonread_str(is_value ? &value_text : &schema_text, v);
}

/* The keyword's value, or NULL. */
static node key(node s, const char *name)
{
    return aps_jsonread_get(&schema_text, s, aps_str(name));
}

static node next_of(node holder, node v)
{
    return aps_jsonread_next(aps_jsonread_kind(holder) == APS_JSON_OBJECT ? v + 1 : v);
}

/* ---- numbers and equality */

static int64_t number_of(node v)
{
    const struct aps_str text = text_of(v);
    const bool minus = text.p[0] == '-';
    int64_t n = 0, unit = 0;

    for (size_t i = minus; i < text.n; i++) {
        if (text.p[i] == '.') {
            unit = ONE;
            continue;
        }
        n = n * 10 + (text.p[i] - '0');
        unit /= 10;
    }
    for (unit = unit == 0 ? ONE : unit; unit > 1; unit /= 10)
        n *= 10;
    return minus ? -n : n;
}

static bool is_plain_number(node v)
{
    const struct aps_str text = text_of(v);
    const char *point = memchr(text.p, '.', text.n);
    const size_t before = point != NULL ? (size_t)(point - text.p) : text.n;

    return before <= 12 && text.n - before <= 7 && memchr(text.p, 'e', text.n) == NULL &&
           memchr(text.p, 'E', text.n) == NULL;
}

static node member_of(node object, struct aps_str name)
{
    for (node m = aps_jsonread_first(object); m < aps_jsonread_end(object); m = next_of(object, m))
        if (aps_str_eq(text_of(m), name))
            return m + 1;
    return NULL;
}

static bool is_equal(node a, node b)
{
    const enum aps_jsonread_kind kind = kind_of(a);
    node y = aps_jsonread_first(b);

    if (kind != kind_of(b))
        return false;
    if (kind == APS_JSON_NUMBER)
        return number_of(a) == number_of(b);
    if (kind == APS_JSON_STRING)
        return aps_str_eq(text_of(a), text_of(b));
    if (kind < APS_JSON_ARRAY)
        return true;
    if (aps_jsonread_count(a) != aps_jsonread_count(b))
        return false;
    for (node x = aps_jsonread_first(a); x < aps_jsonread_end(a); x = next_of(a, x)) {
        if (kind == APS_JSON_OBJECT && ((y = member_of(b, text_of(x))) == NULL))
            return false;
        if (!is_equal(kind == APS_JSON_OBJECT ? x + 1 : x, y))
            return false;
        y = kind == APS_JSON_ARRAY ? aps_jsonread_next(y) : y;
    }
    return true;
}

/* ---- keywords that look at the value alone */

static bool is_of_type(node v, struct aps_str type)
{
    static const char *const names[] = {"null",   "boolean", "boolean", "number",
                                        "string", "string",  "array",   "object"};

    return aps_str_eq(type, aps_str(names[kind_of(v)])) ||
           (kind_of(v) == APS_JSON_NUMBER && aps_str_eq(type, APS_STR_LIT("integer")) &&
            number_of(v) % ONE == 0);
}

static bool type(node s, node v)
{
    node t = key(s, "type");

    if (t == NULL)
        return true;
    if (aps_jsonread_kind(t) == APS_JSON_STRING)
        return is_of_type(v, text_of(t));
    for (node one = aps_jsonread_first(t); one < aps_jsonread_end(t); one = aps_jsonread_next(one))
        if (is_of_type(v, text_of(one)))
            return true;
    return false;
}

static bool values(node s, node v)
{
    node list = key(s, "enum"), one = key(s, "const");
    bool found = list == NULL;

    for (node i = list != NULL ? aps_jsonread_first(list) : NULL;
         list != NULL && i < aps_jsonread_end(list); i = aps_jsonread_next(i))
        found = found || is_equal(i, v);
    return found && (one == NULL || is_equal(one, v));
}

static bool at_least(node s, const char *name, int64_t n)
{
    return key(s, name) == NULL || n >= number_of(key(s, name));
}

static bool at_most(node s, const char *name, int64_t n)
{
    return key(s, name) == NULL || n <= number_of(key(s, name));
}

static bool bounds(node s, node v)
{
    const int64_t n = number_of(v);
    node above = key(s, "exclusiveMinimum"), below = key(s, "exclusiveMaximum");
    node step = key(s, "multipleOf");

    return at_least(s, "minimum", n) && at_most(s, "maximum", n) &&
           (above == NULL || n > number_of(above)) && (below == NULL || n < number_of(below)) &&
           (step == NULL || n % number_of(step) == 0);
}

static bool length(node s, node v)
{
    const struct aps_str text = text_of(v);
    int64_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80 ? ONE : 0;
    return at_least(s, "minLength", n) && at_most(s, "maxLength", n);
}

static bool is_unique(node v)
{
    for (node a = aps_jsonread_first(v); a < aps_jsonread_end(v); a = aps_jsonread_next(a))
        for (node b = aps_jsonread_next(a); b < aps_jsonread_end(v); b = aps_jsonread_next(b))
            if (is_equal(a, b))
                return false;
    return true;
}

static bool required(node names, node v)
{
    for (node n = aps_jsonread_first(names); n < aps_jsonread_end(names); n = aps_jsonread_next(n))
        if (member_of(v, text_of(n)) == NULL)
            return false;
    return true;
}

static bool assertions(node s, node v)
{
    const int64_t n = kind_of(v) >= APS_JSON_ARRAY ? (int64_t)aps_jsonread_count(v) * ONE : 0;
    node unique = key(s, "uniqueItems"), names = key(s, "required");
    bool good = type(s, v) && values(s, v);

    if (kind_of(v) == APS_JSON_NUMBER)
        good = good && bounds(s, v);
    if (kind_of(v) == APS_JSON_STRING)
        good = good && length(s, v);
    if (kind_of(v) == APS_JSON_ARRAY)
        good = good && at_least(s, "minItems", n) && at_most(s, "maxItems", n) &&
               (unique == NULL || aps_jsonread_kind(unique) != APS_JSON_TRUE || is_unique(v));
    if (kind_of(v) == APS_JSON_OBJECT)
        good = good && at_least(s, "minProperties", n) && at_most(s, "maxProperties", n) &&
               (names == NULL || required(names, v));
    return good;
}

/* ---- keywords that hold schemas */

/* What the other has looked at counts if it is valid. */
static void join(struct answer *a, struct answer other)
{
    if (!other.valid)
        return;
    a->members |= other.members;
    a->items |= other.items;
}

/* How many of the list are valid. */
static unsigned count(node list, node v, struct answer *a)
{
    unsigned n = 0;

    for (node s = aps_jsonread_first(list); s < aps_jsonread_end(list); s = aps_jsonread_next(s)) {
        const struct answer one = ask(s, v);

        join(a, one);
        n += one.valid;
    }
    return n;
}

static void in_place(node s, node v, struct answer *a)
{
    node all = key(s, "allOf"), any = key(s, "anyOf"), one = key(s, "oneOf"), no = key(s, "not");
    node when = key(s, "if"), then;
    struct answer yes;

    if (all != NULL)
        a->valid = count(all, v, a) == aps_jsonread_count(all) && a->valid;
    if (any != NULL)
        a->valid = count(any, v, a) > 0 && a->valid;
    if (one != NULL)
        a->valid = count(one, v, a) == 1 && a->valid;
    if (no != NULL)
        a->valid = !ask(no, v).valid && a->valid;
    if (when == NULL)
        return;
    yes = ask(when, v);
    join(a, yes);
    then = key(s, yes.valid ? "then" : "else");
    if (then == NULL)
        return;
    yes = ask(then, v);
    join(a, yes);
    a->valid = a->valid && yes.valid;
}

static void dependents(node s, node v, struct answer *a)
{
    node lists = key(s, "dependentRequired"), schemas = key(s, "dependentSchemas");

    for (node m = aps_jsonread_first(v); m < aps_jsonread_end(v); m = next_of(v, m)) {
        node list = lists != NULL ? member_of(lists, text_of(m)) : NULL;
        node schema = schemas != NULL ? member_of(schemas, text_of(m)) : NULL;

        a->valid = a->valid && (list == NULL || required(list, v));
        if (schema != NULL) {
            const struct answer one = ask(schema, v);

            join(a, one);
            a->valid = a->valid && one.valid;
        }
    }
}

static void members(node s, node v, struct answer *a)
{
    node known = key(s, "properties"), others = key(s, "additionalProperties");
    node names = key(s, "propertyNames"), schema;
    uint64_t bit = 1;

    for (node m = aps_jsonread_first(v); m < aps_jsonread_end(v); m = next_of(v, m), bit <<= 1) {
        schema = known != NULL ? member_of(known, text_of(m)) : NULL;
        if (schema == NULL)
            schema = others;
        a->valid = a->valid && (names == NULL || ask(names, m).valid);
        if (schema == NULL)
            continue;
        a->members |= bit;
        a->valid = ask(schema, m + 1).valid && a->valid;
    }
}

static void items(node s, node v, struct answer *a)
{
    node first = key(s, "prefixItems"), others = key(s, "items"), has = key(s, "contains");
    node schema = first != NULL ? aps_jsonread_first(first) : NULL;
    uint64_t bit = 1;
    int64_t n = 0;

    for (node i = aps_jsonread_first(v); i < aps_jsonread_end(v);
         i = aps_jsonread_next(i), bit <<= 1) {
        node mine = schema != NULL && schema < aps_jsonread_end(first) ? schema : others;

        if (mine != NULL) {
            a->items |= bit;
            a->valid = ask(mine, i).valid && a->valid;
        }
        if (mine == schema && schema != NULL)
            schema = aps_jsonread_next(schema);
        if (has != NULL && ask(has, i).valid) {
            a->items |= bit;
            n += ONE;
        }
    }
    if (has != NULL)
        a->valid = a->valid && at_most(s, "maxContains", n) &&
                   (key(s, "minContains") != NULL ? at_least(s, "minContains", n) : n > 0);
}

static void unevaluated(node s, node v, uint64_t *io_seen, const char *name, struct answer *a)
{
    node schema = key(s, name);
    uint64_t bit = 1;

    if (schema == NULL)
        return;
    for (node i = aps_jsonread_first(v); i < aps_jsonread_end(v); i = next_of(v, i), bit <<= 1)
        if ((*io_seen & bit) == 0)
            a->valid = ask(schema, kind_of(v) == APS_JSON_OBJECT ? i + 1 : i).valid && a->valid;
    *io_seen = UINT64_MAX;
}

static struct answer ask(node s, node v)
{
    struct answer a = {.valid = true};

    if (aps_jsonread_kind(s) != APS_JSON_OBJECT) {
        a.valid = aps_jsonread_kind(s) == APS_JSON_TRUE;
        return a;
    }
    a.valid = assertions(s, v);
    in_place(s, v, &a);
    if (kind_of(v) == APS_JSON_OBJECT) {
        dependents(s, v, &a);
        members(s, v, &a);
        unevaluated(s, v, &a.members, "unevaluatedProperties", &a);
    } else if (kind_of(v) == APS_JSON_ARRAY) {
        items(s, v, &a);
        unevaluated(s, v, &a.items, "unevaluatedItems", &a);
    }
    return a;
}

/* ---- both */

/* Whether the model knows all of the text. */
static bool is_known(const struct aps_jsonread *r)
{
    static const char *const unknown[] = {"pattern", "patternProperties", "dependencies"};

    for (uint32_t i = 0; i < r->count; i++) {
        node v = r->nodes + i;
        const enum aps_jsonread_kind kind = aps_jsonread_kind(v);
        const struct aps_str text = kind == APS_JSON_NAME ? text_of(v) : (struct aps_str){"", 0};

        if (kind == APS_JSON_NUMBER && !is_plain_number(v))
            return false;
        if (kind >= APS_JSON_ARRAY && aps_jsonread_count(v) > HELD)
            return false;
        for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++)
            if (aps_str_eq(text, aps_str(unknown[k])))
                return false;
        if (text.n > 0 && text.p[0] == '$')
            return false;
    }
    return true;
}

static enum aps_schema_verdict judge(apr_pool_t *pool, struct aps_str block)
{
    struct aps_schema_judge_options o = aps_schema_judge_usual;
    const struct aps_schema_image *image = NULL;
    struct aps_schema_judge *j;

    o.first = true;
    j = aps_schema_judge_new(pool, &o);
    expect(j != NULL && aps_schema_image_open(pool, block, &image, NULL) == APS_OK);
    return aps_schema_judge(j, image, 0, &value_text, aps_jsonread_root(&value_text));
}

static void run(apr_pool_t *pool, struct aps_str schema, struct aps_str value)
{
    static const unsigned char hash_key[APS_SIPHASH_KEY_LEN] = "fuzz";
    const struct aps_schema_source source = {.text = schema};
    const struct aps_schema_compile what = {
        .sources = &source, .sources_n = 1, .dialect = APS_SCHEMA_2020_12};
    enum aps_schema_verdict verdict;
    struct aps_str block = {NULL, 0};

    aps_jsonread_init(&schema_text, pool, hash_key);
    aps_jsonread_init(&value_text, pool, hash_key);
    if (aps_jsonread(&schema_text, schema, &aps_jsonread_strict) != APS_JSONREAD_OK ||
        aps_jsonread(&value_text, value, &aps_jsonread_strict) != APS_JSONREAD_OK ||
        !is_known(&schema_text) || !is_known(&value_text) ||
        aps_schema_compile(&what, pool, &block, NULL, NULL) != APS_OK)
        return;
    verdict = judge(pool, block);
    if (verdict == APS_SCHEMA_VALID || verdict == APS_SCHEMA_INVALID)
        expect(ask(aps_jsonread_root(&schema_text), aps_jsonread_root(&value_text)).valid ==
               (verdict == APS_SCHEMA_VALID));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data;
    const char *cut = size > 0 ? memchr(p, '\n', size) : NULL;
    apr_pool_t *pool = NULL;

    if (cut == NULL || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    run(pool, (struct aps_str){p, (size_t)(cut - p)},
        (struct aps_str){cut + 1, size - (size_t)(cut + 1 - p)});
    apr_pool_destroy(pool);
    return 0;
}
