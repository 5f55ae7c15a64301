/* buf.h - text that grows in a pool, up to a bound.
 *
 * For text that is put together in pieces and whose length hangs on what a request says.
 * Full: a piece that does not fit, or for which the pool has no memory, is not written, and from
 * then on nothing is; who puts the text together asks once, at its end.
 * Threads and processes: one buffer belongs to one caller. */
#ifndef APISEC_BUF_H
#define APISEC_BUF_H

#include <apr_pools.h>

#include "apisec/str.h"

/* Read the fields; only the calls write them. */
struct aps_buf {
    apr_pool_t *pool;
    char *p;
    size_t n;   /* bytes so far */
    size_t cap; /* room at `p`; equals n once the buffer is full */
    size_t max; /* what n never exceeds */
    bool full;  /* something did not fit */
};

/* Allocates nothing yet.  Keeps `pool`, in which the text lives; `max` in bytes. */
void aps_buf_init(struct aps_buf *b, apr_pool_t *pool, size_t max);

/* Room for `n` more bytes, at the end of the text, of which they are part at once: the caller
 * writes all of them before its next call.  NULL: full. */
char *aps_buf_room(struct aps_buf *b, size_t n);

/* Append bytes.  Borrows `s`, which does not lie in the buffer. */
void aps_buf_add(struct aps_buf *b, struct aps_str s);

/* Append one byte. */
void aps_buf_add_char(struct aps_buf *b, char c);

/* Shorten the text to its first `n` bytes; it has as many.  A full buffer stays full. */
void aps_buf_cut(struct aps_buf *b, size_t n);

/* The text so far; borrowed, until the next call that appends. */
static inline struct aps_str aps_buf_text(const struct aps_buf *b)
{
    return (struct aps_str){b->p, b->n};
}

#endif
