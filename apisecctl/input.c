/* input.c - what people answer. */
#include "input.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "blob.h"

#define CTRL_C 3

enum aps_err ctl_input_confirm(const char *question, struct aps_diag *diag)
{
    char answer[16];

    if (!isatty(STDIN_FILENO)) {
        aps_err_explain(diag, "%s needs a confirmation: stdin is not a terminal, so give --yes",
                        question);
        return APS_ERR_CONFIRM;
    }
    fprintf(stderr, "%s? [y/N] ", question);
    fflush(stderr);
    if (fgets(answer, sizeof answer, stdin) == NULL)
        answer[0] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    if (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0)
        return APS_OK;
    aps_err_explain(diag, "not confirmed: nothing was changed; answer y, or give --yes");
    return APS_ERR_CONFIRM;
}

/* ---- Secrets ---- */

/* A line as the terminal hands it over, Ctrl-C included. */
static enum aps_err read_line(size_t max, struct aps_secret *line, size_t *out_n,
                              struct aps_diag *diag)
{
    ssize_t got;
    enum aps_err err = aps_secret_new(max + 2, line);

    if (err != APS_OK)
        return err;
    while ((got = read(STDIN_FILENO, line->b, line->n)) < 0 && errno == EINTR)
        continue;
    if (got < 0) {
        aps_err_explain(diag, "the terminal cannot be read: %s", strerror(errno));
        return APS_ERR_IO;
    }
    *out_n = (size_t)got;
    return APS_OK;
}

/* The same without an echo.  Ctrl-C is a character that ends the line, and what else would end the
 * program waits, so that the terminal is never left as it is here. */
static enum aps_err ask_hidden(const char *what, size_t max, struct aps_secret *line, size_t *out_n,
                               struct aps_diag *diag)
{
    struct termios was, hidden;
    sigset_t ends, before;
    enum aps_err err;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    if (tcgetattr(STDIN_FILENO, &was) != 0 || sigprocmask(SIG_BLOCK, &ends, &before) != 0) {
        aps_err_explain(diag, "the terminal cannot be asked: %s", strerror(errno));
        return APS_ERR_IO;
    }
    hidden = was;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ISIG);
    hidden.c_lflag |= ICANON;
    hidden.c_cc[VEOL] = CTRL_C;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0) {
        fprintf(stderr, "%s (it is not shown): ", what);
        fflush(stderr);
        err = read_line(max, line, out_n, diag);
        fputc('\n', stderr);
    } else {
        aps_err_explain(diag, "the terminal cannot be asked without showing what is typed: %s",
                        strerror(errno));
        err = APS_ERR_IO;
    }
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was); /* a terminal that has gone needs nothing */
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return err;
}

static enum aps_err check_line(struct aps_str text, const char *what, size_t max,
                               struct aps_str *out, struct aps_diag *diag)
{
    if (text.n > 0 && text.p[text.n - 1] == CTRL_C) {
        aps_err_explain(diag, "cancelled: nothing was changed");
        return APS_ERR_CONFIRM;
    }
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    text = aps_str_trim(text);
    if (text.n == 0) {
        aps_err_explain(diag, "no %s came: nothing but white space", what);
        return APS_ERR_FORMAT;
    }
    if (text.n > max) {
        aps_err_explain(diag, "the %s is too long: want at most %zu bytes", what, max);
        return APS_ERR_RANGE;
    }
    *out = text;
    return APS_OK;
}

enum aps_err ctl_input_secret(const char *what, size_t max, struct aps_secret *hold,
                              struct aps_str *out, struct aps_diag *diag)
{
    size_t n = 0;
    enum aps_err err;

    if (!isatty(STDIN_FILENO))
        return ctl_blob_stdin(what, max, hold, out, diag);
    err = ask_hidden(what, max, hold, &n, diag);
    if (err == APS_OK)
        err = check_line((struct aps_str){(const char *)hold->b, n}, what, max, out, diag);
    return err;
}

enum aps_err ctl_input_value(const char *what, size_t max, struct aps_secret *hold,
                             struct aps_str *out, struct aps_diag *diag)
{
    return isatty(STDIN_FILENO) ? ctl_input_secret(what, max, hold, out, diag)
                                : ctl_blob_value(what, max, hold, out, diag);
}
