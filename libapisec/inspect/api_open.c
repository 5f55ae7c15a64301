/* api_open.c - opening a block: nothing in it is believed. */
#include "api_impl.h"

#include "apisec/siphash.h"

const uint32_t api_sizes[API_SECTIONS] = {
    [API_S_OPERATIONS] = sizeof(struct api_operation_record),
    [API_S_PARAMS] = sizeof(struct api_param_record),
    [API_S_MEDIAS] = sizeof(struct api_media_record),
    [API_S_ENCODINGS] = sizeof(struct api_encoding_record),
    [API_S_RESPONSES] = sizeof(struct api_response_record),
    [API_S_WAYS] = sizeof(struct api_range),
    [API_S_NEEDS] = sizeof(struct api_need_record),
    [API_S_TEXTS] = sizeof(struct api_text),
    [API_S_SANITIZE] = sizeof(struct api_sanitize_record),
    [API_S_BYTES] = 1,
    [API_S_SCHEMAS] = 1,
};

/* Against damage, not against forgery: the key is known. */
uint64_t aps_api_open_sum(const void *block, size_t n)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "apisec openapi1";
    const size_t from = offsetof(struct api_head, section);

    return aps_siphash_64((struct aps_str){(const char *)block + from, n - from}, key);
}

/* What is opened so far: for each section what its records become. */
struct opening {
    struct aps_api *api;
    const char *block;
    struct aps_api_param *params;
    struct aps_api_media *medias;
    struct aps_api_encoding *encodings;
    struct aps_api_response *responses;
    struct aps_api_way *ways;
    struct aps_api_need *needs;
    struct aps_str *texts;
    struct aps_sanitize_field *sanitize;
    struct aps_api_operation *operations;
    bool good; /* all offsets and numbers so far */
};

static uint32_t count_of(const struct opening *o, enum api_section section)
{
    return o->api->head->section[section].n;
}

static const void *records_of(const struct opening *o, enum api_section section)
{
    return o->block + o->api->head->section[section].at;
}

static struct aps_str text_of(struct opening *o, struct api_text t)
{
    const uint32_t n = count_of(o, API_S_BYTES);

    if (t.at > n || t.n > n - t.at) {
        o->good = false;
        return (struct aps_str){"", 0};
    }
    return (struct aps_str){o->api->bytes + t.at, t.n};
}

/* The first record of a range; 0 if it leads out of the section. */
static uint32_t range_of(struct opening *o, struct api_range r, enum api_section section)
{
    const uint32_t n = count_of(o, section);

    if (r.at > n || r.n > n - r.at) {
        o->good = false;
        return 0;
    }
    return r.at;
}

static uint32_t schema_of(struct opening *o, uint32_t schema)
{
    o->good &= schema == APS_API_NO_SCHEMA || schema < aps_schema_image_entries(o->api->schemas);
    return schema;
}

/* A number of an enumeration whose last is `most`. */
static uint32_t number_of(struct opening *o, uint32_t number, uint32_t most)
{
    o->good &= number <= most;
    return number <= most ? number : 0;
}

static void open_texts(struct opening *o)
{
    const struct api_text *from = records_of(o, API_S_TEXTS);

    for (uint32_t i = 0; i < count_of(o, API_S_TEXTS); i++)
        o->texts[i] = text_of(o, from[i]);
}

static void open_params(struct opening *o)
{
    const struct api_param_record *from = records_of(o, API_S_PARAMS);

    for (uint32_t i = 0; i < count_of(o, API_S_PARAMS); i++, from++)
        o->params[i] = (struct aps_api_param){
            .name = text_of(o, from->name),
            .in = (enum aps_api_in)number_of(o, from->in, APS_API_COOKIE),
            .style = (enum aps_api_style)number_of(o, from->style, APS_API_DEEP),
            .explode = (from->flags & API_EXPLODE) != 0,
            .required = (from->flags & API_REQUIRED) != 0,
            .reserved = (from->flags & API_RESERVED) != 0,
            .empty = (from->flags & API_EMPTY) != 0,
            .json = (from->flags & API_JSON_TEXT) != 0,
            .schema = schema_of(o, from->schema),
        };
}

