/* locked.c - slabs of locked pages.
 *
 *   start                 slab (at a multiple of its size)
 *   | no access ...       | head | piece | piece | ... | no access |
 *
 * A piece finds its head by its address.  A piece that is larger than any slab's has a mapping of
 * its own, with the same head before it. */
#include "locked.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    SLAB = 16 * 1024,
    HEAD = 192,
    PIECE_MIN = 32,
    PIECE_MAX = 4096,
    KINDS = 8, /* 32, 64, ... 4096 bytes */
    PIECES_MAX = (SLAB - HEAD) / PIECE_MIN,
};

struct slab {
    void *start;              /* of the mapping, with the pages that nobody can touch */
    size_t mapped;            /* bytes of it */
    size_t len;               /* bytes from here on that may be touched */
    size_t piece;             /* bytes of each; 0: the only one is the rest */
    unsigned n, taken;        /* pieces */
    struct slab *next, *prev; /* of its kind with a free piece; taken out while it has none */
    uint64_t map[(PIECES_MAX + 63) / 64]; /* bits of the pieces that are taken */
};
_Static_assert(sizeof(struct slab) <= HEAD, "the head fits before the first piece");
_Static_assert(PIECE_MIN << (KINDS - 1) == PIECE_MAX, "one kind for each power of two");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slab *open_slabs[KINDS];

static struct slab *slab_of(const void *p)
{
    return (struct slab *)((uintptr_t)p & ~(uintptr_t)(SLAB - 1));
}

/* NULL: there is no memory.  Both pieces of advice are refused by some kernels and limits; the
 * memory is as usable without them. */
static struct slab *map(size_t len)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t room = (len + page - 1) / page * page, mapped = page + SLAB + room + page;
    char *start = mmap(NULL, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct slab *slab;

    if (start == MAP_FAILED)
        return NULL;
    slab = slab_of(start + page + SLAB - 1);
    if (mprotect(slab, room, PROT_READ | PROT_WRITE) != 0) {
        (void)munmap(start, mapped);
        return NULL;
    }
    (void)madvise(slab, room, MADV_DONTDUMP);
    (void)mlock(slab, room);
    slab->start = start;
    slab->mapped = mapped;
    slab->len = room;
    return slab;
}

/* ---- Small pieces ---- */

static int kind_of(size_t n)
{
    int kind = 0;
    while ((size_t)PIECE_MIN << kind < n)
        kind++;
    return kind;
}

static void put_first(struct slab *slab)
{
    struct slab **first = &open_slabs[kind_of(slab->piece)];
    slab->prev = NULL;
    slab->next = *first;
    if (*first != NULL)
        (*first)->prev = slab;
    *first = slab;
}

static void take_out(struct slab *slab)
{
    if (slab->prev != NULL)
        slab->prev->next = slab->next;
    else
        open_slabs[kind_of(slab->piece)] = slab->next;
    if (slab->next != NULL)
        slab->next->prev = slab->prev;
}

static struct slab *make(size_t piece)
{
    struct slab *slab = map(SLAB);
    if (slab == NULL)
        return NULL;
    slab->piece = piece;
    slab->n = (unsigned)((SLAB - HEAD) / piece);
    put_first(slab);
    return slab;
}

static void *take(struct slab *slab)
{
    unsigned at = 0, bit;
    while (slab->map[at] == UINT64_MAX)
        at++;
    bit = (unsigned)__builtin_ctzll(~slab->map[at]);
    slab->map[at] |= (uint64_t)1 << bit;
    if (++slab->taken == slab->n)
        take_out(slab);
    return (char *)slab + HEAD + (64 * at + bit) * slab->piece;
}

/* The mapping goes with its last piece: the code may be unloaded, and no list is left then. */
static void give(struct slab *slab, const void *p)
{
    const size_t i = (size_t)((const char *)p - (const char *)slab - HEAD) / slab->piece;
    slab->map[i / 64] &= ~((uint64_t)1 << i % 64);
    if (slab->taken-- == slab->n)
        put_first(slab);
    if (slab->taken == 0) {
        take_out(slab);
        (void)munmap(slab->start, slab->mapped); /* fails only for arguments that are not ours */
    }
}

/* ---- All of them ---- */

void *aps_locked_new(size_t n)
{
    struct slab *slab;
    void *p = NULL;

    if (n > PIECE_MAX) {
        slab = map(HEAD + n);
        return slab != NULL ? (char *)slab + HEAD : NULL;
    }
    (void)pthread_mutex_lock(&lock);
    if ((slab = open_slabs[kind_of(n)]) == NULL)
        slab = make((size_t)PIECE_MIN << kind_of(n));
    if (slab != NULL)
        p = take(slab);
    (void)pthread_mutex_unlock(&lock);
    return p;
}

void aps_locked_free(void *p)
{
    struct slab *slab = slab_of(p);

    if (slab->piece == 0) {
        OPENSSL_cleanse(p, slab->len - HEAD);
        (void)munmap(slab->start, slab->mapped);
        return;
    }
    OPENSSL_cleanse(p, slab->piece); /* the next owner finds it zeroed */
    (void)pthread_mutex_lock(&lock);
    give(slab, p);
    (void)pthread_mutex_unlock(&lock);
}

void aps_locked_child(const void *p)
{
    (void)mlock(slab_of(p), slab_of(p)->len); /* as good without, where the limit is too low */
}
