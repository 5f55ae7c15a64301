/* api_check.c - has a description the form that OpenAPI asks for?  Values wait in a list until they
 * are looked at, each once, so neither depth nor circles of references matter. */
#include "apisec/api_check.h"

#include <apr_strings.h>

#include "api_check.h"

/* A value that waits. */
struct item {
    struct api_at at;
    enum api_kind kind;
    bool ref; /* a reference may stand in its place */
};

struct checking {
    struct api_build *b;
    apr_array_header_t *items;
    apr_hash_t *seen;            /* value and kind */
    apr_array_header_t *schemas; /* struct aps_schema_entry: those that are in no other */
    apr_hash_t *ids;             /* operationId -> it */
};

bool aps_api_check_minor(struct api_build *b, struct api_at at, const char *fmt, ...)
{
    va_list args;
    const char *text;

    va_start(args, fmt);
    text = apr_pvsprintf(b->pool, fmt, args);
    va_end(args);
    if (b->report == NULL)
        return aps_api_build_fail(b, at, APS_ERR_FORMAT, "%s", text);
    aps_api_build_warn(b, at, "%s", text);
    return true;
}

static bool push(struct checking *c, struct api_at at, enum api_kind kind, bool ref)
{
    const struct {
        const struct aps_jsonread_node *v;
        uintptr_t kind;
    } key = {at.v, kind};
    const void *copy;

    if (kind < API_ROOT)
        return aps_api_rule_value(c->b, at, kind);
    if (apr_hash_get(c->seen, &key, sizeof key) != NULL)
        return true;
    if ((copy = apr_pmemdup(c->b->pool, &key, sizeof key)) == NULL)
        return false;
    apr_hash_set(c->seen, copy, sizeof key, copy);
    APR_ARRAY_PUSH(c->items, struct item) = (struct item){at, kind, ref};
    return true;
}

/* A reference: what it leads to is looked at as what stands here.  Other documents need not be
 * there unless the description is compiled. */
static bool follow(struct checking *c, const struct item *item, struct aps_str ref)
{
    struct api_at to = item->at;
    bool moved;

    if (c->b->report == NULL && (ref.n == 0 || ref.p[0] != '#'))
        return true;
    return aps_api_doc_step(c->b, &to, &moved) && push(c, to, item->kind, item->ref);
}

static bool is_extension(struct aps_str name)
{
    return aps_str_starts(name, APS_STR_LIT("x-"));
}

/* ---- fields */

static bool check_list(struct checking *c, struct api_at at, const struct api_field *f)
{
    const struct aps_jsonread_node *v;
    uint32_t i = 0;

    if (aps_jsonread_kind(at.v) != APS_JSON_ARRAY)
        return aps_api_build_fail(c->b, at, APS_ERR_FORMAT, "want an array");
    if ((f->flags & API_F_FILLED) != 0 && aps_jsonread_count(at.v) == 0)
        return aps_api_build_fail(c->b, at, APS_ERR_FORMAT, "want one item at least");
    for (v = aps_jsonread_first(at.v); v < aps_jsonread_end(at.v); v = aps_jsonread_next(v), i++)
        if (!push(c, aps_api_doc_item(c->b, at, i, v), f->value, (f->flags & API_F_REF) != 0))
            return false;
    return true;
}

static bool check_map(struct checking *c, struct api_at at, const struct api_field *f)
{
    const struct aps_jsonread_node *m;

    if (aps_jsonread_kind(at.v) != APS_JSON_OBJECT)
        return aps_api_build_fail(c->b, at, APS_ERR_FORMAT, "want an object");
    if ((f->flags & API_F_FILLED) != 0 && aps_jsonread_count(at.v) == 0)
        return aps_api_build_fail(c->b, at, APS_ERR_FORMAT, "want one member at least");
    for (m = aps_jsonread_first(at.v); m < aps_jsonread_end(at.v); m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = aps_jsonread_str(&at.doc->reader, m);

        if ((f->flags & API_F_NAMES) != 0 && !aps_api_rule_name(c->b, at, name))
            return false;
        if (!push(c, aps_api_doc_member(c->b, at, m), f->value, (f->flags & API_F_REF) != 0))
            return false;
    }
    return true;
}

