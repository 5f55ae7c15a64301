/* schema_build.h - what the compiler of schemas works with. */
#ifndef INSPECT_SCHEMA_BUILD_H
#define INSPECT_SCHEMA_BUILD_H

#include <apr_hash.h>

#include "apisec/schema_compile.h"
#include "docindex.h"
#include "schema_impl.h"

enum schema_vocabulary {
    SCHEMA_V_CORE = 1,
    SCHEMA_V_APPLICATOR = 2,
    SCHEMA_V_UNEVALUATED = 4,
    SCHEMA_V_VALIDATION = 8,
    SCHEMA_V_META = 16,
    SCHEMA_V_FORMAT = 32,
    SCHEMA_V_CONTENT = 64,
    SCHEMA_V_ASSERT = 128, /* format-assertion */
    SCHEMA_V_STANDARD = 127,
};

/* What a keyword's value holds. */
enum schema_holds {
    SCHEMA_H_NONE,
    SCHEMA_H_ONE,
    SCHEMA_H_LIST,
    SCHEMA_H_MAP,
    SCHEMA_H_MAYBE, /* a map of schemas and lists of names */
};

struct schema_word {
    struct aps_str token;
    enum schema_keyword keyword;
    unsigned vocabulary;
    enum schema_holds holds;
    unsigned dialects; /* 1 << enum aps_schema_dialect */
};

struct schema_doc {
    struct aps_str uri;
    struct aps_jsonread reader;
    struct docindex index;
    uint32_t *nodes; /* of the image, for each value that is a schema; 0: not, so far */
    bool document;
    struct schema_resource *resource; /* of its root; NULL: not looked at so far */
};

/* What has a URI of its own: a document, or a schema with $id. */
struct schema_resource {
    struct aps_str uri; /* without fragment */
    struct schema_doc *doc;
    const struct aps_jsonread_node *root;
    struct aps_str pointer; /* of the root */
    uint32_t number;
    unsigned vocabularies;
    enum aps_schema_dialect dialect;
    apr_hash_t *anchors; /* name -> struct schema_anchor */
};

struct schema_anchor {
    uint32_t node;
    bool dynamic;
};

/* A schema on its way into the image; its number is that of its node. */
struct schema_work {
    struct schema_doc *doc;
    const struct aps_jsonread_node *value;
    struct schema_resource *resource;
    struct aps_str pointer;
    struct aps_str dynamic; /* the anchor that $dynamicRef names; empty: none */
};

struct schema_part {
    char *p;
    uint32_t n, cap; /* records */
};

struct schema_build {
    apr_pool_t *pool;
    const struct aps_schema_compile *what;
    struct schema_doc *docs;
    struct schema_part part[SCHEMA_SECTIONS];
    apr_hash_t *texts;            /* bytes -> struct schema_text */
    apr_hash_t *patterns;         /* source -> uint32_t */
    apr_hash_t *resources;        /* URI -> struct schema_resource */
    apr_array_header_t *all;      /* of struct schema_resource * */
    apr_array_header_t *works;    /* struct schema_work; the first is none */
    apr_array_header_t *warnings; /* may be NULL */
    struct aps_diag *diag;
    enum aps_err err;
    bool scope; /* there is a $dynamicRef */
};

/* ---- schema_build.c: sections of the image */

/* Room for `n` more records, zeroed; returns the number of the first, or 0 and sets b->err. */
uint32_t aps_schema_build_add(struct schema_build *b, enum schema_section section, uint32_t n);

/* A record; valid until the next that is added. */
static inline void *schema_part(const struct schema_build *b, enum schema_section section,
                                uint32_t i)
{
    return b->part[section].p + (size_t)i * schema_sizes[section];
}

static inline struct schema_node *schema_part_node(const struct schema_build *b, uint32_t i)
{
    return schema_part(b, SCHEMA_S_NODES, i);
}

bool aps_schema_build_text(struct schema_build *b, struct aps_str text, struct schema_text *out);
/* A list of these words; 0 and b->err on failure, and 0 for an empty one. */
uint32_t aps_schema_build_list(struct schema_build *b, const uint32_t *words, uint32_t n);
uint32_t aps_schema_build_value(struct schema_build *b, const struct schema_doc *doc,
                                const struct aps_jsonread_node *v);
