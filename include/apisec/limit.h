/* limit.h - what a limit says, in the words that ApiSecLimit and plans share.
 *
 *   NAME [rate=N/UNIT]... [quota=N/PERIOD]... [zone=ZONE] [inflight=N] by=WHAT[+WHAT]...
 *        [burst=N] [algorithm=ALGORITHM] [delay=DURATION] [cost=COST]... [mode=MODE]
 *
 * A limit holds one caller to one or more meters: a rate, a quota of the calendar, a number of
 * requests under way.  All meters of all limits of a request are charged together (rate.h).
 * Threads and processes: a limit is a plain value, read-only once it is bound. */
#ifndef APISEC_LIMIT_H
#define APISEC_LIMIT_H

#include <apr_pools.h>
#include <stdint.h>

#include "apisec/err.h"
#include "apisec/num.h"
#include "apisec/rate.h"
#include "apisec/role.h"
#include "apisec/str.h"
#include "apisec/zone.h"

#define APS_LIMIT_METERS_MAX 6
#define APS_LIMIT_COSTS_MAX 7 /* one for each method */
#define APS_LIMIT_TEXT_MAX 1024
#define APS_LIMIT_COST_MAX 1000000u
#define APS_LIMIT_INFLIGHT_MAX 65535u
#define APS_LIMIT_DELAY_MAX (30 * APS_SEC)

/* Who has an allowance of his own; several bits: each combination. */
enum aps_limit_by {
    APS_LIMIT_BY_KEY = 1 << 0,
    APS_LIMIT_BY_USER = 1 << 1, /* the key's owner, else the key */
    APS_LIMIT_BY_ORG = 1 << 2,  /* the key's organisation, else its user */
    APS_LIMIT_BY_ROLE = 1 << 3, /* each role of the key */
    APS_LIMIT_BY_IP = 1 << 4,   /* the address, cut to a prefix; charged before authentication */
    APS_LIMIT_BY_ROUTE = 1 << 5,
};
/* Whom only a verified credential names. */
#define APS_LIMIT_BY_CALLER                                                                        \
    (APS_LIMIT_BY_KEY | APS_LIMIT_BY_USER | APS_LIMIT_BY_ORG | APS_LIMIT_BY_ROLE)

enum aps_limit_algorithm {
    APS_LIMIT_GCRA,
    APS_LIMIT_TOKEN_BUCKET, /* decides as GCRA does (LIM-06) */
    APS_LIMIT_LEAKY_BUCKET, /* GCRA that makes each request wait for its turn (LIM-07) */
    APS_LIMIT_SLIDING_WINDOW,
    APS_LIMIT_FIXED_WINDOW,
};

enum aps_limit_meter_kind { APS_LIMIT_RATE, APS_LIMIT_QUOTA, APS_LIMIT_INFLIGHT };

struct aps_limit_meter {
    enum aps_limit_meter_kind kind;
    uint32_t count;               /* of the rate, the quota, the requests under way */
    aps_nsec period;              /* of a rate */
    enum aps_zone_unit of;        /* of a quota */
    struct aps_str name;          /* unique in the limit: its name, or NAME-s, NAME-month, ... */
    struct aps_str policy;        /* item of RateLimit-Policy: `"NAME-s";q=10;w=1` */
    struct aps_rate_limit charge; /* ready for the limiter once bound */
};

/* What a request costs: by its method, else `base`; and at least one for each begun `bytes` of its
 * body. */
struct aps_limit_cost {
    bool has_base; /* a number that stands alone was given */
    uint32_t base;
    uint64_t bytes; /* 0: the body costs nothing */
    size_t n;
    struct {
        unsigned methods; /* bits of enum aps_method */
        uint32_t cost;
    } of[APS_LIMIT_COSTS_MAX];
};

struct aps_limit {
    struct aps_str name;
    struct aps_str text;      /* canonical, NAME included: equal texts are equal limits */
    unsigned by;              /* bits of enum aps_limit_by */
    uint8_t prefix4, prefix6; /* of by=ip */
    bool dry_run;             /* counts, and tells what it would refuse */
    enum aps_limit_algorithm algorithm;
    uint32_t burst;      /* of the one rate; 0: its count */
    aps_nsec delay;      /* how long a request may wait for its turn; 0: not at all */
    struct aps_str zone; /* of the quotas; "UTC" where none is named */
    struct aps_limit_cost cost;
    bool has_cost;    /* some cost= was given */
    uint64_t edition; /* 0, or a number that no other definition of the store ever had; the caller's
                       * to set before it is bound */
    size_t n;
    struct aps_limit_meter meter[APS_LIMIT_METERS_MAX];
};

/* Read one limit; words are separated by spaces.  Lives in `pool`; copies.  Not bound yet.
 * APS_ERR_FORMAT and APS_ERR_RANGE name the word that is wrong and what is accepted. */
APS_MUST_CHECK enum aps_err aps_limit_parse(apr_pool_t *pool, struct aps_str text,
                                            struct aps_limit *out, struct aps_diag *diag);

/* Make its meters ready to be charged.  `store` tells stores apart and is 0 where the caller's
 * bytes do.  Meters share their cells where name, level, kind and period are equal, and for a
 * bucket (gcra, token-bucket, leaky-bucket) also count, burst, delay and edition: a window or a
 * quota whose count changes goes on.  A leaky bucket with a burst lets as many units wait, and
 * none of them longer than its delay.
 * APS_ERR_RANGE: a meter that cannot be.  Of a quota's zone, which is read here, what
 * aps_zone_open says.  Lives in `pool`. */
APS_MUST_CHECK enum aps_err aps_limit_bind(apr_pool_t *pool, struct aps_limit *limit,
                                           uint64_t store, struct aps_diag *diag);

/* Let the buckets of a bound limit go on with what was consumed of those that it took the place of:
 * `n` of them, bound, each of an edition of its own, newest first.  What a bucket goes on from has
 * its level, and its period unless either limit has one bucket only.  `now` (monotonic) is when
 * this process learned of the edit, 0: long ago (aps_rate_set_earlier).  Keeps `earlier`. */
void aps_limit_bind_earlier(struct aps_limit *limit, struct aps_limit *earlier, size_t n,
                            aps_nsec now);

/* What one request costs: 1 or more, at most APS_LIMIT_COST_MAX times 1000; 0: the length of the
 * body counts and is not known.  `body` in bytes, -1: not known. */
uint32_t aps_limit_cost_of(const struct aps_limit_cost *cost, enum aps_method method, int64_t body);

/* One cost= value ("5", "POST,PUT:5", "bytes/64k") into `cost`, which is {.base = 1} at first. */
APS_MUST_CHECK enum aps_err aps_limit_cost_parse(struct aps_str text, struct aps_limit_cost *cost,
                                                 struct aps_diag *diag);

/* "key+route", "ip/24/48".  Returns `out`. */
#define APS_LIMIT_BY_TEXT_MAX 64
char *aps_limit_print_by(const struct aps_limit *limit, char out[APS_LIMIT_BY_TEXT_MAX]);

const char *aps_limit_algorithm_name(enum aps_limit_algorithm algorithm);

#endif
