/* api_rule.c - what a table of fields cannot say of a description. */
#include "api_check.h"

#include "apisec/jsonnum.h"
#include "schema_impl.h"

static bool has(struct api_at at, const char *name)
{
    return aps_jsonread_get(&at.doc->reader, at.v, aps_str(name)) != NULL;
}

/* A member that is a string, as the table has seen. */
static struct aps_str text_of(struct api_at at, const char *name)
{
    const struct aps_jsonread_node *v = aps_jsonread_get(&at.doc->reader, at.v, aps_str(name));

    return v != NULL && aps_jsonread_kind(v) == APS_JSON_STRING
               ? aps_jsonread_str(&at.doc->reader, v)
               : (struct aps_str){"", 0};
}

static bool is_text(struct api_at at, const char *name, const char *want)
{
    return aps_str_eq(text_of(at, name), aps_str(want));
}

static bool refuse(struct api_build *b, struct api_at at, const char *why)
{
    return aps_api_build_fail(b, at, APS_ERR_FORMAT, "%s", why);
}

/* Two fields that exclude each other. */
static bool excludes(struct api_build *b, struct api_at at, const char *x, const char *y)
{
    return !has(at, x) || !has(at, y) ||
           aps_api_build_fail(b, at, APS_ERR_FORMAT, "want %s or %s, not both", x, y);
}

/* ---- values */

/* Up to the scheme's colon; 0: there is none. */
static size_t scheme_of(struct aps_str s)
{
    for (size_t i = 0; i < s.n && strchr("/?#", s.p[i]) == NULL; i++)
        if (s.p[i] == ':')
            return i;
    return 0;
}

static bool is_url(struct aps_str s)
{
    const size_t n = scheme_of(s);
    const struct aps_str rest = {s.p + n + (n > 0), s.n - n - (n > 0)};

    return aps_schema_format_uri(s, true, true) &&
           (n == 0 || aps_str_starts(rest, APS_STR_LIT("//")) ||
            aps_str_eq_nocase((struct aps_str){s.p, n}, APS_STR_LIT("mailto")));
}

/* A URL with each {name} taken as one letter. */
static bool is_template(struct api_build *b, struct aps_str s)
{
    char *to = apr_palloc(b->pool, s.n + 1);
    struct aps_str piece;
    size_t n = 0;
    bool is_name, any = false;

    while (aps_api_path_next(&s, &piece, &is_name)) {
        any |= is_name;
        if (is_name) {
            to[n++] = '1'; /* a port may be one */
        } else {
            memcpy(to + n, piece.p, piece.n);
            n += piece.n;
        }
    }
    return (any && n > 0 && to[0] == '1') || is_url((struct aps_str){to, n});
}

static bool is_count(struct api_at at)
{
    int64_t n;

    return aps_jsonread_kind(at.v) == APS_JSON_NUMBER && aps_jsonnum_i64(api_str(at), &n) && n >= 0;
}

bool aps_api_rule_value(struct api_build *b, struct api_at at, enum api_kind kind)
{
    const enum aps_jsonread_kind is = aps_jsonread_kind(at.v);

    if (kind == API_ANY)
        return true;
    if (kind == API_FLAG)
        return is == APS_JSON_TRUE || is == APS_JSON_FALSE || refuse(b, at, "want true or false");
    if (kind == API_NUMBER)
        return is == APS_JSON_NUMBER || refuse(b, at, "want a number");
    if (kind == API_COUNT)
        return is_count(at) || refuse(b, at, "want an integer from 0 on");
    if (is != APS_JSON_STRING)
        return refuse(b, at, "want a string");
    if ((kind == API_URL && !is_url(api_str(at))) ||
        (kind == API_URI && !aps_schema_format_uri(api_str(at), true, true)) ||
        (kind == API_TEMPLATE && !is_template(b, api_str(at))))
        return aps_api_check_minor(b, at, "\"%.*s\" is no URL", APS_STR_SHOW(api_str(at)));
    if (kind == API_EMAIL && !aps_schema_format_mail(api_str(at), true))
        return aps_api_check_minor(b, at, "\"%.*s\" is no mail address", APS_STR_SHOW(api_str(at)));
    return true;
}

