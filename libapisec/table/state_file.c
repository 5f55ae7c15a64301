/* state_file.c - a state file: made, used again, replaced; never changed where it does not fit. */
#include "state_file.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory_carry.h"
#include "lastuse_carry.h"
#include "layout.h"

/* Another server may make or replace the file while this one looks at it. */
#define OPEN_TRIES 8

enum aps_err aps_state_file_fail(const char *path, const char *what, struct aps_diag *diag)
{
    aps_err_explain(diag, "state file %s: %s: %s", path, what, strerror(errno));
    return APS_ERR_IO;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd); /* nothing was written that could still fail */
}

/* Others who may write the folder could put a file of theirs in our way. */
static enum aps_err check_folder(apr_pool_t *pool, const char *path, struct aps_diag *diag)
{
    const char *slash = strrchr(path, '/');
    const char *folder = ".";
    struct stat st;

    if (slash != NULL)
        folder = slash == path ? "/" : apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
    if (stat(folder, &st) != 0) {
        aps_err_explain(diag, "state file %s: the folder %s cannot be used: %s", path, folder,
                        strerror(errno));
        return APS_ERR_IO;
    }
    if (!S_ISDIR(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
        ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (st.st_mode & S_ISVTX) == 0)) {
        aps_err_explain(diag,
                        "state file %s: the folder %s must belong to root or to the account that "
                        "starts the server, and nobody else may write it",
                        path, folder);
        return APS_ERR_UNSAFE;
    }
    return APS_OK;
}

static enum aps_err check_file(const char *path, const struct stat *st, struct aps_diag *diag)
{
    const char *wrong = NULL;

    if (!S_ISREG(st->st_mode))
        wrong = "it is not a regular file";
    else if (st->st_uid != geteuid())
        wrong = "it belongs to another account than the one that starts the server";
    else if ((st->st_mode & 07777) != 0600)
        wrong = "its mode is not 0600";
    else if (st->st_nlink != 1)
        wrong = "it has a second name";
    if (wrong == NULL)
        return APS_OK;
    aps_err_explain(diag, "state file %s: %s; remove it or name another path", path, wrong);
    return APS_ERR_UNSAFE;
}

enum aps_err aps_state_file_check(apr_pool_t *pool, const char *path, struct aps_diag *diag)
{
    struct stat st;
    enum aps_err err = check_folder(pool, path, diag);
    if (err != APS_OK || lstat(path, &st) != 0)
        return err;
    return check_file(path, &st, diag);
}

/* Every byte gets its place on disk: a full disk is an error now, not a signal in a child. */
static enum aps_err reserve(const char *path, int fd, uint64_t bytes, struct aps_diag *diag)
{
    int failure = posix_fallocate(fd, 0, (off_t)bytes);

    if (failure == 0)
        return APS_OK;
    aps_err_explain(diag, "state file %s: %llu bytes cannot be reserved: %s", path,
                    (unsigned long long)bytes, strerror(failure));
    return APS_ERR_IO;
}

/* The file that a new one takes the place of; all that goes on is checked. */
struct old {
    int fd;
    uint64_t bytes;
    struct layout_head head;
};

static bool is_sound(const struct old *old)
{
    return old != NULL && aps_layout_is_sound(&old->head, old->bytes);
}

/* What last uses go by in the new file: those of the old one go on if it has any. */
static bool takes_over_uses(const struct aps_state_file *want, const struct old *old,
                            struct layout_head *head)
{
    head->use_since = want->wall / APS_SEC;
    if (!is_sound(old) || old->head.uses == 0 || want->uses == 0)
        return false;
    memcpy(head->use_key, old->head.use_key, sizeof head->use_key);
    head->use_since = old->head.use_since;
    head->use_displaced = old->head.use_displaced;
    return true;
}

/* Fill a new file that nobody else sees yet. */
static enum aps_err fill(const struct aps_state_file *want, int fd, const struct old *old,
                         struct aps_diag *diag)
{
    struct layout_head head = aps_layout_head(want->cells, want->uses);
    enum aps_err err;
    bool carry;

    head.metrics = aps_layout_metrics();
    head.created = want->wall;
    head.starts = old != NULL ? old->head.starts : 0;
    aps_layout_boot_id(head.boot_id);
    if (apr_generate_random_bytes(head.hash_key, sizeof head.hash_key) != APR_SUCCESS ||
        apr_generate_random_bytes(head.use_key, sizeof head.use_key) != APR_SUCCESS) {
        aps_err_explain(diag, "state file %s: no random numbers", want->path);
        return APS_ERR_FAILED;
    }
    if ((err = reserve(want->path, fd, head.file_bytes, diag)) != APS_OK)
        return err;
    carry = takes_over_uses(want, old, &head);
    if (fchmod(fd, 0600) != 0 ||
        (carry && !aps_lastuse_carry(old->fd, &old->head, fd, &head, want->wall)) ||
        (is_sound(old) && !aps_directory_carry(old->fd, &old->head, fd, &head)) ||
        pwrite(fd, &head, sizeof head, 0) != (ssize_t)sizeof head || fsync(fd) != 0)
        return aps_state_file_fail(want->path, "cannot be written", diag);
    return APS_OK;
}

