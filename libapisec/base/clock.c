/* clock.c - the only reader of time. */
#include "apisec/clock.h"

#include <time.h>

static aps_nsec read_clock(clockid_t id)
{
    struct timespec ts = {0, 0};

    /* Every Linux has both; a sandbox may still refuse them. */
    if (clock_gettime(id, &ts) != 0)
        return 0;
    return (aps_nsec)ts.tv_sec * APS_SEC + (aps_nsec)ts.tv_nsec;
}

aps_nsec aps_clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

aps_nsec aps_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}