static void open_encodings(struct opening *o)
{
    const struct api_encoding_record *from = records_of(o, API_S_ENCODINGS);

    for (uint32_t i = 0; i < count_of(o, API_S_ENCODINGS); i++, from++)
        o->encodings[i] = (struct aps_api_encoding){
            .property = text_of(o, from->property),
            .types = text_of(o, from->types),
            .style = (enum aps_api_style)number_of(o, from->style, APS_API_DEEP),
            .explode = (from->flags & API_EXPLODE) != 0,
            .reserved = (from->flags & API_RESERVED) != 0,
            .styled = (from->flags & API_STYLED) != 0,
            .headers = o->params + range_of(o, from->headers, API_S_PARAMS),
            .headers_n = from->headers.n,
        };
}

static void open_sanitize(struct opening *o)
{
    const unsigned all =
        APS_SANITIZE_NFC | APS_SANITIZE_STRIP | APS_SANITIZE_TRIM | APS_SANITIZE_ESCAPE;
    const struct api_sanitize_record *from = records_of(o, API_S_SANITIZE);

    for (uint32_t i = 0; i < count_of(o, API_S_SANITIZE); i++, from++)
        o->sanitize[i] = (struct aps_sanitize_field){text_of(o, from->pointer),
                                                     number_of(o, from->actions, all)};
}

/* The number of a text, or none. */
static uint32_t xml_of(struct opening *o, uint32_t xml)
{
    const uint32_t n = count_of(o, API_S_TEXTS);

    return xml == UINT32_MAX || n == 0 ? UINT32_MAX : number_of(o, xml, n - 1);
}

static void open_medias(struct opening *o)
{
    const struct api_media_record *from = records_of(o, API_S_MEDIAS);

    for (uint32_t i = 0; i < count_of(o, API_S_MEDIAS); i++, from++)
        o->medias[i] = (struct aps_api_media){
            .type = text_of(o, from->type),
            .kind = (enum aps_api_kind)number_of(o, from->kind, APS_API_TEXT),
            .schema = schema_of(o, from->schema),
            .xml = xml_of(o, from->xml),
            .encodings = o->encodings + range_of(o, from->encodings, API_S_ENCODINGS),
            .encodings_n = from->encodings.n,
            .sanitize = o->sanitize + range_of(o, from->sanitize, API_S_SANITIZE),
            .sanitize_n = from->sanitize.n,
        };
}

/* Tables of names are read once, and are part of what is looked at. */
static void open_tables(struct opening *o, apr_pool_t *pool)
{
    const uint32_t n = count_of(o, API_S_TEXTS);
    const struct aps_apixml **tables = apr_pcalloc(pool, ((size_t)n + 1) * sizeof *tables);

    o->good = o->good && tables != NULL;
    for (uint32_t i = 0; o->good && i < count_of(o, API_S_MEDIAS); i++) {
        const uint32_t xml = o->medias[i].xml;

        if (xml != UINT32_MAX && tables[xml] == NULL)
            o->good = aps_apixml_open(pool, o->texts[xml], &tables[xml]) == APS_OK;
    }
    o->api->tables = tables;
}

static void open_responses(struct opening *o)
{
    const struct api_response_record *from = records_of(o, API_S_RESPONSES);

    for (uint32_t i = 0; i < count_of(o, API_S_RESPONSES); i++, from++)
        o->responses[i] = (struct aps_api_response){
            .from = (uint16_t)number_of(o, from->from, 999),
            .to = (uint16_t)number_of(o, from->to, 999),
            .medias = o->medias + range_of(o, from->medias, API_S_MEDIAS),
            .medias_n = from->medias.n,
            .headers = o->params + range_of(o, from->headers, API_S_PARAMS),
            .headers_n = from->headers.n,
        };
}

