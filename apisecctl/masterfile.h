/* masterfile.h - the store opened by a master key that another one may have followed.
 *
 * A rotation that was cut off between the change of the store and that of the key's file is
 * finished by whoever changes the store next. */
#ifndef APISECCTL_MASTERFILE_H
#define APISECCTL_MASTERFILE_H

#include "ctl.h"

/* Load c->master and open c->store, to be changed with c->call.command->need WRITE or where `mode`
 * says so.  c->finished: a rotation was finished on the way. */
APS_MUST_CHECK enum aps_err ctl_masterfile_open(struct ctl *c, enum aps_store_mode mode);

/* A new key in c->next: that of --to, else one beside the file of the old one, or with --dry-run in
 * memory alone.  APS_ERR_USAGE: the old one is in no file and nothing says where the new one is. */
APS_MUST_CHECK enum aps_err ctl_masterfile_next(struct ctl *c);

/* What was committed and published is open by both: let the new key's file take the name, unless it
 * lies elsewhere. */
APS_MUST_CHECK enum aps_err ctl_masterfile_take(struct ctl *c);

/* Nothing was committed: the new key is of no use. */
void ctl_masterfile_drop(const struct ctl *c);

#endif
