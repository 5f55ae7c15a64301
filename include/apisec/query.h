/* query.h - what the query of a request target must not say.
 *
 * Threads and processes: pure functions. */
#ifndef APISEC_QUERY_H
#define APISEC_QUERY_H

#include "apisec/str.h"

/* Whether a query, as it was received and without its `?`, has the parameter _method, by which
 * frameworks let a client change the method that grants are matched with (AZ-03).  Names are
 * decoded once and read as those do that are least strict: in any case, after blanks, with `.` or
 * `[` for `_`, and up to a `[` or a NUL. */
bool aps_query_has_method(struct aps_str query);

/* The same for access_token, by which a token would stand in logs and histories; it is taken from
 * no query (RFC 6750 2.3, RFC 9700 4.3.2, JWT-23). */
bool aps_query_has_access_token(struct aps_str query);

#endif
