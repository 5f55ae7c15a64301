/* blob.c - stdin, a descriptor or a file -> its text. */
#include "blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "apisec/file.h"
#include "apisec/num.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum aps_err trim(const struct aps_secret *hold, const char *what, struct aps_str *out,
                         struct aps_diag *diag)
{
    struct aps_str text = aps_secret_str(hold);

    while (text.n > 0 && is_space(text.p[text.n - 1]))
        text.n--;
    for (; text.n > 0 && is_space(*text.p); text.n--)
        text.p++;
    if (text.n == 0) {
        aps_err_explain(diag, "no %s came: nothing but white space", what);
        return APS_ERR_FORMAT;
    }
    *out = text;
    return APS_OK;
}

/* Up to `max` bytes and one more, which tells that there are too many. */
static enum aps_err read_fd(int fd, const char *what, size_t max, struct aps_secret *out,
                            struct aps_diag *diag)
{
    struct aps_secret text = {0};
    size_t n = 0;
    ssize_t got = 1;
    enum aps_err err = aps_secret_new(max + 1, &text);

    while (err == APS_OK && n <= max && got != 0) {
        got = read(fd, text.b + n, max + 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            aps_err_explain(diag, "the %s cannot be read from descriptor %d: %s", what, fd,
                            strerror(errno));
            err = APS_ERR_IO;
        } else {
            n += (size_t)got;
        }
    }
    if (err == APS_OK && n > max) {
        aps_err_explain(diag, "the %s is too long: want at most %zu bytes", what, max);
        err = APS_ERR_RANGE;
    }
    if (err != APS_OK) {
        aps_secret_wipe(&text);
        return err;
    }
    text.n = n;
    *out = text;
    return APS_OK;
}

enum aps_err ctl_blob_stdin(const char *what, size_t max, struct aps_secret *hold,
                            struct aps_str *out, struct aps_diag *diag)
{
    enum aps_err err;

    if (isatty(STDIN_FILENO)) {
        fprintf(stderr, "%s, then Enter and Ctrl-D: ", what);
        fflush(stderr);
    }
    if ((err = read_fd(STDIN_FILENO, what, max, hold, diag)) != APS_OK)
        return err;
    return trim(hold, what, out, diag);
}

enum aps_err ctl_blob_value(const char *what, size_t max, struct aps_secret *hold,
                            struct aps_str *out, struct aps_diag *diag)
{
    enum aps_err err = read_fd(STDIN_FILENO, what, max + 1, hold, diag);

    if (err != APS_OK)
        return err;
    *out = aps_secret_str(hold);
    if (out->n > 0 && out->p[out->n - 1] == '\n')
        out->n--;
    if (out->n == 0) {
        aps_err_explain(diag, "no %s came on stdin", what);
        return APS_ERR_FORMAT;
    }
    return APS_OK;
}

enum aps_err ctl_blob_file(const char *path, const char *what, size_t max, struct aps_secret *hold,
                           struct aps_diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum aps_err err;

    if (fd < 0) {
        aps_err_explain(diag, "%s \"%s\": %s; want a file, or the number of a descriptor", what,
                        path, strerror(errno));
        return errno == ENOENT || errno == ENOTDIR ? APS_ERR_NOT_FOUND : APS_ERR_IO;
    }
    err = read_fd(fd, what, max, hold, diag);
    (void)close(fd); /* it was only read */
    return err;
}

enum aps_err ctl_blob_read(const char *source, bool is_private, const char *what, size_t max,
                           struct aps_secret *hold, struct aps_str *out, struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_SHARED};
    uint64_t fd;
    enum aps_err err;

    if (strcmp(source, "-") == 0)
        return ctl_blob_stdin(what, max, hold, out, diag);
    if (aps_num_parse(aps_str(source), 0, 65535, &fd, NULL) == APS_OK)
        err = read_fd((int)fd, what, max, hold, diag);
    else if (is_private)
        err = aps_file_read(source, &want, max, hold, diag);
    else
        err = ctl_blob_file(source, what, max, hold, diag);
    return err == APS_OK ? trim(hold, what, out, diag) : err;
}
