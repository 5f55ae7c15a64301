/* api_doc.c - values of a description's documents, and where references lead. */
#include "api_build.h"

#include "apisec/num.h"
#include "apisec/random.h"
#include "schema_build.h"

#define HOPS_MAX 64 /* references that lead to references */

bool aps_api_doc_read(struct api_build *b)
{
    unsigned char key[APS_SIPHASH_KEY_LEN];
    struct aps_diag diag;

    if ((b->err = aps_random_fill(key, sizeof key)) != APS_OK)
        return false;
    b->docs = apr_pcalloc(b->pool, b->docs_n * sizeof *b->docs);
    for (uint32_t i = 0; i < b->docs_n; i++) {
        struct api_doc *doc = &b->docs[i];

        doc->uri = b->sources[i].uri;
        if (doc->uri.n == 0)
            doc->uri = APS_STR_LIT("");
        (void)aps_schema_uri_fragment(&doc->uri); /* an empty one is the same */
        aps_jsonread_init(&doc->reader, b->pool, key);
        if (aps_jsonread(&doc->reader, b->sources[i].text, &schema_compile_reading) !=
            APS_JSONREAD_OK) {
            aps_jsonread_fault_explain(&doc->reader, &diag);
            return aps_api_build_fail(b, (struct api_at){.doc = doc}, APS_ERR_FORMAT, "%s",
                                      diag.text);
        }
        aps_docindex_init(&doc->index, b->pool, &doc->reader);
    }
    b->root = (struct api_at){b->docs, aps_jsonread_root(&b->docs[0].reader), {"", 0}};
    if (aps_jsonread_kind(b->root.v) != APS_JSON_OBJECT)
        return aps_api_build_fail(b, b->root, APS_ERR_FORMAT, "want an OpenAPI object");
    return true;
}

void aps_api_doc_any(const struct api_build *b, struct api_at at, const char *name,
                     struct api_at *out)
{
    const struct aps_str text = aps_str(name);

    *out = (struct api_at){.doc = at.doc};
    if (at.v != NULL && (out->v = aps_docindex_member(&at.doc->index, at.v, text)) != NULL)
        out->pointer = aps_schema_find_pointer(b->pool, at.pointer, text);
}

static const char *kind_text(enum aps_jsonread_kind kind)
{
    return kind == APS_JSON_OBJECT ? "an object" : kind == APS_JSON_ARRAY ? "an array" : "a string";
}

bool aps_api_doc_get(struct api_build *b, struct api_at at, const char *name,
                     enum aps_jsonread_kind kind, struct api_at *out)
{
    aps_api_doc_any(b, at, name, out);
    if (out->v != NULL && aps_jsonread_kind(out->v) != kind)
        return aps_api_build_fail(b, *out, APS_ERR_FORMAT, "want %s", kind_text(kind));
    return true;
}

bool aps_api_doc_text(struct api_build *b, struct api_at at, const char *name, struct aps_str *out)
{
    struct api_at text;

    *out = (struct aps_str){"", 0};
    if (!aps_api_doc_get(b, at, name, APS_JSON_STRING, &text))
        return false;
    if (text.v != NULL)
        *out = api_str(text);
    return true;
}

bool aps_api_doc_flag(struct api_build *b, struct api_at at, const char *name, bool *io)
{
    struct api_at flag;
    enum aps_jsonread_kind kind;

    aps_api_doc_any(b, at, name, &flag);
    if (flag.v == NULL)
        return true;
    kind = aps_jsonread_kind(flag.v);
    if (kind != APS_JSON_TRUE && kind != APS_JSON_FALSE)
        return aps_api_build_fail(b, flag, APS_ERR_FORMAT, "want true or false");
    *io = kind == APS_JSON_TRUE;
    return true;
}

struct api_at aps_api_doc_member(const struct api_build *b, struct api_at at,
                                 const struct aps_jsonread_node *m)
{
    return (struct api_at){
        at.doc, m + 1,
        aps_schema_find_pointer(b->pool, at.pointer, aps_jsonread_str(&at.doc->reader, m))};
}

