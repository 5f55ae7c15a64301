/* schema_compile.c - documents in, image out: the order in which all is done. */
#include "apisec/schema_compile.h"

#include <apr_strings.h>

#include "apisec/random.h"
#include "schema_build.h"

#define NODES_MAX 1000000u

const struct aps_jsonread_options schema_compile_reading = {
    .bytes_max = 64u << 20,
    .depth_max = 256,
    .nodes_max = 4000000,
    .string_max = 1 << 20,
    .members_max = 100000,
    .items_max = 100000,
    .digits_max = 1000,
    .big_integers = true,
    .nul = true,
};

uint32_t aps_schema_compile_pattern(struct schema_build *b, struct aps_str pointer,
                                    struct aps_str source)
{
    uint32_t *known, at;
    enum schema_pattern_kind kind = SCHEMA_P_REGEX;
    struct schema_pattern p = {.kind = 0};
    struct aps_str text = {NULL, 0};
    const char *wrong;
    char why[128];
    pcre2_code *code;

    if (source.n == 0)
        source = APS_STR_LIT("");
    if ((known = apr_hash_get(b->patterns, source.p, (apr_ssize_t)source.n)) != NULL)
        return *known;
    if ((wrong = aps_schema_regex(source, b->pool, &text, &kind)) != NULL) {
        (void)aps_schema_build_fail(b, APS_ERR_FORMAT, pointer,
                                    "pattern \"%.*s\": %s; want a regular expression of ECMA-262",
                                    APS_STR_SHOW(source), wrong);
        return 0;
    }
    if (kind == SCHEMA_P_REGEX) {
        if ((code = aps_schema_pattern_compile(text, false, why)) == NULL) {
            (void)aps_schema_build_fail(b, APS_ERR_FORMAT, pointer, "pattern \"%.*s\": %s",
                                        APS_STR_SHOW(source), why);
            return 0;
        }
        pcre2_code_free(code);
    }
    p.kind = kind;
    if (!aps_schema_build_text(b, source, &p.source) || !aps_schema_build_text(b, text, &p.text) ||
        (at = aps_schema_build_add(b, SCHEMA_S_PATTERNS, 1)) == 0 ||
        (known = apr_palloc(b->pool, sizeof *known)) == NULL)
        return 0;
    *(struct schema_pattern *)schema_part(b, SCHEMA_S_PATTERNS, at) = p;
    *known = at;
    apr_hash_set(b->patterns, source.p, (apr_ssize_t)source.n, known);
    return at;
}

static bool read_doc(struct schema_build *b, uint32_t i)
{
    struct schema_doc *doc = &b->docs[i];
    const struct aps_schema_source *source = &b->what->sources[i];
    unsigned char key[APS_SIPHASH_KEY_LEN];
    struct aps_diag diag;

    doc->uri = source->uri;
    if (doc->uri.n == 0)
        doc->uri = APS_STR_LIT("");
    (void)aps_schema_uri_fragment(&doc->uri); /* an empty one is the same */
    doc->document = source->document;
    if ((b->err = aps_random_fill(key, sizeof key)) != APS_OK)
        return false;
    aps_jsonread_init(&doc->reader, b->pool, key);
    if (aps_jsonread(&doc->reader, source->text, &schema_compile_reading) != APS_JSONREAD_OK) {
        aps_jsonread_fault_explain(&doc->reader, &diag);
        return aps_schema_build_fail(b, APS_ERR_FORMAT,
                                     doc->uri.n > 0 ? doc->uri : APS_STR_LIT("#"), "%s", diag.text);
    }
    aps_docindex_init(&doc->index, b->pool, &doc->reader);
    doc->nodes = apr_pcalloc(b->pool, doc->reader.count * sizeof *doc->nodes);
    return doc->nodes != NULL;
}

static bool add_entries(struct schema_build *b)
{
    static const struct aps_schema_entry whole = {0, {"", 0}};
    const struct aps_schema_entry *entries = b->what->entries;
    uint32_t n = b->what->entries_n, node, at;

    if (entries == NULL) {
        entries = &whole;
        n = 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (entries[i].source >= b->what->sources_n)
            return aps_schema_build_fail(b, APS_ERR_RANGE, APS_STR_LIT("#"),
                                         "an entry of document %u; want one of %u",
                                         entries[i].source, b->what->sources_n);
        if ((node = aps_schema_find_entry(b, &b->docs[entries[i].source], entries[i].pointer)) ==
                0 ||
            (at = aps_schema_build_add(b, SCHEMA_S_ENTRIES, 1)) == 0)
            return false;
        *(uint32_t *)schema_part(b, SCHEMA_S_ENTRIES, at) = node;
    }
    return true;
}

