/* multipart.h - the one reader of multipart/form-data: strict, streaming, wherever the body is cut
 * (POS-18; RFC 7578, RFC 2046 5.1.1).
 *
 * Refused is what two readers could take for different parts: a boundary behind a bare CR or LF,
 * text before the first boundary or behind the last, folded lines, a second Content-Disposition or
 * Content-Type, filename*, _charset_, Content-Transfer-Encoding.  What a part holds is not kept: it
 * is told where in the body it lies.
 * Time: proportional to the bytes.
 * Threads and processes: a reader belongs to one caller. */
#ifndef APISEC_MULTIPART_H
#define APISEC_MULTIPART_H

#include <apr_hash.h>
#include <apr_pools.h>

#include "apisec/str.h"

#define APS_MULTIPART_BOUNDARY_MAX 70
#define APS_MULTIPART_HEADERS_MAX 16 /* of a part */

enum aps_multipart_fault {
#define F(name, token, text) APS_MULTIPART_##name,
#include "apisec/multipart.def"
#undef F
    APS_MULTIPART_COUNT
};

struct aps_multipart_options {
    uint32_t parts_max;
    uint32_t headers_max; /* bytes of a part's header lines, with their ends */
    uint32_t name_max;    /* bytes of a name, and of a file's name */
    uint64_t part_max;    /* bytes of what a part holds */
    uint64_t total_max;
};

/* 1,000 parts, 4 KiB of headers, names of 255 bytes, 10 MiB of a part and of all. */
extern const struct aps_multipart_options aps_multipart_usual;

struct aps_multipart_header {
    struct aps_str name; /* in the case that it has */
    struct aps_str value;
};

struct aps_multipart_part {
    struct aps_str name;                        /* decoded */
    struct aps_str filename;                    /* likewise; .p NULL: it is no file */
    struct aps_str type;                        /* the Content-Type, as it stands; .p NULL: none */
    const struct aps_multipart_header *headers; /* all of them; during the call */
    uint32_t headers_n;
    uint64_t at, n; /* what it holds, in bytes of the body */
};

/* Called for each part when its end is known.  The texts live in the reader's pool.  False: SINK.
 */
typedef bool (*aps_multipart_fn)(void *context, const struct aps_multipart_part *part);

struct aps_multipart;

/* A reader of one body; lives in `pool`.  Copies the boundary and borrows the rest.  NULL: no
 * memory, or the boundary is none, which *out_fault tells apart. */
struct aps_multipart *aps_multipart_new(apr_pool_t *pool, struct aps_str boundary,
                                        const struct aps_multipart_options *options,
                                        aps_multipart_fn each, void *context,
                                        enum aps_multipart_fault *out_fault);

/* The next bytes; after a fault the answer stays that fault. */
enum aps_multipart_fault aps_multipart_feed(struct aps_multipart *m, struct aps_str bytes);

/* There are no more: OK if the body was whole. */
enum aps_multipart_fault aps_multipart_finish(struct aps_multipart *m);

/* Where the fault is, in bytes of the body. */
uint64_t aps_multipart_at(const struct aps_multipart *m);

/* "outside"; "unknown" for a value outside of the table; and the sentence. */
const char *aps_multipart_fault_name(enum aps_multipart_fault fault);
const char *aps_multipart_fault_text(enum aps_multipart_fault fault);

/* Whether a file may have this name wherever it is stored: 1 to `max` bytes of UTF-8 without
 * control characters, '/', '\\' and ':', no dot first, no dot or blank last, and no name of a
 * device (CON, NUL, COM1 ...), whatever its ending. */
bool aps_multipart_head_is_safe(struct aps_str filename, uint32_t max);

/* Whether no file of this name, in any case of ASCII, is among `seen`, which has it from now on; a
 * copy of it lives in the table's pool. */
bool aps_multipart_head_is_new(struct aps_str filename, apr_hash_t *seen);

#endif
