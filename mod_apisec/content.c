/* The content of a request: what holds where a section says nothing, its bytes, and what is wrong
 * with them. */
#include "content.h"

#include <apr_strings.h>

/* ---- What sections say ---- */

#define TYPE(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct aps_str json_types[] = {TYPE("application/json"), TYPE("application/*+json")};
static const struct aps_str ndjson_types[] = {
    TYPE("application/x-ndjson"), TYPE("application/ndjson"), TYPE("application/jsonl")};
static const struct aps_str graphql_types[] = {TYPE("application/json"),
                                               TYPE("application/graphql")};
static const struct aps_str form_types[] = {TYPE("application/x-www-form-urlencoded")};

static const struct aps_str multipart_types[] = {TYPE("multipart/form-data")};
static const struct aps_str xml_types[] = {TYPE("application/xml"), TYPE("text/xml"),
                                           TYPE("application/*+xml")};

static const struct mod_types usual[MOD_READ_COUNT] = {
    [MOD_READ_JSON] = {2, json_types, "application/json, application/*+json"},
    [MOD_READ_NDJSON] = {3, ndjson_types,
                         "application/x-ndjson, application/ndjson, application/jsonl"},
    [MOD_READ_GRAPHQL] = {2, graphql_types, "application/json, application/graphql"},
    [MOD_READ_FORM] = {1, form_types, "application/x-www-form-urlencoded"},
    [MOD_READ_MULTIPART] = {1, multipart_types, "multipart/form-data"},
    [MOD_READ_XML] = {3, xml_types, "application/xml, text/xml, application/*+xml"},
};

const struct mod_read *mod_content_read(const struct mod_content *content)
{
    return content->read != NULL || content->schema == NULL ? content->read : content->by_schema;
}

bool mod_content_has_fields(const struct mod_read *read)
{
    return read->kind == MOD_READ_JSON || read->kind == MOD_READ_NDJSON ||
           read->kind == MOD_READ_FORM || read->kind == MOD_READ_MULTIPART;
}

/* GraphQL comes by GET and POST (GraphQL over HTTP 5), whatever else is listed. */
unsigned mod_content_methods(const struct mod_content *content)
{
    const struct mod_read *read = mod_content_read(content);
    const unsigned listed = content->methods != 0 ? content->methods : APS_METHOD_ALL;
    return read != NULL && read->kind == MOD_READ_GRAPHQL
               ? listed & (APS_METHOD_GET | APS_METHOD_HEAD | APS_METHOD_POST)
               : listed;
}

const struct mod_types *mod_content_types(const struct mod_content *content)
{
    const struct mod_read *read = mod_content_read(content);
    if (content->types != NULL)
        return content->types;
    return read != NULL && usual[read->kind].n != 0 ? &usual[read->kind] : NULL;
}

const struct mod_decode *mod_content_decode(const struct mod_content *content)
{
    static const struct mod_decode standard = {
        .codings = MOD_CODINGS_ALL, .ratio = MOD_RATIO_DEFAULT, .accept = "gzip, deflate, br"};
    return content->decode != NULL ? content->decode : &standard;
}

bool mod_content_is_forwarded(const struct mod_dir *dir)
{
    if (dir->content == NULL)
        return dir->api != NULL;
    return !mod_content_decode(dir->content)->original;
}

const struct mod_content *mod_content_join(apr_pool_t *pool, const struct mod_content *outer,
                                           const struct mod_content *inner)
{
    struct mod_content *content = apr_pmemdup(pool, inner, sizeof *inner);
    if (content->methods == 0)
        content->methods = outer->methods;
    if (content->types == NULL)
        content->types = outer->types;
    if (content->read == NULL)
        content->read = outer->read;
    if (content->decode == NULL)
        content->decode = outer->decode;
    if (content->schema == NULL && inner->read == NULL) { /* another reader, another schema */
        content->schema = outer->schema;
        content->by_schema = outer->by_schema;
    }
    if (content->sanitize == NULL)
        content->sanitize = outer->sanitize;
    if (content->urls == NULL)
        content->urls = outer->urls;
    if (content->errors == MOD_ERRORS_UNSET)
        content->errors = outer->errors;
    return content;
}

/* ---- What is wrong ---- */

struct aps_failures *mod_content_failures(struct mod_req *m)
{
    if (m->failures == NULL) {
        m->failures = apr_palloc(m->first->pool, sizeof *m->failures);
        aps_failures_init(m->failures, m->first->pool);
    }
    return m->failures;
}

