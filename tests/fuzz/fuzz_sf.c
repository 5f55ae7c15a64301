/* The reader against a plain one, made from the grammar of RFC 9651 and sharing no code with it:
 * both accept or both refuse.  What is accepted is printed, and what is printed is read and printed
 * again to the same bytes.  The first byte chooses type and limits. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/sf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* ---- the plain reader: each rule eats what it names, or there is no match */

struct plain {
    const unsigned char *p, *end;
    const struct aps_sf_limits *o;
};

static bool at(const struct plain *s, const char *set)
{
    return s->p < s->end && *s->p != 0 && strchr(set, *s->p) != NULL;
}

static bool eat(struct plain *s, const char *set)
{
    if (!at(s, set))
        return false;
    s->p++;
    return true;
}

#define DIGIT "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TCHAR "!#$%&'*+-.^_`|~" DIGIT LOWER UPPER
#define BASE64 UPPER LOWER DIGIT "+/"

static unsigned eat_all(struct plain *s, const char *set)
{
    unsigned n = 0;

    while (eat(s, set))
        n++;
    return n;
}

static bool is_key(struct plain *s)
{
    if (!eat(s, LOWER "*"))
        return false;
    (void)eat_all(s, LOWER DIGIT "_-.*");
    return true;
}

static bool is_number(struct plain *s, bool *whole)
{
    unsigned before, behind;

    (void)eat(s, "-");
    before = eat_all(s, DIGIT);
    *whole = !eat(s, ".");
    if (*whole)
        return before >= 1 && before <= 15;
    behind = eat_all(s, DIGIT);
    return before >= 1 && before <= 12 && behind >= 1 && behind <= 3;
}

static bool is_string(struct plain *s)
{
    while (s->p < s->end && *s->p >= 0x20 && *s->p <= 0x7e) {
        if (eat(s, "\""))
            return true;
        if (eat(s, "\\")) {
            if (!eat(s, "\"\\"))
                return false;
        } else {
            s->p++;
        }
    }
    return false;
}

static bool is_base64(struct plain *s)
{
    const unsigned digits = eat_all(s, BASE64), pads = eat_all(s, "=");

    if (digits % 4 == 1 || !eat(s, ":"))
        return false;
    return pads == 0 || (digits % 4 != 0 && (digits + pads) % 4 == 0 && pads <= 2);
}

static unsigned hex_of(unsigned char c)
{
    static const char digits[] = "0123456789abcdef";

    return (unsigned)(strchr(digits, c) - digits);
}

/* The next byte of a display string; -1: there is none. */
static int next_of_display(struct plain *s)
{
    unsigned high;

    if (s->p == s->end || *s->p < 0x20 || *s->p > 0x7e || *s->p == '"')
        return -1;
    if (!eat(s, "%"))
        return *s->p++;
    if (!at(s, "0123456789abcdef"))
        return -1;
    high = hex_of(*s->p++);
    if (!at(s, "0123456789abcdef"))
        return -1;
    return (int)(high * 16 + hex_of(*s->p++));
}

/* Code points by their sum, each in the range that its length stands for (RFC 3629 3). */
static bool is_display(struct plain *s)
{
    static const unsigned least[] = {0, 0x80, 0x800, 0x10000};

    if (!eat(s, "\""))
        return false;
    while (!eat(s, "\"")) {
        const int c = next_of_display(s);
        unsigned more, code;

        if (c < 0 || (c >= 0x80 && c < 0xc0) || c >= 0xf8)
            return false;
        more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        code = (unsigned)c & (more == 0 ? 0x7fu : 0x3fu >> more);
        for (unsigned i = 0; i < more; i++) {
            const int d = next_of_display(s);

            if (d < 0x80 || d > 0xbf)
                return false;
            code = code << 6 | ((unsigned)d & 0x3f);
        }
        if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return false;
    }
    return true;
}

static bool is_bare(struct plain *s)
{
    bool whole;

    if (at(s, "-" DIGIT))
        return is_number(s, &whole);
    if (eat(s, "\""))
        return is_string(s);
    if (eat(s, "?"))
        return eat(s, "01");
    if (eat(s, ":"))
        return is_base64(s);
    if (eat(s, "@"))
        return at(s, "-" DIGIT) && is_number(s, &whole) && whole;
    if (eat(s, "%"))
        return is_display(s);
    if (!eat(s, LOWER UPPER "*"))
        return false;
    (void)eat_all(s, TCHAR ":/");
    return true;
}

