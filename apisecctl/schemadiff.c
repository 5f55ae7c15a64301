/* schemadiff.c - what one schema takes that another one does not. */
#include "schemadiff.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <stdlib.h>

enum { DEPTH_MAX = 24, STEPS_MAX = 100000 };

struct diff {
    apr_pool_t *pool;
    ctl_schemadiff_fn fn;
    void *arg;
    unsigned depth;
    unsigned steps;
    apr_hash_t *seen; /* pairs that were compared: schemas refer to each other in circles */
};

static void compare(struct diff *d, struct ctl_jsonat a, struct ctl_jsonat b, const char *where);

static struct ctl_jsonat get(struct ctl_jsonat at, const char *name)
{
    return ctl_jsondoc_get(at, aps_str(name));
}

static bool is_true(struct ctl_jsonat at)
{
    return ctl_jsondoc_is(at, APS_JSON_TRUE);
}

/* Whether an array has the value, as it is written. */
static bool holds(struct ctl_jsonat array, struct ctl_jsonat value)
{
    for (struct ctl_jsonat v = ctl_jsondoc_first(array, NULL); v.v != NULL;
         v = ctl_jsondoc_next(array, v, NULL))
        if (aps_str_eq(ctl_jsondoc_raw(v), ctl_jsondoc_raw(value)))
            return true;
    return false;
}

/* ---- single keywords ---- */

static unsigned type_of(struct aps_str name)
{
    static const char *const names[] = {"null",   "boolean", "integer", "number",
                                        "string", "array",   "object"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (aps_str_eq(name, aps_str(names[i])))
            return i == 3 ? 1u << 2 | 1u << 3 : 1u << i; /* an integer is a number */
    return 0;
}

/* Bits of the types; all where nothing is said. */
static unsigned types_of(struct ctl_jsonat schema)
{
    struct ctl_jsonat type = get(schema, "type");
    unsigned types = type_of(ctl_jsondoc_str(type));

    for (struct ctl_jsonat v = ctl_jsondoc_first(type, NULL); v.v != NULL;
         v = ctl_jsondoc_next(type, v, NULL))
        types |= type_of(ctl_jsondoc_str(v));
    if (is_true(get(schema, "nullable")))
        types |= type_of(APS_STR_LIT("null"));
    return type.v != NULL ? types : ~0u;
}

static bool is_narrower_enum(struct ctl_jsonat a, struct ctl_jsonat b)
{
    struct ctl_jsonat was = get(a, "enum"), is = get(b, "enum");

    if (is.v == NULL)
        return false;
    for (struct ctl_jsonat v = ctl_jsondoc_first(was, NULL); v.v != NULL;
         v = ctl_jsondoc_next(was, v, NULL))
        if (!holds(is, v))
            return true;
    return was.v == NULL && get(a, "const").v == NULL;
}

static void compare_bounds(struct diff *d, struct ctl_jsonat a, struct ctl_jsonat b,
                           const char *where)
{
    static const struct {
        const char *name;
        bool upper;
    } bounds[] = {
        {"maximum", true},   {"exclusiveMaximum", true},  {"maxLength", true},
        {"maxItems", true},  {"maxProperties", true},     {"maxContains", true},
        {"minimum", false},  {"exclusiveMinimum", false}, {"minLength", false},
        {"minItems", false}, {"minProperties", false},    {"minContains", false},
    };

    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        struct ctl_jsonat was = get(a, bounds[i].name), is = get(b, bounds[i].name);
        double x, y;

        if (!ctl_jsondoc_is(is, APS_JSON_NUMBER))
            continue;
        if (!ctl_jsondoc_is(was, APS_JSON_NUMBER)) {
            d->fn(d->arg, where, bounds[i].name);
            continue;
        }
        x = strtod(apr_pstrmemdup(d->pool, ctl_jsondoc_str(was).p, ctl_jsondoc_str(was).n), NULL);
        y = strtod(apr_pstrmemdup(d->pool, ctl_jsondoc_str(is).p, ctl_jsondoc_str(is).n), NULL);
        if (bounds[i].upper ? y < x : y > x)
            d->fn(d->arg, where, bounds[i].name);
    }
}

/* Keywords that ask the same only where they are the same. */
static void compare_texts(struct diff *d, struct ctl_jsonat a, struct ctl_jsonat b,
                          const char *where)
{
    static const char *const names[] = {
        "pattern",  "format",        "multipleOf",        "const",       "not", "if",
        "contains", "propertyNames", "dependentRequired", "x-apisec-url"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ctl_jsonat is = get(b, names[i]);

        if (is.v != NULL && !aps_str_eq(ctl_jsondoc_raw(is), ctl_jsondoc_raw(get(a, names[i]))))
            d->fn(d->arg, where, names[i]);
    }
    if (is_true(get(b, "uniqueItems")) && !is_true(get(a, "uniqueItems")))
        d->fn(d->arg, where, "uniqueItems");
}

/* ---- objects ---- */

