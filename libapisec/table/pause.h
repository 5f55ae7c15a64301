/* pause.h - places where a test stops a process: between every two steps on shared memory.
 *
 * Compiled in with -DAPS_PAUSE only (configure --enable-pause-points, multi_table). */
#ifndef APISEC_TABLE_PAUSE_H
#define APISEC_TABLE_PAUSE_H

/* Called at each place with its number, if not NULL. */
extern void (*aps_pause_hook)(unsigned point);

#ifdef APS_PAUSE
#define APS_PAUSE_POINT(n)                                                                         \
    do {                                                                                           \
        if (aps_pause_hook != NULL)                                                                \
            aps_pause_hook(n);                                                                     \
    } while (0)
#else
#define APS_PAUSE_POINT(n) ((void)0)
#endif

#endif
