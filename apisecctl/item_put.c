/* item_put.c - an item of a document -> the store, by the calls that the commands use. */
#include <apr_strings.h>

#include "apisec/plan.h"
#include "apisec/store_api.h"
#include "item_put_impl.h"

static bool holds(const struct aps_str *list, size_t n, struct aps_str text)
{
    for (size_t i = 0; i < n; i++)
        if (aps_str_eq(list[i], text))
            return true;
    return false;
}

static enum aps_err read_duration(struct put *p, enum ctl_item_field field, aps_nsec *out)
{
    const struct aps_str text = put_text(p, field);

    *out = 0;
    return text.n == 0 ? APS_OK : aps_num_parse_duration(text, out, &p->c->diag);
}

/* ---- plans ---- */

/* Limits of the store's plan by whose names the document has none. */
static enum aps_err limits_to_drop(struct put *p, const struct aps_str *limits, size_t n,
                                   struct aps_store_plan_change *change)
{
    struct ctl *c = p->c;
    struct aps_store_plan plan;
    struct aps_str *drop;
    struct aps_limit limit;
    enum aps_err err = aps_store_plan_get(c->store, p->item->name, c->pool, &plan, &c->diag);

    if (err != APS_OK)
        return err;
    drop = apr_palloc(c->pool, (plan.n + 1) * sizeof *drop);
    for (size_t i = 0; i < plan.n; i++)
        drop[change->ndrop++] = plan.limits[i].name;
    for (size_t i = 0; err == APS_OK && i < n; i++) {
        if ((err = aps_plan_parse(c->pool, limits[i], &limit, &c->diag)) != APS_OK)
            break;
        for (size_t k = 0; k < change->ndrop; k++)
            if (aps_str_eq(drop[k], limit.name))
                drop[k--] = drop[--change->ndrop];
    }
    change->drop = drop;
    return err;
}

static enum aps_err set_plan(struct put *p, const struct aps_str *limits, size_t n)
{
    struct ctl *c = p->c;
    struct aps_str *fresh = apr_palloc(c->pool, (n + 1) * sizeof *fresh);
    struct aps_store_plan_change change = {
        .describes = put_differs(p, CTL_ITEM_PLAN_DESCRIPTION),
        .description = put_text(p, CTL_ITEM_PLAN_DESCRIPTION),
        .put = fresh,
    };
    size_t nwas = 0;
    const struct aps_str *was = ctl_item_list(c, &p->was, CTL_ITEM_PLAN_LIMITS, &nwas);
    enum aps_err err = limits_to_drop(p, limits, n, &change);

    for (size_t i = 0; i < n; i++)
        if (!holds(was, nwas, limits[i]))
            fresh[change.nput++] = limits[i];
    if (err != APS_OK || change.nput + change.ndrop + change.describes == 0)
        return err;
    return aps_store_plan_set(c->store, p->item->name, &change, &c->diag);
}

static enum aps_err put_plan(struct put *p)
{
    struct ctl *c = p->c;
    size_t n = 0;
    const struct aps_str *limits = ctl_item_list(c, p->item, CTL_ITEM_PLAN_LIMITS, &n);

    if (!p->is_new)
        return set_plan(p, limits, n);
    return aps_store_plan_create(c->store, p->item->name, put_text(p, CTL_ITEM_PLAN_DESCRIPTION),
                                 limits, n, &c->diag);
}

/* ---- roles ---- */

static enum aps_err change_grants(struct put *p, enum ctl_item_field field, bool deny)
{
    struct ctl *c = p->c;
    size_t n = 0, nwas = 0;
    const struct aps_str *list = ctl_item_list(c, p->item, field, &n);
    const struct aps_str *was = ctl_item_list(c, &p->was, field, &nwas);
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < nwas; i++)
        if (!holds(list, n, was[i]))
            err = aps_store_role_revoke(c->store, p->item->name, was[i], &c->diag);
    for (size_t i = 0; err == APS_OK && i < n; i++)
        if (!holds(was, nwas, list[i]))
            err = aps_store_role_grant(c->store, p->item->name, list[i], deny, &c->diag);
    return err;
}

static enum aps_err change_plan(struct put *p)
{
    struct ctl *c = p->c;
    struct aps_store_role_plan to = {.plan = put_text(p, CTL_ITEM_ROLE_PLAN)};
    struct aps_str number = put_text(p, CTL_ITEM_ROLE_PRIORITY);
    uint64_t priority = 0;
    enum aps_err err = APS_OK;

