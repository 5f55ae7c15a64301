/* fetch.h - one document over verified HTTPS, for keys and metadata of issuers and for asking them
 * (JWT-17).  Never on the path of a request that can be answered without it.
 *
 * What holds for each fetch, whatever the environment says: TLS 1.2 at least, the certificate
 * verified by the system's authorities or by those of one file, and its name; no redirect, cookie,
 * proxy, netrc or compression; a limit on time and on bytes.  The address is judged when the socket
 * is made, that is after the name was resolved and for the very address that is connected to, so
 * that a name which resolves to another address the second time gains nothing.
 * Threads: any number at once, each link in one at a time.  No signal is used.  Processes: a link
 * never crosses a fork. */
#ifndef APISEC_FETCH_H
#define APISEC_FETCH_H

#include <stdatomic.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/net.h"
#include "apisec/secret.h"
#include "apisec/url.h"

/* Connections that stay open between fetches.  All fetches of one link have the same `ca` and
 * `private_net`: an open connection is not judged again. */
struct aps_fetch_link;
/* APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_fetch_link_new(struct aps_fetch_link **out);
/* NULL is fine. */
void aps_fetch_link_free(struct aps_fetch_link *link);

struct aps_fetch_options {
    const char *ca;       /* PEM file of the only authorities; NULL: those of the system */
    bool private_net;     /* loopback, private (RFC 1918, 6598, 4193) addresses may be connected to.
                             Link-local, multicast and reserved ones never are. */
    bool insecure_http;   /* http is taken, of hosts that are an address of loopback */
    aps_nsec connect_max; /* until connected, TLS included; 0: 5 s */
    aps_nsec total_max;   /* until the last byte; 0: 10 s */
    size_t body_max;      /* bytes; 0: 256 KiB */
    struct aps_str form;  /* posted as application/x-www-form-urlencoded; .p is NULL: a GET */
    const char *user;     /* NULL, or with `password` what HTTP Basic proves, as it is */
    const struct aps_secret *password;
    const atomic_bool *stop;     /* NULL, or the fetch ends soon after it is true */
    struct aps_fetch_link *link; /* NULL: a connection of its own */
};

struct aps_fetch_answer {
    unsigned status;     /* of HTTP: any, since the caller says which it can use */
    struct aps_str body; /* in the pool, NUL-ended */
    struct aps_str type; /* of content, without parameters, in lower case; may be empty */
    char address[APS_NET_TEXT_MAX]; /* that answered */
};

/* Fetch `url`.  Borrows; *out lives in `pool`.  APS_ERR_FORMAT: no URL that is taken;
 * APS_ERR_UNSAFE: an address that may not be connected to, or a certificate that is not verified;
 * APS_ERR_RANGE: too many bytes; APS_ERR_BUSY: it took too long, or was stopped; APS_ERR_IO: any
 * other fault of the network; `diag` (may be NULL) says more, and never the password. */
APS_MUST_CHECK enum aps_err aps_fetch(struct aps_str url, const struct aps_fetch_options *options,
                                      apr_pool_t *pool, struct aps_fetch_answer *out,
                                      struct aps_diag *diag);

/* Whether an address may be connected to. */
bool aps_fetch_allows(const struct aps_addr *addr, bool private_net);

/* Whether a type of content is that of JSON: application/json, or with the suffix +json (RFC 6838
 * 4.2.8). */
bool aps_fetch_is_json(struct aps_str type);

#endif
