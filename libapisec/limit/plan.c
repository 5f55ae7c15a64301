/* plan.c - plans: limits under one name. */
#include "apisec/plan.h"

#include "apisec/table.h"

enum aps_err aps_plan_parse(apr_pool_t *pool, struct aps_str text, struct aps_limit *out,
                            struct aps_diag *diag)
{
    struct aps_limit limit;
    char by[APS_LIMIT_BY_TEXT_MAX];
    enum aps_err err = aps_limit_parse(pool, text, &limit, diag);

    if (err != APS_OK)
        return err;
    if ((limit.by & ~(unsigned)APS_PLAN_BY) != 0) {
        aps_err_explain(diag,
                        "limit \"%.*s\": a plan has no by=%s: want key, user, org or route, or "
                        "several with + between; ApiSecLimit has the others",
                        APS_STR_ARG(limit.name), aps_limit_print_by(&limit, by));
        return APS_ERR_FORMAT;
    }
    *out = limit;
    return APS_OK;
}

enum aps_err aps_plan_check(apr_pool_t *pool, const struct aps_limit *limit, struct aps_diag *diag)
{
    struct aps_limit trial = *limit;

    return aps_limit_bind(pool, &trial, 0, diag);
}

/* Longer than any period of a calendar, whatever its zone does. */
static aps_nsec quota_span(enum aps_zone_unit unit)
{
    static const int days[APS_ZONE_UNITS] = {
        [APS_ZONE_DAY] = 2, [APS_ZONE_WEEK] = 8, [APS_ZONE_MONTH] = 32};

    return days[unit] * APS_DAY;
}

static aps_nsec rate_span(const struct aps_limit *limit, const struct aps_limit_meter *meter)
{
    uint64_t step = ((uint64_t)meter->period + meter->count - 1) / meter->count;
    uint64_t burst = limit->burst != 0 ? limit->burst : meter->count;

    if (limit->algorithm == APS_LIMIT_SLIDING_WINDOW || limit->algorithm == APS_LIMIT_FIXED_WINDOW)
        return 2 * meter->period;
    if (step > APS_TABLE_SPAN_MAX / burst)
        return (aps_nsec)APS_TABLE_SPAN_MAX;
    return (aps_nsec)(step * burst) + limit->delay;
}

aps_nsec aps_plan_span(const struct aps_limit *limit)
{
    aps_nsec longest = 0;

    for (size_t i = 0; i < limit->n; i++) {
        const struct aps_limit_meter *meter = &limit->meter[i];
        aps_nsec span = meter->kind == APS_LIMIT_RATE    ? rate_span(limit, meter)
                        : meter->kind == APS_LIMIT_QUOTA ? quota_span(meter->of)
                                                         : 0;

        longest = span > longest ? span : longest;
    }
    return longest;
}
