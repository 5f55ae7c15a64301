/* item_print.c - what a store holds -> items, without secrets and without what each run differs by.
 */
#include <apr_strings.h>

#include "apisec/b64.h"
#include "apisec/certname.h"
#include "apisec/issuer_record.h"
#include "apisec/num.h"
#include "apisec/recordtext.h"
#include "item_api.h"
#include "item_print.h"

/* A walk over one kind, or over the one item of it that is looked for. */
struct walk {
    struct ctl *c;
    apr_pool_t *pool;    /* of one item */
    struct aps_str only; /* empty: all */
    const struct aps_rolebook *roles;
    struct aps_json w;
    ctl_item_fn fn;
    void *arg;
};

/* ---- members, each only where it says something ---- */

static void put_text(struct walk *k, enum ctl_item_field field, struct aps_str value)
{
    if (value.n != 0)
        aps_recordtext_put(&k->w, ctl_item_member(field), value);
}

static void put_list(struct walk *k, enum ctl_item_field field, const struct aps_str *list,
                     size_t n)
{
    aps_recordtext_put_list(&k->w, ctl_item_member(field), list, n);
}

static void put_time(struct walk *k, enum ctl_item_field field, aps_nsec wall)
{
    char text[APS_NUM_TIME_MAX];

    if (wall != 0)
        put_text(k, field, aps_str(aps_num_print_time(wall, false, text)));
}

static void put_duration(struct walk *k, enum ctl_item_field field, aps_nsec duration)
{
    char text[APS_NUM_DURATION_MAX];

    if (duration != 0)
        put_text(k, field, aps_str(aps_num_print_duration(duration, text)));
}

static void put_number(struct walk *k, enum ctl_item_field field, uint64_t value)
{
    const char *member = ctl_item_member(field);

    if (value == 0)
        return;
    aps_json_name_n(&k->w, member, strlen(member));
    aps_json_u64(&k->w, value);
}

static void put_raw(struct walk *k, enum ctl_item_field field, struct aps_str json)
{
    const char *member = ctl_item_member(field);

    if (json.n == 0)
        return;
    aps_json_name_n(&k->w, member, strlen(member));
    aps_json_raw(&k->w, json);
}

static void begin(struct walk *k)
{
    aps_json_init_pool(&k->w, k->pool, 0);
    aps_json_object(&k->w);
}

/* The item is done; what it took is given back. */
static enum aps_err end(struct walk *k, struct aps_str name)
{
    enum aps_err err;

    aps_json_end(&k->w);
    err = k->w.full ? APS_ERR_NOMEM : k->fn(k->arg, name, aps_json_text(&k->w));
    apr_pool_clear(k->pool);
    return err;
}

static bool is_wanted(const struct walk *k, struct aps_str name)
{
    return k->only.n == 0 || aps_str_eq(k->only, name);
}

/* ---- plans and roles ---- */

static enum aps_err print_plan(void *arg, struct aps_str name)
{
    struct walk *k = arg;
    struct aps_store_plan plan;
    struct aps_str *limits;
    enum aps_err err;

    if (!is_wanted(k, name))
        return APS_OK;
    begin(k);
    if ((err = aps_store_plan_get(k->c->store, name, k->pool, &plan, &k->c->diag)) != APS_OK)
        return err;
    limits = apr_palloc(k->pool, (plan.n + 1) * sizeof *limits);
    for (size_t i = 0; i < plan.n; i++)
        limits[i] = plan.limits[i].text;
    put_text(k, CTL_ITEM_PLAN_NAME, plan.name);
    put_text(k, CTL_ITEM_PLAN_DESCRIPTION, plan.description);
    put_list(k, CTL_ITEM_PLAN_LIMITS, limits, plan.n);
    return end(k, plan.name);
}

