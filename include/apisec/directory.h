/* directory.h - the limits that a server has registered in its shared state, and how often each
 * was asked and what it said.
 *
 * A row for each limit and place: what it says, where it stands, and counters that only grow.  It
 * is found again after restarts and outlives boots.  There are APS_DIRECTORY_ROWS of them: where
 * more limits come, the one that nobody has met for longest gives way, but none that the present
 * configuration has and none met in this hour or the one before; a limit without a row holds all
 * the same, only nobody sees it (`apisec_limit_unlisted`).
 * Threads and processes: every call is safe from any of them.  Never blocks; only
 * aps_directory_each allocates.  Whoever may write the state file can make these calls say
 * anything, and nothing else. */
#ifndef APISEC_DIRECTORY_H
#define APISEC_DIRECTORY_H

#include <apr_pools.h>

#include "apisec/state.h"
#include "apisec/str.h"

#define APS_DIRECTORY_ROWS 1024u

/* Bytes that are kept of a limit's text and of its place. */
#define APS_DIRECTORY_TEXT_MAX 320
#define APS_DIRECTORY_WHERE_MAX 96

enum aps_directory_count {
    APS_DIRECTORY_ASKED,        /* requests that it was asked about */
    APS_DIRECTORY_REFUSED,      /* those that it refused */
    APS_DIRECTORY_WOULD_REFUSE, /* those that it would have refused: dry-run or DetectOnly */
    APS_DIRECTORY_DELAYED,      /* those that had to wait for their turn */
    APS_DIRECTORY_OVERFLOW,     /* charges to a shared cell since the table was full */
    APS_DIRECTORY_COUNTS
};

/* What a limit is told apart by: all of it. */
struct aps_directory_limit {
    struct aps_str text;  /* canonical (limit.h), the name first */
    struct aps_str where; /* "api.example.com:443 /v1", or the plan's name */
    uint64_t store;       /* aps_snapshot_store_tag of whose callers it counts; 0: none */
    bool is_plan;         /* a plan of the store has it, not the configuration */
};

/* A row that was registered; zeroed: none, which counts nothing. */
struct aps_directory_row {
    uint64_t key;
    uint32_t index; /* from 1 on */
};

/* The row of a limit, made where there is none.  A server does so for each limit of its
 * configuration, before it forks: these never give way as long as it runs.  A child does so when it
 * meets a limit of a plan.  `wall` is the time now.  Borrows all.  A row that is none where all
 * are in use, which is counted. */
struct aps_directory_row aps_directory_register(struct aps_state *state,
                                                const struct aps_directory_limit *limit,
                                                aps_nsec wall);

/* Count one.  False if the row was given to another limit: register again. */
bool aps_directory_add(struct aps_state *state, struct aps_directory_row row,
                       enum aps_directory_count what, aps_nsec wall);

/* The same for ASKED, which each request pays for: fourteen instructions, one of them locked, in
 * one of sixteen stripes. */
bool aps_directory_ask(struct aps_state *state, struct aps_directory_row row);

/* A row as it was found. */
struct aps_directory_entry {
    char text[APS_DIRECTORY_TEXT_MAX + 1], where[APS_DIRECTORY_WHERE_MAX + 1]; /* NUL-ended */
    bool text_cut, where_cut;                                                  /* it was longer */
    bool is_plan;
    bool is_current; /* it was met since the last start of the server */
    uint64_t store;
    aps_nsec met; /* wall, a whole hour: when it was last registered, or counted more than asked */
    uint64_t count[APS_DIRECTORY_COUNTS];
};

/* `entry` is borrowed. */
typedef void (*aps_directory_fn)(void *arg, const struct aps_directory_entry *entry);

/* Each row that says what it was made to say, in no order; once, where processes that met it
 * together made two.  Also for attached states, where each call reads the file.  Texts may hold any
 * bytes but NUL.  `pool` is for the call.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_directory_each(const struct aps_state *state, apr_pool_t *pool,
                                               aps_directory_fn fn, void *arg,
                                               struct aps_diag *diag);

#endif
