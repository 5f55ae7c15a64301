/* masterfile.c - the store opened by a master key that another one may have followed. */
#include "masterfile.h"

#include <apr_strings.h>

#include "apisec/master_file.h"
#include "masterpass.h"

static enum aps_err open_with(struct ctl *c, enum aps_store_mode mode,
                              const struct aps_secret *master, struct aps_diag *diag)
{
    const struct aps_store_open how = {
        .dir = c->place.store,
        .master = master,
        .mode = mode,
        .now = c->now,
        .actor = &c->actor,
    };

    return aps_store_open(&how, &c->store, diag);
}

/* From another place, under the same passphrase. */
static enum aps_err load(const struct ctl *c, const char *source, struct aps_secret *out,
                         struct aps_diag *diag)
{
    struct aps_master_from from = ctl_place_from(&c->place);

    from.source = source;
    return aps_master_load_from(&from, out, diag);
}

static void take_master(struct ctl *c, struct aps_secret *master)
{
    aps_secret_wipe(&c->master);
    c->master = *master;
    *master = (struct aps_secret){NULL, 0};
}

/* ---- a rotation that was cut off ---- */

/* The key beside the old one, or that of --to, is the store's: then what is published has to carry
 * it before a server can be started with it. */
static enum aps_err go_on(struct ctl *c, const char *source, struct aps_diag *diag)
{
    struct aps_secret master = {NULL, 0};
    enum aps_err err;

    if ((err = load(c, source, &master, diag)) != APS_OK)
        return err;
    if ((err = open_with(c, APS_STORE_WRITE, &master, diag)) == APS_OK) {
        take_master(c, &master);
        c->finished = true;
        err = aps_store_commit(c->store, diag);
    }
    aps_secret_wipe(&master);
    return err;
}

/* The file has another key by now: somebody else has finished. */
static enum aps_err again(struct ctl *c)
{
    struct aps_secret master = {NULL, 0};
    enum aps_err err;

    if (load(c, c->place.master, &master, NULL) != APS_OK)
        return APS_ERR_KEY; /* told already */
    if (master.n == c->master.n && aps_secret_equal(master.b, c->master.b, master.n)) {
        aps_secret_wipe(&master);
        return APS_ERR_KEY;
    }
    take_master(c, &master);
    err = open_with(c, APS_STORE_WRITE, &c->master, &c->diag);
    return err;
}

/* What was told why the key in hand does not do stays, where no other one is found. */
static enum aps_err finish(struct ctl *c)
{
    const char *path = ctl_place_master_path(&c->place);
    const char *to = ctl_command_takes(c->call.command, CTL_OPT_COMPROMISED)
                         ? ctl_command_value(&c->call, CTL_OPT_TO)
                         : NULL;
    char next[APS_FILE_PATH_MAX];
    struct aps_diag why = {{0}};
    enum aps_err err = APS_ERR_KEY;

    if (path != NULL && aps_master_file_next(path, next, NULL) == APS_OK &&
        (err = go_on(c, apr_pstrcat(c->pool, "file:", next, NULL), &why)) == APS_OK)
        err = aps_master_file_take(path, &why);
    else if (c->store == NULL && to != NULL)
        err = go_on(c, to, &why);
    if (c->store == NULL)
        return again(c);
    if (err != APS_OK)
        aps_err_explain(&c->diag, "%s", aps_err_say(err, &why));
    return err;
}

enum aps_err ctl_masterfile_open(struct ctl *c, enum aps_store_mode mode)
{
    const char *path = ctl_place_master_path(&c->place);
    enum aps_err err;

    if ((err = ctl_place_unlock(&c->place, true, &c->master, &c->diag)) != APS_OK)
        return err;
    err = open_with(c, mode, &c->master, &c->diag);
    if (mode != APS_STORE_WRITE)
        return err;
    if (err == APS_ERR_KEY)
        err = finish(c);
    /* One that lies there yet is of a run that was killed before it came to count. */
    if (err == APS_OK && path != NULL)
        aps_master_file_drop(path);
    return err;
}

/* ---- a new key ---- */

/* The new file is under the passphrase that the old one is under. */
static enum aps_err read_lock(struct ctl *c, struct aps_secret *hold, struct aps_master_lock *lock,
                              const struct aps_master_lock **out)
{
    struct aps_master_from from = ctl_place_from(&c->place);
    struct aps_secret plain = {NULL, 0};
    enum aps_err err;

    *out = NULL;
    if (c->place.passphrase == NULL) {
        from.ask = NULL;
        err = aps_master_load_from(&from, &plain, NULL);
        aps_secret_wipe(&plain);
        if (err != APS_OK)
            aps_err_explain(&c->diag,
                            "the file of the master key is under a passphrase: say by "
                            "--master-passphrase where that comes from, so that the new key comes "
                            "under it too");
        return err == APS_OK ? APS_OK : APS_ERR_USAGE;
    }
    if ((err = aps_master_passphrase(&from, hold, &c->diag)) != APS_OK ||
        (err = ctl_masterpass_kdf(NULL, &lock->how, &c->diag)) != APS_OK)
        return err;
    lock->passphrase = aps_secret_str(hold);
    *out = lock;
    return APS_OK;
}

enum aps_err ctl_masterfile_next(struct ctl *c)
{
    const char *to = ctl_command_value(&c->call, CTL_OPT_TO);
    const char *path = ctl_place_master_path(&c->place);
    const struct aps_master_lock *locked = NULL;
    struct aps_master_lock lock = {.passphrase = {NULL, 0}};
    struct aps_secret hold = {NULL, 0};
    char next[APS_FILE_PATH_MAX];
    enum aps_err err;

    if (to != NULL)
        return load(c, to, &c->next, &c->diag);
    if (path == NULL) {
        aps_err_explain(&c->diag,
                        "the master key comes from %s, where nothing can be put: make the new one "
                        "there and name by --to where it lies",
                        c->place.master);
        return APS_ERR_USAGE;
    }
    if ((err = read_lock(c, &hold, &lock, &locked)) == APS_OK &&
        (err = aps_master_file_next(path, next, &c->diag)) == APS_OK)
        err = aps_master_file_make(ctl_command_is_dry_run(&c->call) ? NULL : next, locked, &c->next,
                                   &c->diag);
    aps_secret_wipe(&hold);
    return err;
}

enum aps_err ctl_masterfile_take(struct ctl *c)
{
    const char *path = ctl_place_master_path(&c->place);

    if (ctl_command_value(&c->call, CTL_OPT_TO) != NULL || path == NULL)
        return APS_OK;
    return aps_master_file_take(path, &c->diag);
}

void ctl_masterfile_drop(const struct ctl *c)
{
    const char *path = ctl_place_master_path(&c->place);

    if (path != NULL && ctl_command_value(&c->call, CTL_OPT_TO) == NULL)
        aps_master_file_drop(path);
}
