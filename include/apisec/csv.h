/* csv.h - comma-separated values (RFC 4180), one record at a time.
 *
 * Strict: a quote stands only around a whole field, or twice within a quoted one; a carriage return
 * only before a line feed, or within a quoted field; NUL nowhere.  A line ends by CRLF or LF, the
 * last one also by the end of the text.  What is in the fields is the caller's to judge.
 * Threads and processes: pure functions on the caller's memory. */
#ifndef APISEC_CSV_H
#define APISEC_CSV_H

#include "apisec/err.h"
#include "apisec/str.h"

#define APS_CSV_FIELDS_MAX 32

enum aps_csv_result {
    APS_CSV_BAD, /* not CSV; the sentence says why */
    APS_CSV_RECORD,
    APS_CSV_MORE, /* the record does not end within the text, which is as it was */
    APS_CSV_END,  /* nothing is left */
};

struct aps_csv_record {
    size_t used;  /* bytes of the record with the end of its line; BAD: those before the fault */
    size_t lines; /* line feeds among them */
    size_t nfields;
    struct aps_str fields[APS_CSV_FIELDS_MAX]; /* borrowed from the text */
};

/* Read the record that `text` begins with; `last`: nothing comes after its `n` bytes.  Quoted
 * fields are unquoted where they lie.  *out is set for RECORD and BAD. */
enum aps_csv_result aps_csv_next(char *text, size_t n, bool last, struct aps_csv_record *out,
                                 struct aps_diag *diag);

#endif
