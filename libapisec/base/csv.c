/* csv.c - comma-separated values: a record's end is found first, then its fields are unquoted. */
#include "apisec/csv.h"

/* What ended a field. */
enum mark { MARK_COMMA, MARK_LINE, MARK_END, MARK_MORE, MARK_BAD };

struct scan {
    const char *p;
    size_t n, at;
    bool last;
    const char *why;
};

static enum mark bad(struct scan *s, const char *why)
{
    s->why = why;
    return MARK_BAD;
}

/* The mark at s->at, which is passed. */
static enum mark take_mark(struct scan *s)
{
    if (s->at == s->n)
        return s->last ? MARK_END : MARK_MORE;
    switch (s->p[s->at]) {
    case ',':
        s->at++;
        return MARK_COMMA;
    case '\n':
        s->at++;
        return MARK_LINE;
    case '\r':
        if (s->at + 1 == s->n && !s->last)
            return MARK_MORE;
        if (s->at + 1 == s->n || s->p[s->at + 1] != '\n')
            return bad(s, "a carriage return that no line feed follows");
        s->at += 2;
        return MARK_LINE;
    default:
        return bad(s, "text after a closing quote: want a comma or the end of the line");
    }
}

static enum mark scan_plain(struct scan *s)
{
    for (; s->at < s->n; s->at++)
        switch (s->p[s->at]) {
        case ',':
        case '\n':
        case '\r':
            return take_mark(s);
        case '"':
            return bad(s, "a quote within a field that does not begin with one");
        case '\0':
            return bad(s, "a NUL byte");
        default:
            break;
        }
    return take_mark(s);
}

static enum mark scan_quoted(struct scan *s)
{
    for (s->at++; s->at < s->n; s->at++) {
        if (s->p[s->at] == '\0')
            return bad(s, "a NUL byte");
        if (s->p[s->at] != '"')
            continue;
        if (s->at + 1 == s->n && !s->last)
            return MARK_MORE;
        s->at++;
        if (s->at == s->n || s->p[s->at] != '"')
            return take_mark(s);
    }
    return s->last ? bad(s, "a quote that is never closed") : MARK_MORE;
}

/* Without the quotes around it, and with one for two within.  What is written lies before what is
 * read. */
static struct aps_str unquote(char *p, size_t n)
{
    size_t kept = 0;

    if (n == 0 || p[0] != '"')
        return (struct aps_str){p, n};
    for (size_t i = 1; i + 1 < n; i++) {
        p[kept++] = p[i];
        if (p[i] == '"')
            i++;
    }
    return (struct aps_str){p, kept};
}

static size_t count_lines(const char *p, size_t n)
{
    size_t lines = 0;

    for (size_t i = 0; i < n; i++)
        lines += p[i] == '\n' ? 1 : 0;
    return lines;
}

/* Bytes of the mark that ends at `at`. */
static size_t mark_len(const char *text, size_t at, enum mark mark)
{
    if (mark == MARK_END)
        return 0;
    return mark == MARK_LINE && at >= 2 && text[at - 2] == '\r' ? 2 : 1;
}

enum aps_csv_result aps_csv_next(char *text, size_t n, bool last, struct aps_csv_record *out,
                                 struct aps_diag *diag)
{
    struct scan s = {.p = text, .n = n, .last = last};
    struct aps_csv_record record = {0};
    enum mark mark = MARK_COMMA;

    if (n == 0)
        return last ? APS_CSV_END : APS_CSV_MORE;
    while (mark == MARK_COMMA) {
        size_t from = s.at;

        if (record.nfields == APS_CSV_FIELDS_MAX) {
            mark = bad(&s, "more than 32 fields");
            break;
        }
        mark = s.at < n && text[s.at] == '"' ? scan_quoted(&s) : scan_plain(&s);
        if (mark != MARK_BAD && mark != MARK_MORE)
            record.fields[record.nfields++] =
                (struct aps_str){text + from, s.at - from - mark_len(text, s.at, mark)};
    }
    if (mark == MARK_MORE)
        return APS_CSV_MORE;
    record.used = s.at;
    record.lines = count_lines(text, s.at);
    if (mark == MARK_BAD) {
        aps_err_explain(diag, "%s", s.why);
        record.nfields = 0;
    }
    for (size_t i = 0; i < record.nfields; i++)
        record.fields[i] = unquote(text + (record.fields[i].p - text), record.fields[i].n);
    *out = record;
    return mark == MARK_BAD ? APS_CSV_BAD : APS_CSV_RECORD;
}
