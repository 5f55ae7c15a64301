/* sheet.c - fields, tables and lists, in columns. */
#include "sheet.h"

#include <apr_strings.h>
#include <string.h>

#include "paint.h"

#define GAP 2 /* spaces between two columns */

static void put_painted(struct ctl_sheet *sheet, enum ctl_paint paint, struct aps_str text)
{
    if (!sheet->color)
        paint = CTL_PAINT_NONE;
    ctl_prose_put(&sheet->text, aps_str(ctl_paint_begin(paint)));
    ctl_prose_put(&sheet->text, text);
    ctl_prose_put(&sheet->text, aps_str(ctl_paint_end(paint)));
}

void ctl_sheet_heading(struct ctl_sheet *sheet, struct aps_str text)
{
    put_painted(sheet, CTL_PAINT_HEADING, text);
}

void ctl_sheet_fields(struct ctl_sheet *sheet, const apr_array_header_t *fields)
{
    size_t widest = 0;

    for (int i = 0; i < fields->nelts; i++) {
        size_t n = strlen(APR_ARRAY_IDX(fields, i, struct ctl_sheet_field).label);

        widest = n > widest ? n : widest;
    }
    for (int i = 0; i < fields->nelts; i++) {
        const struct ctl_sheet_field *field = &APR_ARRAY_IDX(fields, i, struct ctl_sheet_field);

        for (int k = 0; k < field->lines->nelts; k++) {
            struct aps_str label = aps_str(k == 0 ? field->label : "");
            struct aps_str line;

            put_painted(sheet, label.n > 0 ? CTL_PAINT_HEADING : CTL_PAINT_NONE, label);
            ctl_prose_spaces(&sheet->text, widest - label.n + GAP);
            if (field->secret)
                sheet->secret_at = sheet->text.n;
            line = APR_ARRAY_IDX(field->lines, k, struct aps_str);
            put_painted(sheet, ctl_paint_of(field->label, line), line);
            ctl_prose_put(&sheet->text, APS_STR_LIT("\n"));
        }
    }
}

static struct aps_str upper(apr_pool_t *pool, const char *name)
{
    char *p = apr_pstrdup(pool, name);

    for (size_t i = 0; p[i] != '\0'; i++)
        if (p[i] >= 'a' && p[i] <= 'z')
            p[i] = (char)(p[i] - 'a' + 'A');
    return aps_str(p);
}

/* `cells` NULL: the heads of the columns. */
static void render_line(struct ctl_sheet *sheet, const struct ctl_sheet_table *table,
                        const struct aps_str *cells)
{
    int n = table->columns->nelts;

    for (int i = 0; i < n; i++) {
        const char *column = APR_ARRAY_IDX(table->columns, i, const char *);
        struct aps_str cell = cells != NULL ? cells[i] : upper(sheet->text.pool, column);
        size_t w = ctl_prose_width(cell);

        put_painted(sheet, cells != NULL ? ctl_paint_of(column, cell) : CTL_PAINT_HEADING, cell);
        if (i + 1 < n)
            ctl_prose_spaces(&sheet->text, (w < table->widths[i] ? table->widths[i] - w : 0) + GAP);
    }
    ctl_prose_put(&sheet->text, APS_STR_LIT("\n"));
}

static void render_title(struct ctl_sheet *sheet, const char *title)
{
    if (sheet->text.n > 0)
        ctl_prose_put(&sheet->text, APS_STR_LIT("\n"));
    ctl_sheet_heading(sheet, aps_str(title));
    ctl_prose_put(&sheet->text, APS_STR_LIT(":\n"));
}

/* The head of the table, with columns as wide as its rows so far need. */
static void render_head(struct ctl_sheet *sheet, struct ctl_sheet_table *table)
{
    int n = table->columns->nelts;

    table->widths = apr_pcalloc(sheet->text.pool, (size_t)n * sizeof *table->widths);
    for (int i = 0; i < n; i++) {
        table->widths[i] = ctl_prose_width(aps_str(APR_ARRAY_IDX(table->columns, i, const char *)));
        for (int row = 0; row < table->rows->nelts; row++) {
            size_t w = ctl_prose_width(APR_ARRAY_IDX(table->rows, row, struct aps_str *)[i]);

            table->widths[i] = w > table->widths[i] ? w : table->widths[i];
        }
    }
    if (table->title != NULL)
        render_title(sheet, table->title);
    render_line(sheet, table, NULL);
}

static void render_rows(struct ctl_sheet *sheet, struct ctl_sheet_table *table)
{
    int n = table->columns->nelts;

    for (int row = 0; row < table->rows->nelts; row++)
        for (int i = 0; i < n; i++) {
            struct aps_str *cell = &APR_ARRAY_IDX(table->rows, row, struct aps_str *)[i];

            if (cell->n == 0)
                *cell = APS_STR_LIT("-");
        }
    if (table->widths == NULL)
        render_head(sheet, table);
    for (int row = 0; row < table->rows->nelts; row++)
        render_line(sheet, table, APR_ARRAY_IDX(table->rows, row, struct aps_str *));
}

static void render_block(struct ctl_sheet *sheet, const struct ctl_sheet_table *table)
{
    if (table->rows->nelts == 0)
        return;
    render_title(sheet, table->title);
    for (int row = 0; row < table->rows->nelts; row++) {
        const struct aps_str *cells = APR_ARRAY_IDX(table->rows, row, struct aps_str *);

        for (int i = 0; i < table->columns->nelts; i++) {
            if (cells[i].n == 0 || aps_str_eq(cells[i], APS_STR_LIT("-")))
                continue;
            ctl_prose_spaces(&sheet->text, i == 0 ? GAP : 3 * GAP);
            ctl_prose_put(&sheet->text, cells[i]);
            ctl_prose_put(&sheet->text, APS_STR_LIT("\n"));
        }
    }
}

void ctl_sheet_table(struct ctl_sheet *sheet, struct ctl_sheet_table *table)
{
    if (table->is_block)
        render_block(sheet, table);
    else
        render_rows(sheet, table);
}
