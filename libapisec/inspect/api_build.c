/* api_build.c - sections that grow until the block is put together. */
#include "api_build.h"

#include <apr_strings.h>

#define RECORDS_MAX 1000000   /* of a section */
#define BYTES_MAX (64u << 20) /* of texts */
#define REPORT_MAX 1000       /* lines of a list */

/* "#/paths/~1pets" with the document's URI before it, but for the first. */
static const char *place_of(const struct api_build *b, struct api_at at)
{
    const struct aps_str uri =
        at.doc != NULL && at.doc != b->docs ? at.doc->uri : (struct aps_str){"", 0};

    return apr_psprintf(b->pool, "%.*s#%.*s", APS_STR_ARG(uri), APS_STR_ARG(at.pointer));
}

bool aps_api_build_fail(struct api_build *b, struct api_at at, enum aps_err err, const char *fmt,
                        ...)
{
    va_list args;
    const char *text;

    if (b->err != APS_OK)
        return false;
    va_start(args, fmt);
    text = apr_pvsprintf(b->pool, fmt, args);
    va_end(args);
    b->err = err;
    aps_err_explain(b->diag, "%.200s: %s", place_of(b, at), text);
    return false;
}

static void add_line(const struct api_build *b, apr_array_header_t *list, struct api_at at,
                     const char *fmt, va_list args)
{
    if (list->nelts < REPORT_MAX)
        APR_ARRAY_PUSH(list, const char *) =
            apr_psprintf(list->pool, "%s: %s", place_of(b, at), apr_pvsprintf(b->pool, fmt, args));
}

void aps_api_build_gap(struct api_build *b, struct api_at at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_line(b, b->report->gaps, at, fmt, args);
    va_end(args);
}

void aps_api_build_warn(struct api_build *b, struct api_at at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    add_line(b, b->report->warnings, at, fmt, args);
    va_end(args);
}

bool aps_api_build_begin(struct api_build *b)
{
    for (unsigned i = 0; i < API_S_BYTES; i++)
        b->part[i] = apr_array_make(b->pool, 64, (int)api_sizes[i]);
    aps_buf_init(&b->bytes, b->pool, BYTES_MAX);
    b->texts = apr_hash_make(b->pool);
    b->entries = apr_array_make(b->pool, 64, sizeof(struct aps_schema_entry));
    b->numbers = apr_hash_make(b->pool);
    b->counts = apr_hash_make(b->pool);
    b->sanitized = apr_hash_make(b->pool);
    b->sanitizes = apr_array_make(b->pool, 4, sizeof(struct api_at));
    b->extended = apr_hash_make(b->pool);
    return b->texts != NULL && b->numbers != NULL && b->sanitized != NULL && b->sanitizes != NULL &&
           b->extended != NULL;
}

bool aps_api_build_text(struct api_build *b, struct aps_str text, struct api_text *out)
{
    struct api_text *known;

    *out = (struct api_text){0, 0};
    if (text.n == 0)
        return true;
    known = apr_hash_get(b->texts, text.p, (apr_ssize_t)text.n);
    if (known == NULL) {
        if ((known = apr_palloc(b->pool, sizeof *known)) == NULL)
            return false;
        *known = (struct api_text){(uint32_t)b->bytes.n, (uint32_t)text.n};
        aps_buf_add(&b->bytes, text);
        if (b->bytes.full)
            return aps_api_build_fail(b, b->root, APS_ERR_RANGE, "more than %u bytes of names",
                                      BYTES_MAX);
        apr_hash_set(b->texts, apr_pmemdup(b->pool, text.p, text.n), (apr_ssize_t)text.n, known);
    }
    *out = *known;
    return true;
}

bool aps_api_build_add(struct api_build *b, enum api_section section,
                       const apr_array_header_t *records, struct api_range *out)
{
    apr_array_header_t *part = b->part[section];

    if (records->nelts > RECORDS_MAX - part->nelts)
        return aps_api_build_fail(b, b->root, APS_ERR_RANGE,
                                  "more than %d parameters, media types or responses", RECORDS_MAX);
    *out = (struct api_range){(uint32_t)part->nelts, (uint32_t)records->nelts};
    apr_array_cat(part, records);
    return true;
}

bool aps_api_build_schema(struct api_build *b, struct api_at schema, uint32_t *out)
{
    const uint32_t *known;

    *out = APS_API_NO_SCHEMA;
    if (schema.v == NULL || aps_jsonread_kind(schema.v) == APS_JSON_TRUE)
        return true;
    known = apr_hash_get(b->numbers, &schema.v, sizeof schema.v);
    if (known == NULL) {
        const uint32_t number = (uint32_t)b->entries->nelts;

        APR_ARRAY_PUSH(b->entries, struct aps_schema_entry) =
            (struct aps_schema_entry){(uint32_t)(schema.doc - b->docs), schema.pointer};
        known = apr_pmemdup(b->pool, &number, sizeof number);
        apr_hash_set(b->numbers, apr_pmemdup(b->pool, &schema.v, sizeof schema.v), sizeof schema.v,
                     known);
    }
    *out = *known;
    return true;
}

bool aps_api_build_finish(struct api_build *b, struct aps_str schemas, apr_pool_t *pool,
                          struct aps_str *out)
{
    struct aps_str part[API_SECTIONS];
    uint64_t size = sizeof b->head;
    char *block;

    for (unsigned i = 0; i < API_SECTIONS; i++) {
        part[i] = i == API_S_BYTES     ? aps_buf_text(&b->bytes)
                  : i == API_S_SCHEMAS ? schemas
                                       : (struct aps_str){b->part[i]->elts,
                                                          (size_t)b->part[i]->nelts * api_sizes[i]};
        b->head.section[i] =
            (struct api_range){(uint32_t)size, (uint32_t)(part[i].n / api_sizes[i])};
        size += (part[i].n + 7) & ~(uint64_t)7;
        if (size > INT32_MAX)
            return aps_api_build_fail(b, b->root, APS_ERR_RANGE, "more than 2 GiB");
    }
    b->head.magic = API_MAGIC;
    b->head.version = API_VERSION;
    b->head.size = (uint32_t)size;
    if ((block = apr_pcalloc(pool, size)) == NULL)
        return false;
    for (unsigned i = 0; i < API_SECTIONS; i++)
        if (part[i].n > 0)
            memcpy(block + b->head.section[i].at, part[i].p, part[i].n);
    memcpy(block, &b->head, sizeof b->head);
    b->head.sum = aps_api_open_sum(block, size);
    memcpy(block, &b->head, sizeof b->head);
    *out = (struct aps_str){block, size};
    return true;
}

static uint32_t count(const struct api_build *b, struct aps_str name)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < b->docs_n; i++) {
        struct aps_str rest = b->sources[i].text;
        const char *p;

        while ((p = memmem(rest.p, rest.n, name.p, name.n)) != NULL) {
            const char *end = p + name.n;

            found +=
                p > b->sources[i].text.p && p[-1] == '"' && end < rest.p + rest.n && *end == '"';
            rest.n -= (size_t)(end - rest.p);
            rest.p = end;
        }
    }
    return found;
}

/* Many places ask for the same name. */
uint32_t aps_api_build_count(const struct api_build *b, const char *name)
{
    uint32_t *found = apr_hash_get(b->counts, name, APR_HASH_KEY_STRING);

    if (found == NULL) {
        found = apr_palloc(b->pool, sizeof *found);
        *found = count(b, aps_str(name));
        apr_hash_set(b->counts, name, APR_HASH_KEY_STRING, found);
    }
    return *found;
}