/* ---- keys */

bool aps_api_rule_name(struct api_build *b, struct api_at at, struct aps_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!((name.p[i] | 0x20) >= 'a' && (name.p[i] | 0x20) <= 'z') &&
            !(name.p[i] >= '0' && name.p[i] <= '9') &&
            (name.p[i] == '\0' || strchr("._-", name.p[i]) == NULL))
            name.n = 0;
    return name.n > 0 || refuse(b, at, "want names of letters, digits, dots, - and _");
}

static bool is_code(struct aps_str name)
{
    if (aps_str_eq(name, APS_STR_LIT("default")))
        return true;
    if (name.n != 3 || name.p[0] < '1' || name.p[0] > '5')
        return false;
    return (name.p[1] == 'X' && name.p[2] == 'X') ||
           (name.p[1] >= '0' && name.p[1] <= '9' && name.p[2] >= '0' && name.p[2] <= '9');
}

bool aps_api_rule_key(struct api_build *b, struct api_at at, enum api_kind kind,
                      struct aps_str name)
{
    if (kind == API_PATHS && (name.n == 0 || name.p[0] != '/'))
        return aps_api_build_fail(b, at, APS_ERR_FORMAT, "the path \"%.*s\": want a / first",
                                  APS_STR_SHOW(name));
    if (kind == API_RESPONSES && !is_code(name))
        return aps_api_build_fail(b, at, APS_ERR_FORMAT,
                                  "\"%.*s\": want a status such as 200, 2XX or default",
                                  APS_STR_SHOW(name));
    return true;
}

/* ---- objects */

/* "3.1.0" or "3.1.0-rc1": behind the second dot. */
static bool is_version(struct aps_str version)
{
    size_t at = 4;

    while (at < version.n && version.p[at] >= '0' && version.p[at] <= '9')
        at++;
    return at > 4 && (at == version.n || (version.p[at] == '-' && version.n > at + 1));
}

/* No two items have the same in this member, and in `also` if there is one. */
static bool are_apart(struct api_build *b, struct api_at at, const char *list, const char *name,
                      const char *also)
{
    const struct aps_jsonread_node *v;
    apr_hash_t *seen = apr_hash_make(b->pool);
    struct api_at items;

    aps_api_doc_any(b, at, list, &items);
    if (items.v == NULL)
        return true;
    for (v = aps_jsonread_first(items.v); v < aps_jsonread_end(items.v); v = aps_jsonread_next(v)) {
        const struct api_at item = {at.doc, v, items.pointer};
        const struct aps_str key = text_of(item, name), in = text_of(item, also);
        char *both = apr_palloc(b->pool, key.n + in.n + 1);

        if (!has(item, name))
            continue; /* a reference */
        memcpy(both, in.p, in.n);
        memcpy(both + in.n, key.p, key.n);
        if (apr_hash_get(seen, both, (apr_ssize_t)(key.n + in.n)) != NULL)
            return aps_api_check_minor(b, items, "\"%.*s\" stands twice", APS_STR_SHOW(key));
        apr_hash_set(seen, both, (apr_ssize_t)(key.n + in.n), both);
    }
    return true;
}

static bool rule_root(struct api_build *b, struct api_at at)
{
    if (!is_version(text_of(at, "openapi")))
        return refuse(b, at, "openapi: want a version such as 3.0.3 or 3.1.0");
    if (!has(at, "paths") && !has(at, "components") && !has(at, "webhooks"))
        return refuse(b, at, "want paths, components or webhooks");
    return are_apart(b, at, "tags", "name", "");
}

/* What parameters and headers have in common: a schema with its style, or content. */
static bool rule_shape(struct api_build *b, struct api_at at)
{
    static const char *const styled[] = {"style", "explode", "allowReserved", "example",
                                         "examples"};
    struct api_at content;

    if (has(at, "schema") == has(at, "content"))
        return refuse(b, at, "want one of schema and content");
    if (!excludes(b, at, "example", "examples"))
        return false;
    if (!has(at, "content"))
        return true;
    aps_api_doc_any(b, at, "content", &content);
    if (aps_jsonread_count(content.v) != 1)
        return refuse(b, content, "want one media type");
    for (size_t i = 0; i < sizeof styled / sizeof *styled; i++)
        if (!excludes(b, at, "content", styled[i]))
            return false;
    return true;
}

