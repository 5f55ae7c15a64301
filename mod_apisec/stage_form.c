/* stage_form.c - a form, urlencoded or of parts: read strictly, then judged field by field. */
#include "content.h"

#include <apr_hash.h>

#include "apisec/form.h"
#include "apisec/variable.h"

/* ---- By a JSON Schema: the fields are its properties, as those of an API's form ---- */

static enum aps_reason judge_fields(const struct mod_values *by, struct aps_str text,
                                    const struct aps_mediatype *type,
                                    const struct aps_multipart_options *parts, apr_pool_t *pool)
{
    const struct aps_api_media media = {
        .kind = parts != NULL ? APS_API_MULTIPART : APS_API_URLENCODED, .schema = 0};
    const struct aps_form form = {.image = by->schema, .media = &media};
    struct aps_failures failures;
    bool doubled = false;
    struct aps_param_reader *reader = aps_param_reader_new(pool, by->judge, mod_process.hash_key);
    if (reader == NULL)
        return APS_REASON_INTERNAL;
    aps_failures_init(&failures, by->m->first->pool);
    const bool good = parts != NULL
                          ? aps_form_multipart(reader, pool, &form, type->boundary, parts, text,
                                               &failures, &doubled)
                          : aps_form_judge(reader, pool, &form, text, &failures, &doubled);
    if (good)
        return APS_REASON_ALLOW;
    if (failures.n == 0)
        return APS_REASON_INTERNAL;
    mod_content_note(by->m, &failures);
    return APS_REASON_BODY_INVALID;
}

/* ---- By ApiSecUrl ---- */

static enum aps_reason judge_pairs(const struct mod_values *by, const struct aps_urlencoded *form,
                                   apr_pool_t *pool)
{
    struct aps_jsonread reader;
    aps_jsonread_init(&reader, pool, mod_process.hash_key);
    return mod_stage_url_object(form, &reader) ? mod_stage_url_value(by, &reader)
                                               : APS_REASON_INTERNAL;
}

/* As everybody reads it, and as those do who end a parameter at a `;` as well. */
static enum aps_reason judge_form_urls(const struct mod_values *by, struct aps_str text,
                                       const struct aps_urlencoded *form, apr_pool_t *pool)
{
    const struct aps_urlencoded_options options = {UINT32_MAX, UINT32_MAX, true};
    struct aps_urlencoded other;
    enum aps_reason reason = by->urls != NULL ? judge_pairs(by, form, pool) : APS_REASON_ALLOW;
    if (reason != APS_REASON_ALLOW || by->urls == NULL)
        return reason;
    if (!aps_urlfield_semicolons(text, pool, &text) ||
        aps_urlencoded_read(text, &options, pool, &other) != APS_URLENCODED_OK)
        return APS_REASON_INTERNAL;
    return judge_pairs(by, &other, pool);
}

/* ---- Urlencoded ---- */

/* With a schema it is that which says what may stand more than once. */
enum aps_reason mod_stage_form(const struct mod_values *by, struct aps_str text,
                               const struct mod_read *read, apr_pool_t *pool)
{
    const struct aps_urlencoded_options options = {read->caps.members_max, read->caps.string_max,
                                                   read->repeated || by->schema != NULL};
    struct aps_urlencoded form;
    enum aps_urlencoded_fault fault = aps_urlencoded_read(text, &options, pool, &form);
    enum aps_reason reason = APS_REASON_ALLOW;
    if (fault != APS_URLENCODED_OK) {
        mod_content_fail(by->m, "form", aps_urlencoded_fault_name(fault), form.at,
                         aps_urlencoded_fault_text(fault));
        return fault >= APS_URLENCODED_PAIRS ? APS_REASON_BODY_OVER : APS_REASON_BODY_MALFORMED;
    }
    if (by->schema != NULL)
        reason = judge_fields(by, text, NULL, NULL, pool);
    return reason == APS_REASON_ALLOW ? judge_form_urls(by, text, &form, pool) : reason;
}

/* ---- Parts ---- */

struct parts {
    const struct aps_multipart_options *options;
    struct aps_str text;
    apr_array_header_t *values; /* of struct aps_urlfield_value */
    apr_array_header_t *names;  /* of struct aps_str */
    apr_array_header_t *at;     /* of size_t: where their parts begin to hold something */
    apr_hash_t *files;
    bool file_repeated; /* why a part was not taken */
};

static bool is_utf8(struct aps_str s)
{
    size_t n;
    for (; s.n != 0; s = (struct aps_str){s.p + n, s.n - n})
        if ((n = aps_str_utf8(s)) == 0)
            return false;
    return true;
}

