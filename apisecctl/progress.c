/* progress.c - how far long work has come, on stderr. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "terminal.h"

#define INTERVAL (250 * APS_MSEC)
#define CLEAR "\r\033[K"

void ctl_progress_begin(struct ctl_progress *p, const char *what, uint64_t total)
{
    *p = (struct ctl_progress){.what = what, .total = total};
    p->watched = ctl_terminal_is_smart(STDERR_FILENO);
    if (p->watched)
        p->began_at = p->shown_at = aps_clock_monotonic();
}

static void show(struct ctl_progress *p, aps_nsec now)
{
    double seconds = (double)(now - p->began_at) / (double)APS_SEC;
    double rate = (double)p->done / seconds;

    fprintf(stderr, CLEAR "%s: %" PRIu64, p->what, p->done);
    if (p->total > 0)
        fprintf(stderr, " of %" PRIu64, p->total);
    fprintf(stderr, ", %.0f/s", rate);
    fflush(stderr);
    p->shown_at = now;
    p->shown = true;
}

void ctl_progress_step(struct ctl_progress *p, uint64_t n)
{
    aps_nsec now;

    p->done += n;
    if (!p->watched)
        return;
    now = aps_clock_monotonic();
    if (now - p->shown_at >= INTERVAL)
        show(p, now);
}

void ctl_progress_end(struct ctl_progress *p)
{
    if (p->shown)
        fputs(CLEAR, stderr);
    p->shown = false;
    p->watched = false;
}