static void open_needs(struct opening *o)
{
    const struct api_need_record *from = records_of(o, API_S_NEEDS);

    for (uint32_t i = 0; i < count_of(o, API_S_NEEDS); i++, from++)
        o->needs[i] = (struct aps_api_need){
            .scheme = text_of(o, from->scheme),
            .kind = (enum aps_api_scheme)number_of(o, from->kind, APS_API_MUTUAL_TLS),
            .name = text_of(o, from->name),
            .scopes = o->texts + range_of(o, from->scopes, API_S_TEXTS),
            .scopes_n = from->scopes.n,
        };
}

static void open_ways(struct opening *o)
{
    const struct api_range *from = records_of(o, API_S_WAYS);

    for (uint32_t i = 0; i < count_of(o, API_S_WAYS); i++)
        o->ways[i] = (struct aps_api_way){
            .needs = o->needs + range_of(o, from[i], API_S_NEEDS),
            .needs_n = from[i].n,
        };
}

static void open_operations(struct opening *o)
{
    const struct api_operation_record *from = records_of(o, API_S_OPERATIONS);

    for (uint32_t i = 0; i < count_of(o, API_S_OPERATIONS); i++, from++) {
        o->operations[i] = (struct aps_api_operation){
            .id = text_of(o, from->id),
            .path = text_of(o, from->path),
            .method = (enum aps_method)number_of(o, from->method, APS_METHOD_ALL),
            .params = o->params + range_of(o, from->params, API_S_PARAMS),
            .params_n = from->params.n,
            .body_required = (from->flags & API_REQUIRED) != 0,
            .bodies = o->medias + range_of(o, from->bodies, API_S_MEDIAS),
            .bodies_n = from->bodies.n,
            .responses = o->responses + range_of(o, from->responses, API_S_RESPONSES),
            .responses_n = from->responses.n,
            .security = o->ways + range_of(o, from->security, API_S_WAYS),
            .security_n = from->security.n,
            .limit = text_of(o, from->limit),
            .stream = (from->flags & API_STREAM) != 0,
            .deprecated = (from->flags & API_DEPRECATED) != 0,
        };
        /* One method, and the paths in order. */
        o->good &= from->method != 0 && (from->method & (from->method - 1)) == 0;
        o->good &= i == 0 || aps_str_compare(o->operations[i - 1].path, o->operations[i].path) <= 0;
    }
}

/* Capture i is that of params[i]. */
static bool has_captures(const struct aps_api_operation *operation)
{
    struct aps_str names[APS_API_CAPTURES_MAX];
    uint32_t n;

    if (aps_api_path_check(operation->path, names, &n) != NULL || n > operation->params_n)
        return false;
    for (uint32_t i = 0; i < operation->params_n; i++)
        if ((operation->params[i].in == APS_API_PATH) != (i < n) ||
            (i < n && !aps_str_eq(operation->params[i].name, names[i])))
            return false;
    return true;
}

static bool make_room(struct opening *o, apr_pool_t *pool)
{
    o->texts = apr_palloc(pool, (size_t)count_of(o, API_S_TEXTS) * sizeof *o->texts);
    o->sanitize = apr_palloc(pool, (size_t)count_of(o, API_S_SANITIZE) * sizeof *o->sanitize);
    o->params = apr_palloc(pool, (size_t)count_of(o, API_S_PARAMS) * sizeof *o->params);
    o->encodings = apr_palloc(pool, (size_t)count_of(o, API_S_ENCODINGS) * sizeof *o->encodings);
    o->medias = apr_palloc(pool, (size_t)count_of(o, API_S_MEDIAS) * sizeof *o->medias);
    o->responses = apr_palloc(pool, (size_t)count_of(o, API_S_RESPONSES) * sizeof *o->responses);
    o->needs = apr_palloc(pool, (size_t)count_of(o, API_S_NEEDS) * sizeof *o->needs);
    o->ways = apr_palloc(pool, (size_t)count_of(o, API_S_WAYS) * sizeof *o->ways);
    o->operations = apr_palloc(pool, (size_t)count_of(o, API_S_OPERATIONS) * sizeof *o->operations);
    return o->texts != NULL && o->sanitize != NULL && o->params != NULL && o->encodings != NULL &&
           o->medias != NULL && o->responses != NULL && o->needs != NULL && o->ways != NULL &&
           o->operations != NULL;
}

