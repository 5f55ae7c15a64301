/* What sections say of the content of requests: words -> settings. */
#include "content.h"

#include <apr_strings.h>

#define BYTES_MAX INT32_MAX
#define DEPTH_MAX 1000
#define NODES_MAX 10000000
#define LINES_MAX 1000000
#define LINES_DEFAULT 10000
#define ATTRIBUTES_MAX 10000
#define PARTS_MAX 100000
#define RATIO_MAX 10000
#define GRAPHQL_MAX 1000000
#define GRAPHQL_NAMES_MAX 10000
#define GRAPHQL_DEPTH_MAX 250 /* as graphql.h has them */
#define GRAPHQL_VALUES_MAX 60
#define TYPES_MAX 32

/* ---- Methods and types ---- */

const char *mod_content_words_methods(cmd_parms *cmd, int argc, char *const argv[], unsigned *out)
{
    unsigned methods = 0;
    if (argc == 0)
        return "want some of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS";
    for (int i = 0; i < argc; i++) {
        unsigned method = (unsigned)aps_method_parse(aps_str(argv[i]));
        if (method == APS_METHOD_NONE || (methods & method) != 0)
            return apr_psprintf(cmd->pool,
                                "\"%s\": want some of GET, HEAD, POST, PUT, PATCH, DELETE and "
                                "OPTIONS, each once",
                                argv[i]);
        methods |= method;
    }
    if ((methods & APS_METHOD_GET) != 0) /* RFC 9110 9.1: who has one has both */
        methods |= APS_METHOD_HEAD;
    *out = methods;
    return NULL;
}

static const char *list_types(apr_pool_t *pool, const struct aps_str *v, size_t n)
{
    const char *all = "";
    for (size_t i = 0; i < n; i++)
        all = apr_psprintf(pool, "%s%s%.*s", all, i != 0 ? ", " : "", APS_STR_ARG(v[i]));
    return all;
}

const char *mod_content_words_types(cmd_parms *cmd, int argc, char *const argv[],
                                    const struct mod_types **out)
{
    struct mod_types *types = apr_pcalloc(cmd->pool, sizeof *types);
    struct aps_str *v = apr_pcalloc(cmd->pool, (size_t)(argc + 1) * sizeof *v);
    if (argc == 0 || argc > TYPES_MAX)
        return apr_psprintf(cmd->pool, "want 1 to %d types", TYPES_MAX);
    for (int i = 0; i < argc; i++) {
        char *text = apr_pstrdup(cmd->pool, argv[i]);
        ap_str_tolower(text);
        v[i] = aps_str(text);
        if (!aps_mediatype_is_range(v[i]))
            return apr_psprintf(cmd->pool,
                                "\"%s\": want a type without parameters, such as "
                                "application/json, application/*+json, image/* or */*",
                                argv[i]);
    }
    types->v = v;
    types->n = (size_t)argc;
    types->accept = list_types(cmd->pool, v, types->n);
    *out = types;
    return NULL;
}

/* ---- Reading ---- */

/* Which readers an option is for. */
#define FOR_ANY (1u << MOD_READ_ANY)
#define FOR_JSON (1u << MOD_READ_JSON | 1u << MOD_READ_NDJSON)
#define FOR_NDJSON (1u << MOD_READ_NDJSON)
#define FOR_FORM (1u << MOD_READ_FORM)
#define FOR_MULTIPART (1u << MOD_READ_MULTIPART)
#define FOR_XML (1u << MOD_READ_XML)
#define FOR_GRAPHQL (1u << MOD_READ_GRAPHQL)
#define FOR_ALL (FOR_ANY | FOR_JSON | FOR_FORM | FOR_MULTIPART | FOR_XML | FOR_GRAPHQL)

struct option {
    const char *name; /* with its sign */
    size_t offset;    /* in struct mod_read */
    uint64_t max;
    unsigned kinds;
};

#define OPTION(name, field, max, kinds)                                                            \
    {                                                                                              \
        name "=", offsetof(struct mod_read, field), max, kinds                                     \
    }

