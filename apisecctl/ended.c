/* ended.c - the output of a command that took one thing away. */
#include "ended.h"

void ctl_ended(struct ctl *c, const char *field, struct aps_str name, const char *how)
{
    ctl_output_row(c->out);
    ctl_output_str(c->out, field, name);
    ctl_output_bool(c->out, ctl_command_is_dry_run(&c->call) ? "dry_run" : how, true);
    ctl_output_end(c->out);
}
