/* helper.c - a program that prints a secret: started, read, waited for, ended. */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apisec/clock.h"
#include "apisec/file.h"

enum { PAUSE_MSEC = 10 };

#define HELPER_WAIT (10 * APS_SEC)

static int left_msec(aps_nsec deadline)
{
    aps_nsec left = deadline - aps_clock_monotonic();
    return left > 0 ? (int)(left / APS_MSEC) + 1 : 0;
}

/* Read until the helper closes its output.  One byte more than fits shows that it is too much. */
static bool read_output(int fd, aps_nsec deadline, const struct aps_secret *buf, size_t *out_n)
{
    size_t n = 0;
    while (n < buf->n) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int left = left_msec(deadline);
        int rc = left > 0 ? poll(&p, 1, left) : 0;
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0)
            return false;
        ssize_t got = read(fd, buf->b + n, buf->n - n);
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

/* Standard input empty, output the pipe, nothing else inherited but where it may complain; a
 * session of its own, so that all of it can be ended. */
static int spawn(const char *path, int out, pid_t *out_pid)
{
    char *const argv[] = {(char *)(uintptr_t)path, NULL};
    char *const envp[] = {NULL};
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
        (rc = posix_spawn_file_actions_addclosefrom_np(&files, 3)) == 0 &&
        (rc = posix_spawnattr_setsigmask(&how, &none)) == 0 &&
        (rc = posix_spawnattr_setsigdefault(&how, &pipe_signal)) == 0 &&
        (rc = posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                 POSIX_SPAWN_SETSIGDEF)) == 0)
        rc = posix_spawn(out_pid, path, &files, &how, argv, envp);
    (void)posix_spawnattr_destroy(&how);            /* never fails */
    (void)posix_spawn_file_actions_destroy(&files); /* never fails */
    return rc;
}

static enum aps_err start_helper(const char *path, pid_t *out_pid, int *out_fd,
                                 struct aps_diag *diag)
{
    char text[128];
    int fds[2], rc;
    if (pipe2(fds, O_CLOEXEC) != 0) {
        aps_err_explain(diag, "%s cannot be started: no pipe", path);
        return APS_ERR_IO;
    }
    rc = spawn(path, fds[1], out_pid);
    (void)close(fds[1]); /* the helper's end */
    if (rc != 0) {
        (void)close(fds[0]); /* nothing came out of it */
        aps_err_explain(diag, "%s cannot be started: %s", path, strerror_r(rc, text, sizeof text));
        return APS_ERR_IO;
    }
    *out_fd = fds[0];
    return APS_OK;
}

/* Its exit code, and what it printed. */
static enum aps_err judge(const char *source, int status, size_t n, size_t max,
                          struct aps_diag *diag)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        aps_err_explain(diag, "%s failed (%s %d); run it by hand to see why", source,
                        WIFEXITED(status) ? "exit code" : "signal",
                        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        return APS_ERR_FAILED;
    }
    if (n != 0)
        return APS_OK;
    aps_err_explain(diag, "%s printed nothing: want 1 to %zu bytes", source, max);
    return APS_ERR_RANGE;
}

static enum aps_err run(const char *source, const char *path, size_t max, struct aps_secret *out,
                        struct aps_diag *diag)
{
    struct aps_secret text = {0};
    aps_nsec deadline = aps_clock_monotonic() + HELPER_WAIT;
    enum aps_err err;
    size_t n = 0;
    int status = 0, fd = -1;
    pid_t pid = 0;

    if ((err = aps_secret_new(max + 1, &text)) != APS_OK)
        return err;
    if ((err = start_helper(path, &pid, &fd, diag)) != APS_OK)
        goto out;
    bool read_it = read_output(fd, deadline, &text, &n);
    bool ended = read_it && n <= max && await(pid, deadline, &status);
    (void)close(fd); /* read only */
    if (!ended) {
        (void)kill(-pid, SIGKILL); /* its whole session, if it has come so far */
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
    }
    if (read_it && n > max) {
        aps_err_explain(diag, "%s printed more than %zu bytes", source, max);
        err = APS_ERR_RANGE;
    } else if (!ended) {
        aps_err_explain(diag, "%s did not finish within 10 s", source);
        err = APS_ERR_IO;
    } else {
        err = judge(source, status, n, max, diag);
    }
    if (err == APS_OK)
        err = aps_secret_copy(text.b, n, out);
out:
    aps_secret_wipe(&text);
    return err;
}

enum aps_err aps_helper_run(const char *source, const char *path, size_t max,
                            struct aps_secret *out, struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_PUBLIC};
    char found[APS_FILE_PATH_MAX];
    struct stat st;
    enum aps_err err = aps_file_find(path, &want, found, &st, diag);
    if (err != APS_OK)
        return err;
    if (access(found, X_OK) != 0) {
        aps_err_explain(diag, "%s cannot be run: chmod u+x %s", found, found);
        return APS_ERR_UNSAFE;
    }
    return run(source, found, max, out, diag);
}
