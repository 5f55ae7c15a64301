/* input.c - what people answer. */
#include "input.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

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
