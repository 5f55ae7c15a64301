/* import_source.h - a file of keys from elsewhere, a line at a time.
 *
 * The file holds secrets: what is read of it lies in one buffer, which is wiped, and nothing that
 * is said about it shows a value that may be one. */
#ifndef APISECCTL_IMPORT_SOURCE_H
#define APISECCTL_IMPORT_SOURCE_H

#include <apr_pools.h>

#include "apisec/digest.h"
#include "apisec/err.h"
#include "apisec/str.h"

enum ctl_import_field {
#define I(id, name, kind, text) CTL_IMPORT_##id,
#include "import_fields.def"
#undef I
    CTL_IMPORT_COUNT
};

enum ctl_import_format {
    CTL_IMPORT_CSV,   /* RFC 4180; the first line names the columns */
    CTL_IMPORT_JSONL, /* an object in each line */
};

/* What a line says.  A field that is not there, or empty, has no words; one that is no list has
 * one.  Valid until the next line is read. */
struct ctl_import_row {
    uint64_t line;
    size_t nwords[CTL_IMPORT_COUNT];
    const struct aps_str *words[CTL_IMPORT_COUNT];
};

struct ctl_import_source;

const char *ctl_import_source_name(enum ctl_import_field field);
/* The names of all fields, with commas between; lives in `pool`. */
const char *ctl_import_source_names(apr_pool_t *pool);

/* The format that a file's name or `format` (NULL: none was given) tells.  APS_ERR_USAGE. */
APS_MUST_CHECK enum aps_err ctl_import_source_format(const char *path, const char *format,
                                                     enum ctl_import_format *out,
                                                     struct aps_diag *diag);

/* Open the file; "-" is stdin.  Lives in `pool`, is closed by ctl_import_source_close. */
APS_MUST_CHECK enum aps_err ctl_import_source_open(apr_pool_t *pool, const char *path,
                                                   enum ctl_import_format format,
                                                   struct ctl_import_source **out,
                                                   struct aps_diag *diag);
/* Wipes the buffer.  NULL is fine. */
void ctl_import_source_close(struct ctl_import_source *s);

/* Read the next line.  *out_end: there is none.  FORMAT: out->line cannot be read; *out_goes_on
 * tells whether those after it can. */
APS_MUST_CHECK enum aps_err ctl_import_source_next(struct ctl_import_source *s,
                                                   struct ctl_import_row *out, bool *out_end,
                                                   bool *out_goes_on, struct aps_diag *diag);

/* The SHA-256 of all that was read; once, after the end. */
APS_MUST_CHECK enum aps_err ctl_import_source_digest(struct ctl_import_source *s,
                                                     uint8_t out[APS_DIGEST_LEN]);

/* A sentence to warn the user with, where others may read the file, or NULL. */
const char *ctl_import_source_warning(const struct ctl_import_source *s);

/* Whether a value may be the text of a key that got into another column: it is not to be shown. */
bool ctl_import_source_is_shy(struct aps_str value);

#endif
