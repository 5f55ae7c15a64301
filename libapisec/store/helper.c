/* helper.c - a program that prints a secret. */
#include "helper.h"

#include <sys/wait.h>
#include <unistd.h>

#include "apisec/file.h"
#include "apisec/program.h"

#define HELPER_WAIT (10 * APS_SEC)

/* Its exit code, and what it printed. */
static enum aps_err judge(const char *source, int status, size_t n, size_t max,
                          struct aps_diag *diag)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        aps_err_explain(diag, "%s failed (%s %d); run it by hand to see why", source,
                        WIFEXITED(status) ? "exit code" : "signal",
                        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        return APS_ERR_FAILED;
    }
    if (n != 0)
        return APS_OK;
    aps_err_explain(diag, "%s printed nothing: want 1 to %zu bytes", source, max);
    return APS_ERR_RANGE;
}

static enum aps_err run(const char *source, const char *path, size_t max, struct aps_secret *out,
                        struct aps_diag *diag)
{
    const char *const argv[] = {path, NULL}, *const envp[] = {NULL};
    const struct aps_program program = {.argv = argv, .envp = envp, .wait = HELPER_WAIT};
    struct aps_secret text = {0};
    enum aps_program_end end;
    enum aps_err err;
    size_t n = 0;
    int status = 0;

    if ((err = aps_secret_new(max + 1, &text)) != APS_OK)
        return err;
    if ((err = aps_program_run(&program, text.b, max, &n, &end, &status, diag)) != APS_OK)
        goto out;
    if (end == APS_PROGRAM_LONG) {
        aps_err_explain(diag, "%s printed more than %zu bytes", source, max);
        err = APS_ERR_RANGE;
    } else if (end == APS_PROGRAM_LATE) {
        aps_err_explain(diag, "%s did not finish within 10 s", source);
        err = APS_ERR_IO;
    } else {
        err = judge(source, status, n, max, diag);
    }
    if (err == APS_OK)
        err = aps_secret_copy(text.b, n, out);
out:
    aps_secret_wipe(&text);
    return err;
}

enum aps_err aps_helper_run(const char *source, const char *path, size_t max,
                            struct aps_secret *out, struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_PUBLIC};
    char found[APS_FILE_PATH_MAX];
    struct stat st;
    enum aps_err err = aps_file_find(path, &want, found, &st, diag);
    if (err != APS_OK)
        return err;
    if (access(found, X_OK) != 0) {
        aps_err_explain(diag, "%s cannot be run: chmod u+x %s", found, found);
        return APS_ERR_UNSAFE;
    }
    return run(source, found, max, out, diag);
}