bool aps_schema_build_finish(struct schema_build *b, struct aps_str *out);

/* Set b->err and the sentence, which begins with the pointer; returns false. */
bool aps_schema_build_fail(struct schema_build *b, enum aps_err err, struct aps_str pointer,
                           const char *fmt, ...) APS_PRINTF(4, 5);
void aps_schema_build_warn(struct schema_build *b, struct aps_str pointer, const char *fmt, ...)
    APS_PRINTF(3, 4);

/* One of the notes. */
void aps_schema_build_note(struct schema_build *b, struct aps_str pointer, const char *text);

/* ---- schema_uri.c */

/* RFC 3986 5.2; lives in `pool`. */
struct aps_str aps_schema_uri_resolve(apr_pool_t *pool, struct aps_str base, struct aps_str ref);
/* Cut off the fragment, behind its #; .p is NULL where there is none. */
struct aps_str aps_schema_uri_fragment(struct aps_str *uri);

/* ---- schema_find.c: where schemas are */

/* The keyword of this name, where the resource knows it; NULL: unknown. */
const struct schema_word *aps_schema_find_word(const struct schema_resource *r,
                                               struct aps_str name);
/* The node of the schema at `pointer` of a document; 0 and b->err. */
uint32_t aps_schema_find_entry(struct schema_build *b, struct schema_doc *doc,
                               struct aps_str pointer);
/* The node that a reference leads to; 0 and b->err.  *out_anchor is the name of the dynamic anchor
 * that it goes through, or empty. */
uint32_t aps_schema_find_ref(struct schema_build *b, const struct schema_work *from,
                             struct aps_str ref, struct aps_str *out_anchor);
/* The pointer with one more token. */
struct aps_str aps_schema_find_pointer(apr_pool_t *pool, struct aps_str pointer,
                                       struct aps_str token);
struct aps_str aps_schema_find_pointer_at(apr_pool_t *pool, struct aps_str pointer, uint32_t i);
/* A token of a JSON Pointer, decoded; false if a ~ is not ~0 or ~1. */
bool aps_schema_find_token(apr_pool_t *pool, struct aps_str token, struct aps_str *out);
/* Without percent-encoding; false if a % has no two hexadecimal digits. */
bool aps_schema_find_decode(apr_pool_t *pool, struct aps_str s, struct aps_str *out);

/* ---- schema_fill.c, schema_member.c: what schemas ask */

bool aps_schema_fill(struct schema_build *b, uint32_t node);
/* The keywords of objects' members, if the schema has any. */
bool aps_schema_member_fill(struct schema_build *b, uint32_t node);
/* Once all are filled: which members are read or written only. */
bool aps_schema_member_finish(struct schema_build *b);
/* The discriminator of oneOf or anyOf, whose schemas are filled. */
bool aps_schema_member_choice(struct schema_build *b, uint32_t node);

/* ---- schema_url.c */

#define SCHEMA_URLS_MAX 64 /* rules of one schema */

/* x-apisec-url: its rules, and that the value is a string. */
bool aps_schema_url_fill(struct schema_build *b, uint32_t node, struct schema_node *io);
/* Other words of ours are errors. */
bool aps_schema_url_check(struct schema_build *b, uint32_t node);

/* ---- schema_quick.c */

/* Once all is filled: what makes a check cheap and changes no verdict. */
void aps_schema_quick(struct schema_build *b);

/* ---- schema_compile.c */

/* How documents are read: strict JSON, as bodies are, only larger. */
extern const struct aps_jsonread_options schema_compile_reading;

/* The number of a pattern; 0 and b->err. */
uint32_t aps_schema_compile_pattern(struct schema_build *b, struct aps_str pointer,
                                    struct aps_str source);

/* The keyword's value in the schema, or NULL. */
static inline const struct aps_jsonread_node *schema_get(const struct schema_work *w,
                                                         const char *name)
{
    return aps_jsonread_get(&w->doc->reader, w->value, aps_str(name));
}

static inline struct schema_work *schema_work(const struct schema_build *b, uint32_t node)
{
    return &((struct schema_work *)b->works->elts)[node];
}

static inline uint32_t schema_node_of(const struct schema_work *w,
                                      const struct aps_jsonread_node *value)
{
    return w->doc->nodes[value - w->doc->reader.nodes];
}

#endif
