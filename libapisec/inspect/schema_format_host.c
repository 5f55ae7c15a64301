/* schema_format_host.c - host names. */
#include "schema_impl.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_label(struct aps_str s)
{
    if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

/* RFC 1123 2.1; an A-label has to be one (RFC 5890 2.3.2.1). */
bool aps_schema_format_host(struct aps_str s)
{
    struct aps_str rest = s, label;

    if (s.n == 0 || s.n > 253 || s.p[s.n - 1] == '.')
        return false;
    while (aps_str_next(&rest, '.', &label))
        if (!is_label(label) || (label.n >= 4 && label.p[2] == '-' && label.p[3] == '-' &&
                                 !aps_schema_format_idn_label(label)))
            return false;
    return true;
}
