/* graphql_lex.c - the tokens of a document (October 2021, 2.1). */
#include "apisec/num.h"
#include "graphql_impl.h"

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *end_of(const struct aps_graphql *g)
{
    return g->text.p + g->text.n;
}

/* The character at `p`, which is one that a document may have: its bytes, or 0 and a fault. */
static size_t character(struct aps_graphql *g, const char *p)
{
    size_t n;

    if ((unsigned char)*p < 0x80) {
        if ((unsigned char)*p >= ' ' || *p == '\t' || *p == '\n' || *p == '\r')
            return 1;
        (void)aps_graphql_fail(g, APS_GRAPHQL_CHARACTER, p); /* 0 says it */
        return 0;
    }
    n = aps_str_utf8((struct aps_str){p, (size_t)(end_of(g) - p)});
    if (n == 0)
        (void)aps_graphql_fail(g, APS_GRAPHQL_UTF8, p); /* 0 says it */
    return n;
}

static bool is_bom(const char *p, const char *end)
{
    return end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0;
}

static bool skip_comment(struct aps_graphql *g)
{
    while (g->p < end_of(g) && *g->p != '\n' && *g->p != '\r') {
        const size_t n = character(g, g->p);

        if (n == 0)
            return false;
        g->p += n;
    }
    return true;
}

/* What means nothing: white space, line ends, commas, marks of byte order, comments. */
static bool skip_ignored(struct aps_graphql *g)
{
    const char *end = end_of(g);

    while (g->p < end) {
        const char c = *g->p;

        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',') {
            g->p++;
        } else if (c == '#') {
            if (!skip_comment(g))
                return false;
        } else if (is_bom(g->p, end)) {
            g->p += 3;
        } else {
            break;
        }
    }
    return true;
}

/* Four hexadecimal digits at `p`, or -1. */
static int hex4(const char *p, const char *end)
{
    int value = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        if (aps_num_hex(p[i]) < 0)
            return -1;
        value = value * 16 + aps_num_hex(p[i]);
    }
    return value;
}

/* Bytes of the escape at `p`, a backslash; 0: it is none.  A surrogate stands in its pair. */
static size_t escape(const char *p, const char *end)
{
    int code;

    if (end - p < 2)
        return 0;
    if (p[1] != 'u')
        return memchr("\"\\/bfnrt", p[1], 8) != NULL ? 2 : 0;
    code = hex4(p + 2, end);
    if (code < 0 || (code >= 0xdc00 && code <= 0xdfff))
        return 0;
    if (code < 0xd800 || code > 0xdbff)
        return 6;
    if (end - p < 12 || p[6] != '\\' || p[7] != 'u')
        return 0;
    code = hex4(p + 8, end);
    return code >= 0xdc00 && code <= 0xdfff ? 12 : 0;
}

static bool read_block(struct aps_graphql *g)
{
    const char *p = g->token.p + 3, *end = end_of(g);
    size_t n;

    while (p < end) {
        if (end - p >= 3 && memcmp(p, "\"\"\"", 3) == 0) {
            g->p = p + 3;
            return true;
        }
        if (end - p >= 4 && memcmp(p, "\\\"\"\"", 4) == 0)
            n = 4;
        else
            n = character(g, p);
        if (n == 0)
            return false;
        p += n;
    }
    return aps_graphql_fail(g, APS_GRAPHQL_STRING, g->token.p);
}

