/* edwards.h - which 32 or 57 bytes are a public key on Ed25519 or Ed448. */
#ifndef APS_EDWARDS_H
#define APS_EDWARDS_H

#include "apisec/alg.h"

#define APS_EDWARDS_MAX 57

/* Whether y is written in its one way, below the field's prime (RFC 8032 5.1.3, 5.2.3), and is not
 * that of a point of order 1, 2, 4 or 8: under such a key a signature says nothing of its text.
 * That a point with this y exists is not asked: where none does, no signature verifies. */
bool aps_edwards_is_key(enum aps_alg_key kind, const unsigned char *key, size_t n);

#endif
