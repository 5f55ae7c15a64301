/* pager.h - a program that shows long text screen by screen. */
#ifndef APISECCTL_PAGER_H
#define APISECCTL_PAGER_H

#include <apr_pools.h>
#include <stdbool.h>
#include <sys/types.h>

struct ctl_pager {
    int fd; /* what is written here is shown */
    pid_t pid;
    void (*on_interrupt)(int), (*on_quit)(int); /* what the signals did before */
};

/* Start $PAGER by a shell, or less where it is not set.  False: none is wanted, since it is empty
 * or "cat", or none can be started.  `by_sudo`: root was lent to somebody, who gets no program of
 * his own choice, and less without its ways to a shell. */
bool ctl_pager_open(struct ctl_pager *pager, bool by_sudo);

/* Wait until it has ended.  False: there was no such program, and nothing was shown. */
bool ctl_pager_close(struct ctl_pager *pager);

#endif
