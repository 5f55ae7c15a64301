/* import_source.c - a file of keys from elsewhere, a line at a time. */
#include "import_source.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apisec/csv.h"
#include "apisec/imported.h"
#include "apisec/jsonread.h"
#include "apisec/random.h"
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
    uint64_t line;
    struct aps_digest_run *digest;
    bool begun;      /* its first line is read */
    size_t ncolumns; /* CSV: what the first line names */
    enum ctl_import_field columns[APS_CSV_FIELDS_MAX];
    struct aps_jsonread json; /* JSON lines */
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
    if (format == NULL)
        format = ends_with(path, ".csv") ? "csv" : ends_with(path, ".jsonl") ? "jsonl" : "";
    if (strcmp(format, "csv") == 0) {
        *out = CTL_IMPORT_CSV;
    } else if (strcmp(format, "jsonl") == 0) {
        *out = CTL_IMPORT_JSONL;
    } else {
        aps_err_explain(diag,
                        "--format %s: want csv or jsonl, or a file whose name ends in .csv or "
                        ".jsonl",
                        format[0] != '\0' ? format : "is missing");
        return APS_ERR_USAGE;
    }
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
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
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
    if ((err = aps_random_fill(hash_key, sizeof hash_key)) != APS_OK)
        goto out;
    aps_jsonread_init(&s->json, pool, hash_key);
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
    s->last = got == 0;
    return APS_OK;
}

/* The field of this name, or CTL_IMPORT_COUNT. */
static enum ctl_import_field field_named(struct aps_str name)
{
    size_t field = 0;

    while (field < CTL_IMPORT_COUNT && !aps_str_eq(name, aps_str(fields[field].name)))
        field++;
    return (enum ctl_import_field)field;
}

static enum aps_err line_too_long(struct aps_diag *diag)
{
    aps_err_explain(diag, "more than %d bytes without the end of a line", LINE_MAX_BYTES);
    return APS_ERR_FORMAT;
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
        enum ctl_import_field field = field_named(r->fields[i]);

        if (field == CTL_IMPORT_COUNT)
            return bad_column(s, r->fields[i], "unknown", diag);
        for (size_t k = 0; k < i; k++)
            if (s->columns[k] == field)
                return bad_column(s, r->fields[i], "twice the", diag);
        s->columns[i] = field;
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
            *out_result = APS_CSV_BAD;
            return line_too_long(diag);
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
    bool is_head = !s->begun;
    enum aps_err err;

    out->line = s->line + 1;
    if ((err = next_record(s, &r, &result, diag)) != APS_OK)
        return err;
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
    s->begun = true;
    err = is_head ? read_columns(s, &r, diag) : take_fields(s, &r, out, diag);
    *out_goes_on = !is_head;
    return err;
}

/* ---- JSON lines ---- */

/* What is wrong with it, without a piece of it. */
static enum aps_err bad_json(const struct ctl_import_source *s, enum aps_jsonread_fault fault,
                             struct aps_diag *diag)
{
    if (fault == APS_JSONREAD_NOMEM)
        return APS_ERR_NOMEM;
    aps_err_explain(diag, "is no JSON object, or not one of strict form: %s at byte %zu",
                    aps_jsonread_fault_name(fault), (size_t)s->json.fault_at + 1);
    return APS_ERR_FORMAT;
}

static enum aps_err bad_value(enum ctl_import_field field, struct aps_diag *diag)
{
    static const char *const want[] = {[KIND_TEXT] = "a string",
                                       [KIND_LIST] = "an array of strings",
                                       [KIND_FLAG] = "true or false"};

    aps_err_explain(diag, "the member \"%s\": want %s, or null", fields[field].name,
                    want[fields[field].kind]);
    return APS_ERR_FORMAT;
}

/* One value as a word; false for one that is of another kind than the field. */
static bool take_word(const struct ctl_import_source *s, enum kind kind,
                      const struct aps_jsonread_node *v, struct aps_str *out)
{
    switch (aps_jsonread_kind(v)) {
    case APS_JSON_STRING:
        *out = aps_jsonread_str(&s->json, v);
        return kind != KIND_FLAG;
    case APS_JSON_TRUE:
        *out = APS_STR_LIT("true");
        return kind == KIND_FLAG;
    case APS_JSON_FALSE:
        *out = APS_STR_LIT("false");
        return kind == KIND_FLAG;
    default:
        return false;
    }
}

static enum aps_err take_value(struct ctl_import_source *s, enum ctl_import_field field,
                               const struct aps_jsonread_node *v, struct ctl_import_row *out,
                               struct aps_diag *diag)
{
    enum kind kind = fields[field].kind;
    bool is_list = aps_jsonread_kind(v) == APS_JSON_ARRAY;
    struct aps_str *words;
    size_t n = 0;

