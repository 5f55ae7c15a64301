/* import_row.h - a line of an import file -> the fields of a key. */
#ifndef APISECCTL_IMPORT_ROW_H
#define APISECCTL_IMPORT_ROW_H

#include "apisec/clock.h"
#include "apisec/store.h"
#include "import_source.h"

/* A fault of a field. */
typedef void (*ctl_import_row_fault_fn)(void *arg, enum ctl_import_field field, enum aps_err err,
                                        const struct aps_diag *diag);

/* Read the fields of `row`; the texts are borrowed from it, what is new lives in `pool`.  Each
 * fault is told to `fault`; then false. */
bool ctl_import_row_read(const struct ctl_import_row *row, aps_nsec now, apr_pool_t *pool,
                         struct aps_key_change *out, struct aps_import_key *out_key,
                         ctl_import_row_fault_fn fault, void *arg);

#endif
