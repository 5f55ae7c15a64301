/* quote.c - a text as one word of a shell. */
#include "quote.h"

#include <apr_strings.h>

/* What is safe anywhere in a word; `~` and `=` only behind its start, so they are left out. */
static bool is_plain(struct aps_str text)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "_@%+:,./-";

    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\0' || strchr(safe, text.p[i]) == NULL)
            return false;
    return text.n > 0;
}

const char *ctl_quote(apr_pool_t *pool, struct aps_str text)
{
    char *quoted, *to;

    if (is_plain(text))
        return aps_str_copy(pool, text).p;
    to = quoted = apr_palloc(pool, 4 * text.n + 3);
    *to++ = '\'';
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\'') {
            *to++ = text.p[i];
            continue;
        }
        memcpy(to, "'\\''", 4);
        to += 4;
    }
    *to++ = '\'';
    *to = '\0';
    return quoted;
}

const char *ctl_quote_list(apr_pool_t *pool, const struct aps_str *texts, size_t n)
{
    const char *joined = "";

    for (size_t i = 0; i < n; i++)
        joined = apr_pstrcat(pool, joined, i > 0 ? "," : "", aps_str_copy(pool, texts[i]).p, NULL);
    return ctl_quote(pool, aps_str(joined));
}
