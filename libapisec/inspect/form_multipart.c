/* form_multipart.c - parts as members of one object (RFC 7578, OpenAPI 3.1.1 4.8.15). */
#include "apisec/mediatype.h"
#include "form_impl.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_tables.h>

#define OBJECT (1u << APS_JSON_OBJECT)
#define ARRAY (1u << APS_JSON_ARRAY)
#define STRING (1u << APS_JSON_STRING)

/* What stands for a file in the object is a text that is as long as its schema asks at least; more
 * than this no schema of a file may ask. */
#define STANDS_MAX 65536

struct parts {
    struct form_run run;
    struct decoder plain;
    struct aps_str body;
    apr_hash_t *files; /* names that were there, in lower case */
    uint32_t name_max;
    apr_array_header_t *styled; /* struct pair: parts of properties whose encoding has a style */
};

static const struct aps_str none = {NULL, 0};

/* ---- files */

/* The text that stands for `n` bytes; the lengths that the schema asks are told of the bytes. */
static bool stand_in(struct parts *p, const struct form_property *property, struct aps_str name,
                     uint64_t n, struct aps_str *out)
{
    struct aps_schema_shape_length length;
    uint32_t shape = property->shape;
    char *text;

    if ((property->types & ARRAY) != 0 &&
        !aps_schema_shape_item(p->run.form->image, shape, 0, &shape))
        shape = APS_SCHEMA_SHAPE_ANY;
    length = aps_schema_shape_length(p->run.form->image, shape);

    *out = APS_STR_LIT("");
    if (n < length.min || length.min > STANDS_MAX)
        aps_form_fail(&p->run, name, "minLength", "a longer file", none);
    else if (n > length.max)
        aps_form_fail(&p->run, name, "maxLength", "a shorter file", none);
    else if ((text = apr_palloc(p->run.pool, length.min + 1u)) == NULL)
        return false;
    else
        *out = (struct aps_str){memset(text, 'x', length.min), length.min};
    return true;
}

static void judge_name(struct parts *p, const struct aps_multipart_part *part)
{
    if (!aps_multipart_head_is_safe(part->filename, p->name_max))
        aps_form_fail(&p->run, part->name, "filename",
                      "a name without separators, control characters, a leading dot and names of "
                      "devices",
                      part->filename);
    else if (!aps_multipart_head_is_new(part->filename, p->files))
        aps_form_fail(&p->run, part->name, "repeated", "file names that differ", part->filename);
}

/* Bytes that are no text, with a name or without. */
static bool add_file(struct parts *p, const struct aps_multipart_part *part,
                     const struct form_property *property, struct untyped *holder)
{
    struct aps_str text;

    if (part->filename.p != NULL)
        judge_name(p, part);
    return stand_in(p, property, part->name, part->n, &text) &&
           aps_untyped_add(p->run.pool, holder, UNTYPED_TEXT, part->name, text) != NULL;
}

static bool is_file(const struct aps_multipart_part *part, struct aps_str type)
{
    return part->filename.p != NULL || (type.n > 0 && !aps_mediatype_is_json(type) &&
                                        !aps_mediatype_is(type, APS_STR_LIT("text/*")));
}

/* ---- texts */

static bool add_text(struct parts *p, const struct aps_multipart_part *part, struct aps_str type,
                     unsigned types, struct untyped *holder)
{
    const struct aps_str raw = {p->body.p + part->at, (size_t)part->n};
    struct aps_str text;
    const enum pairs_fault fault = aps_pairs_decode(&p->plain, raw, &text);
    struct untyped *v;

    if (fault != PAIRS_OK) {
        aps_form_fail(&p->run, part->name, "encoding", aps_pairs_want(fault), none);
        return fault != PAIRS_NOMEM;
    }
    v = aps_untyped_add(p->run.pool, holder, UNTYPED_TEXT, part->name, text);
    if (v == NULL)
        return false;
    if (types != STRING &&
        (aps_mediatype_is_json(type) || (type.n == 0 && aps_form_is_json(types))))
        aps_form_read_json(&p->run, v);
    return true;
}

