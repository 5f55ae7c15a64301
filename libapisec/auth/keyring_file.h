/* keyring_file.h - a set of keys that was fetched, as it lies in the folder; only for auth/.
 *
 *    0  "apisec keys 1\n"
 *   14  MAC, 64 hexadecimal digits, "\n"; over store, issuer, edition, time and text
 *   79  when it was fetched, wall nanoseconds in 20 digits, "\n"
 *  100  the text of the set
 *
 * Threads and processes: a reader finds the whole of an old file or of a new one. */
#ifndef APISEC_KEYRING_FILE_H
#define APISEC_KEYRING_FILE_H

#include <sys/stat.h>

#include "apisec/file.h"
#include "apisec/keyring.h"

/* Where the set of an issuer lies.  APS_ERR_RANGE. */
APS_MUST_CHECK enum aps_err aps_keyring_file_path(const struct aps_keyring_place *place,
                                                  struct aps_str issuer,
                                                  char out[APS_FILE_PATH_MAX],
                                                  struct aps_diag *diag);

/* Read and check; the text lives in `pool`.  *out_stat is of the file, also of one that is refused,
 * else zero.  APS_ERR_NOT_FOUND: there is none; APS_ERR_CORRUPT: it is none of ours, or of another
 * edition; APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_keyring_file_read(const struct aps_keyring_place *place,
                                                  const struct aps_issuer *issuer, apr_pool_t *pool,
                                                  struct stat *out_stat, struct aps_str *out_text,
                                                  aps_nsec *out_fetched, struct aps_diag *diag);

/* Put it there.  APS_ERR_IO, CRYPTO. */
APS_MUST_CHECK enum aps_err aps_keyring_file_write(const struct aps_keyring_place *place,
                                                   const struct aps_issuer *issuer,
                                                   struct aps_str text, aps_nsec fetched,
                                                   struct aps_diag *diag);

#endif
