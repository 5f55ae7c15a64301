/* schema_regex.c - regular expressions of ECMA-262 (with its flag u) as PCRE2 writes them.
 *
 * What both mean the same is copied.  What only PCRE2 has is refused, so that no schema comes to
 * depend on it; what only ECMA-262 has is written otherwise: `.`, \s and \S, [] and [^], names of
 * general categories, a bracket in a class.  An escape of punctuation stands for itself, as
 * without the flag u, since most schemas have such. */
#include "schema_impl.h"

#include "apisec/num.h"

#define SOURCE_MAX 4096 /* bytes */
#define SPACE                                                                                      \
    "\\t\\n\\x{b}\\f\\r\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"      \
    "\\x{205f}\\x{3000}\\x{feff}"
#define NO_SPACE                                                                                   \
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"               \
    "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"                 \
    "\\x{3001}-\\x{d7ff}\\x{e000}-\\x{fefe}\\x{ff00}-\\x{10ffff}"

struct regex {
    struct aps_str rest;
    char *out;
    size_t n, cap;
    const char *why;
    unsigned depth; /* of groups */
};

static bool refuse(struct regex *x, const char *why)
{
    x->why = why;
    return false;
}

static bool put(struct regex *x, const char *text, size_t n)
{
    if (n > x->cap - x->n)
        return refuse(x, "too long");
    memcpy(x->out + x->n, text, n);
    x->n += n;
    return true;
}

static bool put_text(struct regex *x, const char *text)
{
    return put(x, text, strlen(text));
}

static bool put_code(struct regex *x, uint32_t code)
{
    static const char digits[] = "0123456789abcdef";
    char text[12];
    size_t n = sizeof text;

    text[--n] = '}';
    do
        text[--n] = digits[code & 15];
    while ((code >>= 4) != 0);
    text[--n] = '{';
    text[--n] = 'x';
    text[--n] = '\\';
    return put(x, text + n, sizeof text - n);
}

static int peek(const struct regex *x, size_t i)
{
    return i < x->rest.n ? (unsigned char)x->rest.p[i] : -1;
}

static void skip(struct regex *x, size_t n)
{
    x->rest.p += n;
    x->rest.n -= n;
}

/* Copy n bytes as they are. */
static bool copy(struct regex *x, size_t n)
{
    if (!put(x, x->rest.p, n))
        return false;
    skip(x, n);
    return true;
}

static bool is_between(int c, int from, int to)
{
    return c >= from && c <= to;
}

static bool is_digit(int c)
{
    return is_between(c, '0', '9');
}

static bool is_letter(int c)
{
    return is_between(c | 0x20, 'a', 'z') && c > 0;
}

/* ---- escapes */

static bool hex(struct regex *x, size_t from, size_t n, uint32_t *out)
{
    uint32_t code = 0;

    for (size_t i = 0; i < n; i++) {
        const int c = peek(x, from + i);
        const int value = c < 0 ? -1 : aps_num_hex((char)c);

        if (value < 0)
            return false;
        code = code * 16 + (uint32_t)value;
    }
    *out = code;
    return true;
}

/* \u{...}: digits from 3 on; *out_n is what to skip. */
static bool braced(struct regex *x, uint32_t *out, size_t *out_n)
{
    size_t n = 0;

    while (peek(x, 3 + n) >= 0 && peek(x, 3 + n) != '}')
        n++;
    *out_n = n + 4;
    return n > 0 && n <= 6 && peek(x, 3 + n) == '}' && hex(x, 3, n, out) && *out <= 0x10ffff;
}

/* \uXXXX, a pair of them for one character, or \u{...}. */
static bool unicode(struct regex *x)
{
    uint32_t code = 0, low = 0;
    size_t n = 6;

    if (peek(x, 2) == '{') {
        if (!braced(x, &code, &n))
            return refuse(x, "want \\u{...} of a code point");
    } else if (!hex(x, 2, 4, &code)) {
        return refuse(x, "want four hexadecimal digits behind \\u");
    } else if (is_between((int)code, 0xd800, 0xdbff) && peek(x, 6) == '\\' && peek(x, 7) == 'u' &&
               hex(x, 8, 4, &low) && is_between((int)low, 0xdc00, 0xdfff)) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        n = 12;
    }
    if (is_between((int)code, 0xd800, 0xdfff))
        return refuse(x, "half of a surrogate pair");
    skip(x, n);
    return put_code(x, code);
}

/* The long names of general categories (UAX 44) and their short ones, which PCRE2 has. */
static const struct {
    const char *name, *as;
} categories[] = {
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"LC", "L&"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
    {"Unassigned", "Cn"},
};

