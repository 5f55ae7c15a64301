/* cmd_issuer.c - issuers of tokens: whose tokens httpd takes, and what they come to. */
#include <apr_strings.h>

#include "apisec/num.h"
#include "apisec/random.h"
#include "ctl.h"
#include "ended.h"
#include "issuerdef.h"
#include "keyrows.h"

static struct aps_str ref(const struct ctl *c)
{
    return aps_str(c->call.arg[0]);
}

/* ---- As it is printed ---- */

/* 0 is `0s` where that is a time like others, else nothing. */
static void show_duration(struct ctl *c, const char *name, aps_nsec duration, bool zero)
{
    char text[APS_NUM_DURATION_MAX];

    if (duration == 0)
        ctl_output_str(c->out, name, aps_str(zero ? "0s" : NULL));
    else
        ctl_output_str(c->out, name, aps_str(aps_num_print_duration(duration, text)));
}

static void show_rules(struct ctl *c, const char *name, const struct aps_issuer *issuer,
                       enum aps_claimrule_kind kind)
{
    size_t n;
    const struct aps_str *texts = ctl_issuerdef_rules(c->pool, &issuer->jwt.claims, kind, &n);

    ctl_output_list(c->out, name, texts, n);
}

static void show_claims(struct ctl *c, const struct aps_issuer *issuer)
{
    const struct aps_claims_policy *claims = &issuer->jwt.claims;

    ctl_output_list(c->out, "algs", ctl_issuerdef_algs(c->pool, issuer), issuer->jwt.nalgs);
    ctl_output_bool(c->out, "mixed", issuer->jwt.mixed);
    ctl_output_bool(c->out, "plain_typ", issuer->jwt.plain);
    show_duration(c, "leeway", claims->leeway, true);
    show_duration(c, "max_age", claims->max_age, false);
    show_duration(c, "max_life", claims->max_life, false);
    ctl_output_list(c->out, "needs", ctl_issuerdef_needs(c->pool, claims), claims->nneeds);
    show_rules(c, "roles", issuer, APS_CLAIMRULE_ROLE);
    show_rules(c, "scopes", issuer, APS_CLAIMRULE_SCOPE);
}

static void show_places(struct ctl *c, const struct aps_issuer *issuer)
{
    ctl_output_str(c->out, "keys", aps_str(aps_issuer_source_name(issuer->source)));
    ctl_output_str(c->out, "jwks", issuer->jwks_url);
    ctl_output_list(c->out, "hosts", issuer->hosts, issuer->nhosts);
    show_duration(c, "keys_ttl", issuer->life.ttl, true);
    show_duration(c, "keys_stale", issuer->life.max_stale, true);
    show_duration(c, "fetch_interval", issuer->life.min_interval, true);
    ctl_output_str(c->out, "introspect", issuer->introspect);
    ctl_output_str(c->out, "client_id", issuer->client_id);
    ctl_output_bool(c->out, "aud_may_miss", issuer->jwt.claims.aud_may_miss);
    show_duration(c, "answer_ttl", issuer->answer_ttl, true);
    ctl_output_bool(c->out, "private", issuer->private_net);
    ctl_output_bool(c->out, "insecure_http", issuer->insecure_http);
    ctl_output_str(c->out, "ca", issuer->ca);
}

static enum aps_err show_keys(struct ctl *c, const struct aps_store_issuer *issuer)
{
    const struct aps_jwks_options options = aps_issuer_jwks(&issuer->def, false);
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    struct aps_jwks set = {.nkeys = 0};
    enum aps_err err = APS_OK;

    if (issuer->keys.n != 0 && ((err = aps_random_fill(hash_key, sizeof hash_key)) != APS_OK ||
                                (err = aps_jwks_read(issuer->keys, &options, hash_key, c->pool,
                                                     &set, &c->diag)) != APS_OK))
        return err;
    ctl_keyrows(c, "static_keys", &set);
    return APS_OK;
}

/* When the secret of its client was given. */
static enum aps_err show_secret(struct ctl *c, const struct aps_issuer *issuer)
{
    const struct aps_store_secret *list = NULL;
    size_t n = 0;
    enum aps_err err = aps_store_secrets(c->store, aps_issuer_secret(c->pool, issuer->name),
                                         c->pool, &list, &n, &c->diag);

    if (err == APS_OK)
        ctl_output_time(c->out, "client_secret_at", n != 0 ? list[n - 1].created_at : 0);
    return err;
}

static void show_fields(struct ctl *c, const struct aps_store_issuer *issuer)
{
    ctl_output_str(c->out, "name", issuer->def.name);
    ctl_output_str(c->out, "issuer", issuer->def.jwt.claims.iss);
    ctl_output_list(c->out, "audiences", issuer->def.jwt.claims.audiences,
                    issuer->def.jwt.claims.naudiences);
    show_claims(c, &issuer->def);
    show_places(c, &issuer->def);
    ctl_output_time(c->out, "created_at", issuer->created_at);
}

static enum aps_err show_one(struct ctl *c)
{
    struct aps_store_issuer issuer;
    enum aps_err err = aps_store_issuer_get(c->store, ref(c), c->pool, &issuer, &c->diag);

    if (err != APS_OK)
        return err;
    ctl_output_row(c->out);
    show_fields(c, &issuer);
    if ((err = show_secret(c, &issuer.def)) == APS_OK)
        err = show_keys(c, &issuer);
    if (ctl_command_is_dry_run(&c->call))
        ctl_output_bool(c->out, "dry_run", true);
    ctl_output_end(c->out);
    return err;
}

/* ---- The commands ---- */

static enum aps_err put(struct ctl *c, bool is_new, struct ctl_issuerdef *def)
{
    enum aps_err err = ctl_issuerdef_read(c, is_new, def);
    const struct aps_store_issuer_put put = {&def->issuer, def->keys, def->secret};

    if (err == APS_OK)
        err = is_new ? aps_store_issuer_add(c->store, &put, &c->diag)
                     : aps_store_issuer_set(c->store, &put, &c->diag);
    ctl_issuerdef_wipe(def);
    return err != APS_OK ? err : show_one(c);
}

enum aps_err ctl_issuer_add(struct ctl *c)
{
    struct ctl_issuerdef def = {.keys = {NULL, 0}};

    return put(c, true, &def);
}

enum aps_err ctl_issuer_set(struct ctl *c)
{
    struct ctl_issuerdef def = {.keys = {NULL, 0}};
    struct aps_store_issuer old;
    enum aps_err err = aps_store_issuer_get(c->store, ref(c), c->pool, &old, &c->diag);

    if (err != APS_OK)
        return err;
    def.issuer = old.def;
    return put(c, false, &def);
}

enum aps_err ctl_issuer_show(struct ctl *c)
{
    return show_one(c);
}

enum aps_err ctl_issuer_list(struct ctl *c)
{
    const struct aps_store_issuer *list = NULL;
    size_t n = 0;
    enum aps_err err = aps_store_issuers(c->store, c->pool, &list, &n, &c->diag);

    if (err != APS_OK)
        return err;
    ctl_output_table(c->out, NULL, "name issuer audiences keys roles");
    for (size_t i = 0; i < n; i++) {
        ctl_output_row(c->out);
        show_fields(c, &list[i]);
        ctl_output_end(c->out);
    }
    ctl_output_end(c->out);
    return APS_OK;
}

enum aps_err ctl_issuer_delete(struct ctl *c)
{
    enum aps_err err = aps_store_issuer_delete(c->store, ref(c), &c->diag);

    if (err == APS_OK)
        ctl_ended(c, "name", ref(c), "deleted");
    return err;
}
