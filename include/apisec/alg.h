/* alg.h - algorithms of signatures and MACs: one list for tokens and for signed messages.
 *
 * Zero is no algorithm and fits no key, so that what was never set verifies nothing.
 * Threads and processes: pure functions. */
#ifndef APISEC_ALG_H
#define APISEC_ALG_H

#include <stdbool.h>

#include "apisec/str.h"

enum aps_alg {
    APS_ALG_NONE,
#define A(name, key, hash, jose, httpsig) APS_ALG_##name,
#include "apisec/alg.def"
#undef A
    APS_ALG_COUNT
};

/* What a key is. */
enum aps_alg_key {
    APS_ALG_KEY_NONE,
    APS_ALG_KEY_SECRET, /* bytes that both sides know: HMAC */
    APS_ALG_KEY_RSA,
    APS_ALG_KEY_P256,
    APS_ALG_KEY_P384,
    APS_ALG_KEY_P521,
    APS_ALG_KEY_ED25519,
    APS_ALG_KEY_ED448,
    APS_ALG_KEY_EDWARDS, /* Ed25519 or Ed448; what EdDSA asks for, never what a key is */
};

enum aps_alg_hash {
    APS_ALG_HASH_NONE, /* the algorithm has its own */
    APS_ALG_HASH_SHA256,
    APS_ALG_HASH_SHA384,
    APS_ALG_HASH_SHA512,
};

/* The algorithm of this name, case-sensitive (RFC 7515 4.1.1); APS_ALG_NONE if there is none,
 * which "none" in any spelling is too. */
enum aps_alg aps_alg_from_jose(struct aps_str name);

/* The same in the registry of HTTP Message Signatures. */
enum aps_alg aps_alg_from_httpsig(struct aps_str name);

/* Its names; "none", and NULL in HTTP Message Signatures, where it has none. */
const char *aps_alg_jose(enum aps_alg alg);
const char *aps_alg_httpsig(enum aps_alg alg);

/* What it asks for; APS_ALG_KEY_NONE and APS_ALG_HASH_NONE for a value outside of the table. */
enum aps_alg_key aps_alg_key(enum aps_alg alg);
enum aps_alg_hash aps_alg_hash(enum aps_alg alg);

/* Whether a key of this kind can be used with the algorithm. */
bool aps_alg_fits(enum aps_alg alg, enum aps_alg_key kind);

/* "RSA", "P-256", ...: the kind in a sentence. */
const char *aps_alg_key_name(enum aps_alg_key kind);

/* Bytes of the hash: 32, 48, 64, or 0. */
size_t aps_alg_hash_len(enum aps_alg_hash hash);

#endif
