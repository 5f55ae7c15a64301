/* secret.c - memory for secrets: pages kept out of core dumps and swap, wiped at the end. */
#include "apisec/secret.h"

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SECRET_MAX = 1024 * 1024 };

/* Whole pages, since only those can be kept out of core dumps and swap. */
static size_t room(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (n + page - 1) / page * page;
}

enum aps_err aps_secret_new(size_t n, struct aps_secret *out)
{
    if (n == 0 || n > SECRET_MAX)
        return APS_ERR_NOMEM;
    void *b = mmap(NULL, room(n), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED)
        return APS_ERR_NOMEM;
    /* Both are refused by some kernels and limits; the secret is as usable without them. */
    (void)madvise(b, room(n), MADV_DONTDUMP);
    (void)mlock(b, room(n));
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
        (void)mlock(s->b, room(s->n)); /* as good without, where the limit is too low */
}

void aps_secret_wipe(struct aps_secret *s)
{
    if (s->b != NULL) {
        OPENSSL_cleanse(s->b, s->n);
        (void)munmap(s->b, room(s->n)); /* fails only for arguments that are not ours */
    }
    *s = (struct aps_secret){0};
}

void aps_secret_cleanse(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}

bool aps_secret_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
