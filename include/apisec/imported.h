/* imported.h - the text of a key that was made elsewhere.
 *
 * It names no id, so its id is made from its SHA-256 under a key of the store: public, the same
 * for the same text, and of no use to who wants the text.  What is stored is the MAC of that
 * digest, so that a key can be taken over by its digest alone.
 * Threads and processes: pure functions. */
#ifndef APISEC_IMPORTED_H
#define APISEC_IMPORTED_H

#include "apisec/digest.h"
#include "apisec/keytext.h"
#include "apisec/mac.h"

#define APS_IMPORTED_MIN 16
#define APS_IMPORTED_MAX 256  /* what a credential field may hold (KEY-18) */
#define APS_IMPORTED_BITS 112 /* the least strength of a text that a fast MAC protects (KEY-05) */

/* What the sentence about a text of another form says is accepted. */
#define APS_IMPORTED_FORM "16 to 256 of the letters, digits and - . _ ~ + /, then any number of ="

/* Whether a text can be one: token68 of RFC 9110 11.2, which every credential source carries. */
bool aps_imported_is_text(struct aps_str text);

/* The id of the key whose text has this digest.  *out is not NUL-ended.  APS_ERR_CRYPTO. */
APS_MUST_CHECK enum aps_err aps_imported_id(struct aps_mac *lookup,
                                            const uint8_t digest[APS_DIGEST_LEN],
                                            char out[APS_KEYTEXT_ID_LEN]);

#endif
