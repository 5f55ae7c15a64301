/* state_file.h - the file of a state, found or made; only for table/. */
#ifndef APISEC_TABLE_STATE_FILE_H
#define APISEC_TABLE_STATE_FILE_H

#include <fcntl.h>

#include "state_carry.h"

/* How a state file is opened, by servers and by readers: no link is followed, nothing blocks. */
#define APS_STATE_FILE_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

struct aps_state_file {
    apr_pool_t *pool; /* for paths */
    const char *path;
    uint64_t cells; /* a power of two */
    uint64_t uses;  /* 0 or a power of two */
    aps_nsec wall;  /* now */
};

struct aps_state_found {
    int fd;
    enum aps_state_origin origin;
    struct aps_state_carried carried;
};

/* Open the file that is there if it has this size and version and is of this boot, with its space
 * reserved; else put a new one in its place, in which goes on what can.  out->fd is the caller's to
 * close.  Errors as aps_state_open has them. */
APS_MUST_CHECK enum aps_err aps_state_file_open(const struct aps_state_file *want,
                                                struct aps_state_found *out, struct aps_diag *diag);

/* ---- state.c */

/* A file of these sizes in memory; NULL: errno tells why.  Lives in `pool`, which unmaps it. */
struct aps_state *aps_state_map(apr_pool_t *pool, int fd, uint64_t cells, uint64_t uses);

/* ---- state_file.c */

/* What aps_state_check does. */
APS_MUST_CHECK enum aps_err aps_state_file_check(apr_pool_t *pool, const char *path,
                                                 struct aps_diag *diag);

/* APS_ERR_IO with a sentence: `what` could not be done to the file, and errno's reason. */
enum aps_err aps_state_file_fail(const char *path, const char *what, struct aps_diag *diag);

#endif
