/* limit_bind.c - a limit's words -> meters that the limiter can charge. */
#include "apisec/limit.h"

#include <apr_strings.h>

#include "apisec/table.h"

/* What tells cells apart.  Windows and quotas count units, so a count that changes goes on with the
 * same cells.  A bucket's cell is a time, which means another number of units at another rate, and
 * would be cut by a limit that reaches less far. */
static uint64_t scope_of(apr_pool_t *pool, const struct aps_limit *limit,
                         const struct aps_limit_meter *meter, uint64_t store)
{
    char by[APS_LIMIT_BY_TEXT_MAX];
    const char *text =
        apr_psprintf(pool, "%s %s %d %" APR_INT64_T_FMT, limit->name.p,
                     aps_limit_print_by(limit, by), meter->charge.kind, (apr_int64_t)meter->period);

    if (meter->charge.kind == APS_RATE_GCRA)
        text =
            apr_psprintf(pool, "%s %u %u %" APR_INT64_T_FMT " %d %" APR_UINT64_T_FMT, text,
                         meter->count, meter->charge.burst, (apr_int64_t)limit->delay,
                         limit->algorithm == APS_LIMIT_LEAKY_BUCKET, (apr_uint64_t)limit->edition);
    if (meter->charge.kind == APS_RATE_QUOTA)
        text = apr_psprintf(pool, "%s %d", text, meter->of);
    return aps_table_scope(APS_TABLE_RATE, store, aps_str(text));
}

/* The longest that anybody waits.  The burst of a leaky bucket is its queue: of so many units. */
static aps_nsec delay_of(const struct aps_limit *limit, const struct aps_rate_limit *charge)
{
    uint64_t queue = charge->span;

    return limit->algorithm == APS_LIMIT_LEAKY_BUCKET && limit->burst != 0 &&
                   queue < (uint64_t)limit->delay
               ? (aps_nsec)queue
               : limit->delay;
}

static enum aps_err bind_rate(const struct aps_limit *limit, struct aps_limit_meter *meter,
                              struct aps_diag *diag)
{
    struct aps_rate rate = {meter->count, meter->period};
    enum aps_err err;

    if (limit->algorithm == APS_LIMIT_FIXED_WINDOW)
        return aps_rate_init_window(&meter->charge, 0, APS_RATE_FIXED, rate, diag);
    if (limit->algorithm == APS_LIMIT_SLIDING_WINDOW)
        return aps_rate_init_window(&meter->charge, 0, APS_RATE_SLIDING, rate, diag);
    err = aps_rate_init(&meter->charge, 0, rate, limit->burst, diag);
    if (err == APS_OK && limit->delay != 0)
        err = aps_rate_set_delay(&meter->charge, delay_of(limit, &meter->charge),
                                 limit->algorithm == APS_LIMIT_LEAKY_BUCKET, diag);
    return err;
}

static enum aps_err bind_quota(apr_pool_t *pool, const struct aps_limit *limit,
                               struct aps_limit_meter *meter, struct aps_diag *diag)
{
    const struct aps_zone *zone = NULL;
    enum aps_err err = aps_zone_open(pool, limit->zone, &zone, diag);

    if (err == APS_OK)
        err = aps_rate_init_quota(&meter->charge, 0, meter->count, meter->of, zone, diag);
    if (err == APS_OK)
        meter->charge.is_stranger =
            (limit->by & APS_LIMIT_BY_IP) != 0 && (limit->by & APS_LIMIT_BY_CALLER) == 0;
    return err;
}

static enum aps_err bind_meter(apr_pool_t *pool, const struct aps_limit *limit,
                               struct aps_limit_meter *meter, struct aps_diag *diag)
{
    if (meter->kind == APS_LIMIT_RATE)
        return bind_rate(limit, meter, diag);
    if (meter->kind == APS_LIMIT_QUOTA)
        return bind_quota(pool, limit, meter, diag);
    return aps_rate_init_inflight(&meter->charge, 0, meter->count, diag);
}

enum aps_err aps_limit_bind(apr_pool_t *pool, struct aps_limit *limit, uint64_t store,
                            struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < limit->n; i++) {
        struct aps_limit_meter *meter = &limit->meter[i];

        err = bind_meter(pool, limit, meter, diag);
        meter->charge.scope = scope_of(pool, limit, meter, store);
    }
    return err;
}

static bool is_bucket(const struct aps_limit_meter *meter)
{
    return meter->kind == APS_LIMIT_RATE && meter->charge.kind == APS_RATE_GCRA;
}

static size_t count_buckets(const struct aps_limit *limit)
{
    size_t n = 0;

    for (size_t i = 0; i < limit->n; i++)
        n += is_bucket(&limit->meter[i]);
    return n;
}

/* The bucket of `earlier` that `meter` of `limit` goes on from, or NULL. */
static struct aps_limit_meter *match(const struct aps_limit *limit,
                                     const struct aps_limit_meter *meter, struct aps_limit *earlier)
{
    bool only = count_buckets(limit) == 1 && count_buckets(earlier) == 1;

    if (limit->by != earlier->by)
        return NULL;
    for (size_t i = 0; i < earlier->n; i++)
        if (is_bucket(&earlier->meter[i]) && (only || earlier->meter[i].period == meter->period))
            return &earlier->meter[i];
    return NULL;
}

void aps_limit_bind_earlier(struct aps_limit *limit, struct aps_limit *earlier, size_t n,
                            aps_nsec now)
{
    for (size_t i = 0; i < limit->n; i++) {
        struct aps_limit_meter *last = &limit->meter[i], *then;

        for (size_t k = 0; is_bucket(&limit->meter[i]) && k < n; k++) {
            if ((then = match(limit, &limit->meter[i], &earlier[k])) == NULL)
                continue;
            aps_rate_set_earlier(&last->charge, &then->charge, last == &limit->meter[i] ? now : 0);
            last = then;
        }
    }
}
