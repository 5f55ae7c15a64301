/* sanitize_value.c - what is done to one value. */
#include <stdlib.h>
#include <uninorm.h>

#include "apisec/sanitize.h"

/* Below U+0300 every text is in Form C. */
static bool is_nfc_at_sight(struct aps_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0xcc)
            return false;
    return true;
}

/* No character needs more than three times its bytes (Unicode, annex 15, 9.3). */
static bool make_nfc(struct aps_str s, struct aps_buf *to, struct aps_str *out)
{
    size_t n = s.n * 3;
    char *room;
    uint8_t *made;

    if (is_nfc_at_sight(s)) {
        *out = s;
        return true;
    }
    aps_buf_cut(to, 0);
    if ((room = aps_buf_room(to, n)) == NULL)
        return false;
    made = u8_normalize(UNINORM_NFC, (const uint8_t *)s.p, s.n, (uint8_t *)room, &n);
    if (made == NULL)
        return false;
    if (made != (uint8_t *)room) {
        if (n <= to->n)
            memcpy(room, made, n);
        free(made);
    }
    if (n > to->n)
        return false;
    aps_buf_cut(to, n);
    *out = aps_buf_text(to);
    return true;
}

/* What follows a `<` that HTML reads as the start of a tag, an end tag, a declaration, a comment
 * (HTML, 13.2.5.6). */
static bool opens(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == '!' || c == '?';
}

/* From its end on, drop each `<` that opens something by what is left behind it. */
static size_t drop_openers(char *p, size_t n)
{
    size_t to = n;

    for (size_t i = n; i-- > 0;)
        if (p[i] != '<' || to == n || !opens(p[to]))
            p[--to] = p[i];
    memmove(p, p + to, n - to);
    return n - to;
}

/* In one pass to the fixed point.  Before `open` no `<` opens anything; one that is last there may,
 * by what is written behind it next, and is `open` then. */
static bool strip(struct aps_str s, struct aps_buf *to, struct aps_str *out)
{
    const size_t none = SIZE_MAX;
    size_t n = 0, open = none;
    char *p;

    if (memchr(s.p, '<', s.n) == NULL && memchr(s.p, '\0', s.n) == NULL) {
        *out = s;
        return true;
    }
    aps_buf_cut(to, 0);
    if ((p = aps_buf_room(to, s.n)) == NULL)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i];

        if (c == '\0')
            continue;
        if (open != none && c == '>') {
            n = open;
            open = none;
            continue;
        }
        if (open == none && n != 0 && p[n - 1] == '<' && opens(c))
            open = n - 1;
        p[n++] = c;
    }
    if (open != none)
        n = drop_openers(p, n);
    *out = (struct aps_str){p, n};
    return true;
}

static bool is_space(uint32_t code)
{
    return (code >= 0x09 && code <= 0x0d) || code == ' ' || code == 0x85 || code == 0xa0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

static struct aps_str trim(struct aps_str s)
{
    uint32_t code;
    size_t n;

    while ((n = aps_str_utf8_code(s, &code)) != 0 && is_space(code))
        s = (struct aps_str){s.p + n, s.n - n};
    while (s.n != 0) {
        for (n = 1; n < s.n && n < 4 && ((unsigned char)s.p[s.n - n] & 0xc0) == 0x80;)
            n++;
        if (aps_str_utf8_code((struct aps_str){s.p + s.n - n, n}, &code) != n || !is_space(code))
            break;
        s.n -= n;
    }
    return s;
}

static struct aps_str entity(char c)
{
    switch (c) {
    case '&':
        return APS_STR_LIT("&amp;");
    case '<':
        return APS_STR_LIT("&lt;");
    case '>':
        return APS_STR_LIT("&gt;");
    case '"':
        return APS_STR_LIT("&quot;");
    case '\'':
        return APS_STR_LIT("&#39;");
    default:
        return (struct aps_str){NULL, 0};
    }
}

static bool escape(struct aps_str s, struct aps_buf *to, struct aps_str *out)
{
    size_t from = 0;

    aps_buf_cut(to, 0);
    for (size_t i = 0; i < s.n; i++) {
        const struct aps_str e = entity(s.p[i]);

        if (e.n == 0)
            continue;
        aps_buf_add(to, (struct aps_str){s.p + from, i - from});
        aps_buf_add(to, e);
        from = i + 1;
    }
    if (from == 0) {
        *out = s;
        return true;
    }
    aps_buf_add(to, (struct aps_str){s.p + from, s.n - from});
    *out = aps_buf_text(to);
    return !to->full;
}

/* The buffer that `s` does not lie in. */
static struct aps_buf *other(struct aps_buf work[2], struct aps_str s)
{
    const uintptr_t p = (uintptr_t)s.p, from = (uintptr_t)work[0].p;

    return p >= from && p <= from + work[0].n ? &work[1] : &work[0];
}

bool aps_sanitize_value(unsigned actions, struct aps_str value, struct aps_buf work[2],
                        struct aps_str *out)
{
    struct aps_str s = {value.n != 0 ? value.p : "", value.n};

    if ((actions & APS_SANITIZE_NFC) != 0 && !make_nfc(s, &work[0], &s))
        return false;
    if ((actions & APS_SANITIZE_STRIP) != 0 && !strip(s, other(work, s), &s))
        return false;
    if ((actions & APS_SANITIZE_TRIM) != 0)
        s = trim(s);
    if ((actions & APS_SANITIZE_ESCAPE) != 0 && !escape(s, other(work, s), &s))
        return false;
    *out = s;
    return true;
}
