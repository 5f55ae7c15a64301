/* view.h - one snapshot and the keys that were verified with it.
 *
 * The table holds pointers to entries that never change, in open addressing without deletion.  A
 * lookup takes no lock: a slot is empty or, once filled, the same for ever, so the first empty
 * slot ends the search.  Insertion takes the lock.  At most half of the slots are ever filled.
 * Threads: every call is safe from any thread. */
#ifndef APISEC_VIEW_H
#define APISEC_VIEW_H

#include "apisec/authn.h"
#include "apisec/siphash.h"

/* A verified text; allocated with the tail of its identity behind it. */
struct view_entry {
    struct aps_siphash hash;
    struct view_entry *next; /* all of a view, for its end */
    struct aps_identity who;
    _Alignas(void *) char tail[];
};

/* The most entries that a table may be asked to hold. */
#define VIEW_ENTRIES_MAX ((size_t)1 << 24)

/* A view with one reference, the caller's.  Takes `snap`: the last view of it closes it.
 * APS_ERR_NOMEM: then `snap` is still the caller's. */
APS_MUST_CHECK enum aps_err aps_view_new(struct aps_snapshot *snap, size_t max,
                                         const unsigned char hash_key[APS_SIPHASH_KEY_LEN],
                                         aps_identity_tell_fn *tell, struct aps_view **out);

/* An empty view of the snapshot that `view` has, with one reference.  APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_view_renew(const struct aps_view *view, struct aps_view **out);

/* One more reference; the caller has one, or keeps others from dropping the last. */
void aps_view_keep(struct aps_view *view);

/* What is told of a caller; 0 bytes where nobody wants it. */
size_t aps_view_tell(const struct aps_view *view, const struct aps_key *key,
                     const struct aps_key_secret *secret, char out[APS_IDENTITY_TOLD_MAX]);

/* A limit of a key's own, ready to be charged, or NULL: it cannot be read.  Equal texts are read
 * once.  *out_lasts: it lives as long as the view; else in `pool`, and the view is full. */
const struct aps_limit *aps_view_limit(struct aps_view *view, struct aps_str text, apr_pool_t *pool,
                                       bool *out_lasts);

/* The hash of a text in this view's table. */
struct aps_siphash aps_view_hash(const struct aps_view *view, struct aps_str text);

/* The key that texts are hashed with, for readers that want one. */
void aps_view_hash_key(const struct aps_view *view, unsigned char out[APS_SIPHASH_KEY_LEN]);

/* The entry with this hash, or NULL. */
const struct view_entry *aps_view_find(const struct aps_view *view, struct aps_siphash hash);

/* Take `entry`, from malloc, and return it; or free it and return the one that another thread put
 * there first; or free it and return NULL: the table is full, and the view says so from now on. */
const struct view_entry *aps_view_add(struct aps_view *view, struct view_entry *entry);

bool aps_view_is_full(const struct aps_view *view);

#endif
