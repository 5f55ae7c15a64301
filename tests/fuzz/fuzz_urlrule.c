/* A rule, a line feed, a URL.  What is accepted is what curl's reader, too, takes to the host and
 * port that the rule names, and no byte of it is one that readers drop. */
#include <curl/curl.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "apisec/urlrule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static char *part_of(CURLU *u, CURLUPart part)
{
    char *text = NULL;

    expect(curl_url_get(u, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK);
    return text;
}

/* curl resolves numbers to addresses; the rule that names such a host has named it so. */
static void check_host(const struct aps_urlrule *rule, const char *host)
{
    const size_t n = strlen(host);

    if (rule->bracket || (rule->host.p[0] >= '0' && rule->host.p[0] <= '9'))
        return;
    if (rule->suffix)
        expect(n > rule->host.n &&
               strncasecmp(host + n - rule->host.n, rule->host.p, rule->host.n) == 0);
    else
        expect(n == rule->host.n && strncasecmp(host, rule->host.p, n) == 0);
}

static void check(const struct aps_urlrule *rule, struct aps_str url)
{
    CURLU *u = curl_url();
    char *copy = malloc(url.n + 1), *host, *port, *scheme;

    expect(u != NULL && copy != NULL);
    memcpy(copy, url.p, url.n);
    copy[url.n] = '\0';
    expect(strpbrk(copy, "\t\r\n \\") == NULL && strlen(copy) == url.n);
    if (curl_url_set(u, CURLUPART_URL, copy, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        host = part_of(u, CURLUPART_HOST);
        port = part_of(u, CURLUPART_PORT);
        scheme = part_of(u, CURLUPART_SCHEME);
        check_host(rule, host);
        expect(rule->any_port || strtoul(port, NULL, 10) == rule->port);
        expect(strlen(scheme) == rule->scheme.n &&
               strncasecmp(scheme, rule->scheme.p, rule->scheme.n) == 0);
        curl_free(host);
        curl_free(port);
        curl_free(scheme);
    }
    free(copy);
    curl_url_cleanup(u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct aps_str all = {(const char *)data, size};
    const char *lf = size != 0 ? memchr(all.p, '\n', size) : NULL;
    struct aps_urlrule rule;
    struct aps_diag diag;

    if (lf == NULL)
        return 0;
    const struct aps_str text = {all.p, (size_t)(lf - all.p)};
    const struct aps_str url = {lf + 1, size - text.n - 1};
    if (aps_urlrule_parse(text, &rule, &diag) != APS_OK) {
        expect(strlen(diag.text) != 0);
        return 0;
    }
    if (aps_urlrule_judge(&rule, 1, url) == APS_URLRULE_OK)
        check(&rule, url);
    return 0;
}
