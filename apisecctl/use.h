/* use.h - when, by which rule and from where secrets were last used, as httpd's state file has it.
 *
 * The file is written by others and may say anything: what cannot be is shown as unknown. */
#ifndef APISECCTL_USE_H
#define APISECCTL_USE_H

#include "ctl.h"

/* Look for the state file.  Without one every use is unknown; that is a fault only where --unused
 * or --rotating ask for it, and then the sentence says what mends it.  APS_ERR_FORMAT: --unused. */
APS_MUST_CHECK enum aps_err ctl_use_open(struct ctl *c);

/* For a rotation that waits for the first use: APS_ERR_CONFLICT where the server of the state file
 * notes none, so that it would wait for nothing. */
APS_MUST_CHECK enum aps_err ctl_use_check_kept(struct ctl *c);

/* When the secret before the newest one ends (wall), as far as is known; 0: none is open. */
aps_nsec ctl_use_old_until(const struct ctl *c, const struct aps_key *key);

/* Whether the key is one that --unused and --rotating ask for. */
bool ctl_use_is_wanted(const struct ctl *c, const struct aps_key *key);

/* Whether it is a live key that is older than c->use.cutoff and surely was not used since. */
bool ctl_use_is_unused(const struct ctl *c, const struct aps_key *key);

/* The fields of a key's row. */
void ctl_use_show(struct ctl *c, const struct aps_key *key);

#endif
