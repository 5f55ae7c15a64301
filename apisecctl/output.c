/* output.c - one document, for people or as JSON. */
#include "output.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "apisec/json.h"
#include "apisec/num.h"
#include "sheet.h"

struct ctl_out {
    apr_pool_t *pool;
    apr_pool_t *row_pool; /* what the rows that are not written yet hold */
    bool is_json;
    struct aps_json json;
    apr_array_header_t *fields;   /* of struct ctl_sheet_field */
    apr_array_header_t *tables;   /* of struct ctl_sheet_table */
    struct ctl_sheet_table *open; /* the table that rows go to */
    struct aps_str *cells;        /* of the row that is open in it */
    const char *group;            /* whose fields come now */
    struct ctl_sheet sheet;       /* the text, also where it is JSON */
    const char *tail;             /* NULL: none */
    bool begun;                   /* a part of it is written */
    const struct aps_secret *secret;
};

struct ctl_out *ctl_output_new(apr_pool_t *pool, bool json)
{
    struct ctl_out *o = apr_pcalloc(pool, sizeof *o);

    o->pool = pool;
    apr_pool_create(&o->row_pool, pool);
    o->is_json = json;
    aps_json_init_pool(&o->json, pool, 0);
    o->fields = apr_array_make(pool, 16, sizeof(struct ctl_sheet_field));
    o->tables = apr_array_make(pool, 2, sizeof(struct ctl_sheet_table));
    o->sheet.text.pool = pool;
    return o;
}

void ctl_output_set_color(struct ctl_out *o, bool color)
{
    o->sheet.color = color && !o->is_json;
}

bool ctl_output_is_json(const struct ctl_out *o)
{
    return o->is_json;
}

/* ---- Building ---- */

void ctl_output_table(struct ctl_out *o, const char *name, const char *columns)
{
    struct aps_str rest = aps_str(columns);
    struct aps_str word;

    if (o->is_json) {
        if (name != NULL)
            aps_json_name(&o->json, name);
        aps_json_array(&o->json);
        return;
    }
    o->open = apr_array_push(o->tables);
    o->open->title = name;
    o->open->columns = apr_array_make(o->pool, 8, sizeof(const char *));
    o->open->rows = apr_array_make(o->pool, 16, sizeof(struct aps_str *));
    while (aps_str_next(&rest, ' ', &word))
        APR_ARRAY_PUSH(o->open->columns, const char *) = aps_str_copy(o->pool, word).p;
}

void ctl_output_block(struct ctl_out *o, const char *name, const char *title, const char *columns)
{
    ctl_output_table(o, o->is_json ? name : title, columns);
    if (!o->is_json)
        o->open->is_block = true;
}

void ctl_output_row(struct ctl_out *o)
{
    if (o->is_json) {
        aps_json_object(&o->json);
    } else if (o->open != NULL) {
        o->cells = apr_pcalloc(o->row_pool, (size_t)o->open->columns->nelts * sizeof *o->cells);
        APR_ARRAY_PUSH(o->open->rows, struct aps_str *) = o->cells;
    }
}

void ctl_output_group(struct ctl_out *o, const char *name)
{
    if (o->is_json) {
        aps_json_name(&o->json, name);
        aps_json_object(&o->json);
    }
    o->group = name;
}

void ctl_output_end(struct ctl_out *o)
{
    if (o->is_json)
        aps_json_end(&o->json);
    if (o->group != NULL)
        o->group = NULL;
    else if (o->cells != NULL)
        o->cells = NULL;
    else
        o->open = NULL;
}

/* Where a value lives that people see. */
static apr_pool_t *value_pool(const struct ctl_out *o)
{
    return o->cells != NULL ? o->row_pool : o->pool;
}

/* The line of a row's field where `text` goes, or NULL for a column that people do not see. */
static struct aps_str *place_for(struct ctl_out *o, const char *name)
{
    struct ctl_sheet_field *field;

    if (o->cells != NULL) {
        for (int i = 0; i < o->open->columns->nelts; i++)
            if (strcmp(APR_ARRAY_IDX(o->open->columns, i, const char *), name) == 0)
                return &o->cells[i];
        return NULL;
    }
    if (o->group != NULL)
        name = apr_pstrcat(o->pool, o->group, ".", name, NULL);
    field = o->fields->nelts > 0
                ? &APR_ARRAY_IDX(o->fields, o->fields->nelts - 1, struct ctl_sheet_field)
                : NULL;
    if (field == NULL || strcmp(field->label, name) != 0) {
        field = apr_array_push(o->fields);
        *field = (struct ctl_sheet_field){name, apr_array_make(o->pool, 1, sizeof(struct aps_str)),
                                          false};
    }
    return apr_array_push(field->lines);
}

