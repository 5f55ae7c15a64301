/* layout.h - the state file, byte by byte; only for table/.
 *
 *        0  head             one page
 *     4096  overflow         8,192 cells, in sets of four
 *   135168  reserve          32,768 cells, in sets of four
 *   659456  counters         16 stripes of 256 words
 *   692224  generation rows  32 bytes each, one for 16 cells, 4,096 to 65,536
 *           cells            16 bytes each, in sets of four: one cache line
 *           last uses        64 bytes each, one cache line, in sets of four
 *           slots            one page, then 4,096 shared words, then rows of 32 bytes, one for four
 *                            cells, 4,096 to 65,536
 *           leases           one page, then rows of 32 bytes, one for four cells, in sets of four
 *           limits           1,024 rows of 512 bytes
 *           asked            16 stripes of a word for each row of limits
 *
 * Each part begins at a page.  Fixed-width integers in the machine's order, no pointers.  Sizes
 * follow from the numbers of cells and of last uses alone, and every process keeps its own copy of
 * them, so that nothing in the file can lead outside of it. */
#ifndef APISEC_TABLE_LAYOUT_H
#define APISEC_TABLE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apisec/state.h"

#ifndef __GCC_HAVE_SYNC_COMPARE_AND_SWAP_16
#error "a 128-bit compare-and-swap is needed; on x86-64 compile with -mcx16"
#endif

#define LAYOUT_MAGIC "apisec-s"
#define LAYOUT_VERSION 4u
#define LAYOUT_PAGE ((uint64_t)4096)
#define LAYOUT_SHARED_OVERFLOW ((uint64_t)8192)
#define LAYOUT_OVERFLOW (LAYOUT_SHARED_OVERFLOW + LAYOUT_RESERVE)
#define LAYOUT_RESERVE (LAYOUT_STORE_SHARES * LAYOUT_RESERVE_SETS * LAYOUT_WAYS)
#define LAYOUT_STRIPES ((uint64_t)16)
#define LAYOUT_COUNTERS ((uint64_t)256)
#define LAYOUT_ROWS_MIN ((uint64_t)4096)
#define LAYOUT_ROWS_MAX ((uint64_t)65536)
#define LAYOUT_CELLS_PER_ROW ((uint64_t)16)
#define LAYOUT_SLOTS_MIN ((uint64_t)4096)
#define LAYOUT_SLOTS_MAX ((uint64_t)65536)
#define LAYOUT_CELLS_PER_SLOT ((uint64_t)4)
#define LAYOUT_SHARED ((uint64_t)4096)
#define LAYOUT_CELLS_PER_LEASE ((uint64_t)4)
#define LAYOUT_LIMITS ((uint64_t)1024)

#define LAYOUT_AT_OVERFLOW LAYOUT_PAGE
#define LAYOUT_AT_COUNTERS (LAYOUT_AT_OVERFLOW + LAYOUT_OVERFLOW * 16)
#define LAYOUT_AT_ROWS (LAYOUT_AT_COUNTERS + LAYOUT_STRIPES * LAYOUT_COUNTERS * 8)

/* What is set when the file is made, and the few words that change. */
struct layout_head {
    char magic[8];
    uint32_t version;
    uint32_t head_bytes;
    uint64_t file_bytes;
    uint64_t cells;
    uint64_t rows;
    uint64_t uses; /* rows of last uses; 0: none are kept */
    uint32_t overflow;
    uint32_t stripes;
    uint32_t counters;
    uint32_t metrics; /* hash of the counters' names: what each counter means */
    int64_t created;  /* wall nsec */
    uint8_t hash_key[16];
    uint8_t boot_id[16]; /* of the kernel; written last after a reboot */
    /* Of the last uses, which outlive boots and go on in a file of another size. */
    uint8_t use_key[16];
    int64_t use_since; /* wall seconds: every use from then on was noted */
    /* Own cache lines: these change while the server runs. */
    _Alignas(64) uint64_t starts; /* a server opened the file */
    int64_t refresh;              /* nsec, set at each of these starts; 0 in a new file */
    _Alignas(64) uint64_t nonce;  /* claims so far; each claim of a cell has its own number */
    _Alignas(64) uint64_t use_displaced; /* the newest hour of a last use that gave way */
    uint64_t salt;                       /* of tags: a random number of each boot */
    uint64_t retired; /* not 0: a start has begun to take the cells over into another file */
    uint64_t stashed; /* not 0: some callers' cells lie among those for overflow */
    uint64_t check;   /* aps_layout_check; 0 in a file of before it was kept */
};

