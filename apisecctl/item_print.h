/* item_print.h - what a store holds -> items, without secrets. */
#ifndef APISECCTL_ITEM_PRINT_H
#define APISECCTL_ITEM_PRINT_H

#include "item.h"

/* Called with each item of a kind; the text is valid during the call. */
typedef enum aps_err (*ctl_item_fn)(void *arg, struct aps_str name, struct aps_str text);
APS_MUST_CHECK enum aps_err ctl_item_print_each(struct ctl *c, enum ctl_item_kind kind,
                                                ctl_item_fn fn, void *arg);
/* One of them, by name, in c->pool; a text of no bytes: it is not there. */
APS_MUST_CHECK enum aps_err ctl_item_print_one(struct ctl *c, enum ctl_item_kind kind,
                                               struct aps_str name, struct aps_str *out);

#endif
