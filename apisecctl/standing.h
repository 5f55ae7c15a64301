/* standing.h - every limit that counts a key, and how far the caller is into each.
 *
 * The key's own limit, those of its plan with its overrides, and those of the server's sections
 * that go by a caller.  What goes by an address or a route depends on the request, so nothing is
 * told of it but that it is so. */
#ifndef APISECCTL_STANDING_H
#define APISECCTL_STANDING_H

#include "figure.h"
#include "held.h"

/* One meter of a limit, for one subject. */
struct ctl_standing_row {
    struct aps_str name;
    const char *of;            /* "key", "plan", "override", "section" */
    apr_array_header_t *where; /* of struct aps_str: the plan's name, or places; NULL: none */
    const char *concerns;      /* "all keys of user ada" */
    const char *kind;          /* "rate", "quota", "inflight" */
    bool dry_run;
    const char *unknown; /* why there are no figures; NULL: there are */
    struct aps_str definition;
    struct ctl_figure figure;
};

struct ctl_standing {
    struct aps_key key;
    struct ctl_held held;
    struct ctl_figures figures;
    apr_array_header_t *rows; /* of struct ctl_standing_row */
    apr_array_header_t
        *others; /* of struct aps_str: limits that go by no caller, with their places */
    apr_array_header_t *unread; /* the same: limits whose definition cannot be read in the file */
};

/* Of the key that `ref` names; `section` is the plan of a section, or empty.  To be closed after
 * APS_OK.  What the store says, or ctl_figures_open. */
APS_MUST_CHECK enum aps_err ctl_standing_read(struct ctl *c, struct aps_str ref,
                                              struct aps_str section, struct ctl_standing *out);

void ctl_standing_close(struct ctl_standing *s);

#endif
