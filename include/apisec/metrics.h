/* metrics.h - counters of all processes of a server.
 *
 * They live in the state file and only grow, until the set of counters changes with a version.
 * Each process adds to one of sixteen stripes, so that processes do not fight for cache lines;
 * a reader adds the stripes up.
 * Threads and processes: every call is safe from any of them; sums are of one moment only where
 * nobody counts. */
#ifndef APISEC_METRICS_H
#define APISEC_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "apisec/reason.h"
#include "apisec/state.h"

enum aps_metric {
#define M(name, openmetrics, help) APS_METRIC_##name,
#include "apisec/metrics.def"
#undef M
    APS_METRIC_COUNT
};

/* A metric outside of the table is not counted, has sum 0, and is named "unknown". */
void aps_metrics_add(struct aps_state *state, enum aps_metric metric, uint64_t n);
uint64_t aps_metrics_sum(const struct aps_state *state, enum aps_metric metric);

/* The counter of a verdict; one outside of the table counts as UNDECIDED. */
void aps_metrics_add_reason(struct aps_state *state, enum aps_reason reason);
uint64_t aps_metrics_sum_reason(const struct aps_state *state, enum aps_reason reason);

/* Count a finished decision: REQUESTS, the verdict's own counter, and ALLOWED or the class of the
 * refusal; with `detect_only` a refusal counts as WOULD_REFUSE. */
void aps_metrics_add_decision(struct aps_state *state, enum aps_reason reason, bool detect_only);

const char *aps_metrics_name(enum aps_metric metric); /* OpenMetrics, without _total */
const char *aps_metrics_help(enum aps_metric metric);

#endif
