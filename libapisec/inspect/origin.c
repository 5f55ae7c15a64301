/* origin.c - web origins: the one text that each has. */
#include "apisec/origin.h"

#include "apisec/num.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static bool is_of(struct aps_str s, const char *bytes)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\0' || strchr(bytes, s.p[i]) == NULL)
            return false;
    return s.n != 0;
}

static bool is_scheme(struct aps_str s)
{
    return is_of(s, LOWER DIGITS "+-.") && s.p[0] >= 'a';
}

/* A name or an IPv4 address, of labels that are not empty; or an IPv6 address in brackets. */
static bool is_host(struct aps_str s)
{
    struct aps_str rest = s, label;
    if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
        return is_of((struct aps_str){s.p + 1, s.n - 2}, "abcdef" DIGITS ":.");
    if (!is_of(s, LOWER DIGITS "-._") || s.p[s.n - 1] == '.')
        return false;
    while (aps_str_next(&rest, '.', &label))
        if (label.n == 0)
            return false;
    return true;
}

static bool is_standard_port(struct aps_str scheme, uint64_t port)
{
    return (aps_str_eq(scheme, APS_STR_LIT("https")) && port == 443) ||
           (aps_str_eq(scheme, APS_STR_LIT("http")) && port == 80);
}

static bool is_port(struct aps_str s, struct aps_str scheme)
{
    uint64_t port;
    return s.n != 0 && s.p[0] != '0' && aps_num_parse(s, 1, 65535, &port, NULL) == APS_OK &&
           !is_standard_port(scheme, port);
}

/* Host and port, where there is one; false where a colon stands for nothing. */
static void split_port(struct aps_str *host, struct aps_str *out_port, bool *out_has)
{
    const char *colon = memrchr(host->p, ':', host->n);
    const char *bracket = memrchr(host->p, ']', host->n);
    *out_has = colon != NULL && (bracket == NULL || colon > bracket);
    *out_port = (struct aps_str){NULL, 0};
    if (!*out_has)
        return;
    *out_port = (struct aps_str){colon + 1, host->n - (size_t)(colon + 1 - host->p)};
    host->n = (size_t)(colon - host->p);
}

static bool is_origin(struct aps_str text)
{
    const char *sep = text.n <= APS_ORIGIN_MAX ? memmem(text.p, text.n, "://", 3) : NULL;
    struct aps_str port;
    bool has_port;
    if (sep == NULL)
        return false;
    struct aps_str scheme = {text.p, (size_t)(sep - text.p)};
    struct aps_str host = {sep + 3, text.n - scheme.n - 3};
    if (host.n == 0)
        return false;
    split_port(&host, &port, &has_port);
    return is_scheme(scheme) && is_host(host) && (!has_port || is_port(port, scheme));
}

enum aps_err aps_origin_check(struct aps_str text, struct aps_diag *diag)
{
    if (text.n != 0 && is_origin(text))
        return APS_OK;
    if (memchr(text.p, '*', text.n) != NULL)
        aps_err_explain(diag,
                        "\"%.*s\": want each origin by itself; a pattern would trust whoever gets "
                        "hold of one of the names that fit it",
                        APS_STR_SHOW(text));
    else
        aps_err_explain(diag,
                        "\"%.*s\": want an origin as browsers send it, such as "
                        "https://app.example.org: in lower case, without the scheme's own port, "
                        "and nothing behind it, not even a slash",
                        APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

bool aps_origin_is_own(struct aps_str origin, struct aps_str host, bool tls)
{
    struct aps_str start = APS_STR_LIT("https://");
    if (!tls && !aps_str_starts(origin, start))
        start = APS_STR_LIT("http://");
    if (host.n == 0 || !aps_str_starts(origin, start))
        return false;
    return aps_str_eq_nocase((struct aps_str){origin.p + start.n, origin.n - start.n}, host);
}
