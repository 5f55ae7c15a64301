/* limit_print.c - a limit -> its words, and what its meters are called. */
#include <apr_strings.h>

#include "limit_impl.h"

const struct limit_level aps_limit_print_levels[] = {
    {{"key", 3}, APS_LIMIT_BY_KEY}, {{"user", 4}, APS_LIMIT_BY_USER},
    {{"org", 3}, APS_LIMIT_BY_ORG}, {{"role", 4}, APS_LIMIT_BY_ROLE},
    {{"ip", 2}, APS_LIMIT_BY_IP},   {{"route", 5}, APS_LIMIT_BY_ROUTE},
};

const char *const aps_limit_print_periods[] = {
    [APS_ZONE_DAY] = "day",
    [APS_ZONE_WEEK] = "week",
    [APS_ZONE_MONTH] = "month",
};

char *aps_limit_print_by(const struct aps_limit *limit, char out[APS_LIMIT_BY_TEXT_MAX])
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < LIMIT_COUNT_OF(aps_limit_print_levels); i++) {
        if ((limit->by & aps_limit_print_levels[i].bit) == 0)
            continue;
        at += (size_t)apr_snprintf(out + at, APS_LIMIT_BY_TEXT_MAX - at, "%s%s", at != 0 ? "+" : "",
                                   aps_limit_print_levels[i].word.p);
        if (aps_limit_print_levels[i].bit == APS_LIMIT_BY_IP &&
            (limit->prefix4 != LIMIT_PREFIX4_USUAL || limit->prefix6 != LIMIT_PREFIX6_USUAL))
            at += (size_t)apr_snprintf(out + at, APS_LIMIT_BY_TEXT_MAX - at, "/%u/%u",
                                       limit->prefix4, limit->prefix6);
    }
    return out;
}

static const char *suffix_of(const struct aps_limit_meter *meter)
{
    if (meter->kind == APS_LIMIT_INFLIGHT)
        return "inflight";
    if (meter->kind == APS_LIMIT_QUOTA)
        return aps_limit_print_periods[meter->of];
    if (meter->period == APS_SEC)
        return "s";
    if (meter->period == APS_MINUTE)
        return "m";
    return meter->period == APS_HOUR ? "h" : "d";
}

/* Seconds of the meter's period; 0: it has none, or one that differs from month to month. */
static int64_t seconds_of(const struct aps_limit_meter *meter)
{
    if (meter->kind == APS_LIMIT_RATE)
        return meter->period / APS_SEC;
    if (meter->kind == APS_LIMIT_QUOTA && meter->of != APS_ZONE_MONTH)
        return (meter->of == APS_ZONE_DAY ? 1 : 7) * (APS_DAY / APS_SEC);
    return 0;
}

/* draft-ietf-httpapi-ratelimit-headers 3: `q`, `w`, and `qu` where requests are not counted. */
void aps_limit_print_names(apr_pool_t *pool, struct aps_limit *limit)
{
    for (size_t i = 0; i < limit->n; i++) {
        struct aps_limit_meter *meter = &limit->meter[i];
        int64_t seconds = seconds_of(meter);

        meter->name = limit->n == 1
                          ? limit->name
                          : aps_str(apr_pstrcat(pool, limit->name.p, "-", suffix_of(meter), NULL));
        meter->policy = aps_str(
            apr_psprintf(pool, "\"%s\";q=%u%s%s", meter->name.p, meter->count,
                         meter->kind == APS_LIMIT_INFLIGHT ? ";qu=\"concurrent-requests\"" : "",
                         seconds != 0 ? apr_psprintf(pool, ";w=%" APR_INT64_T_FMT, seconds) : ""));
    }
}

static const char *meter_text(apr_pool_t *pool, const struct aps_limit_meter *meter)
{
    char rate[APS_NUM_RATE_MAX];

    if (meter->kind == APS_LIMIT_INFLIGHT)
        return apr_psprintf(pool, " inflight=%u", meter->count);
    if (meter->kind == APS_LIMIT_QUOTA)
        return apr_psprintf(pool, " quota=%u/%s", meter->count, aps_limit_print_periods[meter->of]);
    return apr_pstrcat(
        pool, " rate=", aps_num_print_rate((struct aps_rate){meter->count, meter->period}, rate),
        NULL);
}

static const char *cost_text(apr_pool_t *pool, const struct aps_limit_cost *cost)
{
    const char *text = cost->base != 1 ? apr_psprintf(pool, " cost=%u", cost->base) : "";
    char methods[APS_METHODS_TEXT_MAX];

    for (size_t i = 0; i < cost->n; i++) {
        char *to = methods;

        for (const char *from = aps_methods_print(cost->of[i].methods, methods); *from != '\0';
             from++)
            if (*from != ' ')
                *to++ = *from;
        *to = '\0';
        text = apr_psprintf(pool, "%s cost=%s:%u", text, methods, cost->of[i].cost);
    }
    if (cost->bytes != 0)
        text = apr_psprintf(pool, "%s cost=bytes/%" APR_UINT64_T_FMT, text, cost->bytes);
    return text;
}

static bool has_quota(const struct aps_limit *limit)
{
    for (size_t i = 0; i < limit->n; i++)
        if (limit->meter[i].kind == APS_LIMIT_QUOTA)
            return true;
    return false;
}

struct aps_str aps_limit_print_text(apr_pool_t *pool, const struct aps_limit *limit)
{
    const char *text = limit->name.p;
    char by[APS_LIMIT_BY_TEXT_MAX], delay[APS_NUM_DURATION_MAX];

    for (size_t i = 0; i < limit->n; i++)
        text = apr_pstrcat(pool, text, meter_text(pool, &limit->meter[i]), NULL);
    if (has_quota(limit))
        text = apr_pstrcat(pool, text, " zone=", limit->zone.p, NULL);
    text = apr_pstrcat(pool, text, " by=", aps_limit_print_by(limit, by), NULL);
    if (limit->burst != 0)
        text = apr_psprintf(pool, "%s burst=%u", text, limit->burst);
    if (limit->algorithm != APS_LIMIT_GCRA)
        text = apr_pstrcat(pool, text, " algorithm=", aps_limit_algorithm_name(limit->algorithm),
                           NULL);
    if (limit->delay != 0)
        text =
            apr_pstrcat(pool, text, " delay=", aps_num_print_duration(limit->delay, delay), NULL);
    return aps_str(apr_pstrcat(pool, text, cost_text(pool, &limit->cost),
                               limit->dry_run ? " mode=dry-run" : "", NULL));
}