static bool read_string(struct aps_graphql *g)
{
    const char *p = g->token.p + 1, *end = end_of(g);
    size_t n;

    g->kind = APS_GRAPHQL_TOKEN_STRING;
    if (end - p >= 2 && p[0] == '"' && p[1] == '"')
        return read_block(g);
    while (p < end && *p != '"' && *p != '\n' && *p != '\r') {
        if (*p == '\\') {
            n = escape(p, end);
            if (n == 0)
                return aps_graphql_fail(g, APS_GRAPHQL_STRING, p);
        } else {
            n = character(g, p);
        }
        if (n == 0)
            return false;
        p += n;
    }
    if (p == end || *p != '"')
        return aps_graphql_fail(g, APS_GRAPHQL_STRING, g->token.p);
    g->p = p + 1;
    return true;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

static bool read_number(struct aps_graphql *g)
{
    const char *p = g->token.p, *end = end_of(g), *digits;

    g->kind = APS_GRAPHQL_TOKEN_INT;
    p += *p == '-';
    digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return aps_graphql_fail(g, APS_GRAPHQL_NUMBER, g->token.p);
    if (p < end && *p == '.') {
        g->kind = APS_GRAPHQL_TOKEN_FLOAT;
        digits = p + 1;
        p = skip_digits(digits, end);
        if (p == digits)
            return aps_graphql_fail(g, APS_GRAPHQL_NUMBER, g->token.p);
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        g->kind = APS_GRAPHQL_TOKEN_FLOAT;
        digits = p + 1;
        digits += digits < end && (*digits == '+' || *digits == '-');
        p = skip_digits(digits, end);
        if (p == digits)
            return aps_graphql_fail(g, APS_GRAPHQL_NUMBER, g->token.p);
    }
    if (p < end && (*p == '.' || is_name_start(*p)))
        return aps_graphql_fail(g, APS_GRAPHQL_NUMBER, g->token.p);
    g->p = p;
    return true;
}

static bool read_name(struct aps_graphql *g)
{
    const char *p = g->token.p, *end = end_of(g);

    while (p < end && (is_name_start(*p) || is_digit(*p)))
        p++;
    g->kind = APS_GRAPHQL_TOKEN_NAME;
    g->p = p;
    return true;
}

static bool read_punctuator(struct aps_graphql *g)
{
    const char *p = g->token.p;
    const bool spread = end_of(g) - p >= 3 && memcmp(p, "...", 3) == 0;

    if (!spread && (*p == '\0' || strchr("!$&():=@[]{|}", *p) == NULL)) {
        if (character(g, p) == 0)
            return false;
        return aps_graphql_fail(g, APS_GRAPHQL_CHARACTER, p);
    }
    g->kind = *p;
    g->p = p + (spread ? 3 : 1);
    return true;
}

static bool is_word(char kind)
{
    return kind == APS_GRAPHQL_TOKEN_NAME || kind == APS_GRAPHQL_TOKEN_INT ||
           kind == APS_GRAPHQL_TOKEN_FLOAT || kind == APS_GRAPHQL_TOKEN_STRING;
}

/* Add the token to those before it, with a blank where they would run into each other; so the
 * whole is at most twice as long as the document. */
static void put_plain(struct aps_graphql *g, char before)
{
    if (is_word(before) && (is_word(g->kind) || g->kind == APS_GRAPHQL_TOKEN_SPREAD))
        g->plain[g->plain_n++] = ' ';
    memcpy(g->plain + g->plain_n, g->token.p, g->token.n);
    g->plain_n += g->token.n;
}

bool aps_graphql_lex_next(struct aps_graphql *g)
{
    const char before = g->kind;
    bool fine;

    if (!skip_ignored(g))
        return false;
    g->token = (struct aps_str){g->p, 0};
    g->kind = APS_GRAPHQL_TOKEN_END;
    if (g->p == end_of(g))
        return true;
    if (++g->tokens > g->options->tokens_max)
        return aps_graphql_fail(g, APS_GRAPHQL_TOKENS, g->p);
    if (is_name_start(*g->p))
        fine = read_name(g);
    else if (is_digit(*g->p) || *g->p == '-')
        fine = read_number(g);
    else if (*g->p == '"')
        fine = read_string(g);
    else
        fine = read_punctuator(g);
    g->token.n = (size_t)(g->p - g->token.p);
    if (fine && g->plain != NULL)
        put_plain(g, before);
    return fine;
}

bool aps_graphql_lex(struct aps_graphql *g)
{
    g->p = g->text.p;
    g->kind = APS_GRAPHQL_TOKEN_END;
    g->tokens = 0;
    g->plain_n = 0;
    return aps_graphql_lex_next(g);
}
