/* file.h - files that hold secrets or rules: found, read, made and replaced safely.
 *
 * A file is trusted when nobody but root and one account can change it: it is regular, has one
 * link, is no symlink, belongs to root or that account, has no mode bit that the caller forbids,
 * and every folder above it, and above every symlink on the way, belongs to root or that account
 * and is not writable by others unless sticky (SEC-09, CLI-06).  A folder's group may write where
 * it is root's group, or where the folder is the caller's own and the group its primary one.
 * Each fault is APS_ERR_UNSAFE with a sentence that names the path and what mends it.
 * Threads and processes: safe anywhere; paths are at most APS_FILE_PATH_MAX - 1 bytes. */
#ifndef APISEC_FILE_H
#define APISEC_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "apisec/err.h"
#include "apisec/secret.h"

#define APS_FILE_PATH_MAX 4096

/* Bits that a file must not have. */
#define APS_FILE_PRIVATE 077 /* nothing for group and others: 0600 */
#define APS_FILE_SHARED 027  /* group may read: 0640 */
#define APS_FILE_PUBLIC 022  /* anyone may read: 0644 */

struct aps_file_want {
    uid_t owner;   /* besides root */
    mode_t forbid; /* one of the three above */
};

/* `folder`/`name` in `out`.  APS_ERR_RANGE if it is too long. */
APS_MUST_CHECK enum aps_err aps_file_join(const char *folder, const char *name,
                                          char out[APS_FILE_PATH_MAX], struct aps_diag *diag);

/* Check the folder `path` and all above it; *out is its path without symlinks.
 * APS_ERR_NOT_FOUND, UNSAFE or IO. */
APS_MUST_CHECK enum aps_err aps_file_folder(const char *path, uid_t owner,
                                            char out[APS_FILE_PATH_MAX], struct aps_diag *diag);

/* Check the folders above `path`, which need not be there; *out is its path, without symlinks but
 * for the last name.  APS_ERR_NOT_FOUND, UNSAFE or IO. */
APS_MUST_CHECK enum aps_err aps_file_locate(const char *path, uid_t owner,
                                            char out[APS_FILE_PATH_MAX], struct aps_diag *diag);

/* Check the file `path` without opening it; `out` (its path without symlinks) and `out_stat` are
 * set.  A FIFO or device never blocks.  APS_ERR_NOT_FOUND, UNSAFE or IO. */
APS_MUST_CHECK enum aps_err aps_file_find(const char *path, const struct aps_file_want *want,
                                          char out[APS_FILE_PATH_MAX], struct stat *out_stat,
                                          struct aps_diag *diag);

/* Check and read a file of 1 to `max` bytes; the caller wipes *out.  APS_ERR_RANGE: the size. */
APS_MUST_CHECK enum aps_err aps_file_read(const char *path, const struct aps_file_want *want,
                                          size_t max, struct aps_secret *out,
                                          struct aps_diag *diag);

/* Make an empty file beside `target`, named ".NAME.RANDOM", with exactly this mode whatever the
 * umask, and group `gid` ((gid_t)-1: as it comes).  *out_fd is open for writing; the caller closes
 * it, and replaces or unlinks. */
APS_MUST_CHECK enum aps_err aps_file_temp(const char *target, mode_t mode, gid_t gid,
                                          char out[APS_FILE_PATH_MAX], int *out_fd,
                                          struct aps_diag *diag);

/* Sync `fd` (open on `temp`), rename it over `target`, sync the folder. */
APS_MUST_CHECK enum aps_err aps_file_replace(const char *temp, int fd, const char *target,
                                             struct aps_diag *diag);

/* Unlink what aps_file_temp left beside `target` in runs that were killed.  The caller makes sure
 * that no such run is under way. */
void aps_file_sweep(const char *target);

#endif
