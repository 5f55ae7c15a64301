/* lines.c - a text of any length, line by line. */
#include "lines.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define AHEAD ((size_t)128 * 1024) /* how much is read at once */

struct ctl_lines {
    const char *path;
    int fd;
    size_t max, cap;
    char *buf;
    size_t from, to; /* what of it was read and not given yet */
    uint64_t number;
    int fault; /* errno of the read that failed */
    bool is_over;
};

static apr_status_t cleanup(void *data)
{
    const struct ctl_lines *lines = data;

    if (lines->fd != STDIN_FILENO)
        (void)close(lines->fd); /* it was only read */
    return APR_SUCCESS;
}

enum aps_err ctl_lines_open(apr_pool_t *pool, const char *path, size_t max, const char *what,
                            struct ctl_lines **out, struct aps_diag *diag)
{
    struct ctl_lines *lines = apr_pcalloc(pool, sizeof *lines);

    lines->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (lines->fd < 0) {
        enum aps_err err = errno == ENOENT ? APS_ERR_NOT_FOUND : APS_ERR_IO;

        aps_err_explain(diag, "%s cannot be opened: %s; want %s, or - for stdin", path,
                        strerror(errno), what);
        return err;
    }
    apr_pool_cleanup_register(pool, lines, cleanup, apr_pool_cleanup_null);
    lines->path = apr_pstrdup(pool, path);
    lines->max = max;
    lines->cap = max + AHEAD;
    lines->buf = apr_palloc(pool, lines->cap);
    *out = lines;
    return APS_OK;
}

/* Read behind what is there; false when there is no more. */
static bool fill(struct ctl_lines *lines)
{
    ssize_t got;

    if (lines->is_over)
        return false;
    if (lines->from > 0) {
        memmove(lines->buf, lines->buf + lines->from, lines->to - lines->from);
        lines->to -= lines->from;
        lines->from = 0;
    }
    do
        got = read(lines->fd, lines->buf + lines->to, lines->cap - lines->to);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        lines->fault = errno;
    lines->is_over = got <= 0;
    lines->to += got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* Up to the newline that ends the line at hand, or to the end; `seen` bytes have none. */
static const char *find_end(const struct ctl_lines *lines, size_t seen)
{
    return memchr(lines->buf + lines->from + seen, '\n', lines->to - lines->from - seen);
}

/* Pass over the rest of a line that is too long. */
static void skip(struct ctl_lines *lines)
{
    const char *end;

    do {
        end = find_end(lines, 0);
        lines->from = end != NULL ? (size_t)(end - lines->buf) + 1 : lines->to;
    } while (end == NULL && fill(lines));
}

bool ctl_lines_next(struct ctl_lines *lines, struct ctl_line *out)
{
    const char *end = find_end(lines, 0);
    size_t n = lines->to - lines->from;

    while (end == NULL && n <= lines->max && fill(lines)) {
        end = find_end(lines, n);
        n = lines->to - lines->from;
    }
    if (end != NULL)
        n = (size_t)(end - lines->buf) - lines->from;
    if (end == NULL && n == 0)
        return false;
    out->number = ++lines->number;
    out->is_cut = n > lines->max;
    out->text = (struct aps_str){lines->buf + lines->from, out->is_cut ? 0 : n};
    if (end == NULL && out->is_cut)
        skip(lines);
    else
        lines->from += end != NULL ? n + 1 : n;
    return true;
}

enum aps_err ctl_lines_check(const struct ctl_lines *lines, struct aps_diag *diag)
{
    if (lines->fault == 0)
        return APS_OK;
    aps_err_explain(diag, "%s cannot be read: %s", lines->path, strerror(lines->fault));
    return APS_ERR_IO;
}
