/* cmd_key.c - API keys: their life and their limits. */
#include <apr_strings.h>

#include "apisec/num.h"
#include "change.h"
#include "ctl.h"
#include "due.h"
#include "overlap.h"
#include "use.h"

static struct aps_str ref(const struct ctl *c)
{
    return aps_str(c->call.arg[0]);
}

/* ---- A record as it is printed ---- */

/* What `show` says; a key whose life is over works no more than a revoked one. */
static const char *status_of(const struct ctl *c, const struct aps_key *key)
{
    return key->status == APS_KEY_ACTIVE && key->expires_at <= c->now
               ? "expired"
               : aps_key_status_name(key->status);
}

static void show_nets(struct ctl *c, const struct aps_key *key)
{
    struct aps_str *texts = apr_pcalloc(c->pool, (key->nnets + 1) * sizeof *texts);
    char text[APS_NET_TEXT_MAX];

    for (size_t i = 0; i < key->nnets; i++)
        texts[i] = aps_str(apr_pstrdup(c->pool, aps_net_print(&key->nets[i], text)));
    ctl_output_list(c->out, "cidrs", texts, key->nnets);
}

static void show_limit(struct ctl *c, const struct aps_key_limit *limit)
{
    char text[APS_NUM_RATE_MAX];

    ctl_output_str(c->out, "limit",
                   aps_str(limit->rate.count != 0 ? aps_num_print_rate(limit->rate, text) : NULL));
}

/* A row; with the text of a fresh key where c->fresh holds one. */
void ctl_key_print(struct ctl *c, const struct aps_key *key)
{
    ctl_output_row(c->out);
    ctl_output_str(c->out, "id", key->id);
    ctl_output_str(c->out, "name", key->name);
    if (c->fresh.n > 0)
        ctl_output_secret(c->out, "key", &c->fresh);
    ctl_output_str(c->out, "owner", key->owner);
    ctl_output_str(c->out, "org", key->org);
    ctl_output_str(c->out, "status", aps_str(status_of(c, key)));
    ctl_output_str(c->out, "origin", aps_str(aps_key_origin_name(key->origin)));
    ctl_output_bool(c->out, "decoy", key->decoy);
    ctl_output_time(c->out, "created_at", key->created_at);
    ctl_output_time(c->out, "not_before", key->not_before);
    ctl_output_time(c->out, "expires_at", key->expires_at);
    ctl_output_time(c->out, "revoked_at", key->revoked_at);
    ctl_output_str(c->out, "revoke_reason", key->revoke_reason);
    ctl_output_list(c->out, "roles", key->roles, key->nroles);
    ctl_output_list(c->out, "scopes", key->scopes, key->nscopes);
    show_nets(c, key);
    ctl_output_list(c->out, "hosts", key->hosts, key->nhosts);
    show_limit(c, &key->limit);
    ctl_output_str(c->out, "plan", key->plan);
    ctl_output_list(c->out, "overrides", key->overrides, key->noverrides);
    ctl_output_u64(c->out, "kv", key->secret[0].version);
    ctl_use_show(c, key);
    ctl_due_show(c, key);
    if (ctl_command_is_dry_run(&c->call))
        ctl_output_bool(c->out, "dry_run", true);
    ctl_output_end(c->out);
}

enum aps_err ctl_key_open(struct ctl *c)
{
    enum aps_err err = ctl_use_open(c);

    return err == APS_OK ? ctl_due_open(c) : err;
}

static enum aps_err show_one(struct ctl *c, const struct aps_key *key)
{
    enum aps_err err = ctl_key_open(c);

    if (err == APS_OK)
        ctl_key_print(c, key);
    return err;
}

static enum aps_err show_stored(struct ctl *c, struct aps_str name)
{
    struct aps_key key;
    enum aps_err err = aps_store_key_get(c->store, name, c->pool, &key, &c->diag);

    return err == APS_OK ? show_one(c, &key) : err;
}

/* ---- The commands ---- */

static void note_fresh(struct ctl *c, const struct aps_key *key)
{
    c->fresh_of = apr_psprintf(c->pool, "key %.*s", APS_STR_ARG(key->id));
    c->fresh_again = apr_psprintf(c->pool, "key rotate %.*s --overlap 0", APS_STR_ARG(key->id));
}