    if (!put_differs(p, CTL_ITEM_ROLE_PLAN) && !put_differs(p, CTL_ITEM_ROLE_PRIORITY))
        return APS_OK;
    if (number.n != 0)
        err = aps_num_parse(number, 0, APS_PLAN_PRIORITY_MAX, &priority, &c->diag);
    to.priority = (uint32_t)priority;
    return err == APS_OK ? aps_store_role_plan_set(c->store, p->item->name, &to, &c->diag) : err;
}

static enum aps_err change_age(struct put *p)
{
    struct ctl *c = p->c;
    struct aps_store_age age;
    enum aps_err err;

    if (!put_differs(p, CTL_ITEM_ROLE_MAX_AGE) && !put_differs(p, CTL_ITEM_ROLE_WARN))
        return APS_OK;
    if ((err = read_duration(p, CTL_ITEM_ROLE_MAX_AGE, &age.max_age)) != APS_OK ||
        (err = read_duration(p, CTL_ITEM_ROLE_WARN, &age.warn)) != APS_OK)
        return err;
    return aps_store_age_set(c->store, p->item->name, &age, &c->diag);
}

/* A grant may become a denial and the other way: what is to go goes first. */
static enum aps_err put_role(struct put *p)
{
    struct ctl *c = p->c;
    enum aps_err err =
        p->is_new ? aps_store_role_create(c->store, p->item->name, &c->diag) : APS_OK;

    if (err == APS_OK)
        err = change_grants(p, CTL_ITEM_ROLE_GRANTS, false);
    if (err == APS_OK)
        err = change_grants(p, CTL_ITEM_ROLE_DENIALS, true);
    if (err == APS_OK)
        err = change_plan(p);
    return err == APS_OK ? change_age(p) : err;
}

/* Parents that are no more go first, so that a line may be turned round. */
enum aps_err ctl_item_put_untie(struct ctl *c, const struct ctl_item *item)
{
    size_t n = 0, nwas = 0;
    const struct aps_str *list = ctl_item_list(c, item, CTL_ITEM_ROLE_INHERITS, &n), *was;
    enum aps_err err = aps_store_role_parents(c->store, item->name, c->pool, &was, &nwas, &c->diag);

    for (size_t i = 0; err == APS_OK && i < nwas; i++)
        if (!holds(list, n, was[i]))
            err = aps_store_role_disinherit(c->store, item->name, was[i], &c->diag);
    return err;
}

enum aps_err ctl_item_put_tie(struct ctl *c, const struct ctl_item *item)
{
    size_t n = 0, nwas = 0;
    const struct aps_str *list = ctl_item_list(c, item, CTL_ITEM_ROLE_INHERITS, &n), *was;
    enum aps_err err = aps_store_role_parents(c->store, item->name, c->pool, &was, &nwas, &c->diag);

    for (size_t i = 0; err == APS_OK && i < n; i++)
        if (!holds(was, nwas, list[i]) && !holds(list, i, list[i]))
            err = aps_store_role_inherit(c->store, item->name, list[i], &c->diag);
    return err;
}

/* ---- keys ---- */

static enum aps_err read_nets(struct put *p, struct aps_key *to)
{
    struct ctl *c = p->c;
    size_t n = 0;
    const struct aps_str *list = ctl_item_list(c, p->item, CTL_ITEM_KEY_CIDRS, &n);
    struct aps_net *nets = apr_pcalloc(c->pool, (n + 1) * sizeof *nets);
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < n; i++)
        err = aps_net_parse(list[i], &nets[i], &c->diag);
    to->nets = nets;
    to->nnets = n;
    return err;
}

static enum aps_err read_limit(struct put *p, struct aps_key *to)
{
    const struct aps_str text = put_text(p, CTL_ITEM_KEY_LIMIT);
    enum aps_err err = APS_OK;

    to->limit = (struct aps_key_limit){.burst = 0};
    if (text.n != 0)
        err = aps_num_parse_rate(text, &to->limit.rate, &p->c->diag);
    to->limit.burst = to->limit.rate.count;
    return err;
}

/* What is of another form than a text or a list of them; only what differs is read and set. */
static enum aps_err read_forms(struct put *p, struct aps_key_change *change)
{
    enum aps_err err = APS_OK;

