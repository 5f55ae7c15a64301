/* target.h - the target URI of a request, in the one form in which two can be compared.
 *
 * What RFC 3986 6.2.2 and 6.2.3 call the same is made the same: scheme and host in lower case, no
 * default port, an empty path is `/`, dot segments removed, percent-encoding of what needs none
 * undone and the rest in upper case.  Query and fragment are left out (RFC 9449 4.3, step 9).
 * Threads and processes: pure functions. */
#ifndef APISEC_TARGET_H
#define APISEC_TARGET_H

#include "apisec/str.h"

#define APS_TARGET_MAX 8192 /* bytes of a URI that is read */

/* Bring an absolute URI of http or https into that form.  `buf` has room for uri.n + 1 bytes and
 * then holds *out.  False: another scheme, user information, a host that is empty or has a
 * character that none has, a port beyond 65535, a bad `%`, a byte that no URI has, or too long. */
bool aps_target_normalize(struct aps_str uri, char *buf, struct aps_str *out);

#endif