static void show(struct ctl_out *o, const char *name, struct aps_str value)
{
    struct aps_str *at = place_for(o, name);

    if (at != NULL)
        *at = ctl_prose_escaped(value_pool(o), value);
}

void ctl_output_str(struct ctl_out *o, const char *name, struct aps_str value)
{
    if (value.n == 0) {
        ctl_output_null(o, name);
    } else if (o->is_json) {
        aps_json_name(&o->json, name);
        aps_json_str(&o->json, value);
    } else {
        show(o, name, value);
    }
}

void ctl_output_u64(struct ctl_out *o, const char *name, uint64_t value)
{
    if (o->is_json)
        aps_json_put_u64(&o->json, name, value);
    else
        show(o, name, aps_str(apr_psprintf(value_pool(o), "%" APR_UINT64_T_FMT, value)));
}

void ctl_output_bool(struct ctl_out *o, const char *name, bool value)
{
    if (o->is_json)
        aps_json_put_bool(&o->json, name, value);
    else
        show(o, name, aps_str(value ? "yes" : "no"));
}

void ctl_output_null(struct ctl_out *o, const char *name)
{
    if (o->is_json)
        aps_json_put_str(&o->json, name, NULL);
    else
        show(o, name, APS_STR_LIT("-"));
}

void ctl_output_time(struct ctl_out *o, const char *name, aps_nsec wall)
{
    char text[APS_NUM_TIME_MAX];

    ctl_output_str(o, name, aps_str(wall != 0 ? aps_num_print_time(wall, false, text) : NULL));
}

void ctl_output_list(struct ctl_out *o, const char *name, const struct aps_str *values, size_t n)
{
    struct ctl_prose joined = {.pool = value_pool(o)};

    if (o->is_json) {
        aps_json_name(&o->json, name);
        aps_json_array(&o->json);
        for (size_t i = 0; i < n; i++)
            aps_json_str(&o->json, values[i]);
        aps_json_end(&o->json);
        return;
    }
    if (n == 0)
        ctl_output_null(o, name);
    for (size_t i = 0; i < n; i++) {
        if (o->cells == NULL) {
            show(o, name, values[i]);
            continue;
        }
        ctl_prose_put(&joined, aps_str(i > 0 ? ", " : ""));
        ctl_prose_put(&joined, values[i]);
        if (i + 1 == n)
            show(o, name, (struct aps_str){joined.p, joined.n});
    }
}

void ctl_output_json(struct ctl_out *o, const char *name, struct aps_str value)
{
    if (value.n == 0) {
        ctl_output_null(o, name);
    } else if (o->is_json) {
        aps_json_name(&o->json, name);
        aps_json_raw(&o->json, value);
    } else {
        show(o, name, value);
    }
}

void ctl_output_secret(struct ctl_out *o, const char *name, const struct aps_secret *value)
{
    struct aps_str json;

    o->secret = value;
    if (o->is_json) {
        aps_json_put_str(&o->json, name, "");
        json = aps_json_text(&o->json);
        o->sheet.secret_at = json.n;
        while (o->sheet.secret_at > 0 &&
               json.p[--o->sheet.secret_at] != '"') /* before the closing quote */
            continue;
        return;
    }
    show(o, name, APS_STR_LIT(""));
    APR_ARRAY_IDX(o->fields, o->fields->nelts - 1, struct ctl_sheet_field).secret = true;
}

void ctl_output_text(struct ctl_out *o, const char *fmt, ...)
{
    va_list args;

    if (o->is_json)
        return;
    va_start(args, fmt);
    ctl_prose_put(&o->sheet.text, aps_str(apr_pvsprintf(o->pool, fmt, args)));
    va_end(args);
}

void ctl_output_heading(struct ctl_out *o, const char *text)
{
    if (!o->is_json)
        ctl_sheet_heading(&o->sheet, aps_str(text));
}

void ctl_output_tail(struct ctl_out *o, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    o->tail = apr_pvsprintf(o->pool, fmt, args);
    va_end(args);
}

