/* output.c - one document, for people or as JSON. */
#include "output.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "apisec/json.h"
#include "apisec/num.h"
#include "paint.h"

#define GAP 2 /* spaces between two columns */

/* Text that grows in a pool. */
struct text {
    apr_pool_t *pool;
    char *p;
    size_t n, cap;
};

/* A field of the document's row, as people see it: a label, and a line for each value. */
struct field {
    const char *label;
    apr_array_header_t *lines; /* of struct aps_str */
    bool secret;
};

struct table {
    const char *title;           /* NULL: the document itself */
    apr_array_header_t *columns; /* of const char * */
    apr_array_header_t *rows;    /* of struct aps_str *, a cell for each column */
    bool is_block;
    size_t *widths; /* of the columns, once a part of it was written; NULL before */
};

struct ctl_out {
    apr_pool_t *pool;
    apr_pool_t *row_pool; /* what the rows that are not written yet hold */
    bool is_json;
    bool color;
    struct aps_json json;
    apr_array_header_t *fields; /* of struct field */
    apr_array_header_t *tables; /* of struct table */
    struct table *open;         /* the table that rows go to */
    struct aps_str *cells;      /* of the row that is open in it */
    const char *group;          /* whose fields come now */
    struct text text;           /* without the secret */
    const char *tail;           /* NULL: none */
    bool begun;                 /* a part of it is written */
    const struct aps_secret *secret;
    size_t secret_at; /* where it stands in `text` */
};

static void put(struct text *t, const char *p, size_t n)
{
    if (t->cap - t->n < n) {
        size_t cap = 2 * t->cap + n + 512;
        char *grown = apr_palloc(t->pool, cap);

        if (t->n > 0)
            memcpy(grown, t->p, t->n);
        t->p = grown;
        t->cap = cap;
    }
    if (n > 0)
        memcpy(t->p + t->n, p, n);
    t->n += n;
}

static void put_str(struct text *t, struct aps_str s)
{
    put(t, s.p, s.n);
}

static void put_spaces(struct text *t, size_t n)
{
    while (n-- > 0)
        put(t, " ", 1);
}

/* Whether no character of it has to be escaped. */
static bool is_plain(struct aps_str s)
{
    uint32_t code = 0;
    size_t n;

    for (; s.n > 0; s.p += n, s.n -= n)
        if ((n = aps_str_utf8_code(s, &code)) == 0 || aps_str_is_control(code))
            return false;
    return true;
}

/* For a terminal: a control or bidi character as \u{hex}, a byte that is not UTF-8 as \xHH. */
static struct aps_str escaped(apr_pool_t *pool, struct aps_str s)
{
    struct text t = {.pool = pool};
    char code_text[16];

    if (is_plain(s))
        return aps_str_copy(pool, s);
    while (s.n > 0) {
        uint32_t code = 0;
        size_t n = aps_str_utf8_code(s, &code);

        if (n == 0) {
            n = 1;
            snprintf(code_text, sizeof code_text, "\\x%02x", (unsigned char)s.p[0]);
            put_str(&t, aps_str(code_text));
        } else if (aps_str_is_control(code)) {
            snprintf(code_text, sizeof code_text, "\\u{%x}", (unsigned)code);
            put_str(&t, aps_str(code_text));
        } else {
            put(&t, s.p, n);
        }
        s.p += n;
        s.n -= n;
    }
    return (struct aps_str){t.p, t.n};
}

/* Characters, each taken for one column wide. */
static size_t width(struct aps_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            n++;
    return n;
}

static void put_painted(struct ctl_out *o, enum ctl_paint paint, struct aps_str s)
{
    if (!o->color)
        paint = CTL_PAINT_NONE;
    put_str(&o->text, aps_str(ctl_paint_begin(paint)));
    put_str(&o->text, s);
    put_str(&o->text, aps_str(ctl_paint_end(paint)));
}

struct ctl_out *ctl_output_new(apr_pool_t *pool, bool json)
{
    struct ctl_out *o = apr_pcalloc(pool, sizeof *o);