    if (aps_jsonread_kind(v) == APS_JSON_NULL)
        return APS_OK;
    if (is_list != (kind == KIND_LIST))
        return bad_value(field, diag);
    words = apr_palloc(s->row, ((is_list ? aps_jsonread_count(v) : 0) + 1) * sizeof *words);
    if (!is_list && !take_word(s, kind, v, &words[n++]))
        return bad_value(field, diag);
    if (is_list)
        for (const struct aps_jsonread_node *item = aps_jsonread_first(v);
             item < aps_jsonread_end(v); item = aps_jsonread_next(item))
            if (!take_word(s, kind, item, &words[n++]))
                return bad_value(field, diag);
    if (!is_list && words[0].n == 0)
        return APS_OK;
    out->words[field] = words;
    out->nwords[field] = n;
    return APS_OK;
}

static enum aps_err take_object(struct ctl_import_source *s, struct aps_str line,
                                struct ctl_import_row *out, struct aps_diag *diag)
{
    static const struct aps_jsonread_options options = {.bytes_max = LINE_MAX_BYTES,
                                                        .depth_max = 2,
                                                        .nodes_max = 4096,
                                                        .string_max = LINE_MAX_BYTES,
                                                        .members_max = 2 * CTL_IMPORT_COUNT,
                                                        .items_max = 1024,
                                                        .digits_max = 32};
    enum aps_jsonread_fault fault = aps_jsonread(&s->json, line, &options);
    const struct aps_jsonread_node *root = aps_jsonread_root(&s->json);
    enum aps_err err = APS_OK;

    if (fault != APS_JSONREAD_OK)
        return bad_json(s, fault, diag);
    if (aps_jsonread_kind(root) != APS_JSON_OBJECT) {
        aps_err_explain(diag, "is no JSON object");
        return APS_ERR_FORMAT;
    }
    for (const struct aps_jsonread_node *m = aps_jsonread_first(root);
         err == APS_OK && m < aps_jsonread_end(root); m = aps_jsonread_next(m + 1)) {
        struct aps_str name = aps_jsonread_str(&s->json, m);
        enum ctl_import_field field = field_named(name);

        if (field == CTL_IMPORT_COUNT) {
            bool shy = ctl_import_source_is_shy(name);

            aps_err_explain(diag, "unknown member%s%.*s%s: want some of %s", shy ? "" : " \"",
                            shy ? 0 : (int)(name.n < 100 ? name.n : 100), name.p, shy ? "" : "\"",
                            ctl_import_source_names(s->row));
            return APS_ERR_FORMAT;
        }
        err = take_value(s, field, m + 1, out, diag);
    }
    return err;
}

static enum aps_err next_json(struct ctl_import_source *s, struct ctl_import_row *out,
                              bool *out_end, bool *out_goes_on, struct aps_diag *diag)
{
    struct aps_str rest = {0}, line;
    const char *feed = NULL;
    enum aps_err err;

    out->line = s->line + 1;
    for (;;) {
        rest = (struct aps_str){(const char *)s->buffer.b + s->at, s->n - s->at};
        feed = rest.n != 0 ? memchr(rest.p, '\n', rest.n) : NULL;
        if (feed != NULL || s->last)
            break;
        if (rest.n >= LINE_MAX_BYTES)
            return line_too_long(diag);
        if ((err = fill(s, diag)) != APS_OK)
            return err;
    }
    if (rest.n == 0) {
        *out_end = true;
        return APS_OK;
    }
    line = (struct aps_str){rest.p, feed != NULL ? (size_t)(feed - rest.p) : rest.n};
    s->at += line.n + (feed != NULL ? 1 : 0);
    s->line++;
    *out_goes_on = true;
    return take_object(s, line, out, diag);
}

/* ---- lines ---- */

enum aps_err ctl_import_source_next(struct ctl_import_source *s, struct ctl_import_row *out,
                                    bool *out_end, bool *out_goes_on, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    *out_end = false;
    *out_goes_on = false;
    apr_pool_clear(s->row);
    *out = (struct ctl_import_row){0};
    if (!s->begun && (err = skip_mark(s, diag)) != APS_OK)
        return err;
    if (s->format == CTL_IMPORT_JSONL) {
        s->begun = true;
        return next_json(s, out, out_end, out_goes_on, diag);
    }
    if (!s->begun) /* the columns */
        err = next_csv(s, out, out_end, out_goes_on, diag);
    if (err != APS_OK || *out_end)
        return err;
    return next_csv(s, out, out_end, out_goes_on, diag);
}

/* ---- what it is ---- */

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
