/* master_file.c - a master key in a file: made, and followed by another. */
#include "apisec/master_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apisec/random.h"

static enum aps_err fault(struct aps_diag *diag, const char *path, const char *what)
{
    char text[128];
    aps_err_explain(diag, "%s: cannot %s: %s", path, what, strerror_r(errno, text, sizeof text));
    return APS_ERR_IO;
}

enum aps_err aps_master_file_make(const char *path, const struct aps_master_lock *lock,
                                  struct aps_secret *out, struct aps_diag *diag)
{
    struct aps_secret key = {NULL, 0};
    enum aps_err err;

    if ((err = aps_secret_new(APS_MASTER_LEN, &key)) == APS_OK &&
        (err = aps_random_fill(key.b, key.n)) == APS_OK &&
        (path == NULL || (err = aps_master_write(path, &key, lock, diag)) == APS_OK)) {
        *out = key;
        return APS_OK;
    }
    aps_secret_wipe(&key);
    return err;
}

enum aps_err aps_master_file_next(const char *path, char out[APS_FILE_PATH_MAX],
                                  struct aps_diag *diag)
{
    const char *slash = strrchr(path, '/');
    int folder = slash != NULL ? (int)(slash - path) + 1 : 0;
    int n = snprintf(out, APS_FILE_PATH_MAX, "%.*s.%s.next", folder, path, path + folder);

    if (n > 0 && n < APS_FILE_PATH_MAX)
        return APS_OK;
    aps_err_explain(diag, "%s: the path is too long", path);
    return APS_ERR_RANGE;
}

enum aps_err aps_master_file_take(const char *path, struct aps_diag *diag)
{
    char next[APS_FILE_PATH_MAX];
    enum aps_err err = aps_master_file_next(path, next, diag);
    int fd;

    if (err != APS_OK)
        return err;
    if ((fd = open(next, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        return fault(diag, next, "open it");
    err = aps_file_replace(next, fd, path, diag);
    (void)close(fd); /* read only */
    return err;
}

void aps_master_file_drop(const char *path)
{
    char next[APS_FILE_PATH_MAX];

    if (aps_master_file_next(path, next, NULL) != APS_OK)
        return;
    (void)unlink(next); /* what stays is found again by the next command */
    aps_file_sweep(next);
}
