/* import_source.c - a file of keys from elsewhere, a line at a time. */
#include "import_source.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apisec/csv.h"
#include "apisec/imported.h"
#include "apisec/secret.h"
#include "apisec/strength.h"

enum {
    LINE_MAX_BYTES = 64 * 1024,
    BUFFER = 2 * LINE_MAX_BYTES,
    SHY_BITS = 64, /* no name, owner or time that people write counts that much */
};

enum kind { KIND_TEXT, KIND_LIST, KIND_FLAG };

static const struct {
    const char *name;
    enum kind kind;
} fields[] = {
#define I(id, name, kind, text) {name, KIND_##kind},
#include "import_fields.def"
#undef I
};

struct ctl_import_source {
    apr_pool_t *pool, *row; /* of the file, and of one line */
    const char *path;
    enum ctl_import_format format;
    int fd;
    struct stat st;
    struct aps_secret buffer;
    size_t at, n; /* what of the buffer is yet to be read */
    bool last;    /* nothing comes after it */
    uint64_t done, line;
    struct aps_digest_run *digest;
    size_t ncolumns; /* CSV: 0 before its first line */
    enum ctl_import_field columns[APS_CSV_FIELDS_MAX];
};

const char *ctl_import_source_name(enum ctl_import_field field)
{
    return fields[field].name;
}

const char *ctl_import_source_names(apr_pool_t *pool)
{
    const char *all = fields[0].name;

    for (size_t i = 1; i < CTL_IMPORT_COUNT; i++)
        all = apr_pstrcat(pool, all, ", ", fields[i].name, NULL);
    return all;
}

bool ctl_import_source_is_shy(struct aps_str value)
{
    return value.n >= APS_IMPORTED_MIN &&
           (value.n > APS_IMPORTED_MAX || aps_strength_bits(value) >= SHY_BITS);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n > m && strcmp(text + n - m, end) == 0;
}

enum aps_err ctl_import_source_format(const char *path, const char *format,
                                      enum ctl_import_format *out, struct aps_diag *diag)
{
    if (format == NULL && ends_with(path, ".csv"))
        format = "csv";
    if (format == NULL || strcmp(format, "csv") != 0) {
        aps_err_explain(diag, "--format %s: want csv, or a file whose name ends in .csv",
                        format != NULL ? format : "is missing");
        return APS_ERR_USAGE;
    }
    *out = CTL_IMPORT_CSV;
    return APS_OK;
}

/* ---- the file ---- */

static enum aps_err open_file(struct ctl_import_source *s, struct aps_diag *diag)
{
    s->fd = strcmp(s->path, "-") == 0 ? dup(STDIN_FILENO)
                                      : open(s->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (s->fd < 0 || fstat(s->fd, &s->st) != 0) {
        int e = errno;

        aps_err_explain(diag, "%s: cannot be opened: %s", s->path,
                        apr_psprintf(s->pool, "%s", strerror(e)));
        return e == ENOENT ? APS_ERR_NOT_FOUND : APS_ERR_IO;
    }
    if (S_ISDIR(s->st.st_mode)) {
        aps_err_explain(diag, "%s: is a folder: want a file", s->path);
        return APS_ERR_IO;
    }
    return APS_OK;
}

enum aps_err ctl_import_source_open(apr_pool_t *pool, const char *path,
                                    enum ctl_import_format format, struct ctl_import_source **out,
                                    struct aps_diag *diag)
{
    struct ctl_import_source *s = apr_pcalloc(pool, sizeof *s);
    enum aps_err err = APS_ERR_NOMEM;

