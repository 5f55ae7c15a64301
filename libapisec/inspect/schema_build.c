/* schema_build.c - sections that grow until the image is put together. */
#include "schema_build.h"

#include <apr_strings.h>

#define BLOCK_MAX (256u << 20) /* bytes of one section */

bool aps_schema_build_fail(struct schema_build *b, enum aps_err err, struct aps_str pointer,
                           const char *fmt, ...)
{
    va_list args;
    const char *text;

    if (b->err != APS_OK)
        return false;
    va_start(args, fmt);
    text = apr_pvsprintf(b->pool, fmt, args);
    va_end(args);
    b->err = err;
    aps_err_explain(b->diag, "%.*s: %s", APS_STR_SHOW(pointer), text);
    return false;
}

void aps_schema_build_warn(struct schema_build *b, struct aps_str pointer, const char *fmt, ...)
{
    va_list args;
    const char *text;

    if (b->warnings == NULL)
        return;
    va_start(args, fmt);
    text = apr_pvsprintf(b->pool, fmt, args);
    va_end(args);
    APR_ARRAY_PUSH(b->warnings, const char *) =
        apr_psprintf(b->warnings->pool, "%.*s: %s", (int)pointer.n, pointer.p, text);
}

void aps_schema_build_note(struct schema_build *b, struct aps_str pointer, const char *text)
{
    if (b->what->notes != NULL)
        APR_ARRAY_PUSH(b->what->notes, const char *) =
            apr_psprintf(b->what->notes->pool, "%.*s: %s", (int)pointer.n, pointer.p, text);
}

uint32_t aps_schema_build_add(struct schema_build *b, enum schema_section section, uint32_t n)
{
    struct schema_part *part = &b->part[section];
    const size_t size = schema_sizes[section];
    const uint32_t at = part->n;
    uint64_t cap = part->cap;
    char *room;

    if ((at + (uint64_t)n) * size > BLOCK_MAX) {
        (void)aps_schema_build_fail(b, APS_ERR_RANGE, APS_STR_LIT("#"),
                                    "schemas of more than %u bytes", BLOCK_MAX);
        return 0;
    }
    if (at + n > cap) {
        cap = cap * 2 > at + n ? cap * 2 : at + n + 16u;
        if ((room = apr_palloc(b->pool, cap * size)) == NULL) {
            b->err = APS_ERR_NOMEM;
            return 0;
        }
        if (at > 0)
            memcpy(room, part->p, at * size);
        part->p = room;
        part->cap = (uint32_t)cap;
    }
    memset(part->p + at * size, 0, n * size);
    part->n += n;
    return at;
}

bool aps_schema_build_text(struct schema_build *b, struct aps_str text, struct schema_text *out)
{
    struct schema_text *known;

    if (text.n == 0) {
        *out = (struct schema_text){0, 0};
        return true;
    }
    known = apr_hash_get(b->texts, text.p, (apr_ssize_t)text.n);
    if (known == NULL) {
        if ((known = apr_palloc(b->pool, sizeof *known)) == NULL || text.n > BLOCK_MAX) {
            b->err = APS_ERR_NOMEM;
            return false;
        }
        known->n = (uint32_t)text.n;
        if ((known->at = aps_schema_build_add(b, SCHEMA_S_BYTES, known->n)) == 0)
            return false;
        memcpy(schema_part(b, SCHEMA_S_BYTES, known->at), text.p, text.n);
        apr_hash_set(b->texts, apr_pmemdup(b->pool, text.p, text.n), (apr_ssize_t)text.n, known);
    }
    *out = *known;
    return true;
}

uint32_t aps_schema_build_list(struct schema_build *b, const uint32_t *words, uint32_t n)
{
    uint32_t at;

    if (n == 0 || (at = aps_schema_build_add(b, SCHEMA_S_WORDS, n + 1)) == 0)
        return 0;
    *(uint32_t *)schema_part(b, SCHEMA_S_WORDS, at) = n;
    memcpy(schema_part(b, SCHEMA_S_WORDS, at + 1), words, n * sizeof *words);
    return at;
}

/* Its nodes, with their texts in the section of bytes. */
uint32_t aps_schema_build_value(struct schema_build *b, const struct schema_doc *doc,
                                const struct aps_jsonread_node *v)
{
    const uint32_t n = (uint32_t)(aps_jsonread_next(v) - v);
    const uint32_t at = aps_schema_build_add(b, SCHEMA_S_VALUES, n);

    for (uint32_t i = 0; at != 0 && i < n; i++) {
        struct aps_jsonread_node to = {.what = v[i].what};
        struct schema_text text = {0, 0};

        if (aps_jsonread_kind(&v[i]) == APS_JSON_NAME)
            to.what = APS_JSON_NAME; /* its tag is under the key of one reading */
        if (aps_jsonread_kind(&v[i]) >= APS_JSON_ARRAY)
            to.more = v[i].more;
        else if (!aps_schema_build_text(b, aps_jsonread_str(&doc->reader, &v[i]), &text))
            return 0;
        to.at = text.at;
        to.n = text.n;
        *(struct aps_jsonread_node *)schema_part(b, SCHEMA_S_VALUES, at + i) = to;
    }
    return at;
}

bool aps_schema_build_finish(struct schema_build *b, struct aps_str *out)
{
    struct schema_head head = {.magic = SCHEMA_MAGIC, .version = SCHEMA_VERSION, .scope = b->scope};
    uint64_t size = sizeof head;
    char *block;

    for (unsigned i = 0; i < SCHEMA_SECTIONS; i++) {
        head.section[i] = (struct schema_text){(uint32_t)size, b->part[i].n};
        size += ((uint64_t)b->part[i].n * schema_sizes[i] + 7) & ~(uint64_t)7;
        if (size > INT32_MAX)
            return aps_schema_build_fail(b, APS_ERR_RANGE, APS_STR_LIT("#"),
                                         "schemas of more than 2 GiB");
    }
    head.size = (uint32_t)size;
    if ((block = apr_pcalloc(b->pool, size)) == NULL) {
        b->err = APS_ERR_NOMEM;
        return false;
    }
    for (unsigned i = 0; i < SCHEMA_SECTIONS; i++)
        memcpy(block + head.section[i].at, b->part[i].p, (size_t)b->part[i].n * schema_sizes[i]);
    memcpy(block, &head, sizeof head);
    head.sum = aps_schema_image_sum(block, size);
    memcpy(block, &head, sizeof head);
    *out = (struct aps_str){block, size};
    return true;
}
