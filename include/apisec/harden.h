/* harden.h - JSON of a response that stays JSON wherever a page puts it (NEG-22).
 *
 * In strings and names, `<` `>` `&` U+2028 and U+2029 are written as \u and four digits: the text
 * parses to an equal value, and within HTML or a script it ends nothing.  Outside of strings JSON
 * has none of these.  The text comes in pieces, cut anywhere; what is no JSON is changed likewise.
 * Threads and processes: one run belongs to one caller. */
#ifndef APISEC_HARDEN_H
#define APISEC_HARDEN_H

#include "apisec/buf.h"
#include "apisec/str.h"

/* Zeroed: at the start of a text. */
struct aps_harden {
    bool string;  /* within one */
    bool escape;  /* behind a backslash of one */
    uint8_t held; /* bytes of U+2028 or U+2029 that were seen: 0 to 2 */
};

/* Whether a Content-Type is JSON: application/json, text/json or a type that ends in +json,
 * whatever its parameters.  Others are not to be changed. */
bool aps_harden_is_json(struct aps_str content_type);

/* Append the next piece to `out`; at most two bytes are held back.  Six times the piece and twelve
 * bytes are room enough; out->full says that there was none. */
void aps_harden_feed(struct aps_harden *h, struct aps_str piece, struct aps_buf *out);

/* Nothing follows: append what was held back. */
void aps_harden_end(struct aps_harden *h, struct aps_buf *out);

#endif