    s->pool = pool;
    s->path = path;
    s->format = format;
    s->fd = -1;
    if (apr_pool_create(&s->row, pool) != APR_SUCCESS)
        goto out;
    if ((err = open_file(s, diag)) != APS_OK)
        goto out;
    if ((err = aps_secret_new(BUFFER, &s->buffer)) != APS_OK)
        goto out;
    if ((err = aps_digest_begin(&s->digest)) != APS_OK)
        goto out;
    *out = s;
    s = NULL;
out:
    ctl_import_source_close(s);
    return err;
}

void ctl_import_source_close(struct ctl_import_source *s)
{
    if (s == NULL)
        return;
    aps_secret_wipe(&s->buffer);
    if (s->digest != NULL && aps_digest_end(s->digest, NULL) != APS_OK)
        s->digest = NULL; /* nobody asks for it any more */
    s->digest = NULL;
    if (s->fd >= 0)
        (void)close(s->fd); /* it was only read */
    s->fd = -1;
}

/* More of the file behind what the buffer still holds, which moves to its front. */
static enum aps_err fill(struct ctl_import_source *s, struct aps_diag *diag)
{
    ssize_t got;

    memmove(s->buffer.b, s->buffer.b + s->at, s->n - s->at);
    s->n -= s->at;
    s->at = 0;
    do
        got = read(s->fd, s->buffer.b + s->n, s->buffer.n - s->n);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        aps_err_explain(diag, "%s: cannot be read: %s", s->path,
                        apr_psprintf(s->pool, "%s", strerror(errno)));
        return APS_ERR_IO;
    }
    aps_digest_add(s->digest, s->buffer.b + s->n, (size_t)got);
    s->n += (size_t)got;
    s->done += (size_t)got;
    s->last = got == 0;
    return APS_OK;
}

/* ---- CSV ---- */

static enum aps_err bad_column(struct ctl_import_source *s, struct aps_str name, const char *what,
                               struct aps_diag *diag)
{
    const char *all = ctl_import_source_names(s->row);

    if (ctl_import_source_is_shy(name))
        aps_err_explain(diag,
                        "the first line does not name the columns (a value like a key's text is "
                        "in it): want some of %s",
                        all);
    else
        aps_err_explain(diag, "%s column \"%.*s\": want some of %s", what, APS_STR_SHOW(name), all);
    return APS_ERR_FORMAT;
}

static enum aps_err read_columns(struct ctl_import_source *s, const struct aps_csv_record *r,
                                 struct aps_diag *diag)
{
    for (size_t i = 0; i < r->nfields; i++) {
        size_t field = 0;

        while (field < CTL_IMPORT_COUNT && !aps_str_eq(r->fields[i], aps_str(fields[field].name)))
            field++;
        if (field == CTL_IMPORT_COUNT)
            return bad_column(s, r->fields[i], "unknown", diag);
        for (size_t k = 0; k < i; k++)
            if (s->columns[k] == field)
                return bad_column(s, r->fields[i], "twice the", diag);
        s->columns[i] = (enum ctl_import_field)field;
    }
    s->ncolumns = r->nfields;
    return APS_OK;
}

static const struct aps_str *split(apr_pool_t *pool, struct aps_str text, size_t *out_n)
{
    struct aps_str *words = apr_palloc(pool, (text.n / 2 + 1) * sizeof *words), word;
    size_t n = 0;

    while (aps_str_next(&text, ' ', &word))
        if (word.n != 0)
            words[n++] = word;
    *out_n = n;
    return words;
}

static enum aps_err take_fields(struct ctl_import_source *s, const struct aps_csv_record *r,
                                struct ctl_import_row *out, struct aps_diag *diag)
{
    if (r->nfields != s->ncolumns) {
        aps_err_explain(diag, "%zu fields, where the first line names %zu columns", r->nfields,
                        s->ncolumns);
        return APS_ERR_FORMAT;
    }
    for (size_t i = 0; i < r->nfields; i++) {
        enum ctl_import_field field = s->columns[i];
        struct aps_str *word;

        if (r->fields[i].n == 0)
            continue;
        if (fields[field].kind == KIND_LIST) {
            out->words[field] = split(s->row, r->fields[i], &out->nwords[field]);
            continue;
        }
        word = apr_palloc(s->row, sizeof *word);
        *word = r->fields[i];
        out->words[field] = word;
        out->nwords[field] = 1;
    }
    return APS_OK;
}

