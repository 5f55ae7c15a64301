/* pubfile.h - a published file of a store, opened with suspicion: the copy, or a delta to it. */
#ifndef APISEC_STORE_PUBFILE_H
#define APISEC_STORE_PUBFILE_H

#include "own.h"

struct aps_pubfile {
    sqlite3 *db;
    struct aps_meta meta;
};

/* Open STORE/`name` and check all that snapshot.h promises of one file; `seal` is of the master key
 * of `o`.  The caller closes out->db.  APS_ERR_NOT_FOUND: it is not there, and `diag` may say more
 * than the name. */
APS_MUST_CHECK enum aps_err aps_pubfile_open(const struct aps_snapshot_options *o, const char *name,
                                             enum aps_schema_kind kind,
                                             const struct aps_seal_key *seal,
                                             struct aps_pubfile *out, struct aps_diag *diag);

/* What a file looks like from outside; all zero where there is none.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_pubfile_stamp(const char *path, struct aps_snapshot_file *out,
                                              struct aps_diag *diag);
bool aps_pubfile_same(const struct aps_snapshot_file *a, const struct aps_snapshot_file *b);

#endif
