/* api_below.c - the place of an API on its server, taken off a path. */
#include "apisec/api.h"

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

bool aps_api_below(struct aps_str *io_path, struct aps_str at)
{
    struct aps_str rest = *io_path;

    if (rest.n == 0 || *rest.p != '/')
        return false;
    for (size_t i = 0; i < at.n; i++) {
        char c = rest.n != 0 ? *rest.p : '\0';
        size_t n = 1;

        if (c == '%' && rest.n >= 3) {
            c = (char)(hex_of(rest.p[1]) << 4 | hex_of(rest.p[2]));
            n = 3;
        }
        if (rest.n < n || c != at.p[i])
            return false;
        rest = (struct aps_str){rest.p + n, rest.n - n};
    }
    if (rest.n != 0 && *rest.p != '/')
        return false;
    *io_path = rest.n != 0 ? rest : APS_STR_LIT("/");
    return true;
}
