/* urlrule.c - what a URL says up to its port, against a list. */
#include "apisec/urlrule.h"

#include "apisec/num.h"

static const struct {
    const char *scheme;
    uint16_t port;
} schemes[] = {{"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}, {"ftp", 21}};

static const struct {
    const char *name, *text;
} faults[APS_URLRULE_COUNT] = {
#define F(name, token, text) [APS_URLRULE_##name] = {token, text},
#include "apisec/urlrule.def"
#undef F
};

/* A URL up to the end of its port; all texts borrow it. */
struct parts {
    struct aps_str scheme, host;
    uint16_t port;
    bool bracket;
    bool v4; /* `addr` is set by either of the two */
    struct aps_addr addr;
};

static struct aps_str from(struct aps_str s, size_t at)
{
    return (struct aps_str){s.p + at, s.n - at};
}

static bool usual_port(struct aps_str scheme, uint16_t *out)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (aps_str_eq_nocase(scheme, aps_str(schemes[i].scheme))) {
            *out = schemes[i].port;
            return true;
        }
    return false;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_label(struct aps_str label)
{
    if (label.n == 0 || label.n > 63 || !is_alnum(label.p[0]) || !is_alnum(label.p[label.n - 1]))
        return false;
    for (size_t i = 0; i < label.n; i++)
        if (!is_alnum(label.p[i]) && label.p[i] != '-')
            return false;
    return true;
}

static bool is_xn(struct aps_str label)
{
    return label.n >= 4 && aps_str_eq_nocase((struct aps_str){label.p, 4}, APS_STR_LIT("xn--"));
}

/* What a host is that no rule names exactly.  A last label that begins with a digit is a number to
 * some reader: 127.1, 0x7f000001, 1.2.3.08. */
static enum aps_urlrule_fault kind_of(struct aps_str host)
{
    struct aps_str rest = host, label = {NULL, 0};
    bool xn = false;

    for (size_t i = 0; i < host.n; i++)
        if ((unsigned char)host.p[i] >= 0x80)
            return APS_URLRULE_NON_ASCII;
    if (host.n == 0 || host.n > 254)
        return APS_URLRULE_HOST;
    if (host.p[host.n - 1] == '.')
        return APS_URLRULE_DOT;
    while (aps_str_next(&rest, '.', &label)) {
        if (!is_label(label))
            return APS_URLRULE_HOST;
        xn = xn || is_xn(label);
    }
    if (label.p[0] >= '0' && label.p[0] <= '9')
        return APS_URLRULE_NUMERIC;
    return xn ? APS_URLRULE_PUNYCODE : APS_URLRULE_UNLISTED;
}

/* Before anything is split: bytes that some reader drops, turns or ends at.  Bytes beyond ASCII
 * may stand in the host alone, where rules decide about them. */
static enum aps_urlrule_fault look(struct aps_str url, size_t host_at, size_t host_end)
{
    bool fragment = false;

    for (size_t i = 0; i < url.n; i++) {
        const char c = url.p[i];
        const bool inside = i >= host_at && i < host_end;

        if ((unsigned char)c >= 0x80 ? !inside : c <= ' ' || c > '~')
            return APS_URLRULE_CHARACTER;
        if (strchr("\"<>\\^`{|}", c) != NULL || ((c == '[' || c == ']') && !inside))
            return APS_URLRULE_CHARACTER;
        if (c == '#' && fragment)
            return APS_URLRULE_FORM;
        fragment = fragment || c == '#';
        if (c == '%' &&
            (url.n - i < 3 || aps_num_hex(url.p[i + 1]) < 0 || aps_num_hex(url.p[i + 2]) < 0))
            return APS_URLRULE_ENCODING;
    }
    return APS_URLRULE_OK;
}

static enum aps_urlrule_fault read_port(struct aps_str rest, uint16_t *out)
{
    uint64_t port;

    if (rest.n == 0)
        return APS_URLRULE_OK;
    if (rest.p[0] != ':' || aps_num_parse(from(rest, 1), 1, 65535, &port, NULL) != APS_OK)
        return APS_URLRULE_PORT;
    *out = (uint16_t)port;
    return APS_URLRULE_OK;
}

static enum aps_urlrule_fault read_bracket(struct aps_str authority, struct parts *parts)
{
    const char *end = memchr(authority.p, ']', authority.n);
    struct aps_str inside;

    if (end == NULL)
        return APS_URLRULE_HOST;
    inside = (struct aps_str){authority.p + 1, (size_t)(end - authority.p) - 1};
    if (memchr(inside.p, ':', inside.n) == NULL || !aps_addr_parse(inside, &parts->addr))
        return APS_URLRULE_HOST;
    parts->bracket = true;
    parts->host = (struct aps_str){authority.p, inside.n + 2};
    return read_port(from(authority, inside.n + 2), &parts->port);
}

static enum aps_urlrule_fault read_authority(struct aps_str authority, struct parts *parts)
{
    const char *colon;

    if (authority.n == 0)
        return APS_URLRULE_FORM;
    if (memchr(authority.p, '@', authority.n) != NULL)
        return APS_URLRULE_USERINFO;
    if (authority.p[0] == '[')
        return read_bracket(authority, parts);
    colon = memchr(authority.p, ':', authority.n);
    parts->host.p = authority.p;
    parts->host.n = colon != NULL ? (size_t)(colon - authority.p) : authority.n;
    if (memchr(parts->host.p, '%', parts->host.n) != NULL)
        return APS_URLRULE_ENCODED_HOST;
    if (parts->host.n == 0)
        return APS_URLRULE_HOST;
    parts->v4 = aps_addr_parse(parts->host, &parts->addr);
    return read_port(from(authority, parts->host.n), &parts->port);
}

static enum aps_urlrule_fault read_url(struct aps_str url, struct parts *parts)
{
    size_t colon = 0, end;
    enum aps_urlrule_fault fault;

    while (colon < url.n && is_alnum(url.p[colon]))
        colon++;
    if (colon == url.n || url.p[colon] != ':')
        return look(url, 0, 0) == APS_URLRULE_OK ? APS_URLRULE_FORM : look(url, 0, 0);
    parts->scheme = (struct aps_str){url.p, colon};
    for (end = colon + 3; end < url.n && strchr("/?#", url.p[end]) == NULL;)
        end++;
    if ((fault = look(url, colon + 3, end)) != APS_URLRULE_OK)
        return fault;
    if (!usual_port(parts->scheme, &parts->port))
        return APS_URLRULE_SCHEME;
    if (url.n < colon + 3 || memcmp(url.p + colon, "://", 3) != 0)
        return APS_URLRULE_FORM;
    return read_authority((struct aps_str){url.p + colon + 3, end - colon - 3}, parts);
}

/* A suffix takes plain names only, and none with an xn-- that it does not bring itself. */
static bool has_suffix(struct aps_str host, struct aps_str suffix)
{
    struct aps_str rest, label;

    if (host.n <= suffix.n || !aps_str_eq_nocase(from(host, host.n - suffix.n), suffix))
        return false;
    for (rest = (struct aps_str){host.p, host.n - suffix.n}; aps_str_next(&rest, '.', &label);)
        if (!is_label(label) || is_xn(label))
            return false;
    return host.n <= 253 && host.p[host.n - suffix.n - 1] != '.';
}

static bool names_host(const struct aps_urlrule *rule, const struct parts *url)
{
    if (rule->bracket || url->bracket)
        return rule->bracket && url->bracket &&
               memcmp(&rule->addr, &url->addr, sizeof rule->addr) == 0;
    if (rule->suffix)
        return has_suffix(url->host, rule->host);
    return aps_str_eq_nocase(rule->host, url->host);
}

static enum aps_urlrule_fault judge_host(const struct parts *url)
{
    if (url->bracket)
        return aps_addr_is_v4(&url->addr) ? APS_URLRULE_MAPPED : APS_URLRULE_ADDRESS;
    return url->v4 ? APS_URLRULE_ADDRESS : kind_of(url->host);
}

enum aps_urlrule_fault aps_urlrule_judge(const struct aps_urlrule *rules, size_t n,
                                         struct aps_str url)
{
    struct parts parts = {.port = 0};
    enum aps_urlrule_fault fault;
    bool scheme = false, host = false;

    if (url.n == 0)
        return APS_URLRULE_EMPTY;
    if (url.n > APS_URLRULE_MAX)
        return APS_URLRULE_LONG;
    if ((fault = read_url(url, &parts)) != APS_URLRULE_OK)
        return fault;
    for (size_t i = 0; i < n; i++) {
        if (!aps_str_eq_nocase(rules[i].scheme, parts.scheme))
            continue;
        scheme = true;
        if (!names_host(&rules[i], &parts))
            continue;
        host = true;
        if (rules[i].any_port || rules[i].port == parts.port)
            return APS_URLRULE_OK;
    }
    if (host)
        return APS_URLRULE_PORT;
    return scheme ? judge_host(&parts) : APS_URLRULE_SCHEME;
}

static enum aps_err refuse(struct aps_str text, const char *why, struct aps_diag *diag)
{
    aps_err_explain(diag, "URL rule \"%.*s\": %s", APS_STR_SHOW(text), why);
    return APS_ERR_FORMAT;
}

/* A text that may stand exactly so as a host. */
static bool is_exact(struct aps_str host)
{
    size_t n;

    for (size_t i = 0; i < host.n; i += n) {
        n = aps_str_utf8(from(host, i));
        if (n == 0 || (n == 1 && !is_alnum(host.p[i]) && host.p[i] != '-' && host.p[i] != '.'))
            return false;
    }
    return host.n != 0 && host.n <= 254;
}

static bool is_suffix(struct aps_str suffix)
{
    const enum aps_urlrule_fault kind = kind_of(from(suffix, suffix.n != 0));

    return kind == APS_URLRULE_UNLISTED || kind == APS_URLRULE_PUNYCODE;
}

/* Keeps its own account of the port, which may be `*`. */
static struct aps_str cut_port_any(struct aps_str text, struct aps_urlrule *rule)
{
    rule->any_port = text.n > 2 && memcmp(text.p + text.n - 2, ":*", 2) == 0;
    return (struct aps_str){text.p, text.n - 2 * (size_t)rule->any_port};
}

/* Behind host and port; with `:*`, which is cut off, there is no other port. */
static bool ends_there(struct aps_str head, const struct parts *parts, bool any_port)
{
    const size_t behind = (size_t)(parts->host.p - head.p) + parts->host.n;

    if (any_port)
        return behind == head.n;
    for (size_t i = behind; i < head.n; i++)
        if (strchr("/?#", head.p[i]) != NULL)
            return false;
    return true;
}

enum aps_err aps_urlrule_parse(struct aps_str text, struct aps_urlrule *out, struct aps_diag *diag)
{
    struct aps_urlrule rule = {.suffix = false};
    struct aps_str head = cut_port_any(text, &rule);
    struct parts parts = {.port = 0};
    enum aps_urlrule_fault fault;

    if (text.n > APS_URLRULE_MAX) {
        (void)refuse(text, faults[APS_URLRULE_LONG].text, diag); /* the code says more */
        return APS_ERR_RANGE;
    }
    if ((fault = read_url(head, &parts)) != APS_URLRULE_OK)
        return refuse(text, faults[fault].text, diag);
    if (!ends_there(head, &parts, rule.any_port))
        return refuse(text, "want nothing behind its host and port", diag);
    for (size_t i = 0; i < parts.scheme.n; i++)
        if (parts.scheme.p[i] < 'a' || parts.scheme.p[i] > 'z')
            return refuse(text, "want its scheme in lower case", diag);
    rule.scheme = parts.scheme;
    rule.host = parts.host;
    rule.port = parts.port;
    rule.bracket = parts.bracket;
    rule.addr = parts.addr;
    if (rule.host.n > 2 && rule.host.p[0] == '*' && rule.host.p[1] == '.') {
        rule.suffix = true;
        rule.host = from(rule.host, 1);
    }
    if (rule.suffix ? !is_suffix(rule.host) : !rule.bracket && !is_exact(rule.host))
        return refuse(text, "want a host, *. and the end of hosts, or an address", diag);
    *out = rule;
    return APS_OK;
}

const char *aps_urlrule_fault_name(enum aps_urlrule_fault fault)
{
    return (unsigned)fault < APS_URLRULE_COUNT ? faults[fault].name : "unknown";
}

const char *aps_urlrule_fault_text(enum aps_urlrule_fault fault)
{
    return (unsigned)fault < APS_URLRULE_COUNT ? faults[fault].text : "unknown";
}