enum aps_err ctl_key_create(struct ctl *c)
{
    struct aps_key_change change = {
        .set = APS_KEY_F_NAME,
        .to.name = ref(c),
        .to.decoy = c->call.values[CTL_OPT_DECOY] != NULL,
    };
    struct aps_key none = {0};
    struct aps_key key;
    enum aps_err err;

    if ((err = ctl_change_read(c, &none, &change)) != APS_OK ||
        (err = aps_store_key_create(c->store, &change, c->pool, &key, &c->fresh, &c->diag)) !=
            APS_OK)
        return err;
    note_fresh(c, &key);
    return show_one(c, &key);
}

enum aps_err ctl_key_set(struct ctl *c)
{
    struct aps_key_change change = {0};
    struct aps_key key;
    enum aps_err err;

    if ((err = aps_store_key_get(c->store, ref(c), c->pool, &key, &c->diag)) != APS_OK ||
        (err = ctl_change_read(c, &key, &change)) != APS_OK)
        return err;
    if (change.set == 0) {
        aps_err_explain(&c->diag, "nothing to set; usage: apisecctl %s", c->call.command->usage);
        return APS_ERR_USAGE;
    }
    if ((err = aps_store_key_set(c->store, key.id, &change, &c->diag)) != APS_OK)
        return err;
    return show_stored(c, key.id);
}

enum aps_err ctl_key_show(struct ctl *c)
{
    return show_stored(c, ref(c));
}

/* Without --overlap the old secret may wait as long as the key lives. */
static enum aps_err rotate_until_used(struct ctl *c, const char *text, struct aps_key *out)
{
    aps_nsec overlap, grace;
    enum aps_err err;

    if ((err = ctl_overlap_read(c, INT64_MAX, &overlap)) != APS_OK ||
        (err = aps_num_parse_duration(aps_str(text), &grace, &c->diag)) != APS_OK ||
        (err = ctl_use_check_kept(c)) != APS_OK)
        return err;
    return aps_store_key_rotate_until_used(c->store, ref(c), grace, overlap, c->pool, out,
                                           &c->fresh, &c->diag);
}

static enum aps_err rotate(struct ctl *c, struct aps_key *out)
{
    const char *until_used = ctl_command_value(&c->call, CTL_OPT_UNTIL_USED);
    aps_nsec overlap;
    enum aps_err err;

    if (until_used != NULL)
        return rotate_until_used(c, until_used, out);
    if ((err = ctl_overlap_read(c, APS_KEY_OVERLAP_DEFAULT, &overlap)) != APS_OK)
        return err;
    return aps_store_key_rotate(c->store, ref(c), overlap, c->pool, out, &c->fresh, &c->diag);
}

enum aps_err ctl_key_rotate(struct ctl *c)
{
    struct aps_key key;
    enum aps_err err = rotate(c, &key);

    if (err != APS_OK)
        return err;
    if (ctl_command_is_dry_run(&c->call))
        aps_secret_wipe(&c->fresh); /* a text that is not stored is of no use to anybody */
    else
        note_fresh(c, &key);
    return show_one(c, &key);
}

enum aps_err ctl_key_revoke(struct ctl *c)
{
    const char *reason = ctl_command_value(&c->call, CTL_OPT_REASON);
    enum aps_err err = aps_store_key_revoke(c->store, ref(c), aps_str(reason), &c->diag);

    return err != APS_OK ? err : show_stored(c, ref(c));
}

enum aps_err ctl_key_delete(struct ctl *c)
{
    struct aps_key key;
    enum aps_err err;

    if ((err = aps_store_key_get(c->store, ref(c), c->pool, &key, &c->diag)) != APS_OK ||
        (err = aps_store_key_delete(c->store, key.id, &c->diag)) != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "id", key.id);
    ctl_output_str(c->out, "name", key.name);
    ctl_output_bool(c->out, ctl_command_is_dry_run(&c->call) ? "dry_run" : "deleted", true);
    ctl_output_end(c->out);
    return APS_OK;
}
