/* output.h - rows -> an aligned table for people, or one JSON document.
 *
 * A command builds one document: a row of fields, or a table of rows.  A row may hold tables and
 * groups of its own.  Nothing is printed before ctl_output_write, but for a table that is too long
 * to be held: ctl_output_flush writes what there is of it.  People see control, ANSI and
 * bidi characters escaped (CLI-08); JSON has them as \uXXXX. */
#ifndef APISECCTL_OUTPUT_H
#define APISECCTL_OUTPUT_H

#include <apr_pools.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/secret.h"
#include "apisec/str.h"

struct ctl_out;

/* An empty document, lives in `pool`. */
struct ctl_out *ctl_output_new(apr_pool_t *pool, bool json);
/* Headings and the words of paint.h get colours; JSON never does. */
void ctl_output_set_color(struct ctl_out *o, bool color);
bool ctl_output_is_json(const struct ctl_out *o);

/* Begin a table, the document itself (`name` NULL) or a field of the row; `columns`, separated by
 * spaces, are those that people see. */
void ctl_output_table(struct ctl_out *o, const char *name, const char *columns);
/* Begin a table, a field of the row, that people see as a list under `title`: the first column of
 * each row on a line, the others that are not empty below it. */
void ctl_output_block(struct ctl_out *o, const char *name, const char *title, const char *columns);
/* Begin a row: the document itself, or the next one of the table. */
void ctl_output_row(struct ctl_out *o);
/* Begin a group of fields within the document's row. */
void ctl_output_group(struct ctl_out *o, const char *name);
/* End what was begun last. */
void ctl_output_end(struct ctl_out *o);

/* Fields.  An empty text and a time of 0 are null. */
void ctl_output_str(struct ctl_out *o, const char *name, struct aps_str value);
void ctl_output_u64(struct ctl_out *o, const char *name, uint64_t value);
void ctl_output_bool(struct ctl_out *o, const char *name, bool value);
void ctl_output_null(struct ctl_out *o, const char *name);
void ctl_output_time(struct ctl_out *o, const char *name, aps_nsec wall);
void ctl_output_list(struct ctl_out *o, const char *name, const struct aps_str *values, size_t n);
/* JSON that the core wrote; empty is null. */
void ctl_output_json(struct ctl_out *o, const char *name, struct aps_str value);
/* A secret of characters that need no escape, in the document's row, once.  It is kept, not
 * copied, and must outlive the document. */
void ctl_output_secret(struct ctl_out *o, const char *name, const struct aps_secret *value);

/* Text for people instead of a document; nothing with JSON. */
void ctl_output_text(struct ctl_out *o, const char *fmt, ...) APS_PRINTF(2, 3);

/* The same, painted as a heading. */
void ctl_output_heading(struct ctl_out *o, const char *text);
/* The same behind everything else. */
void ctl_output_tail(struct ctl_out *o, const char *fmt, ...) APS_PRINTF(2, 3);

/* Within a table, between two rows: write to `fd` what is there, and forget it.  A command that
 * changes nothing may do so once it knows of more rows than are to be held; a fault that comes
 * later finds the document begun, and ends it unfinished.  The columns that people see stay as wide
 * as the first rows needed. */
APS_MUST_CHECK enum aps_err ctl_output_flush(struct ctl_out *o, int fd, struct aps_diag *diag);

/* Whether that was done. */
bool ctl_output_has_begun(const struct ctl_out *o);

/* Make the text: all that can fail before something is printed. */
APS_MUST_CHECK enum aps_err ctl_output_render(struct ctl_out *o, struct aps_diag *diag);

/* How many rows of a screen with so many columns the text takes. */
size_t ctl_output_rows(const struct ctl_out *o, unsigned columns);
bool ctl_output_has_secret(const struct ctl_out *o);

/* Write the text to `fd`, whole.  APS_ERR_IO says why not. */
APS_MUST_CHECK enum aps_err ctl_output_write(const struct ctl_out *o, int fd,
                                             struct aps_diag *diag);

#endif
