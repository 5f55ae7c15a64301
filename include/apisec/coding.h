/* coding.h - content codings of a request: one layer, decoded once, under caps (RFC 9110 8.4).
 *
 * A run takes the coded bytes in any pieces and writes the decoded ones to one block of memory that
 * grows up to a cap.  What is refused: a second layer, a coding that ends too early, bytes behind
 * its end (a second member of gzip too, which readers treat differently), dictionaries, and more
 * decoded bytes than a cap allows.
 * Memory: the block, at most the cap and one byte, and what zlib (48 KiB) or brotli (at most its
 * window, 16 MiB, and never much more than is decoded) need.
 * Time: proportional to what goes in and comes out.
 * Threads and processes: one run belongs to one caller. */
#ifndef APISEC_CODING_H
#define APISEC_CODING_H

#include "apisec/err.h"
#include "apisec/str.h"

enum aps_coding {
    APS_CODING_NONE,
    APS_CODING_GZIP,    /* RFC 1952; also by the name x-gzip */
    APS_CODING_DEFLATE, /* RFC 1950, or RFC 1951 alone where the first two bytes are no header of it
                         */
    APS_CODING_BR,      /* RFC 7932 */
    APS_CODING_COUNT
};

enum aps_coding_fault {
#define F(name, token, text) APS_CODING_##name,
#include "apisec/coding.def"
#undef F
};

/* Read the value of Content-Encoding, several fields joined by ", ": OK, UNKNOWN or SEVERAL.  An
 * empty one, and identity, which no field should have, are NONE. */
enum aps_coding_fault aps_coding_parse(struct aps_str field, enum aps_coding *out);

/* "gzip"; "" for NONE. */
const char *aps_coding_name(enum aps_coding coding);
const char *aps_coding_fault_name(enum aps_coding_fault fault); /* "trailing" */
const char *aps_coding_fault_text(enum aps_coding_fault fault);

/* Content of at most this many decoded bytes may have any ratio: a few zeros shrink a lot. */
#define APS_CODING_RATIO_FLOOR 65536

struct aps_coding_caps {
    size_t bytes_max;   /* decoded, at least 1 */
    uint32_t ratio_max; /* decoded bytes for each coded one, past the floor; at least 1 */
};

struct aps_coding_run;

/* Begin with content of `coded_n` bytes, which decide what the ratio allows; `coding` is none of
 * NONE.  NULL: out of memory. */
struct aps_coding_run *aps_coding_begin(enum aps_coding coding, const struct aps_coding_caps *caps,
                                        size_t coded_n);

/* Decode the next bytes.  Borrows them.  After another answer than OK every later one is the same.
 */
enum aps_coding_fault aps_coding_add(struct aps_coding_run *run, struct aps_str coded);

/* All bytes were given.  OK: *out is the content, which the caller frees by free(); it is not NULL
 * where it is empty. */
APS_MUST_CHECK enum aps_coding_fault aps_coding_end(struct aps_coding_run *run, char **out,
                                                    size_t *out_n);

void aps_coding_free(struct aps_coding_run *run); /* NULL is fine */

#endif
