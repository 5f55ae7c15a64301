/* origin.h - web origins, as a browser writes them into Origin (RFC 6454 6.2, Fetch 3.2).
 *
 * An origin has one text, so two are the same where their bytes are.
 * Threads and processes: pure functions. */
#ifndef APISEC_ORIGIN_H
#define APISEC_ORIGIN_H

#include "apisec/err.h"
#include "apisec/str.h"

#define APS_ORIGIN_MAX 320 /* bytes */

/* Whether a text is the origin of some site in that one text: scheme, `://`, host in lower case
 * (names beyond ASCII as xn--), a port unless it is the scheme's own, and nothing behind it.
 * APS_ERR_FORMAT: it is not, or is `null` or a pattern; `diag` says what a browser would send. */
APS_MUST_CHECK enum aps_err aps_origin_check(struct aps_str text, struct aps_diag *diag);

/* Whether a request with this Origin comes from a page of the very host that it is sent to: `host`
 * is the request's Host field.  https always will do, since a proxy in front may have ended TLS;
 * http only where the connection is none of TLS (`tls`), since anybody on the way can write a page
 * of http. */
bool aps_origin_is_own(struct aps_str origin, struct aps_str host, bool tls);

#endif
