/* doctor_file.h - who may do what with the files of a store. */
#ifndef APISECCTL_DOCTOR_FILE_H
#define APISECCTL_DOCTOR_FILE_H

#include "doctor.h"

/* The store's folders and files, the master key's and the state file.  False: there is no store,
 * and nothing else of it can be looked at. */
bool ctl_doctor_file(struct ctl_doctor *d);

/* The first folder or file on the way to `path` that the account may not pass or read, in the
 * pool; NULL: none is found by owners and modes.  *out_mend is what lets it in. */
const char *ctl_doctor_file_barrier(apr_pool_t *pool, const char *path,
                                    const struct ctl_doctor_account *account,
                                    const char **out_mend);

#endif
