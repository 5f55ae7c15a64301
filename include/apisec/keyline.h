/* keyline.h - a master key under a passphrase, as a line of text (SEC-10).
 *
 *   apisec-master-1$scrypt$n=131072,r=8,p=1$SALT$NONCE$SEALED
 *
 * SALT is 16 bytes, NONCE 12, SEALED the 32 bytes of the key and the tag of 16, all in lower-case
 * hexadecimal: AES-256-GCM under the key that stretch.h makes of passphrase and salt.  All that
 * stands before SEALED is authenticated with it, so that nobody can make the costs cheaper, and
 * the costs are judged before anything is computed.
 * Threads and processes: safe anywhere. */
#ifndef APISEC_KEYLINE_H
#define APISEC_KEYLINE_H

#include "apisec/secret.h"
#include "apisec/stretch.h"

/* Room for the line, its newline and a NUL. */
#define APS_KEYLINE_TEXT_MAX 320

/* Bytes of a passphrase: what is shorter is refused where one is set. */
#define APS_KEYLINE_PASSPHRASE_MIN 16
#define APS_KEYLINE_PASSPHRASE_MAX 1024

/* Whether a text, whatever else is wrong with it, means to be such a line. */
bool aps_keyline_is(struct aps_str text);

/* The line, with a newline, in `out`.  `key` has 32 bytes.  APS_ERR_RANGE: the passphrase is too
 * short or too long; else as aps_stretch. */
APS_MUST_CHECK enum aps_err aps_keyline_make(const struct aps_secret *key,
                                             struct aps_str passphrase,
                                             const struct aps_stretch *how,
                                             char out[APS_KEYLINE_TEXT_MAX], size_t *out_n,
                                             struct aps_diag *diag);

/* The key; the caller wipes *out.  A newline at the end may be there.  APS_ERR_FORMAT: not such a
 * line; APS_ERR_RANGE: its costs; APS_ERR_KEY: another passphrase, or a changed line, which cannot
 * be told apart; else as aps_stretch. */
APS_MUST_CHECK enum aps_err aps_keyline_open(struct aps_str text, struct aps_str passphrase,
                                             struct aps_secret *out, struct aps_diag *diag);

#endif