/* \p{...} and \P{...}: a general category, or a script as PCRE2 knows them. */
static bool property(struct regex *x)
{
    struct aps_str name = {x->rest.p + 3, 0}, kind = {NULL, 0}, rest;

    while (peek(x, 3 + name.n) >= 0 && peek(x, 3 + name.n) != '}')
        name.n++;
    if (peek(x, 2) != '{' || name.n == 0 || peek(x, 3 + name.n) != '}' || name.p[0] == '^')
        return refuse(x, "want \\p{...} of a category or script");
    if (!put(x, x->rest.p, 3))
        return false;
    skip(x, 4 + name.n);
    rest = name;
    if (memchr(name.p, '=', name.n) != NULL && aps_str_next(&rest, '=', &kind)) {
        if (aps_str_eq(kind, APS_STR_LIT("Script_Extensions")) ||
            aps_str_eq(kind, APS_STR_LIT("scx")))
            kind = APS_STR_LIT("scx:");
        else if (aps_str_eq(kind, APS_STR_LIT("Script")) || aps_str_eq(kind, APS_STR_LIT("sc")))
            kind = APS_STR_LIT("sc:");
        else if (aps_str_eq(kind, APS_STR_LIT("General_Category")) ||
                 aps_str_eq(kind, APS_STR_LIT("gc")))
            kind = (struct aps_str){NULL, 0};
        else
            return refuse(x, "a property that is neither category nor script");
        name = rest;
    }
    for (size_t i = 0; kind.n == 0 && i < sizeof categories / sizeof *categories; i++)
        if (aps_str_eq(name, aps_str(categories[i].name)))
            name = aps_str(categories[i].as);
    return (kind.n == 0 || put(x, kind.p, kind.n)) && put(x, name.p, name.n) && put(x, "}", 1);
}

/* \k<name> */
static bool back_reference(struct regex *x)
{
    size_t n = 3;

    if (peek(x, 2) != '<')
        return refuse(x, "want \\k<NAME>");
    while (is_letter(peek(x, n)) || is_digit(peek(x, n)) || peek(x, n) == '_')
        n++;
    if (n == 3 || peek(x, n) != '>')
        return refuse(x, "want \\k<NAME> of ASCII letters, digits and _");
    return copy(x, n + 1);
}

/* The escape at the beginning of the rest, outside of a class or in one. */
static bool escape(struct regex *x, bool in_class)
{
    const int c = peek(x, 1);
    uint32_t code = 0;

    switch (c) {
    case 'd':
    case 'D':
    case 'w':
    case 'W':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return copy(x, 2);
    case 'v':
        skip(x, 2);
        return put_code(x, 0x0b);
    case 's':
    case 'S':
        skip(x, 2);
        return (in_class || put_text(x, "[")) && put_text(x, c == 's' ? SPACE : NO_SPACE) &&
               (in_class || put_text(x, "]"));
    case 'b':
        if (in_class) {
            skip(x, 2);
            return put_code(x, 8);
        }
        return copy(x, 2);
    case 'B':
        return in_class ? refuse(x, "\\B in a class") : copy(x, 2);
    case 'c':
        if (!is_letter(peek(x, 2)))
            return refuse(x, "want a letter behind \\c");
        code = (uint32_t)peek(x, 2) & 31;
        skip(x, 3);
        return put_code(x, code);
    case 'x':
        if (!hex(x, 2, 2, &code))
            return refuse(x, "want two hexadecimal digits behind \\x");
        skip(x, 4);
        return put_code(x, code);
    case 'u':
        return unicode(x);
    case 'p':
    case 'P':
        return property(x);
    case 'k':
        return in_class ? refuse(x, "\\k in a class") : back_reference(x);
    case '0':
        if (is_digit(peek(x, 2)))
            return refuse(x, "an octal escape; want \\xHH");
        skip(x, 2);
        return put_code(x, 0);
    case '1' ... '9': {
        size_t n = 2;

        if (in_class)
            return refuse(x, "a back reference in a class");
        while (is_digit(peek(x, n)))
            n++;
        /* \g{N} is a back reference whatever N is. */
        return put_text(x, "\\g{") && put(x, x->rest.p + 1, n - 1) && put_text(x, "}") &&
               (skip(x, n), true);
    }
    default:
        if (c <= ' ' || c >= 0x7f || is_letter(c))
            return refuse(x, "an escape that ECMA-262 has not");
        return copy(x, 2);
    }
}

/* ---- classes */

/* The class at the beginning of the rest. */
static bool class(struct regex *x)
{
    const bool negated = peek(x, 1) == '^';

    if (peek(x, 1 + negated) == ']') { /* nothing, or anything */
        skip(x, 2u + negated);
        return put_text(x, negated ? "[\\x{0}-\\x{10ffff}]" : "(?!)");
    }
    if (!copy(x, 1u + negated))
        return false;
    while (x->rest.n > 0 && peek(x, 0) != ']') {
        if (peek(x, 0) == '\\') {
            if (!escape(x, true))
                return false;
        } else if (peek(x, 0) == '[') {
            skip(x, 1);
            if (!put_text(x, "\\["))
                return false;
        } else if (!copy(x, 1)) {
            return false;
        }
    }
    if (x->rest.n == 0)
        return refuse(x, "a class without its ]");
    return copy(x, 1);
}

/* ---- groups and quantifiers */