static bool check_field(struct checking *c, struct api_at at, const struct api_field *f)
{
    const enum aps_jsonread_kind kind = aps_jsonread_kind(at.v);

    if (f->shape == API_LIST)
        return check_list(c, at, f);
    if (f->shape == API_MAP)
        return check_map(c, at, f);
    if (f->of == API_SCHEMA && f->value == API_SCHEMA &&
        (kind == APS_JSON_TRUE || kind == APS_JSON_FALSE) &&
        aps_str_eq(f->name, APS_STR_LIT("additionalProperties")))
        return true;
    return push(c, at, f->value, (f->flags & API_F_REF) != 0);
}

static bool check_fields(struct checking *c, struct api_at at, enum api_kind kind)
{
    const struct aps_jsonread_node *m;
    const char *missing = aps_api_field_missing(c->b, at, kind);

    if (missing != NULL)
        return aps_api_build_fail(c->b, at, APS_ERR_FORMAT, "want %s", missing);
    for (m = aps_jsonread_first(at.v); m < aps_jsonread_end(at.v); m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = aps_jsonread_str(&at.doc->reader, m);
        const struct api_field *f = aps_api_field_find(kind, name, c->b->old);

        if (f != NULL) {
            if (!check_field(c, aps_api_doc_member(c->b, at, m), f))
                return false;
        } else if (!is_extension(name) && kind != API_DISCRIMINATOR) {
            return aps_api_build_fail(c->b, at, APS_ERR_FORMAT,
                                      "\"%.*s\" is no field of OpenAPI %s here", APS_STR_SHOW(name),
                                      c->b->old ? "3.0" : "3.1");
        }
    }
    return true;
}

/* Objects with names of their own choice. */
static bool check_named(struct checking *c, struct api_at at, enum api_kind kind)
{
    const struct api_field scopes = {.value = API_TEXT};
    const struct aps_jsonread_node *m;

    for (m = aps_jsonread_first(at.v); m < aps_jsonread_end(at.v); m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = aps_jsonread_str(&at.doc->reader, m);
        const struct api_at value = aps_api_doc_member(c->b, at, m);

        if (kind == API_REQUIREMENT) {
            if (!check_list(c, value, &scopes))
                return false;
            continue;
        }
        if (is_extension(name))
            continue;
        if (!aps_api_rule_key(c->b, at, kind, name) ||
            !push(c, value, kind == API_RESPONSES ? API_RESPONSE : API_ITEM, kind == API_RESPONSES))
            return false;
    }
    return true;
}

/* ---- values */

/* Schemas are the compiler's; of 3.0, whose schemas are closed, fields are looked at where the
 * question is whether the description is right. */
static bool check_schema(struct checking *c, const struct item *item)
{
    if (c->b->report != NULL || !c->b->old)
        return true;
    return check_fields(c, item->at, API_SCHEMA) && aps_api_rule(c->b, item->at, API_SCHEMA);
}

static bool check_id(struct checking *c, struct api_at at)
{
    struct aps_str id;

    if (!aps_api_doc_text(c->b, at, "operationId", &id))
        return false;
    if (id.n == 0)
        return true;
    if (apr_hash_get(c->ids, id.p, (apr_ssize_t)id.n) != NULL)
        return aps_api_check_minor(c->b, at, "operationId \"%.*s\" stands twice", APS_STR_SHOW(id));
    apr_hash_set(c->ids, id.p, (apr_ssize_t)id.n, id.p);
    return true;
}

