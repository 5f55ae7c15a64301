/* secret.h - bytes that nobody may see: keys, key texts, peppers.
 *
 * An aps_secret owns memory that is locked, kept out of core dumps where the system allows, and
 * wiped before it is given back; it is never formatted.  A zeroed aps_secret is empty.
 * Small ones share pages: thousands fit into what a process may lock.
 * Threads and processes: one secret belongs to one caller; all calls are safe from any thread. */
#ifndef APISEC_SECRET_H
#define APISEC_SECRET_H

#include "apisec/err.h"
#include "apisec/str.h"

struct aps_secret {
    unsigned char *b;
    size_t n;
};

/* Empty room for `n` bytes (1 to 1 MiB), zeroed; the caller wipes.  APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_secret_new(size_t n, struct aps_secret *out);

/* A copy of `n` bytes at `p`; the source stays the caller's to wipe. */
APS_MUST_CHECK enum aps_err aps_secret_copy(const void *p, size_t n, struct aps_secret *out);

/* Keep a secret that was made before a fork out of swap in the child as well: that is not
 * inherited.  An empty one is fine. */
void aps_secret_child(const struct aps_secret *s);

/* Wipe all of its memory, free and empty; an empty one is fine.  `n` may have been lowered. */
void aps_secret_wipe(struct aps_secret *s);

/* Wipe memory that is not an aps_secret, such as a buffer on the stack. */
void aps_secret_cleanse(void *p, size_t n);

/* Equal or not, in a time that depends on `n` only. */
bool aps_secret_equal(const void *a, const void *b, size_t n);

/* The bytes as text, for a call that borrows them. */
static inline struct aps_str aps_secret_str(const struct aps_secret *s)
{
    return (struct aps_str){(const char *)s->b, s->n};
}

#endif
