/* ctl.h - one run of apisecctl: what main.c hands to a command, and the commands themselves.
 *
 * main.c owns the store: it opens what the row needs, commits after the command has succeeded,
 * and prints the output only after that. */
#ifndef APISECCTL_CTL_H
#define APISECCTL_CTL_H

#include <apr_hash.h>

#include "apisec/clock.h"
#include "apisec/secret.h"
#include "apisec/snapshot.h"
#include "apisec/state.h"
#include "apisec/store.h"
#include "command.h"
#include "output.h"
#include "place.h"
#include "terminal.h"
#include "wait.h"

/* What is known of last uses (use.h). */
struct ctl_use {
    struct aps_state *state; /* NULL: nothing */
    aps_nsec cutoff;         /* of --unused (wall) */
};

struct ctl {
    apr_pool_t *pool;
    aps_nsec now; /* wall */
    struct ctl_call call;
    struct ctl_place place;
    struct aps_store_actor actor;
    struct aps_secret master;  /* loaded where the row needs more than NONE */
    struct aps_secret next;    /* the master key that is to follow it */
    bool finished;             /* a rotation that was cut off was finished before the command */
    struct aps_store *store;   /* READ, WRITE */
    struct aps_snapshot *copy; /* COPY */
    struct ctl_terminal terminal;
    struct ctl_use use;
    apr_hash_t *ages; /* role -> struct aps_store_age (due.h); NULL: not read */
    struct ctl_out *out;
    struct aps_secret fresh; /* the text of a new key, or a new secret, on its way to stdout */
    const char *fresh_of;    /* whose it is: "key ID" */
    const char *fresh_again; /* the command that gives another one */
    bool published;          /* the command has published: there is nothing to commit */
    struct ctl_wait wait;
    struct aps_diag diag;
    const char *said; /* what --wait has found, or NULL */
    const char *note; /* what the message about a failure adds, or NULL */
};

/* ---- cmd_key.c ---- */
/* What rows of keys show of other places; before the first of them. */
APS_MUST_CHECK enum aps_err ctl_key_open(struct ctl *c);
/* A row with all that is told of a key; with its text where c->fresh holds that. */
void ctl_key_print(struct ctl *c, const struct aps_key *key);

#define C(usage, need, run, text, example) enum aps_err run(struct ctl *c);
#include "commands.def"
#undef C

#endif
