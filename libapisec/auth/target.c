/* target.c - RFC 3986 6.2, for http and https.
 *
 * What is written is never longer than what was read so far, but for the `/` of an empty path. */
#include "apisec/target.h"

#include "apisec/num.h"

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static bool is_sub_delim(char c)
{
    return c != '\0' && strchr("!$&'()*+,;=", c) != NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Cut the scheme and `//` off. */
static bool take_scheme(struct aps_str *rest, bool *out_https)
{
    static const struct aps_str schemes[] = {{"http://", 7}, {"https://", 8}};

    for (size_t i = 0; i < 2; i++)
        if (rest->n >= schemes[i].n &&
            aps_str_eq_nocase((struct aps_str){rest->p, schemes[i].n}, schemes[i])) {
            *rest = (struct aps_str){rest->p + schemes[i].n, rest->n - schemes[i].n};
            *out_https = i == 1;
            return true;
        }
    return false;
}

/* Up to the first of `ends`, or all of it. */
static struct aps_str take_until(struct aps_str *rest, const char *ends)
{
    struct aps_str out = *rest;
    size_t n = 0;

    while (n < rest->n && (rest->p[n] == '\0' || strchr(ends, rest->p[n]) == NULL))
        n++;
    out.n = n;
    *rest = (struct aps_str){rest->p + n, rest->n - n};
    return out;
}

/* Name, IPv4 address or [IPv6 address]; percent-encoding in a name is refused. */
static bool put_host(struct aps_str host, char **at)
{
    const bool literal = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';

    if (host.n == 0)
        return false;
    for (size_t i = 0; i < host.n; i++) {
        const char c = host.p[i];
        const bool inside = literal && i != 0 && i != host.n - 1;
        const bool edge = literal && !inside;

        if (!edge && !(inside ? aps_num_hex(c) >= 0 || c == ':' || c == '.'
                              : is_unreserved(c) || is_sub_delim(c)))
            return false;
        *(*at)++ = lower(c);
    }
    return true;
}

/* `:` and a port, left out where it is empty or the scheme's. */
static bool put_port(struct aps_str port, bool https, char **at)
{
    const struct aps_str own = https ? APS_STR_LIT("443") : APS_STR_LIT("80");
    uint64_t n;

    while (port.n > 1 && port.p[0] == '0')
        port = (struct aps_str){port.p + 1, port.n - 1};
    if (port.n == 0 || aps_str_eq(port, own))
        return true;
    if (aps_num_parse(port, 1, 65535, &n, NULL) != APS_OK)
        return false;
    *(*at)++ = ':';
    memcpy(*at, port.p, port.n);
    *at += port.n;
    return true;
}

static bool put_authority(struct aps_str authority, bool https, char **at)
{
    struct aps_str host = authority, port = {NULL, 0};
    size_t colon = authority.n;

    while (colon != 0 && authority.p[colon - 1] >= '0' && authority.p[colon - 1] <= '9')
        colon--;
    if (colon != 0 && authority.p[colon - 1] == ':') {
        host.n = colon - 1;
        port = (struct aps_str){authority.p + colon, authority.n - colon};
    }
    return put_host(host, at) && put_port(port, https, at);
}

/* One character of a path, as it is compared. */
static bool put_path_char(struct aps_str path, size_t *i, char **at)
{
    const char c = path.p[*i];
    static const char digits[] = "0123456789ABCDEF";
    int high, low;

    if (c != '%') {
        if (!is_unreserved(c) && !is_sub_delim(c) && c != ':' && c != '@' && c != '/')
            return false;
        *(*at)++ = c;
        return true;
    }
    if (path.n - *i < 3 || (high = aps_num_hex(path.p[*i + 1])) < 0 ||
        (low = aps_num_hex(path.p[*i + 2])) < 0)
        return false;
    *i += 2;
    if (is_unreserved((char)(high << 4 | low))) {
        *(*at)++ = (char)(high << 4 | low);
        return true;
    }
    *(*at)++ = '%';
    *(*at)++ = digits[high];
    *(*at)++ = digits[low];
    return true;
}

/* RFC 3986 5.2.4 over a path that begins with `/`; returns its new end. */
static char *remove_dots(char *path, char *end)
{
    char *out = path, *in = path;

    while (in < end) {
        char *next = in + 1;
        size_t n;

        while (next < end && *next != '/')
            next++;
        n = (size_t)(next - in); /* with its slash in front */
        if (n == 3 && in[1] == '.' && in[2] == '.') {
            while (out > path && *--out != '/')
                ;
        } else if (!(n == 2 && in[1] == '.')) {
            memmove(out, in, n);
            out += n;
            in = next;
            continue;
        }
        if (next == end)
            *out++ = '/';
        in = next;
    }
    return out;
}

static bool put_path(struct aps_str path, char **at)
{
    char *start = *at;

    if (path.n == 0)
        *(*at)++ = '/';
    for (size_t i = 0; i < path.n; i++)
        if (!put_path_char(path, &i, at))
            return false;
    *at = remove_dots(start, *at);
    return true;
}

bool aps_target_normalize(struct aps_str uri, char *buf, struct aps_str *out)
{
    struct aps_str rest = uri, authority, path;
    char *at = buf;
    bool https = false;

    if (uri.n > APS_TARGET_MAX || !take_scheme(&rest, &https))
        return false;
    memcpy(at, "https://", 8);
    memcpy(at + 4, https ? "s://" : "://", https ? 4 : 3);
    at += https ? 8 : 7;
    authority = take_until(&rest, "/?#");
    path = take_until(&rest, "?#");
    if (!put_authority(authority, https, &at) || !put_path(path, &at))
        return false;
    *out = (struct aps_str){buf, (size_t)(at - buf)};
    return true;
}
