/* play.h - requests of a log, played through limits by the core that decides in httpd.
 *
 * The cells are in memory of this process, the clock is the log's. */
#ifndef APISECCTL_PLAY_H
#define APISECCTL_PLAY_H

#include "logask.h"
#include "offender.h"

/* Limits that are played together. */
#define CTL_PLAY_LIMITS_MAX 16

/* A line that was received longer before the latest one is out of order; less far, it was only
 * answered later, since httpd writes a line when a request ends. */
#define CTL_PLAY_LATE_MAX APS_HOUR

/* How far a log may reach. */
#define CTL_PLAY_SPAN_MAX (5 * 366 * APS_DAY)

struct ctl_played {
    struct aps_limit limit;
    size_t nall;      /* meters that it says */
    size_t nmeters;   /* those that can be played: not requests under way */
    uint64_t asked;   /* requests */
    uint64_t refused; /* requests; of a dry-run limit those that it would have refused */
    uint64_t delayed;
    aps_nsec longest_delay;
};

enum ctl_play_order { CTL_PLAY_IN_ORDER, CTL_PLAY_LATE, CTL_PLAY_OUT_OF_ORDER };

struct ctl_play {
    size_t n;
    struct ctl_played played[CTL_PLAY_LIMITS_MAX];
    unsigned by; /* what the limits ask for */
    struct aps_state *state;
    struct ctl_offenders *offenders;
    aps_nsec first, latest; /* wall, of lines that were played; 0: none yet */
    aps_nsec latest_most;   /* how late a line was */
    uint64_t admitted, refused, delayed, not_asked, late;
    struct aps_rate_result result;
};

/* Begin with no limits; lives in `pool`.  APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err ctl_play_init(struct ctl_play *play, apr_pool_t *pool,
                                          struct aps_diag *diag);

/* Add a limit in the words of ApiSecLimit.  APS_ERR_FORMAT, APS_ERR_RANGE: the words, too many, or
 * nothing in them that a log could tell of.  APS_ERR_EXISTS: the name. */
APS_MUST_CHECK enum aps_err ctl_play_add(struct ctl_play *play, apr_pool_t *pool,
                                         struct aps_str text, struct aps_diag *diag);

/* Play one request.  APS_ERR_FORMAT: its time.  OUT_OF_ORDER was not played. */
APS_MUST_CHECK enum aps_err ctl_play_line(struct ctl_play *play, const struct ctl_logask_line *line,
                                          enum ctl_play_order *out, struct aps_diag *diag);

#endif