static bool rule_parameter(struct api_build *b, struct api_at at)
{
    const struct aps_jsonread_node *required =
        aps_jsonread_get(&at.doc->reader, at.v, APS_STR_LIT("required"));
    const struct aps_str name = text_of(at, "name");
    const bool path = is_text(at, "in", "path"), query = is_text(at, "in", "query");

    if (!path && !query && !is_text(at, "in", "header") && !is_text(at, "in", "cookie"))
        return refuse(b, at, "in: want path, query, header or cookie");
    if (path && (required == NULL || aps_jsonread_kind(required) != APS_JSON_TRUE))
        return refuse(b, at, "a path parameter: want required true");
    if (path && (memchr(name.p, '{', name.n) != NULL || memchr(name.p, '}', name.n) != NULL))
        return refuse(b, at, "a path parameter: want a name without braces");
    if (has(at, "style") && !aps_api_param_fits(text_of(at, "style"), text_of(at, "in")))
        return refuse(b, at, "a style that is none of this place");
    if (!b->old && !query && (has(at, "allowReserved") || has(at, "allowEmptyValue")))
        return refuse(b, at, "allowReserved and allowEmptyValue are of query parameters");
    return rule_shape(b, at);
}

static bool rule_header(struct api_build *b, struct api_at at)
{
    if (has(at, "style") && !is_text(at, "style", "simple"))
        return refuse(b, at, "style: want simple");
    return rule_shape(b, at);
}

static bool rule_encoding(struct api_build *b, struct api_at at)
{
    return !has(at, "style") || aps_api_param_fits(text_of(at, "style"), APS_STR_LIT("query")) ||
           refuse(b, at, "style: want form, spaceDelimited, pipeDelimited or deepObject");
}

/* What leads to other documents is not looked at unless they are there. */
static bool or_elsewhere(struct api_build *b, bool good)
{
    if (good || b->report != NULL || b->err != APS_ERR_NOT_FOUND)
        return good;
    b->err = APS_OK;
    return true;
}

static bool rule_link(struct api_build *b, struct api_at at)
{
    if (!excludes(b, at, "operationRef", "operationId"))
        return false;
    if (!b->old && !has(at, "operationRef") && !has(at, "operationId"))
        return refuse(b, at, "want operationRef or operationId");
    return or_elsewhere(b, aps_api_link(b, at));
}

/* What each type of security scheme needs, and has alone. */
static bool rule_scheme(struct api_build *b, struct api_at at)
{
    static const struct {
        const char *type, *field;
        bool need;
    } rows[] = {
        {"apiKey", "name", true},  {"apiKey", "in", true},
        {"http", "scheme", true},  {"http", "bearerFormat", false},
        {"oauth2", "flows", true}, {"openIdConnect", "openIdConnectUrl", true},
    };
    bool known = !b->old && is_text(at, "type", "mutualTLS");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const bool is = is_text(at, "type", rows[i].type);

        known |= is;
        if (is && rows[i].need && !has(at, rows[i].field))
            return aps_api_build_fail(b, at, APS_ERR_FORMAT, "want %s", rows[i].field);
        if (!is && has(at, rows[i].field))
            return aps_api_build_fail(b, at, APS_ERR_FORMAT, "%s is of type %s", rows[i].field,
                                      rows[i].type);
    }
    if (!known)
        return refuse(b, at,
                      "type: want apiKey, http, oauth2, openIdConnect or, in 3.1, mutualTLS");
    if (is_text(at, "type", "apiKey") && !is_text(at, "in", "query") &&
        !is_text(at, "in", "header") && !is_text(at, "in", "cookie"))
        return refuse(b, at, "in: want query, header or cookie");
    if (has(at, "bearerFormat") && !aps_str_eq_nocase(text_of(at, "scheme"), APS_STR_LIT("bearer")))
        return refuse(b, at, "bearerFormat is of scheme bearer");
    return true;
}

