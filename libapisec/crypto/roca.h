/* roca.h - RSA moduli of the generator of CVE-2017-15361 (ROCA), which can be factored. */
#ifndef APS_ROCA_H
#define APS_ROCA_H

#include <openssl/bn.h>
#include <stdbool.h>

/* Whether a modulus has the generator's mark: modulo each of 38 primes it is a power of 65537.  Of
 * other moduli one in some hundred millions has it. */
bool aps_roca_is_weak(const BIGNUM *n);

#endif
