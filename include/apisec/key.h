/* key.h - what the store knows of an API key; no secret in it.
 *
 * Threads and processes: a record is read-only once it is filled in. */
#ifndef APISEC_KEY_H
#define APISEC_KEY_H

#include <stdint.h>

#include "apisec/clock.h"
#include "apisec/net.h"
#include "apisec/num.h"
#include "apisec/reason.h"
#include "apisec/str.h"

#define APS_KEY_ROLES_MAX 16
#define APS_KEY_SCOPES_MAX 64
#define APS_KEY_SCOPE_MAX 64 /* bytes of one */
#define APS_KEY_NETS_MAX 64
#define APS_KEY_HOSTS_MAX 32
#define APS_KEY_OVERRIDES_MAX 8
#define APS_KEY_LIFE_DEFAULT (365 * APS_DAY) /* where no expiry is given (KEY-11) */
#define APS_KEY_OVERLAP_DEFAULT (24 * APS_HOUR)
#define APS_KEY_MAC_LEN 32

enum aps_key_status {
    APS_KEY_UNSET, /* never stored; refuses */
    APS_KEY_ACTIVE,
    APS_KEY_REVOKED,
};

/* Where a key comes from. */
enum aps_key_origin {
    APS_KEY_MADE,            /* its first text was made here */
    APS_KEY_IMPORTED,        /* its first text came from elsewhere and was examined */
    APS_KEY_IMPORTED_DIGEST, /* only the SHA-256 of its first text is known, and not its strength */
};

/* What the MAC of a secret is made over. */
enum aps_key_form {
    APS_KEY_FORM_TEXT,   /* the whole text, which names the key's id */
    APS_KEY_FORM_DIGEST, /* the SHA-256 of a text from elsewhere */
};

/* One version of a key's secret, as stored: a MAC, never the text (KEY-04). */
struct aps_key_secret {
    uint32_t version; /* `kv` of the audit line, from 1 */
    uint32_t pepper;  /* version of the pepper that the MAC was made under */
    enum aps_key_form form;
    uint8_t mac[APS_KEY_MAC_LEN];
    aps_nsec made_at;   /* wall */
    aps_nsec closes_at; /* wall; 0: never; the old secret of a rotation ends here */
    aps_nsec grace;     /* 0, or how long after the first use of the newer secret it ends */
};

/* A key's own limit; count 0: none. */
struct aps_key_limit {
    struct aps_rate rate;
    uint32_t burst;
};

/* Texts and lists are borrowed from whatever the record lives in. */
struct aps_key {
    struct aps_str id;
    struct aps_str name;
    struct aps_str owner; /* empty: none */
    enum aps_key_status status;
    enum aps_key_origin origin;
    bool decoy;          /* it is bait: never let in, and whoever shows it has stolen it */
    aps_nsec created_at; /* wall */
    aps_nsec not_before; /* wall; 0: at once */
    aps_nsec expires_at; /* wall; never 0 */
    aps_nsec revoked_at; /* wall; 0: not revoked */
    struct aps_str revoke_reason;
    struct aps_key_secret secret[2]; /* [0] the newest; [1].version 0: no older one open */
    struct aps_key_limit limit;
    struct aps_str org;  /* whom the owner belongs to; empty: none */
    struct aps_str plan; /* its name; empty: that of a role, else that of the section */
    size_t nroles, nscopes, nnets, nhosts, noverrides;
    const struct aps_str *roles;  /* names, sorted */
    const struct aps_str *scopes; /* sorted */
    const struct aps_net *nets;   /* none: any network */
    const struct aps_str *hosts;  /* lower case, without port; none: any host */
    /* Limits of its own (limit.h), canonical, in order of their names, none twice: each stands in
     * place of the plan's limit of its name, or beside those where there is none. */
    const struct aps_str *overrides;
};

/* Whether the key may be used at `now` (wall): KEY_REVOKED, KEY_NOT_YET, KEY_EXPIRED or ALLOW.
 * `secret` is the version that the caller proved: KEY_ROTATED once it is closed. */
enum aps_reason aps_key_live(const struct aps_key *key, const struct aps_key_secret *secret,
                             aps_nsec now);

/* When an older secret ends (wall) if the newer one was first used at `first`; 0: not yet, or
 * nobody knows. */
aps_nsec aps_key_older_ends(const struct aps_key_secret *older, aps_nsec first);

/* Whether it may be used from `addr` and on `host` (lower case, without port; no name in it
 * counts as `*.`): KEY_NETWORK, KEY_HOST or ALLOW. */
enum aps_reason aps_key_place(const struct aps_key *key, const struct aps_addr *addr,
                              struct aps_str host);

/* Whom the key acts for: its owner, else itself. */
static inline struct aps_str aps_key_user(const struct aps_key *key)
{
    return key->owner.n != 0 ? key->owner : key->id;
}

/* Whose it is in the end: its organisation's, else its user's. */
static inline struct aps_str aps_key_org(const struct aps_key *key)
{
    return key->org.n != 0 ? key->org : aps_key_user(key);
}

/* Whether a text is a scope: scope-token of RFC 6749 3.3, printable ASCII without space, quote and
 * backslash, of 1 to APS_KEY_SCOPE_MAX bytes. */
bool aps_key_is_scope(struct aps_str text);

bool aps_key_has_scope(const struct aps_key *key, struct aps_str scope);

const char *aps_key_status_name(enum aps_key_status status); /* "active", "revoked", "unset" */
const char *
aps_key_origin_name(enum aps_key_origin origin); /* "made", "imported", "imported-digest" */

#endif
