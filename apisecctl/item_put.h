/* item_put.h - an item of a document -> the store, by the calls that the commands use. */
#ifndef APISECCTL_ITEM_PUT_H
#define APISECCTL_ITEM_PUT_H

#include "item.h"

enum ctl_item_put_fate {
    CTL_ITEM_PUT,     /* the store is now as the item says */
    CTL_ITEM_LEFT,    /* the store's own stays, and `why` says why */
    CTL_ITEM_MISSING, /* it cannot be made of a document, and `why` says what does */
};
/* What became of an item; texts live in c->pool. */
struct ctl_item_put_done {
    enum ctl_item_put_fate fate;
    const char *why;       /* or NULL */
    struct aps_str before; /* the store's own, as ctl_item_print_one has it */
};
/* `before`: the store's own, or empty.  What it has already as the item says is not written again.
 * Anything but the fates is a fault of the document, which c->diag tells. */
APS_MUST_CHECK enum aps_err ctl_item_put(struct ctl *c, const struct ctl_item *item,
                                         struct aps_str before, struct ctl_item_put_done *out);
/* Of a role, once all are there: the parents that it has no more, and those that are new. */
APS_MUST_CHECK enum aps_err ctl_item_put_untie(struct ctl *c, const struct ctl_item *item);
APS_MUST_CHECK enum aps_err ctl_item_put_tie(struct ctl *c, const struct ctl_item *item);
/* LEFT: something uses it, or import ends none of its kind. */
APS_MUST_CHECK enum aps_err ctl_item_put_drop(struct ctl *c, enum ctl_item_kind kind,
                                              struct aps_str name, struct ctl_item_put_done *out);

#endif
