/* terminal.c - what people sit at. */
#include "terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "near.h"

enum when { AUTO, ALWAYS, NEVER };

static const char *const words[] = {[AUTO] = "auto", [ALWAYS] = "always", [NEVER] = "never"};

static enum aps_err read_when(const char *text, enum when *out, struct aps_diag *diag)
{
    struct ctl_near near;

    ctl_near_init(&near, aps_str(text));
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = (enum when)i;
            return APS_OK;
        }
        ctl_near_try(&near, aps_str(words[i]));
    }
    aps_err_explain(diag, "--color \"%s\": want auto, always or never%s%s%s", text,
                    ctl_near_found(&near) != NULL ? " (did you mean " : "",
                    ctl_near_found(&near) != NULL ? ctl_near_found(&near) : "",
                    ctl_near_found(&near) != NULL ? "?)" : "");
    return APS_ERR_USAGE;
}

bool ctl_terminal_is_smart(int fd)
{
    const char *kind = getenv("TERM");

    return isatty(fd) && kind != NULL && kind[0] != '\0' && strcmp(kind, "dumb") != 0;
}

/* https://no-color.org: set, and not empty. */
static bool wants_color(enum when when)
{
    const char *none = getenv("NO_COLOR");

    if (when != AUTO)
        return when == ALWAYS;
    return ctl_terminal_is_smart(STDOUT_FILENO) && (none == NULL || none[0] == '\0');
}

enum aps_err ctl_terminal_read(const struct ctl_call *call, struct ctl_terminal *out,
                               struct aps_diag *diag)
{
    const char *text = ctl_command_value(call, CTL_OPT_COLOR);
    struct winsize size = {0};
    enum when when = AUTO;
    enum aps_err err;

    if (text != NULL && (err = read_when(text, &when, diag)) != APS_OK)
        return err;
    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size); /* what has no size gets the usual one */
    *out = (struct ctl_terminal){
        .is_terminal = isatty(STDOUT_FILENO),
        .color = wants_color(when),
        .rows = size.ws_row > 0 ? size.ws_row : 24,
        .columns = size.ws_col > 0 ? size.ws_col : 80,
    };
    return APS_OK;
}
