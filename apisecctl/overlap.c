/* overlap.c - how long an old secret works beside a new one. */
#include "overlap.h"

#include "apisec/num.h"

enum aps_err ctl_overlap_read(struct ctl *c, aps_nsec otherwise, aps_nsec *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_OVERLAP);

    *out = otherwise;
    if (text == NULL)
        return APS_OK;
    *out = 0;
    if (strcmp(text, "0") == 0 || strcmp(text, "0s") == 0 || strcmp(text, "none") == 0)
        return APS_OK;
    return aps_num_parse_duration(aps_str(text), out, &c->diag);
}
