/* masterpass.c - the passphrase of a master key: asked for, or read from its source. */
#include "masterpass.h"

#include <stdlib.h>
#include <unistd.h>

#include "apisec/keyline.h"
#include "apisec/master.h"
#include "input.h"

static enum aps_err ask(const char *what, const char *opt, struct aps_secret *out,
                        struct aps_diag *diag)
{
    struct aps_secret hold = {0};
    struct aps_str text = {0};
    enum aps_err err;

    if (!isatty(STDIN_FILENO)) {
        aps_err_explain(diag,
                        "the master key lies under a passphrase, and stdin is no terminal to ask "
                        "for it: give %s fd:N, credential:NAME, exec:PATH or file:PATH",
                        opt);
        return APS_ERR_CONFIRM;
    }
    err = ctl_input_secret(what, APS_KEYLINE_PASSPHRASE_MAX, &hold, &text, diag);
    if (err == APS_OK)
        err = aps_secret_copy(text.p, text.n, out);
    aps_secret_wipe(&hold);
    return err;
}

enum aps_err ctl_masterpass_ask(void *arg, struct aps_secret *out, struct aps_diag *diag)
{
    (void)arg;
    return ask("passphrase of the master key", "--master-passphrase", out, diag);
}

static enum aps_err ask_twice(const char *opt, struct aps_secret *out, struct aps_diag *diag)
{
    struct aps_secret one = {0};
    struct aps_secret two = {0};
    enum aps_err err = ask("new passphrase of the master key", opt, &one, diag);

    if (err == APS_OK)
        err = ask("the same once more", opt, &two, diag);
    if (err == APS_OK && (one.n != two.n || !aps_secret_equal(one.b, two.b, one.n))) {
        aps_err_explain(diag, "the two are not the same: nothing was changed");
        err = APS_ERR_CONFIRM;
    }
    if (err == APS_OK) {
        *out = one;
        one = (struct aps_secret){0};
    }
    aps_secret_wipe(&one);
    aps_secret_wipe(&two);
    return err;
}

enum aps_err ctl_masterpass_new(const char *source, const char *opt, struct aps_secret *out,
                                struct aps_diag *diag)
{
    const struct aps_master_from from = {.passphrase = source,
                                         .credentials = getenv("CREDENTIALS_DIRECTORY")};

    return source != NULL ? aps_master_passphrase(&from, out, diag) : ask_twice(opt, out, diag);
}

enum aps_err ctl_masterpass_kdf(const char *name, struct aps_stretch *out, struct aps_diag *diag)
{
    enum aps_stretch_kind kind = aps_stretch_usual();
    enum aps_err err = APS_OK;

    if (name != NULL)
        err = aps_stretch_parse_name(aps_str(name), &kind, diag);
    if (err == APS_OK)
        *out = aps_stretch_make(kind);
    return err;
}
