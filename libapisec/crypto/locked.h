/* locked.h - memory that stays out of swap and core dumps, in pieces of any size.
 *
 * Only whole pages can be kept out of either, and a process may lock few of them (RLIMIT_MEMLOCK,
 * 8 MiB or less): so pieces of up to 4 KiB share slabs of four pages, those of one size together.
 * Before and behind each slab lies a page that nobody can touch.
 * Threads: every call is safe from any of them.  Processes: a child of fork has the parent's pieces
 * (a master key is inherited so), and its own changes to them are its own; that they are locked is
 * not inherited, see aps_locked_child.  Whoever forks while another thread allocates calls nothing
 * of this in the child before it executes another program. */
#ifndef APISEC_CRYPTO_LOCKED_H
#define APISEC_CRYPTO_LOCKED_H

#include <stddef.h>

/* `n` bytes, zeroed; NULL: there is no memory.  The caller frees with aps_locked_free. */
void *aps_locked_new(size_t n);

/* Wipe all of the piece and give it back. */
void aps_locked_free(void *p);

/* In a child of fork: lock the pages of this piece here too. */
void aps_locked_child(const void *p);

#endif
