/* stock.c - a store's roles, keys, plans, webhooks, signers and certificates, issuers, secrets by
 * name. */
#include "stock.h"

#include "apisec/store_api.h"

static const struct {
    struct aps_str placeholder;
    enum ctl_stock kind;
} kinds[] = {
    {{"role", 4}, CTL_STOCK_ROLES},     {{"parent", 6}, CTL_STOCK_ROLES},
    {{"key", 3}, CTL_STOCK_KEYS},       {{"id", 2}, CTL_STOCK_KEY_IDS},
    {{"plan", 4}, CTL_STOCK_PLANS},     {{"webhook", 7}, CTL_STOCK_WEBHOOKS},
    {{"signer", 6}, CTL_STOCK_SIGNERS}, {{"certificate", 11}, CTL_STOCK_CERTIFICATES},
    {{"issuer", 6}, CTL_STOCK_ISSUERS}, {{"secret", 6}, CTL_STOCK_SECRETS},
    {{"api", 3}, CTL_STOCK_APIS},
};

enum ctl_stock ctl_stock_of(struct aps_str placeholder)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (aps_str_eq_nocase(placeholder, kinds[i].placeholder))
            return kinds[i].kind;
    return CTL_STOCK_NONE;
}

struct walk {
    enum ctl_stock kind;
    ctl_stock_fn fn;
    void *arg;
    bool ended;
};

/* A walk of the store ends early by an error, which is none here. */
static enum aps_err tell(struct walk *w, struct aps_str name, struct aps_str other)
{
    w->ended = !w->fn(w->arg, name, other);
    return w->ended ? APS_ERR_FAILED : APS_OK;
}

static enum aps_err tell_role(void *to, struct aps_str name, aps_nsec created_at)
{
    (void)created_at;
    return tell(to, name, (struct aps_str){0});
}

static enum aps_err tell_plan(void *to, struct aps_str name)
{
    return tell(to, name, (struct aps_str){0});
}

static enum aps_err tell_webhook(void *to, const struct aps_hook *hook)
{
    return tell(to, hook->name, (struct aps_str){0});
}

/* Those of webhooks, signers and issuers are no command's. */
static enum aps_err tell_secret(void *to, const struct aps_store_named *named)
{
    return aps_str_is_name(named->name) ? tell(to, named->name, (struct aps_str){0}) : APS_OK;
}

static enum aps_err tell_signer(void *to, const struct aps_signer *signer)
{
    return tell(to, signer->keyid, (struct aps_str){0});
}

static enum aps_err tell_certificate(void *to, struct aps_str name, struct aps_str key,
                                     aps_nsec created_at)
{
    (void)key, (void)created_at;
    return tell(to, name, (struct aps_str){0});
}

static enum aps_err tell_issuers(struct aps_store *store, struct walk *w, struct aps_diag *diag)
{
    const struct aps_store_issuer *list = NULL;
    apr_pool_t *pool = NULL;
    size_t n = 0;
    enum aps_err err = APS_ERR_NOMEM;

    if (apr_pool_create(&pool, NULL) == APR_SUCCESS)
        err = aps_store_issuers(store, pool, &list, &n, diag);
    for (size_t i = 0; i < n && err == APS_OK; i++)
        err = tell(w, list[i].def.name, (struct aps_str){0});
    if (pool != NULL)
        apr_pool_destroy(pool);
    return err;
}

static enum aps_err tell_apis(struct aps_store *store, struct walk *w, struct aps_diag *diag)
{
    const struct aps_store_api *list = NULL;
    apr_pool_t *pool = NULL;
    size_t n = 0;
    enum aps_err err = APS_ERR_NOMEM;

    if (apr_pool_create(&pool, NULL) == APR_SUCCESS)
        err = aps_store_apis(store, pool, &list, &n, diag);
    for (size_t i = 0; i < n && err == APS_OK; i++)
        err = tell(w, list[i].name, (struct aps_str){0});
    if (pool != NULL)
        apr_pool_destroy(pool);
    return err;
}

static enum aps_err tell_key(void *to, const struct aps_key *key)
{
    struct walk *w = to;

    return w->kind == CTL_STOCK_KEYS ? tell(w, key->name, key->id) : tell(w, key->id, key->name);
}

enum aps_err ctl_stock_each(struct aps_store *store, enum ctl_stock kind, ctl_stock_fn fn,
                            void *arg, struct aps_diag *diag)
{
    const struct aps_str all = {NULL, 0};
    struct walk w = {kind, fn, arg, false};
    enum aps_err err = APS_OK;

    if (kind == CTL_STOCK_ROLES)
        err = aps_store_role_each(store, tell_role, &w, diag);
    else if (kind == CTL_STOCK_PLANS)
        err = aps_store_plan_each(store, tell_plan, &w, diag);
    else if (kind == CTL_STOCK_WEBHOOKS)
        err = aps_store_webhook_each(store, tell_webhook, &w, diag);
    else if (kind == CTL_STOCK_SECRETS)
        err = aps_store_named_each(store, tell_secret, &w, diag);
    else if (kind == CTL_STOCK_SIGNERS)
        err = aps_store_signer_each(store, all, tell_signer, &w, diag);
    else if (kind == CTL_STOCK_CERTIFICATES)
        err = aps_store_certificate_each(store, all, tell_certificate, &w, diag);
    else if (kind == CTL_STOCK_ISSUERS)
        err = tell_issuers(store, &w, diag);
    else if (kind == CTL_STOCK_APIS)
        err = tell_apis(store, &w, diag);
    else if (kind != CTL_STOCK_NONE)
        err = aps_store_key_each(store, tell_key, &w, diag);
    return w.ended ? APS_OK : err;
}
