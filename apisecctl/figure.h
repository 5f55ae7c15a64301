/* figure.h - how far callers are into limits, by httpd's state file.
 *
 * The file is read as one that anybody may have written (excerpt.h), and asked by the code that
 * decides in httpd. */
#ifndef APISECCTL_FIGURE_H
#define APISECCTL_FIGURE_H

#include "ctl.h"

/* All that figures are read from; lives in the pool of the run. */
struct ctl_figures {
    struct aps_state *reader, *excerpt; /* NULL: there is no state file */
    uint64_t store;                     /* aps_store_tag */
    const struct aps_adjusts *adjusts;
    struct aps_table_now now;
};

/* Of one meter of a limit, for one caller. */
struct ctl_figure {
    bool counted;        /* else there is no state file, and only `most` is known */
    uint32_t most;       /* units of the bucket, the window, the period with the bonus; at once */
    uint32_t used, left; /* of them; of requests under way as many as the server counts */
    aps_nsec next_at;    /* wall, when one more is there; 0: none is missing, or nobody knows */
    aps_nsec full_at;    /* wall, when none is missing if no more are used; 0 as above */
    aps_nsec period_end; /* wall, of a quota; else 0 */
    uint32_t bonus;      /* granted for the period that runs */
    uint64_t resets;
    bool shared; /* the table is full: counted with all others that have no cell */
};

/* A server that has not started yet has counted nothing, which is no failure.  Any other file that
 * cannot be read is: APS_ERR_CORRUPT, NEWER, UNSAFE, IO, with how to name another. */
APS_MUST_CHECK enum aps_err ctl_figures_open(struct ctl *c, struct ctl_figures *out);

/* Of meter `k` of a limit that is bound and goes by callers alone, as subject `i` (subject.h) of
 * the key.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err ctl_figures_read(const struct ctl_figures *f,
                                             const struct aps_limit *limit, size_t k,
                                             const struct aps_key *key, size_t i,
                                             struct ctl_figure *out, struct aps_diag *diag);

/* Of the key's own limit, as aps_ownlimit_init has made it. */
APS_MUST_CHECK enum aps_err ctl_figures_read_own(const struct ctl_figures *f,
                                                 const struct aps_rate_limit *own,
                                                 const struct aps_key *key, struct ctl_figure *out,
                                                 struct aps_diag *diag);

/* Once more is fine. */
void ctl_figures_close(struct ctl_figures *f);

#endif
