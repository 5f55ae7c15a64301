/* cmd_changes.c - who changed what, and when. */
#include <apr_strings.h>

#include "apisec/num.h"
#include "ctl.h"

static enum aps_err show_change(void *arg, const struct aps_change *change)
{
    struct ctl *c = arg;
    char at[APS_NUM_TIME_MAX];

    ctl_output_row(c->out);
    ctl_output_u64(c->out, "n", change->n);
    ctl_output_str(c->out, "at", aps_str(aps_num_print_time(change->at, true, at)));
    ctl_output_u64(c->out, "uid", change->uid);
    ctl_output_str(c->out, "login", change->login);
    ctl_output_str(c->out, "sudo", change->sudo);
    ctl_output_str(c->out, "tty", change->tty);
    ctl_output_str(c->out, "host", change->host);
    ctl_output_str(c->out, "command", change->command);
    ctl_output_str(c->out, "subject", change->subject);
    ctl_output_json(c->out, "old", change->old_json);
    ctl_output_json(c->out, "new", change->new_json);
    ctl_output_end(c->out);
    return APS_OK;
}

enum aps_err ctl_changes(struct ctl *c)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_AFTER);
    uint64_t after = 0;
    enum aps_err err;

    if (text != NULL &&
        (err = aps_num_parse(aps_str(text), 0, INT64_MAX, &after, &c->diag)) != APS_OK)
        return err;
    ctl_output_table(c->out, NULL, "n at login sudo command subject old new");
    err = aps_store_change_each(c->store, after, show_change, c, &c->diag);
    ctl_output_end(c->out);
    return err;
}
