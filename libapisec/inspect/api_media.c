/* api_media.c - media types of bodies, and encodings of forms. */
#include "api_build.h"
#include "api_xml.h"

#include <apr_strings.h>
#include <stdlib.h>

struct aps_str aps_api_media_type(const struct api_build *b, struct aps_str text)
{
    const char *semicolon = text.n > 0 ? memchr(text.p, ';', text.n) : NULL;
    char *to;

    if (semicolon != NULL)
        text.n = (size_t)(semicolon - text.p);
    text = aps_str_trim(text);
    to = apr_pmemdup(b->pool, text.p, text.n);
    for (size_t i = 0; i < text.n; i++)
        if (to[i] >= 'A' && to[i] <= 'Z')
            to[i] |= 0x20;
    return (struct aps_str){to, text.n};
}

/* Two tokens of RFC 9110 with a slash between; a range has stars. */
static bool is_type(struct aps_str text)
{
    static const char marks[] = "!#$&-^_.+*%'`|~";
    size_t slashes = 0;

    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];

        if (c == '/')
            slashes++;
        else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                   (c != '\0' && strchr(marks, c) != NULL)))
            return false;
    }
    return slashes == 1 && text.p[0] != '/' && text.p[text.n - 1] != '/';
}

static bool is_range(struct aps_str type)
{
    return type.n > 0 && type.p[type.n - 1] == '*';
}

/* ---- what of a schema counts where the body is not read */

/* Keywords that ask nothing of bytes. */
static bool is_mute(struct aps_str name)
{
    static const struct aps_str words[] = {
        {"title", 5},    {"description", 11}, {"example", 7},           {"examples", 8},
        {"default", 7},  {"deprecated", 10},  {"contentMediaType", 16}, {"externalDocs", 12},
        {"$comment", 8},
    };

    return aps_str_is_in(name, words, sizeof words / sizeof *words) ||
           (aps_str_starts(name, APS_STR_LIT("x-")) &&
            !aps_str_starts(name, APS_STR_LIT("x-apisec-")));
}

/* Whether the schema asks for more than a text or bytes. */
static bool asks(struct api_build *b, struct api_at schema, bool *out)
{
    const struct aps_jsonread_node *m;

    *out = aps_jsonread_kind(schema.v) == APS_JSON_FALSE;
    if (aps_jsonread_kind(schema.v) != APS_JSON_OBJECT)
        return true;
    if (!aps_api_doc_resolve(b, &schema))
        return false;
    for (m = aps_jsonread_first(schema.v); m < aps_jsonread_end(schema.v);
         m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = aps_jsonread_str(&schema.doc->reader, m);
        const struct aps_str raw = aps_jsonread_raw(&schema.doc->reader, m + 1);

        *out |= !is_mute(name) &&
                !(aps_str_eq(name, APS_STR_LIT("type")) &&
                  aps_str_eq(raw, APS_STR_LIT("\"string\""))) &&
                !(aps_str_eq(name, APS_STR_LIT("format")) &&
                  aps_str_eq(raw, APS_STR_LIT("\"binary\"")));
    }
    return true;
}

/* A text is read where its schema asks something of it; of other bytes, and of answers that are no
 * JSON, nobody reads more than the type. */
static bool choose_kind(struct api_build *b, struct api_at media, struct api_at schema,
                        bool request, struct aps_str type, uint32_t *io_kind)
{
    const bool read = request || *io_kind == APS_API_JSON;
    bool more = false;

    if (schema.v == NULL || (*io_kind != APS_API_BYTES && read))
        return true;
    if (!asks(b, schema, &more))
        return false;
    if (!more)
        return true;
    if (*io_kind != APS_API_BYTES)
        aps_api_build_gap(b, media, "the schema is not enforced: an answer of %.*s is not read",
                          APS_STR_SHOW(type));
    else if (aps_str_starts(type, APS_STR_LIT("text/")) &&
             !aps_str_eq(type, APS_STR_LIT("text/event-stream"))) /* which has no end */
        *io_kind = APS_API_TEXT;
    else if (!is_range(type))
        aps_api_build_gap(b, media, "the schema is not enforced: %.*s is read as bytes",
                          APS_STR_SHOW(type));
    return true;
}

/* ---- encodings */

/* Whether one of the words stands there that make it a style, which contentType then gives way
 * to. */
static bool is_styled(const struct api_build *b, struct api_at at)
{
    static const char *const words[] = {"style", "explode", "allowReserved"};
    struct api_at any;

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        aps_api_doc_any(b, at, words[i], &any);
        if (any.v != NULL)
            return true;
    }
    return false;
}

