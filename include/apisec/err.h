/* err.h - why an operation could not be done, and the sentence that explains it.
 *
 * The core never prints: it returns a code and, if the caller passes an aps_diag, fills in one
 * full sentence that names the offending value and what is accepted.
 * Threads and processes: every call is safe anywhere; an aps_diag belongs to one caller. */
#ifndef APISEC_ERR_H
#define APISEC_ERR_H

#include <stdarg.h>
#include <stddef.h>

#define APS_MUST_CHECK __attribute__((warn_unused_result))
#define APS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum aps_err {
#define E(name, exit_code, token, text) APS_ERR_##name,
#include "apisec/errors.def"
#undef E
    APS_ERR_COUNT
};

/* Success has a short name, since every caller compares with it. */
#define APS_OK APS_ERR_OK

/* One sentence for a person, without a final newline; empty when nothing was explained. */
struct aps_diag {
    char text[512];
};

/* The code's token ("not_found"); "unknown" for a value outside of the table. */
const char *aps_err_name(enum aps_err err);

/* The table's meaning of the code, for when no sentence was filled in. */
const char *aps_err_text(enum aps_err err);

/* The exit code of apisecctl: 0 to 5; 1 for a value outside of the table. */
int aps_err_exit(enum aps_err err);

/* Fill in the sentence; `diag` may be NULL.  Too long a sentence is cut.  Control characters
 * (aps_str_is_control) and bytes that are not UTF-8 become '?', since values in it may come from
 * outside and the sentence goes to logs and terminals (CLI-08).  No argument may lie in `diag`. */
void aps_err_explain(struct aps_diag *diag, const char *fmt, ...) APS_PRINTF(2, 3);

/* The sentence if there is one, else the table's meaning of `err`.  Borrowed from `diag`. */
const char *aps_err_say(enum aps_err err, const struct aps_diag *diag);

#endif
