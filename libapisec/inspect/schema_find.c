/* schema_find.c - which values of the documents are schemas, by which names they go, and where
 * references lead: always to a place in the bundle (POS-12). */
#include "schema_build.h"

#include <apr_strings.h>

#include "apisec/num.h"

#define NEW (1u << APS_SCHEMA_2020_12 | 1u << APS_SCHEMA_OAS31)
#define OAS30 (1u << APS_SCHEMA_OAS30)
#define OAS (1u << APS_SCHEMA_OAS31 | OAS30)
#define ALL (NEW | OAS30)

static const struct schema_word words[] = {
#define K(name, token, vocabulary, holds, dialects)                                                \
    {{token, sizeof(token) - 1},                                                                   \
     SCHEMA_K_##name,                                                                              \
     SCHEMA_V_##vocabulary,                                                                        \
     SCHEMA_H_##holds,                                                                             \
     dialects},
#include "apisec/schema_keyword.def"
#undef K
};

const struct schema_word *aps_schema_find_word(const struct schema_resource *r, struct aps_str name)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (aps_str_eq(words[i].token, name))
            return (words[i].dialects & 1u << r->dialect) != 0 &&
                           (words[i].vocabulary & r->vocabularies) != 0
                       ? &words[i]
                       : NULL;
    return NULL;
}

/* ---- pointers */

struct aps_str aps_schema_find_pointer(apr_pool_t *pool, struct aps_str pointer,
                                       struct aps_str token)
{
    char *text = apr_palloc(pool, pointer.n + 1 + 2 * token.n), *to = text;

    if (text == NULL)
        return pointer;
    memcpy(to, pointer.p, pointer.n);
    to += pointer.n;
    *to++ = '/';
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] == '~' || token.p[i] == '/') {
            *to++ = '~';
            *to++ = token.p[i] == '~' ? '0' : '1';
        } else {
            *to++ = token.p[i];
        }
    }
    return (struct aps_str){text, (size_t)(to - text)};
}

struct aps_str aps_schema_find_pointer_at(apr_pool_t *pool, struct aps_str pointer, uint32_t i)
{
    return aps_str(apr_psprintf(pool, "%.*s/%u", (int)pointer.n, pointer.p, i));
}

bool aps_schema_find_token(apr_pool_t *pool, struct aps_str token, struct aps_str *out)
{
    char *text, *to;

    if (token.n == 0 || memchr(token.p, '~', token.n) == NULL) {
        *out = token;
        return true;
    }
    if ((text = to = apr_palloc(pool, token.n)) == NULL)
        return false;
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] != '~') {
            *to++ = token.p[i];
            continue;
        }
        if (++i == token.n || (token.p[i] != '0' && token.p[i] != '1'))
            return false;
        *to++ = token.p[i] == '0' ? '~' : '/';
    }
    *out = (struct aps_str){text, (size_t)(to - text)};
    return true;
}

bool aps_schema_find_decode(apr_pool_t *pool, struct aps_str s, struct aps_str *out)
{
    char *text = apr_palloc(pool, s.n + 1), *to = text;

    for (size_t i = 0; text != NULL && i < s.n; i++) {
        if (s.p[i] != '%') {
            *to++ = s.p[i];
            continue;
        }
        if (s.n - i < 3 || aps_num_hex(s.p[i + 1]) < 0 || aps_num_hex(s.p[i + 2]) < 0)
            return false;
        *to++ = (char)(aps_num_hex(s.p[i + 1]) * 16 + aps_num_hex(s.p[i + 2]));
        i += 2;
    }
    *out = (struct aps_str){text, (size_t)(to - text)};
    return text != NULL;
}

/* ---- resources */

static struct schema_resource *add_resource(struct schema_build *b, struct schema_doc *doc,
                                            const struct aps_jsonread_node *root,
                                            struct aps_str uri, struct aps_str pointer)
{
    struct schema_resource *r = apr_pcalloc(b->pool, sizeof *r);

    if (r == NULL || b->err != APS_OK)
        return NULL;
    *r = (struct schema_resource){.uri = uri,
                                  .doc = doc,
                                  .root = root,
                                  .pointer = pointer,
                                  .number = (uint32_t)b->all->nelts,
                                  .vocabularies = SCHEMA_V_STANDARD,
                                  .dialect = b->what->dialect,
                                  .anchors = apr_hash_make(b->pool)};
    APR_ARRAY_PUSH(b->all, struct schema_resource *) = r;
    return r;
}

