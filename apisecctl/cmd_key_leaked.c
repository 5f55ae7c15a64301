/* cmd_key_leaked.c - which keys stand in a text that has come to light.
 *
 * The published copy is asked, with the code that judges requests, so that reading a long text
 * holds no lock; the store is opened only to revoke. */
#include <apr_hash.h>
#include <apr_strings.h>
#include <unistd.h>

#include "apisec/authn.h"
#include "ctl.h"
#include "masterfile.h"
#include "scan.h"

/* A key that was found, by its gravest finding. */
struct found {
    struct aps_str id, name, owner;
    enum aps_key_status status;
    bool expired, decoy;
    bool exposed; /* its secret was there, and not only its id */
    bool live;    /* with that secret one can call */
    bool revoked; /* by this command */
    uint32_t kv;  /* of the secret; 0: only the id */
    struct ctl_scan_place first;
    uint64_t places;
};

struct search {
    struct ctl *c;
    apr_pool_t *piece; /* of one piece of the text */
    apr_hash_t *by_id;
    apr_array_header_t *all; /* of struct found *, in the order of their first places */
};

static struct found *found_for(struct search *s, const struct aps_key *key)
{
    struct found *f = apr_hash_get(s->by_id, key->id.p, (apr_ssize_t)key->id.n);

    if (f != NULL)
        return f;
    f = apr_pcalloc(s->c->pool, sizeof *f);
    f->id = aps_str_copy(s->c->pool, key->id);
    if (aps_snapshot_name(s->c->copy, f->id, s->c->pool, &f->name) != APS_OK)
        f->name = (struct aps_str){NULL, 0}; /* its row is damaged; the id is known all the same */
    f->owner = aps_str_copy(s->c->pool, key->owner);
    f->status = key->status;
    f->expired = key->expires_at <= s->c->now;
    f->decoy = key->decoy;
    apr_hash_set(s->by_id, f->id.p, (apr_ssize_t)f->id.n, f);
    APR_ARRAY_PUSH(s->all, struct found *) = f;
    return f;
}

/* A secret that works, or will, is graver than one that is over; that, than an id. */
static void note(struct search *s, const struct aps_key *key, const struct aps_key_secret *secret,
                 struct ctl_scan_place at)
{
    struct found *f = found_for(s, key);
    enum aps_reason reason =
        secret != NULL ? aps_key_live(key, secret, s->c->now) : APS_REASON_KEY_WRONG;
    bool live = !key->decoy && (reason == APS_REASON_ALLOW || reason == APS_REASON_KEY_NOT_YET);

    if (f->places++ == 0 || (secret != NULL && !f->exposed) || (live && !f->live)) {
        f->first = at;
        f->exposed = secret != NULL;
        f->live = live;
        f->kv = secret != NULL ? secret->version : 0;
    }
}

static enum aps_err on_piece(void *arg, struct aps_str piece, struct ctl_scan_place at)
{
    struct search *s = arg;
    struct aps_key key;
    size_t which;

    apr_pool_clear(s->piece);
    switch (aps_authn_prove(s->c->copy, piece, s->piece, &key, &which)) {
    case APS_REASON_ALLOW:
        note(s, &key, &key.secret[which], at);
        return APS_OK;
    case APS_REASON_KEY_WRONG:
        note(s, &key, NULL, at);
        return APS_OK;
    case APS_REASON_KEY_UNKNOWN:
    case APS_REASON_KEY_MALFORMED:
        return APS_OK;
    default:
        aps_err_explain(&s->c->diag, "the published copy cannot be asked: see apisecctl %s status",
                        s->c->place.options);
        return APS_ERR_IO;
    }
}

/* All or none of them, in one transaction. */
static enum aps_err revoke_live(struct search *s)
{
    struct ctl *c = s->c;
    const char *reason = ctl_command_value(&c->call, CTL_OPT_REASON);
    enum aps_err err;