    if (put_differs(p, CTL_ITEM_KEY_EXPIRES)) {
        change->set |= APS_KEY_F_EXPIRES;
        err = put_time(p, CTL_ITEM_KEY_EXPIRES, p->c->now + APS_KEY_LIFE_DEFAULT,
                       &change->to.expires_at);
    }
    if (err == APS_OK && put_differs(p, CTL_ITEM_KEY_NOT_BEFORE)) {
        change->set |= APS_KEY_F_NOT_BEFORE;
        err = put_time(p, CTL_ITEM_KEY_NOT_BEFORE, 0, &change->to.not_before);
    }
    if (err == APS_OK && put_differs(p, CTL_ITEM_KEY_CIDRS)) {
        change->set |= APS_KEY_F_NETS;
        err = read_nets(p, &change->to);
    }
    if (err == APS_OK && put_differs(p, CTL_ITEM_KEY_LIMIT)) {
        change->set |= APS_KEY_F_LIMIT;
        err = read_limit(p, &change->to);
    }
    return err;
}

static void read_texts(struct put *p, struct aps_key_change *change)
{
    struct aps_key *to = &change->to;
    const struct {
        enum ctl_item_field field;
        unsigned bit;
        struct aps_str *text;
    } texts[] = {
        {CTL_ITEM_KEY_NAME, APS_KEY_F_NAME, &to->name},
        {CTL_ITEM_KEY_OWNER, APS_KEY_F_OWNER, &to->owner},
        {CTL_ITEM_KEY_ORG, APS_KEY_F_ORG, &to->org},
        {CTL_ITEM_KEY_PLAN, APS_KEY_F_PLAN, &to->plan},
    };
    const struct {
        enum ctl_item_field field;
        unsigned bit;
        const struct aps_str **list;
        size_t *n;
    } lists[] = {
        {CTL_ITEM_KEY_ROLES, APS_KEY_F_ROLES, &to->roles, &to->nroles},
        {CTL_ITEM_KEY_SCOPES, APS_KEY_F_SCOPES, &to->scopes, &to->nscopes},
        {CTL_ITEM_KEY_HOSTS, APS_KEY_F_HOSTS, &to->hosts, &to->nhosts},
        {CTL_ITEM_KEY_OVERRIDES, APS_KEY_F_OVERRIDES, &to->overrides, &to->noverrides},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (put_differs(p, texts[i].field)) {
            change->set |= texts[i].bit;
            *texts[i].text = put_text(p, texts[i].field);
        }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (put_differs(p, lists[i].field)) {
            change->set |= lists[i].bit;
            *lists[i].list = ctl_item_list(p->c, p->item, lists[i].field, lists[i].n);
        }
}

static enum aps_err end_key(struct put *p, struct aps_str id)
{
    struct ctl *c = p->c;
    const struct aps_str reason = put_text(p, CTL_ITEM_KEY_REVOKE_REASON);

    return aps_store_key_revoke(c->store, id, reason.n != 0 ? reason : APS_STR_LIT("imported"),
                                &c->diag);
}

static enum aps_err check_status(struct put *p)
{
    const struct aps_str status = put_text(p, CTL_ITEM_KEY_STATUS);

    if (status.n == 0 || aps_str_eq(status, APS_STR_LIT("active")) ||
        aps_str_eq(status, APS_STR_LIT("revoked")))
        return APS_OK;
    aps_err_explain(&p->c->diag, "status \"%.*s\": want active or revoked", APS_STR_SHOW(status));
    return APS_ERR_FORMAT;
}

/* An id is of one key for ever; a name may be given to another one, which nobody has revoked. */
static enum aps_err put_key(struct put *p)
{
    struct ctl *c = p->c;
    const struct aps_str id = ctl_item_text(&p->was, CTL_ITEM_KEY_ID);
    const bool is_it = aps_str_eq(id, put_text(p, CTL_ITEM_KEY_ID));
    const bool ends = aps_str_eq(put_text(p, CTL_ITEM_KEY_STATUS), APS_STR_LIT("revoked"));
    struct aps_key_change change = {.set = 0};
    enum aps_err err = check_status(p);

    if (err != APS_OK)
        return err;
    if (p->is_new)
        return put_leave(p, CTL_ITEM_MISSING,
                         "no document holds what makes a key: `key create` makes one of this name");
    if (aps_str_eq(ctl_item_text(&p->was, CTL_ITEM_KEY_STATUS), APS_STR_LIT("revoked")))
        return put_leave(p, CTL_ITEM_LEFT, "it is revoked, and stays so");
    if (ctl_item_flag(&p->was, CTL_ITEM_KEY_DECOY) != ctl_item_flag(p->item, CTL_ITEM_KEY_DECOY))
        return put_leave(p, CTL_ITEM_LEFT, "a decoy stays one, and a key that is none stays none");
    read_texts(p, &change);
    if ((err = read_forms(p, &change)) != APS_OK)
        return err;
    if (change.set != 0)
        err = aps_store_key_set(c->store, id, &change, &c->diag);
    if (err != APS_OK || !ends)
        return err;
    return is_it ? end_key(p, id)
                 : put_leave(p, change.set != 0 ? CTL_ITEM_PUT : CTL_ITEM_LEFT,
                             "the revoked one was another key of this name");
}

/* ---- what is only told ---- */

/* Those of webhooks, signers and issuers are told with them. */
static enum aps_err put_secret(struct put *p)
{
    if (p->is_new && memchr(p->item->name.p, '/', p->item->name.n) == NULL)
        return put_leave(p, CTL_ITEM_MISSING, "no document holds its value: `secret set` takes it");
    return APS_OK;
}

static enum aps_err put_nothing(struct put *p)
{
    (void)p; /* what was granted was of a period, and of one store */
    return APS_OK;
}

/* ---- all kinds ---- */

/* A fault is told with whose it is. */
static enum aps_err tell(struct put *p, enum aps_err err)
{
    const struct aps_diag said = p->c->diag;

    if (err != APS_OK)
        aps_err_explain(&p->c->diag, "%s \"%.*s\": %.400s", ctl_item_word(p->item->kind),
                        APS_STR_SHOW(p->item->name), aps_err_say(err, &said));
    return err;
}

enum aps_err ctl_item_put(struct ctl *c, const struct ctl_item *item, struct aps_str before,
                          struct ctl_item_put_done *out)
{
    static enum aps_err (*const puts[CTL_ITEM_KINDS])(struct put * p) = {
        [CTL_ITEM_PLAN] = put_plan,
        [CTL_ITEM_ROLE] = put_role,
        [CTL_ITEM_KEY] = put_key,
        [CTL_ITEM_ISSUER] = ctl_item_put_trust_issuer,
        [CTL_ITEM_WEBHOOK] = ctl_item_put_trust_webhook,
        [CTL_ITEM_SIGNER] = ctl_item_put_trust_signer,
        [CTL_ITEM_CERTIFICATE] = ctl_item_put_trust_certificate,
        [CTL_ITEM_API] = ctl_item_put_api,
        [CTL_ITEM_SECRET] = put_secret,
        [CTL_ITEM_ADJUSTMENT] = put_nothing,
    };
    struct put p = {.c = c, .item = item, .is_new = before.n == 0, .fate = CTL_ITEM_PUT};
    enum aps_err err = ctl_item_parse(c, item->kind, before, &p.was);

    if (err == APS_OK && (p.is_new || !ctl_item_is_same(item, &p.was)))
        err = puts[item->kind](&p);
    *out = (struct ctl_item_put_done){p.fate, p.why, before};
    return tell(&p, err);
}

enum aps_err ctl_item_put_drop(struct ctl *c, enum ctl_item_kind kind, struct aps_str name,
                               struct ctl_item_put_done *out)
{
    static enum aps_err (*const drops[CTL_ITEM_KINDS])(struct aps_store *, struct aps_str,
                                                       struct aps_diag *) = {
        [CTL_ITEM_PLAN] = aps_store_plan_delete,
        [CTL_ITEM_ROLE] = aps_store_role_delete,
        [CTL_ITEM_ISSUER] = aps_store_issuer_delete,
        [CTL_ITEM_WEBHOOK] = aps_store_webhook_delete,
        [CTL_ITEM_SIGNER] = aps_store_signer_delete,
        [CTL_ITEM_CERTIFICATE] = aps_store_certificate_delete,
        [CTL_ITEM_API] = aps_store_api_remove,
    };
    struct aps_diag why = {""};
    enum aps_err err;

    *out = (struct ctl_item_put_done){.fate = CTL_ITEM_LEFT};
    if (drops[kind] == NULL) {
        out->why = "it is not in the document, and import ends none of its kind";
        return APS_OK;
    }
    err = drops[kind](c->store, name, &why);
    if (err == APS_ERR_CONFLICT)
        out->why = apr_pstrdup(c->pool, why.text);
    else if (err != APS_OK)
        aps_err_explain(&c->diag, "%s", aps_err_say(err, &why));
    out->fate = err == APS_OK ? CTL_ITEM_PUT : CTL_ITEM_LEFT;
    return err == APS_ERR_CONFLICT ? APS_OK : err;
}
