/* cmd_master.c - the master keys of a store: listed, followed by another, retired. */
#include <apr_strings.h>

#include "apisec/keyuse.h"
#include "ctl.h"
#include "masterfile.h"
#include "progress.h"
#include "quote.h"

static void step(void *arg, uint64_t n)
{
    ctl_progress_step(arg, n);
}

/* ---- which there are, and who holds each ---- */

struct masters {
    struct ctl *c;
    struct aps_store_master list[APS_STORE_MASTERS_MAX];
    uint8_t ids[APS_STORE_MASTERS_MAX][APS_KEYUSE_ID_LEN];
    size_t n;
    struct aps_state *state; /* NULL: no server has started with it */
};

static enum aps_err keep(void *arg, const struct aps_store_master *master)
{
    struct masters *m = arg;

    m->list[m->n] = *master;
    memcpy(m->ids[m->n++], master->raw, APS_KEYUSE_ID_LEN);
    return APS_OK;
}

static enum aps_err read_masters(struct masters *m)
{
    struct ctl *c = m->c;
    enum aps_err err;

    if ((err = aps_store_master_each(c->store, keep, m, &c->diag)) != APS_OK)
        return err;
    err = aps_state_attach(c->pool, c->place.state, &m->state, &c->diag);
    return err == APS_ERR_NOT_FOUND ? APS_OK : err;
}

/* Why httpd may need the key, or NULL. */
static const char *why_held(const struct masters *m, size_t i, enum aps_keyuse *out)
{
    apr_pool_t *pool = m->c->pool;
    pid_t pid = 0;

    *out = m->state != NULL
               ? aps_keyuse_of(m->state, aps_store_tag(m->c->store),
                               (const uint8_t(*)[APS_KEYUSE_ID_LEN])m->ids, m->n, i, &pid)
               : APS_KEYUSE_NONE;
    switch (*out) {
    case APS_KEYUSE_NONE:
        return NULL;
    case APS_KEYUSE_SERVER:
        return apr_psprintf(pool,
                            "the running httpd, process %ld, was started with it: apachectl "
                            "graceful gives it the newest, if ApiSecMasterKey names that",
                            (long)pid);
    case APS_KEYUSE_EARLIER:
        return apr_psprintf(pool,
                            "process %ld of httpd is from before its last restart and may have it: "
                            "wait until it has ended",
                            (long)pid);
    case APS_KEYUSE_UNKNOWN:
        break;
    }
    return apr_psprintf(pool,
                        "process %ld of httpd does not say which master key it has: apachectl "
                        "graceful makes it say so",
                        (long)pid);
}

static void show_one(const struct masters *m, size_t i)
{
    const struct aps_store_master *master = &m->list[i];
    struct ctl_out *out = m->c->out;
    enum aps_keyuse use;
    const char *why = why_held(m, i, &use);

    ctl_output_row(out);
    ctl_output_str(out, "id", aps_str(master->id));
    ctl_output_time(out, "created_at", master->created_at);
    ctl_output_bool(out, "newest", master->newest);
    ctl_output_bool(out, "compromised", master->compromised);
    ctl_output_str(out, "in_use",
                   aps_str(use == APS_KEYUSE_NONE     ? "no"
                           : use == APS_KEYUSE_SERVER ? "yes"
                                                      : "maybe"));
    ctl_output_str(out, "why", aps_str(why));
    ctl_output_u64(out, "keys", master->keys);
    ctl_output_u64(out, "secrets", master->secrets);
    ctl_output_u64(out, "only_here", master->only);
    ctl_output_u64(out, "seals", master->seals);
    ctl_output_end(out);
}

enum aps_err ctl_master_list(struct ctl *c)
{
    struct masters m = {.c = c};
    enum aps_err err = read_masters(&m);

    if (err != APS_OK)
        return err;
    ctl_output_table(c->out, NULL,
                     "id created_at newest compromised in_use keys secrets only_here seals");
    for (size_t i = 0; i < m.n; i++)
        show_one(&m, i);
    ctl_output_end(c->out);
    aps_state_close(m.state);
    return APS_OK;
}

/* ---- one more ---- */

static void show_rotated(struct ctl *c, const struct aps_store_rotated *done, bool finished)
{
    const char *to = ctl_command_value(&c->call, CTL_OPT_TO);

    ctl_output_row(c->out);
    ctl_output_str(c->out, "id", aps_str(done->to));
    ctl_output_str(c->out, "from", aps_str(done->from));
    ctl_output_u64(c->out, "keys", done->keys);
    ctl_output_u64(c->out, "secrets", done->secrets);
    ctl_output_bool(c->out, "renewed", done->renewed);
    ctl_output_bool(c->out, ctl_command_is_dry_run(&c->call) ? "dry_run" : "finished",
                    ctl_command_is_dry_run(&c->call) || finished);
    ctl_output_end(c->out);
    if (!ctl_command_is_dry_run(&c->call))
        ctl_output_tail(
            c->out,
            "\n%sapachectl graceful lets httpd take the new key; then apisecctl%s "
            "master retire %s\n",
            to != NULL ? apr_pstrcat(c->pool, "ApiSecMasterKey ", ctl_quote(c->pool, aps_str(to)),
                                     " names it from now on, and --master-key here; ", NULL)
                       : "",
            c->place.given, done->from);
}

