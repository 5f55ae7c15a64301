/* stretch.h - a key from a passphrase, at a cost that its guessers pay each time (SEC-10).
 *
 * scrypt (RFC 7914), Argon2id (RFC 9106) where OpenSSL has it, from 3.2 on, and PBKDF2 with
 * HMAC-SHA-256 for where FIPS allows nothing else.  Costs are three numbers with names of their
 * own: scrypt n, r, p; Argon2id m (KiB), t, p; PBKDF2 i.  What is too cheap or too dear is refused
 * before anything is computed: the costs come from a file.
 * Threads and processes: safe anywhere; a call takes up to 1 GiB of memory for its time. */
#ifndef APISEC_STRETCH_H
#define APISEC_STRETCH_H

#include <stdint.h>

#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/str.h"

enum aps_stretch_kind {
    APS_STRETCH_SCRYPT,
    APS_STRETCH_ARGON2ID,
    APS_STRETCH_PBKDF2,
    APS_STRETCH_KINDS
};

enum { APS_STRETCH_COSTS = 3, APS_STRETCH_SALT_LEN = 16, APS_STRETCH_TEXT_MAX = 80 };

struct aps_stretch {
    enum aps_stretch_kind kind;
    uint32_t cost[APS_STRETCH_COSTS]; /* in the order of the names above; what it has not is 0 */
};

/* Whether this OpenSSL, as it is configured, computes it. */
bool aps_stretch_is_there(enum aps_stretch_kind kind);

/* What new files are made with: scrypt, or PBKDF2 where FIPS leaves nothing else. */
enum aps_stretch_kind aps_stretch_usual(void);

/* The costs that new files of this kind get. */
struct aps_stretch aps_stretch_make(enum aps_stretch_kind kind);

/* "scrypt", "argon2id", "pbkdf2-sha256". */
const char *aps_stretch_name(enum aps_stretch_kind kind);

/* The kind of this name.  APS_ERR_FORMAT. */
APS_MUST_CHECK enum aps_err aps_stretch_parse_name(struct aps_str name, enum aps_stretch_kind *out,
                                                   struct aps_diag *diag);

/* "scrypt$n=131072,r=8,p=1". */
void aps_stretch_print(const struct aps_stretch *s, char out[APS_STRETCH_TEXT_MAX]);

/* What print writes, byte by byte.  APS_ERR_FORMAT: another form; APS_ERR_RANGE: too cheap or too
 * dear. */
APS_MUST_CHECK enum aps_err aps_stretch_parse(struct aps_str text, struct aps_stretch *out,
                                              struct aps_diag *diag);

/* Costs that come from elsewhere than a text.  APS_ERR_RANGE: too cheap or too dear. */
APS_MUST_CHECK enum aps_err aps_stretch_check(const struct aps_stretch *s, struct aps_diag *diag);

/* 32 bytes; the caller wipes *out.  APS_ERR_RANGE as above; APS_ERR_CRYPTO: this OpenSSL does not
 * compute it; APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_stretch(const struct aps_stretch *s, struct aps_str passphrase,
                                        const uint8_t salt[APS_STRETCH_SALT_LEN],
                                        struct aps_secret *out, struct aps_diag *diag);

#endif
