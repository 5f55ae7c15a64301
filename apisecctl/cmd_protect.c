/* cmd_protect.c - the file of the master key: put under a passphrase, and taken from it. */
#include "apisec/keyline.h"
#include "apisec/master.h"
#include "apisec/source.h"
#include "ctl.h"
#include "masterpass.h"

/* The key that the file has now, and the file's path. */
static enum aps_err load(struct ctl *c, const char **out_path)
{
    *out_path = ctl_place_master_path(&c->place);
    if (*out_path == NULL) {
        aps_err_explain(&c->diag,
                        "a master key that comes from elsewhere than a file is not written: want "
                        "--master-key file:PATH");
        return APS_ERR_USAGE;
    }
    return ctl_place_unlock(&c->place, true, &c->master, &c->diag);
}

static void show(struct ctl *c, const char *path, const char *kdf)
{
    ctl_output_row(c->out);
    ctl_output_str(c->out, "master_key", aps_str(path));
    ctl_output_str(c->out, "passphrase", aps_str(kdf));
    ctl_output_end(c->out);
}

enum aps_err ctl_protect(struct ctl *c)
{
    const char *source = ctl_command_value(&c->call, CTL_OPT_NEW_PASSPHRASE);
    struct aps_master_lock lock = {0};
    struct aps_secret passphrase = {0};
    const char *path = NULL;
    enum aps_err err = APS_OK;

    if ((err = ctl_masterpass_kdf(ctl_command_value(&c->call, CTL_OPT_KDF), &lock.how, &c->diag)) !=
        APS_OK)
        return err;
    if (source != NULL && (err = aps_source_check(source, "passphrase", &c->diag)) != APS_OK)
        return err;
    if ((err = load(c, &path)) != APS_OK ||
        (err = ctl_masterpass_new(source, "--new-passphrase", &passphrase, &c->diag)) != APS_OK)
        return err;
    lock.passphrase = aps_secret_str(&passphrase);
    err = aps_master_write(path, &c->master, &lock, &c->diag);
    aps_secret_wipe(&passphrase);
    if (err == APS_OK)
        show(c, path, aps_stretch_name(lock.how.kind));
    return err;
}

enum aps_err ctl_protect_no_more(struct ctl *c)
{
    const char *path = NULL;
    enum aps_err err;

    if ((err = load(c, &path)) != APS_OK ||
        (err = aps_master_write(path, &c->master, NULL, &c->diag)) != APS_OK)
        return err;
    show(c, path, NULL);
    return APS_OK;
}