/* Its own of one sort; those that it inherits are told by its parents. */
static void put_grants(struct walk *k, enum ctl_item_field field, struct aps_str role, bool deny)
{
    const struct aps_role *found = aps_rolebook_find(k->roles, role);
    size_t n = 0, kept = 0;
    const struct aps_grant *grants = found != NULL ? aps_role_grants(found, &n) : NULL;
    struct aps_str *texts = apr_palloc(k->pool, (n + 1) * sizeof *texts);

    for (size_t i = 0; i < n; i++)
        if (grants[i].deny == deny && aps_str_eq(aps_role_grant_origin(found, i), role))
            texts[kept++] = grants[i].text;
    put_list(k, field, texts, kept);
}

static enum aps_err print_role(void *arg, struct aps_str name, aps_nsec created_at)
{
    struct walk *k = arg;
    struct ctl *c = k->c;
    struct aps_store_role_plan plan;
    struct aps_store_age age;
    const struct aps_str *parents;
    size_t n = 0;
    enum aps_err err;

    (void)created_at;
    if (!is_wanted(k, name))
        return APS_OK;
    begin(k);
    if ((err = aps_store_role_parents(c->store, name, k->pool, &parents, &n, &c->diag)) != APS_OK ||
        (err = aps_store_role_plan_get(c->store, name, k->pool, &plan, &c->diag)) != APS_OK ||
        (err = aps_store_age_get(c->store, name, &age, &c->diag)) != APS_OK)
        return err;
    put_text(k, CTL_ITEM_ROLE_NAME, name);
    put_grants(k, CTL_ITEM_ROLE_GRANTS, name, false);
    put_grants(k, CTL_ITEM_ROLE_DENIALS, name, true);
    put_list(k, CTL_ITEM_ROLE_INHERITS, parents, n);
    put_text(k, CTL_ITEM_ROLE_PLAN, plan.plan);
    put_number(k, CTL_ITEM_ROLE_PRIORITY, plan.priority);
    put_duration(k, CTL_ITEM_ROLE_MAX_AGE, age.max_age);
    put_duration(k, CTL_ITEM_ROLE_WARN, age.warn);
    return end(k, name);
}

static enum aps_err each_role(struct walk *k)
{
    struct aps_rolebook *book = NULL;
    enum aps_err err = aps_store_roles(k->c->store, k->c->pool, &book, &k->c->diag);

    k->roles = book;
    return err == APS_OK ? aps_store_role_each(k->c->store, print_role, k, &k->c->diag) : err;
}

/* ---- keys: nothing that a text could be told by ---- */

static void put_place(struct walk *k, const struct aps_key *key)
{
    struct aps_str *nets = apr_palloc(k->pool, (key->nnets + 1) * sizeof *nets);
    char text[APS_NET_TEXT_MAX];

    for (size_t i = 0; i < key->nnets; i++)
        nets[i] = aps_str(apr_pstrdup(k->pool, aps_net_print(&key->nets[i], text)));
    put_list(k, CTL_ITEM_KEY_CIDRS, nets, key->nnets);
    put_list(k, CTL_ITEM_KEY_HOSTS, key->hosts, key->nhosts);
}

static enum aps_err print_key(void *arg, const struct aps_key *key)
{
    struct walk *k = arg;
    char rate[APS_NUM_RATE_MAX];

