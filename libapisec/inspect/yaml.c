/* yaml.c - the events of libyaml's parser, written as JSON while they come. */
#include "apisec/yaml.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <yaml.h>

#include "apisec/buf.h"
#include "apisec/jsonread.h"
#include "apisec/random.h"
#include "yaml_impl.h"

#define CORE "tag:yaml.org,2002:"

/* A collection that is open. */
struct frame {
    bool map, value; /* value: the key stands, its value does not */
    uint32_t items;
    apr_hash_t *keys; /* of a map */
    struct anchor *anchor;
};

/* A value with a name, and where in the JSON text it is. */
struct anchor {
    size_t at, n;
    uint32_t nodes; /* with itself */
    bool open;      /* its end is not there yet */
};

struct reading {
    apr_pool_t *pool, *work;
    yaml_parser_t parser;
    struct aps_buf json;
    struct frame frames[APS_YAML_DEPTH_MAX];
    uint32_t depth;
    uint32_t nodes;
    apr_hash_t *anchors; /* name -> struct anchor */
    uint32_t documents;
    size_t line;
    struct aps_diag *diag;
    enum aps_err err;
};

static bool fail(struct reading *r, enum aps_err err, const char *why)
{
    if (r->err == APS_OK) {
        r->err = err;
        aps_err_explain(r->diag, "YAML, line %zu: %s", r->line, why);
    }
    return false;
}

static struct frame *top(struct reading *r)
{
    return r->depth > 0 ? &r->frames[r->depth - 1] : NULL;
}

static bool is_key_next(struct reading *r)
{
    const struct frame *f = top(r);

    return f != NULL && f->map && !f->value;
}

/* ---- writing */

static void put_escaped(struct aps_buf *json, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

    aps_buf_add(json, APS_STR_LIT("\\u00"));
    aps_buf_add_char(json, hex[c >> 4]);
    aps_buf_add_char(json, hex[c & 15]);
}

/* libyaml has looked at it: it is UTF-8. */
static void put_text(struct aps_buf *json, struct aps_str s)
{
    size_t from = 0;

    aps_buf_add_char(json, '"');
    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        aps_buf_add(json, (struct aps_str){s.p + from, i - from});
        from = i + 1;
        if (c < 0x20) {
            put_escaped(json, c);
        } else {
            aps_buf_add_char(json, '\\');
            aps_buf_add_char(json, (char)c);
        }
    }
    aps_buf_add(json, (struct aps_str){s.p + from, s.n - from});
    aps_buf_add_char(json, '"');
}

static bool count(struct reading *r, uint32_t nodes)
{
    if (nodes > APS_YAML_NODES_MAX - r->nodes)
        return fail(r, APS_ERR_RANGE, "more than 2000000 values, with those of aliases");
    r->nodes += nodes;
    return !r->json.full || fail(r, APS_ERR_RANGE, "more than 32 MiB, with what aliases stand for");
}

/* A comma before the next item; a key has done that for its value. */
static void put_comma(struct reading *r)
{
    struct frame *f = top(r);

    if (f == NULL || f->value)
        return;
    if (f->items++ > 0)
        aps_buf_add_char(&r->json, ',');
}

static void end_value(struct reading *r)
{
    struct frame *f = top(r);

    if (f != NULL)
        f->value = false;
}

/* ---- anchors */

/* The value that begins here has this name, if any. */
static struct anchor *add_anchor(struct reading *r, const yaml_char_t *name)
{
    struct anchor *anchor;

    if (name == NULL)
        return NULL;
    anchor = apr_palloc(r->work, sizeof *anchor);
    *anchor = (struct anchor){.at = r->json.n, .nodes = r->nodes, .open = true};
    apr_hash_set(r->anchors, apr_pstrdup(r->work, (const char *)name), APR_HASH_KEY_STRING, anchor);
    return anchor;
}

static void end_anchor(const struct reading *r, struct anchor *anchor)
{
    if (anchor == NULL)
        return;
    anchor->n = r->json.n - anchor->at;
    anchor->nodes = r->nodes - anchor->nodes;
    anchor->open = false;
}

