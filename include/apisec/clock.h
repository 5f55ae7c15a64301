/* clock.h - the only reader of time; everything else gets time by parameter.
 *
 * Threads and processes: safe anywhere. */
#ifndef APISEC_CLOCK_H
#define APISEC_CLOCK_H

#include <stdint.h>

/* Nanoseconds: of a duration, since boot (monotonic), or since 1970 UTC (wall); 64 bits reach
 * until 2262.  The parameter's comment says which. */
typedef int64_t aps_nsec;

#define APS_USEC ((aps_nsec)1000)
#define APS_MSEC (1000 * APS_USEC)
#define APS_SEC (1000 * APS_MSEC)
#define APS_MINUTE (60 * APS_SEC)
#define APS_HOUR (60 * APS_MINUTE)
#define APS_DAY (24 * APS_HOUR)

/* Since boot, the same for every process of the machine; never steps back (CLOCK_MONOTONIC).
 * 0: there is no such clock, and nothing can be decided (TRN-13). */
aps_nsec aps_clock_monotonic(void);

/* Since 1970 UTC; an administrator or NTP may step it.  0: there is no such clock. */
aps_nsec aps_clock_wall(void);

#endif