/* Members that are no extensions. */
static uint32_t members_of(struct api_at at)
{
    const struct aps_jsonread_node *m;
    uint32_t n = 0;

    for (m = aps_jsonread_first(at.v); m < aps_jsonread_end(at.v); m = aps_jsonread_next(m + 1))
        n += !aps_str_starts(aps_jsonread_str(&at.doc->reader, m), APS_STR_LIT("x-"));
    return n;
}

/* Of 3.0. */
static bool rule_schema(struct api_build *b, struct api_at at)
{
    static const struct aps_str types[] = {{"array", 5},  {"boolean", 7}, {"integer", 7},
                                           {"number", 6}, {"object", 6},  {"string", 6}};

    return !has(at, "type") ||
           aps_str_is_in(text_of(at, "type"), types, sizeof types / sizeof *types) ||
           refuse(b, at, "type: want array, boolean, integer, number, object or string");
}

static bool rule_item(struct api_build *b, struct api_at at)
{
    const struct aps_jsonread_node *m;

    for (m = aps_jsonread_first(at.v); m < aps_jsonread_end(at.v); m = aps_jsonread_next(m + 1))
        if (aps_jsonread_get(&at.doc->reader, m + 1, APS_STR_LIT("callbacks")) != NULL &&
            !or_elsewhere(b, aps_api_callback(b, at, aps_api_doc_member(b, at, m))))
            return false;
    return true;
}

static bool rule_paths(struct api_build *b, struct api_at at)
{
    const struct aps_jsonread_node *m;

    for (m = aps_jsonread_first(at.v); m < aps_jsonread_end(at.v); m = aps_jsonread_next(m + 1))
        if (!or_elsewhere(b, aps_api_template_item(b, aps_jsonread_str(&at.doc->reader, m),
                                                   aps_api_doc_member(b, at, m))))
            return false;
    return true;
}

/* The default is one of enum. */
static bool rule_variable(struct api_build *b, struct api_at at)
{
    const struct aps_str value = text_of(at, "default");
    const struct aps_jsonread_node *v;
    struct api_at list;

    aps_api_doc_any(b, at, "enum", &list);
    if (list.v == NULL || b->old) /* 3.0 does not insist */
        return true;
    for (v = aps_jsonread_first(list.v); v < aps_jsonread_end(list.v); v = aps_jsonread_next(v))
        if (aps_jsonread_kind(v) == APS_JSON_STRING &&
            aps_str_eq(aps_jsonread_str(&list.doc->reader, v), value))
            return true;
    return aps_api_check_minor(b, at, "default is none of enum");
}

bool aps_api_rule(struct api_build *b, struct api_at at, enum api_kind kind)
{
    switch (kind) {
    case API_ROOT:
        return rule_root(b, at);
    case API_LICENSE:
        return excludes(b, at, "identifier", "url");
    case API_ITEM:
        return are_apart(b, at, "parameters", "name", "in") && rule_item(b, at);
    case API_OPERATION:
        return are_apart(b, at, "parameters", "name", "in");
    case API_PARAMETER:
        return rule_parameter(b, at);
    case API_HEADER:
        return rule_header(b, at);
    case API_MEDIA:
        return excludes(b, at, "example", "examples");
    case API_EXAMPLE:
        return excludes(b, at, "value", "externalValue");
    case API_ENCODING:
        return rule_encoding(b, at);
    case API_LINK:
        return rule_link(b, at);
    case API_SCHEME:
        return rule_scheme(b, at);
    case API_FLOWS:
        return members_of(at) > 0 || aps_api_check_minor(b, at, "want one flow at least");
    case API_SERVER:
        return aps_api_template_server(b, at);
    case API_VARIABLE:
        return rule_variable(b, at);
    case API_PATHS:
        return rule_paths(b, at);
    case API_REQUIREMENT:
        return or_elsewhere(b, aps_api_demand(b, at));
    case API_RESPONSES:
        return members_of(at) > 0 || refuse(b, at, "want one response at least");
    case API_SCHEMA:
        return rule_schema(b, at);
    default:
        return true;
    }
}
