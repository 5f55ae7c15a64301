/* item_api.h - the documents of an API as a configuration document has them.
 *
 *     "documents":[{"uri":"file:///openapi.yaml","text":"{...}"}, ...]
 * in their order, of which the first is the description or schema itself; each text as the store
 * has it, which of YAML is the JSON that was made of it. */
#ifndef APISECCTL_ITEM_API_H
#define APISECCTL_ITEM_API_H

#include "apidiff.h"
#include "item.h"

/* The list of a bundle as JSON text, in `pool`.  NOMEM. */
APS_MUST_CHECK enum aps_err ctl_item_api_print(apr_pool_t *pool,
                                               const struct aps_store_api_bundle *bundle,
                                               struct aps_str *out);
/* The bundle of an item; it lives in c->pool and borrows from the item's document.  FORMAT: its
 * kind is unknown, there is no document, a document has other members or is named in another way or
 * twice. */
APS_MUST_CHECK enum aps_err ctl_item_api_read(struct ctl *c, const struct ctl_item *item,
                                              struct aps_store_api_bundle *out);

/* Call `fn` for each difference of two texts of ctl_item_print_one, as `api diff` tells them; none
 * of two XML schemas.  What is told lives in c->pool. */
APS_MUST_CHECK enum aps_err ctl_item_api_diff(struct ctl *c, struct aps_str before,
                                              struct aps_str after, ctl_apidiff_fn fn, void *arg);

#endif
