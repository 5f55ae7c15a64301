/* path.h - the one reading of a request path that grants and sections are matched with.
 *
 * A path that two readers could read differently is refused, never repaired (NEG-01, NEG-02):
 * raw or encoded NUL and control bytes, `\`, encoded `/` and `\`, `;`, `#`, `?` encoded or raw,
 * `//`, `.` and `..` segments in any encoding, a bad `%`, what still holds `%hh` after one
 * decoding, and invalid or overlong UTF-8.  What remains is decoded once.
 * Threads and processes: pure functions. */
#ifndef APISEC_PATH_H
#define APISEC_PATH_H

#include "apisec/str.h"

/* Read `raw`, the path of a request target without its query, exactly as it was received.
 * *out is the decoded path; it borrows `raw` when there was nothing to decode, else `buf`, which
 * has room for raw.n bytes.  False: ambiguous, and *out_fault (may be NULL) is a literal that
 * names the fault for the log, such as "encoded slash". */
bool aps_path_read(struct aps_str raw, char *buf, struct aps_str *out, const char **out_fault);

#endif