/* $dynamicRef: where else its anchor is, in every resource. */
static bool finish_dynamic(struct schema_build *b, uint32_t node)
{
    const struct aps_str name = schema_work(b, node)->dynamic;
    const uint32_t at = schema_part_node(b, node)->dynamic;
    uint32_t *words, n = 1;

    if (name.n == 0)
        return true;
    words = apr_palloc(b->pool, (2u * (uint32_t)b->all->nelts + 1) * sizeof *words);
    words[0] = *(uint32_t *)schema_part(b, SCHEMA_S_WORDS, at + 1);
    for (int i = 0; i < b->all->nelts; i++) {
        const struct schema_resource *r = APR_ARRAY_IDX(b->all, i, struct schema_resource *);
        const struct schema_anchor *anchor = apr_hash_get(r->anchors, name.p, (apr_ssize_t)name.n);

        if (anchor != NULL && anchor->dynamic) {
            words[n++] = r->number;
            words[n++] = anchor->node;
        }
    }
    return (schema_part_node(b, node)->dynamic = aps_schema_build_list(b, words, n)) != 0;
}

/* Schemas that are found on the way are compiled too. */
static bool fill_all(struct schema_build *b)
{
    uint32_t filled = 1, chosen = 1;

    while (chosen < (uint32_t)b->works->nelts) {
        if (b->works->nelts > (int)NODES_MAX)
            return aps_schema_build_fail(b, APS_ERR_RANGE, APS_STR_LIT("#"), "more than %u schemas",
                                         NODES_MAX);
        if (filled < (uint32_t)b->works->nelts ? !aps_schema_fill(b, filled++)
                                               : !aps_schema_member_choice(b, chosen++))
            return false;
    }
    for (int i = 1; b->scope && i < b->works->nelts; i++)
        if (!finish_dynamic(b, (uint32_t)i))
            return false;
    if (!aps_schema_member_finish(b))
        return false;
    aps_schema_quick(b);
    return true;
}

static bool make(struct schema_build *b, struct aps_str *out)
{
    b->texts = apr_hash_make(b->pool);
    b->patterns = apr_hash_make(b->pool);
    b->resources = apr_hash_make(b->pool);
    b->all = apr_array_make(b->pool, 8, sizeof(struct schema_resource *));
    b->works = apr_array_make(b->pool, 64, sizeof(struct schema_work));
    b->docs = apr_pcalloc(b->pool, (b->what->sources_n + 1) * sizeof *b->docs);
    APR_ARRAY_PUSH(b->works, struct schema_work) = (struct schema_work){.doc = NULL};
    for (unsigned i = 0; i < SCHEMA_SECTIONS; i++)
        (void)aps_schema_build_add(b, i, i == SCHEMA_S_BYTES ? 8 : 1); /* the record 0 */
    for (uint32_t i = 0; i < b->what->sources_n; i++)
        if (!read_doc(b, i))
            return false;
    return add_entries(b) && fill_all(b) && aps_schema_build_finish(b, out);
}

/* What is needed only for compiling lives in a pool of its own. */
enum aps_err aps_schema_compile(const struct aps_schema_compile *what, apr_pool_t *pool,
                                struct aps_str *out, apr_array_header_t *warnings,
                                struct aps_diag *diag)
{
    struct schema_build b = {.what = what, .warnings = warnings, .diag = diag, .err = APS_OK};
    struct aps_str block = {NULL, 0};
    char *copy;

    if (apr_pool_create(&b.pool, pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    if (!make(&b, &block)) {
        if (b.err == APS_OK)
            b.err = APS_ERR_NOMEM;
    } else if ((copy = apr_pmemdup(pool, block.p, block.n)) == NULL) {
        b.err = APS_ERR_NOMEM;
    } else {
        *out = (struct aps_str){copy, block.n};
    }
    apr_pool_destroy(b.pool);
    return b.err;
}