/* ( and what follows it, up to where its content begins. */
static bool open_group(struct regex *x)
{
    size_t n = 3;

    x->depth++;
    if (peek(x, 1) == '*')
        return refuse(x, "nothing to repeat");
    if (peek(x, 1) != '?')
        return copy(x, 1);
    if (peek(x, 2) == ':' || peek(x, 2) == '=' || peek(x, 2) == '!')
        return copy(x, 3);
    if (peek(x, 2) != '<')
        return refuse(x, "a group that ECMA-262 has not");
    if (peek(x, 3) == '=' || peek(x, 3) == '!')
        return copy(x, 4);
    while (is_letter(peek(x, n)) || peek(x, n) == '_' || (n > 3 && is_digit(peek(x, n))))
        n++;
    if (n == 3 || peek(x, n) != '>')
        return refuse(x, "want (?<NAME>...) of ASCII letters, digits and _");
    return copy(x, n + 1);
}

/* How long {n}, {n,} or {n,m} at the beginning of the rest is, or 0. */
static size_t repeat(const struct regex *x)
{
    size_t n = 1;

    while (is_digit(peek(x, n)))
        n++;
    if (n == 1)
        return 0;
    if (peek(x, n) == ',')
        for (n++; is_digit(peek(x, n));)
            n++;
    return peek(x, n) == '}' ? n + 1 : 0;
}

/* A quantifier of n bytes, and ? behind it. */
static bool quantifier(struct regex *x, size_t n, bool *io_able)
{
    if (!*io_able)
        return refuse(x, "nothing to repeat");
    *io_able = false;
    if (peek(x, n) == '?')
        n++;
    return copy(x, n);
}

static bool translate(struct regex *x)
{
    bool able = false; /* what stands before can be repeated */
    size_t n;

    while (x->rest.n > 0) {
        const int c = peek(x, 0);
        bool fine, next = true;

        switch (c) {
        case '\\':
            next = peek(x, 1) != 'b' && peek(x, 1) != 'B';
            fine = escape(x, false);
            break;
        case '[':
            fine = class(x);
            break;
        case '(':
            next = false;
            fine = open_group(x);
            break;
        case ')':
            fine = x->depth > 0 ? copy(x, 1) : refuse(x, "a ) without its (");
            x->depth -= fine;
            break;
        case '*':
        case '+':
        case '?':
            fine = quantifier(x, 1, &able);
            next = false;
            break;
        case '{':
            if ((n = repeat(x)) > 0) {
                fine = quantifier(x, n, &able);
                next = false;
            } else {
                skip(x, 1);
                fine = put_text(x, "\\{");
            }
            break;
        case '}':
        case ']':
            skip(x, 1);
            fine = put(x, "\\", 1) && put(x, c == ']' ? "]" : "}", 1);
            break;
        case '.':
            skip(x, 1);
            fine = put_text(x, "[^\\n\\r\\x{2028}\\x{2029}]");
            break;
        case '^':
        case '$':
        case '|':
            next = false;
            fine = copy(x, 1);
            break;
        default:
            n = aps_str_utf8(x->rest);
            fine = n > 0 ? copy(x, n) : refuse(x, "not UTF-8");
        }
        if (!fine)
            return false;
        able = next;
    }
    return x->depth == 0 || refuse(x, "a ( without its )");
}

/* ---- what needs no regular expression */

static bool is_special(char c)
{
    return strchr("\\^$.*+?()[]{}|", c) != NULL || c == '\0';
}

/* ^text, text$, ^text$ and text, of characters that stand for themselves; also ^.*$ and such do
 * not count, as . is not any character. */
static bool is_plain(struct aps_str s, struct aps_str *out, enum schema_pattern_kind *out_kind)
{
    const bool start = s.n > 0 && s.p[0] == '^', end = s.n > start && s.p[s.n - 1] == '$';
    const struct aps_str text = {s.p + start, s.n - start - end};

    for (size_t i = 0; i < text.n; i++)
        if (is_special(text.p[i]))
            return false;
    if (text.n == 0 && !(start && end))
        *out_kind = SCHEMA_P_ALL;
    else
        *out_kind = start && end ? SCHEMA_P_EQUAL
                    : start      ? SCHEMA_P_START
                    : end        ? SCHEMA_P_END
                                 : SCHEMA_P_HAS;
    *out = text;
    return true;
}

const char *aps_schema_regex(struct aps_str source, apr_pool_t *pool, struct aps_str *out,
                             enum schema_pattern_kind *out_kind)
{
    struct regex x = {.rest = source};

    if (source.n > SOURCE_MAX)
        return "longer than 4096 bytes";
    if (is_plain(source, out, out_kind) || aps_schema_sequence(source, pool, out, out_kind))
        return NULL;
    x.cap = 140 * source.n + 64;
    if ((x.out = apr_palloc(pool, x.cap)) == NULL)
        return "out of memory";
    if (!translate(&x))
        return x.why;
    *out = (struct aps_str){x.out, x.n};
    *out_kind = SCHEMA_P_REGEX;
    return NULL;
}