    begin(k);
    put_text(k, CTL_ITEM_KEY_NAME, key->name);
    put_text(k, CTL_ITEM_KEY_ID, key->id);
    put_text(k, CTL_ITEM_KEY_OWNER, key->owner);
    put_text(k, CTL_ITEM_KEY_ORG, key->org);
    put_text(k, CTL_ITEM_KEY_STATUS, aps_str(aps_key_status_name(key->status)));
    put_text(k, CTL_ITEM_KEY_REVOKE_REASON, key->revoke_reason);
    aps_recordtext_put_flag(&k->w, ctl_item_member(CTL_ITEM_KEY_DECOY), key->decoy);
    put_text(k, CTL_ITEM_KEY_ORIGIN, aps_str(aps_key_origin_name(key->origin)));
    put_time(k, CTL_ITEM_KEY_CREATED_AT, key->created_at);
    put_time(k, CTL_ITEM_KEY_NOT_BEFORE, key->not_before);
    put_time(k, CTL_ITEM_KEY_EXPIRES, key->expires_at);
    put_list(k, CTL_ITEM_KEY_ROLES, key->roles, key->nroles);
    put_list(k, CTL_ITEM_KEY_SCOPES, key->scopes, key->nscopes);
    put_place(k, key);
    if (key->limit.rate.count != 0)
        put_text(k, CTL_ITEM_KEY_LIMIT, aps_str(aps_num_print_rate(key->limit.rate, rate)));
    put_text(k, CTL_ITEM_KEY_PLAN, key->plan);
    put_list(k, CTL_ITEM_KEY_OVERRIDES, key->overrides, key->noverrides);
    return end(k, key->name);
}

static enum aps_err each_key(struct walk *k)
{
    struct aps_key key;
    struct aps_diag missing = {""};
    enum aps_err err;

    if (k->only.n == 0)
        return aps_store_key_each(k->c->store, print_key, k, &k->c->diag);
    err = aps_store_key_get(k->c->store, k->only, k->c->pool, &key, &missing);
    if (err == APS_OK)
        return print_key(k, &key);
    if (err == APS_ERR_NOT_FOUND)
        return APS_OK;
    aps_err_explain(&k->c->diag, "%s", aps_err_say(err, &missing));
    return err;
}

/* ---- whom else the store believes ---- */

static enum aps_err print_issuer(struct walk *k, const struct aps_store_issuer *issuer)
{
    const struct aps_store_secret *secrets = NULL;
    size_t n = 0;
    enum aps_err err = aps_store_secrets(k->c->store, aps_issuer_secret(k->pool, issuer->def.name),
                                         k->pool, &secrets, &n, &k->c->diag);

    if (err != APS_OK)
        return err;
    begin(k);
    put_text(k, CTL_ITEM_ISSUER_NAME, issuer->def.name);
    put_raw(k, CTL_ITEM_ISSUER_DEFINITION, aps_issuer_record_print(k->pool, &issuer->def));
    put_raw(k, CTL_ITEM_ISSUER_KEYS, issuer->keys);
    aps_recordtext_put_flag(&k->w, ctl_item_member(CTL_ITEM_ISSUER_HAS_SECRET), n != 0);
    return end(k, issuer->def.name);
}

static enum aps_err each_issuer(struct walk *k)
{
    const struct aps_store_issuer *list = NULL;
    size_t n = 0;
    enum aps_err err = aps_store_issuers(k->c->store, k->c->pool, &list, &n, &k->c->diag);

    for (size_t i = 0; err == APS_OK && i < n; i++)
        if (is_wanted(k, list[i].def.name))
            err = print_issuer(k, &list[i]);
    return err;
}

static enum aps_err print_webhook(void *arg, const struct aps_hook *hook)
{
    struct walk *k = arg;

    if (!is_wanted(k, hook->name))
        return APS_OK;
    begin(k);
    put_text(k, CTL_ITEM_WEBHOOK_NAME, hook->name);
    put_raw(k, CTL_ITEM_WEBHOOK_DEFINITION, aps_hook_print(k->pool, hook));
    return end(k, hook->name);
}

/* Keys are told by their names: an id is of one store alone. */
static enum aps_err put_key_name(struct walk *k, enum ctl_item_field field, struct aps_str id)
{
    struct aps_key key;
    struct aps_diag why = {""};
    enum aps_err err = aps_store_key_get(k->c->store, id, k->pool, &key, &why);

    if (err != APS_OK && err != APS_ERR_NOT_FOUND) {
        aps_err_explain(&k->c->diag, "%s", aps_err_say(err, &why));
        return err;
    }
    put_text(k, field, err == APS_OK ? key.name : id);
    return APS_OK;
}

