/* scan.h - a text of any size and kind -> the pieces of it that may be keys.
 *
 * The text is read once, through one buffer that is wiped; a piece is found wherever it lies, also
 * within a word, a line without end or bytes that are no text.  The work for each byte is bounded.
 */
#ifndef APISECCTL_SCAN_H
#define APISECCTL_SCAN_H

#include <stdint.h>

#include "apisec/err.h"
#include "apisec/str.h"

struct ctl_scan_options {
    struct aps_str prefix; /* of the store's own texts */
    bool imports;          /* look for texts from elsewhere too */
};

/* Where a piece begins, both from 1; a column is a byte. */
struct ctl_scan_place {
    uint64_t line, column;
};

/* Called with each piece, which is valid during the call; any code but APS_OK ends the scan and is
 * returned. */
typedef enum aps_err (*ctl_scan_fn)(void *arg, struct aps_str piece, struct ctl_scan_place at);

/* Own texts by prefix, alphabet and checksum; others where a run of their characters begins, ends
 * or has a mark, and are 16 to 256 bytes long; of those that end within a run only the first eight
 * from each place, so that the work is bounded.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err ctl_scan(int fd, const struct ctl_scan_options *options, ctl_scan_fn fn,
                                     void *arg, struct aps_diag *diag);

#endif
