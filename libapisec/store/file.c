/* file.c - files that hold secrets or rules: found, read, made and replaced safely. */
#include "apisec/file.h"

#include <apr_escape.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "apisec/random.h"

enum { LINKS_MAX = 40 };

static enum aps_err fail(struct aps_diag *diag, const char *path, const char *what)
{
    int e = errno;
    enum aps_err err = e == ENOENT || e == ENOTDIR ? APS_ERR_NOT_FOUND : APS_ERR_IO;
    char text[128];
    /* The GNU form returns a text and may leave the buffer alone. */
    aps_err_explain(diag, "%s: cannot %s: %s", path, what, strerror_r(e, text, sizeof text));
    if (e == EACCES)
        aps_err_explain(diag, "%s: cannot %s: uid %lu may not; its owner or root may", path, what,
                        (unsigned long)geteuid());
    return err;
}

static enum aps_err too_long(struct aps_diag *diag, const char *path)
{
    aps_err_explain(diag, "path \"%.80s...\" is longer than %d bytes", path, APS_FILE_PATH_MAX - 1);
    return APS_ERR_RANGE;
}

enum aps_err aps_file_join(const char *folder, const char *name, char out[APS_FILE_PATH_MAX],
                           struct aps_diag *diag)
{
    const size_t n = strlen(folder), more = strlen(name);
    const size_t slash = n != 0 && folder[n - 1] == '/' ? 0 : 1;
    char path[APS_FILE_PATH_MAX];
    if (n >= sizeof path || more >= sizeof path - n - slash)
        return too_long(diag, folder);
    memcpy(path, folder, n);
    path[n] = '/';
    memcpy(path + n + slash, name, more + 1);
    memcpy(out, path, n + slash + more + 1);
    return APS_OK;
}

/* ---- folders ---- */

static bool is_trusted(uid_t uid, uid_t owner)
{
    return uid == 0 || uid == owner;
}

/* May the folder's group write in it?  Root's may; so may the caller's own primary group in the
 * caller's own folder, which is what a umask of 002 makes. */
static bool group_may_write(const struct stat *st, uid_t owner)
{
    return st->st_gid == 0 ||
           (st->st_uid == owner && owner == geteuid() && st->st_gid == getegid());
}

static enum aps_err check_folder(const char *path, const struct stat *st, uid_t owner,
                                 struct aps_diag *diag)
{
    if (!S_ISDIR(st->st_mode)) {
        aps_err_explain(diag, "%s is not a folder", path);
        return APS_ERR_UNSAFE;
    }
    if (!is_trusted(st->st_uid, owner)) {
        aps_err_explain(diag,
                        "folder %s belongs to uid %lu, who can replace what is in it: want root or "
                        "uid %lu; chown it, or move the files elsewhere",
                        path, (unsigned long)st->st_uid, (unsigned long)owner);
        return APS_ERR_UNSAFE;
    }
    if (st->st_mode & S_ISVTX)
        return APS_OK;
    if (st->st_mode & S_IWOTH) {
        aps_err_explain(diag, "folder %s is writable by everybody: chmod o-w %s", path, path);
        return APS_ERR_UNSAFE;
    }
    if ((st->st_mode & S_IWGRP) && !group_may_write(st, owner)) {
        aps_err_explain(diag, "folder %s is writable by its group (gid %lu): chmod g-w %s", path,
                        (unsigned long)st->st_gid, path);
        return APS_ERR_UNSAFE;
    }
    return APS_OK;
}

/* A walk: `done` is what was reached and checked, `rest` what is to come. */
struct walk {
    char done[APS_FILE_PATH_MAX];
    char rest[APS_FILE_PATH_MAX];
    unsigned links;
};

/* Put the target of the symlink `path` before the rest. */
static enum aps_err follow(struct walk *w, const char *path, const struct stat *st, uid_t owner,
                           struct aps_diag *diag)
{
    char target[APS_FILE_PATH_MAX], rest[APS_FILE_PATH_MAX];
    if (!is_trusted(st->st_uid, owner)) {
        aps_err_explain(diag, "symlink %s belongs to uid %lu: want root or uid %lu", path,
                        (unsigned long)st->st_uid, (unsigned long)owner);
        return APS_ERR_UNSAFE;
    }
    if (++w->links > LINKS_MAX) {
        aps_err_explain(diag, "%s: too many symlinks on the way", path);
        return APS_ERR_UNSAFE;
    }
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0)
        return fail(diag, path, "read the symlink");
    target[n] = '\0';
    if (target[0] == '/')
        memcpy(w->done, "/", 2);
    int len = snprintf(rest, sizeof rest, "%s/%s", target, w->rest);
    if (len < 0 || (size_t)len >= sizeof rest)
        return too_long(diag, path);
    memcpy(w->rest, rest, (size_t)len + 1);
    return APS_OK;
}

/* Cut the first name off w->rest; false when nothing is left. */
static bool next_name(struct walk *w, char name[APS_FILE_PATH_MAX])
{
    const char *p = w->rest;
    while (*p == '/')
        p++;
    size_t n = strcspn(p, "/");
    memcpy(name, p, n);
    name[n] = '\0';
    memmove(w->rest, p + n, strlen(p + n) + 1);
    return n != 0;
}

