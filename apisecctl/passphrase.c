/* passphrase.c - a passphrase, from a descriptor, a file or the terminal. */
#include "passphrase.h"

#include <unistd.h>

#include "blob.h"
#include "input.h"

enum { LEN_MIN = 16, LEN_MAX = 1024 };

static enum aps_err ask(bool is_new, struct aps_secret *hold, struct aps_str *out,
                        struct aps_diag *diag)
{
    struct aps_secret again = {NULL, 0};
    struct aps_str second = {NULL, 0};
    enum aps_err err = ctl_input_secret("passphrase", LEN_MAX, hold, out, diag);

    if (err == APS_OK && is_new)
        err = ctl_input_secret("the same passphrase again", LEN_MAX, &again, &second, diag);
    if (err == APS_OK && is_new &&
        (second.n != out->n || !aps_secret_equal(second.p, out->p, out->n))) {
        aps_err_explain(diag, "the two passphrases differ: nothing was done");
        err = APS_ERR_CONFIRM;
    }
    aps_secret_wipe(&again);
    return err;
}

enum aps_err ctl_passphrase_read(const char *source, bool is_new, const char *instead,
                                 struct aps_secret *hold, struct aps_str *out,
                                 struct aps_diag *diag)
{
    enum aps_err err;

    if (source == NULL && !isatty(STDIN_FILENO)) {
        aps_err_explain(diag,
                        "there is no terminal to ask for a passphrase: give %s, or --passphrase "
                        "with a file that nobody else can read or the number of a descriptor",
                        instead);
        return APS_ERR_USAGE;
    }
    err = source != NULL ? ctl_blob_read(source, true, "passphrase", LEN_MAX, hold, out, diag)
                         : ask(is_new, hold, out, diag);
    /* What encrypts a file can be tried without end by whoever has the file. */
    if (err == APS_OK && is_new && out->n < LEN_MIN) {
        aps_err_explain(diag,
                        "the passphrase has %zu bytes: want %d at least, such as six random words",
                        out->n, LEN_MIN);
        err = APS_ERR_RANGE;
    }
    return err;
}