/* Of any object of OpenAPI but those whose names are all their own. */
static bool check_extensions(struct checking *c, const struct item *item)
{
    if (item->kind == API_SCHEMA)
        return aps_api_extension_schema(c->b, item->at);
    return item->kind == API_REQUIREMENT ||
           aps_api_extension(c->b, item->at,
                             item->kind == API_OPERATION ? API_EXTENSION_OPERATION
                                                         : API_EXTENSION_NONE);
}

static bool check_item(struct checking *c, const struct item *item)
{
    const struct api_at at = item->at;
    const enum aps_jsonread_kind kind = aps_jsonread_kind(at.v);
    struct api_at ref;

    if (item->kind == API_SCHEMA && !c->b->old && (kind == APS_JSON_TRUE || kind == APS_JSON_FALSE))
        return true;
    if (kind != APS_JSON_OBJECT)
        return aps_api_build_fail(c->b, at, APS_ERR_FORMAT, "want an object");
    if (!check_extensions(c, item) || !aps_api_doc_get(c->b, at, "$ref", APS_JSON_STRING, &ref))
        return false;
    if (ref.v != NULL && (item->ref || item->kind == API_ITEM ||
                          (item->kind == API_SCHEMA && c->b->old && c->b->report == NULL))) {
        if (!follow(c, item, api_str(ref)))
            return false;
        if (item->kind != API_ITEM)
            return true;
    }
    if (item->kind == API_SCHEMA)
        return check_schema(c, item);
    if (item->kind >= API_PATHS)
        return check_named(c, at, item->kind) && aps_api_rule(c->b, at, item->kind);
    return check_fields(c, at, item->kind) && aps_api_rule(c->b, at, item->kind) &&
           (item->kind != API_OPERATION || check_id(c, at));
}

/* Whether every schema compiles, also those that no operation has. */
static bool check_schemas(struct checking *c)
{
    struct api_build *b = c->b;
    const struct aps_schema_compile what = {
        .sources = b->sources,
        .sources_n = b->docs_n,
        .entries = (const struct aps_schema_entry *)c->schemas->elts,
        .entries_n = (uint32_t)c->schemas->nelts,
        .dialect = b->dialect,
        .formats = true,
    };
    struct aps_diag diag = {.text = ""};
    struct aps_str block;
    const enum aps_err err = aps_schema_compile(&what, b->pool, &block, NULL, &diag);

    if (err == APS_OK || (err == APS_ERR_NOT_FOUND && b->report == NULL))
        return true; /* what is in other documents */
    b->err = err;
    aps_err_explain(b->diag, "%s", diag.text);
    return false;
}

bool aps_api_check_all(struct api_build *b)
{
    struct checking c = {.b = b,
                         .items = apr_array_make(b->pool, 64, sizeof(struct item)),
                         .seen = apr_hash_make(b->pool),
                         .schemas = apr_array_make(b->pool, 64, sizeof(struct aps_schema_entry)),
                         .ids = apr_hash_make(b->pool)};

    if (!push(&c, b->root, API_ROOT, false))
        return false;
    for (int i = 0; i < c.items->nelts; i++) {
        const struct item item = APR_ARRAY_IDX(c.items, i, struct item);

        if (item.kind == API_SCHEMA)
            APR_ARRAY_PUSH(c.schemas, struct aps_schema_entry) =
                (struct aps_schema_entry){(uint32_t)(item.at.doc - b->docs), item.at.pointer};
        if (!check_item(&c, &item))
            return false;
    }
    return check_schemas(&c);
}

enum aps_err aps_api_check(struct aps_str json, apr_pool_t *pool, struct aps_diag *diag)
{
    const struct aps_schema_source source = {.text = json, .document = true};
    struct api_build b = {.sources = &source, .docs_n = 1, .diag = diag, .err = APS_OK};

    if (apr_pool_create(&b.pool, pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    if ((!aps_api_build_begin(&b) || !aps_api_doc_read(&b) || !aps_api_compile_head(&b) ||
         !aps_api_check_all(&b)) &&
        b.err == APS_OK)
        b.err = APS_ERR_NOMEM;
    apr_pool_destroy(b.pool);
    return b.err;
}
