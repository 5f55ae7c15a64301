/* stock.h - what a store has that a word of a command may name: roles, keys, plans, webhooks,
 * signers, client certificates, issuers, secrets, APIs. */
#ifndef APISECCTL_STOCK_H
#define APISECCTL_STOCK_H

#include "apisec/store.h"

enum ctl_stock {
    CTL_STOCK_NONE,
    CTL_STOCK_ROLES,
    CTL_STOCK_KEYS,    /* by name */
    CTL_STOCK_KEY_IDS, /* by id */
    CTL_STOCK_PLANS,
    CTL_STOCK_WEBHOOKS,
    CTL_STOCK_SIGNERS,
    CTL_STOCK_CERTIFICATES,
    CTL_STOCK_ISSUERS,
    CTL_STOCK_SECRETS,
    CTL_STOCK_APIS,
};

/* By the word that stands for it: "role" and "parent" of an argument, "ROLE" of an option, "key",
 * "ID", "plan", "webhook", "signer",
 * "certificate", "issuer", "secret", "api". */
enum ctl_stock ctl_stock_of(struct aps_str placeholder);

/* `name` is what a command may say, `other` a key's name or id where that is another one, else
 * empty; both are valid during the call.  False ends the walk. */
typedef bool (*ctl_stock_fn)(void *arg, struct aps_str name, struct aps_str other);
APS_MUST_CHECK enum aps_err ctl_stock_each(struct aps_store *store, enum ctl_stock kind,
                                           ctl_stock_fn fn, void *arg, struct aps_diag *diag);

#endif
