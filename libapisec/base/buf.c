/* buf.c - a block that is taken anew, twice as large, when it is too small. */
#include "apisec/buf.h"

#include <assert.h>

enum { FIRST = 256 };

void aps_buf_init(struct aps_buf *b, apr_pool_t *pool, size_t max)
{
    *b = (struct aps_buf){.pool = pool, .max = max};
}

/* From here on nothing fits. */
static char *fill(struct aps_buf *b)
{
    b->full = true;
    b->cap = b->n;
    return NULL;
}

/* Room for `need` bytes in all, which is more than there is; the old block stays with the pool. */
static bool grow(struct aps_buf *b, size_t need)
{
    size_t cap = b->cap < FIRST ? FIRST : b->cap;
    char *p;

    while (cap < need)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max)
        cap = b->max;
    if ((p = apr_palloc(b->pool, cap)) == NULL)
        return false;
    if (b->n != 0)
        memcpy(p, b->p, b->n);
    b->p = p;
    b->cap = cap;
    return true;
}

char *aps_buf_room(struct aps_buf *b, size_t n)
{
    char *p;

    if (b->full || n > b->max - b->n)
        return fill(b);
    if (n > b->cap - b->n && !grow(b, b->n + n))
        return fill(b);
    p = b->p + b->n;
    b->n += n;
    return p;
}

void aps_buf_add(struct aps_buf *b, struct aps_str s)
{
    char *p;

    if (s.n != 0 && (p = aps_buf_room(b, s.n)) != NULL)
        memcpy(p, s.p, s.n);
}

void aps_buf_add_char(struct aps_buf *b, char c)
{
    char *p = aps_buf_room(b, 1);

    if (p != NULL)
        *p = c;
}

void aps_buf_cut(struct aps_buf *b, size_t n)
{
    assert(n <= b->n);
    b->n = n;
    if (b->full)
        b->cap = n;
}
