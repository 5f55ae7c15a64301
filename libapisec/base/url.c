/* url.c - an absolute URL, strictly. */
#include "apisec/url.h"

#include "apisec/net.h"
#include "apisec/num.h"

static enum aps_err refuse(struct aps_str text, const char *why, struct aps_diag *diag)
{
    aps_err_explain(diag, "URL \"%.*s\": %s", APS_STR_SHOW(text), why);
    return APS_ERR_FORMAT;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Labels of letters, digits and inner hyphens.  One that a resolver would read as a number, such as
 * 0x7f or 127, is no last label: who reads 127.1 as an address is then nobody. */
static bool is_name(struct aps_str host)
{
    struct aps_str rest = host, label = {NULL, 0};

    if (host.n == 0 || host.n > 253 || host.p[host.n - 1] == '.')
        return false;
    while (aps_str_next(&rest, '.', &label)) {
        if (label.n == 0 || label.n > 63 || !is_alnum(label.p[0]) ||
            !is_alnum(label.p[label.n - 1]))
            return false;
        for (size_t i = 0; i < label.n; i++)
            if (!is_alnum(label.p[i]) && label.p[i] != '-')
                return false;
    }
    return label.p[0] < '0' || label.p[0] > '9';
}

/* Host and, behind it, the rest of the authority; in brackets an IPv6 address. */
static bool cut_host(struct aps_str *authority, struct aps_url *url)
{
    struct aps_addr addr;
    const char *end;
    bool bracket = authority->n != 0 && authority->p[0] == '[';

    if (bracket) {
        end = memchr(authority->p, ']', authority->n);
        if (end == NULL)
            return false;
        url->host = (struct aps_str){authority->p + 1, (size_t)(end - authority->p) - 1};
        if (memchr(url->host.p, ':', url->host.n) == NULL || !aps_addr_parse(url->host, &addr))
            return false;
        end++;
    } else {
        end = memchr(authority->p, ':', authority->n);
        if (end == NULL)
            end = authority->p + authority->n;
        url->host = (struct aps_str){authority->p, (size_t)(end - authority->p)};
        if (aps_addr_parse(url->host, &addr))
            bracket = true; /* an address, of IPv4 */
        else if (!is_name(url->host))
            return false;
    }
    url->loopback = bracket ? aps_addr_is_loopback(&addr)
                            : aps_str_eq_nocase(url->host, APS_STR_LIT("localhost"));
    *authority = (struct aps_str){end, authority->n - (size_t)(end - authority->p)};
    return true;
}

static enum aps_err read_authority(struct aps_str text, struct aps_str authority,
                                   struct aps_url *url, struct aps_diag *diag)
{
    uint64_t port = url->https ? 443 : 80;

    if (memchr(authority.p, '@', authority.n) != NULL)
        return refuse(text, "no name or password may stand in front of its host", diag);
    if (!cut_host(&authority, url))
        return refuse(text, "want a host such as issuer.example, or an address", diag);
    if (authority.n != 0) {
        struct aps_str digits = {authority.p + 1, authority.n - 1};

        if (authority.p[0] != ':' || aps_num_parse(digits, 1, 65535, &port, NULL) != APS_OK)
            return refuse(text, "behind its host want : and a port, or nothing", diag);
    }
    url->port = (uint16_t)port;
    return APS_OK;
}

/* RFC 3986 2 leaves these and %HH; the rest has no place in a URL. */
static bool is_clean(struct aps_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];

        if (c <= ' ' || c > '~' || strchr("\"<>\\^`{|}#", c) != NULL)
            return false;
        if (c == '%' &&
            (text.n - i < 3 || aps_num_hex(text.p[i + 1]) < 0 || aps_num_hex(text.p[i + 2]) < 0))
            return false;
    }
    return true;
}

static bool cut_scheme(struct aps_str *rest, struct aps_url *url)
{
    const size_t n = 7; /* of http:// */

    url->https =
        rest->n > n && aps_str_eq_nocase((struct aps_str){rest->p, n + 1}, APS_STR_LIT("https://"));
    if (!url->https &&
        (rest->n < n || !aps_str_eq_nocase((struct aps_str){rest->p, n}, APS_STR_LIT("http://"))))
        return false;
    *rest = (struct aps_str){rest->p + n + url->https, rest->n - n - url->https};
    return true;
}

enum aps_err aps_url_parse(struct aps_str text, struct aps_url *out, struct aps_diag *diag)
{
    struct aps_url url = {.query = {NULL, 0}};
    struct aps_str rest = text;
    enum aps_err err;
    size_t n = 0;

    if (text.n > APS_URL_MAX) {
        (void)refuse(text, "longer than 2048 bytes", diag); /* the code says more */
        return APS_ERR_RANGE;
    }
    if (!cut_scheme(&rest, &url))
        return refuse(text, "want https:// and a host", diag);
    if (!is_clean(text))
        return refuse(text, "want printable ASCII without a fragment, the rest as %HH", diag);
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    if ((err = read_authority(text, (struct aps_str){rest.p, n}, &url, diag)) != APS_OK)
        return err;
    rest = (struct aps_str){rest.p + n, rest.n - n};
    const char *mark = rest.n != 0 ? memchr(rest.p, '?', rest.n) : NULL;
    url.path = (struct aps_str){rest.p, mark != NULL ? (size_t)(mark - rest.p) : rest.n};
    if (mark != NULL)
        url.query = (struct aps_str){mark + 1, rest.n - url.path.n - 1};
    *out = url;
    return APS_OK;
}

bool aps_url_same_host(const struct aps_url *a, const struct aps_url *b)
{
    return aps_str_eq_nocase(a->host, b->host);
}
