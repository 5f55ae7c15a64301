/* schema.h - the tables of a store; those that httpd needs are in what is published too.
 *
 * See docs/design.md, "The store", for what each column holds. */
#ifndef APISEC_STORE_SCHEMA_H
#define APISEC_STORE_SCHEMA_H

#include "db.h"

#define APS_SCHEMA_APP_ID 0x41504953 /* "APIS", in the header of both files */
#define APS_SCHEMA_VERSION 5

enum aps_schema_kind {
    APS_SCHEMA_STORE, /* store.db: all of them */
    APS_SCHEMA_COPY,  /* the copy: without the change log and the index of names */
    APS_SCHEMA_DELTA, /* the tables of a copy, and which keys are gone */
};

/* Make every table in an empty database, with application id and version. */
APS_MUST_CHECK enum aps_err aps_schema_make(sqlite3 *db, enum aps_schema_kind kind,
                                            struct aps_diag *diag);

/* The tables of version 1 -> those of version 2, in an open transaction.  Records of keys stay as
 * they are: record.h reads both forms. */
APS_MUST_CHECK enum aps_err aps_schema_to_2(sqlite3 *db, void *arg, struct aps_diag *diag);

/* Those of version 2 -> those of version 3, likewise. */
APS_MUST_CHECK enum aps_err aps_schema_to_3(sqlite3 *db, void *arg, struct aps_diag *diag);

/* Those of version 3 -> those of version 4, but for the secrets themselves: they lie in the
 * temporary table `secret_3`, as they were, for secret_upgrade.c. */
APS_MUST_CHECK enum aps_err aps_schema_to_4(sqlite3 *db, struct aps_diag *diag);

/* Those of version 4 -> those of version 5. */
APS_MUST_CHECK enum aps_err aps_schema_to_5(sqlite3 *db, void *arg, struct aps_diag *diag);

/* Is this a database of ours, and of which version?  APS_ERR_CORRUPT if it is somebody else's. */
APS_MUST_CHECK enum aps_err aps_schema_version(sqlite3 *db, int64_t *out, struct aps_diag *diag);

/* Is it of the present version, and its tables exactly ours, byte for byte?  APS_ERR_NEWER or
 * CORRUPT; an older version is CORRUPT too, and told as one. */
APS_MUST_CHECK enum aps_err aps_schema_check(sqlite3 *db, enum aps_schema_kind kind,
                                             struct aps_diag *diag);

#endif
