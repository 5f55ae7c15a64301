/* pager.c - a program that shows long text screen by screen. */
#include "pager.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_PROGRAM 127 /* what a shell says, too */

/* In the child, with the pipe as stdin.  less asks for no file of a home that may not be there. */
static void run(const char *command)
{
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGQUIT, SIG_DFL);
    if (setenv("LESSSECURE", "1", 1) != 0 || setenv("LESSHISTFILE", "-", 1) != 0)
        _exit(NO_PROGRAM);
    if (command != NULL)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    else
        execlp("less", "less", "-FRX", (char *)NULL);
    _exit(NO_PROGRAM);
}

static bool start(struct ctl_pager *pager, const char *command, const int ends[2])
{
    /* An interrupt is for the pager; this process only waits for it. */
    pager->on_interrupt = signal(SIGINT, SIG_IGN);
    pager->on_quit = signal(SIGQUIT, SIG_IGN);
    pager->pid = fork();
    if (pager->pid == 0) {
        if (dup2(ends[0], STDIN_FILENO) < 0)
            _exit(NO_PROGRAM);
        (void)close(ends[0]);
        (void)close(ends[1]);
        run(command);
    }
    (void)close(ends[0]);
    pager->fd = ends[1];
    return pager->pid > 0;
}

bool ctl_pager_open(struct ctl_pager *pager, bool by_sudo)
{
    const char *command = by_sudo ? NULL : getenv("PAGER");
    int ends[2];

    if (command != NULL && (command[0] == '\0' || strcmp(command, "cat") == 0))
        return false;
    if (pipe(ends) != 0)
        return false;
    if (start(pager, command, ends))
        return true;
    (void)ctl_pager_close(pager);
    return false;
}

bool ctl_pager_close(struct ctl_pager *pager)
{
    pid_t ended = -1;
    int status = 0;

    (void)close(pager->fd);
    while (pager->pid > 0 && (ended = waitpid(pager->pid, &status, 0)) < 0 && errno == EINTR)
        continue;
    (void)signal(SIGINT, pager->on_interrupt);
    (void)signal(SIGQUIT, pager->on_quit);
    return ended == pager->pid && !(WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM);
}
