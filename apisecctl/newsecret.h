/* newsecret.h - the secret that a command stores: handed in, or made by --generate. */
#ifndef APISECCTL_NEWSECRET_H
#define APISECCTL_NEWSECRET_H

#include "ctl.h"

enum ctl_newsecret {
    CTL_NEWSECRET_HEX,      /* 64 digits */
    CTL_NEWSECRET_VALUE,    /* the same; what is handed in is taken as it is (ctl_input_value) */
    CTL_NEWSECRET_STANDARD, /* of Standard Webhooks: whsec_ and base64 */
};

/* From the terminal or stdin; with --generate 256 random bits in that form, which are in c->fresh
 * as well, to be shown this one time.  *out is of `hold`, which the caller wipes, or of c->fresh.
 * What is handed in has at most 1,024 bytes, a value APS_STORE_VALUE_MAX.  APS_ERR_CRYPTO, NOMEM,
 * and those of ctl_input_secret.
 */
APS_MUST_CHECK enum aps_err ctl_newsecret(struct ctl *c, enum ctl_newsecret form,
                                          struct aps_secret *hold, struct aps_str *out);

#endif
