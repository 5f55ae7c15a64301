/* scan.c - a text of any size and kind -> the pieces of it that may be keys. */
#include "scan.h"

#include <errno.h>
#include <unistd.h>

#include "apisec/imported.h"
#include "apisec/secret.h"

enum {
    BUFFER = 128 * 1024,
    AHEAD = APS_IMPORTED_MAX + 1, /* what is looked at from where a piece begins */
    ENDS_MAX = 8,                 /* pieces from one place that end within its run */
};

_Static_assert(AHEAD > APS_KEYTEXT_MAX, "an own text fits in what is looked at");

struct scan {
    const struct ctl_scan_options *options;
    ctl_scan_fn fn;
    void *arg;
    const char *p; /* the buffer */
    size_t n;      /* bytes in it */
    bool last;     /* nothing comes after them */
    bool in_word;  /* the byte before is of a run, and no mark */
    struct ctl_scan_place at;
};

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_mark(char c)
{
    return c == '-' || c == '.' || c == '_' || c == '~' || c == '+' || c == '/' || c == '=';
}

static enum aps_err try_own(struct scan *s, size_t at)
{
    const size_t n = s->options->prefix.n + APS_KEYTEXT_MAX - APS_KEYTEXT_PREFIX_MAX;
    struct aps_str piece = {s->p + at, n};
    struct aps_keytext parts;

    if (s->p[at] != s->options->prefix.p[0] || s->n - at < n ||
        !aps_keytext_parse(piece, s->options->prefix, &parts))
        return APS_OK;
    return s->fn(s->arg, piece, s->at);
}

static enum aps_err try_piece(struct scan *s, size_t at, size_t end, int *ends)
{
    struct aps_str piece = {s->p + at, end - at};

    if (piece.n > APS_IMPORTED_MAX || !aps_imported_is_text(piece))
        return APS_OK;
    ++*ends;
    return s->fn(s->arg, piece, s->at);
}

/* The pieces that begin here and end before a mark, so many as bound the work; and, however many
 * marks they have in them, the one that ends with the run and the one before its last marks.  None
 * is of marks alone, as the rules and frames of plain text are. */
static enum aps_err try_imported(struct scan *s, size_t at)
{
    enum aps_err err = APS_OK;
    size_t i = at, tried = at, tail = at; /* where pieces end: the last tried, the last marks */
    int ends = 0;

    for (; i < s->n && i - at <= APS_IMPORTED_MAX; i++) {
        if (is_plain(s->p[i])) {
            tail = i + 1;
            continue;
        }
        if (!is_mark(s->p[i]))
            break;
        if (ends < ENDS_MAX && tail > at) {
            if ((err = try_piece(s, at, i, &ends)) != APS_OK)
                return err;
            tried = i;
        }
    }
    if (tail > tried && tail < i)
        err = try_piece(s, at, tail, &ends);
    return err == APS_OK && tail > at ? try_piece(s, at, i, &ends) : err;
}

static enum aps_err try_place(struct scan *s, size_t at)
{
    char c = s->p[at];
    enum aps_err err = try_own(s, at);

    if (err == APS_OK && s->options->imports && !s->in_word && (is_plain(c) || is_mark(c)))
        err = try_imported(s, at);
    s->in_word = is_plain(c);
    s->at.column++;
    if (c == '\n') {
        s->at.line++;
        s->at.column = 1;
    }
    return err;
}

/* Read behind what is left in the buffer. */
static enum aps_err fill(int fd, struct aps_secret *buffer, struct scan *s, struct aps_diag *diag)
{
    while (!s->last && s->n < buffer->n) {
        ssize_t got = read(fd, buffer->b + s->n, buffer->n - s->n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            aps_err_explain(diag, "stdin cannot be read");
            return APS_ERR_IO;
        }
        s->n += (size_t)got;
        s->last = got == 0;
    }
    return APS_OK;
}

enum aps_err ctl_scan(int fd, const struct ctl_scan_options *options, ctl_scan_fn fn, void *arg,
                      struct aps_diag *diag)
{
    struct aps_secret buffer = {0};
    struct scan s = {.options = options, .fn = fn, .arg = arg, .at = {1, 1}};
    enum aps_err err;

    if ((err = aps_secret_new(BUFFER, &buffer)) != APS_OK)
        goto out;
    s.p = (const char *)buffer.b;
    while (!s.last) {
        size_t end, at = 0;

        if ((err = fill(fd, &buffer, &s, diag)) != APS_OK)
            goto out;
        /* What begins within the last bytes may end in what is read next. */
        for (end = s.last ? s.n : s.n - AHEAD; at < end; at++)
            if ((err = try_place(&s, at)) != APS_OK)
                goto out;
        memmove(buffer.b, buffer.b + at, s.n - at);
        s.n -= at;
    }
out:
    aps_secret_wipe(&buffer);
    return err;
}