static bool is_params(struct plain *s)
{
    for (uint32_t n = 1; eat(s, ";"); n++) {
        (void)eat_all(s, " ");
        if (!is_key(s) || n > s->o->params_max || (eat(s, "=") && !is_bare(s)))
            return false;
    }
    return true;
}

static bool is_item(struct plain *s)
{
    return is_bare(s) && is_params(s);
}

static bool is_value(struct plain *s)
{
    if (!eat(s, "("))
        return is_item(s);
    (void)eat_all(s, " ");
    for (uint32_t n = 1; !eat(s, ")"); n++) {
        if (n > s->o->items_max || !is_item(s) || !at(s, " )"))
            return false;
        (void)eat_all(s, " ");
    }
    return is_params(s);
}

static bool is_member(struct plain *s, bool named)
{
    if (!named)
        return is_value(s);
    return is_key(s) && (eat(s, "=") ? is_value(s) : is_params(s));
}

static bool judge(struct aps_str text, enum aps_sf_type type, const struct aps_sf_limits *o)
{
    const unsigned char *p = (const unsigned char *)text.p;
    struct plain s = {p, p + text.n, o};
    uint32_t n = 0;

    if (text.n > o->bytes_max)
        return false;
    while (s.end > s.p && s.end[-1] == ' ')
        s.end--;
    (void)eat_all(&s, " ");
    if (type == APS_SF_ITEM)
        return is_item(&s) && s.p == s.end;
    if (s.p == s.end)
        return true;
    do {
        (void)eat_all(&s, n == 0 ? "" : " \t");
        if (n++ == o->members_max || !is_member(&s, type == APS_SF_DICTIONARY))
            return false;
        (void)eat_all(&s, " \t");
    } while (eat(&s, ","));
    return s.p == s.end;
}

/* ---- what comes out */

static struct aps_str print(const struct aps_sf *v, enum aps_sf_type type, apr_pool_t *pool)
{
    struct aps_buf b;

    aps_buf_init(&b, pool, SIZE_MAX);
    expect(aps_sf_print(v, type, &b, NULL) == APS_OK);
    return aps_buf_text(&b);
}

static void check_nodes(const struct aps_sf *v, bool named, const struct aps_sf_limits *o,
                        uint32_t max, bool inner)
{
    uint32_t n = 0;

    for (; v != NULL; v = v->next) {
        expect(++n <= max && named == (v->key.n != 0) && v->kind != APS_SF_NONE);
        expect(v->kind == APS_SF_INNER ? inner : v->items == NULL);
        expect(!named || aps_sf_get(v, v->key) == v);
        for (const struct aps_sf *w = v->next; named && w != NULL; w = w->next)
            expect(!aps_str_eq(v->key, w->key));
        check_nodes(v->items, false, o, o->items_max, false);
        check_nodes(v->params, true, o, o->params_max, false);
    }
}

static void check(const struct aps_sf *v, enum aps_sf_type type, const struct aps_sf_limits *o,
                  apr_pool_t *pool)
{
    struct aps_sf_limits wide = *o;
    struct aps_str once = print(v, type, pool);
    struct aps_sf *again;

    check_nodes(v, type == APS_SF_DICTIONARY, o, type == APS_SF_ITEM ? 1 : o->members_max,
                type != APS_SF_ITEM);
    wide.bytes_max = UINT32_MAX; /* spaces behind commas and percents may make it longer */
    expect(aps_sf_read(once, type, &wide, pool, &again, NULL) == APS_OK);
    expect(aps_str_eq(print(again, type, pool), once));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct aps_sf_limits narrow = {200, 5, 4, 3};
    const struct aps_sf_limits *o;
    enum aps_sf_type type;
    struct aps_diag diag;
    struct aps_sf *v;
    struct aps_str text;
    apr_pool_t *pool = NULL;
    bool fine;

    if (size == 0 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    type = (enum aps_sf_type)(data[0] % 3);
    o = data[0] / 3 % 2 == 0 ? &aps_sf_wide : &narrow;
    text = (struct aps_str){(const char *)data + 1, size - 1};
    fine = aps_sf_read(text, type, o, pool, &v, &diag) == APS_OK;
    expect(fine == judge(text, type, o));
    if (fine)
        check(v, type, o, pool);
    apr_pool_destroy(pool);
    return 0;
}
