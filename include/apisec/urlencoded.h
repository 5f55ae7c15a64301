/* urlencoded.h - application/x-www-form-urlencoded, decoded once and strictly.
 *
 * Names and values are separated by `&` alone; `+` is a blank.  Refused: an escape that is none,
 * bytes that stand in no such text (controls, blanks and bytes from 0x80 on without an escape),
 * what is not UTF-8 when it is decoded, NUL, a pair without a name, and a name that stands twice
 * where the caller does not want that.
 * Memory: in the pool: the length of the text, and 48 bytes for each pair.
 * Time: n log n in the number of pairs, else proportional to the length.
 * Threads and processes: pure functions. */
#ifndef APISEC_URLENCODED_H
#define APISEC_URLENCODED_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/str.h"

enum aps_urlencoded_fault {
#define F(name, token, text) APS_URLENCODED_##name,
#include "apisec/urlencoded.def"
#undef F
    APS_URLENCODED_COUNT
};

/* Zeroed options refuse every text but the empty one. */
struct aps_urlencoded_options {
    uint32_t pairs_max;
    uint32_t string_max; /* bytes of a name or value, decoded */
    bool repeated;       /* a name may stand more than once */
};

struct aps_urlencoded_pair {
    struct aps_str name, value; /* decoded */
    size_t at;                  /* where in the text the pair begins */
};

struct aps_urlencoded {
    const struct aps_urlencoded_pair *pairs; /* in their order */
    size_t n;
    size_t at; /* after a fault: the byte of the text */
};

/* The empty text is a form without pairs.  *out lives in `pool`. */
APS_MUST_CHECK enum aps_urlencoded_fault
aps_urlencoded_read(struct aps_str text, const struct aps_urlencoded_options *options,
                    apr_pool_t *pool, struct aps_urlencoded *out);

const char *aps_urlencoded_fault_name(enum aps_urlencoded_fault fault); /* "repeated" */
const char *aps_urlencoded_fault_text(enum aps_urlencoded_fault fault);

#endif
