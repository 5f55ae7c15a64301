/* b64.h - base64 in its two alphabets, each with one spelling for each text.
 *
 * url: RFC 4648 5 without padding, as tokens and keys have it (RFC 7515 2).  Plain: RFC 4648 4 with
 * padding.  Both readers refuse what their writer would not have written: foreign characters, white
 * space, padding too much or missing, a length that cannot be, and bits that belong to no byte
 * (RFC 4648 3.5, JWT-01).
 * Threads and processes: pure functions. */
#ifndef APISEC_B64_H
#define APISEC_B64_H

#include "apisec/str.h"

/* Room for what `n` characters decode to, and for what `n` bytes encode to; no NUL is written. */
#define APS_B64_DECODED_MAX(n) ((n) / 4 * 3 + 2)
#define APS_B64_ENCODED_MAX(n) (((n) + 2) / 3 * 4)

/* Decode; false: refused, and *out_n is untouched, while bytes of `out` may have changed.  The
 * empty text is no bytes. */
bool aps_b64_url_decode(struct aps_str text, uint8_t *out, size_t *out_n);
bool aps_b64_decode(struct aps_str text, uint8_t *out, size_t *out_n);

/* Encode; returns how many characters were written. */
size_t aps_b64_url_encode(struct aps_str bytes, char *out);
size_t aps_b64_encode(struct aps_str bytes, char *out);

#endif
