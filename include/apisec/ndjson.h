/* ndjson.h - a text of JSON values, one a line (application/x-ndjson, application/jsonl).
 *
 * Comes in pieces; each line is judged by jsonread.h under the caller's options as soon as its LF
 * is there, and what is answered hangs on no cut.  CR before the LF is white space, as JSON has it,
 * and CR alone ends no line.  The last line may lack its LF; that a text was cut between two lines,
 * or within a number that stands alone in its line, cannot be seen in it. Memory: a line that comes
 * in pieces is kept, up to the cap on its bytes; one that lies in one piece is read where it is.
 * Threads and processes: one reader belongs to one caller. */
#ifndef APISEC_NDJSON_H
#define APISEC_NDJSON_H

#include <apr_pools.h>

#include "apisec/jsonread.h"

enum aps_ndjson_fault {
#define F(name, token, text) APS_NDJSON_##name,
#include "apisec/ndjson.def"
#undef F
    APS_NDJSON_COUNT
};

/* Zeroed options refuse every text that has a line. */
struct aps_ndjson_options {
    const struct aps_jsonread_options *line; /* bytes_max is the cap on a line, without its LF */
    uint32_t lines_max;                      /* empty ones included */
    bool empty_lines;                        /* of white space or nothing; they have no value */
};

/* Looks at the value of line `line`, the first of which is 1; borrows the reader and its nodes.
 * False: the text is refused. */
typedef bool aps_ndjson_fn(void *ctx, const struct aps_jsonread *r, uint32_t line);

/* Use the calls below; `fault`, `line`, `values` and `reader` may be read. */
struct aps_ndjson {
    const struct aps_ndjson_options *options;
    struct aps_jsonread reader; /* its fault is that of a line, where fault is LINE */
    enum aps_ndjson_fault fault;
    uint32_t line;   /* where the fault is, or the last that was read */
    uint32_t values; /* lines that were not empty */
    aps_ndjson_fn *each;
    void *ctx;
    struct aps_diag why; /* what is wrong with a line */
    char *held;          /* the start of a line whose end has not come */
    uint32_t held_n, held_cap;
};

/* Keeps all; `key` as for aps_jsonread_init.  `each` may be NULL.  Allocates nothing yet. */
void aps_ndjson_init(struct aps_ndjson *s, apr_pool_t *pool,
                     const unsigned char key[APS_SIPHASH_KEY_LEN],
                     const struct aps_ndjson_options *options, aps_ndjson_fn *each, void *ctx);

/* The next piece; borrows it.  After a fault the answer stays. */
enum aps_ndjson_fault aps_ndjson_feed(struct aps_ndjson *s, struct aps_str piece);

/* Nothing follows. */
enum aps_ndjson_fault aps_ndjson_end(struct aps_ndjson *s);

/* "lines"; "unknown" for a value outside of the table. */
const char *aps_ndjson_fault_name(enum aps_ndjson_fault fault);

/* A sentence about the fault: which line, and what is wrong.  `diag` may be NULL. */
void aps_ndjson_fault_explain(const struct aps_ndjson *s, struct aps_diag *diag);

#endif
