/* authn.h - a key's text -> who calls; with a cache of what was verified before.
 *
 * A view is one snapshot and the keys that were verified with it, in bounded memory.  Records
 * stay valid as long as the view does; a request holds a reference from its first use to its end.
 * The cache finds a text by a 128-bit SipHash under a random key of the process; it holds
 * verified texts only, so that garbage cannot fill it (KEY-06, JWT-26).
 * Threads: every call is safe from any thread.  Processes: make views after fork. */
#ifndef APISEC_AUTHN_H
#define APISEC_AUTHN_H

#include "apisec/rate.h"
#include "apisec/snapshot.h"

struct aps_view;
struct aps_bearer;

#define APS_IDENTITY_WORDS 3

/* Who calls.  Read-only but for what `noted` and `words` point to.  Without MACs. */
struct aps_identity {
    struct aps_key key;
    const struct aps_key_secret *secret; /* the version that was proved; into key.secret */
    const struct aps_role **roles;       /* resolved, key.nroles of them */
    struct aps_str user;                 /* the owner, else the id: REMOTE_USER */
    struct aps_rate_limit limit;         /* the key's own; unused when key.limit.rate.count is 0 */
    const struct aps_plan *plan;         /* of the key or of a role; NULL: the section's holds */
    size_t noverrides, nlimits;
    const struct aps_limit *const *overrides; /* limits of the key's own (key.h) */
    const struct aps_limit *const *limits;    /* those, laid over `plan` */
    const char *roles_text;                   /* names with single spaces between */
    const char *user_text, *id_text;          /* NUL-ended copies, for httpd */
    /* For whoever notes uses: a word of this process's, 0 at first; all threads change it. */
    uint32_t *noted;
    uint32_t noted_word;
    /* The same for whoever counts what the caller does. */
    uint64_t *words;
    uint64_t words_kept[APS_IDENTITY_WORDS];
    struct aps_str told;             /* what `tell` of the reader's options made */
    const struct aps_bearer *bearer; /* what else a token says (bearer.h); NULL: a key was shown */
};

/* What the reader's owner says of each caller again and again, made once: at most
 * APS_IDENTITY_TOLD_MAX bytes at `out`; returns how many.  `secret` is the version that was proved.
 */
#define APS_IDENTITY_TOLD_MAX 1536
typedef size_t aps_identity_tell_fn(const struct aps_key *key, const struct aps_key_secret *secret,
                                    char out[APS_IDENTITY_TOLD_MAX]);

/* The limits of a caller in a section whose plan is `section`, which is of the snapshot that `who`
 * comes from, or NULL: *out is borrowed from who or section, or is `room`.  Returns how many. */
size_t aps_identity_limits(const struct aps_identity *who, const struct aps_plan *section,
                           const struct aps_limit *room[APS_PLANBOOK_HELD_MAX],
                           const struct aps_limit *const **out);

/* Who calls by this text at `wall`?  ALLOW and *out; or KEY_MALFORMED, KEY_UNKNOWN, KEY_WRONG,
 * KEY_DECOY, KEY_REVOKED, KEY_NOT_YET, KEY_EXPIRED, KEY_ROTATED, ROLE_UNKNOWN, PLAN_UNKNOWN,
 * STORE_DOWN, INTERNAL.  All refusals that need the store cost one lookup and one MAC, also an
 * unknown id and a decoy, and also when they come again (KEY-07), but for a key that has ended
 * since it was let in; for a text from elsewhere one digest and one MAC more, which give it its id.
 * *out lives in the view or, when its cache is full, in `pool`.  *out_id: the id that the text
 * names, for the log, also of a refused one; empty where the text is none of this store
 * (KEY_MALFORMED); lives in the view or in `pool`.  *out_hit: the text was in the cache.  Both
 * are always set. */
enum aps_reason aps_authn_key(struct aps_view *view, struct aps_str text, aps_nsec wall,
                              apr_pool_t *pool, const struct aps_identity **out,
                              struct aps_str *out_id, bool *out_hit);

/* Who calls, where something else has proved that it is the key with this id: a signature of a key
 * that belongs to it.  As above, of what a record alone shows: ALLOW and *out, in `pool`; or
 * KEY_UNKNOWN, KEY_DECOY, KEY_REVOKED, KEY_NOT_YET, KEY_EXPIRED, ROLE_UNKNOWN, PLAN_UNKNOWN,
 * STORE_DOWN, INTERNAL.  It is taken for the newest version of the key's secret. */
enum aps_reason aps_authn_id(struct aps_view *view, struct aps_str id, aps_nsec wall,
                             apr_pool_t *pool, const struct aps_identity **out);

/* Whose text is it, whatever became of the key?  ALLOW: *out, and *out_which is the index of the
 * secret; KEY_WRONG: it names *out, and is no secret of it; KEY_UNKNOWN, KEY_MALFORMED, STORE_DOWN,
 * INTERNAL.  *out lives in `pool`. */
enum aps_reason aps_authn_prove(struct aps_snapshot *snap, struct aps_str text, apr_pool_t *pool,
                                struct aps_key *out, size_t *out_which);

struct aps_snapshot *aps_view_snapshot(const struct aps_view *view);

/* ---- The reader: what a child holds of one store ---- */

struct aps_reader;

/* What happened on the way of an acquire, for the caller to log once and count. */
enum aps_reader_event {
    APS_READER_SAME,
    APS_READER_LOADED, /* a new generation is in force */
    APS_READER_FAILED, /* a new copy was refused; the last good one stays; diag says why */
    APS_READER_AGAIN,  /* after that: it was refused again, or the one in force is back */
};

/* Told by the one thread that changes the copy, while no other can begin to change it again.  First
 * before another copy is opened, which may take a while: `serves` is what other threads still get.
 * Then, with `is_new`, when it is in force: no call returns an older one any more.  Not told for
 * the first copy that it is about to be opened, since nothing is served until then. */
typedef void aps_reader_change_fn(void *arg, const struct aps_snapshot *serves, bool is_new);

struct aps_reader_options {
    struct aps_snapshot_options snapshot; /* store, master and owner are kept: they must outlive */
    aps_nsec refresh;                     /* look at the file at most this often */
    size_t cache_max;                     /* verified keys in one view; 0 means 65,536 */
    aps_identity_tell_fn *tell;           /* NULL: nothing is made */
    aps_reader_change_fn *change;         /* NULL: nobody is told */
    void *change_arg;
};

/* Without opening the copy: the first acquire does.  Lives on the heap. */
APS_MUST_CHECK enum aps_err aps_reader_new(const struct aps_reader_options *options,
                                           struct aps_reader **out);
/* No request may hold a view any more.  NULL is fine. */
void aps_reader_free(struct aps_reader *reader);

/* The view in force, with a reference of the caller's, or NULL when no good copy was ever seen
 * (`diag` says why).  Looks at the file if `refresh` has passed since the last look; one thread
 * looks, the others go on with the present view.  A copy that is older, foreign, damaged or
 * unsafe is refused and reported FAILED once for each stamp of the file.  `monotonic` is now. */
struct aps_view *aps_reader_acquire(struct aps_reader *reader, aps_nsec monotonic,
                                    enum aps_reader_event *out_event, struct aps_diag *diag);
void aps_view_release(struct aps_view *view);

/* Store (aps_snapshot_store_tag) and generation in force, without a look at the file; false where
 * no good copy was seen yet. */
bool aps_reader_serves(struct aps_reader *reader, uint64_t *out_store, uint64_t *out_generation);

#endif
