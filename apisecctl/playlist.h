/* playlist.h - which limits are played: those of --limit, those of a plan, or a plan with changes.
 */
#ifndef APISECCTL_PLAYLIST_H
#define APISECCTL_PLAYLIST_H

#include "ctl.h"
#include "play.h"

/* Add the limits that the options name.  *out_unplayed: the names of those of the plan that no log
 * can tell of, or empty.  APS_ERR_USAGE: none are named; NOT_FOUND: the plan, or what is taken from
 * it; what ctl_play_add says. */
APS_MUST_CHECK enum aps_err ctl_playlist_read(struct ctl *c, struct ctl_play *play,
                                              const char **out_unplayed);

#endif