static const struct option options[] = {
    OPTION("max", max, BYTES_MAX, FOR_ALL),
    OPTION("depth", caps.depth_max, DEPTH_MAX, FOR_JSON),
    OPTION("nodes", caps.nodes_max, NODES_MAX, FOR_JSON),
    OPTION("string", caps.string_max, BYTES_MAX, FOR_JSON | FOR_FORM),
    OPTION("members", caps.members_max, APS_JSONREAD_HELD_MAX, FOR_JSON | FOR_FORM),
    OPTION("items", caps.items_max, APS_JSONREAD_HELD_MAX, FOR_JSON),
    OPTION("digits", caps.digits_max, BYTES_MAX, FOR_JSON),
    OPTION("lines", lines, LINES_MAX, FOR_NDJSON),
    OPTION("depth", xml.depth_max, DEPTH_MAX, FOR_XML),
    OPTION("nodes", xml.nodes_max, NODES_MAX, FOR_XML),
    OPTION("string", xml.text_max, BYTES_MAX, FOR_XML),
    OPTION("attributes", xml.attributes_max, ATTRIBUTES_MAX, FOR_XML),
    OPTION("parts", parts, PARTS_MAX, FOR_MULTIPART),
    OPTION("part", part, BYTES_MAX, FOR_MULTIPART),
    OPTION("document", graphql.bytes_max, BYTES_MAX, FOR_GRAPHQL),
    OPTION("tokens", graphql.tokens_max, GRAPHQL_MAX, FOR_GRAPHQL),
    OPTION("depth", graphql.depth_max, GRAPHQL_DEPTH_MAX, FOR_GRAPHQL),
    OPTION("fields", graphql.fields_max, GRAPHQL_MAX, FOR_GRAPHQL),
    OPTION("roots", graphql.roots_max, GRAPHQL_MAX, FOR_GRAPHQL),
    OPTION("aliases", graphql.aliases_max, GRAPHQL_MAX, FOR_GRAPHQL),
    OPTION("directives", graphql.directives_max, GRAPHQL_MAX, FOR_GRAPHQL),
    OPTION("fragments", graphql.fragments_max, GRAPHQL_NAMES_MAX, FOR_GRAPHQL),
    OPTION("operations", graphql.operations_max, GRAPHQL_NAMES_MAX, FOR_GRAPHQL),
    OPTION("values", graphql.values_max, GRAPHQL_VALUES_MAX, FOR_GRAPHQL),
    OPTION("batch", graphql.batch_max, GRAPHQL_NAMES_MAX, FOR_GRAPHQL),
};

/* Words without a number. */
static const struct flag {
    const char *name;
    size_t offset; /* in struct mod_read */
    unsigned kinds;
    bool value;
} flags[] = {
    {"optional", offsetof(struct mod_read, optional), FOR_JSON | FOR_FORM | FOR_MULTIPART | FOR_XML,
     true},
    {"repeated", offsetof(struct mod_read, repeated), FOR_FORM | FOR_MULTIPART, true},
    {"introspection", offsetof(struct mod_read, graphql.introspection), FOR_GRAPHQL, true},
    {"subscriptions", offsetof(struct mod_read, graphql.subscriptions), FOR_GRAPHQL, true},
    {"queries-only", offsetof(struct mod_read, graphql.mutations), FOR_GRAPHQL, false},
};

#define EACH_OF(list, i, kind)                                                                     \
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)                                      \
        if ((list[i].kinds & 1u << (kind)) != 0)

/* Whether it is one. */
static bool read_flag(const char *word, struct mod_read *out)
{
    EACH_OF(flags, i, out->kind)
    if (strcmp(word, flags[i].name) == 0) {
        *(bool *)(void *)((char *)out + flags[i].offset) = flags[i].value;
        return true;
    }
    return false;
}

static const char *list_options(apr_pool_t *pool, enum mod_read_kind kind)
{
    const char *all = kind == MOD_READ_GRAPHQL ? "allow=, allow-get=" : "";
    EACH_OF(options, i, kind)
    all = apr_pstrcat(pool, all, *all != '\0' ? ", " : "", options[i].name, NULL);
    EACH_OF(flags, i, kind)
    all = apr_pstrcat(pool, all, ", ", flags[i].name, NULL);
    return *all != '\0' ? all : "nothing behind this reader";
}

static const char *read_number(apr_pool_t *pool, const char *word, struct mod_read *out)
{
    uint64_t value = 0;
    EACH_OF(options, i, out->kind)
    {
        const struct option *o = &options[i];
        size_t n = strlen(o->name);
        if (strncmp(word, o->name, n) != 0)
            continue;
        if (aps_num_parse_size(aps_str(word + n), &value, NULL) != APS_OK || value < 1 ||
            value > o->max)
            return apr_psprintf(
                pool, "\"%s\": want 1 to %" APR_UINT64_T_FMT ", also with k, m or g behind it",
                word, o->max);
        *(uint32_t *)(void *)((char *)out + o->offset) = (uint32_t)value;
        return NULL;
    }
    return apr_psprintf(pool, "\"%s\": want %s", word, list_options(pool, out->kind));
}

static const char *read_option(cmd_parms *cmd, const char *word, struct mod_read *out)
{
    if (read_flag(word, out))
        return NULL;
    if (out->kind == MOD_READ_GRAPHQL && strncmp(word, "allow=", 6) == 0)
        return mod_graphql_words_allow(cmd, word + 6, false, &out->graphql.list);
    if (out->kind == MOD_READ_GRAPHQL && strncmp(word, "allow-get=", 10) == 0)
        return mod_graphql_words_allow(cmd, word + 10, true, &out->graphql.list);
    return read_number(cmd->pool, word, out);
}

