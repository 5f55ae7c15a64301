/* urlfield.h - fields of content that are URLs, where no description says so (POS-23).
 *
 * Rules name fields by their JSON pointers, in which `*` stands for any name or index; a parameter
 * of a form or a query is named as a member of one object, `/callback`.  They become one schema,
 * in which each field is a string with x-apisec-url, so that whoever judges values by schemas
 * judges these the same way, and tells the same of them. Threads and processes: a call belongs to
 * one caller; the image may be shared. */
#ifndef APISEC_URLFIELD_H
#define APISEC_URLFIELD_H

#include "apisec/err.h"
#include "apisec/jsonread.h"
#include "apisec/schema_image.h"

#define APS_URLFIELD_MAX 64         /* fields */
#define APS_URLFIELD_RULES_MAX 64   /* rules of a field */
#define APS_URLFIELD_STEPS_MAX 16   /* of a pointer */
#define APS_URLFIELD_INDEX_MAX 9999 /* that a pointer may name */

struct aps_urlfield {
    struct aps_str pointer;      /* RFC 6901; the empty one is a value alone */
    const struct aps_str *rules; /* as urlrule.h has them */
    uint32_t rules_n;
};

/* *out, which lives in `pool`, has one entry: any value whose fields, as far as it has them, are
 * URLs that their rules name.  APS_ERR_FORMAT, APS_ERR_RANGE: a pointer, a rule or how many there
 * are; `diag` (may be NULL) shows it. */
APS_MUST_CHECK enum aps_err aps_urlfield_compile(const struct aps_urlfield *fields, uint32_t n,
                                                 apr_pool_t *pool,
                                                 const struct aps_schema_image **out,
                                                 struct aps_diag *diag);

/* A parameter, decoded; of what is no text the value's .p is NULL. */
struct aps_urlfield_value {
    struct aps_str name, value;
};

/* Hold them in `reader` as the members of one object, each as often as it stands; what is no text
 * is null there.  What is written lives in the reader's pool. */
APS_MUST_CHECK enum aps_jsonread_fault aps_urlfield_object(const struct aps_urlfield_value *values,
                                                           size_t n, struct aps_jsonread *reader);

/* Some who read forms and queries end a parameter at a `;` as well.  The text as they read it, with
 * `&` alone and without parameters that have no name; without a `;` it is empty.  Lives in `pool`;
 * false without memory. */
bool aps_urlfield_semicolons(struct aps_str text, apr_pool_t *pool, struct aps_str *out);

#endif
