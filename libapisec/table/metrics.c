/* metrics.c - counters of all processes of a server. */
#include "apisec/metrics.h"

#include "layout.h"

_Static_assert(APS_METRIC_COUNT + APS_REASON_COUNT <= LAYOUT_COUNTERS,
               "every counter has its word");

static const struct row {
    const char *name;
    const char *help;
} rows[APS_METRIC_COUNT] = {
#define M(name, openmetrics, help) [APS_METRIC_##name] = {openmetrics, help},
#include "apisec/metrics.def"
#undef M
};

static size_t slot_of_reason(enum aps_reason reason)
{
    if ((unsigned)reason >= APS_REASON_COUNT)
        reason = APS_REASON_UNDECIDED;
    return (size_t)APS_METRIC_COUNT + (size_t)reason;
}

static void add(struct aps_state *state, size_t slot, uint64_t n)
{
    (void)__atomic_fetch_add(&state->stripe[slot], n, __ATOMIC_RELAXED);
}

static uint64_t sum(const struct aps_state *state, size_t slot)
{
    uint64_t total = 0;

    for (size_t i = 0; i < LAYOUT_STRIPES; i++)
        total += __atomic_load_n(&state->counters[i * LAYOUT_COUNTERS + slot], __ATOMIC_RELAXED);
    return total;
}

void aps_metrics_add(struct aps_state *state, enum aps_metric metric, uint64_t n)
{
    if ((unsigned)metric < APS_METRIC_COUNT)
        add(state, (size_t)metric, n);
}

uint64_t aps_metrics_sum(const struct aps_state *state, enum aps_metric metric)
{
    return (unsigned)metric < APS_METRIC_COUNT ? sum(state, (size_t)metric) : 0;
}

void aps_metrics_add_reason(struct aps_state *state, enum aps_reason reason)
{
    add(state, slot_of_reason(reason), 1);
}

uint64_t aps_metrics_sum_reason(const struct aps_state *state, enum aps_reason reason)
{
    return sum(state, slot_of_reason(reason));
}

static enum aps_metric class_of(int status)
{
    switch (status) {
    case 401:
        return APS_METRIC_REFUSED_AUTHN;
    case 403:
    case 405:
        return APS_METRIC_REFUSED_AUTHZ;
    case 429:
        return APS_METRIC_REFUSED_LIMIT;
    case 503:
        return APS_METRIC_REFUSED_SERVER;
    default:
        return APS_METRIC_REFUSED_INPUT;
    }
}

void aps_metrics_add_decision(struct aps_state *state, enum aps_reason reason, bool detect_only)
{
    enum aps_metric metric = APS_METRIC_ALLOWED;

    if (!aps_reason_is_pass(reason) && !aps_reason_is_answer(reason))
        metric = detect_only ? APS_METRIC_WOULD_REFUSE : class_of(aps_reason_status(reason));
    add(state, APS_METRIC_REQUESTS, 1);
    add(state, (size_t)metric, 1);
    aps_metrics_add_reason(state, reason);
}

const char *aps_metrics_name(enum aps_metric metric)
{
    return (unsigned)metric < APS_METRIC_COUNT ? rows[metric].name : "unknown";
}

const char *aps_metrics_help(enum aps_metric metric)
{
    return (unsigned)metric < APS_METRIC_COUNT ? rows[metric].help : "unknown";
}
