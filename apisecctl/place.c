/* place.c - where the store, the state file and the master key are. */
#include "place.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <unistd.h>

#include "apisec/source.h"
#include "masterpass.h"
#include "quote.h"

#ifndef APS_DEFAULT_STORE
#define APS_DEFAULT_STORE "/var/lib/apisec"
#endif
#ifndef APS_DEFAULT_STATE
#define APS_DEFAULT_STATE "/var/lib/apisec/apisec.state"
#endif

static const char *choose(const struct ctl_call *call, enum ctl_opt opt, const char *env,
                          const char *otherwise)
{
    const char *value = ctl_command_value(call, opt);

    if (value == NULL)
        value = getenv(env);
    return value != NULL ? value : otherwise;
}

/* Without slashes at its end, below the current folder where it is relative. */
static enum aps_err make_absolute(apr_pool_t *pool, const char *what, const char *path,
                                  const char **out, struct aps_diag *diag)
{
    size_t n = strlen(path);
    char *here;

    if (n == 0) {
        aps_err_explain(diag, "%s is empty: want a path", what);
        return APS_ERR_USAGE;
    }
    while (n > 1 && path[n - 1] == '/')
        n--;
    path = apr_pstrmemdup(pool, path, n);
    if (path[0] != '/') {
        here = getcwd(NULL, 0);
        if (here == NULL) {
            aps_err_explain(diag, "%s \"%s\": the current folder is gone: want an absolute path",
                            what, path);
            return APS_ERR_IO;
        }
        path = apr_pstrcat(pool, here, "/", path, NULL);
        free(here);
    }
    *out = path;
    return APS_OK;
}

enum aps_err ctl_place_read(apr_pool_t *pool, const struct ctl_call *call, struct ctl_place *out,
                            struct aps_diag *diag)
{
    struct ctl_place place = {0};
    const char *master = ctl_command_value(call, CTL_OPT_MASTER_KEY);
    const char *passphrase = ctl_command_value(call, CTL_OPT_MASTER_PASSPHRASE);
    enum aps_err err;

    if ((err = make_absolute(pool, "the store's folder (--store, $APISEC_STORE)",
                             choose(call, CTL_OPT_STORE, "APISEC_STORE", APS_DEFAULT_STORE),
                             &place.store, diag)) != APS_OK ||
        (err = make_absolute(pool, "the state file (--state, $APISEC_STATE)",
                             choose(call, CTL_OPT_STATE, "APISEC_STATE", APS_DEFAULT_STATE),
                             &place.state, diag)) != APS_OK)
        return err;
    place.master =
        master != NULL ? master : apr_pstrcat(pool, "file:", place.store, "/master.key", NULL);
    if ((err = aps_master_check_source(place.master, diag)) != APS_OK ||
        (passphrase != NULL && (err = aps_source_check(passphrase, "passphrase", diag)) != APS_OK))
        return err;
    place.passphrase = passphrase;
    place.options =
        apr_pstrcat(pool, "--store ", place.store, master != NULL ? " --master-key " : "",
                    master != NULL ? master : "", passphrase != NULL ? " --master-passphrase " : "",
                    passphrase, NULL);
    place.given = apr_pstrcat(
        pool, ctl_command_value(call, CTL_OPT_STORE) != NULL ? " --store " : "",
        ctl_command_value(call, CTL_OPT_STORE) != NULL ? ctl_quote(pool, aps_str(place.store)) : "",
        master != NULL ? " --master-key " : "",
        master != NULL ? ctl_quote(pool, aps_str(master)) : "",
        passphrase != NULL ? " --master-passphrase " : "",
        passphrase != NULL ? ctl_quote(pool, aps_str(passphrase)) : "", NULL);
    *out = place;
    return APS_OK;
}

struct aps_master_from ctl_place_from(const struct ctl_place *place)
{
    return (struct aps_master_from){
        .source = place->master,
        .passphrase = place->passphrase,
        .ask = ctl_masterpass_ask,
        /* It names a folder; the keys themselves are never in the environment (SEC-08). */
        .credentials = getenv("CREDENTIALS_DIRECTORY"),
    };
}

enum aps_err ctl_place_unlock(const struct ctl_place *place, bool may_ask, struct aps_secret *out,
                              struct aps_diag *diag)
{
    struct aps_master_from from = ctl_place_from(place);

    if (!may_ask)
        from.ask = NULL;
    return aps_master_load_from(&from, out, diag);
}

const char *ctl_place_master_path(const struct ctl_place *place)
{
    return strncmp(place->master, "file:", 5) == 0 ? place->master + 5 : NULL;
}

enum aps_err ctl_place_copy(const struct ctl_place *place, const struct aps_secret *master,
                            struct aps_snapshot **out, struct aps_diag *diag)
{
    struct aps_snapshot_options options = {
        .store = place->store,
        .master = master,
        .owner = getuid(),
    };

    return aps_snapshot_open(&options, out, diag);
}
