/* hsts.c - what a browser makes of Strict-Transport-Security. */
#include "apisec/hsts.h"

/* Digits, alone or in quotes; a backslash is no digit. */
static bool read_age(struct aps_str text, uint64_t *out)
{
    uint64_t age = 0;

    if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
        text = (struct aps_str){text.p + 1, text.n - 2};
    for (size_t i = 0; i < text.n; i++) {
        const unsigned digit = (unsigned)text.p[i] - '0';

        if (digit > 9)
            return false;
        age = age > (UINT64_MAX - digit) / 10 ? UINT64_MAX : age * 10 + digit;
    }
    *out = age;
    return text.n != 0;
}

/* A directive without a value, once. */
static bool set_once(bool *flag, bool has_value)
{
    const bool ok = !*flag && !has_value;

    *flag = true;
    return ok;
}

static bool read_one(struct aps_str word, struct aps_hsts *out, bool *has_age)
{
    const char *equals = memchr(word.p, '=', word.n);
    const size_t n = equals != NULL ? (size_t)(equals - word.p) : word.n;
    const struct aps_str name = aps_str_trim((struct aps_str){word.p, n});

    if (aps_str_eq_nocase(name, APS_STR_LIT("includeSubDomains")))
        return set_once(&out->subdomains, equals != NULL);
    if (aps_str_eq_nocase(name, APS_STR_LIT("preload")))
        return set_once(&out->preload, equals != NULL);
    if (!aps_str_eq_nocase(name, APS_STR_LIT("max-age")))
        return memchr(word.p, '"', word.n) == NULL; /* a text in quotes could have a `;` in it */
    if (*has_age || equals == NULL)
        return false;
    *has_age = true;
    return read_age(aps_str_trim((struct aps_str){equals + 1, word.n - n - 1}), &out->max_age);
}

bool aps_hsts_read(struct aps_str field, struct aps_hsts *out)
{
    struct aps_hsts read = {.max_age = 0};
    struct aps_str word;
    bool has_age = false;

    while (aps_str_next(&field, ';', &word)) {
        word = aps_str_trim(word);
        if (word.n != 0 && !read_one(word, &read, &has_age))
            return false;
    }
    if (has_age)
        *out = read;
    return has_age;
}