struct api_at aps_api_doc_item(const struct api_build *b, struct api_at at, uint32_t i,
                               const struct aps_jsonread_node *v)
{
    return (struct api_at){at.doc, v, aps_schema_find_pointer_at(b->pool, at.pointer, i)};
}

/* The value that a JSON Pointer leads to, or NULL. */
static const struct aps_jsonread_node *follow(const struct api_build *b, const struct api_doc *doc,
                                              struct aps_str pointer)
{
    const struct aps_jsonread_node *v = aps_jsonread_root(&doc->reader);
    struct aps_str word, token;

    if (pointer.n == 0)
        return v;
    if (pointer.p[0] != '/')
        return NULL;
    pointer.p++;
    pointer.n--;
    do {
        const char *end = pointer.n > 0 ? memchr(pointer.p, '/', pointer.n) : NULL;
        const size_t n = end != NULL ? (size_t)(end - pointer.p) : pointer.n;

        word = (struct aps_str){pointer.p, n};
        if (!aps_schema_find_token(b->pool, word, &token) ||
            (v = aps_docindex_step(&doc->index, v, token)) == NULL)
            return NULL;
        if (end == NULL)
            return v;
        pointer = (struct aps_str){end + 1, pointer.n - n - 1};
    } while (true);
}

bool aps_api_doc_step(struct api_build *b, struct api_at *io, bool *out_moved)
{
    struct aps_str uri, pointer;
    struct api_at ref, to = {.doc = NULL};

    *out_moved = false;
    if (!aps_api_doc_get(b, *io, "$ref", APS_JSON_STRING, &ref))
        return false;
    if (ref.v == NULL)
        return true;
    uri = aps_schema_uri_resolve(b->pool, io->doc->uri, api_str(ref));
    if (!aps_schema_find_decode(b->pool, aps_schema_uri_fragment(&uri), &pointer))
        return aps_api_build_fail(b, ref, APS_ERR_FORMAT,
                                  "\"%.*s\": a %% without two hexadecimal digits",
                                  APS_STR_SHOW(api_str(ref)));
    for (uint32_t i = 0; i < b->docs_n && to.doc == NULL; i++)
        if (aps_str_eq(b->docs[i].uri, uri))
            to.doc = &b->docs[i];
    if (to.doc == NULL)
        return aps_api_build_fail(b, ref, APS_ERR_NOT_FOUND,
                                  "\"%.*s\" is not in the bundle, and nothing is fetched",
                                  APS_STR_SHOW(uri));
    if ((to.v = follow(b, to.doc, pointer)) == NULL)
        return aps_api_build_fail(b, ref, APS_ERR_NOT_FOUND, "\"%.*s\" leads nowhere",
                                  APS_STR_SHOW(api_str(ref)));
    to.pointer = pointer;
    if (aps_jsonread_kind(to.v) != APS_JSON_OBJECT)
        return aps_api_build_fail(b, ref, APS_ERR_FORMAT, "\"%.*s\" leads to what is no object",
                                  APS_STR_SHOW(api_str(ref)));
    *io = to;
    *out_moved = true;
    return true;
}

bool aps_api_doc_resolve(struct api_build *b, struct api_at *io)
{
    const struct api_at from = *io;
    bool moved = true;

    if (aps_jsonread_kind(io->v) != APS_JSON_OBJECT)
        return aps_api_build_fail(b, *io, APS_ERR_FORMAT, "want an object");
    for (unsigned i = 0; moved; i++) {
        if (i == HOPS_MAX)
            return aps_api_build_fail(b, from, APS_ERR_FORMAT,
                                      "$ref leads in a circle, or over more than %u others",
                                      HOPS_MAX);
        if (!aps_api_doc_step(b, io, &moved))
            return false;
    }
    return true;
}