/* ---- parts */

/* Whether its type is one that the encoding lists; a part without one is what the encoding says, or
 * text. */
static bool is_type_good(struct parts *p, const struct aps_multipart_part *part,
                         const struct aps_api_encoding *e, struct aps_str type)
{
    if (e == NULL || e->types.n == 0 || e->styled || type.n == 0 ||
        aps_mediatype_is_in(type, e->types))
        return true;
    aps_form_fail(&p->run, part->name, "contentType", "a type that the encoding lists", type);
    return false;
}

static void judge_headers(struct parts *p, const struct aps_multipart_part *part,
                          const struct aps_api_encoding *e)
{
    const struct aps_api_operation operation = {.params = e->headers, .params_n = e->headers_n};
    const struct aps_param_options options = {.undeclared = false};
    struct aps_param_field fields[APS_MULTIPART_HEADERS_MAX];
    const struct aps_param_request request = {.fields = fields, .fields_n = part->headers_n};

    for (uint32_t i = 0; i < part->headers_n; i++)
        fields[i] = (struct aps_param_field){part->headers[i].name, part->headers[i].value};
    if (!aps_param_judge(p->run.r, p->run.pool, p->run.form->image, &operation, &request, &options,
                         p->run.failures, &p->run.doubled))
        p->run.good = false;
}

/* ---- styles (3.1.1 4.8.15: as those of a query, of which each pair is a part) */

/* Whether the style gives the property's texts this name. */
static bool is_of_style(const struct parts *p, const struct aps_api_encoding *e,
                        struct aps_str name)
{
    const struct aps_str property = e->property;
    struct form_property known;
    uint32_t shape;

    if (aps_str_eq(name, property))
        return true;
    if (e->style == APS_API_DEEP)
        return name.n > property.n && aps_str_starts(name, property) && name.p[property.n] == '[';
    if (!e->explode)
        return false;
    known = aps_form_property(&p->run, property);
    return (known.types & OBJECT) != 0 &&
           aps_schema_shape_member(p->run.form->image, known.shape, name, &shape);
}

static const struct aps_api_encoding *style_of(const struct parts *p, struct aps_str name)
{
    const struct aps_api_media *media = p->run.form->media;

    for (uint32_t i = 0; i < media->encodings_n; i++)
        if (media->encodings[i].styled && is_of_style(p, &media->encodings[i], name))
            return &media->encodings[i];
    return NULL;
}

/* A text, kept until all parts are known; nothing in it is encoded. */
static void add_styled(struct parts *p, const struct aps_multipart_part *part)
{
    const struct aps_str raw = {p->body.p + part->at, (size_t)part->n};
    struct pair pair = {.raw = raw, .name = part->name, .value = raw, .named = true};
    struct aps_str text;

    if (part->filename.p != NULL) {
        aps_form_fail(&p->run, part->name, "style", "a text, and no file", none);
        return;
    }
    pair.fault = aps_pairs_decode(&p->plain, raw, &text);
    APR_ARRAY_PUSH(p->styled, struct pair) = pair;
}

static void take_styled(struct parts *p)
{
    const struct aps_api_media *media = p->run.form->media;
    struct pairs pairs = {.list = (struct pair *)p->styled->elts, .n = (uint32_t)p->styled->nelts};

    if (pairs.n == 0 || !aps_pairs_link(&pairs, p->run.pool, p->run.r->untyped.reader.key))
        return;
    for (uint32_t i = 0; i < media->encodings_n; i++) {
        const struct form_property property =
            aps_form_property(&p->run, media->encodings[i].property);

        if (media->encodings[i].styled)
            aps_form_take(&p->run, &p->plain, &pairs, media->encodings[i].property, &property);
    }
    for (uint32_t i = 0; i < pairs.n; i++)
        if (!pairs.list[i].taken)
            aps_form_fail(&p->run, pairs.list[i].name, "style",
                          "a value as the style of its encoding writes it", pairs.list[i].raw);
}

