/* The reader against a plain one, byte by byte and recursive, that shares no code with it: both
 * accept or both refuse, and the nodes are what the plain one sees.  Numbers are put beside what
 * strtod makes of them.  The first byte chooses the options. */
#include <apr_general.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/jsonnum.h"
#include "apisec/jsonread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

struct plain {
    const unsigned char *p, *end;
    const struct aps_jsonread_options *o;
    uint32_t nodes;
    const struct aps_jsonread *r;       /* NULL: only judge */
    const struct aps_jsonread_node *at; /* the node of what comes next */
    struct aps_str number;              /* the last one */
};

static bool read_value(struct plain *s, uint32_t depth);

static void skip_space(struct plain *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static bool take(struct plain *s, unsigned char c)
{
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static bool is_digit(const struct plain *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

/* A new node; its kind is right where there are nodes. */
static bool count_node(struct plain *s, enum aps_jsonread_kind kind)
{
    if (++s->nodes > s->o->nodes_max)
        return false;
    if (s->r != NULL)
        expect(aps_jsonread_kind(s->at) == kind);
    return true;
}

/* Room for the text of a string, which the caller frees. */
struct text {
    unsigned char *p;
    size_t n;
};

static void put_code(struct text *to, uint32_t c)
{
    static const unsigned char head[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const unsigned n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (unsigned i = n; i-- > 1; c >>= 6)
        to->p[to->n + i] = (unsigned char)(0x80 | (c & 0x3f));
    to->p[to->n] = (unsigned char)(head[n] | c);
    to->n += n;
}

static bool read_hex4(struct plain *s, uint32_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < 4; i++, s->p++) {
        if (s->p == s->end)
            return false;
        if (*s->p >= '0' && *s->p <= '9')
            *out = *out * 16 + *s->p - '0';
        else if (*s->p >= 'a' && *s->p <= 'f')
            *out = *out * 16 + *s->p - 'a' + 10;
        else if (*s->p >= 'A' && *s->p <= 'F')
            *out = *out * 16 + *s->p - 'A' + 10;
        else
            return false;
    }
    return true;
}

static bool read_escape(struct plain *s, struct text *to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    uint32_t code, low;

    if (s->p == s->end)
        return false;
    for (unsigned i = 0; from[i] != '\0'; i++)
        if (*s->p == (unsigned char)from[i]) {
            put_code(to, (unsigned char)into[i]);
            s->p++;
            return true;
        }
    if (!take(s, 'u') || !read_hex4(s, &code) || (code == 0 && !s->o->nul) ||
        (code >= 0xdc00 && code <= 0xdfff))
        return false;
    if (code >= 0xd800 && code <= 0xdbff) {
        if (!take(s, '\\') || !take(s, 'u') || !read_hex4(s, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        code = 0x10000 + (code - 0xd800) * 0x400 + (low - 0xdc00);
    }
    put_code(to, code);
    return true;
}

/* By the table of RFC 3629 4. */
static bool read_utf8(struct plain *s, struct text *to)
{
    static const unsigned char rows[][5] = {
        /* first from, to; second from, to; bytes */
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const unsigned char *row = rows[i];

        if (*s->p < row[0] || *s->p > row[1])
            continue;
        if (s->end - s->p < row[4] || s->p[1] < row[2] || s->p[1] > row[3])
            return false;
        for (unsigned k = 2; k < row[4]; k++)
            if (s->p[k] < 0x80 || s->p[k] > 0xbf)
                return false;
        for (unsigned k = 0; k < row[4]; k++)
            to->p[to->n++] = *s->p++;
        return true;
    }
    return false;
}

static bool read_string(struct plain *s, struct text *to)
{
    const unsigned char *start;

    if (!take(s, '"'))
        return false;
    to->p = malloc((size_t)(s->end - s->p) + 4);
    to->n = 0;
    expect(to->p != NULL);
    for (start = s->p; s->p < s->end;) {
        if (*s->p == '"') {
            if ((size_t)(s->p - start) > s->o->string_max)
                return false;
            s->p++;
            return true;
        }
        if (*s->p < 0x20)
            return false;
        if (*s->p == '\\') {
            s->p++;
            if (!read_escape(s, to))
                return false;
        } else if (*s->p < 0x80) {
            to->p[to->n++] = *s->p++;
        } else if (!read_utf8(s, to)) {
            return false;
        }
    }
    return false;
}

static void check_text(struct plain *s, struct aps_str want)
{
    if (s->r != NULL)
        expect(aps_str_eq(aps_jsonread_str(s->r, s->at++), want));
}

static bool read_text(struct plain *s, enum aps_jsonread_kind kind, struct text *to)
{
    if (!count_node(s, kind) || !read_string(s, to))
        return false;
    check_text(s, (struct aps_str){(const char *)to->p, to->n});
    return true;
}

static double double_of(struct aps_str text)
{
    char *copy = malloc(text.n + 1);
    double value;

    expect(copy != NULL);
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    value = strtod(copy, NULL);
    free(copy);
    return value;
}

/* What doubles tell apart has that order as text. */
static void check_order(struct aps_str a, struct aps_str b)
{
    const double x = double_of(a), y = double_of(b);
    const int order = aps_jsonnum_compare(a, b);
    int64_t value;

    expect(aps_jsonnum_compare(b, a) == 0 ? order == 0
                                          : (aps_jsonnum_compare(b, a) < 0) == (order > 0));
    expect(aps_jsonnum_compare(a, a) == 0);
    expect(!(x < y) || order < 0);
    expect(!(x > y) || order > 0);
    expect(aps_jsonnum_overflows(a) == (isinf(x) != 0));
    if (aps_jsonnum_i64(a, &value)) {
        expect(aps_jsonnum_is_integer(a) && (double)value == x);
        expect(aps_jsonnum_is_safe(a) == (value >= -9007199254740991 && value <= 9007199254740991));
    } else {
        expect(!aps_jsonnum_is_safe(a));
    }
}

static bool read_number(struct plain *s)
{
    const unsigned char *start = s->p, *exponent = NULL;
    struct aps_str text;

    (void)take(s, '-'); /* it need not be there */
    if (!take(s, '0')) {
        if (!is_digit(s))
            return false;
        while (is_digit(s))
            s->p++;
    }
    if (take(s, '.')) {
        if (!is_digit(s))
            return false;
        while (is_digit(s))
            s->p++;
    }
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            (void)take(s, '-'); /* nor this */
        if (!is_digit(s))
            return false;
        while (is_digit(s) && *s->p == '0')
            s->p++;
        exponent = s->p;
        while (is_digit(s))
            s->p++;
    }
    text = (struct aps_str){(const char *)start, (size_t)(s->p - start)};
    if (text.n > s->o->digits_max || (exponent != NULL && s->p - exponent > 15))
        return false;
    if (!s->o->overflow && isinf(double_of(text)))
        return false;
    check_order(text, s->number.n > 0 ? s->number : text);
    s->number = text;
    check_text(s, text);
    return true;
}

static bool read_array(struct plain *s, uint32_t depth)
{
    const struct aps_jsonread_node *node = s->at;
    uint32_t count = 0;

    if (s->r != NULL)
        s->at++;
    skip_space(s);
    if (!take(s, ']')) {
        do {
            skip_space(s);
            if (++count > s->o->items_max || !read_value(s, depth))
                return false;
            skip_space(s);
        } while (take(s, ','));
        if (!take(s, ']'))
            return false;
    }
    if (s->r != NULL)
        expect(aps_jsonread_count(node) == count && aps_jsonread_end(node) == s->at);
    return true;
}

struct names {
    struct text *of;
    uint32_t n;
};

static bool read_member(struct plain *s, struct names *names, uint32_t depth)
{
    struct text *name;

    if (names->n == s->o->members_max)
        return false;
    names->of = realloc(names->of, (names->n + 1) * sizeof *names->of);
    expect(names->of != NULL);
    name = &names->of[names->n++];
    *name = (struct text){NULL, 0};
    if (!read_text(s, APS_JSON_NAME, name))
        return false;
    for (uint32_t i = 0; i + 1 < names->n && !s->o->duplicates; i++)
        if (names->of[i].n == name->n && memcmp(names->of[i].p, name->p, name->n) == 0)
            return false;
    skip_space(s);
    if (!take(s, ':'))
        return false;
    skip_space(s);
    return read_value(s, depth);
}

static bool read_object(struct plain *s, uint32_t depth)
{
    const struct aps_jsonread_node *node = s->at;
    struct names names = {NULL, 0};
    bool fine = true;

    if (s->r != NULL)
        s->at++;
    skip_space(s);
    if (!take(s, '}')) {
        do {
            skip_space(s);
            fine = read_member(s, &names, depth);
            skip_space(s);
        } while (fine && take(s, ','));
        fine = fine && take(s, '}');
    }
    if (fine && s->r != NULL)
        expect(aps_jsonread_count(node) == names.n && aps_jsonread_end(node) == s->at);
    for (uint32_t i = 0; i < names.n; i++)
        free(names.of[i].p);
    free(names.of);
    return fine;
}

static bool read_word(struct plain *s, const char *word, enum aps_jsonread_kind kind)
{
    if (!count_node(s, kind))
        return false;
    for (const char *w = word; *w != '\0'; w++)
        if (!take(s, (unsigned char)*w))
            return false;
    check_text(s, aps_str(word));
    return true;
}

static void check_raw(const struct plain *s, const struct aps_jsonread_node *node,
                      const unsigned char *start)
{
    const struct aps_str raw = {(const char *)start, (size_t)(s->p - start)};

    expect(aps_str_eq(aps_jsonread_raw(s->r, node), raw));
    expect(aps_jsonread_next(node) == s->at);
}

static bool read_value(struct plain *s, uint32_t depth)
{
    const struct aps_jsonread_node *node = s->at;
    const unsigned char *start = s->p;
    struct text text = {NULL, 0};
    bool fine = false;

    if (s->p == s->end)
        return false;
    if (*s->p == '"') {
        fine = read_text(s, APS_JSON_STRING, &text);
        free(text.p);
    } else if (*s->p == '[') {
        fine = depth < s->o->depth_max && count_node(s, APS_JSON_ARRAY) && take(s, '[') &&
               read_array(s, depth + 1);
    } else if (*s->p == '{') {
        fine = depth < s->o->depth_max && count_node(s, APS_JSON_OBJECT) && take(s, '{') &&
               read_object(s, depth + 1);
    } else if (*s->p == 't') {
        fine = read_word(s, "true", APS_JSON_TRUE);
    } else if (*s->p == 'f') {
        fine = read_word(s, "false", APS_JSON_FALSE);
    } else if (*s->p == 'n') {
        fine = read_word(s, "null", APS_JSON_NULL);
    } else {
        fine = count_node(s, APS_JSON_NUMBER) && read_number(s);
    }
    if (fine && s->r != NULL)
        check_raw(s, node, start);
    return fine;
}

static bool judge(struct aps_str text, const struct aps_jsonread_options *o,
                  const struct aps_jsonread *r)
{
    const unsigned char *p = (const unsigned char *)text.p;
    struct plain s = {.p = p, .end = p + text.n, .o = o, .r = r};

    if (text.n > o->bytes_max)
        return false;
    if (r != NULL)
        s.at = aps_jsonread_root(r);
    skip_space(&s);
    if (!read_value(&s, 0))
        return false;
    skip_space(&s);
    return s.p == s.end;
}

/* The three kinds of options; the plain ones with as much depth as the plain reader has stack. */
static struct aps_jsonread_options options_of(uint8_t choice)
{
    struct aps_jsonread_options o = aps_jsonread_strict;

    if (choice % 3 == 0)
        return o;
    if (choice % 3 == 1) {
        o = aps_jsonread_plain;
        o.depth_max = 500;
        return o;
    }
    o.bytes_max = 40u + choice;
    o.depth_max = choice % 7;
    o.nodes_max = choice % 29;
    o.string_max = choice % 23;
    o.members_max = choice % 5;
    o.items_max = choice % 11;
    o.digits_max = choice % 19;
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";
    struct aps_jsonread_options o;
    struct aps_jsonread r;
    struct aps_diag diag;
    struct aps_str text;
    apr_pool_t *pool = NULL;
    bool fine;

    if (size == 0 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    text = (struct aps_str){(const char *)data + 1, size - 1};
    o = options_of(data[0]);
    aps_jsonread_init(&r, pool, key);
    fine = aps_jsonread(&r, text, &o) == APS_JSONREAD_OK;
    expect(fine == judge(text, &o, NULL));
    if (fine)
        expect(judge(text, &o, &r));
    expect(r.fault_at <= text.n);
    aps_jsonread_fault_explain(&r, &diag);
    apr_pool_destroy(pool);
    return 0;
}
