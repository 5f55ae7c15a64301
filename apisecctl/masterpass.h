/* masterpass.h - the passphrase of a master key, from its source or by a question. */
#ifndef APISECCTL_MASTERPASS_H
#define APISECCTL_MASTERPASS_H

#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/stretch.h"

/* Ask for it on the terminal, as an aps_master_ask_fn (master.h); `arg` is not used.
 * APS_ERR_CONFIRM where stdin is none: --master-passphrase is named then. */
APS_MUST_CHECK enum aps_err ctl_masterpass_ask(void *arg, struct aps_secret *out,
                                               struct aps_diag *diag);

/* A new one: from `source` (source.h), or where that is NULL asked twice.  `opt` is the option that
 * names a source, for the sentence where stdin is no terminal.  The caller wipes *out. */
APS_MUST_CHECK enum aps_err ctl_masterpass_new(const char *source, const char *opt,
                                               struct aps_secret *out, struct aps_diag *diag);

/* What a new passphrase is stretched by: the KDF of this name, or what is usual for NULL. */
APS_MUST_CHECK enum aps_err ctl_masterpass_kdf(const char *name, struct aps_stretch *out,
                                               struct aps_diag *diag);

#endif