/* A part is taken where its file may be stored by its name, and beside the others (POS-18). */
static bool take_part(void *context, const struct aps_multipart_part *part)
{
    struct parts *p = context;
    struct aps_urlfield_value value = {part->name, {p->text.p + part->at, (size_t)part->n}};
    if (part->filename.p != NULL &&
        !aps_multipart_head_is_safe(part->filename, p->options->name_max))
        return false;
    p->file_repeated =
        part->filename.n != 0 && !aps_multipart_head_is_new(part->filename, p->files);
    if (p->file_repeated)
        return false;
    if (part->filename.p != NULL || !is_utf8(value.value))
        value.value.p = NULL;
    APR_ARRAY_PUSH(p->values, struct aps_urlfield_value) = value;
    APR_ARRAY_PUSH(p->names, struct aps_str) = part->name;
    APR_ARRAY_PUSH(p->at, size_t) = (size_t)part->at;
    return true;
}

static enum aps_reason judge_urls(const struct mod_values *by,
                                  const struct aps_urlfield_value *values, size_t n,
                                  apr_pool_t *pool)
{
    struct aps_jsonread reader;
    if (by->urls == NULL)
        return APS_REASON_ALLOW;
    aps_jsonread_init(&reader, pool, mod_process.hash_key);
    return aps_urlfield_object(values, n, &reader) == APS_JSONREAD_OK
               ? mod_stage_url_value(by, &reader)
               : APS_REASON_INTERNAL;
}

static enum aps_reason malformed(const struct mod_values *by, const char *what, size_t at,
                                 const char *wanted)
{
    mod_content_fail(by->m, "multipart", what, at, wanted);
    return APS_REASON_BODY_MALFORMED;
}

static enum aps_reason refused(const struct mod_values *by, const struct parts *all,
                               enum aps_multipart_fault fault, size_t at)
{
    if (fault == APS_MULTIPART_NOMEM)
        return APS_REASON_INTERNAL;
    if (fault == APS_MULTIPART_SINK)
        return all->file_repeated
                   ? malformed(by, "repeated", at, "names of files that differ")
                   : malformed(by, "filename", at,
                               "names of files that are safe wherever they are stored");
    enum aps_reason reason =
        malformed(by, aps_multipart_fault_name(fault), at, aps_multipart_fault_text(fault));
    return fault >= APS_MULTIPART_PARTS ? APS_REASON_BODY_OVER : reason;
}

/* With a schema it is that which says what may stand more than once. */
static enum aps_reason judge_names(const struct mod_values *by, const struct parts *all,
                                   apr_pool_t *pool)
{
    const size_t n = (size_t)all->names->nelts;
    const size_t second =
        aps_variable_repeated((const struct aps_str *)(const void *)all->names->elts, n, pool);
    return second == n ? APS_REASON_ALLOW
                       : malformed(by, "repeated", APR_ARRAY_IDX(all->at, second, size_t),
                                   "each name once, also as PHP reads names");
}

enum aps_reason mod_stage_form_parts(const struct mod_values *by, struct aps_str text,
                                     const struct mod_read *read, apr_pool_t *pool)
{
    struct aps_multipart_options options = aps_multipart_usual;
    struct parts all = {.options = &options,
                        .text = text,
                        .values = apr_array_make(pool, 8, sizeof(struct aps_urlfield_value)),
                        .names = apr_array_make(pool, 8, sizeof(struct aps_str)),
                        .at = apr_array_make(pool, 8, sizeof(size_t)),
                        .files = apr_hash_make(pool)};
    struct aps_mediatype type = {.boundary = {NULL, 0}};
    enum aps_multipart_fault fault = APS_MULTIPART_OK;
    enum aps_reason reason = APS_REASON_ALLOW;
    (void)mod_content_type(by->m, &type); /* without one there is no boundary */
    options.parts_max = read->parts;
    options.part_max = read->part != 0 ? read->part : read->max;
    options.total_max = read->max;
    struct aps_multipart *parts =
        aps_multipart_new(pool, type.boundary, &options, take_part, &all, &fault);
    if (parts != NULL) {
        (void)aps_multipart_feed(parts, text); /* the end has the same answer */
        fault = aps_multipart_finish(parts);
    }
    if (fault != APS_MULTIPART_OK)
        return refused(by, &all, fault, parts != NULL ? (size_t)aps_multipart_at(parts) : 0);
    if (parts == NULL)
        return APS_REASON_INTERNAL;
    if (by->schema != NULL)
        reason = judge_fields(by, text, &type, &options, pool);
    else if (!read->repeated)
        reason = judge_names(by, &all, pool);
    return reason == APS_REASON_ALLOW
               ? judge_urls(by, (const struct aps_urlfield_value *)all.values->elts,
                            (size_t)all.values->nelts, pool)
               : reason;
}
