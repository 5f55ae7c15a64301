/* schema_judge.h - is a JSON value what its schema asks for?
 *
 * Walks the nodes that aps_jsonread wrote, once where the schema allows it, and allocates nothing
 * for a value.  What it may spend is bounded by steps and depth; over a bound, and where a regular
 * expression reaches PCRE2's limits, the verdict is a fault, which refuses as INVALID does
 * (POS-11). Threads and processes: a checker belongs to one caller; images may be shared. */
#ifndef APISEC_SCHEMA_JUDGE_H
#define APISEC_SCHEMA_JUDGE_H

#include "apisec/json.h"
#include "apisec/jsonread.h"
#include "apisec/schema_image.h"

#define APS_SCHEMA_FAILURES 10

/* Zero refuses. */
enum aps_schema_verdict {
    APS_SCHEMA_UNDECIDED,
    APS_SCHEMA_INVALID,
    APS_SCHEMA_STEPS,   /* over steps_max */
    APS_SCHEMA_DEPTH,   /* over depth_max */
    APS_SCHEMA_PATTERN, /* a regular expression reached its limits */
    APS_SCHEMA_NOMEM,
    APS_SCHEMA_VALID,
};

enum aps_schema_way {
    APS_SCHEMA_NO_WAY,   /* readOnly and writeOnly are annotations */
    APS_SCHEMA_REQUEST,  /* a readOnly member is refused */
    APS_SCHEMA_RESPONSE, /* a writeOnly member is refused */
};

struct aps_schema_judge_options {
    uint32_t steps_max; /* schemas, members, items and comparisons looked at */
    uint32_t depth_max; /* of schemas within each other */
    uint32_t match_max; /* of one match of a regular expression, in PCRE2's own unit */
    enum aps_schema_way way;
    bool first; /* stop at the first failure and list only that */
};

/* 2,000,000 steps, depth 256, 100,000 for a match. */
extern const struct aps_schema_judge_options aps_schema_judge_usual;

struct aps_schema_failure {
    uint32_t value;   /* the number of its node */
    uint32_t schema;  /* number of the schema in the image */
    uint16_t keyword; /* enum schema_keyword */
    uint32_t detail;  /* of the keyword: which name is missing */
};

struct aps_schema_judge;

/* A checker, lives in `pool`; NULL without memory. */
struct aps_schema_judge *aps_schema_judge_new(apr_pool_t *pool,
                                              const struct aps_schema_judge_options *options);

/* Judge `value`, which `reader` holds, by the image's entry of this number.  Borrows all. */
APS_MUST_CHECK enum aps_schema_verdict
aps_schema_judge(struct aps_schema_judge *c, const struct aps_schema_image *image, uint32_t entry,
                 const struct aps_jsonread *reader, const struct aps_jsonread_node *value);

/* How many failures the last verdict has, at most APS_SCHEMA_FAILURES. */
uint32_t aps_schema_judge_failures(const struct aps_schema_judge *c);

/* Write failure `i` of the last verdict, whose image and reader still stand, as an object:
 * "pointer" to the value, "keyword", "schema" (pointer), "expected", and "value", shortened
 * (POS-21). */
void aps_schema_judge_print(const struct aps_schema_judge *c, uint32_t i, struct aps_json *out);

/* The same members within an object that the caller has begun. */
void aps_schema_judge_print_members(const struct aps_schema_judge *c, uint32_t i,
                                    struct aps_json *out);

/* Where failure `i` is and what failed, without any value: "/items/3/price minimum", for a log.
 * Returns its length; not NUL-ended. */
#define APS_SCHEMA_PLACE_MAX 600
size_t aps_schema_judge_print_place(const struct aps_schema_judge *c, uint32_t i,
                                    char out[APS_SCHEMA_PLACE_MAX]);

/* "steps"; "unknown" for a value outside of the table. */
const char *aps_schema_judge_name(enum aps_schema_verdict verdict);

#endif
