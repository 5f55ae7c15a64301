/* url.h - an absolute URL of http or https that this program itself asks, or compares with.
 *
 * Stricter than RFC 3986 where that leaves room for two readings: no user information, no fragment,
 * no percent-encoding in the host, only printable ASCII, and a host that is a name of letters,
 * digits, `-` and `.`, an IPv4 address in its one usual form, or an IPv6 address in brackets.
 * Threads and processes: pure functions. */
#ifndef APISEC_URL_H
#define APISEC_URL_H

#include "apisec/err.h"
#include "apisec/str.h"

#define APS_URL_MAX 2048 /* bytes */

/* All texts borrow the URL. */
struct aps_url {
    bool https;
    struct aps_str host;  /* without brackets, as it is written */
    uint16_t port;        /* the scheme's where none is given */
    struct aps_str path;  /* from its `/` on, without query; may be empty */
    struct aps_str query; /* behind the `?`; .p is NULL where there is none */
    bool loopback;        /* the host is an address of loopback, or localhost */
};

/* Read a URL.  APS_ERR_FORMAT, APS_ERR_RANGE: too long; `diag` (may be NULL) names it. */
APS_MUST_CHECK enum aps_err aps_url_parse(struct aps_str text, struct aps_url *out,
                                          struct aps_diag *diag);

/* Whether two hosts are the same, whatever the case of their letters. */
bool aps_url_same_host(const struct aps_url *a, const struct aps_url *b);

#endif
