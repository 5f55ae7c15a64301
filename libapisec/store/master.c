/* master.c - the master key, from a file or from a helper that prints it. */
#include "apisec/master.h"

#include <apr_escape.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apisec/clock.h"
#include "apisec/file.h"

enum { TEXT_MAX = 2 * APS_MASTER_LEN + 1, PAUSE_MSEC = 10 };

#define HELPER_WAIT (10 * APS_SEC)

/* ---- the form: 64 hexadecimal digits, at most one newline ---- */

static enum aps_err read_text(const char *source, const unsigned char *text, size_t n,
                              struct aps_secret *out, struct aps_diag *diag)
{
    struct aps_secret key = {0};
    apr_size_t done = 0;
    bool good;
    enum aps_err err;

    if (n == TEXT_MAX && text[n - 1] == '\n')
        n--;
    if ((err = aps_secret_new(APS_MASTER_LEN, &key)) != APS_OK)
        return err;
    good = n == 2 * (size_t)APS_MASTER_LEN &&
           apr_unescape_hex(key.b, (const char *)text, (apr_ssize_t)n, 0, &done) == APR_SUCCESS &&
           done == key.n;
    if (!good) {
        aps_secret_wipe(&key);
        aps_err_explain(diag,
                        "%s does not give a master key: want 64 hexadecimal digits and at most "
                        "one newline; `openssl rand -hex 32` makes one",
                        source);
        return APS_ERR_FORMAT;
    }
    *out = key;
    return APS_OK;
}

/* ---- file: ---- */

static enum aps_err load_file(const char *source, const char *path, struct aps_secret *out,
                              struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_PRIVATE};
    struct aps_secret text = {0};
    enum aps_err err = aps_file_read(path, &want, TEXT_MAX, &text, diag);
    if (err == APS_ERR_NOT_FOUND)
        aps_err_explain(diag,
                        "%s: no master key is there: put it back, or name where it lies "
                        "(apisecctl --master-key, ApiSecMasterKey in httpd)",
                        path);
    else if (err == APS_ERR_RANGE) /* nobody's master key has that size */
        err = read_text(source, NULL, 0, out, diag);
    else if (err == APS_OK)
        err = read_text(source, text.b, text.n, out, diag);
    aps_secret_wipe(&text);
    return err;
}

/* ---- exec: ---- */

static int left_msec(aps_nsec deadline)
{
    aps_nsec left = deadline - aps_clock_monotonic();
    return left > 0 ? (int)(left / APS_MSEC) + 1 : 0;
}

/* Read until the helper closes its output.  One byte more than fits shows that it is too much. */
static bool read_output(int fd, aps_nsec deadline, unsigned char buf[TEXT_MAX + 1], size_t *out_n)
{
    size_t n = 0;
    while (n <= TEXT_MAX) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int left = left_msec(deadline);
        int rc = left > 0 ? poll(&p, 1, left) : 0;
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0)
            return false;
        ssize_t got = read(fd, buf + n, TEXT_MAX + 1 - n);
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

static enum aps_err run_helper(const char *source, const char *path, struct aps_secret *out,
                               struct aps_diag *diag)
{
    unsigned char text[TEXT_MAX + 1] = {0};
    aps_nsec deadline = aps_clock_monotonic() + HELPER_WAIT;
    enum aps_err err;
    size_t n = 0;
    int status = 0, fd = -1;
    pid_t pid = 0;

    if ((err = start_helper(path, &pid, &fd, diag)) != APS_OK)
        return err;
    bool read_it = read_output(fd, deadline, text, &n);
    bool ended = read_it && n <= TEXT_MAX && await(pid, deadline, &status);
    (void)close(fd); /* read only */
    if (!ended) {
        (void)kill(-pid, SIGKILL); /* its whole session, if it has come so far */
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
    }
    if (read_it && n > TEXT_MAX) {
        err = read_text(source, NULL, 0, out, diag);
    } else if (!ended) {
        aps_err_explain(diag, "%s did not finish within 10 s", source);
        err = APS_ERR_IO;
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        aps_err_explain(diag, "%s failed (%s %d); run it by hand to see why", source,
                        WIFEXITED(status) ? "exit code" : "signal",
                        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        err = APS_ERR_FAILED;
    } else {
        err = read_text(source, text, n, out, diag);
    }
    aps_secret_cleanse(text, sizeof text);
    return err;
}

static enum aps_err load_exec(const char *source, const char *path, struct aps_secret *out,
                              struct aps_diag *diag)
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
    return run_helper(source, found, out, diag);
}

/* ---- both ---- */

enum aps_err aps_master_check_source(const char *source, struct aps_diag *diag)
{
    if ((strncmp(source, "file:/", 6) == 0 || strncmp(source, "exec:/", 6) == 0) &&
        source[6] != '\0')
        return APS_OK;
    /* The value is not repeated: it may be a key that somebody put where a path belongs. */
    aps_err_explain(diag, "the source of a master key: want file:/ABSOLUTE/PATH or "
                          "exec:/ABSOLUTE/PATH; a key itself is never taken from here");
    return APS_ERR_FORMAT;
}

enum aps_err aps_master_load(const char *source, struct aps_secret *out, struct aps_diag *diag)
{
    enum aps_err err = aps_master_check_source(source, diag);
    if (err != APS_OK)
        return err;
    return source[0] == 'f' ? load_file(source, source + 5, out, diag)
                            : load_exec(source, source + 5, out, diag);
}
