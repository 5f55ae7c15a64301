/* prose.c - text for people, escaped for a terminal. */
#include "prose.h"

#include <stdio.h>
#include <string.h>

void ctl_prose_put(struct ctl_prose *t, struct aps_str s)
{
    if (t->cap - t->n < s.n) {
        size_t cap = 2 * t->cap + s.n + 512;
        char *grown = apr_palloc(t->pool, cap);

        if (t->n > 0)
            memcpy(grown, t->p, t->n);
        t->p = grown;
        t->cap = cap;
    }
    if (s.n > 0)
        memcpy(t->p + t->n, s.p, s.n);
    t->n += s.n;
}

void ctl_prose_spaces(struct ctl_prose *t, size_t n)
{
    while (n-- > 0)
        ctl_prose_put(t, APS_STR_LIT(" "));
}

/* Whether no character of it has to be escaped. */
static bool is_plain(struct aps_str s)
{
    uint32_t code = 0;
    size_t n;

    for (; s.n > 0; s.p += n, s.n -= n)
        if ((n = aps_str_utf8_code(s, &code)) == 0 || aps_str_is_control(code))
            return false;
    return true;
}

struct aps_str ctl_prose_escaped(apr_pool_t *pool, struct aps_str s)
{
    struct ctl_prose t = {.pool = pool};
    char code_text[16];

    if (is_plain(s))
        return aps_str_copy(pool, s);
    while (s.n > 0) {
        uint32_t code = 0;
        size_t n = aps_str_utf8_code(s, &code);

        if (n == 0) {
            n = 1;
            snprintf(code_text, sizeof code_text, "\\x%02x", (unsigned char)s.p[0]);
            ctl_prose_put(&t, aps_str(code_text));
        } else if (aps_str_is_control(code)) {
            snprintf(code_text, sizeof code_text, "\\u{%x}", (unsigned)code);
            ctl_prose_put(&t, aps_str(code_text));
        } else {
            ctl_prose_put(&t, (struct aps_str){s.p, n});
        }
        s.p += n;
        s.n -= n;
    }
    return (struct aps_str){t.p, t.n};
}

size_t ctl_prose_width(struct aps_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            n++;
    return n;
}
