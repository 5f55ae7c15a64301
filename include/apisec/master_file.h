/* master_file.h - a master key in a file: made, and followed by another.
 *
 * A new key lies beside the old one, as ".NAME.next", until the store and all that is published
 * carry both; then it takes the name.  So the file holds a key that opens everything at every
 * moment, and who starts a server between any two steps reads one.
 * Threads and processes: the caller holds the lock of the store. */
#ifndef APISEC_MASTER_FILE_H
#define APISEC_MASTER_FILE_H

#include "apisec/file.h"
#include "apisec/master.h"

/* A fresh random key, in the file `path` (NULL: in none), as aps_master_write puts it there.  The
 * caller wipes *out. */
APS_MUST_CHECK enum aps_err aps_master_file_make(const char *path,
                                                 const struct aps_master_lock *lock,
                                                 struct aps_secret *out, struct aps_diag *diag);

/* Where the key lies that is to follow the one at `path`.  APS_ERR_RANGE. */
APS_MUST_CHECK enum aps_err aps_master_file_next(const char *path, char out[APS_FILE_PATH_MAX],
                                                 struct aps_diag *diag);

/* Let it take the name of the one before, which is gone then.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_master_file_take(const char *path, struct aps_diag *diag);

/* Remove one that never came to count.  None is fine. */
void aps_master_file_drop(const char *path);

#endif
