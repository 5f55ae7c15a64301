/* recordtext.h - definitions that a store keeps as JSON objects: members written where they say
 * something, and read back to the last one.
 *
 * A reader takes each member that it knows and counts it; one that is left over at the end is not
 * known and fails, as does a wrong type.  A fault is kept until the end, so that readers are
 * straight lines:
 *     aps_recordtext_begin(&t, record, pool);
 *     aps_recordtext_str(&t, "issuer", &issuer);
 *     err = aps_recordtext_end(&t, "issuer", diag);
 * Threads and processes: a reader belongs to one caller. */
#ifndef APISEC_RECORDTEXT_H
#define APISEC_RECORDTEXT_H

#include "apisec/clock.h"
#include "apisec/json.h"
#include "apisec/jsonread.h"

/* ---- writing ---- */

/* A text; nothing where .p is NULL. */
void aps_recordtext_put(struct aps_json *w, const char *name, struct aps_str value);
/* An array of texts; nothing where there is none. */
void aps_recordtext_put_list(struct aps_json *w, const char *name, const struct aps_str *list,
                             size_t n);
/* true; nothing for false. */
void aps_recordtext_put_flag(struct aps_json *w, const char *name, bool value);
/* Whole seconds; nothing for 0. */
void aps_recordtext_put_secs(struct aps_json *w, const char *name, aps_nsec value);

/* ---- reading ---- */

struct aps_recordtext {
    struct aps_jsonread r;
    const struct aps_jsonread_node *object; /* whose members are read; NULL after a fault */
    uint32_t left;                          /* members of it that nobody asked for yet */
    apr_pool_t *pool;
    bool bad;
};

/* Everything that is read lives in `pool` and borrows nothing. */
void aps_recordtext_begin(struct aps_recordtext *t, struct aps_str record, apr_pool_t *pool);
/* APS_ERR_CORRUPT with a sentence about `what`, if anything was wrong or is left. */
APS_MUST_CHECK enum aps_err aps_recordtext_end(struct aps_recordtext *t, const char *what,
                                               struct aps_diag *diag);
void aps_recordtext_fail(struct aps_recordtext *t);

/* What is missing leaves *out as it is. */
void aps_recordtext_str(struct aps_recordtext *t, const char *name, struct aps_str *out);
void aps_recordtext_list(struct aps_recordtext *t, const char *name, const struct aps_str **out,
                         size_t *out_n);
void aps_recordtext_flag(struct aps_recordtext *t, const char *name, bool *out);
void aps_recordtext_secs(struct aps_recordtext *t, const char *name, aps_nsec *out);

/* An array of objects, or NULL; each is entered, read and left, and then object and left are set
 * back by the caller. */
const struct aps_jsonread_node *aps_recordtext_array(struct aps_recordtext *t, const char *name);
void aps_recordtext_enter(struct aps_recordtext *t, const struct aps_jsonread_node *object);
void aps_recordtext_leave(struct aps_recordtext *t);

#endif
