/* keytext.h - the text of an API key: PREFIX_ID_SECRETCHECK.
 *
 * PREFIX is the store's, ID 12 characters, SECRET 43 base62 characters (256 bits), CHECK the
 * CRC-32 (IEEE) of "ID_SECRET" in base62 0-9A-Za-z, left-padded with '0' to 6 (KEY-01..03).
 * The checksum proves nothing; it keeps typing errors and random strings away from the store.
 * Threads and processes: pure functions. */
#ifndef APISEC_KEYTEXT_H
#define APISEC_KEYTEXT_H

#include <stdint.h>

#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/str.h"

#define APS_KEYTEXT_ID_LEN 12
#define APS_KEYTEXT_SECRET_LEN 43
#define APS_KEYTEXT_CHECK_LEN 6
#define APS_KEYTEXT_PREFIX_MIN 2
#define APS_KEYTEXT_PREFIX_MAX 16
/* Longest text, without NUL. */
#define APS_KEYTEXT_MAX                                                                            \
    (APS_KEYTEXT_PREFIX_MAX + 1 + APS_KEYTEXT_ID_LEN + 1 + APS_KEYTEXT_SECRET_LEN +                \
     APS_KEYTEXT_CHECK_LEN)

/* Where the parts of a text are; all borrowed from it. */
struct aps_keytext {
    struct aps_str prefix;
    struct aps_str id;
    struct aps_str secret;
    struct aps_str check;
};

/* [a-z][a-z0-9]{1,15} */
bool aps_keytext_is_prefix(struct aps_str prefix);

/* Twelve characters of base62. */
bool aps_keytext_is_id(struct aps_str id);

/* The last `n` base62 digits of `value`, left-padded with '0'; *out is not NUL-ended. */
void aps_keytext_digits(uint64_t value, size_t n, char *out);

/* Six characters of base62 of the CRC-32 of `text`. */
void aps_keytext_checksum(struct aps_str text, char out[APS_KEYTEXT_CHECK_LEN]);

/* A base62 text of `n` characters from random bytes, without bias; *out is not NUL-ended.
 * APS_ERR_CRYPTO when the generator fails: nothing is written (KEY-02). */
APS_MUST_CHECK enum aps_err aps_keytext_random(size_t n, char *out);

/* A fresh text for key `id`.  `out` is the caller's to wipe. */
APS_MUST_CHECK enum aps_err aps_keytext_new(struct aps_str prefix, struct aps_str id,
                                            struct aps_secret *out);

/* Split and check a text.  False when prefix, lengths, alphabet or checksum do not fit; the time
 * depends on the public parts only. */
bool aps_keytext_parse(struct aps_str text, struct aps_str prefix, struct aps_keytext *out);

/* The id within the text of some store's key, borrowed; empty where the text is none. */
struct aps_str aps_keytext_id(struct aps_str text);

#endif
