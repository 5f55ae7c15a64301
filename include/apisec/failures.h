/* failures.h - what is wrong with a request or a response, for who sent it and for the log: at most
 * APS_FAILURES_MAX objects, each with where, which keyword, what was wanted and a shortened,
 * escaped value (POS-21).
 *
 * Nothing is written before the first failure.
 * Threads and processes: a list belongs to one caller. */
#ifndef APISEC_FAILURES_H
#define APISEC_FAILURES_H

#include "apisec/json.h"
#include "apisec/schema_judge.h"
#include "apisec/xsd.h"

#define APS_FAILURES_MAX 10

enum aps_failures_in {
    APS_FAILURES_PATH,
    APS_FAILURES_QUERY,
    APS_FAILURES_HEADER,
    APS_FAILURES_COOKIE,
    APS_FAILURES_BODY,
};

struct aps_failures {
    struct aps_json list;
    uint32_t n;
};

/* Where the value is: a parameter or a part by its name, a value within it by its JSON Pointer.
 * Empty texts are not listed. */
struct aps_failures_place {
    enum aps_failures_in in;
    struct aps_str name;
    struct aps_str pointer;
};

/* An empty list, whose memory is the pool's. */
void aps_failures_init(struct aps_failures *f, apr_pool_t *pool);

/* List one; over the most, nothing happens.  Borrows all.  `keyword` and `expected` are literals;
 * a value whose .p is NULL is not listed. */
void aps_failures_add(struct aps_failures *f, const struct aps_failures_place *place,
                      const char *keyword, const char *expected, struct aps_str value);

/* List what a schema judge has found, while the verdict stands: its failures, or, where the verdict
 * is a fault, that. */
void aps_failures_add_verdict(struct aps_failures *f, const struct aps_failures_place *place,
                              const struct aps_schema_judge *judge,
                              enum aps_schema_verdict verdict);

/* List what a check by an XML schema has found. */
void aps_failures_add_xsd(struct aps_failures *f, const struct aps_xsd_check *check);

/* List why the JSON text that `reader` was given is none. */
void aps_failures_add_json(struct aps_failures *f, const struct aps_failures_place *place,
                           const struct aps_jsonread *reader);

/* All of them, a JSON array: [{"in":"query","name":"page","keyword":"minimum","schema":"...",
 * "expected":"at least 1","value":"0"}].  Ends the list; borrowed from it. */
struct aps_str aps_failures_text(struct aps_failures *f);

#endif
