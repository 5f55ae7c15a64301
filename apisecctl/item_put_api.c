/* item_put_api.c - descriptions and schemas of a document -> the store. */
#include <apr_escape.h>
#include <apr_strings.h>

#include "bundle.h"
#include "item_api.h"
#include "item_put_impl.h"

#define DIGEST_SHOWN 12 /* hexadecimal digits, which nobody types */

/* Of what is compiled of it now. */
static enum aps_err read_digest(struct put *p, struct aps_str *out)
{
    struct ctl *c = p->c;
    char *hex = apr_palloc(c->pool, 2 * APS_DIGEST_LEN + 1);
    struct aps_store_api api;
    enum aps_err err = aps_store_api_get(c->store, p->item->name, c->pool, &api, &c->diag);

    if (err != APS_OK)
        return err;
    (void)apr_escape_hex(hex, api.digest, sizeof api.digest, 0, NULL); /* it cannot fail */
    *out = (struct aps_str){hex, DIGEST_SHOWN};
    return APS_OK;
}

static enum aps_err set_api(struct put *p, const struct aps_store_api_bundle *bundle)
{
    struct ctl *c = p->c;
    struct aps_str old = {NULL, 0}, new = {NULL, 0};
    struct aps_store_api_made made;
    bool changed = false;
    enum aps_err err = p->is_new ? APS_OK : read_digest(p, &old);

    if (err == APS_OK)
        err =
            aps_store_api_put(c->store, p->item->name, bundle, c->pool, &made, &changed, &c->diag);
    if (err != APS_OK || p->is_new || !changed || (err = read_digest(p, &new)) != APS_OK)
        return err;
    return put_leave(p, CTL_ITEM_PUT,
                     aps_str_eq(old, new)
                         ? "what is compiled of it stays as it was"
                         : apr_psprintf(c->pool,
                                        "what is compiled of it: digest %.*s..., was %.*s...",
                                        APS_STR_ARG(new), APS_STR_ARG(old)));
}

/* What `api import` does of files. */
enum aps_err ctl_item_put_api(struct put *p)
{
    struct ctl *c = p->c;
    const struct aps_str kind = ctl_item_text(&p->was, CTL_ITEM_API_KIND);
    struct aps_store_api_bundle bundle;
    enum aps_err err;

    if ((err = ctl_item_api_read(c, p->item, &bundle)) != APS_OK ||
        (err = ctl_bundle_judge(c->pool, &bundle, &c->diag)) != APS_OK)
        return err;
    if (!p->is_new && aps_store_api_kind(kind) != bundle.kind)
        return put_leave(p, CTL_ITEM_LEFT,
                         apr_psprintf(c->pool, "it is %.*s: `api remove` takes that away first",
                                      APS_STR_SHOW(kind)));
    return set_api(p, &bundle);
}