    o->pool = pool;
    apr_pool_create(&o->row_pool, pool);
    o->is_json = json;
    aps_json_init_pool(&o->json, pool, 0);
    o->fields = apr_array_make(pool, 16, sizeof(struct field));
    o->tables = apr_array_make(pool, 2, sizeof(struct table));
    o->text.pool = pool;
    return o;
}

void ctl_output_set_color(struct ctl_out *o, bool color)
{
    o->color = color && !o->is_json;
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
    struct field *field;

    if (o->cells != NULL) {
        for (int i = 0; i < o->open->columns->nelts; i++)
            if (strcmp(APR_ARRAY_IDX(o->open->columns, i, const char *), name) == 0)
                return &o->cells[i];
        return NULL;
    }
    if (o->group != NULL)
        name = apr_pstrcat(o->pool, o->group, ".", name, NULL);
    field =
        o->fields->nelts > 0 ? &APR_ARRAY_IDX(o->fields, o->fields->nelts - 1, struct field) : NULL;
    if (field == NULL || strcmp(field->label, name) != 0) {
        field = apr_array_push(o->fields);
        *field = (struct field){name, apr_array_make(o->pool, 1, sizeof(struct aps_str)), false};
    }
    return apr_array_push(field->lines);
}

static void show(struct ctl_out *o, const char *name, struct aps_str value)
{
    struct aps_str *at = place_for(o, name);

    if (at != NULL)
        *at = escaped(value_pool(o), value);
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
    struct text joined = {.pool = value_pool(o)};

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
        put(&joined, ", ", i > 0 ? 2 : 0);
        put_str(&joined, values[i]);
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
        o->secret_at = json.n;
        while (o->secret_at > 0 && json.p[--o->secret_at] != '"') /* before the closing quote */
            continue;
        return;
    }
    show(o, name, APS_STR_LIT(""));
    APR_ARRAY_IDX(o->fields, o->fields->nelts - 1, struct field).secret = true;
}

void ctl_output_text(struct ctl_out *o, const char *fmt, ...)
{
    va_list args;

    if (o->is_json)
        return;
    va_start(args, fmt);
    put_str(&o->text, aps_str(apr_pvsprintf(o->pool, fmt, args)));
    va_end(args);
}

void ctl_output_heading(struct ctl_out *o, const char *text)
{
    if (!o->is_json)
        put_painted(o, CTL_PAINT_HEADING, aps_str(text));
}

void ctl_output_tail(struct ctl_out *o, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    o->tail = apr_pvsprintf(o->pool, fmt, args);
    va_end(args);
}

/* ---- Rendering for people ---- */

