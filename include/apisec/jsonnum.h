/* jsonnum.h - the numbers of JSON compared as the decimal text that they are, never rounded.
 *
 * Each text is a number that aps_jsonread accepted; 1, 1.0 and 10e-1 are the same value.
 * Threads and processes: pure functions. */
#ifndef APISEC_JSONNUM_H
#define APISEC_JSONNUM_H

#include "apisec/str.h"

/* Digits of an exponent, leading zeros apart; no more are read (aps_jsonread refuses them), so that
 * sums of exponents and lengths fit 64 bits. */
#define APS_JSONNUM_EXPONENT_DIGITS 15

/* Less than, equal to or greater than zero, as a is to b. */
int aps_jsonnum_compare(struct aps_str a, struct aps_str b);

/* Whether the value has no fraction. */
bool aps_jsonnum_is_integer(struct aps_str text);

/* Whether the value is an integer that every reader holds exactly: from -(2^53-1) to 2^53-1. */
bool aps_jsonnum_is_safe(struct aps_str text);

/* The value if it is an integer that fits; else false, and *out is untouched. */
bool aps_jsonnum_i64(struct aps_str text, int64_t *out);

/* Whether the value is infinite once it is rounded to a double. */
bool aps_jsonnum_overflows(struct aps_str text);

#endif