/* Two words that change in one step. */
struct layout_pair {
    _Alignas(16) uint64_t a;
    uint64_t b;
};

/* A caller of a limit, or all callers of one without a cell: a = tag, 0 when empty; b = word
 * (apisec/word.h). */
#define LAYOUT_WAYS 4u

/* The first half of the overflow cells is shared out among the stores, so many sets to each; and so
 * is the reserve behind them, for callers who find the places that all share taken. */
#define LAYOUT_STORE_SETS ((uint64_t)8)
#define LAYOUT_STORE_SHARES (LAYOUT_SHARED_OVERFLOW / 2 / LAYOUT_WAYS / LAYOUT_STORE_SETS)
#define LAYOUT_RESERVE_SETS ((uint64_t)64)

struct layout_row {
    struct layout_pair owner;  /* process id and its start time; 0, 0 when free */
    struct layout_pair serves; /* store and generation */
};

/* The first and the last use of a secret.  What the last one was is torn where two processes wrote
 * it together or one was killed in it; `check` tells (lastuse.c). */
struct layout_use {
    struct layout_pair used; /* a = tag, 0 when empty; b = first second << 32 | last hour */
    uint64_t check;          /* keyed hash of tag, last hour and what follows */
    uint64_t net;            /* prefix of the address, and whether the route was cut */
    uint64_t route[4];       /* text, filled up with NULs */
};

/* A request that is under way, as one limit counts it (slots.c). */
struct layout_slot {
    struct layout_pair owner; /* process id and its start time; 0, 0 when free */
    struct layout_pair use;   /* a = tag or shared word that counts it; b = state and number */
};

/* What comes before these rows. */
struct layout_slots_head {
    uint64_t swept; /* monotonic nsec: the last search for rows of the dead */
    uint64_t unused[511];
    uint64_t shared[LAYOUT_SHARED]; /* count callers who found no cell */
};

/* How far a caller may count in a period of a quota, and how far of that is known to be on disk
 * (lease.c). */
struct layout_lease {
    struct layout_pair leased;  /* a = tag, 0 when empty; b = life, end of the period and units */
    struct layout_pair durable; /* the same */
};

/* What comes before these rows. */
struct layout_leases_head {
    uint64_t budget; /* monotonic second and how many strangers have waited for the disk in it */
    uint64_t failed; /* monotonic nsec: when a write to the disk failed; 0: never */
    uint64_t failures;
    uint64_t why; /* errno of the last one */
    uint64_t unused[508];
};

/* A limit that a server has registered.  What it says is torn where its writer was killed; the key,
 * which is a hash of it, tells (directory.c). */
#define LAYOUT_LIMIT_TEXT 320u
#define LAYOUT_LIMIT_WHERE 96u

struct layout_limit {
    struct layout_pair id; /* a = key, 0 when empty; b = when it was last met, or a claim */
    uint64_t store;
    uint64_t form; /* whose it is, and what was cut */
    uint64_t text[LAYOUT_LIMIT_TEXT / 8], where[LAYOUT_LIMIT_WHERE / 8]; /* filled up with NULs */
    _Alignas(64) uint64_t count[8];
};

