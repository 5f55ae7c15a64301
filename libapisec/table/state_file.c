/* state_file.c - a state file: made, used again, replaced; never changed where it does not fit. */
#include "state_file.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apisec/num.h"
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

static const char *folder_of(apr_pool_t *pool, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return ".";
    return slash == path ? "/" : apr_pstrmemdup(pool, path, (apr_size_t)(slash - path));
}

/* Others who may write the folder could put a file of theirs in our way. */
static enum aps_err check_folder(apr_pool_t *pool, const char *path, struct aps_diag *diag)
{
    const char *folder = folder_of(pool, path);
    struct stat st;

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

/* Whether it was in use since the kernel was started; one that does not say which it is has been
 * started anew. */
static bool is_of_boot(const struct layout_head *head, const uint8_t boot_id[16])
{
    static const uint8_t unknown[16] = {0};

    return memcmp(boot_id, unknown, sizeof unknown) != 0 &&
           memcmp(boot_id, head->boot_id, sizeof unknown) == 0;
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

/* What is the new file's own, and what it has from the old one. */
static bool make_head(const struct aps_state_file *want, const struct old *old,
                      struct layout_head *out)
{
    struct layout_head head = aps_layout_head(want->cells, want->uses);

    head.metrics = aps_layout_metrics();
    head.created = want->wall;
    aps_layout_boot_id(head.boot_id);
    if (apr_generate_random_bytes(head.hash_key, sizeof head.hash_key) != APR_SUCCESS ||
        apr_generate_random_bytes(head.use_key, sizeof head.use_key) != APR_SUCCESS ||
        apr_generate_random_bytes((unsigned char *)&head.salt, sizeof head.salt) != APR_SUCCESS)
        return false;
    if (old != NULL)
        head.starts = old->head.starts;
    if (is_sound(old)) {
        memcpy(head.hash_key, old->head.hash_key, sizeof head.hash_key);
        if (is_of_boot(&old->head, head.boot_id))
            head.salt = old->head.salt;
    }
    head.check = aps_layout_check(&head);
    *out = head;
    return true;
}

/* What was counted goes on in the new file, whose head is written. */
static bool carry(const struct aps_state_file *want, int fd, const struct layout_head *head,
                  const struct old *old, struct aps_state_carried *out)
{
    struct aps_table_now now = {aps_clock_monotonic(), want->wall};
    struct aps_state *from = NULL, *to = NULL;
    apr_pool_t *pool = NULL;
    bool done = false;

    if (apr_pool_create(&pool, want->pool) != APR_SUCCESS)
        return false;
    if ((from = aps_state_map(pool, old->fd, old->head.cells, old->head.uses)) != NULL &&
        (to = aps_state_map(pool, fd, head->cells, head->uses)) != NULL) {
        aps_state_carry(from, to, is_of_boot(&old->head, head->boot_id), now, out);
        done = true;
    }
    apr_pool_destroy(pool); /* both are unmapped */
    return done;
}

/* Fill a new file that nobody else sees yet. */
static enum aps_err fill(const struct aps_state_file *want, int fd, const struct old *old,
                         struct aps_state_carried *out, struct aps_diag *diag)
{
    struct layout_head head;
    enum aps_err err;
    bool uses;

    if (!make_head(want, old, &head)) {
        aps_err_explain(diag, "state file %s: no random numbers", want->path);
        return APS_ERR_FAILED;
    }
    if ((err = reserve(want->path, fd, head.file_bytes, diag)) != APS_OK)
        return err;
    uses = takes_over_uses(want, old, &head);
    if (fchmod(fd, 0600) != 0 ||
        (uses && !aps_lastuse_carry(old->fd, &old->head, fd, &head, want->wall)) ||
        (is_sound(old) && !aps_directory_carry(old->fd, &old->head, fd, &head)) ||
        pwrite(fd, &head, sizeof head, 0) != (ssize_t)sizeof head ||
        (is_sound(old) && !carry(want, fd, &head, old, out)) || fsync(fd) != 0)
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

/* The name is on disk, too: else a power failure could bring back a file of before, and with it
 * what was consumed since. */
static enum aps_err sync_folder(apr_pool_t *pool, const char *path, struct aps_diag *diag)
{
    int fd = open(folder_of(pool, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    enum aps_err err =
        done ? APS_OK : aps_state_file_fail(path, "its folder cannot be synced", diag);

    close_fd(fd);
    return err;
}

/* Whose temporary file this is: PATH.new-NUMBER; 0: it is none. */
static pid_t maker_of(const char *name, const char *base)
{
    static const char middle[] = ".new-";
    size_t n = strlen(base);
    uint64_t pid = 0;

    if (strncmp(name, base, n) != 0 || strncmp(name + n, middle, sizeof middle - 1) != 0 ||
        aps_num_parse(aps_str(name + n + sizeof middle - 1), 1, INT_MAX, &pid, NULL) != APS_OK)
        return 0;
    return (pid_t)pid;
}

/* Remove what servers left that were killed when they made a file, which may be large. */
static void sweep(apr_pool_t *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    DIR *dir = opendir(folder_of(pool, path));
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        pid_t pid = maker_of(entry->d_name, base);

        if (pid != 0 && (pid == getpid() || (kill(pid, 0) != 0 && errno == ESRCH)))
            (void)unlinkat(dirfd(dir), entry->d_name, 0); /* or the next start does it */
    }
    if (dir != NULL)
        (void)closedir(dir); /* it was only read */
}

/* Make a file beside the path and move it there, in the place of `old` if that is not NULL.
 * out->fd is -1 if another server was faster. */
static enum aps_err make(const struct aps_state_file *want, const struct old *old,
                         struct aps_state_found *out, struct aps_diag *diag)
{
    const char *temp = apr_psprintf(want->pool, "%s.new-%ld", want->path, (long)getpid());
    enum aps_err err;
    bool lost = true;
    int fd;

    sweep(want->pool, want->path);
    if ((fd = open(temp, O_RDWR | O_CREAT | O_EXCL | APS_STATE_FILE_FLAGS, 0600)) < 0)
        return aps_state_file_fail(want->path, "cannot be made", diag);
    if ((err = fill(want, fd, old, &out->carried, diag)) == APS_OK)
        err = install(want->path, temp, old != NULL, &lost, diag);
    if (err == APS_OK && !lost)
        err = sync_folder(want->pool, want->path, diag);
    if (err == APS_OK)
        out->fd = lost ? -1 : fd;
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

/* Whether a file can be used as it is: of this size and version, of this boot, and not one whose
 * content a start has begun to take over. */
static bool fits(const struct aps_state_file *want, const struct old *old)
{
    uint8_t boot_id[16];

    aps_layout_boot_id(boot_id);
    return aps_layout_fits(&old->head, want->cells, want->uses) &&
           old->bytes == old->head.file_bytes && old->head.retired == 0 &&
           is_of_boot(&old->head, boot_id);
}

static enum aps_state_origin origin_of(const struct old *old)
{
    uint8_t boot_id[16];

    aps_layout_boot_id(boot_id);
    if (!is_sound(old))
        return APS_STATE_REPLACED;
    return is_of_boot(&old->head, boot_id) ? APS_STATE_CARRIED : APS_STATE_REBOOTED;
}

/* The file that is there and open as `fd`: used, or replaced by another one.  What does not fit any
 * more is closed. */
static enum aps_err use(const struct aps_state_file *want, int fd, struct aps_state_found *out,
                        struct aps_diag *diag)
{
    struct old old = {.fd = fd};
    enum aps_err err;
    struct stat st;

    if (fstat(fd, &st) != 0)
        return aps_state_file_fail(want->path, "cannot be examined", diag);
    if ((err = check_file(want->path, &st, diag)) != APS_OK)
        return err;
    old.bytes = (uint64_t)st.st_size;
    if (!aps_layout_read_at(fd, &old.head, sizeof old.head, 0) ||
        !aps_layout_has_magic(&old.head)) {
        out->origin = APS_STATE_FOREIGN;
        if ((err = set_aside(want, diag)) == APS_OK)
            err = make(want, NULL, out, diag);
    } else if (fits(want, &old)) {
        out->origin = APS_STATE_KEPT;
        out->fd = fd;
        return reserve(want->path, fd, old.bytes, diag);
    } else {
        out->origin = origin_of(&old);
        err = make(want, &old, out, diag);
    }
    if (err == APS_OK)
        close_fd(fd);
    return err;
}

/* One try: out->fd is -1 where it has to be tried again. */
static enum aps_err find_or_make(const struct aps_state_file *want, struct aps_state_found *out,
                                 struct aps_diag *diag)
{
    enum aps_err err;
    int fd = open(want->path, O_RDWR | APS_STATE_FILE_FLAGS);

    if (fd < 0 && errno == ENOENT) {
        out->origin = APS_STATE_CREATED;
        return make(want, NULL, out, diag);
    }
    if (fd < 0 && errno == ELOOP) {
        aps_err_explain(diag, "state file %s: it is a symbolic link", want->path);
        return APS_ERR_UNSAFE;
    }
    if (fd < 0)
        return aps_state_file_fail(want->path, "cannot be opened", diag);
    if ((err = use(want, fd, out, diag)) != APS_OK)
        close_fd(fd);
    return err;
}

enum aps_err aps_state_file_open(const struct aps_state_file *want, struct aps_state_found *out,
                                 struct aps_diag *diag)
{
    struct aps_state_found found = {.fd = -1};
    enum aps_err err;

    if ((err = check_folder(want->pool, want->path, diag)) != APS_OK)
        return err;
    for (unsigned tries = 0; found.fd < 0 && tries < OPEN_TRIES; tries++)
        if ((err = find_or_make(want, &found, diag)) != APS_OK)
            return err;
    if (found.fd < 0) {
        aps_err_explain(diag, "state file %s: another server makes it again and again", want->path);
        return APS_ERR_IO;
    }
    *out = found;
    return APS_OK;
}
