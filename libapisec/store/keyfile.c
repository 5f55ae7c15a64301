/* keyfile.c - a master key written into its file. */
#include <apr_escape.h>
#include <errno.h>

#include "apisec/master.h"
#include "own.h"

static enum aps_err fault(struct aps_diag *diag, const char *path, const char *what)
{
    char text[128];
    aps_err_explain(diag, "%s: cannot %s: %s", path, what, strerror_r(errno, text, sizeof text));
    return APS_ERR_IO;
}

enum aps_err aps_keyfile_write(const char *path, const uint8_t *key, struct aps_diag *diag)
{
    char text[2 * APS_MASTER_LEN + 1], temp[APS_FILE_PATH_MAX];
    int fd = -1;
    enum aps_err err;

    aps_file_sweep(path);
    (void)apr_escape_hex(text, key, APS_MASTER_LEN, 0, NULL); /* it cannot fail */
    text[2 * APS_MASTER_LEN] = '\n';
    if ((err = aps_file_temp(path, 0600, (gid_t)-1, temp, &fd, diag)) == APS_OK) {
        ssize_t n = write(fd, text, sizeof text);
        if (n == (ssize_t)sizeof text) {
            err = aps_file_replace(temp, fd, path, diag);
        } else {
            errno = n < 0 ? errno : ENOSPC;
            err = fault(diag, temp, "write it");
        }
        if (err != APS_OK)
            (void)unlink(temp); /* else the next run takes it */
        (void)close(fd);        /* synced, or gone */
    }
    aps_secret_cleanse(text, sizeof text);
    return err;
}
