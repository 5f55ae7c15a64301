/* api_extension.c - members of a description whose names are ours: each counts in one kind of
 * place.  A name that is misspelt, or stands elsewhere, would ask for something that nobody does,
 * so it is an error wherever it stands. */
#include "api_build.h"

#include <apr_strings.h>

#define PREFIX "x-apisec"

static const struct {
    struct aps_str name;
    enum api_extension place;
} rows[] = {
    {APS_STR_LIT(PREFIX "-limit"), API_EXTENSION_OPERATION},
    {APS_STR_LIT(PREFIX "-stream"), API_EXTENSION_OPERATION},
    {APS_STR_LIT(PREFIX "-sanitize"), API_EXTENSION_SCHEMA},
    {APS_STR_LIT(PREFIX "-url"), API_EXTENSION_SCHEMA},
};

/* In any case of letters, and whatever stands behind it. */
static bool is_ours(struct aps_str name)
{
    const size_t n = sizeof PREFIX - 1;

    return name.n >= n && aps_str_eq_nocase((struct aps_str){name.p, n}, APS_STR_LIT(PREFIX));
}

static bool judge(struct api_build *b, struct api_at at, enum api_extension place,
                  struct aps_str name)
{
    static const char *const wants[] = {
        [API_EXTENSION_NONE] = "is unknown, and none of ours counts here",
        [API_EXTENSION_OPERATION] =
            "is unknown in an operation; want " PREFIX "-limit, " PREFIX "-stream",
        [API_EXTENSION_SCHEMA] = "is unknown in a schema; want " PREFIX "-sanitize, " PREFIX "-url",
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (aps_str_eq(name, rows[i].name))
            return rows[i].place == place ||
                   aps_api_build_fail(
                       b, at, APS_ERR_FORMAT, "%.*s counts in %s only", APS_STR_SHOW(name),
                       rows[i].place == API_EXTENSION_SCHEMA ? "schemas" : "operations");
    return aps_api_build_fail(b, at, APS_ERR_FORMAT, "%.*s %s", APS_STR_SHOW(name), wants[place]);
}

bool aps_api_extension(struct api_build *b, struct api_at at, enum api_extension place)
{
    const struct aps_jsonread_node *m;

    if (aps_jsonread_kind(at.v) != APS_JSON_OBJECT)
        return true;
    for (m = aps_jsonread_first(at.v); m < aps_jsonread_end(at.v); m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = aps_jsonread_str(&at.doc->reader, m);

        if (is_ours(name) && !judge(b, at, place, name))
            return false;
    }
    return true;
}

/* ---- schemas, and those below them */

/* Keywords whose value is a schema, a list of them or, MAP, an object that has them. */
static const struct {
    struct aps_str name;
    bool map;
} keywords[] = {
    {APS_STR_LIT("properties"), true},
    {APS_STR_LIT("items"), false},
    {APS_STR_LIT("allOf"), false},
    {APS_STR_LIT("anyOf"), false},
    {APS_STR_LIT("oneOf"), false},
    {APS_STR_LIT("not"), false},
    {APS_STR_LIT("additionalProperties"), false},
    {APS_STR_LIT("patternProperties"), true},
    {APS_STR_LIT("propertyNames"), false},
    {APS_STR_LIT("unevaluatedProperties"), false},
    {APS_STR_LIT("prefixItems"), false},
    {APS_STR_LIT("contains"), false},
    {APS_STR_LIT("unevaluatedItems"), false},
    {APS_STR_LIT("if"), false},
    {APS_STR_LIT("then"), false},
    {APS_STR_LIT("else"), false},
    {APS_STR_LIT("dependentSchemas"), true},
    {APS_STR_LIT("contentSchema"), false},
    {APS_STR_LIT("$defs"), true},
    {APS_STR_LIT("definitions"), true},
};

/* Once each, however many lead to it. */
static void push(struct api_build *b, apr_array_header_t *waiting, struct api_at at)
{
    if (aps_jsonread_kind(at.v) != APS_JSON_OBJECT ||
        apr_hash_get(b->extended, &at.v, sizeof at.v) != NULL)
        return;
    apr_hash_set(b->extended, apr_pmemdup(b->pool, &at.v, sizeof at.v), sizeof at.v, "");
    APR_ARRAY_PUSH(waiting, struct api_at) = at;
}

static void push_items(struct api_build *b, apr_array_header_t *waiting, struct api_at list)
{
    const struct aps_jsonread_node *v;
    uint32_t i = 0;

    for (v = aps_jsonread_first(list.v); v < aps_jsonread_end(list.v); v = aps_jsonread_next(v))
        push(b, waiting, aps_api_doc_item(b, list, i++, v));
}

static void push_members(struct api_build *b, apr_array_header_t *waiting, struct api_at map)
{
    const struct aps_jsonread_node *m;

    for (m = aps_jsonread_first(map.v); m < aps_jsonread_end(map.v); m = aps_jsonread_next(m + 1))
        push(b, waiting, aps_api_doc_member(b, map, m));
}

static void push_below(struct api_build *b, apr_array_header_t *waiting, struct api_at at,
                       const struct aps_jsonread_node *m)
{
    const struct aps_str name = aps_jsonread_str(&at.doc->reader, m);
    const enum aps_jsonread_kind kind = aps_jsonread_kind(m + 1);
    size_t k = 0;

    if (kind != APS_JSON_OBJECT && kind != APS_JSON_ARRAY)
        return;
    while (k < sizeof keywords / sizeof *keywords && !aps_str_eq(name, keywords[k].name))
        k++;
    if (k == sizeof keywords / sizeof *keywords)
        return;
    if (kind == APS_JSON_ARRAY)
        push_items(b, waiting, aps_api_doc_member(b, at, m));
    else if (keywords[k].map)
        push_members(b, waiting, aps_api_doc_member(b, at, m));
    else
        push(b, waiting, aps_api_doc_member(b, at, m));
}

/* Whether another schema of the document has referred to the same: many do to few. */
static bool is_referred(struct api_build *b, struct api_at at)
{
    struct api_at ref;
    struct aps_str text;
    char *key;

    aps_api_doc_any(b, at, "$ref", &ref);
    if (ref.v == NULL || aps_jsonread_kind(ref.v) != APS_JSON_STRING)
        return true; /* to nothing */
    text = api_str(ref);
    key = apr_palloc(b->pool, sizeof at.doc + text.n);
    memcpy(key, &at.doc, sizeof at.doc);
    memcpy(key + sizeof at.doc, text.p, text.n);
    if (apr_hash_get(b->extended, key, (apr_ssize_t)(sizeof at.doc + text.n)) != NULL)
        return true;
    apr_hash_set(b->extended, key, (apr_ssize_t)(sizeof at.doc + text.n), key);
    return false;
}

/* Where it refers to; what leads nowhere is for the compiler of schemas to tell. */
static void push_referred(struct api_build *b, apr_array_header_t *waiting, struct api_at at)
{
    bool moved = false;

    if (is_referred(b, at))
        return;
    if (!aps_api_doc_step(b, &at, &moved)) {
        b->err = APS_OK;
        if (b->diag != NULL)
            b->diag->text[0] = '\0';
    } else if (moved) {
        push(b, waiting, at);
    }
}

static void note_sanitize(struct api_build *b, struct api_at at)
{
    struct api_at rule;

    aps_api_doc_any(b, at, PREFIX "-sanitize", &rule);
    if (rule.v != NULL)
        APR_ARRAY_PUSH(b->sanitizes, struct api_at) = rule;
}

bool aps_api_extension_schema(struct api_build *b, struct api_at schema)
{
    apr_array_header_t *waiting = apr_array_make(b->pool, 16, sizeof(struct api_at));
    const struct aps_jsonread_node *m;

    push(b, waiting, schema);
    while (waiting->nelts > 0) {
        const struct api_at at = *(struct api_at *)apr_array_pop(waiting);

        if (!aps_api_extension(b, at, API_EXTENSION_SCHEMA))
            return false;
        note_sanitize(b, at);
        for (m = aps_jsonread_first(at.v); m < aps_jsonread_end(at.v); m = aps_jsonread_next(m + 1))
            push_below(b, waiting, at, m);
        push_referred(b, waiting, at);
    }
    return true;
}
