/* cmd_pepper.c - versions of the pepper: listed, a new one, one less. */
#include "apisec/num.h"
#include "ctl.h"
#include "progress.h"

static void step(void *arg, uint64_t n)
{
    ctl_progress_step(arg, n);
}

static enum aps_err show_one(void *arg, const struct aps_store_pepper *pepper)
{
    struct ctl *c = arg;

    ctl_output_row(c->out);
    ctl_output_u64(c->out, "version", pepper->version);
    ctl_output_time(c->out, "created_at", pepper->created_at);
    ctl_output_bool(c->out, "newest", pepper->newest);
    ctl_output_u64(c->out, "keys", pepper->keys);
    ctl_output_u64(c->out, "older", pepper->older);
    ctl_output_end(c->out);
    return APS_OK;
}

/* The keys are read one by one. */
static enum aps_err begin(struct ctl *c, struct ctl_progress *progress)
{
    uint64_t keys = 0;
    enum aps_err err = aps_store_key_count(c->store, &keys, &c->diag);

    if (err == APS_OK)
        ctl_progress_begin(progress, "keys", keys);
    return err;
}

enum aps_err ctl_pepper_list(struct ctl *c)
{
    struct ctl_progress progress;
    enum aps_err err = begin(c, &progress);

    if (err != APS_OK)
        return err;
    ctl_output_table(c->out, NULL, "version created_at newest keys older");
    err = aps_store_pepper_each(c->store, (struct aps_store_step){step, &progress}, show_one, c,
                                &c->diag);
    ctl_progress_end(&progress);
    ctl_output_end(c->out);
    return err;
}

static void show_done(struct ctl *c, uint32_t version, const char *what)
{
    ctl_output_row(c->out);
    ctl_output_u64(c->out, "version", version);
    ctl_output_bool(c->out, ctl_command_is_dry_run(&c->call) ? "dry_run" : what, true);
    ctl_output_end(c->out);
}

enum aps_err ctl_pepper_rotate(struct ctl *c)
{
    uint32_t version = 0;
    enum aps_err err = aps_store_pepper_rotate(c->store, &version, &c->diag);

    if (err == APS_OK)
        show_done(c, version, "newest");
    return err;
}

enum aps_err ctl_pepper_retire(struct ctl *c)
{
    struct ctl_progress progress;
    uint64_t version = 0;
    enum aps_err err;

    if ((err = aps_num_parse(aps_str(c->call.arg[0]), 1, UINT32_MAX, &version, &c->diag)) !=
            APS_OK ||
        (err = begin(c, &progress)) != APS_OK)
        return err;
    err = aps_store_pepper_retire(c->store, (uint32_t)version,
                                  (struct aps_store_step){step, &progress}, &c->diag);
    ctl_progress_end(&progress);
    if (err == APS_OK)
        show_done(c, (uint32_t)version, "retired");
    return err;
}