/* What has others comes after them. */
static bool open_all(struct opening *o, apr_pool_t *pool)
{
    open_texts(o);
    open_params(o);
    open_encodings(o);
    open_sanitize(o);
    open_medias(o);
    open_tables(o, pool);
    open_responses(o);
    open_needs(o);
    open_ways(o);
    open_operations(o);
    (void)text_of(o, o->api->head->title);
    (void)text_of(o, o->api->head->info_version);
    for (uint32_t i = 0; o->good && i < count_of(o, API_S_OPERATIONS); i++)
        o->good = has_captures(&o->operations[i]);
    o->api->operations = o->operations;
    o->api->operations_n = count_of(o, API_S_OPERATIONS);
    return o->good;
}

/* Each begins where the one before ends. */
static bool check_sections(const struct api_head *head)
{
    uint64_t at = sizeof *head;

    for (unsigned i = 0; i < API_SECTIONS; i++) {
        if (head->section[i].at != at)
            return false;
        at += ((uint64_t)head->section[i].n * api_sizes[i] + 7) & ~(uint64_t)7;
        if (at > head->size)
            return false;
    }
    return at == head->size;
}

static enum aps_err check_head(struct aps_str block, struct aps_diag *diag)
{
    const struct api_head *head = (const void *)block.p;

    if (block.n < sizeof *head || ((uintptr_t)block.p & 7) != 0 || head->magic != API_MAGIC) {
        aps_err_explain(diag, "these %zu bytes are no compiled API of this machine", block.n);
        return APS_ERR_CORRUPT;
    }
    if (head->version != API_VERSION) {
        aps_err_explain(diag, "a compiled API of version %u; want %u: compile it again",
                        head->version, API_VERSION);
        return head->version > API_VERSION ? APS_ERR_NEWER : APS_ERR_CORRUPT;
    }
    if (head->size != block.n || head->spare != 0 ||
        head->sum != aps_api_open_sum(block.p, block.n)) {
        aps_err_explain(diag, "a compiled API is damaged: compile it again");
        return APS_ERR_CORRUPT;
    }
    return APS_OK;
}

enum aps_err aps_api_open(apr_pool_t *pool, struct aps_str block, const struct aps_api **out,
                          struct aps_diag *diag)
{
    struct aps_api *api = apr_pcalloc(pool, sizeof *api);
    struct opening o = {.api = api, .block = block.p, .good = true};
    struct aps_str schemas;
    enum aps_err err;

    if (api == NULL)
        return APS_ERR_NOMEM;
    if ((err = check_head(block, diag)) != APS_OK)
        return err;
    api->head = (const void *)block.p;
    if (check_sections(api->head)) {
        api->bytes = records_of(&o, API_S_BYTES);
        schemas = (struct aps_str){records_of(&o, API_S_SCHEMAS), count_of(&o, API_S_SCHEMAS)};
        if ((err = aps_schema_image_open(pool, schemas, &api->schemas, diag)) != APS_OK)
            return err;
        if (!make_room(&o, pool))
            return APS_ERR_NOMEM;
        if (open_all(&o, pool) && (err = aps_api_tree(api, pool, NULL)) != APS_ERR_FORMAT &&
            err != APS_ERR_CONFLICT) {
            if (err == APS_OK)
                *out = api;
            return err;
        }
    }
    aps_err_explain(diag, "a compiled API is inconsistent: compile it again");
    return APS_ERR_CORRUPT;
}
