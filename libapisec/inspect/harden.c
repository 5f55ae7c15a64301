/* harden.c - five characters of strings, written otherwise. */
#include "apisec/harden.h"

/* The first bytes of U+2028 (e2 80 a8) and U+2029 (e2 80 a9). */
static const char separator[] = "\xe2\x80";

bool aps_harden_is_json(struct aps_str content_type)
{
    static const struct aps_str plain[] = {{"application/json", 16}, {"text/json", 9}};
    struct aps_str type = content_type;
    const char *end = type.n != 0 ? memchr(type.p, ';', type.n) : NULL;

    if (end != NULL)
        type.n = (size_t)(end - type.p);
    type = aps_str_trim(type);
    if (aps_str_eq_nocase(type, plain[0]) || aps_str_eq_nocase(type, plain[1]))
        return true;
    return type.n > 5 &&
           aps_str_eq_nocase((struct aps_str){type.p + type.n - 5, 5}, APS_STR_LIT("+json"));
}

static struct aps_str unit(char c)
{
    switch (c) {
    case '<':
        return APS_STR_LIT("\\u003c");
    case '>':
        return APS_STR_LIT("\\u003e");
    case '&':
        return APS_STR_LIT("\\u0026");
    default:
        return (struct aps_str){NULL, 0};
    }
}

/* Bytes at the start of `s`, within a string, that stay and say nothing. */
static size_t plain_of(struct aps_str s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] != '"' && s.p[n] != '\\' && s.p[n] != '<' && s.p[n] != '>' &&
           s.p[n] != '&' && s.p[n] != separator[0])
        n++;
    return n;
}

/* The byte behind those that are held.  False: it is none of the character; they are written. */
static bool go_on(struct aps_harden *h, char c, struct aps_buf *out)
{
    if (h->held == 1 && c == separator[1]) {
        h->held = 2;
        return true;
    }
    if (h->held == 2 && (c == '\xa8' || c == '\xa9')) {
        h->held = 0;
        aps_buf_add(out, c == '\xa8' ? APS_STR_LIT("\\u2028") : APS_STR_LIT("\\u2029"));
        return true;
    }
    aps_harden_end(h, out);
    return false;
}

/* One byte within a string. */
static void inside(struct aps_harden *h, char c, struct aps_buf *out)
{
    const struct aps_str u = unit(c);

    if (h->held != 0 && go_on(h, c, out))
        return;
    if (c == separator[0]) {
        h->held = 1;
        h->escape = false;
        return;
    }
    if (h->escape)
        h->escape = false;
    else if (c == '\\')
        h->escape = true;
    else if (c == '"')
        h->string = false;
    if (u.n != 0)
        aps_buf_add(out, u);
    else
        aps_buf_add_char(out, c);
}

void aps_harden_feed(struct aps_harden *h, struct aps_str piece, struct aps_buf *out)
{
    while (piece.n != 0) {
        size_t n = 0;

        if (!h->string) {
            const char *quote = memchr(piece.p, '"', piece.n);

            n = quote != NULL ? (size_t)(quote - piece.p) + 1 : piece.n;
            h->string = quote != NULL;
        } else if (h->held == 0 && !h->escape) {
            n = plain_of(piece);
        }
        aps_buf_add(out, (struct aps_str){piece.p, n});
        piece = (struct aps_str){piece.p + n, piece.n - n};
        if (h->string && n == 0) {
            inside(h, piece.p[0], out);
            piece = (struct aps_str){piece.p + 1, piece.n - 1};
        }
    }
}

void aps_harden_end(struct aps_harden *h, struct aps_buf *out)
{
    aps_buf_add(out, (struct aps_str){separator, h->held});
    h->held = 0;
}
