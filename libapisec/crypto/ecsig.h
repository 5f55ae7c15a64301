/* ecsig.h - signatures of ECDSA: r and s of full length as they are sent (RFC 7518 3.4, RFC 9421
 * 3.3.4), and DER as OpenSSL has them. */
#ifndef APS_ECSIG_H
#define APS_ECSIG_H

#include <stdint.h>

#include "apisec/str.h"

#define APS_ECSIG_HALF_MAX 66                                /* bytes of r or s on P-521 */
#define APS_ECSIG_DER_MAX (3 + 2 * (3 + APS_ECSIG_HALF_MAX)) /* of all of it in DER */

/* Write `raw`, two halves of at most APS_ECSIG_HALF_MAX bytes; returns the length. */
size_t aps_ecsig_to_der(struct aps_str raw, uint8_t out[APS_ECSIG_DER_MAX]);

/* The reverse of what OpenSSL signs; `out` has room for two halves of `half` bytes.  False: it is
 * no DER of two such numbers. */
bool aps_ecsig_from_der(struct aps_str der, size_t half, uint8_t *out);

#endif