/* What a run left that was cut off is what was asked for, unless that was only to rewrap. */
static bool is_answered(struct ctl *c, const struct masters *m)
{
    if (!c->finished)
        return false;
    for (size_t i = 0; i < m->n; i++)
        if (c->call.values[CTL_OPT_COMPROMISED] != NULL && !m->list[i].newest &&
            !m->list[i].compromised)
            return false;
    return true;
}

static enum aps_err show_finished(struct ctl *c, const struct masters *m)
{
    struct aps_store_rotated done = {.keys = 0};
    aps_nsec latest = INT64_MIN;

    for (size_t i = 0; i < m->n; i++) {
        const struct aps_store_master *master = &m->list[i];

        if (master->newest) {
            memcpy(done.to, master->id, sizeof done.to);
            done.keys = master->keys;
            done.secrets = master->secrets;
        } else if (master->created_at >= latest) {
            memcpy(done.from, master->id, sizeof done.from);
            done.renewed = master->compromised;
            latest = master->created_at;
        }
    }
    c->published = true;
    show_rotated(c, &done, true);
    return APS_OK;
}

static enum aps_err change(struct ctl *c, struct aps_store_rotated *out)
{
    struct ctl_progress progress;
    uint64_t steps = 0;
    enum aps_err err = aps_store_master_steps(c->store, &steps, &c->diag);

    if (err != APS_OK)
        return err;
    ctl_progress_begin(&progress, "secrets", steps);
    err = aps_store_master_rotate(c->store, &c->next, c->call.values[CTL_OPT_COMPROMISED] != NULL,
                                  (struct aps_store_step){step, &progress}, out, &c->diag);
    ctl_progress_end(&progress);
    return err;
}

static enum aps_err commit(struct ctl *c)
{
    uint64_t before = aps_store_generation(c->store);
    enum aps_err err = aps_store_commit(c->store, &c->diag);

    if (err == APS_OK)
        err = ctl_masterfile_take(c);
    else if (aps_store_generation(c->store) == before)
        ctl_masterfile_drop(c);
    if (err != APS_OK && aps_store_generation(c->store) != before)
        c->note = "; the new master key counts already: apisecctl master rotate, once more, "
                  "finishes what is left";
    return err;
}

enum aps_err ctl_master_rotate(struct ctl *c)
{
    struct aps_store_rotated done = {.keys = 0};
    struct masters m = {.c = c};
    enum aps_err err = aps_store_master_each(c->store, keep, &m, &c->diag);

    if (err == APS_OK && is_answered(c, &m))
        return show_finished(c, &m);
    if (err != APS_OK || (err = ctl_masterfile_next(c)) != APS_OK)
        return err;
    if ((err = change(c, &done)) != APS_OK) {
        ctl_masterfile_drop(c);
        return err;
    }
    if (!ctl_command_is_dry_run(&c->call) && (err = commit(c)) != APS_OK)
        return err;
    c->published = true;
    show_rotated(c, &done, false);
    return APS_OK;
}

/* ---- one less ---- */

static enum aps_err check_unused(const struct masters *m, struct aps_str id)
{
    enum aps_keyuse use;

    for (size_t i = 0; i < m->n; i++) {
        const char *why = NULL;

        if (aps_str_eq(aps_str(m->list[i].id), id) && !m->list[i].newest)
            why = why_held(m, i, &use);
        if (why != NULL) {
            aps_err_explain(&m->c->diag, "the master key %s cannot retire: %s", m->list[i].id, why);
            return APS_ERR_CONFLICT;
        }
    }
    return APS_OK;
}

enum aps_err ctl_master_retire(struct ctl *c)
{
    const struct aps_str id = aps_str(c->call.arg[0]);
    struct aps_store_rotated done = {.keys = 0};
    struct ctl_progress progress;
    struct masters m = {.c = c};
    uint64_t steps = 0;
    enum aps_err err = read_masters(&m);

    if (err == APS_OK)
        err = check_unused(&m, id);
    aps_state_close(m.state);
    if (err != APS_OK || (err = aps_store_master_steps(c->store, &steps, &c->diag)) != APS_OK)
        return err;
    ctl_progress_begin(&progress, "secrets", steps);
    err = aps_store_master_retire(c->store, id, (struct aps_store_step){step, &progress}, &done,
                                  &c->diag);
    ctl_progress_end(&progress);
    if (err != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "id", id);
    ctl_output_bool(c->out, "renewed", done.renewed);
    ctl_output_bool(c->out, ctl_command_is_dry_run(&c->call) ? "dry_run" : "retired", true);
    ctl_output_end(c->out);
    return APS_OK;
}