/* ---- Rendering ---- */

enum aps_err ctl_output_render(struct ctl_out *o, struct aps_diag *diag)
{
    struct aps_str json;

    if (!o->is_json) {
        ctl_sheet_fields(&o->sheet, o->fields);
        for (int i = 0; i < o->tables->nelts; i++)
            ctl_sheet_table(&o->sheet, &APR_ARRAY_IDX(o->tables, i, struct ctl_sheet_table));
        if (o->tail != NULL)
            ctl_prose_put(&o->sheet.text, aps_str(o->tail));
        return APS_OK;
    }
    if (o->json.full) {
        aps_err_explain(diag, "the output is too large");
        return APS_ERR_NOMEM;
    }
    json = aps_json_text(&o->json);
    o->sheet.text = (struct ctl_prose){.pool = o->pool};
    ctl_prose_put(&o->sheet.text, json);
    if (json.n > 0)
        ctl_prose_put(&o->sheet.text, APS_STR_LIT("\n"));
    return APS_OK;
}

/* ---- Writing ---- */

size_t ctl_output_rows(const struct ctl_out *o, unsigned columns)
{
    size_t rows = 0;
    size_t line = 0; /* columns of it so far */
    bool code = false;

    for (size_t i = 0; i < o->sheet.text.n; i++) {
        unsigned char c = (unsigned char)o->sheet.text.p[i];

        if (c == '\n') {
            rows += 1 + (line > 0 ? (line - 1) / columns : 0);
            line = 0;
        } else if (c == '\033') {
            code = true; /* our own, of paint.h: up to an `m` */
        } else if (code) {
            code = c != 'm';
        } else if ((c & 0xc0) != 0x80) {
            line++;
        }
    }
    return rows;
}

bool ctl_output_has_begun(const struct ctl_out *o)
{
    return o->begun;
}

bool ctl_output_has_secret(const struct ctl_out *o)
{
    return o->secret != NULL;
}

/* Take `n` written bytes off the front. */
static void advance(struct iovec *iov, int n_iov, size_t n)
{
    for (int i = 0; i < n_iov; i++) {
        size_t part = n < iov[i].iov_len ? n : iov[i].iov_len;

        iov[i].iov_base = (char *)iov[i].iov_base + part;
        iov[i].iov_len -= part;
        n -= part;
    }
}

static enum aps_err write_parts(int fd, struct iovec iov[3], struct aps_diag *diag)
{
    while (iov[0].iov_len + iov[1].iov_len + iov[2].iov_len > 0) {
        ssize_t n = writev(fd, iov, 3);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            aps_err_explain(diag, "stdout cannot be written: %s", strerror(n < 0 ? errno : ENOSPC));
            return APS_ERR_IO;
        }
        advance(iov, 3, (size_t)n);
    }
    return APS_OK;
}

enum aps_err ctl_output_write(const struct ctl_out *o, int fd, struct aps_diag *diag)
{
    size_t cut = o->secret != NULL ? o->sheet.secret_at : o->sheet.text.n;
    struct iovec iov[3] = {
        {o->sheet.text.p, cut},
        {o->secret != NULL ? o->secret->b : NULL, o->secret != NULL ? o->secret->n : 0},
        {o->sheet.text.p + cut, o->sheet.text.n - cut},
    };

    return write_parts(fd, iov, diag);
}

enum aps_err ctl_output_flush(struct ctl_out *o, int fd, struct aps_diag *diag)
{
    struct iovec iov[3] = {{0}};
    struct aps_str json;
    enum aps_err err;

    o->begun = true;
    if (!o->is_json) {
        ctl_sheet_table(&o->sheet, o->open);
        iov[0] = (struct iovec){o->sheet.text.p, o->sheet.text.n};
        err = write_parts(fd, iov, diag);
        o->sheet.text.n = 0;
        o->open->rows->nelts = 0;
        apr_pool_clear(o->row_pool);
        return err;
    }
    if (o->json.full) {
        aps_err_explain(diag, "the output is too large");
        return APS_ERR_NOMEM;
    }
    json = aps_json_text(&o->json);
    iov[0] = (struct iovec){(char *)json.p, json.n - 1};
    err = write_parts(fd, iov, diag);
    aps_json_forget(&o->json, json.n - 1);
    return err;
}
