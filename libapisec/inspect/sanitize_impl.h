/* sanitize_impl.h - what the files of sanitize.h share. */
#ifndef APS_SANITIZE_IMPL_H
#define APS_SANITIZE_IMPL_H

#include "apisec/sanitize.h"

struct aps_sanitize_step {
    struct aps_str name; /* unescaped */
    bool any;
};

struct aps_sanitize_rule {
    const struct aps_sanitize_step *steps;
    uint32_t n;
    unsigned actions;
};

struct aps_sanitize {
    apr_pool_t *pool;
    struct aps_sanitize_rule rules[APS_SANITIZE_RULES_MAX];
    uint32_t n;
};

/* A text being written: what was given, up to `from`, is in `out`. */
struct aps_sanitize_run {
    const struct aps_sanitize *rules;
    struct aps_str text;
    size_t from;
    struct aps_buf out, work[2];
    struct aps_sanitize_result *result;
};

/* A set of rules, bit i for the i-th. */
uint64_t aps_sanitize_all(const struct aps_sanitize *rules);
/* Those of `set` whose step `at` is this name or index. */
uint64_t aps_sanitize_narrow(const struct aps_sanitize *rules, uint64_t set, uint32_t at,
                             struct aps_str name);
/* What those of `set` that have `n` steps do. */
unsigned aps_sanitize_actions(const struct aps_sanitize *rules, uint64_t set, uint32_t n);

void aps_sanitize_begin(struct aps_sanitize_run *run, const struct aps_sanitize *rules,
                        struct aps_str text, apr_pool_t *pool, size_t max,
                        struct aps_sanitize_result *result);
/* Copy what is given up to `to`, and go on behind it at `from`. */
void aps_sanitize_copy(struct aps_sanitize_run *run, size_t to, size_t from);
/* Note that a value changed; `pointer` is copied. */
void aps_sanitize_note(struct aps_sanitize_run *run, struct aps_str pointer);
enum aps_err aps_sanitize_end(struct aps_sanitize_run *run);

#endif