_Static_assert(sizeof(struct layout_head) <= LAYOUT_PAGE, "the head fits its page");
_Static_assert(offsetof(struct layout_head, starts) == 128, "all versions find the start counter");
_Static_assert(sizeof(struct layout_head) == 320, "all processes must agree on the head");
_Static_assert(sizeof(struct layout_pair) == 16, "all processes must agree on a cell");
_Static_assert(sizeof(struct layout_row) == 32, "all processes must agree on a row");
_Static_assert(sizeof(struct layout_use) == 64, "all processes must agree on a last use");
_Static_assert(sizeof(struct layout_slot) == 32, "all processes must agree on a slot");
_Static_assert(sizeof(struct layout_slots_head) % LAYOUT_PAGE == 0, "rows begin at a page");
_Static_assert(sizeof(struct layout_lease) == 32, "all processes must agree on a lease");
_Static_assert(sizeof(struct layout_leases_head) == LAYOUT_PAGE, "rows begin at a page");
_Static_assert(sizeof(struct layout_limit) == 512, "all processes must agree on a limit");
_Static_assert(LAYOUT_AT_ROWS % LAYOUT_PAGE == 0, "parts begin at pages");
_Static_assert(LAYOUT_ROWS_MIN * sizeof(struct layout_row) % LAYOUT_PAGE == 0, "and so do cells");

/* Where last uses are, mapped or in a file. */
struct layout_uses {
    struct layout_use *rows; /* NULL: in `fd` from `at` on */
    int fd;
    uint64_t at;
    uint64_t set_mask; /* number of sets - 1 */
    uint64_t count;    /* 0: none are kept */
    uint8_t key[16];
    struct layout_head *head;
};

/* Where slots are. */
struct layout_slots {
    struct layout_slots_head *head; /* NULL in a reader's copy */
    struct slots_own *own;          /* of this process (slots_row.c); NULL in a reader's copy */
    struct layout_slot *rows;
    uint64_t count;
    uint64_t at; /* of the head in the file */
};

/* Where leases are. */
struct layout_leases {
    struct layout_leases_head *head; /* NULL in a reader's copy */
    struct layout_lease *rows;
    uint64_t count;
    uint64_t at;   /* of the head in the file */
    uint64_t page; /* bytes that the system writes together, a power of two */
};

/* Where limits are registered. */
struct layout_directory {
    struct layout_limit *rows; /* NULL in a reader's copy */
    uint64_t *asked;           /* the first stripe */
    uint64_t *stripe;          /* the one that this process adds to */
    uint64_t at;               /* in the file */
};

/* What a process knows of the file; never read again from it. */
struct aps_state {
    uint64_t *stripe;          /* the counters that this process adds to */
    struct layout_pair *cells; /* NULL in a reader's copy */
    uint64_t set_mask;         /* number of sets - 1 */
    uint64_t salt;             /* of tags, for this boot */
    uint8_t hash_key[16];
    struct layout_pair *overflow;
    struct layout_head *head;
    uint64_t *counters;
    struct layout_row *rows;
    uint64_t row_count;
    struct layout_uses uses;
    struct layout_slots slots;
    struct layout_leases leases;
    struct layout_directory directory;
    struct aps_state_info info;
    apr_pool_t *pool;
    void *map; /* NULL in a reader's copy */
    int fd;    /* of a reader, for the cells; -1 in a server */
};

/* Rows and bytes for a number of cells, which is a power of two within the accepted range. */
static inline uint64_t layout_rows(uint64_t cells)
{
    uint64_t rows = cells / LAYOUT_CELLS_PER_ROW;

    if (rows < LAYOUT_ROWS_MIN)
        return LAYOUT_ROWS_MIN;
    return rows < LAYOUT_ROWS_MAX ? rows : LAYOUT_ROWS_MAX;
}

static inline uint64_t layout_at_cells(uint64_t cells)
{
    return LAYOUT_AT_ROWS + layout_rows(cells) * sizeof(struct layout_row);
}

