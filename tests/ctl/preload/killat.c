/* killat.c - a process that dies, or whose disk fails, at a call of the test's choice.
 *
 * Preloaded (LD_PRELOAD) or linked into a test.  It counts the calls that change files: open with
 * O_CREAT, write and its kin, fsync, ftruncate, rename, link, unlink, mkdir, chmod and chown.
 *   KILL_AT=N      SIGKILL instead of the N-th such call, counted from 1
 *   FAIL_AT=N      the N-th call fails, nothing is done
 *   FAIL_ERRNO=E   with this errno (default 28, ENOSPC)
 *   FAIL_STICKY=1  and so do all calls after it
 *   SNAP_OF=PATH SNAP_TO=DIR  before the N-th call copy the folder PATH to DIR/N, which is what a
 *                  process that is killed there leaves behind
 *   KILL_COUNT=PATH  at exit, write the number of calls there as decimal digits
 * What stdio writes inside of libc is not seen.  killat_arm does the same for a program that has it
 * linked in. */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "killat.h"

#define EXPORT __attribute__((visibility("default")))

static atomic_long calls;
static long kill_at, fail_at;
static int fail_errno = ENOSPC;
static bool fail_sticky;
static const char *snap_of, *snap_to;

EXPORT void killat_arm(long kill_call, long fail_call, int error, int sticky)
{
    atomic_store(&calls, 0);
    kill_at = kill_call;
    fail_at = fail_call;
    fail_errno = error;
    fail_sticky = sticky;
}

EXPORT long killat_calls(void)
{
    return atomic_load(&calls);
}

static long number(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void from_environment(void)
{
    long error = number("FAIL_ERRNO");
    snap_of = getenv("SNAP_OF");
    snap_to = getenv("SNAP_TO");
    killat_arm(number("KILL_AT"), number("FAIL_AT"), error != 0 ? (int)error : ENOSPC,
               number("FAIL_STICKY") != 0);
}

__attribute__((destructor)) static void tell_count(void)
{
    const char *path = getenv("KILL_COUNT");
    long n = atomic_load(&calls);
    killat_arm(0, 0, 0, 0);
    FILE *f = path != NULL ? fopen(path, "w") : NULL;
    if (f != NULL) {
        (void)fprintf(f, "%ld\n", n);
        (void)fclose(f);
    }
}

/* What is on the disk now.  A test that misses a number finds that out. */
static void snap(long n)
{
    char to[4096];
    char *argv[] = {(char *)"cp", (char *)"-a", (char *)snap_of, to, NULL};
    char *envp[] = {(char *)"PATH=/usr/bin:/bin", NULL};
    pid_t pid = 0;
    int status;

    (void)snprintf(to, sizeof to, "%s/%ld", snap_to, n);
    if (posix_spawnp(&pid, "cp", NULL, NULL, argv, envp) == 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
}

/* Count a call; true if it is to fail. */
static bool trip(void)
{
    long n = atomic_fetch_add(&calls, 1) + 1;
    if (snap_to != NULL && snap_of != NULL)
        snap(n);
    if (n == kill_at)
        (void)raise(SIGKILL);
    if (fail_at == 0 || n < fail_at || (n > fail_at && !fail_sticky))
        return false;
    errno = fail_errno;
    return true;
}

/* The function of this name that comes after ours. */
#define NEXT(name, type, ...)                                                                      \
    static type (*next)(__VA_ARGS__);                                                              \
    if (next == NULL)                                                                              \
    next = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define MODE_OF(flags, mode)                                                                       \
    mode_t mode = 0;                                                                               \
    if (((flags)&O_CREAT) != 0 || ((flags)&O_TMPFILE) == O_TMPFILE) {                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode = va_arg(args, mode_t);                                                               \
        va_end(args);                                                                              \
    }

EXPORT int open(const char *path, int flags, ...)
{
    NEXT("open", int, const char *, int, ...);
    MODE_OF(flags, mode)
    return (flags & O_CREAT) && trip() ? -1 : next(path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    NEXT("open64", int, const char *, int, ...);
    MODE_OF(flags, mode)
    return (flags & O_CREAT) && trip() ? -1 : next(path, flags, mode);
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
    NEXT("openat", int, int, const char *, int, ...);
    MODE_OF(flags, mode)
    return (flags & O_CREAT) && trip() ? -1 : next(dir, path, flags, mode);
}

EXPORT int openat64(int dir, const char *path, int flags, ...)
{
    NEXT("openat64", int, int, const char *, int, ...);
    MODE_OF(flags, mode)
    return (flags & O_CREAT) && trip() ? -1 : next(dir, path, flags, mode);
}

EXPORT ssize_t write(int fd, const void *p, size_t n)
{
    NEXT("write", ssize_t, int, const void *, size_t);
    return trip() ? -1 : next(fd, p, n);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int n)
{
    NEXT("writev", ssize_t, int, const struct iovec *, int);
    return trip() ? -1 : next(fd, parts, n);
}

EXPORT ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    NEXT("pwrite", ssize_t, int, const void *, size_t, off_t);
    return trip() ? -1 : next(fd, p, n, at);
}

EXPORT ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    NEXT("pwrite64", ssize_t, int, const void *, size_t, off64_t);
    return trip() ? -1 : next(fd, p, n, at);
}

EXPORT int fsync(int fd)
{
    NEXT("fsync", int, int);
    return trip() ? -1 : next(fd);
}

EXPORT int fdatasync(int fd)
{
    NEXT("fdatasync", int, int);
    return trip() ? -1 : next(fd);
}

EXPORT int ftruncate(int fd, off_t n)
{
    NEXT("ftruncate", int, int, off_t);
    return trip() ? -1 : next(fd, n);
}

EXPORT int ftruncate64(int fd, off64_t n)
{
    NEXT("ftruncate64", int, int, off64_t);
    return trip() ? -1 : next(fd, n);
}

EXPORT int rename(const char *from, const char *to)
{
    NEXT("rename", int, const char *, const char *);
    return trip() ? -1 : next(from, to);
}

EXPORT int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    NEXT("renameat", int, int, const char *, int, const char *);
    return trip() ? -1 : next(from_dir, from, to_dir, to);
}

EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    NEXT("renameat2", int, int, const char *, int, const char *, unsigned);
    return trip() ? -1 : next(from_dir, from, to_dir, to, flags);
}

EXPORT int link(const char *from, const char *to)
{
    NEXT("link", int, const char *, const char *);
    return trip() ? -1 : next(from, to);
}

EXPORT int unlink(const char *path)
{
    NEXT("unlink", int, const char *);
    return trip() ? -1 : next(path);
}

EXPORT int unlinkat(int dir, const char *path, int flags)
{
    NEXT("unlinkat", int, int, const char *, int);
    return trip() ? -1 : next(dir, path, flags);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    NEXT("mkdir", int, const char *, mode_t);
    return trip() ? -1 : next(path, mode);
}

EXPORT int chmod(const char *path, mode_t mode)
{
    NEXT("chmod", int, const char *, mode_t);
    return trip() ? -1 : next(path, mode);
}

EXPORT int fchmod(int fd, mode_t mode)
{
    NEXT("fchmod", int, int, mode_t);
    return trip() ? -1 : next(fd, mode);
}

EXPORT int fchown(int fd, uid_t uid, gid_t gid)
{
    NEXT("fchown", int, int, uid_t, gid_t);
    return trip() ? -1 : next(fd, uid, gid);
}