static enum aps_err step(struct walk *w, const char *name, uid_t owner, struct aps_diag *diag)
{
    char path[APS_FILE_PATH_MAX];
    struct stat st;
    enum aps_err err;
    if (strcmp(name, ".") == 0)
        return APS_OK;
    if (strcmp(name, "..") == 0) { /* of a path without symlinks */
        char *slash = strrchr(w->done, '/');
        slash[slash == w->done] = '\0';
        return APS_OK;
    }
    if ((err = aps_file_join(w->done, name, path, diag)) != APS_OK)
        return err;
    if (lstat(path, &st) != 0)
        return fail(diag, path, "find it");
    if (S_ISLNK(st.st_mode))
        return follow(w, path, &st, owner, diag);
    if ((err = check_folder(path, &st, owner, diag)) != APS_OK)
        return err;
    memcpy(w->done, path, strlen(path) + 1);
    return APS_OK;
}

enum aps_err aps_file_folder(const char *path, uid_t owner, char out[APS_FILE_PATH_MAX],
                             struct aps_diag *diag)
{
    struct walk w = {.done = "/"};
    char name[APS_FILE_PATH_MAX], here[APS_FILE_PATH_MAX] = "";
    struct stat st;
    enum aps_err err;

    if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
        return fail(diag, path, "find the working folder");
    int len = snprintf(w.rest, sizeof w.rest, "%s/%s", here, path);
    if (len < 0 || (size_t)len >= sizeof w.rest)
        return too_long(diag, path);
    if (stat("/", &st) != 0)
        return fail(diag, "/", "find it");
    if ((err = check_folder("/", &st, owner, diag)) != APS_OK)
        return err;
    while (next_name(&w, name))
        if ((err = step(&w, name, owner, diag)) != APS_OK)
            return err;
    memcpy(out, w.done, strlen(w.done) + 1);
    return APS_OK;
}

/* ---- files ---- */

static const char *kind(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFLNK:
        return "a symlink";
    case S_IFDIR:
        return "a folder";
    case S_IFIFO:
        return "a FIFO";
    case S_IFSOCK:
        return "a socket";
    default:
        return "a device";
    }
}

static enum aps_err check_file(const char *path, const struct stat *st,
                               const struct aps_file_want *want, struct aps_diag *diag)
{
    mode_t bad = st->st_mode & want->forbid;
    if (!S_ISREG(st->st_mode)) {
        aps_err_explain(diag, "%s is %s: want a regular file; put the file itself there", path,
                        kind(st->st_mode));
        return APS_ERR_UNSAFE;
    }
    /* None at all is a file that was replaced just now, which is as good as it was. */
    if (st->st_nlink > 1) {
        aps_err_explain(diag, "%s has %lu names (hard links): want one; replace it by a copy", path,
                        (unsigned long)st->st_nlink);
        return APS_ERR_UNSAFE;
    }
    if (!is_trusted(st->st_uid, want->owner)) {
        aps_err_explain(diag, "%s belongs to uid %lu: want root or uid %lu; chown %lu %s", path,
                        (unsigned long)st->st_uid, (unsigned long)want->owner,
                        (unsigned long)want->owner, path);
        return APS_ERR_UNSAFE;
    }
    if (bad != 0) {
        aps_err_explain(diag, "%s has mode %04o, open to group or others: chmod %o %s", path,
                        (unsigned)(st->st_mode & 07777), 0666 & ~(unsigned)want->forbid, path);
        return APS_ERR_UNSAFE;
    }
    return APS_OK;
}

enum aps_err aps_file_locate(const char *path, uid_t owner, char out[APS_FILE_PATH_MAX],
                             struct aps_diag *diag)
{
    char folder[APS_FILE_PATH_MAX], clean[APS_FILE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t n = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    enum aps_err err;

    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        aps_err_explain(diag, "%s is not the path of a file", path);
        return APS_ERR_UNSAFE;
    }
    if (n >= sizeof folder)
        return too_long(diag, path);
    memcpy(folder, n != 0 ? path : ".", n != 0 ? n : 1);
    folder[n != 0 ? n : 1] = '\0';
    if ((err = aps_file_folder(folder, owner, clean, diag)) != APS_OK)
        return err;
    return aps_file_join(clean, name, out, diag);
}

enum aps_err aps_file_find(const char *path, const struct aps_file_want *want,
                           char out[APS_FILE_PATH_MAX], struct stat *out_stat,
                           struct aps_diag *diag)
{
    char found[APS_FILE_PATH_MAX];
    struct stat st;
    enum aps_err err;

    if ((err = aps_file_locate(path, want->owner, found, diag)) != APS_OK)
        return err;
    if (lstat(found, &st) != 0)
        return fail(diag, found, "find it");
    if ((err = check_file(found, &st, want, diag)) != APS_OK)
        return err;
    memcpy(out, found, strlen(found) + 1);
    *out_stat = st;
    return APS_OK;
}

