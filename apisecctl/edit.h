/* edit.h - an option that names a list: plain words make it new, +WORD and -WORD change it. */
#ifndef APISECCTL_EDIT_H
#define APISECCTL_EDIT_H

#include "ctl.h"

/* One kind of list: how a word of it is read, and what it is called. */
struct ctl_edit {
    enum ctl_opt opt;
    const char *noun; /* what has the list: "key", and the command that shows it */
    const char *what; /* what a word is: "role" */
    bool clears;      /* `none` empties it */
    bool whole;       /* a value is one word, its commas included */
    bool is_new;      /* there is nothing to add to or to take from */
    /* The word in the form in which two that mean the same are equal; NULL: as it is. */
    enum aps_err (*canon)(apr_pool_t *pool, struct aps_str word, struct aps_str *out,
                          struct aps_diag *diag);
};

/* The words of the option, which was given, applied to `old`; each once and in their order.  Lives
 * in c->pool, borrows argv and `old`.  APS_ERR_FORMAT; APS_ERR_NOT_FOUND: -WORD is not there; what
 * `canon` says. */
APS_MUST_CHECK enum aps_err ctl_edit(struct ctl *c, const struct ctl_edit *kind,
                                     const struct aps_str *old, size_t nold,
                                     const struct aps_str **out, size_t *out_n);

#endif