/* What OpenAPI has ignored: styles of parts in 3.0, and headers where there are no parts. */
static void warn_ignored(struct api_build *b, struct api_at at, enum aps_api_kind kind,
                         struct api_at headers)
{
    if (kind == APS_API_MULTIPART && b->old && is_styled(b, at))
        aps_api_build_warn(b, at,
                           "style, explode and allowReserved count in "
                           "application/x-www-form-urlencoded alone in OpenAPI 3.0");
    if (kind == APS_API_URLENCODED && headers.v != NULL)
        aps_api_build_warn(b, at, "headers count in multipart forms alone");
}

static bool read_encoding(struct api_build *b, struct api_at at, enum aps_api_kind kind,
                          struct api_encoding_record *r)
{
    enum aps_api_style style = APS_API_FORM;
    bool reserved = false, explode;
    struct aps_str types, text;
    struct api_at headers;

    if (!aps_api_doc_text(b, at, "contentType", &types) ||
        !aps_api_doc_text(b, at, "style", &text) ||
        !aps_api_doc_flag(b, at, "allowReserved", &reserved) ||
        !aps_api_doc_get(b, at, "headers", APS_JSON_OBJECT, &headers))
        return false;
    if (text.n > 0 && (!aps_api_param_style(text, &style) || style < APS_API_FORM))
        return aps_api_build_fail(b, at, APS_ERR_FORMAT,
                                  "style \"%.*s\": want form, spaceDelimited, pipeDelimited or "
                                  "deepObject",
                                  APS_STR_SHOW(text));
    explode = style == APS_API_FORM;
    if (!aps_api_doc_flag(b, at, "explode", &explode))
        return false;
    r->style = style;
    r->flags = (explode ? (uint32_t)API_EXPLODE : 0) | (reserved ? (uint32_t)API_RESERVED : 0);
    warn_ignored(b, at, kind, headers);
    if (is_styled(b, at) && !(kind == APS_API_MULTIPART && b->old))
        r->flags |= API_STYLED;
    return aps_api_build_text(b, types, &r->types) &&
           aps_api_param_headers(b, headers, &r->headers);
}

/* The contentMediaType of a property, or of its items; empty where there is none, or where the
 * bytes are encoded as text. */
static bool content_type(struct api_build *b, struct api_at at, struct aps_str *out)
{
    struct api_at items;
    struct aps_str encoding;

    *out = (struct aps_str){NULL, 0};
    for (unsigned i = 0; i < 2 && out->n == 0; i++) {
        if (at.v == NULL || aps_jsonread_kind(at.v) != APS_JSON_OBJECT)
            return true;
        if (!aps_api_doc_resolve(b, &at) || !aps_api_doc_text(b, at, "contentMediaType", out) ||
            !aps_api_doc_text(b, at, "contentEncoding", &encoding))
            return false;
        if (encoding.n > 0)
            *out = (struct aps_str){NULL, 0};
        aps_api_doc_any(b, at, "items", &items);
        at = items;
    }
    return true;
}

/* OpenAPI 3.1: the type of a part is that of its property's schema where no encoding object says
 * otherwise (3.1.1 4.8.14.4). */
static bool add_content_types(struct api_build *b, struct api_at media, struct api_at map,
                              apr_array_header_t *records)
{
    struct api_at schema, list;
    struct aps_str types, name;

    aps_api_doc_any(b, media, "schema", &schema);
    if (b->old || schema.v == NULL || aps_jsonread_kind(schema.v) != APS_JSON_OBJECT)
        return true;
    if (!aps_api_doc_resolve(b, &schema) ||
        !aps_api_doc_get(b, schema, "properties", APS_JSON_OBJECT, &list))
        return false;
    for (const struct aps_jsonread_node *m = list.v != NULL ? aps_jsonread_first(list.v) : NULL;
         m != NULL && m < aps_jsonread_end(list.v); m = aps_jsonread_next(m + 1)) {
        struct api_encoding_record r = {.style = APS_API_FORM, .flags = API_EXPLODE};

        name = aps_jsonread_str(&list.doc->reader, m);
        if (map.v != NULL && aps_docindex_member(&map.doc->index, map.v, name) != NULL)
            continue;
        if (!content_type(b, aps_api_doc_member(b, list, m), &types))
            return false;
        if (types.n == 0)
            continue;
        if (!aps_api_build_text(b, types, &r.types) || !aps_api_build_text(b, name, &r.property))
            return false;
        APR_ARRAY_PUSH(records, struct api_encoding_record) = r;
    }
    return true;
}

static bool read_encodings(struct api_build *b, struct api_at media, enum aps_api_kind kind,
                           struct api_range *out)
{
    apr_array_header_t *records = apr_array_make(b->pool, 4, sizeof(struct api_encoding_record));
    const struct aps_jsonread_node *m;
    struct api_at map;

