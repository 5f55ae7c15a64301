/* state.h - the shared state of one httpd: a file that its processes map and apisecctl reads.
 *
 * It holds the table of limits (table.h), counters (metrics.h), the generations in use
 * (generation.h) and the last use of each secret (lastuse.h); no pointers and no credentials.  It
 * outlives restarts, stops and crashes; after a reboot all cells but those of quotas start empty,
 * since they hang on the monotonic clock, and the rest stays.  Layout: docs/design.md.
 * Threads and processes: open, attach, child and close belong to one thread; everything that
 * takes an open state is safe from any thread and any process forked after open. */
#ifndef APISEC_STATE_H
#define APISEC_STATE_H

#include <apr_pools.h>
#include <stdbool.h>
#include <stdint.h>

#include "apisec/clock.h"
#include "apisec/err.h"

/* Cells of the table: one for each caller and limit that is not idle, 16 bytes each. */
#define APS_STATE_ENTRIES_MIN ((uint64_t)1024)
#define APS_STATE_ENTRIES_MAX ((uint64_t)1 << 28)
#define APS_STATE_ENTRIES_DEFAULT ((uint64_t)65536)

/* Rows for the last use of secrets (lastuse.h), 64 bytes each; 0: none are kept. */
#define APS_STATE_USES_MIN ((uint64_t)1024)
#define APS_STATE_USES_MAX ((uint64_t)1 << 24)
#define APS_STATE_USES_DEFAULT ((uint64_t)16384)

struct aps_state;

/* What aps_state_open found at the path. */
enum aps_state_origin {
    APS_STATE_ATTACHED, /* opened by aps_state_attach */
    APS_STATE_MEMORY,   /* made by aps_state_memory */
    APS_STATE_CREATED,  /* there was none */
    APS_STATE_KEPT,     /* all of it is in use again */
    APS_STATE_CARRIED,  /* it had another size: what was counted goes on in a new file */
    APS_STATE_REBOOTED, /* the kernel was restarted: a new file, in which quotas go on, and all that
                           is not counted */
    APS_STATE_REPLACED, /* it had another version, or was damaged: a new file */
    APS_STATE_FOREIGN,  /* it was no state file: it is PATH.bad now, and there is a new one */
};

/* What a server asks for; both are rounded up to a power of two. */
struct aps_state_size {
    uint64_t entries; /* APS_STATE_ENTRIES_MIN to _MAX */
    uint64_t uses;    /* 0, or APS_STATE_USES_MIN to _MAX */
};

struct aps_state_info {
    enum aps_state_origin origin;
    uint64_t bytes;   /* size of the file */
    uint64_t entries; /* cells of the table */
    uint64_t uses;    /* rows for last uses */
    uint64_t rows;    /* rows for generations in use */
    uint64_t slots;   /* rows for requests under way (slots.h) */
    uint64_t leases;  /* rows for what quotas have on disk */
    uint64_t carried; /* cells that went on in a new file at this start */
    uint64_t lost;    /* cells that found no place in it: it has become smaller */
    uint64_t boot;    /* how often a server opened it, this time included; `boot` of audit lines */
    aps_nsec created; /* wall */
    bool is_stale;    /* attached: the kernel was started anew since a server opened it, or nobody
                       * can tell: its cells say nothing, and go when one opens it */
    aps_nsec refresh; /* how late at most the server sees a generation; 0: it has not said */
};

/* Open for a server, before it drops privileges: make the file (0600) or use what is there, and
 * raise the start counter.  `wall` is the time now.  Space on disk is reserved, so that a full disk
 * shows here and never as a signal later.  A file of another size is not cut or grown, since old
 * children may still map it: a new file takes its name, and all that was counted goes on in it.
 * Each cell of the old one is retired, so that its children refuse (STATE_MOVED) rather than count
 * beside the new one; a start that is killed on the way is gone on with by the next one.  A file of
 * another version or a damaged one gives its last uses at most; one without the magic is kept as
 * PATH.bad.  Lives in `pool`; unmapped with it in this process only.
 * APS_ERR_RANGE: a size.  APS_ERR_UNSAFE: the file is no regular file, not this account's, has a
 * second name or a mode other than 0600, or others may write the folder.  APS_ERR_IO: the rest. */
APS_MUST_CHECK enum aps_err aps_state_open(apr_pool_t *pool, const char *path,
                                           const struct aps_state_size *size, aps_nsec wall,
                                           struct aps_state **out, struct aps_diag *diag);

/* An empty state in this process's own memory, with no file: to try limits out.  Takes memory only
 * as it is used.  Lives in `pool`, which gives it back.  Not for more than one process.
 * APS_ERR_RANGE: a size.  APS_ERR_NOMEM.  APS_ERR_FAILED: no random numbers. */
APS_MUST_CHECK enum aps_err aps_state_memory(apr_pool_t *pool, const struct aps_state_size *size,
                                             struct aps_state **out, struct aps_diag *diag);

/* Could aps_state_open use this path?  For a configuration test: nothing is made or changed.
 * APS_ERR_UNSAFE as above; APS_ERR_IO: there is no such folder. */
APS_MUST_CHECK enum aps_err aps_state_check(apr_pool_t *pool, const char *path,
                                            struct aps_diag *diag);

/* Copy what a reader needs of a state file that others may write at any time: counters,
 * generations, head.  Every number in it is checked or bounded, and nothing is mapped, so that
 * truncation of the file cannot kill the reader.  A later state needs a new attach.  The calls
 * that charge cells must not be used with it.  Lives in `pool`, which closes it.
 * APS_ERR_NOT_FOUND: no such file.  APS_ERR_UNSAFE: not a regular file.  APS_ERR_NEWER: written by
 * another version.  APS_ERR_CORRUPT: not a state file, or damaged.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_state_attach(apr_pool_t *pool, const char *path,
                                             struct aps_state **out, struct aps_diag *diag);

/* Tell that this process is a child of the one that opened: it gets counters and slots of its
 * own. */
void aps_state_child(struct aps_state *state);

/* For the server: how late at most a request that begins sees what was published before it. */
void aps_state_set_refresh(struct aps_state *state, aps_nsec refresh);

/* Before its pool ends; NULL is fine. */
void aps_state_close(struct aps_state *state);

void aps_state_info(const struct aps_state *state, struct aps_state_info *out);

/* The start counter, for audit lines. */
uint64_t aps_state_boot(const struct aps_state *state);

#endif
