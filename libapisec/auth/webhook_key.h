/* webhook_key.h - a secret of a webhook made ready: one of the two. */
#ifndef APS_WEBHOOK_KEY_H
#define APS_WEBHOOK_KEY_H

#include "apisec/mac.h"
#include "apisec/verify.h"
#include "apisec/webhook.h"

struct aps_webhook_key {
    struct aps_mac *mac;
    struct aps_verify_key *public; /* Ed25519 */
};

#endif
