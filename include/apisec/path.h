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

/* What may be read all the same, each in one way only, so that one path comes out of it.  What is
 * kept stays a part of its segment; see aps_path_other. */
enum aps_path_relax {
    APS_PATH_MERGE = 1 << 0,   /* several slashes are one */
    APS_PATH_RESOLVE = 1 << 1, /* dot segments are resolved (RFC 3986 5.2.4), none above the root */
    APS_PATH_BACKSLASH = 1 << 2, /* `\`, raw or encoded, is a slash */
    APS_PATH_CUT = 1 << 3,       /* a segment ends before its first `;`, raw or encoded */
    APS_PATH_PARAMS = 1 << 4,    /* a raw `;` is kept */
    APS_PATH_SPLIT = 1 << 5,     /* an encoded slash is a slash */
    APS_PATH_KEEP = 1 << 6,      /* an encoded slash is kept, as "%2F" in what comes out */
    APS_PATH_HASH = 1 << 7,      /* an encoded `#` is kept */
    APS_PATH_QUESTION = 1 << 8,  /* an encoded `?` is kept */
};

/* As aps_path_read, where `allow` are bits of enum aps_path_relax; CUT and PARAMS, and SPLIT and
 * KEEP, exclude each other.  *out_used are those without which the path is ambiguous. */
bool aps_path_relaxed(struct aps_str raw, unsigned allow, char *buf, struct aps_str *out,
                      unsigned *out_used, const char **out_fault);

/* How a reader behind us could take a path with something kept: parameters cut, "%2F" as a slash,
 * slashes merged.  `path` came out of aps_path_relaxed; `buf` has room for path.n bytes. */
struct aps_str aps_path_other(struct aps_str path, char *buf);

/* Write a path that came out of a reader, such that it is read as itself again: encoded once, but
 * for a "%2F" that was kept.  `buf` has room for 3 * path.n bytes. */
struct aps_str aps_path_print(struct aps_str path, char *buf);

#endif