static bool put_alias(struct reading *r, const yaml_char_t *name)
{
    const struct anchor *anchor = apr_hash_get(r->anchors, (const char *)name, APR_HASH_KEY_STRING);
    char *to;

    if (anchor == NULL)
        return fail(r, APS_ERR_FORMAT, "an alias of what has not been named before");
    if (anchor->open)
        return fail(r, APS_ERR_FORMAT, "an alias of what it is in");
    if (is_key_next(r))
        return fail(r, APS_ERR_FORMAT, "a key is an alias; want its text");
    if (!count(r, anchor->nodes))
        return false;
    put_comma(r);
    if ((to = aps_buf_room(&r->json, anchor->n)) != NULL)
        memcpy(to, r->json.p + anchor->at, anchor->n);
    end_value(r);
    return count(r, 0);
}

/* ---- scalars */

/* The type that a tag asks for; *out_plain: as if there were none. */
static bool read_tag(struct reading *r, const yaml_char_t *tag, bool plain, bool *out_plain,
                     enum yaml_scalar *out_want)
{
    static const struct {
        const char *name;
        enum yaml_scalar want;
    } tags[] = {{"!", YAML_TEXT},         {CORE "str", YAML_TEXT},    {CORE "null", YAML_NULL},
                {CORE "bool", YAML_BOOL}, {CORE "int", YAML_INTEGER}, {CORE "float", YAML_FLOAT}};

    *out_plain = tag == NULL && plain;
    *out_want = YAML_TEXT;
    if (tag == NULL)
        return true;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (strcmp((const char *)tag, tags[i].name) == 0) {
            *out_want = tags[i].want;
            return true;
        }
    return fail(r, APS_ERR_FORMAT, "a tag that is none of !!str, !!null, !!bool, !!int, !!float");
}

static bool put_key(struct reading *r, struct aps_str text, bool plain)
{
    struct frame *f = top(r);
    const char *key = apr_pmemdup(r->work, text.p, text.n + 1);

    if (plain && aps_str_eq(text, APS_STR_LIT("<<")))
        return fail(r, APS_ERR_FORMAT, "the merge key << is none of YAML 1.2");
    if (apr_hash_get(f->keys, key, (apr_ssize_t)text.n) != NULL)
        return fail(r, APS_ERR_FORMAT,
                    apr_psprintf(r->work, "the key \"%.*s\" stands twice", APS_STR_SHOW(text)));
    apr_hash_set(f->keys, key, (apr_ssize_t)text.n, key);
    put_comma(r);
    put_text(&r->json, text);
    aps_buf_add_char(&r->json, ':');
    f->value = true;
    return count(r, 1);
}

static bool put_scalar(struct reading *r, const yaml_event_t *event)
{
    const struct aps_str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    const bool bare = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    enum yaml_scalar want, is = YAML_TEXT;
    struct aps_str json = text;
    struct anchor *anchor;
    bool plain;

    if (!read_tag(r, event->data.scalar.tag, bare, &plain, &want))
        return false;
    if (is_key_next(r))
        return event->data.scalar.anchor == NULL
                   ? put_key(r, text, plain)
                   : fail(r, APS_ERR_FORMAT, "an anchor at a key; want it at a value");
    if (plain || want != YAML_TEXT)
        is = aps_yaml_scalar(r->work, text, &json);
    if (is == YAML_NO_JSON)
        return fail(r, APS_ERR_FORMAT, "a number that JSON has not");
    if (!plain && is != want && !(is == YAML_INTEGER && want == YAML_FLOAT))
        return fail(r, APS_ERR_FORMAT, "a value that its tag does not fit");
    put_comma(r);
    anchor = add_anchor(r, event->data.scalar.anchor);
    if (is == YAML_TEXT)
        put_text(&r->json, text);
    else
        aps_buf_add(&r->json, json);
    if (!count(r, 1))
        return false;
    end_anchor(r, anchor);
    end_value(r);
    return true;
}

/* ---- collections */