static const struct aps_failures_place in_body = {.in = APS_FAILURES_BODY};

void mod_content_fault(struct mod_req *m, const char *reader, const char *token, size_t at)
{
    m->fault = aps_str(apr_psprintf(m->first->pool, "%s %s %" APR_SIZE_T_FMT, reader, token, at));
}

void mod_content_fail(struct mod_req *m, const char *reader, const char *token, size_t at,
                      const char *expected)
{
    mod_content_fault(m, reader, token, at);
    aps_failures_add(mod_content_failures(m), &in_body, token, expected, (struct aps_str){NULL, 0});
}

static void fail_schema(struct mod_req *m, const struct aps_failures_place *where,
                        const char *prefix, const struct aps_schema_judge *judge,
                        enum aps_schema_verdict verdict)
{
    char place[APS_SCHEMA_PLACE_MAX];
    if (verdict == APS_SCHEMA_INVALID && aps_schema_judge_failures(judge) != 0)
        m->fault = aps_str(apr_psprintf(m->first->pool, "%s%.*s", prefix,
                                        (int)aps_schema_judge_print_place(judge, 0, place), place));
    else
        m->fault = aps_str(
            apr_pstrcat(m->first->pool, prefix, "schema ", aps_schema_judge_name(verdict), NULL));
    aps_failures_add_verdict(mod_content_failures(m), where, judge, verdict);
}

void mod_content_fail_schema(struct mod_req *m, const struct aps_schema_judge *judge,
                             enum aps_schema_verdict verdict)
{
    fail_schema(m, &in_body, "", judge, verdict);
}

void mod_content_fail_query(struct mod_req *m, const struct aps_schema_judge *judge,
                            enum aps_schema_verdict verdict)
{
    static const struct aps_failures_place in_query = {.in = APS_FAILURES_QUERY};
    fail_schema(m, &in_query, "query ", judge, verdict);
}

void mod_content_note(struct mod_req *m, const struct aps_failures *failures)
{
    static const struct aps_str names[] = {APS_STR_LIT("in"), APS_STR_LIT("name"),
                                           APS_STR_LIT("pointer"), APS_STR_LIT("keyword")};
    struct aps_jsonread reader;
    const char *fault = "";
    m->failures = apr_pmemdup(m->first->pool, failures, sizeof *failures);
    aps_jsonread_init(&reader, m->first->pool, mod_process.hash_key);
    if (failures->n == 0 || aps_jsonread(&reader, aps_failures_text(m->failures),
                                         &aps_jsonread_plain) != APS_JSONREAD_OK)
        return;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct aps_jsonread_node *v =
            aps_jsonread_get(&reader, aps_jsonread_root(&reader) + 1, names[i]);
        struct aps_str text = v != NULL ? aps_jsonread_str(&reader, v) : APS_STR_LIT("");
        if (text.n != 0)
            fault = apr_psprintf(m->first->pool, "%s%s%.*s", fault, *fault != '\0' ? " " : "",
                                 APS_STR_SHOW(text));
    }
    m->fault = aps_str(fault);
}

/* Failures are for who was let in by name: what a schema asks for is part of an API that others
 * have no business in. */
struct aps_str mod_content_told(struct mod_req *m)
{
    const bool known = m->who != NULL || m->delivery.webhook != NULL;
    if (m->failures == NULL || m->failures->n == 0 || m->content == NULL || !known ||
        m->content->errors == MOD_ERRORS_STATUS)
        return (struct aps_str){NULL, 0};
    return aps_failures_text(m->failures);
}

/* ---- The content ---- */

/* What a redirect within the server has made a GET of has none: a handler has had it. */
bool mod_content_is_there(request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    if (length != NULL)
        return strspn(length, "0") != strlen(length);
    return ap_request_has_body(r) != 0;
}

static uint32_t add_fields(const apr_table_t *table, bool typed, struct aps_param_field *to)
{
    const apr_array_header_t *list = apr_table_elts(table);
    const apr_table_entry_t *e = (const apr_table_entry_t *)(const void *)list->elts;
    uint32_t n = 0;
    for (int i = 0; i < list->nelts; i++)
        if (!typed || ap_cstr_casecmp(e[i].key, "Content-Type") != 0)
            to[n++] = (struct aps_param_field){aps_str(e[i].key), aps_str(e[i].val)};
    return n;
}

