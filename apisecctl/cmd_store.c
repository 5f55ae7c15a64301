/* cmd_store.c - the store as a whole: init, publish, status. */
#include <apr_strings.h>
#include <unistd.h>

#include "apisec/generation.h"
#include "apisec/master.h"
#include "apisec/metrics.h"
#include "apisec/table.h"
#include "ctl.h"
#include "group.h"
#include "masterpass.h"

/* A new file's key may lie under a passphrase; one that comes from elsewhere is as it is. */
static enum aps_err read_lock(struct ctl *c, struct aps_master_lock *lock,
                              struct aps_secret *passphrase)
{
    enum aps_err err;

    if ((err = ctl_masterpass_kdf(ctl_command_value(&c->call, CTL_OPT_KDF), &lock->how,
                                  &c->diag)) == APS_OK)
        err = ctl_masterpass_new(c->place.passphrase, "--master-passphrase", passphrase, &c->diag);
    if (err == APS_OK)
        lock->passphrase = aps_secret_str(passphrase);
    return err;
}

static enum aps_err check_init(struct ctl *c, bool is_file)
{
    bool protect = ctl_command_value(&c->call, CTL_OPT_PROTECT) != NULL;

    if (ctl_command_value(&c->call, CTL_OPT_KDF) != NULL && !protect)
        aps_err_explain(&c->diag, "--kdf is of --protect: give both, or none");
    else if (protect && !is_file)
        aps_err_explain(&c->diag,
                        "--protect is for a file that init makes: want --master-key file:PATH");
    else
        return APS_OK;
    return APS_ERR_USAGE;
}

enum aps_err ctl_store_init(struct ctl *c)
{
    const char *prefix = ctl_command_value(&c->call, CTL_OPT_PREFIX);
    const char *master = ctl_place_master_path(&c->place);
    struct aps_master_from unlock = ctl_place_from(&c->place);
    struct aps_master_lock lock = {0};
    struct aps_secret passphrase = {0};
    struct aps_store_init init = {
        .dir = c->place.store,
        .prefix = prefix != NULL ? prefix : "apisec",
        .master_path = master,
        .unlock = &unlock,
        .now = c->now,
        .actor = &c->actor,
    };
    enum aps_err err;

    if ((err = check_init(c, master != NULL)) != APS_OK ||
        (err = ctl_group_read(ctl_command_value(&c->call, CTL_OPT_GROUP), &init.group, &c->diag)) !=
            APS_OK)
        return err;
    if (ctl_command_value(&c->call, CTL_OPT_PROTECT) != NULL) {
        init.lock = &lock;
        err = read_lock(c, &lock, &passphrase);
    } else if (master == NULL) {
        init.master = &c->master;
        err = ctl_place_unlock(&c->place, true, &c->master, &c->diag);
    }
    if (err == APS_OK)
        err = aps_store_init(&init, &c->diag);
    aps_secret_wipe(&passphrase);
    if (err != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "store", aps_str(c->place.store));
    ctl_output_str(c->out, "master_key", aps_str(master != NULL ? master : c->place.master));
    ctl_output_end(c->out);
    return APS_OK;
}

enum aps_err ctl_store_publish(struct ctl *c)
{
    enum aps_err err = aps_store_publish(c->store, &c->diag);

    if (err != APS_OK)
        return err;
    c->published = true;
    ctl_output_row(c->out);
    ctl_output_u64(c->out, "generation", aps_store_generation(c->store));
    ctl_output_end(c->out);
    return APS_OK;
}

/* ---- status ---- */

static enum aps_err count_role(void *arg, struct aps_str name, aps_nsec created_at)
{
    (void)name;
    (void)created_at;
    ++*(uint64_t *)arg;
    return APS_OK;
}

/* What httpd would open now; a copy that it would refuse is what status is there to show. */
static void show_copy(struct ctl *c)
{
    struct aps_snapshot *copy = NULL;
    struct aps_diag why = {0};
    enum aps_err err = ctl_place_copy(&c->place, &c->master, &copy, &why);

    if (err == APS_OK)
        ctl_output_u64(c->out, "published_generation", aps_snapshot_generation(copy));
    else
        ctl_output_null(c->out, "published_generation");
    ctl_output_str(c->out, "published_fault",
                   aps_str(err == APS_OK ? NULL : aps_err_say(err, &why)));
    aps_snapshot_close(copy);
}

static void show_state(struct ctl *c)
{
    struct aps_state *state = NULL;
    struct aps_state_info info;
    struct aps_diag why = {0};
    enum aps_err err = aps_state_attach(c->pool, c->place.state, &state, &why);
    struct aps_table_usage usage;
    uint64_t lowest = 0;
    uint64_t processes = 0;

    if (err != APS_OK) {
        ctl_output_null(c->out, "state");
        ctl_output_str(c->out, "state_fault",
                       aps_str(err != APS_ERR_NOT_FOUND
                                   ? aps_err_say(err, &why)
                                   : apr_psprintf(c->pool,
                                                  "no state file at %s: httpd has not started "
                                                  "with it",
                                                  c->place.state)));
        return;
    }
    aps_state_info(state, &info);
    (void)aps_generation_min(state, aps_store_tag(c->store), &lowest, &processes); /* none: zeros */
    ctl_output_group(c->out, "state");
    ctl_output_str(c->out, "path", aps_str(c->place.state));
    ctl_output_u64(c->out, "boot", info.boot);
    ctl_output_u64(c->out, "entries", info.entries);
    if (aps_table_usage(state, (struct aps_table_now){aps_clock_monotonic(), aps_clock_wall()},
                        &usage, NULL) == APS_OK)
        ctl_output_u64(c->out, "live", usage.live);
    else
        ctl_output_null(c->out, "live"); /* the file became shorter meanwhile */
    ctl_output_u64(c->out, "processes", processes);
    ctl_output_u64(c->out, "lowest_generation", lowest);
    for (int i = 0; i < APS_METRIC_COUNT; i++)
        ctl_output_u64(c->out, aps_metrics_name((enum aps_metric)i) + strlen("apisec_"),
                       aps_metrics_sum(state, (enum aps_metric)i));
    ctl_output_end(c->out);
    ctl_output_null(c->out, "state_fault");
    aps_state_close(state);
}

enum aps_err ctl_store_status(struct ctl *c)
{
    uint64_t keys = 0;
    uint64_t roles = 0;
    enum aps_err err;

    if ((err = aps_store_key_count(c->store, &keys, &c->diag)) != APS_OK ||
        (err = aps_store_role_each(c->store, count_role, &roles, &c->diag)) != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "store", aps_str(aps_store_dir(c->store)));
    ctl_output_str(c->out, "prefix", aps_store_prefix(c->store));
    ctl_output_u64(c->out, "keys", keys);
    ctl_output_u64(c->out, "roles", roles);
    ctl_output_u64(c->out, "generation", aps_store_generation(c->store));
    show_copy(c);
    show_state(c);
    ctl_output_end(c->out);
    return APS_OK;
}
