/* schema_judge_print.c - a failure in words: where, which keyword, what was wanted (POS-21).
 *
 * Pointers are made only here, from the numbers of nodes, so that a check pays nothing for them. */
#include "schema_run.h"

#include <apr_strings.h>
#include <stdio.h>

#define POINTER_MAX 512 /* bytes, of what is shown */
#define VALUE_MAX 64
#define VALUES_MAX 8 /* of an enum that are listed */
#define WANT_MAX 256

static const char *const keywords[SCHEMA_K_COUNT] = {
    "false",
#define K(name, token, vocabulary, holds, dialects) token,
#include "apisec/schema_keyword.def"
#undef K
};

static const char *const formats[SCHEMA_F_COUNT] = {
    "",
#define F(name, token, text) text,
#include "apisec/schema_format.def"
#undef F
};

/* ---- pointers */

struct text {
    char p[POINTER_MAX];
    size_t n;
};

/* What does not fit is left out. */
static void put(struct text *t, const char *p, size_t n)
{
    if (n > sizeof t->p - t->n)
        n = sizeof t->p - t->n;
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

static void put_token(struct text *t, struct aps_str token)
{
    put(t, "/", 1);
    for (size_t i = 0; i < token.n; i++) {
        const char c = token.p[i];

        if (c == '~')
            put(t, "~0", 2);
        else if (c == '/')
            put(t, "~1", 2);
        else
            put(t, &c, 1);
    }
}

/* From the root down to `to`: a node's holder is what has it between its first and its end. */
static void put_pointer(const struct aps_jsonread *r, const struct aps_jsonread_node *to,
                        struct text *t)
{
    const struct aps_jsonread_node *v = aps_jsonread_root(r), *i;
    char number[16];

    while (v != to && aps_jsonread_kind(v) >= APS_JSON_ARRAY) {
        const bool object = aps_jsonread_kind(v) == APS_JSON_OBJECT;
        uint32_t n = 0;

        for (i = aps_jsonread_first(v); aps_jsonread_next(i + object) <= to; n++)
            i = aps_jsonread_next(i + object);
        if (object)
            put_token(t, aps_jsonread_str(r, i));
        else
            put_token(t,
                      (struct aps_str){number, (size_t)snprintf(number, sizeof number, "%u", n)});
        if (i == to) /* a name stands for its member */
            return;
        v = i + object;
    }
}

/* ---- what was wanted */

static void say_types(uint32_t types, char *out, size_t cap)
{
    static const struct {
        uint32_t bits;
        const char *name;
    } names[] = {
        {SCHEMA_T_NULL, "null"},     {SCHEMA_T_BOOLEAN, "boolean"}, {SCHEMA_T_NUMBER, "number"},
        {SCHEMA_T_STRING, "string"}, {SCHEMA_T_ARRAY, "array"},     {SCHEMA_T_OBJECT, "object"},
    };
    size_t n = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((types & names[i].bits) == names[i].bits)
            n += (size_t)snprintf(out + n, cap - n, "%s%s", n > 0 ? " or " : "", names[i].name);
    if ((types & (SCHEMA_T_INTEGER | SCHEMA_T_NUMBER)) == SCHEMA_T_INTEGER)
        n += (size_t)snprintf(out + n, cap - n, "%s%s", n > 0 ? " or " : "", "integer");
    if (n == 0)
        (void)snprintf(out, cap, "nothing"); /* it fits */
}

static void say_number(const struct aps_schema_image *im, const char *what, uint32_t number,
                       char *out, size_t cap)
{
    /* What does not fit is cut. */
    (void)snprintf(out, cap, "%s %.*s", what,
                   APS_STR_SHOW(schema_str(im, im->numbers[number].text)));
}

/* A value of the schema as JSON shows it, what has parts by its kind; false if it is long. */
static bool put_value(const struct aps_schema_judge *c, uint32_t value, struct text *t)
{
    const struct aps_jsonread_node *v = c->image->values + value;
    const struct aps_str text = schema_view_str(&c->stored, v);

    switch (aps_jsonread_kind(v)) {
    case APS_JSON_ARRAY:
        put(t, "an array", 8);
        return true;
    case APS_JSON_OBJECT:
        put(t, "an object", 9);
        return true;
    case APS_JSON_STRING:
        put(t, "\"", 1);
        put(t, text.p, text.n);
        put(t, "\"", 1);
        return text.n <= VALUE_MAX && (text.n == 0 || memchr(text.p, '\0', text.n) == NULL);
    default:
        put(t, c->stored.text + v->at, v->n);
        return v->n <= VALUE_MAX;
    }
}

/* The values of an enum in their order, where they are few and short. */
static bool put_values(const struct aps_schema_judge *c, const uint32_t *pairs, struct text *t)
{
    uint32_t n = pairs[0] / 2, last = 0, next = 0;
    bool fits = n <= VALUES_MAX;

    for (uint32_t i = 0; fits && i < n; i++, last = next) {
        next = UINT32_MAX;
        for (uint32_t k = 2; k <= pairs[0]; k += 2)
            if (pairs[k] > last && pairs[k] < next)
                next = pairs[k];
        if (i > 0)
            put(t, i + 1 < n ? ", " : " or ", i + 1 < n ? 2 : 4);
        fits = next != UINT32_MAX && put_value(c, next, t) && t->n < WANT_MAX;
    }
    return fits;
}

static void say_values(const struct aps_schema_judge *c, const struct schema_node *s, char *out,
                       size_t cap)
{
    const uint32_t *pairs = c->image->words + s->values;
    struct text t = {.n = 0};

    if (put_values(c, pairs, &t))
        (void)snprintf(out, cap, "%.*s", (int)t.n, t.p); /* it fits */
    else
        (void)snprintf(out, cap, "one of %u values", pairs[0] / 2); /* it fits */
}

static void say_constant(const struct aps_schema_judge *c, const struct schema_node *s, char *out,
                         size_t cap)
{
    struct text t = {.n = 0};

    if (put_value(c, s->constant, &t))
        (void)snprintf(out, cap, "%.*s", (int)t.n, t.p); /* it fits */
    else
        (void)snprintf(out, cap, "the one value"); /* it fits */
}

/* Of most keywords a sentence says it, with a number of the schema where it has a #. */
#define AT(member) offsetof(struct schema_node, member)
static const struct {
    const char *text;
    size_t number; /* where the node has it */
} sentences[SCHEMA_K_COUNT] = {
    [SCHEMA_K_MIN_LENGTH] = {"at least # characters", AT(length_min)},
    [SCHEMA_K_MAX_LENGTH] = {"at most # characters", AT(length_max)},
    [SCHEMA_K_MIN_ITEMS] = {"at least # items", AT(items_min)},
    [SCHEMA_K_MAX_ITEMS] = {"at most # items", AT(items_max)},
    [SCHEMA_K_MIN_PROPERTIES] = {"at least # members", AT(members_min)},
    [SCHEMA_K_MAX_PROPERTIES] = {"at most # members", AT(members_max)},
    [SCHEMA_K_CONTAINS] = {"at least # items of the schema of contains", AT(contains_min)},
    [SCHEMA_K_MIN_CONTAINS] = {"at least # items of the schema of contains", AT(contains_min)},
    [SCHEMA_K_MAX_CONTAINS] = {"at most # items of the schema of contains", AT(contains_max)},
    [SCHEMA_K_NOT] = {"a value that the schema of not refuses", 0},
    [SCHEMA_K_UNIQUE_ITEMS] = {"items that all differ", 0},
    [SCHEMA_K_READ_ONLY] = {"a request without this member", 0},
    [SCHEMA_K_WRITE_ONLY] = {"a response without this member", 0},
    [SCHEMA_K_DISCRIMINATOR] = {"a discriminator that names one of the schemas", 0},
    [SCHEMA_K_CONTENT_ENCODING] = {"base64 with its padding", 0},
    [SCHEMA_K_CONTENT_MEDIA_TYPE] = {"JSON", 0},
};

static void say_sentence(const struct schema_node *s, unsigned keyword, char *out, size_t cap)
{
    const char *text = sentences[keyword].text != NULL ? sentences[keyword].text : "nothing here";
    const char *at = strchr(text, '#');
    uint32_t n;

    if (at == NULL) {
        (void)snprintf(out, cap, "%s", text); /* it fits */
        return;
    }
    memcpy(&n, (const char *)s + sentences[keyword].number, sizeof n);
    (void)snprintf(out, cap, "%.*s%u%s", (int)(at - text), text, n, at + 1);
}

static void say(const struct aps_schema_judge *c, const struct aps_schema_failure *f, char *out,
                size_t cap)
{
    const struct aps_schema_image *im = c->image;
    const struct schema_node *s = im->nodes + f->schema;

    switch ((enum schema_keyword)f->keyword) {
    case SCHEMA_K_TYPE:
        say_types(s->types, out, cap);
        break;
    case SCHEMA_K_ENUM:
        say_values(c, s, out, cap);
        break;
    case SCHEMA_K_CONST:
        say_constant(c, s, out, cap);
        break;
    case SCHEMA_K_MINIMUM:
        say_number(im, "at least", s->minimum, out, cap);
        break;
    case SCHEMA_K_MAXIMUM:
        say_number(im, "at most", s->maximum, out, cap);
        break;
    case SCHEMA_K_EXCLUSIVE_MINIMUM:
        say_number(im, "more than", s->above, out, cap);
        break;
    case SCHEMA_K_EXCLUSIVE_MAXIMUM:
        say_number(im, "less than", s->below, out, cap);
        break;
    case SCHEMA_K_MULTIPLE_OF:
        say_number(im, "a multiple of", s->multiple, out, cap);
        break;
    case SCHEMA_K_REQUIRED:
    case SCHEMA_K_DEPENDENT_REQUIRED:
        (void)snprintf(out, cap, "the member \"%.*s\"",
                       APS_STR_SHOW(schema_str(im, im->members[f->detail].name)));
        break;
    case SCHEMA_K_PATTERN:
        (void)snprintf(out, cap, "a match of %.*s",
                       APS_STR_SHOW(schema_str(im, im->patterns[s->pattern].source)));
        break;
    case SCHEMA_K_FORMAT:
        (void)snprintf(out, cap, "%s", formats[s->format]);
        break;
    case SCHEMA_K_APISEC_URL:
        (void)snprintf(out, cap, "a URL that is allowed here; of this one, %s",
                       aps_urlrule_fault_text((enum aps_urlrule_fault)f->detail));
        break;
    case SCHEMA_K_ONE_OF:
        (void)snprintf(out, cap, "exactly one of %u schemas, and %s", im->words[s->one],
                       f->detail == 0 ? "none holds" : "more hold");
        break;
    case SCHEMA_K_ANY_OF:
        (void)snprintf(out, cap, "one of %u schemas", im->words[s->any]);
        break;
    default:
        say_sentence(s, f->keyword, out, cap);
    }
}

/* ---- */

/* The schema false is what a keyword says: additionalProperties, not "false". */
static struct aps_str keyword_of(const struct aps_schema_failure *f, struct aps_str *io_schema)
{
    struct aps_str schema = *io_schema;

    if (f->keyword != SCHEMA_K_NONE)
        return aps_str(keywords[f->keyword]);
    while (schema.n > 0 && schema.p[schema.n - 1] != '/')
        schema.n--;
    if (schema.n == 0)
        return aps_str(keywords[0]);
    schema = (struct aps_str){schema.p + schema.n, io_schema->n - schema.n};
    for (size_t i = 1; i < SCHEMA_K_COUNT; i++)
        if (aps_str_eq(schema, aps_str(keywords[i]))) {
            io_schema->n -= schema.n + 1;
            return schema;
        }
    return aps_str(keywords[0]);
}

void aps_schema_judge_print_members(const struct aps_schema_judge *c, uint32_t i,
                                    struct aps_json *out)
{
    const struct aps_schema_failure *f = &c->failures[i];
    const struct aps_jsonread_node *v = c->reader->nodes + f->value;
    struct aps_str schema = schema_str(c->image, c->image->nodes[f->schema].pointer);
    const struct aps_str keyword = keyword_of(f, &schema);
    struct text pointer = {.n = 0};
    char want[WANT_MAX];

    put_pointer(c->reader, v, &pointer);
    say(c, f, want, sizeof want);
    aps_json_name(out, "pointer");
    aps_json_str(out, (struct aps_str){pointer.p, pointer.n});
    aps_json_name(out, "keyword");
    aps_json_str(out, keyword);
    aps_json_name(out, "schema");
    aps_json_str_max(out, schema, POINTER_MAX);
    aps_json_put_str(out, "expected", want);
    aps_json_name(out, "value");
    aps_json_str_max(out, aps_jsonread_raw(c->reader, v), VALUE_MAX);
}

void aps_schema_judge_print(const struct aps_schema_judge *c, uint32_t i, struct aps_json *out)
{
    aps_json_object(out);
    aps_schema_judge_print_members(c, i, out);
    aps_json_end(out);
}

size_t aps_schema_judge_print_place(const struct aps_schema_judge *c, uint32_t i,
                                    char out[APS_SCHEMA_PLACE_MAX])
{
    const struct aps_schema_failure *f = &c->failures[i];
    struct aps_str schema = schema_str(c->image, c->image->nodes[f->schema].pointer);
    const struct aps_str keyword = keyword_of(f, &schema);
    struct text pointer = {.n = 0};
    _Static_assert(POINTER_MAX + 80 < APS_SCHEMA_PLACE_MAX, "no keyword is longer");

    put_pointer(c->reader, c->reader->nodes + f->value, &pointer);
    memcpy(out, pointer.p, pointer.n);
    out[pointer.n] = ' ';
    memcpy(out + pointer.n + 1, keyword.p, keyword.n);
    return pointer.n + 1 + keyword.n;
}
