/* urlrule.h - fields that are URLs: an allowlist of scheme, host and port (POS-23).
 *
 * A URL is judged by its text alone; nothing is looked up.  Two standards say how to read one, RFC
 * 3986 and the WHATWG's, and a backend follows either: what they read differently up to the end of
 * the port is refused, and so is every character that RFC 3986 does not have.  Paths are not
 * judged.
 * Threads and processes: pure functions; rules are read-only once they are parsed. */
#ifndef APISEC_URLRULE_H
#define APISEC_URLRULE_H

#include "apisec/err.h"
#include "apisec/net.h"
#include "apisec/str.h"

#define APS_URLRULE_MAX 2048 /* bytes of a URL */

enum aps_urlrule_fault {
#define F(name, token, text) APS_URLRULE_##name,
#include "apisec/urlrule.def"
#undef F
    APS_URLRULE_COUNT
};

/* What may be asked.  The texts borrow that of the rule. */
struct aps_urlrule {
    struct aps_str scheme; /* in lower case */
    struct aps_str host;   /* a suffix: from its dot on; an IPv6 address: with its brackets */
    bool suffix;           /* any host that ends so, but not the suffix alone */
    bool bracket;          /* `addr` is what the brackets hold */
    bool any_port;
    uint16_t port;
    struct aps_addr addr;
};

/* SCHEME://HOST, SCHEME://HOST:PORT or SCHEME://HOST:*.  The scheme is http, https, ws, wss or ftp
 * in lower case, those whose authority both standards read; without a port its usual one is meant.
 * The host is a name, *.SUFFIX, an address, or a text that is exactly the host as it will be
 * written: 0x7f.1, example.com. with its dot, or letters beyond ASCII.  A suffix has labels of
 * letters, digits and hyphens; what stands before it has no xn-- then.  Keeps `text`.
 * APS_ERR_FORMAT or APS_ERR_RANGE: `diag` (may be NULL) shows it. */
APS_MUST_CHECK enum aps_err aps_urlrule_parse(struct aps_str text, struct aps_urlrule *out,
                                              struct aps_diag *diag);

/* Whether one of `n` rules names the URL.  Borrows all.  Without rules nothing is named. */
enum aps_urlrule_fault aps_urlrule_judge(const struct aps_urlrule *rules, size_t n,
                                         struct aps_str url);

/* "userinfo"; "unknown" for a value outside of the table. */
const char *aps_urlrule_fault_name(enum aps_urlrule_fault fault);
/* A sentence's end: what is wrong and what is accepted. */
const char *aps_urlrule_fault_text(enum aps_urlrule_fault fault);

#endif