static bool name_resource(struct schema_build *b, struct schema_resource *r, struct aps_str uri)
{
    struct schema_resource *other = apr_hash_get(b->resources, uri.p, (apr_ssize_t)uri.n);

    if (other != NULL && other != r)
        return aps_schema_build_fail(b, APS_ERR_FORMAT, r->pointer,
                                     "the URI \"%.*s\" is also that of %.*s; want one for each",
                                     APS_STR_SHOW(uri), APS_STR_SHOW(other->pointer));
    apr_hash_set(b->resources, uri.p, (apr_ssize_t)uri.n, r);
    return true;
}

static struct schema_doc *doc_of(const struct schema_build *b, struct aps_str uri)
{
    for (uint32_t i = 0; i < b->what->sources_n; i++)
        if (aps_str_eq(b->docs[i].uri, uri))
            return &b->docs[i];
    return NULL;
}

static const struct {
    const char *uri;
    unsigned bit;
} vocabularies[] = {
    {"https://json-schema.org/draft/2020-12/vocab/core", SCHEMA_V_CORE},
    {"https://json-schema.org/draft/2020-12/vocab/applicator", SCHEMA_V_APPLICATOR},
    {"https://json-schema.org/draft/2020-12/vocab/unevaluated", SCHEMA_V_UNEVALUATED},
    {"https://json-schema.org/draft/2020-12/vocab/validation", SCHEMA_V_VALIDATION},
    {"https://json-schema.org/draft/2020-12/vocab/meta-data", SCHEMA_V_META},
    {"https://json-schema.org/draft/2020-12/vocab/format-annotation", SCHEMA_V_FORMAT},
    {"https://json-schema.org/draft/2020-12/vocab/format-assertion",
     SCHEMA_V_FORMAT | SCHEMA_V_ASSERT},
    {"https://json-schema.org/draft/2020-12/vocab/content", SCHEMA_V_CONTENT},
    {"https://spec.openapis.org/oas/3.1/vocab/base", SCHEMA_V_META},
};

/* The vocabularies that a meta-schema of the bundle asks for. */
static bool read_vocabularies(struct schema_build *b, struct schema_resource *r,
                              const struct schema_doc *doc)
{
    const struct aps_jsonread_node *list =
        aps_jsonread_get(&doc->reader, aps_jsonread_root(&doc->reader), APS_STR_LIT("$vocabulary"));
    unsigned found = SCHEMA_V_CORE;

    if (list == NULL || aps_jsonread_kind(list) != APS_JSON_OBJECT)
        return true;
    for (const struct aps_jsonread_node *m = aps_jsonread_first(list); m < aps_jsonread_end(list);
         m = aps_jsonread_next(m + 1)) {
        const struct aps_str uri = aps_jsonread_str(&doc->reader, m);
        unsigned bit = 0;

        for (size_t i = 0; i < sizeof vocabularies / sizeof *vocabularies; i++)
            if (aps_str_eq(uri, aps_str(vocabularies[i].uri)))
                bit = vocabularies[i].bit;
        if (bit == 0 && aps_jsonread_kind(m + 1) != APS_JSON_FALSE)
            return aps_schema_build_fail(b, APS_ERR_FORMAT, r->pointer,
                                         "$schema: the vocabulary \"%.*s\" is required and unknown",
                                         APS_STR_SHOW(uri));
        found |= bit;
    }
    r->vocabularies = found;
    return true;
}

/* $schema of a resource. */
static bool read_dialect(struct schema_build *b, struct schema_resource *r, struct aps_str uri)
{
    const struct schema_doc *doc;

    if (uri.n > 0 && uri.p[uri.n - 1] == '#')
        uri.n--;
    if (aps_str_eq(uri, APS_STR_LIT("https://json-schema.org/draft/2020-12/schema"))) {
        r->dialect = APS_SCHEMA_2020_12;
        r->vocabularies = SCHEMA_V_STANDARD;
        return true;
    }
    if (aps_str_starts(uri, APS_STR_LIT("https://spec.openapis.org/oas/3.1/dialect/"))) {
        r->dialect = APS_SCHEMA_OAS31;
        r->vocabularies = SCHEMA_V_STANDARD;
        return true;
    }
    if ((doc = doc_of(b, uri)) != NULL)
        return read_vocabularies(b, r, doc);
    return aps_schema_build_fail(b, APS_ERR_FORMAT, r->pointer,
                                 "$schema \"%.*s\": want "
                                 "https://json-schema.org/draft/2020-12/schema, or a meta-schema "
                                 "of the bundle with $vocabulary",
                                 APS_STR_SHOW(uri));
}