/* The next record, for which more is read where it does not end in the buffer. */
static enum aps_err next_record(struct ctl_import_source *s, struct aps_csv_record *out,
                                enum aps_csv_result *out_result, struct aps_diag *diag)
{
    enum aps_err err;

    while ((*out_result = aps_csv_next((char *)s->buffer.b + s->at, s->n - s->at, s->last, out,
                                       diag)) == APS_CSV_MORE) {
        if (s->n - s->at >= LINE_MAX_BYTES) {
            aps_err_explain(diag, "more than %d bytes without the end of a line, or of a quote",
                            LINE_MAX_BYTES);
            *out_result = APS_CSV_BAD;
            return APS_OK;
        }
        if ((err = fill(s, diag)) != APS_OK)
            return err;
    }
    return APS_OK;
}

/* The mark that some programs put before UTF-8. */
static enum aps_err skip_mark(struct ctl_import_source *s, struct aps_diag *diag)
{
    static const char mark[] = "\xef\xbb\xbf";
    const size_t n = sizeof mark - 1;
    enum aps_err err = APS_OK;

    while (err == APS_OK && s->n < n && !s->last)
        err = fill(s, diag);
    if (err == APS_OK && s->n >= n && memcmp(s->buffer.b, mark, n) == 0)
        s->at = n;
    return err;
}

static enum aps_err next_csv(struct ctl_import_source *s, struct ctl_import_row *out, bool *out_end,
                             bool *out_goes_on, struct aps_diag *diag)
{
    struct aps_csv_record r = {0};
    enum aps_csv_result result;
    bool is_head = s->ncolumns == 0;
    enum aps_err err;

    if ((err = next_record(s, &r, &result, diag)) != APS_OK)
        return err;
    out->line = s->line + 1;
    if (result == APS_CSV_BAD) {
        out->line += r.lines;
        return APS_ERR_FORMAT;
    }
    if (result == APS_CSV_END) {
        *out_end = true;
        return APS_OK;
    }
    s->at += r.used;
    s->line += r.lines;
    err = is_head ? read_columns(s, &r, diag) : take_fields(s, &r, out, diag);
    *out_goes_on = !is_head;
    return err;
}

enum aps_err ctl_import_source_next(struct ctl_import_source *s, struct ctl_import_row *out,
                                    bool *out_end, bool *out_goes_on, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    *out_end = false;
    *out_goes_on = false;
    if (s->ncolumns == 0) {
        if ((err = skip_mark(s, diag)) == APS_OK)
            err = next_csv(s, out, out_end, out_goes_on, diag);
        if (err != APS_OK || *out_end)
            return err;
    }
    apr_pool_clear(s->row);
    *out = (struct ctl_import_row){0};
    return next_csv(s, out, out_end, out_goes_on, diag);
}

/* ---- what it is ---- */

uint64_t ctl_import_source_done(const struct ctl_import_source *s)
{
    return s->done;
}

uint64_t ctl_import_source_size(const struct ctl_import_source *s)
{
    return S_ISREG(s->st.st_mode) ? (uint64_t)s->st.st_size : 0;
}

enum aps_err ctl_import_source_digest(struct ctl_import_source *s, uint8_t out[APS_DIGEST_LEN])
{
    enum aps_err err = aps_digest_end(s->digest, out);

    s->digest = NULL;
    return err;
}

const char *ctl_import_source_warning(const struct ctl_import_source *s)
{
    if (!S_ISREG(s->st.st_mode) || (s->st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return NULL;
    return apr_psprintf(s->pool,
                        "%s has mode %04o: others may have read the keys in it; chmod 600 such a "
                        "file before keys are in it, and delete it after the import",
                        s->path, (unsigned)(s->st.st_mode & 07777));
}
