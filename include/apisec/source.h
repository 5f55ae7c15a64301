/* source.h - where a secret comes from that no configuration may hold (SEC-08):
 *
 *   file:/PATH       a file that nobody but its owner can read (SEC-09)
 *   fd:N             a descriptor that was open when the program started, 3 to 65535
 *   credential:NAME  a file of the folder that the service manager has made (systemd.exec(5),
 *                    LoadCredential=)
 *   exec:/PATH       what a program prints (helper.h)
 *
 * Never an environment variable, an argument or configuration text.  A value that is none of them
 * is never repeated: it may be the secret itself.
 * Threads: call from one thread (it may fork). */
#ifndef APISEC_SOURCE_H
#define APISEC_SOURCE_H

#include "apisec/err.h"
#include "apisec/secret.h"

struct aps_source {
    const char *text;
    const char *what;        /* "master key", "passphrase": for sentences */
    const char *credentials; /* $CREDENTIALS_DIRECTORY, which the core does not read; may be NULL */
    bool again;              /* the process reads it more than once: fd:N has to be a file */
};

#define APS_SOURCE_FORMS "file:/ABSOLUTE/PATH, fd:N, credential:NAME or exec:/ABSOLUTE/PATH"

/* The form alone.  APS_ERR_FORMAT. */
APS_MUST_CHECK enum aps_err aps_source_check(const char *text, const char *what,
                                             struct aps_diag *diag);

/* Whether `text` is fd:N; then no program that is started from now on inherits it. */
bool aps_source_keep_private(const char *text);

/* Read 1 to `max` bytes, as they are; the caller wipes *out.  APS_ERR_RANGE: it has none or more;
 * APS_ERR_NOT_FOUND, UNSAFE, IO, FAILED (a program's exit code). */
APS_MUST_CHECK enum aps_err aps_source_read(const struct aps_source *source, size_t max,
                                            struct aps_secret *out, struct aps_diag *diag);

#endif