static bool begin(struct reading *r, bool map, const yaml_char_t *tag, const yaml_char_t *name)
{
    struct frame f = {.map = map};

    if (is_key_next(r))
        return fail(r, APS_ERR_FORMAT, "a key is no scalar");
    if (tag != NULL && strcmp((const char *)tag, map ? CORE "map" : CORE "seq") != 0)
        return fail(r, APS_ERR_FORMAT, "a tag that is none of !!map and !!seq, or does not fit");
    if (r->depth == APS_YAML_DEPTH_MAX)
        return fail(r, APS_ERR_RANGE, "collections deeper than 100");
    put_comma(r);
    f.anchor = add_anchor(r, name);
    f.keys = map ? apr_hash_make(r->work) : NULL;
    aps_buf_add_char(&r->json, map ? '{' : '[');
    r->frames[r->depth++] = f;
    return count(r, 1);
}

static bool end(struct reading *r)
{
    const struct frame *f = top(r);

    aps_buf_add_char(&r->json, f->map ? '}' : ']');
    end_anchor(r, f->anchor);
    r->depth--;
    end_value(r);
    return count(r, 0);
}

/* ---- events */

static bool take(struct reading *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return r->documents++ == 0 || fail(r, APS_ERR_FORMAT, "a second document; want one");
    case YAML_ALIAS_EVENT:
        return put_alias(r, event->data.alias.anchor);
    case YAML_SCALAR_EVENT:
        return put_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return begin(r, false, event->data.sequence_start.tag, event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return begin(r, true, event->data.mapping_start.tag, event->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return end(r);
    default:
        return true;
    }
}

static bool run(struct reading *r)
{
    yaml_event_t event;
    bool good, last;

    do {
        if (!yaml_parser_parse(&r->parser, &event)) {
            r->line = r->parser.problem_mark.line + 1;
            return r->parser.error == YAML_MEMORY_ERROR
                       ? fail(r, APS_ERR_NOMEM, "out of memory")
                       : fail(r, APS_ERR_FORMAT,
                              r->parser.problem != NULL ? r->parser.problem : "no YAML");
        }
        r->line = event.start_mark.line + 1;
        last = event.type == YAML_STREAM_END_EVENT;
        good = take(r, &event);
        yaml_event_delete(&event);
    } while (good && !last);
    return good && (r->documents == 1 || fail(r, APS_ERR_FORMAT, "want a document"));
}

/* JSON is YAML, but for pairs of surrogates, and read faster so. */
static bool is_json(struct aps_str text, apr_pool_t *work)
{
    struct aps_jsonread_options options = aps_jsonread_plain;
    unsigned char key[APS_SIPHASH_KEY_LEN];
    struct aps_jsonread reader;

    options.duplicates = false;
    if (text.n == 0 || (text.p[0] != '{' && text.p[0] != '[') ||
        aps_random_fill(key, sizeof key) != APS_OK)
        return false;
    aps_jsonread_init(&reader, work, key);
    return aps_jsonread(&reader, text, &options) == APS_JSONREAD_OK;
}

static void read_yaml(struct reading *r, struct aps_str yaml, struct aps_str *out_json)
{
    if (!yaml_parser_initialize(&r->parser)) {
        r->err = APS_ERR_NOMEM;
        return;
    }
    r->anchors = apr_hash_make(r->work);
    aps_buf_init(&r->json, r->pool, APS_YAML_JSON_MAX);
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)yaml.p, yaml.n);
    if (run(r))
        *out_json = aps_buf_text(&r->json);
    yaml_parser_delete(&r->parser);
}

enum aps_err aps_yaml_to_json(struct aps_str yaml, apr_pool_t *pool, struct aps_str *out_json,
                              struct aps_diag *diag)
{
    struct reading r = {.pool = pool, .diag = diag, .line = 1, .err = APS_OK};

    if (yaml.n > APS_YAML_BYTES_MAX) {
        aps_err_explain(diag, "YAML of %zu bytes; want at most %u", yaml.n, APS_YAML_BYTES_MAX);
        return APS_ERR_RANGE;
    }
    if (aps_str_starts(yaml, APS_STR_LIT("\xef\xbb\xbf"))) { /* a mark of UTF-8 */
        yaml.p += 3;
        yaml.n -= 3;
    }
    if (apr_pool_create(&r.work, pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    if (is_json(yaml, r.work))
        *out_json = yaml;
    else
        read_yaml(&r, yaml, out_json);
    apr_pool_destroy(r.work);
    return r.err;
}