/* ---- schemas */

static uint32_t discover(struct schema_build *b, struct schema_doc *doc,
                         const struct aps_jsonread_node *v, struct schema_resource *r,
                         struct aps_str pointer);

static bool get_text(struct schema_build *b, const struct schema_doc *doc,
                     const struct aps_jsonread_node *v, const char *name, struct aps_str pointer,
                     struct aps_str *out)
{
    const struct aps_jsonread_node *value = aps_jsonread_get(&doc->reader, v, aps_str(name));

    *out = (struct aps_str){NULL, 0};
    if (value == NULL)
        return true;
    if (aps_jsonread_kind(value) != APS_JSON_STRING)
        return aps_schema_build_fail(b, APS_ERR_FORMAT, pointer, "%s: want a string", name);
    *out = aps_jsonread_str(&doc->reader, value);
    if (out->p == NULL)
        *out = APS_STR_LIT("");
    return true;
}

static bool is_anchor(struct aps_str s)
{
    if (s.n == 0 || (!(((s.p[0] | 0x20) >= 'a' && (s.p[0] | 0x20) <= 'z') || s.p[0] == '_')))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!(((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z') ||
              (s.p[i] >= '0' && s.p[i] <= '9') || strchr("-._", s.p[i]) != NULL))
            return false;
    return true;
}

/* $anchor or $dynamicAnchor. */
static bool add_anchor(struct schema_build *b, const struct schema_work *w, uint32_t node,
                       const char *keyword, bool dynamic)
{
    struct schema_anchor *anchor, *other;
    struct aps_str name;

    if (!get_text(b, w->doc, w->value, keyword, w->pointer, &name))
        return false;
    if (name.p == NULL)
        return true;
    if (!is_anchor(name))
        return aps_schema_build_fail(b, APS_ERR_FORMAT, w->pointer,
                                     "%s \"%.*s\": want a letter or _, then letters, digits and "
                                     "any of -._",
                                     keyword, APS_STR_SHOW(name));
    other = apr_hash_get(w->resource->anchors, name.p, (apr_ssize_t)name.n);
    if (other != NULL && other->node != node)
        return aps_schema_build_fail(b, APS_ERR_FORMAT, w->pointer, "%s \"%.*s\" stands twice",
                                     keyword, APS_STR_SHOW(name));
    if ((anchor = apr_palloc(b->pool, sizeof *anchor)) == NULL)
        return false;
    *anchor = (struct schema_anchor){node, dynamic || (other != NULL && other->dynamic)};
    apr_hash_set(w->resource->anchors, name.p, (apr_ssize_t)name.n, anchor);
    return true;
}

/* $id and $schema: the resource that the schema is the root of, or *io_resource. */
static bool read_id(struct schema_build *b, struct schema_doc *doc,
                    const struct aps_jsonread_node *v, struct aps_str pointer,
                    struct schema_resource **io_resource)
{
    struct schema_resource *r = *io_resource, *own = r->root == v ? r : NULL;
    struct aps_str id, dialect, uri;

    if (!get_text(b, doc, v, "$id", pointer, &id) ||
        !get_text(b, doc, v, "$schema", pointer, &dialect))
        return false;
    if (id.p != NULL) {
        uri = aps_schema_uri_resolve(b->pool, r->uri, id);
        if (aps_schema_uri_fragment(&uri).n > 0)
            return aps_schema_build_fail(b, APS_ERR_FORMAT, pointer,
                                         "$id \"%.*s\": want a URI without fragment",
                                         APS_STR_SHOW(id));
        if (own == NULL && (own = add_resource(b, doc, v, uri, pointer)) != NULL) {
            own->dialect = r->dialect;
            own->vocabularies = r->vocabularies;
        }
        if (own == NULL)
            return false;
        own->uri = uri;
        if (!name_resource(b, own, uri))
            return false;
    }
    if (own != NULL && dialect.p != NULL && !read_dialect(b, own, dialect))
        return false;
    if (own != NULL)
        *io_resource = own;
    return true;
}

/* What a keyword holds; what is malformed is found when it is compiled. */
static bool discover_held(struct schema_build *b, const struct schema_work *w,
                          const struct schema_word *word, const struct aps_jsonread_node *value)
{
    const struct aps_str pointer = aps_schema_find_pointer(b->pool, w->pointer, word->token);
    const enum aps_jsonread_kind kind = aps_jsonread_kind(value);
    const struct aps_jsonread_node *v = aps_jsonread_first(value);
    struct aps_str name;

    if (word->holds == SCHEMA_H_ONE)
        return (b->what->lax && kind != APS_JSON_OBJECT && kind != APS_JSON_FALSE &&
                kind != APS_JSON_TRUE) ||
               discover(b, w->doc, value, w->resource, pointer) != 0;
    if (word->holds == SCHEMA_H_LIST && kind == APS_JSON_ARRAY)
        for (uint32_t i = 0; v < aps_jsonread_end(value); v = aps_jsonread_next(v), i++)
            if (discover(b, w->doc, v, w->resource,
                         aps_schema_find_pointer_at(b->pool, pointer, i)) == 0)
                return false;
    if (word->holds >= SCHEMA_H_MAP && kind == APS_JSON_OBJECT)
        for (; v < aps_jsonread_end(value); v = aps_jsonread_next(v + 1)) {
            if (word->holds == SCHEMA_H_MAYBE && aps_jsonread_kind(v + 1) == APS_JSON_ARRAY)
                continue;
            name = aps_jsonread_str(&w->doc->reader, v);
            if (discover(b, w->doc, v + 1, w->resource,
                         aps_schema_find_pointer(b->pool, pointer, name)) == 0)
                return false;
        }
    return true;
}

/* Whether nothing but $ref counts. */
static bool is_only_ref(const struct schema_work *w)
{
    return w->resource->dialect == APS_SCHEMA_OAS30 && schema_get(w, "$ref") != NULL;
}

static bool discover_all(struct schema_build *b, const struct schema_work *w)
{
    const struct schema_word *word;

    if (aps_jsonread_kind(w->value) != APS_JSON_OBJECT || is_only_ref(w))
        return true;
    for (const struct aps_jsonread_node *m = aps_jsonread_first(w->value);
         m < aps_jsonread_end(w->value); m = aps_jsonread_next(m + 1)) {
        word = aps_schema_find_word(w->resource, aps_jsonread_str(&w->doc->reader, m));
        if (word != NULL && word->holds != SCHEMA_H_NONE && !discover_held(b, w, word, m + 1))
            return false;
    }
    return true;
}

/* The node of the schema `v`; it and all that it holds are discovered.  0 and b->err. */
static uint32_t discover(struct schema_build *b, struct schema_doc *doc,
                         const struct aps_jsonread_node *v, struct schema_resource *r,
                         struct aps_str pointer)
{
    struct schema_work w = {.doc = doc, .value = v, .pointer = pointer};
    const enum aps_jsonread_kind kind = aps_jsonread_kind(v);
    uint32_t *node = &doc->nodes[v - doc->reader.nodes];

    if (*node != 0)
        return *node;
    if (kind != APS_JSON_OBJECT && kind != APS_JSON_TRUE && kind != APS_JSON_FALSE) {
        (void)aps_schema_build_fail(b, APS_ERR_FORMAT, pointer,
                                    "want a schema: an object, true or false");
        return 0;
    }
    if (kind == APS_JSON_OBJECT && r->dialect != APS_SCHEMA_OAS30 &&
        !read_id(b, doc, v, pointer, &r))
        return 0;
    w.resource = r;
    if ((*node = aps_schema_build_add(b, SCHEMA_S_NODES, 1)) == 0)
        return 0;
    APR_ARRAY_PUSH(b->works, struct schema_work) = w;
    if (kind == APS_JSON_OBJECT && r->dialect != APS_SCHEMA_OAS30 &&
        (!add_anchor(b, &w, *node, "$anchor", false) ||
         !add_anchor(b, &w, *node, "$dynamicAnchor", true)))
        return 0;
    return discover_all(b, &w) ? *node : 0;
}

/* The resource of a document's root, which is looked at when it is first asked for. */
static struct schema_resource *resource_of(struct schema_build *b, struct schema_doc *doc)
{
    const struct aps_jsonread_node *root = aps_jsonread_root(&doc->reader);
    struct aps_str pointer = APS_STR_LIT("#");

    if (doc->resource != NULL)
        return doc->resource;
    if (doc != b->docs)
        pointer = aps_str(apr_psprintf(b->pool, "%.*s#", (int)doc->uri.n, doc->uri.p));
    doc->resource = add_resource(b, doc, root, doc->uri, pointer);
    if (doc->resource == NULL || !name_resource(b, doc->resource, doc->uri))
        return NULL;
    if (!doc->document && discover(b, doc, root, doc->resource, pointer) == 0)
        return NULL;
    return doc->resource;
}

/* The schema that a JSON Pointer, from the root of a resource on, leads to. */
static uint32_t find_pointer(struct schema_build *b, struct schema_resource *r,
                             struct aps_str pointer, struct aps_str from)
{
    const struct aps_jsonread_node *v = r->root;
    struct aps_str rest = pointer, token, place = r->pointer;
    uint32_t node;

    while (rest.n > 0) {
        size_t n = 1;

        while (rest.p[0] == '/' && n < rest.n && rest.p[n] != '/')
            n++;
        if (rest.p[0] != '/' ||
            !aps_schema_find_token(b->pool, (struct aps_str){rest.p + 1, n - 1}, &token) ||
            (v = aps_docindex_step(&r->doc->index, v, token)) == NULL) {
            (void)aps_schema_build_fail(b, APS_ERR_NOT_FOUND, from,
                                        "%.*s%.*s leads nowhere in the bundle",
                                        APS_STR_SHOW(r->pointer), APS_STR_SHOW(pointer));
            return 0;
        }
        rest = (struct aps_str){rest.p + n, rest.n - n};
        place = aps_schema_find_pointer(b->pool, place, token);
        if ((node = r->doc->nodes[v - r->doc->reader.nodes]) != 0)
            r = schema_work(b, node)->resource;
    }
    return discover(b, r->doc, v, r, place);
}

uint32_t aps_schema_find_entry(struct schema_build *b, struct schema_doc *doc,
                               struct aps_str pointer)
{
    struct schema_resource *r = resource_of(b, doc);

    return r != NULL ? find_pointer(b, r, pointer, r->pointer) : 0;
}

uint32_t aps_schema_find_ref(struct schema_build *b, const struct schema_work *from,
                             struct aps_str ref, struct aps_str *out_anchor)
{
    struct aps_str uri = aps_schema_uri_resolve(b->pool, from->resource->uri, ref), fragment, name;
    struct schema_resource *r;
    struct schema_doc *doc;
    struct schema_anchor *anchor;

    *out_anchor = (struct aps_str){NULL, 0};
    fragment = aps_schema_uri_fragment(&uri);
    if (aps_str_eq(uri, from->resource->uri)) {
        r = from->resource;
    } else if ((r = apr_hash_get(b->resources, uri.p, (apr_ssize_t)uri.n)) == NULL) {
        if ((doc = doc_of(b, uri)) == NULL) {
            (void)aps_schema_build_fail(b, APS_ERR_NOT_FOUND, from->pointer,
                                        "\"%.*s\" is not in the bundle, and nothing is fetched",
                                        APS_STR_SHOW(uri));
            return 0;
        }
        r = resource_of(b, doc);
    }
    if (r == NULL)
        return 0;
    if (!aps_schema_find_decode(b->pool, fragment, &name)) {
        (void)aps_schema_build_fail(b, APS_ERR_FORMAT, from->pointer,
                                    "\"%.*s\": a %% without two hexadecimal digits",
                                    APS_STR_SHOW(ref));
        return 0;
    }
    if (name.n == 0 || name.p[0] == '/')
        return find_pointer(b, r, name, from->pointer);
    if ((anchor = apr_hash_get(r->anchors, name.p, (apr_ssize_t)name.n)) == NULL) {
        (void)aps_schema_build_fail(b, APS_ERR_NOT_FOUND, from->pointer,
                                    "\"%.*s\": there is no such anchor", APS_STR_SHOW(ref));
        return 0;
    }
    if (anchor->dynamic)
        *out_anchor = name;
    return anchor->node;
}