/* Give the new file its name; with `replace` in the place of the old one, whose mappings live on.
 * Where something else has the name by now, *out_lost is set. */
static enum aps_err install(const char *path, const char *temp, bool replace, bool *out_lost,
                            struct aps_diag *diag)
{
    *out_lost = false;
    if (!replace) {
        if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
            return APS_OK;
        if (errno == EEXIST) {
            *out_lost = true;
            return APS_OK;
        }
        if (errno != EINVAL && errno != ENOSYS)
            return aps_state_file_fail(path, "cannot be named", diag);
        /* A file system without this flag. */
    }
    return rename(temp, path) == 0 ? APS_OK : aps_state_file_fail(path, "cannot be named", diag);
}

/* Make a file beside the path and move it there, in the place of `old` if that is not NULL.
 * *out_fd is -1 if another server was faster. */
static enum aps_err make(const struct aps_state_file *want, const struct old *old, int *out_fd,
                         struct aps_diag *diag)
{
    const char *temp = apr_psprintf(want->pool, "%s.new-%ld", want->path, (long)getpid());
    enum aps_err err;
    bool lost = true;
    int fd;

    (void)unlink(temp); /* what a server with the same number left when it was killed */
    if ((fd = open(temp, O_RDWR | O_CREAT | O_EXCL | APS_STATE_FILE_FLAGS, 0600)) < 0)
        return aps_state_file_fail(want->path, "cannot be made", diag);
    if ((err = fill(want, fd, old, diag)) == APS_OK)
        err = install(want->path, temp, old != NULL, &lost, diag);
    if (err == APS_OK)
        *out_fd = lost ? -1 : fd;
    if (lost) {
        (void)unlink(temp); /* else the next start takes it */
        close_fd(fd);
    }
    return err;
}

/* Without the magic it may be anybody's file: it keeps its content under another name. */
static enum aps_err set_aside(const struct aps_state_file *want, struct aps_diag *diag)
{
    const char *aside = apr_pstrcat(want->pool, want->path, ".bad", NULL);

    return rename(want->path, aside) == 0
               ? APS_OK
               : aps_state_file_fail(want->path, "cannot be renamed", diag);
}

/* A file that is there and open as *fd: used, or replaced by another one, which *fd is then.  What
 * does not fit any more is closed. */
static enum aps_err use(const struct aps_state_file *want, int *fd,
                        enum aps_state_origin *out_origin, struct aps_diag *diag)
{
    struct old old = {.fd = *fd};
    enum aps_err err;
    struct stat st;
    int fresh = -1;

    if (fstat(*fd, &st) != 0)
        return aps_state_file_fail(want->path, "cannot be examined", diag);
    if ((err = check_file(want->path, &st, diag)) != APS_OK)
        return err;
    *out_origin = APS_STATE_REPLACED;
    old.bytes = (uint64_t)st.st_size;
    if (!aps_layout_read_at(*fd, &old.head, sizeof old.head, 0) ||
        !aps_layout_has_magic(&old.head)) {
        if ((err = set_aside(want, diag)) == APS_OK)
            err = make(want, NULL, &fresh, diag);
    } else if (!aps_layout_fits(&old.head, want->cells, want->uses) ||
               old.bytes != old.head.file_bytes) {
        err = make(want, &old, &fresh, diag);
    } else {
        *out_origin = APS_STATE_KEPT;
        return reserve(want->path, *fd, old.bytes, diag);
    }
    close_fd(*fd);
    *fd = fresh;
    return err;
}

/* One try: *out_fd is -1 where it has to be tried again. */
static enum aps_err find_or_make(const struct aps_state_file *want, int *out_fd,
                                 enum aps_state_origin *out_origin, struct aps_diag *diag)
{
    enum aps_err err;
    int fd = open(want->path, O_RDWR | APS_STATE_FILE_FLAGS);

    if (fd < 0 && errno == ENOENT) {
        *out_origin = APS_STATE_CREATED;
        return make(want, NULL, out_fd, diag);
    }
    if (fd < 0 && errno == ELOOP) {
        aps_err_explain(diag, "state file %s: it is a symbolic link", want->path);
        return APS_ERR_UNSAFE;
    }
    if (fd < 0)
        return aps_state_file_fail(want->path, "cannot be opened", diag);
    if ((err = use(want, &fd, out_origin, diag)) != APS_OK) {
        close_fd(fd);
        return err;
    }
    *out_fd = fd;
    return APS_OK;
}

enum aps_err aps_state_file_open(const struct aps_state_file *want, int *out_fd,
                                 enum aps_state_origin *out_origin, struct aps_diag *diag)
{
    enum aps_state_origin origin = APS_STATE_CREATED;
    enum aps_err err;
    int fd = -1;

    if ((err = check_folder(want->pool, want->path, diag)) != APS_OK)
        return err;
    for (unsigned tries = 0; fd < 0 && tries < OPEN_TRIES; tries++)
        if ((err = find_or_make(want, &fd, &origin, diag)) != APS_OK)
            return err;
    if (fd < 0) {
        aps_err_explain(diag, "state file %s: another server makes it again and again", want->path);
        return APS_ERR_IO;
    }
    *out_fd = fd;
    *out_origin = origin;
    return APS_OK;
}
