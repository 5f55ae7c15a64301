/* accesslog.h - one line of httpd's access log in the common or the combined format.
 *
 *   192.0.2.7 - shop [31/Jan/2027:12:00:00 +0000] "GET /orders/7 HTTP/1.1" 200 512 ...
 *
 * Clients write parts of a line: the user's name, which may hold spaces and brackets, the request
 * and what follows it.  httpd puts a backslash before quotes and backslashes in them, and nothing
 * else may end one.  Threads and processes: pure functions. */
#ifndef APISEC_ACCESSLOG_H
#define APISEC_ACCESSLOG_H

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/str.h"

/* Texts are borrowed from the line, and escaped as they stand there. */
struct aps_accesslog {
    aps_nsec at;                   /* wall, a whole second: when the request was received */
    struct aps_str host;           /* an address, or a name under HostnameLookups */
    struct aps_str user;           /* empty: none */
    struct aps_str request;        /* between the quotes */
    struct aps_str method, target; /* of the request; empty where it is none of HTTP */
    unsigned status;               /* 0: not told */
};

/* `line` without its newline.  What follows the number of bytes is not read.
 * APS_ERR_FORMAT says what is not as it should be. */
APS_MUST_CHECK enum aps_err aps_accesslog_read(struct aps_str line, struct aps_accesslog *out,
                                               struct aps_diag *diag);

#endif
