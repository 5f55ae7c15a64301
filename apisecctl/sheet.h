/* sheet.h - a document as people see it: labels with their lines, aligned tables, lists. */
#ifndef APISECCTL_SHEET_H
#define APISECCTL_SHEET_H

#include <apr_tables.h>
#include <stdbool.h>

#include "prose.h"

/* A label, and a line for each value. */
struct ctl_sheet_field {
    const char *label;
    apr_array_header_t *lines; /* of struct aps_str */
    bool secret;
};

struct ctl_sheet_table {
    const char *title;           /* NULL: the document itself */
    apr_array_header_t *columns; /* of const char * */
    apr_array_header_t *rows;    /* of struct aps_str *, a cell for each column */
    bool is_block;
    size_t *widths; /* of the columns, once a part of it was written; NULL before */
};

struct ctl_sheet {
    struct ctl_prose text; /* without the secret */
    bool color;
    size_t secret_at; /* where it stands in `text` */
};

void ctl_sheet_heading(struct ctl_sheet *sheet, struct aps_str text);
/* `fields` is of struct ctl_sheet_field. */
void ctl_sheet_fields(struct ctl_sheet *sheet, const apr_array_header_t *fields);
/* The rows that are there, below the head where it was not written yet; a block where it is one. */
void ctl_sheet_table(struct ctl_sheet *sheet, struct ctl_sheet_table *table);

#endif
