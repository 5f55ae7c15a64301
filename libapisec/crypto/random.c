/* random.c - OpenSSL, the private generator. */
#include "apisec/random.h"

#include <openssl/rand.h>
#include <string.h>

enum aps_err aps_random_fill(void *out, size_t n)
{
    if (RAND_priv_bytes_ex(NULL, out, n, 256) == 1)
        return APS_OK;
    memset(out, 0, n);
    return APS_ERR_CRYPTO;
}
