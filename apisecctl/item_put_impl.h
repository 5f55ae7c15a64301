/* item_put_impl.h - what item_put.c, item_put_trust.c and item_put_api.c share. */
#ifndef APISECCTL_ITEM_PUT_IMPL_H
#define APISECCTL_ITEM_PUT_IMPL_H

#include "apisec/num.h"
#include "item_put.h"

/* An item, and the store's own of its name. */
struct put {
    struct ctl *c;
    const struct ctl_item *item;
    struct ctl_item was; /* without a member where it is not there */
    bool is_new;
    enum ctl_item_put_fate fate;
    const char *why;
};

static inline bool put_differs(const struct put *p, enum ctl_item_field field)
{
    return !ctl_item_has_same(p->item, &p->was, field);
}

static inline struct aps_str put_text(const struct put *p, enum ctl_item_field field)
{
    return ctl_item_text(p->item, field);
}

static inline enum aps_err put_leave(struct put *p, enum ctl_item_put_fate fate, const char *why)
{
    p->fate = fate;
    p->why = why;
    return APS_OK;
}

/* none: what a time is that is not said. */
static inline enum aps_err put_time(struct put *p, enum ctl_item_field field, aps_nsec none,
                                    aps_nsec *out)
{
    const struct aps_str text = put_text(p, field);

    *out = none;
    return text.n == 0 ? APS_OK : aps_num_parse_time(text, p->c->now, out, &p->c->diag);
}

/* ---- of one kind each; errors are faults of the document, which c->diag tells ---- */

APS_MUST_CHECK enum aps_err ctl_item_put_trust_issuer(struct put *p);
APS_MUST_CHECK enum aps_err ctl_item_put_trust_webhook(struct put *p);
APS_MUST_CHECK enum aps_err ctl_item_put_trust_signer(struct put *p);
APS_MUST_CHECK enum aps_err ctl_item_put_trust_certificate(struct put *p);
APS_MUST_CHECK enum aps_err ctl_item_put_api(struct put *p);

#endif