static enum aps_err print_signer(void *arg, const struct aps_signer *signer)
{
    struct walk *k = arg;
    char *text;
    enum aps_err err;

    if (!is_wanted(k, signer->keyid))
        return APS_OK;
    begin(k);
    put_text(k, CTL_ITEM_SIGNER_KEYID, signer->keyid);
    if ((err = put_key_name(k, CTL_ITEM_SIGNER_KEY, signer->key)) != APS_OK)
        return err;
    text = apr_palloc(k->pool, APS_B64_ENCODED_MAX(signer->public.n) + 1);
    put_text(k, CTL_ITEM_SIGNER_ALG, aps_str(aps_alg_httpsig(signer->alg)));
    put_text(k, CTL_ITEM_SIGNER_PUBLIC,
             (struct aps_str){text, aps_b64_encode(signer->public, text)});
    put_time(k, CTL_ITEM_SIGNER_EXPIRES, signer->until);
    return end(k, signer->keyid);
}

static enum aps_err print_certificate(void *arg, struct aps_str name, struct aps_str key,
                                      aps_nsec created_at)
{
    struct walk *k = arg;
    enum aps_err err;

    (void)created_at;
    if (!is_wanted(k, name))
        return APS_OK;
    begin(k);
    put_text(k, CTL_ITEM_CERTIFICATE_NAME, name);
    err = put_key_name(k, CTL_ITEM_CERTIFICATE_KEY, key);
    return err == APS_OK ? end(k, name) : err;
}

/* ---- descriptions and schemas: of what they were compiled ---- */

static enum aps_err print_api(struct walk *k, const struct aps_store_api *api)
{
    struct ctl *c = k->c;
    struct aps_store_api_bundle bundle;
    struct aps_str documents = {NULL, 0};
    enum aps_err err = aps_store_api_bundle(c->store, api->name, k->pool, &bundle, &c->diag);

    if (err == APS_OK)
        err = ctl_item_api_print(k->pool, &bundle, &documents);
    if (err != APS_OK)
        return err;
    begin(k);
    put_text(k, CTL_ITEM_API_NAME, api->name);
    put_text(k, CTL_ITEM_API_KIND, aps_str(aps_store_api_kind_name(api->kind)));
    put_text(k, CTL_ITEM_API_TITLE, api->title);
    put_text(k, CTL_ITEM_API_VERSION, api->version);
    put_raw(k, CTL_ITEM_API_DOCUMENTS, documents);
    return end(k, api->name);
}

static enum aps_err each_api(struct walk *k)
{
    const struct aps_store_api *list = NULL;
    size_t n = 0;
    enum aps_err err = aps_store_apis(k->c->store, k->c->pool, &list, &n, &k->c->diag);

    for (size_t i = 0; err == APS_OK && i < n; i++)
        if (is_wanted(k, list[i].name))
            err = print_api(k, &list[i]);
    return err;
}

/* ---- what is only told ---- */

static enum aps_err print_secret(void *arg, const struct aps_store_named *named)
{
    struct walk *k = arg;
    const struct aps_store_secret *versions = NULL;
    char text[APS_NUM_TIME_MAX];
    struct aps_str *made;
    size_t n = 0;
    enum aps_err err;

    if (!is_wanted(k, named->name))
        return APS_OK;
    begin(k);
    if ((err = aps_store_secrets(k->c->store, named->name, k->pool, &versions, &n, &k->c->diag)) !=
        APS_OK)
        return err;
    made = apr_palloc(k->pool, (n + 1) * sizeof *made);
    for (size_t i = 0; i < n; i++)
        made[i] =
            aps_str(apr_pstrdup(k->pool, aps_num_print_time(versions[i].created_at, false, text)));
    put_text(k, CTL_ITEM_SECRET_NAME, named->name);
    put_duration(k, CTL_ITEM_SECRET_MAX_AGE, named->max_age);
    put_duration(k, CTL_ITEM_SECRET_WARN, named->warn);
    put_text(k, CTL_ITEM_SECRET_ON_EXPIRY,
             aps_str(named->max_age == 0 ? NULL
                     : named->refuse     ? "refuse"
                                         : "warn"));
    put_time(k, CTL_ITEM_SECRET_CREATED_AT, named->created_at);
    put_list(k, CTL_ITEM_SECRET_MADE_AT, made, n);
    return end(k, named->name);
}