    aps_secret_wipe(&c->master);
    err = ctl_masterfile_open(c, APS_STORE_WRITE);

    for (int i = 0; err == APS_OK && i < s->all->nelts; i++) {
        const struct found *f = APR_ARRAY_IDX(s->all, i, struct found *);

        if (f->live)
            err = aps_store_key_revoke(c->store, f->id, aps_str(reason != NULL ? reason : "leaked"),
                                       &c->diag);
        if (err == APS_ERR_NOT_FOUND)
            err = APS_OK; /* deleted since it was published, which only a revoked key can be */
    }
    if (err == APS_OK)
        err = aps_store_commit(c->store, &c->diag);
    for (int i = 0; err == APS_OK && i < s->all->nelts; i++) {
        struct found *f = APR_ARRAY_IDX(s->all, i, struct found *);

        f->revoked = f->live;
        f->status = f->live ? APS_KEY_REVOKED : f->status;
        f->live = false;
        c->note = "; the exposed keys are revoked";
    }
    return err;
}

static void show(struct ctl *c, const struct found *f)
{
    bool expired = f->status == APS_KEY_ACTIVE && f->expired;

    ctl_output_row(c->out);
    ctl_output_str(c->out, "id", f->id);
    ctl_output_str(c->out, "name", f->name);
    ctl_output_str(c->out, "owner", f->owner);
    ctl_output_str(c->out, "status", aps_str(expired ? "expired" : aps_key_status_name(f->status)));
    ctl_output_bool(c->out, "decoy", f->decoy);
    ctl_output_str(c->out, "found", aps_str(f->exposed ? "exposed" : "id-only"));
    if (f->kv != 0)
        ctl_output_u64(c->out, "kv", f->kv);
    else
        ctl_output_null(c->out, "kv");
    ctl_output_bool(c->out, "works", f->live);
    ctl_output_bool(c->out, "revoked", f->revoked);
    ctl_output_u64(c->out, "line", f->first.line);
    ctl_output_u64(c->out, "column", f->first.column);
    ctl_output_u64(c->out, "places", f->places);
    ctl_output_end(c->out);
}

static enum aps_err answer(struct search *s)
{
    struct ctl *c = s->c;
    bool live = false;

    ctl_output_table(c->out, NULL,
                     "id name owner status found kv works revoked line column places");
    for (int i = 0; i < s->all->nelts; i++) {
        show(c, APR_ARRAY_IDX(s->all, i, struct found *));
        live = live || APR_ARRAY_IDX(s->all, i, struct found *)->live;
    }
    ctl_output_end(c->out);
    return live ? APS_ERR_CHECK : APS_OK;
}

static bool is_any_live(const struct search *s)
{
    for (int i = 0; i < s->all->nelts; i++)
        if (APR_ARRAY_IDX(s->all, i, struct found *)->live)
            return true;
    return false;
}

enum aps_err ctl_key_leaked(struct ctl *c)
{
    const struct ctl_scan_options options = {.prefix = aps_snapshot_prefix(c->copy),
                                             .imports = aps_snapshot_has_imports(c->copy)};
    bool revoke = c->call.values[CTL_OPT_REVOKE] != NULL;
    struct search s = {.c = c};
    enum aps_err err;

    if (!revoke && c->call.values[CTL_OPT_REASON] != NULL) {
        aps_err_explain(&c->diag, "--reason goes with --revoke; usage: apisecctl %s",
                        c->call.command->usage);
        return APS_ERR_USAGE;
    }
    if (apr_pool_create(&s.piece, c->pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    s.by_id = apr_hash_make(c->pool);
    s.all = apr_array_make(c->pool, 8, sizeof(struct found *));
    if ((err = ctl_scan(STDIN_FILENO, &options, on_piece, &s, &c->diag)) != APS_OK)
        return err;
    if (revoke && is_any_live(&s) && (err = revoke_live(&s)) != APS_OK)
        return err;
    return answer(&s);
}
