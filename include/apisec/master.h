/* master.h - the master key: where it comes from, and the file that it is kept in (SEC-08).
 *
 * It comes from any source of source.h, in one of two forms: 64 hexadecimal digits (256 bits) and
 * at most one newline, or a line that a passphrase opens (keyline.h).  The passphrase comes from a
 * source of its own, or from whoever is asked.
 * Threads: call from one thread (it may fork). */
#ifndef APISEC_MASTER_H
#define APISEC_MASTER_H

#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/stretch.h"

#define APS_MASTER_LEN 32

/* Gives the passphrase; the caller wipes *out. */
typedef enum aps_err (*aps_master_ask_fn)(void *arg, struct aps_secret *out, struct aps_diag *diag);

struct aps_master_from {
    const char *source;
    const char *passphrase; /* its source: the key has to be under one; NULL: see ask */
    aps_master_ask_fn ask;  /* called only for a key under a passphrase; NULL: there is none */
    void *ask_arg;
    const char *credentials; /* as in source.h, and so is `again` */
    bool again;
};

/* The caller wipes *out.  APS_ERR_KEY: the passphrase does not open it. */
APS_MUST_CHECK enum aps_err aps_master_load_from(const struct aps_master_from *from,
                                                 struct aps_secret *out, struct aps_diag *diag);

/* The same from a source alone, for a key under no passphrase. */
APS_MUST_CHECK enum aps_err aps_master_load(const char *source, struct aps_secret *out,
                                            struct aps_diag *diag);

/* The form of a source alone, for a configuration test. */
APS_MUST_CHECK enum aps_err aps_master_check_source(const char *source, struct aps_diag *diag);

/* A passphrase by its source: without white space at both ends. */
APS_MUST_CHECK enum aps_err aps_master_passphrase(const struct aps_master_from *from,
                                                  struct aps_secret *out, struct aps_diag *diag);

/* What a new file's key lies under. */
struct aps_master_lock {
    struct aps_str passphrase;
    struct aps_stretch how;
};

/* Write the key to the file `path` (mode 0600), in place of what is there, whole or not at all,
 * and synced; `lock` may be NULL: as 64 digits.  Opens what it has made before it writes it. */
APS_MUST_CHECK enum aps_err aps_master_write(const char *path, const struct aps_secret *key,
                                             const struct aps_master_lock *lock,
                                             struct aps_diag *diag);

#endif