static enum aps_err print_adjustment(void *arg, const struct aps_store_adjusted *row)
{
    struct walk *k = arg;

    if (!is_wanted(k, row->name))
        return APS_OK;
    begin(k);
    put_text(k, CTL_ITEM_ADJUSTMENT_NAME, row->name);
    put_text(k, CTL_ITEM_ADJUSTMENT_BY, row->by);
    put_text(k, CTL_ITEM_ADJUSTMENT_WHO, row->who);
    put_number(k, CTL_ITEM_ADJUSTMENT_BONUS, row->adjust.bonus);
    put_time(k, CTL_ITEM_ADJUSTMENT_UNTIL, row->adjust.until);
    put_number(k, CTL_ITEM_ADJUSTMENT_EPOCH, row->adjust.epoch);
    return end(k, row->name);
}

/* ---- all of it ---- */

static enum aps_err walk(struct walk *k, enum ctl_item_kind kind)
{
    const struct aps_str all = {NULL, 0};
    struct ctl *c = k->c;

    switch (kind) {
    case CTL_ITEM_PLAN:
        return aps_store_plan_each(c->store, print_plan, k, &c->diag);
    case CTL_ITEM_ROLE:
        return each_role(k);
    case CTL_ITEM_KEY:
        return each_key(k);
    case CTL_ITEM_ISSUER:
        return each_issuer(k);
    case CTL_ITEM_WEBHOOK:
        return aps_store_webhook_each(c->store, print_webhook, k, &c->diag);
    case CTL_ITEM_SIGNER:
        return aps_store_signer_each(c->store, all, print_signer, k, &c->diag);
    case CTL_ITEM_CERTIFICATE:
        return aps_store_certificate_each(c->store, all, print_certificate, k, &c->diag);
    case CTL_ITEM_API:
        return each_api(k);
    case CTL_ITEM_SECRET:
        return aps_store_named_each(c->store, print_secret, k, &c->diag);
    case CTL_ITEM_ADJUSTMENT:
        return aps_store_adjust_each(c->store, print_adjustment, k, &c->diag);
    default:
        return APS_ERR_FAILED;
    }
}

static enum aps_err walk_some(struct ctl *c, enum ctl_item_kind kind, struct aps_str only,
                              ctl_item_fn fn, void *arg)
{
    struct walk k = {.c = c, .only = only, .fn = fn, .arg = arg};
    enum aps_err err;

    if (apr_pool_create(&k.pool, c->pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    err = walk(&k, kind);
    apr_pool_destroy(k.pool);
    return err;
}

enum aps_err ctl_item_print_each(struct ctl *c, enum ctl_item_kind kind, ctl_item_fn fn, void *arg)
{
    return walk_some(c, kind, (struct aps_str){NULL, 0}, fn, arg);
}

struct kept {
    apr_pool_t *pool;
    struct aps_str text;
};

static enum aps_err keep(void *arg, struct aps_str name, struct aps_str text)
{
    struct kept *kept = arg;

    (void)name;
    kept->text = aps_str_copy(kept->pool, text);
    return APS_OK;
}

enum aps_err ctl_item_print_one(struct ctl *c, enum ctl_item_kind kind, struct aps_str name,
                                struct aps_str *out)
{
    struct kept kept = {c->pool, {NULL, 0}};
    enum aps_err err = name.n != 0 ? walk_some(c, kind, name, keep, &kept) : APS_OK;

    if (err == APS_OK)
        *out = kept.text;
    return err;
}