static void compare_required(struct diff *d, struct ctl_jsonat a, struct ctl_jsonat b,
                             const char *where)
{
    struct ctl_jsonat was = get(a, "required"), is = get(b, "required");

    for (struct ctl_jsonat v = ctl_jsondoc_first(is, NULL); v.v != NULL;
         v = ctl_jsondoc_next(is, v, NULL))
        if (!holds(was, v))
            d->fn(d->arg, apr_psprintf(d->pool, "%s/%.*s", where, APS_STR_SHOW(ctl_jsondoc_str(v))),
                  "required");
}

/* Properties that both name; those that only one names are as its additionalProperties has it. */
static void compare_properties(struct diff *d, struct ctl_jsonat a, struct ctl_jsonat b,
                               const char *where)
{
    struct ctl_jsonat was = get(a, "properties"), is = get(b, "properties");
    struct ctl_jsonat others = get(b, "additionalProperties");
    bool closed = ctl_jsondoc_is(others, APS_JSON_FALSE);
    struct aps_str name = {NULL, 0};

    for (struct ctl_jsonat v = ctl_jsondoc_first(was, &name); v.v != NULL;
         v = ctl_jsondoc_next(was, v, &name)) {
        struct ctl_jsonat now = ctl_jsondoc_get(is, name);
        const char *at = apr_psprintf(d->pool, "%s/%.*s", where, APS_STR_SHOW(name));

        if (now.v != NULL)
            compare(d, ctl_jsondoc_deref(v), now, at);
        else if (closed)
            d->fn(d->arg, at, "properties");
    }
    if (closed && !ctl_jsondoc_is(get(a, "additionalProperties"), APS_JSON_FALSE))
        d->fn(d->arg, where, "additionalProperties");
}

/* ---- schemas within ---- */

static void compare_lists(struct diff *d, struct ctl_jsonat a, struct ctl_jsonat b,
                          const char *where)
{
    static const char *const names[] = {"allOf", "anyOf", "oneOf", "prefixItems"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ctl_jsonat was = get(a, names[i]), is = get(b, names[i]);
        struct ctl_jsonat x = ctl_jsondoc_first(was, NULL), y = ctl_jsondoc_first(is, NULL);
        bool all = i == 0 || i == 3; /* more of them ask more; of the others, fewer */

        while (x.v != NULL && y.v != NULL) {
            compare(d, ctl_jsondoc_deref(x), ctl_jsondoc_deref(y),
                    apr_pstrcat(d->pool, where, "/", names[i], NULL));
            x = ctl_jsondoc_next(was, x, NULL);
            y = ctl_jsondoc_next(is, y, NULL);
        }
        if (is.v != NULL && (all ? y.v != NULL : x.v != NULL || was.v == NULL))
            d->fn(d->arg, where, names[i]);
    }
}

static void compare_within(struct diff *d, struct ctl_jsonat a, struct ctl_jsonat b,
                           const char *where)
{
    struct ctl_jsonat items = get(b, "items"), others = get(b, "additionalProperties");

    if (items.v != NULL)
        compare(d, get(a, "items"), items, apr_pstrcat(d->pool, where, "/items", NULL));
    if (ctl_jsondoc_is(others, APS_JSON_OBJECT))
        compare(d, get(a, "additionalProperties"), others, apr_pstrcat(d->pool, where, "/*", NULL));
}

static bool is_object(struct ctl_jsonat at)
{
    return ctl_jsondoc_is(at, APS_JSON_OBJECT);
}

static bool was_seen(struct diff *d, struct ctl_jsonat a, struct ctl_jsonat b)
{
    const struct aps_jsonread_node *pair[2] = {a.v, b.v};

    if (apr_hash_get(d->seen, pair, sizeof pair) != NULL)
        return true;
    apr_hash_set(d->seen, apr_pmemdup(d->pool, pair, sizeof pair), sizeof pair, "");
    return false;
}

static void compare(struct diff *d, struct ctl_jsonat a, struct ctl_jsonat b, const char *where)
{
    if (d->depth == DEPTH_MAX || d->steps == STEPS_MAX || was_seen(d, a, b))
        return;
    d->steps++;
    if (!is_object(b)) {
        if (ctl_jsondoc_is(b, APS_JSON_FALSE) && !ctl_jsondoc_is(a, APS_JSON_FALSE))
            d->fn(d->arg, where, "false");
        return; /* anything is taken */
    }
    d->depth++;
    if ((types_of(a) & ~types_of(b)) != 0)
        d->fn(d->arg, where, "type");
    if (is_narrower_enum(a, b))
        d->fn(d->arg, where, "enum");
    compare_bounds(d, a, b, where);
    compare_texts(d, a, b, where);
    compare_required(d, a, b, where);
    compare_properties(d, a, b, where);
    compare_lists(d, a, b, where);
    compare_within(d, a, b, where);
    d->depth--;
}

void ctl_schemadiff(struct ctl_jsonat a, struct ctl_jsonat b, const char *where,
                    ctl_schemadiff_fn fn, void *arg)
{
    struct diff d = {
        .pool = a.docs->pool, .fn = fn, .arg = arg, .seen = apr_hash_make(a.docs->pool)};

    compare(&d, ctl_jsondoc_deref(a), ctl_jsondoc_deref(b), where);
}