    if (!aps_api_doc_get(b, media, "encoding", APS_JSON_OBJECT, &map))
        return false;
    if (map.v != NULL && kind != APS_API_URLENCODED && kind != APS_API_MULTIPART) {
        aps_api_build_gap(b, map, "encoding counts in form data only");
        map.v = NULL;
    }
    for (m = map.v != NULL ? aps_jsonread_first(map.v) : NULL;
         m != NULL && m < aps_jsonread_end(map.v); m = aps_jsonread_next(m + 1)) {
        struct api_encoding_record r = {.style = APS_API_FORM};
        struct api_at at = aps_api_doc_member(b, map, m);

        if (!aps_api_doc_resolve(b, &at) || !read_encoding(b, at, kind, &r) ||
            !aps_api_build_text(b, aps_jsonread_str(&map.doc->reader, m), &r.property))
            return false;
        APR_ARRAY_PUSH(records, struct api_encoding_record) = r;
    }
    if (kind == APS_API_MULTIPART && !add_content_types(b, media, map, records))
        return false;
    return aps_api_build_add(b, API_S_ENCODINGS, records, out);
}

/* ---- the list */

struct media {
    struct aps_str type;
    uint32_t order; /* in the description */
    struct api_media_record record;
};

static bool read_media(struct api_build *b, struct api_at at, bool request, struct media *out)
{
    const enum aps_api_kind kind = aps_api_kind_of(out->type);
    struct api_at schema;

    out->record.kind = kind;
    out->record.xml = UINT32_MAX;
    if (!aps_api_doc_resolve(b, &at))
        return false;
    aps_api_doc_any(b, at, "schema", &schema);
    if (!choose_kind(b, at, schema, request, out->type, &out->record.kind))
        return false;
    if (request && !aps_api_sanitize(b, at, kind, &out->record.sanitize))
        return false;
    if (kind == APS_API_XML && !aps_api_xml(b, schema, &out->record.xml))
        return false;
    return aps_api_build_schema(b, schema, &out->record.schema) &&
           aps_api_build_text(b, out->type, &out->record.type) &&
           read_encodings(b, at, kind, &out->record.encodings);
}

/* Types before ranges of one type, and those before the range of all. */
static int compare(const void *a, const void *b)
{
    const struct media *x = a, *y = b;
    const bool x_range = is_range(x->type), y_range = is_range(y->type);

    if (x_range != y_range)
        return x_range ? 1 : -1;
    if (x_range && (x->type.p[0] == '*') != (y->type.p[0] == '*'))
        return x->type.p[0] == '*' ? 1 : -1;
    if (!aps_str_eq(x->type, y->type))
        return aps_str_compare(x->type, y->type);
    return x->order < y->order ? -1 : 1;
}

static bool put_medias(struct api_build *b, struct api_at content, apr_array_header_t *medias,
                       struct api_range *out)
{
    apr_array_header_t *records =
        apr_array_make(b->pool, medias->nelts + 1, sizeof(struct api_media_record));
    struct media *list = (struct media *)medias->elts;

    qsort(list, (size_t)medias->nelts, sizeof *list, compare);
    for (int i = 0; i < medias->nelts; i++) {
        if (i > 0 && aps_str_eq(list[i].type, list[i - 1].type)) {
            aps_api_build_gap(b, content,
                              "%.*s stands twice, and the first counts: parameters of a media type "
                              "do not tell them apart",
                              APS_STR_SHOW(list[i].type));
            continue;
        }
        APR_ARRAY_PUSH(records, struct api_media_record) = list[i].record;
    }
    return aps_api_build_add(b, API_S_MEDIAS, records, out);
}

bool aps_api_media_list(struct api_build *b, struct api_at content, bool request,
                        struct api_range *out)
{
    apr_array_header_t *medias = apr_array_make(b->pool, 4, sizeof(struct media));
    const struct aps_jsonread_node *m;

    for (m = content.v != NULL ? aps_jsonread_first(content.v) : NULL;
         m != NULL && m < aps_jsonread_end(content.v); m = aps_jsonread_next(m + 1)) {
        const struct aps_str text = aps_jsonread_str(&content.doc->reader, m);
        struct media media = {.type = aps_api_media_type(b, text),
                              .order = (uint32_t)medias->nelts};

        if (!is_type(media.type))
            return aps_api_build_fail(b, content, APS_ERR_FORMAT,
                                      "\"%.*s\" is no media type such as application/json",
                                      APS_STR_SHOW(text));
        if (!read_media(b, aps_api_doc_member(b, content, m), request, &media))
            return false;
        APR_ARRAY_PUSH(medias, struct media) = media;
    }
    return put_medias(b, content, medias, out);
}