const char *mod_content_words_read(cmd_parms *cmd, int argc, char *const argv[],
                                   const struct mod_read **out)
{
    static const char *const kinds[MOD_READ_COUNT] = {
        [MOD_READ_ANY] = "any",   [MOD_READ_NONE] = "none",
        [MOD_READ_JSON] = "json", [MOD_READ_NDJSON] = "ndjson",
        [MOD_READ_FORM] = "form", [MOD_READ_MULTIPART] = "multipart",
        [MOD_READ_XML] = "xml",   [MOD_READ_GRAPHQL] = "graphql",
    };
    struct mod_read *read = apr_pcalloc(cmd->pool, sizeof *read);
    size_t kind = 0;
    const char *fault = NULL;
    while (argc > 0 && kind < MOD_READ_COUNT && strcmp(argv[0], kinds[kind]) != 0)
        kind++;
    if (argc == 0 || kind == MOD_READ_COUNT)
        return "want json, ndjson, form, multipart, xml, graphql, any or none, and options behind "
               "it";
    read->kind = (enum mod_read_kind)kind;
    read->caps = aps_jsonread_strict;
    read->max = aps_jsonread_strict.bytes_max;
    read->lines = LINES_DEFAULT;
    read->xml = aps_xml_strict;
    read->graphql = aps_graphql_strict;
    read->parts = aps_multipart_usual.parts_max;
    for (int i = 1; i < argc && fault == NULL; i++)
        fault = read_option(cmd, argv[i], read);
    read->caps.bytes_max = read->xml.bytes_max = read->max;
    if (read->kind == MOD_READ_XML && aps_xml_version(cmd->temp_pool) == NULL)
        return "xml: this build reads no XML";
    *out = read;
    return fault;
}

/* ---- Codings ---- */

#define EACH_CODING(c) for (unsigned c = APS_CODING_NONE + 1; c < APS_CODING_COUNT; c++)

static const char *list_codings(apr_pool_t *pool, unsigned codings)
{
    const char *all = NULL;
    EACH_CODING(c)
    if ((codings & 1u << c) != 0)
        all = apr_pstrcat(pool, all != NULL ? all : "", all != NULL ? ", " : "",
                          aps_coding_name((enum aps_coding)c), NULL);
    return all != NULL ? all : "identity";
}

static const char *read_decode(apr_pool_t *pool, const char *word, struct mod_decode *out)
{
    uint64_t ratio = 0;
    EACH_CODING(c)
    if (strcmp(word, aps_coding_name((enum aps_coding)c)) == 0) {
        out->codings |= 1u << c;
        return NULL;
    }
    if (strcmp(word, "forward=decoded") == 0 || strcmp(word, "forward=original") == 0) {
        out->original = word[8] == 'o';
        return NULL;
    }
    if (strncmp(word, "ratio=", 6) == 0 &&
        aps_num_parse(aps_str(word + 6), 1, RATIO_MAX, &ratio, NULL) == APS_OK) {
        out->ratio = (uint32_t)ratio;
        return NULL;
    }
    return apr_psprintf(pool,
                        "\"%s\": want none, or some of gzip, deflate and br, forward=decoded or "
                        "forward=original, and ratio=1 to %d",
                        word, RATIO_MAX);
}

const char *mod_content_words_decode(cmd_parms *cmd, int argc, char *const argv[],
                                     const struct mod_decode **out)
{
    struct mod_decode *decode = apr_pcalloc(cmd->pool, sizeof *decode);
    const bool none = argc == 1 && strcmp(argv[0], "none") == 0;
    const char *fault = NULL;
    decode->ratio = MOD_RATIO_DEFAULT;
    if (argc == 0)
        return "want none, or some of gzip, deflate and br, forward= and ratio=";
    for (int i = 0; i < argc && !none && fault == NULL; i++)
        fault = read_decode(cmd->pool, argv[i], decode);
    if (!none && decode->codings == 0)
        decode->codings = MOD_CODINGS_ALL;
    decode->accept = list_codings(cmd->pool, decode->codings);
    *out = decode;
    return fault;
}

/* ---- Schemas ---- */

const char *mod_content_words_schema(cmd_parms *cmd, int argc, char *const argv[],
                                     struct mod_content *out)
{
    if (argc != 2 || (strcmp(argv[0], "json") != 0 && strcmp(argv[0], "xml") != 0) ||
        !aps_str_is_name(aps_str(argv[1])))
        return "want json or xml, and the name of a JSON Schema or of an XML schema of the store";
    out->schema = apr_pstrdup(cmd->pool, argv[1]);
    return mod_content_words_read(cmd, 1, argv, &out->by_schema);
}

const char *mod_content_words_check(const struct mod_content *content)
{
    if (content->schema == NULL || content->read == NULL)
        return NULL;
    bool xml = content->by_schema->kind == MOD_READ_XML;
    if (xml && content->read->kind != MOD_READ_XML)
        return "ApiSecSchema xml judges what ApiSecBody xml reads";
    if (!xml && !mod_content_has_fields(content->read))
        return "ApiSecSchema json judges what ApiSecBody json, ndjson, form or multipart reads";
    return NULL;
}
