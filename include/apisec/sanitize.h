/* sanitize.h - values that are changed before the server behind sees them (NEG-19 to NEG-21).
 *
 * Off unless a rule names a field: what is dangerous is refused or detected, and only who cannot do
 * without changes it.  Rules name fields by their JSON pointers, in which `*` stands for any name
 * or index; a parameter of a form is named as a member of one object, `/title`.  Only string values
 * change, decoded; names, numbers, structure and every byte of what no rule changes stay.
 * The actions that a rule names are done in this order, each once:
 *   nfc           Unicode's Normalization Form C
 *   strip-markup  no `<` is left that opens a tag, a comment or a declaration, nor any NUL; what
 *                 stands between tags stays.  A field that needs markup is no field for it
 *   trim          no white space (Unicode's White_Space) at both ends
 *   html-escape   & < > " ' become &amp; &lt; &gt; &quot; &#39;
 * Done twice, all but html-escape change nothing more; it makes &amp;amp; of &amp;.  So a text is
 * given once: `applied` says that it was, and the caller remembers it with the request.
 * Lengths change: nfc makes a text at most three times as long, html-escape six times.  The caller
 * asks the schema's bounds again, and says how long the new text is (Content-Length).
 * Threads and processes: rules are read-only once they are added; a run belongs to one caller. */
#ifndef APISEC_SANITIZE_H
#define APISEC_SANITIZE_H

#include <apr_pools.h>

#include "apisec/buf.h"
#include "apisec/err.h"
#include "apisec/jsonread.h"

#define APS_SANITIZE_NFC 1u
#define APS_SANITIZE_STRIP 2u
#define APS_SANITIZE_TRIM 4u
#define APS_SANITIZE_ESCAPE 8u

#define APS_SANITIZE_RULES_MAX 64
#define APS_SANITIZE_STEPS_MAX 16
#define APS_SANITIZE_SHOWN_MAX 32    /* pointers of changed values */
#define APS_SANITIZE_POINTER_MAX 256 /* bytes of one; a longer one is cut */

struct aps_sanitize; /* lives in a pool */

/* A rule, as it is written down. */
struct aps_sanitize_field {
    struct aps_str pointer;
    unsigned actions;
};

/* Without rules nothing changes.  NULL: out of memory. */
struct aps_sanitize *aps_sanitize_new(apr_pool_t *pool);

/* The action of this name, "trim"; 0: there is none. */
unsigned aps_sanitize_action(struct aps_str name);

/* Fields of this pointer (RFC 6901; the empty one is a value alone) and what is done to them; of
 * several rules for a field, all.  Keeps `pointer`.  APS_ERR_FORMAT, APS_ERR_RANGE: too many
 * rules or steps; `diag` (may be NULL) shows it. */
APS_MUST_CHECK enum aps_err aps_sanitize_add(struct aps_sanitize *rules, struct aps_str pointer,
                                             unsigned actions, struct aps_diag *diag);

struct aps_sanitize_result {
    struct aps_str text; /* where nothing changed, what was given; else it lives in the pool */
    unsigned applied;    /* actions that were asked for by any value, changed or not */
    uint32_t changed;    /* values */
    uint32_t shown;      /* how many of them `pointers` has: their places, never what they say */
    struct aps_str pointers[APS_SANITIZE_SHOWN_MAX];
};

/* Change a JSON text, whose nodes `r` holds.  APS_ERR_RANGE: it would be longer than `max` bytes;
 * APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_sanitize_json(const struct aps_sanitize *rules,
                                              const struct aps_jsonread *r, apr_pool_t *pool,
                                              size_t max, struct aps_sanitize_result *out);

/* The same for a form (application/x-www-form-urlencoded) or a query: borrows it.  APS_ERR_FORMAT:
 * a % is none, or a value that a rule names is not UTF-8. */
APS_MUST_CHECK enum aps_err aps_sanitize_form(const struct aps_sanitize *rules, struct aps_str form,
                                              apr_pool_t *pool, size_t max,
                                              struct aps_sanitize_result *out);

/* Do actions to one value, valid UTF-8.  *out borrows it, or one of the two buffers, which are the
 * caller's and are written anew.  False: a buffer is full. */
bool aps_sanitize_value(unsigned actions, struct aps_str value, struct aps_buf work[2],
                        struct aps_str *out);

#endif