static void render_fields(struct ctl_out *o)
{
    size_t widest = 0;

    for (int i = 0; i < o->fields->nelts; i++) {
        size_t n = strlen(APR_ARRAY_IDX(o->fields, i, struct field).label);

        widest = n > widest ? n : widest;
    }
    for (int i = 0; i < o->fields->nelts; i++) {
        const struct field *field = &APR_ARRAY_IDX(o->fields, i, struct field);

        for (int k = 0; k < field->lines->nelts; k++) {
            struct aps_str label = aps_str(k == 0 ? field->label : "");
            struct aps_str line;

            put_painted(o, label.n > 0 ? CTL_PAINT_HEADING : CTL_PAINT_NONE, label);
            put_spaces(&o->text, widest - label.n + GAP);
            if (field->secret)
                o->secret_at = o->text.n;
            line = APR_ARRAY_IDX(field->lines, k, struct aps_str);
            put_painted(o, ctl_paint_of(field->label, line), line);
            put(&o->text, "\n", 1);
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
static void render_line(struct ctl_out *o, const struct table *table, const struct aps_str *cells)
{
    int n = table->columns->nelts;

    for (int i = 0; i < n; i++) {
        const char *column = APR_ARRAY_IDX(table->columns, i, const char *);
        struct aps_str cell = cells != NULL ? cells[i] : upper(o->pool, column);
        size_t w = width(cell);

        put_painted(o, cells != NULL ? ctl_paint_of(column, cell) : CTL_PAINT_HEADING, cell);
        if (i + 1 < n)
            put_spaces(&o->text, (w < table->widths[i] ? table->widths[i] - w : 0) + GAP);
    }
    put(&o->text, "\n", 1);
}

static void render_title(struct ctl_out *o, const char *title)
{
    put(&o->text, "\n", o->text.n > 0 ? 1 : 0);
    ctl_output_heading(o, title);
    put(&o->text, ":\n", 2);
}

/* The head of the table, with columns as wide as its rows so far need. */
static void render_head(struct ctl_out *o, struct table *table)
{
    int n = table->columns->nelts;

    table->widths = apr_pcalloc(o->pool, (size_t)n * sizeof *table->widths);
    for (int i = 0; i < n; i++) {
        table->widths[i] = width(aps_str(APR_ARRAY_IDX(table->columns, i, const char *)));
        for (int row = 0; row < table->rows->nelts; row++) {
            size_t w = width(APR_ARRAY_IDX(table->rows, row, struct aps_str *)[i]);

            table->widths[i] = w > table->widths[i] ? w : table->widths[i];
        }
    }
    if (table->title != NULL)
        render_title(o, table->title);
    render_line(o, table, NULL);
}

static void render_table(struct ctl_out *o, struct table *table)
{
    int n = table->columns->nelts;

    for (int row = 0; row < table->rows->nelts; row++)
        for (int i = 0; i < n; i++) {
            struct aps_str *cell = &APR_ARRAY_IDX(table->rows, row, struct aps_str *)[i];

            if (cell->n == 0)
                *cell = APS_STR_LIT("-");
        }
    if (table->widths == NULL)
        render_head(o, table);
    for (int row = 0; row < table->rows->nelts; row++)
        render_line(o, table, APR_ARRAY_IDX(table->rows, row, struct aps_str *));
}

static void render_block(struct ctl_out *o, const struct table *table)
{
    if (table->rows->nelts == 0)
        return;
    render_title(o, table->title);
    for (int row = 0; row < table->rows->nelts; row++) {
        const struct aps_str *cells = APR_ARRAY_IDX(table->rows, row, struct aps_str *);

        for (int i = 0; i < table->columns->nelts; i++) {
            if (cells[i].n == 0 || aps_str_eq(cells[i], APS_STR_LIT("-")))
                continue;
            put_spaces(&o->text, i == 0 ? GAP : 3 * GAP);
            put_str(&o->text, cells[i]);
            put(&o->text, "\n", 1);
        }
    }
}

enum aps_err ctl_output_render(struct ctl_out *o, struct aps_diag *diag)
{
    struct aps_str json;

    if (!o->is_json) {
        render_fields(o);
        for (int i = 0; i < o->tables->nelts; i++) {
            struct table *table = &APR_ARRAY_IDX(o->tables, i, struct table);

            if (table->is_block)
                render_block(o, table);
            else
                render_table(o, table);
        }
        if (o->tail != NULL)
            put_str(&o->text, aps_str(o->tail));
        return APS_OK;
    }
    if (o->json.full) {
        aps_err_explain(diag, "the output is too large");
        return APS_ERR_NOMEM;
    }
    json = aps_json_text(&o->json);
    o->text = (struct text){.pool = o->pool};
    put_str(&o->text, json);
    if (json.n > 0)
        put(&o->text, "\n", 1);
    return APS_OK;
}

/* ---- Writing ---- */

size_t ctl_output_rows(const struct ctl_out *o, unsigned columns)
{
    size_t rows = 0;
    size_t line = 0; /* columns of it so far */
    bool code = false;

    for (size_t i = 0; i < o->text.n; i++) {
        unsigned char c = (unsigned char)o->text.p[i];

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
    size_t cut = o->secret != NULL ? o->secret_at : o->text.n;
    struct iovec iov[3] = {
        {o->text.p, cut},
        {o->secret != NULL ? o->secret->b : NULL, o->secret != NULL ? o->secret->n : 0},
        {o->text.p + cut, o->text.n - cut},
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
        render_table(o, o->open);
        iov[0] = (struct iovec){o->text.p, o->text.n};
        err = write_parts(fd, iov, diag);
        o->text.n = 0;
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
