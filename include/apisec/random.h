/* random.h - bytes that nobody can guess.
 *
 * From OpenSSL's private generator, which reseeds itself from the kernel and after fork.
 * Threads and processes: safe anywhere. */
#ifndef APISEC_RANDOM_H
#define APISEC_RANDOM_H

#include <stddef.h>

#include "apisec/err.h"

/* Fill `n` bytes.  APS_ERR_CRYPTO when the generator fails: then `out` is all zero, so that
 * nothing half random is ever used (KEY-02). */
APS_MUST_CHECK enum aps_err aps_random_fill(void *out, size_t n);

#endif
