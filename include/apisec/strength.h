/* strength.h - how hard a text from elsewhere is to guess, at most.
 *
 * Nobody can tell from a text how it was made; this tells what is surely weak.  The estimate is
 * the smallest of several that each rest on one plain observation; docs/guide-keys.md lists them.
 * Threads and processes: pure functions. */
#ifndef APISEC_STRENGTH_H
#define APISEC_STRENGTH_H

#include "apisec/str.h"

/* Bits, rounded down; 0 for a text of more than 256 bytes, which is no key. */
unsigned aps_strength_bits(struct aps_str text);

#endif