/* ---- each part */

/* The holder of the part's value: a list for what is one; NULL where it may not stand again. */
static struct untyped *holder_of(struct parts *p, const struct aps_multipart_part *part,
                                 const struct form_property *property)
{
    struct untyped *v = aps_untyped_get(p->run.root, part->name);

    if ((property->types & ARRAY) == 0)
        return v == NULL ? p->run.root : NULL;
    return v != NULL ? v
                     : aps_untyped_add(p->run.pool, p->run.root, UNTYPED_LIST, part->name, none);
}

/* Browsers send a part without name and bytes for a file that nobody chose. */
static bool is_no_file(const struct aps_multipart_part *part)
{
    return part->filename.p != NULL && part->filename.n == 0 && part->n == 0;
}

static bool add_part(void *context, const struct aps_multipart_part *part)
{
    struct parts *p = context;
    const struct form_property property = aps_form_property(&p->run, part->name);
    const unsigned types = (property.types & ARRAY) != 0 ? property.item_types : property.types;
    const struct aps_api_encoding *style = style_of(p, part->name);
    struct aps_mediatype type = {.type = none};
    struct untyped *holder;

    if (is_no_file(part))
        return true;
    if (part->type.p != NULL && aps_mediatype_read(part->type, &type) != APS_MEDIATYPE_OK)
        return false;
    if (style != NULL) {
        if (style->headers_n > 0)
            judge_headers(p, part, style);
        add_styled(p, part);
        return true;
    }
    if ((!property.known && p->run.form->undeclared) ||
        aps_form_is_other_name(&p->run, part->name)) {
        aps_form_fail(&p->run, part->name, "undeclared", "a field of the form", none);
        return true;
    }
    if ((holder = holder_of(p, part, &property)) == NULL) {
        aps_form_fail(&p->run, part->name, "repeated", "one part of this name", none);
        return true;
    }
    if (property.encoding != NULL && property.encoding->headers_n > 0)
        judge_headers(p, part, property.encoding);
    if (!is_type_good(p, part, property.encoding, type.type))
        return true;
    if (is_file(part, type.type))
        return add_file(p, part, &property, holder);
    return add_text(p, part, type.type, types, holder);
}

/* A list that came as one part of JSON. */
static void flatten(struct form_run *run)
{
    for (struct untyped *v = run->root->first; v != NULL; v = v->next) {
        const struct untyped *only = v->first;

        if (v->kind != UNTYPED_LIST || only == NULL || only->next != NULL ||
            only->kind != UNTYPED_JSON || only->text.n == 0 || aps_str_trim(only->text).p[0] != '[')
            continue;
        v->kind = UNTYPED_JSON;
        v->text = only->text;
    }
}

bool aps_form_multipart(struct aps_param_reader *r, apr_pool_t *pool, const struct aps_form *form,
                        struct aps_str boundary, const struct aps_multipart_options *options,
                        struct aps_str body, struct aps_failures *failures, bool *out_doubled)
{
    struct parts p = {.plain = {.pool = pool}, .body = body, .name_max = options->name_max};
    enum aps_multipart_fault fault;
    struct aps_multipart *m;

    if (!aps_form_start(&p.run, r, pool, form, failures) ||
        (p.files = apr_hash_make(pool)) == NULL ||
        (p.styled = apr_array_make(pool, 4, sizeof(struct pair))) == NULL)
        return false;
    m = aps_multipart_new(pool, boundary, options, add_part, &p, &fault);
    if (m != NULL && (fault = aps_multipart_feed(m, body)) == APS_MULTIPART_OK)
        fault = aps_multipart_finish(m);
    if (fault != APS_MULTIPART_OK)
        aps_form_fail(&p.run, none, "multipart", aps_multipart_fault_text(fault), none);
    take_styled(&p);
    flatten(&p.run);
    if (p.run.doubled)
        *out_doubled = true;
    return aps_form_finish(&p.run);
}
