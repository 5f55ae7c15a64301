/* program.c - a program that is run without a shell: started, read, waited for, ended. */
#include "apisec/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAUSE_MSEC = 10 };

static int left_msec(aps_nsec deadline)
{
    aps_nsec left = deadline - aps_clock_monotonic();
    return left > 0 ? (int)(left / APS_MSEC) + 1 : 0;
}

/* Read until it closes its output.  One byte more than fits shows that it is too much. */
static bool read_output(int fd, aps_nsec deadline, char *buf, size_t room, size_t *out_n)
{
    size_t n = 0;
    while (n < room) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int left = left_msec(deadline);
        int rc = left > 0 ? poll(&p, 1, left) : 0;
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0)
            return false;
        ssize_t got = read(fd, buf + n, room - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            *out_n = n;
            return got == 0;
        }
        n += (size_t)got;
    }
    *out_n = n;
    return true;
}

/* Its exit status by the deadline; false if it is still running then or cannot be waited for. */
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

/* A session of its own, so that all of it can be ended. */
static int spawn(const struct aps_program *p, int out, pid_t *out_pid)
{
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
        (!p->silent ||
         (rc = posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0)) == 0) &&
        (rc = posix_spawn_file_actions_addclosefrom_np(&files, 3)) == 0 &&
        (rc = posix_spawnattr_setsigmask(&how, &none)) == 0 &&
        (rc = posix_spawnattr_setsigdefault(&how, &pipe_signal)) == 0 &&
        (rc = posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                 POSIX_SPAWN_SETSIGDEF)) == 0)
        rc = posix_spawn(out_pid, p->argv[0], &files, &how, (char *const *)(uintptr_t)p->argv,
                         (char *const *)(uintptr_t)p->envp);
    (void)posix_spawnattr_destroy(&how);            /* never fails */
    (void)posix_spawn_file_actions_destroy(&files); /* never fails */
    return rc;
}

static enum aps_err start(const struct aps_program *p, pid_t *out_pid, int *out_fd,
                          struct aps_diag *diag)
{
    const char *path = p->argv[0];
    char text[128];
    int fds[2], rc;
    if (pipe2(fds, O_CLOEXEC) != 0) {
        aps_err_explain(diag, "%s cannot be started: no pipe", path);
        return APS_ERR_IO;
    }
    rc = spawn(p, fds[1], out_pid);
    (void)close(fds[1]); /* the program's end */
    if (rc != 0) {
        (void)close(fds[0]); /* nothing came out of it */
        aps_err_explain(diag, "%s cannot be started: %s", path, strerror_r(rc, text, sizeof text));
        return APS_ERR_IO;
    }
    *out_fd = fds[0];
    return APS_OK;
}

enum aps_err aps_program_run(const struct aps_program *p, void *buf, size_t max, size_t *out_n,
                             enum aps_program_end *out_end, int *out_status, struct aps_diag *diag)
{
    const aps_nsec deadline = aps_clock_monotonic() + p->wait;
    bool read_it, ended;
    size_t n = 0;
    int status = 0, fd = -1;
    pid_t pid = 0;
    enum aps_err err = start(p, &pid, &fd, diag);

    if (err != APS_OK)
        return err;
    read_it = read_output(fd, deadline, buf, max + 1, &n);
    ended = read_it && n <= max && await(pid, deadline, &status);
    (void)close(fd); /* read only */
    if (!ended) {
        (void)kill(-pid, SIGKILL); /* its whole session, if it has come so far */
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
    }
    *out_n = n <= max ? n : max;
    *out_status = status;
    *out_end = ended ? APS_PROGRAM_ENDED : read_it && n > max ? APS_PROGRAM_LONG : APS_PROGRAM_LATE;
    return APS_OK;
}