uint32_t mod_content_fields(apr_pool_t *pool, const apr_table_t *fields, const apr_table_t *more,
                            const char *type, const struct aps_param_field **out)
{
    const int max =
        apr_table_elts(fields)->nelts + (more != NULL ? apr_table_elts(more)->nelts : 0);
    struct aps_param_field *list = apr_palloc(pool, ((size_t)max + 1) * sizeof *list);
    uint32_t n = add_fields(fields, type != NULL, list);
    if (more != NULL)
        n += add_fields(more, type != NULL, list + n);
    if (type != NULL)
        list[n++] = (struct aps_param_field){APS_STR_LIT("Content-Type"), aps_str(type)};
    *out = list;
    return n;
}

enum aps_reason mod_content_type(struct mod_req *m, struct aps_mediatype *out)
{
    const char *field = apr_table_get(m->first->headers_in, "Content-Type");
    if (field == NULL)
        return APS_REASON_TYPE_MISSING;
    switch (aps_mediatype_read(aps_str(field), out)) {
    case APS_MEDIATYPE_OK:
        return APS_REASON_ALLOW;
    case APS_MEDIATYPE_LIST:
        return APS_REASON_TYPE_REPEATED;
    case APS_MEDIATYPE_CHARSET:
        return APS_REASON_CHARSET_REFUSED;
    case APS_MEDIATYPE_REPEATED: /* of parameters: charset or boundary */
    case APS_MEDIATYPE_MALFORMED:
        break;
    }
    return APS_REASON_TYPE_UNLISTED;
}

static enum aps_reason judge_coding(const struct mod_req *m, const struct mod_decode *decode,
                                    enum aps_coding *out)
{
    const char *field = apr_table_get(mod_body_fields(m), "Content-Encoding");
    *out = APS_CODING_NONE;
    if (aps_coding_parse(aps_str(field), out) != APS_CODING_OK)
        return APS_REASON_CODING_REFUSED;
    return *out == APS_CODING_NONE || (decode->codings & 1u << *out) != 0
               ? APS_REASON_ALLOW
               : APS_REASON_CODING_REFUSED;
}

static enum aps_reason reason_of_coding(enum aps_coding_fault fault)
{
    switch (fault) {
    case APS_CODING_OK:
        return APS_REASON_ALLOW;
    case APS_CODING_BYTES:
    case APS_CODING_RATIO:
        return APS_REASON_CODING_TOO_LARGE;
    case APS_CODING_NOMEM:
        return APS_REASON_INTERNAL;
    default:
        return APS_REASON_CODING_BROKEN;
    }
}

enum aps_reason mod_content_bytes(request_rec *r, struct mod_req *m, const struct mod_read *read,
                                  const struct mod_decode *decode, struct aps_str *out)
{
    const struct aps_coding_caps caps = {read->max, decode->ratio};
    enum aps_coding coding;
    enum aps_reason reason = judge_coding(m, decode, &coding);
    if (reason == APS_REASON_ALLOW)
        reason = mod_body_read(r, m, read->max);
    if (reason != APS_REASON_ALLOW)
        return reason;
    struct aps_str bytes = mod_body_sent(m);
    if (coding != APS_CODING_NONE && bytes.n != 0) {
        enum aps_coding_fault fault = mod_body_decode(m, coding, &caps, &bytes);
        if (fault != APS_CODING_OK) {
            mod_content_fail(m, aps_coding_name(coding), aps_coding_fault_name(fault), 0,
                             aps_coding_fault_text(fault));
            return reason_of_coding(fault);
        }
    }
    *out = bytes;
    return APS_REASON_ALLOW;
}

enum aps_reason mod_content_json(struct mod_req *m, struct aps_str text,
                                 const struct aps_jsonread_options *options, apr_pool_t *pool,
                                 struct aps_jsonread *out)
{
    aps_jsonread_init(out, pool, mod_process.hash_key);
    enum aps_jsonread_fault fault = aps_jsonread(out, text, options);
    if (fault == APS_JSONREAD_OK)
        return APS_REASON_ALLOW;
    if (fault == APS_JSONREAD_NOMEM)
        return APS_REASON_INTERNAL;
    mod_content_fault(m, "json", aps_jsonread_fault_name(fault), out->fault_at);
    aps_failures_add_json(mod_content_failures(m), &in_body, out);
    return fault >= APS_JSONREAD_BYTES ? APS_REASON_BODY_OVER : APS_REASON_BODY_MALFORMED;
}
