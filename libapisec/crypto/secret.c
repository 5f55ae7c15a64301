/* secret.c - secrets in locked memory, wiped at the end. */
#include "apisec/secret.h"

#include <openssl/crypto.h>

#include "locked.h"

enum { SECRET_MAX = 1024 * 1024 };

enum aps_err aps_secret_new(size_t n, struct aps_secret *out)
{
    void *b = n != 0 && n <= SECRET_MAX ? aps_locked_new(n) : NULL;
    if (b == NULL)
        return APS_ERR_NOMEM;
    *out = (struct aps_secret){b, n};
    return APS_OK;
}

enum aps_err aps_secret_copy(const void *p, size_t n, struct aps_secret *out)
{
    struct aps_secret s = {0};
    enum aps_err err = aps_secret_new(n, &s);
    if (err != APS_OK)
        return err;
    memcpy(s.b, p, n);
    *out = s;
    return APS_OK;
}

void aps_secret_child(const struct aps_secret *s)
{
    if (s->b != NULL)
        aps_locked_child(s->b);
}

void aps_secret_wipe(struct aps_secret *s)
{
    if (s->b != NULL)
        aps_locked_free(s->b);
    *s = (struct aps_secret){0};
}

void aps_secret_cleanse(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}

/* The compiler is told that `diff` may change, so that it cannot stop at the first difference. */
static inline uint64_t hold(uint64_t diff)
{
    __asm__("" : "+r"(diff));
    return diff;
}

/* As CRYPTO_memcmp does, and eight bytes at a time. */
bool aps_secret_equal(const void *a, const void *b, size_t n)
{
    const unsigned char *p = a, *q = b;
    uint64_t diff = 0, x, y;
    for (; n >= sizeof x; n -= sizeof x, p += sizeof x, q += sizeof y) {
        memcpy(&x, p, sizeof x);
        memcpy(&y, q, sizeof y);
        diff = hold(diff | (x ^ y));
    }
    for (; n != 0; n--)
        diff = hold(diff | (uint64_t)(*p++ ^ *q++));
    return diff == 0;
}
