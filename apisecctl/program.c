/* program.c - a program that is run without a shell, and what it prints. */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAUSE_MSEC = 10 };

static int left_msec(aps_nsec deadline)
{
    aps_nsec left = deadline - aps_clock_monotonic();

    return left > 0 ? (int)(left / APS_MSEC) + 1 : 0;
}

/* A session of its own, so that all of it can be ended. */
static int spawn(const char *const *argv, int out, pid_t *out_pid)
{
    char *const envp[] = {
        (char *)(uintptr_t) "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                            "/sbin:/bin",
        (char *)(uintptr_t) "LC_ALL=C", NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, pipe_signal;
    int rc;

    (void)sigemptyset(&none);
    (void)sigemptyset(&pipe_signal);
    (void)sigaddset(&pipe_signal, SIGPIPE);
    if ((rc = posix_spawn_file_actions_init(&files)) != 0)
        return rc;
    if ((rc = posix_spawnattr_init(&how)) != 0) {
        (void)posix_spawn_file_actions_destroy(&files); /* never fails */
        return rc;
    }
    if ((rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
        (rc = posix_spawn_file_actions_adddup2(&files, out, 1)) == 0 &&
        (rc = posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0)) == 0 &&
        (rc = posix_spawn_file_actions_addclosefrom_np(&files, 3)) == 0 &&
        (rc = posix_spawnattr_setsigmask(&how, &none)) == 0 &&
        (rc = posix_spawnattr_setsigdefault(&how, &pipe_signal)) == 0 &&
        (rc = posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                 POSIX_SPAWN_SETSIGDEF)) == 0)
        rc = posix_spawn(out_pid, argv[0], &files, &how, (char *const *)(uintptr_t)argv, envp);
    (void)posix_spawnattr_destroy(&how);            /* never fails */
    (void)posix_spawn_file_actions_destroy(&files); /* never fails */
    return rc;
}

/* Until it closes its output.  One byte more than fits shows that it is too much. */
static bool read_output(int fd, aps_nsec deadline, char *buf, size_t max, size_t *out_n)
{
    size_t n = 0;

    while (n <= max) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int left = left_msec(deadline);
        int rc = left > 0 ? poll(&p, 1, left) : 0;
        ssize_t got;

        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0)
            return false;
        got = read(fd, buf + n, max + 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            *out_n = n;
            return got == 0;
        }
        n += (size_t)got;
    }
    return false;
}

static bool await(pid_t pid, aps_nsec deadline, int *out_status)
{
    for (;;) {
        pid_t done = waitpid(pid, out_status, WNOHANG);

        if (done == pid)
            return true;
        if ((done < 0 && errno != EINTR) || left_msec(deadline) == 0)
            return false;
        (void)poll(NULL, 0, PAUSE_MSEC); /* a pause; cut short, it is tried sooner */
    }
}

enum aps_err ctl_program_run(apr_pool_t *pool, const char *const *argv, aps_nsec wait, size_t max,
                             struct aps_str *out, int *out_status, struct aps_diag *diag)
{
    aps_nsec deadline = aps_clock_monotonic() + wait;
    char *buf = apr_palloc(pool, max + 1);
    int ends[2], rc, status = 0;
    size_t n = 0;
    pid_t pid = 0;
    bool ended;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        aps_err_explain(diag, "%s cannot be started: no pipe", argv[0]);
        return APS_ERR_IO;
    }
    rc = spawn(argv, ends[1], &pid);
    (void)close(ends[1]); /* the program's end */
    if (rc != 0) {
        (void)close(ends[0]); /* nothing came out of it */
        aps_err_explain(diag, "%s cannot be started: %s", argv[0], strerror(rc));
        return APS_ERR_IO;
    }
    ended = read_output(ends[0], deadline, buf, max, &n) && await(pid, deadline, &status);
    (void)close(ends[0]); /* read only */
    if (!ended) {
        (void)kill(-pid, SIGKILL); /* its whole session, if it has come so far */
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        aps_err_explain(diag, "%s printed too much, or did not end in time", argv[0]);
        return APS_ERR_IO;
    }
    *out = (struct aps_str){buf, n};
    *out_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    return APS_OK;
}