static enum aps_err read_all(int fd, const char *path, struct aps_secret *s, struct aps_diag *diag)
{
    size_t done = 0;
    while (done < s->n) {
        ssize_t n = read(fd, s->b + done, s->n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(diag, path, "read it");
        if (n == 0) {
            aps_err_explain(diag, "%s changed while it was read", path);
            return APS_ERR_IO;
        }
        done += (size_t)n;
    }
    return APS_OK;
}

enum aps_err aps_file_read(const char *path, const struct aps_file_want *want, size_t max,
                           struct aps_secret *out, struct aps_diag *diag)
{
    char found[APS_FILE_PATH_MAX];
    struct stat st;
    struct aps_secret s = {0};
    int fd = -1;
    enum aps_err err;

    if ((err = aps_file_find(path, want, found, &st, diag)) != APS_OK)
        return err;
    fd = open(found, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        err = fail(diag, found, "open it");
        goto out;
    }
    if ((err = check_file(found, &st, want, diag)) != APS_OK)
        goto out;
    if (st.st_size <= 0 || (uintmax_t)st.st_size > max) {
        aps_err_explain(diag, "%s has %lld bytes: want 1 to %zu", found, (long long)st.st_size,
                        max);
        err = APS_ERR_RANGE;
        goto out;
    }
    if ((err = aps_secret_new((size_t)st.st_size, &s)) != APS_OK)
        goto out;
    if ((err = read_all(fd, found, &s, diag)) != APS_OK)
        goto out;
    *out = s;
    s = (struct aps_secret){0};
out:
    aps_secret_wipe(&s);
    if (fd >= 0)
        (void)close(fd); /* read only: nothing to lose */
    return err;
}

/* ---- making and replacing ---- */

enum { TEMP_RANDOM = 6 };

/* The folder of `target` and the beginning ".NAME." of its temporary names. */
static bool split(const char *target, char folder[APS_FILE_PATH_MAX], char start[300])
{
    const char *slash = strrchr(target, '/');
    if (slash == NULL || strlen(target) >= APS_FILE_PATH_MAX)
        return false;
    size_t n = slash == target ? 1 : (size_t)(slash - target);
    memcpy(folder, target, n);
    folder[n] = '\0';
    int len = snprintf(start, 300, ".%s.", slash + 1);
    return len > 2 && len < 300;
}

enum aps_err aps_file_temp(const char *target, mode_t mode, gid_t gid, char out[APS_FILE_PATH_MAX],
                           int *out_fd, struct aps_diag *diag)
{
    char folder[APS_FILE_PATH_MAX], start[300], name[320], path[APS_FILE_PATH_MAX];
    char digits[2 * TEMP_RANDOM + 1];
    unsigned char r[TEMP_RANDOM];
    enum aps_err err;
    int fd = -1;

    if (!split(target, folder, start))
        return too_long(diag, target);
    if ((err = aps_random_fill(r, sizeof r)) != APS_OK)
        return err;
    (void)apr_escape_hex(digits, r, sizeof r, 0, NULL); /* it cannot fail */
    (void)snprintf(name, sizeof name, "%s%s", start, digits);
    if ((err = aps_file_join(folder, name, path, diag)) != APS_OK)
        return err;
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(diag, path, "make it");
    if (gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) != 0)
        err = fail(diag, path, "give it to the group of its folder");
    else if (fchmod(fd, mode) != 0)
        err = fail(diag, path, "set its mode");
    if (err != APS_OK) {
        (void)close(fd);    /* empty, and about to go */
        (void)unlink(path); /* else the next sweep takes it */
        return err;
    }
    memcpy(out, path, strlen(path) + 1);
    *out_fd = fd;
    return APS_OK;
}

/* So that names made or removed in it stay so. */
static enum aps_err sync_folder(const char *path, struct aps_diag *diag)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(diag, path, "open the folder");
    enum aps_err err = fsync(fd) == 0 ? APS_OK : fail(diag, path, "sync the folder");
    (void)close(fd); /* read only */
    return err;
}

enum aps_err aps_file_replace(const char *temp, int fd, const char *target, struct aps_diag *diag)
{
    char folder[APS_FILE_PATH_MAX], start[300];
    if (!split(target, folder, start))
        return too_long(diag, target);
    if (fsync(fd) != 0)
        return fail(diag, temp, "sync it");
    if (rename(temp, target) != 0)
        return fail(diag, target, "put it in place");
    return sync_folder(folder, diag);
}

void aps_file_sweep(const char *target)
{
    char folder[APS_FILE_PATH_MAX], start[300], path[APS_FILE_PATH_MAX];
    struct dirent *e;
    DIR *d;
    if (!split(target, folder, start) || (d = opendir(folder)) == NULL)
        return;
    size_t n = strlen(start);
    while ((e = readdir(d)) != NULL)
        /* A journal of a copy bears the copy's name and a suffix, so the length is not asked. */
        if (strncmp(e->d_name, start, n) == 0 &&
            strspn(e->d_name + n, "0123456789abcdef") >= 2 * TEMP_RANDOM &&
            aps_file_join(folder, e->d_name, path, NULL) == APS_OK)
            (void)unlink(path); /* what stays is found again next time */
    (void)closedir(d);
}