static inline uint64_t layout_at_uses(uint64_t cells)
{
    return layout_at_cells(cells) + cells * sizeof(struct layout_pair);
}

/* `uses` is 0 or a power of two within the accepted range. */
static inline uint64_t layout_at_slots(uint64_t cells, uint64_t uses)
{
    return layout_at_uses(cells) + uses * sizeof(struct layout_use);
}

static inline uint64_t layout_slots(uint64_t cells)
{
    uint64_t slots = cells / LAYOUT_CELLS_PER_SLOT;

    if (slots < LAYOUT_SLOTS_MIN)
        return LAYOUT_SLOTS_MIN;
    return slots < LAYOUT_SLOTS_MAX ? slots : LAYOUT_SLOTS_MAX;
}

static inline uint64_t layout_slots_bytes(uint64_t cells)
{
    return sizeof(struct layout_slots_head) + layout_slots(cells) * sizeof(struct layout_slot);
}

static inline uint64_t layout_at_leases(uint64_t cells, uint64_t uses)
{
    return layout_at_slots(cells, uses) + layout_slots_bytes(cells);
}

static inline uint64_t layout_leases(uint64_t cells)
{
    return cells / LAYOUT_CELLS_PER_LEASE;
}

static inline uint64_t layout_leases_bytes(uint64_t cells)
{
    return sizeof(struct layout_leases_head) + layout_leases(cells) * sizeof(struct layout_lease);
}

static inline uint64_t layout_at_directory(uint64_t cells, uint64_t uses)
{
    return layout_at_leases(cells, uses) + layout_leases_bytes(cells);
}

#define LAYOUT_DIRECTORY_BYTES                                                                     \
    (LAYOUT_LIMITS * sizeof(struct layout_limit) + LAYOUT_STRIPES * LAYOUT_LIMITS * 8)

static inline uint64_t layout_bytes(uint64_t cells, uint64_t uses)
{
    return layout_at_directory(cells, uses) + LAYOUT_DIRECTORY_BYTES;
}

static inline uint64_t layout_load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* Change both words from `old` to `new` in one step, with a full barrier. */
static inline bool layout_swap(struct layout_pair *pair, struct layout_pair old,
                               struct layout_pair new)
{
    return __sync_bool_compare_and_swap((unsigned __int128 *)(void *)pair,
                                        ((unsigned __int128)old.b << 64) | old.a,
                                        ((unsigned __int128)new.b << 64) | new.a);
}

/* ---- layout.c ---- */

/* The head that a file of this version with such sizes has, but for what is its own. */
struct layout_head aps_layout_head(uint64_t cells, uint64_t uses);
bool aps_layout_has_magic(const struct layout_head *head);
/* Hash of what never changes in a file and cannot be found anew: sizes, keys, salt.  Never 0. */
uint64_t aps_layout_check(const struct layout_head *head);
/* Whether all sizes are those of this version for `cells` and `uses`, and keys and salt are those
 * that the file was made with. */
bool aps_layout_fits(const struct layout_head *head, uint64_t cells, uint64_t uses);
/* Whether they are those of this version for any accepted numbers, and of a file so long. */
bool aps_layout_is_sound(const struct layout_head *head, uint64_t bytes);
/* The last uses of a file with this head, which is kept; its `rows` or `fd` is yet to be set. */
struct layout_uses aps_layout_uses(struct layout_head *head, uint64_t cells, uint64_t uses);

/* Tells what each counter means, so that a version with other counters starts them anew. */
uint32_t aps_layout_metrics(void);

/* The kernel's boot id; all zero if it cannot be read. */
void aps_layout_boot_id(uint8_t out[16]);

/* Read exactly n bytes of a file that may be cut short at any time; false if it was. */
bool aps_layout_read_at(int fd, void *buf, size_t n, uint64_t at);

#endif
