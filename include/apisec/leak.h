/* leak.h - what a response must not say (NEG-16).
 *
 * A scanner reads a body in pieces, cut anywhere, and tells of stack traces, errors of databases,
 * listings of folders, private keys, numbers of cards, keys of this deployment and tokens of others
 * by their formats; leak.def has the texts.  It finds the same wherever the body was cut.  It knows
 * text as it is sent: what is compressed has to be unpacked before.
 * Cost: two bytes out of three are never looked at, unless the pairs around the third are those of
 * some text (docs/performance.md).  Memory: some hundred bytes of the pool, and up to 32 KiB while
 * a private key may be under way.
 * Threads and processes: rules are read-only once made; a scanner belongs to one caller. */
#ifndef APISEC_LEAK_H
#define APISEC_LEAK_H

#include <apr_pools.h>

#include "apisec/err.h"
#include "apisec/str.h"

enum aps_leak_kind {
    APS_LEAK_TRACE,
    APS_LEAK_SQL,
    APS_LEAK_LISTING,
    APS_LEAK_PRIVATE_KEY, /* PEM: its whole text, up to 8 KiB */
    APS_LEAK_CARD,        /* 13 to 19 digits of an issuer, with right check digit */
    APS_LEAK_OWN_KEY,     /* an API key of a given prefix, with right checksum */
    APS_LEAK_TOKEN,
    APS_LEAK_KINDS
};

struct aps_leak_rules; /* lives in a pool */

/* Look for `kinds` (1 << APS_LEAK_TRACE and so on), and for keys of `n` prefixes, which are kept.
 * APS_ERR_FORMAT: a prefix is none (keytext.h); APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_leak_rules_new(apr_pool_t *pool, unsigned kinds,
                                               const struct aps_str *prefixes, size_t n,
                                               const struct aps_leak_rules **out);

struct aps_leak_finding {
    enum aps_leak_kind kind;
    const char *text; /* the row's of leak.def, or empty; never what was found */
    uint64_t offset;  /* in the body */
    uint64_t length;
};

/* Findings come in the order of the body and do not overlap.  False: no more are wanted. */
typedef bool aps_leak_fn(void *ctx, const struct aps_leak_finding *finding);

/* Use the calls below. */
struct aps_leak {
    const struct aps_leak_rules *rules;
    apr_pool_t *pool;
    aps_leak_fn *tell;
    void *ctx;
    char *held; /* the end of what came */
    size_t held_n, held_cap;
    size_t want;   /* bytes of it before it is worth looking again */
    uint64_t base; /* where it begins in the body */
    size_t next;   /* up to where it was looked at */
    size_t floor;  /* where the last finding in it ends */
    bool stopped;
};

/* Keeps all.  Allocates nothing yet. */
void aps_leak_init(struct aps_leak *s, apr_pool_t *pool, const struct aps_leak_rules *rules,
                   aps_leak_fn *tell, void *ctx);

/* The next piece; borrows it.  APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_leak_feed(struct aps_leak *s, struct aps_str piece);

/* Nothing follows. */
void aps_leak_end(struct aps_leak *s);

/* No finding that is still to come begins before this byte of the body: what lies before it may be
 * sent.  It is at most about 16 KiB behind what came. */
uint64_t aps_leak_settled(const struct aps_leak *s);

/* "private_key"; "unknown" for a value outside of the enum. */
const char *aps_leak_kind_name(enum aps_leak_kind kind);

#endif
