/* cmd_backup.c - the whole store as one encrypted file. */
#include <apr_strings.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apisec/backup.h"
#include "apisec/file.h"
#include "apisec/master.h"
#include "blob.h"
#include "ctl.h"
#include "passphrase.h"
#include "pour.h"

/* Where it goes. */
struct target {
    const char *name; /* for messages */
    int fd;
    struct aps_diag *diag;
};

static enum aps_err put(void *arg, const void *p, size_t n)
{
    const struct target *to = arg;
    const int fault = ctl_pour(to->fd, p, n);

    if (fault == 0)
        return APS_OK;
    aps_err_explain(to->diag, "%s cannot be written: %s; there is no backup", to->name,
                    strerror(fault));
    return APS_ERR_IO;
}

/* ---- for whom ---- */

static enum aps_err read_recipient(const char *path, struct aps_recipient *out,
                                   struct aps_diag *diag)
{
    struct aps_secret hold = {NULL, 0};
    struct aps_str pem;
    struct aps_diag why = {""};
    enum aps_err err =
        ctl_blob_read(path, false, "public key", APS_RECIPIENT_PEM_MAX, &hold, &pem, diag);

    if (err == APS_OK && (err = aps_recipient_pem(pem, out, &why)) != APS_OK)
        aps_err_explain(diag, "--to %s: %s", path, aps_err_say(err, &why));
    aps_secret_wipe(&hold);
    return err;
}

static enum aps_err read_recipients(struct ctl *c, struct aps_stream_for *out)
{
    const apr_array_header_t *files = c->call.values[CTL_OPT_TO];
    struct aps_recipient *to;
    enum aps_err err = APS_OK;

    if (c->call.values[CTL_OPT_PASSPHRASE] != NULL) {
        aps_err_explain(&c->diag, "--to and --passphrase: a backup is for recipients or for a "
                                  "passphrase, not for both; make two");
        return APS_ERR_USAGE;
    }
    if (files->nelts > APS_STREAM_LOCKS_MAX) {
        aps_err_explain(&c->diag, "--to is given %d times: a backup has at most %d recipients",
                        files->nelts, APS_STREAM_LOCKS_MAX);
        return APS_ERR_USAGE;
    }
    to = apr_pcalloc(c->pool, sizeof *to * (size_t)files->nelts);
    for (int i = 0; err == APS_OK && i < files->nelts; i++)
        err = read_recipient(APR_ARRAY_IDX(files, i, const char *), &to[i], &c->diag);
    *out = (struct aps_stream_for){.to = to, .n = (size_t)files->nelts};
    return err;
}

static enum aps_err read_whom(struct ctl *c, struct aps_secret *hold, struct aps_stream_for *out)
{
    if (c->call.values[CTL_OPT_TO] != NULL)
        return read_recipients(c, out);
    *out = (struct aps_stream_for){.n = 0};
    return ctl_passphrase_read(ctl_command_value(&c->call, CTL_OPT_PASSPHRASE), true, "--to FILE",
                               hold, &out->passphrase, &c->diag);
}

/* Longer than its digits and a newline: under a passphrase, which the backup's key would not be. */
static bool is_protected(const char *path)
{
    struct stat st;

    return stat(path, &st) != 0 || st.st_size > 2 * APS_MASTER_LEN + 1;
}

/* A key that lies in the store's folder is lost together with it, so it is saved together with it;
 * one that was put elsewhere, or under a passphrase, was meant to need something more. */
static enum aps_err read_master(struct ctl *c, bool *out)
{
    const char *path = ctl_place_master_path(&c->place);
    const char *own = apr_pstrcat(c->pool, c->place.store, "/master.key", NULL);
    bool with = c->call.values[CTL_OPT_WITH_MASTER_KEY] != NULL;
    bool without = c->call.values[CTL_OPT_WITHOUT_MASTER_KEY] != NULL;

    if (with && without) {
        aps_err_explain(&c->diag, "--with-master-key and --without-master-key: want one of them");
        return APS_ERR_USAGE;
    }
    *out = with || (!without && path != NULL && strcmp(path, own) == 0 && !is_protected(path));
    return APS_OK;
}

/* ---- where to ---- */

static enum aps_err to_stdout(struct ctl *c, const struct aps_backup_how *whom)
{
    struct aps_backup_how how = *whom;
    struct target to = {"stdout", STDOUT_FILENO, &c->diag};
    struct aps_backup_made made;

    if (isatty(STDOUT_FILENO) || ctl_output_is_json(c->out)) {
        aps_err_explain(&c->diag, "a backup on stdout is for a pipe or a file, without --json: "
                                  "name a file, or add > FILE");
        return APS_ERR_USAGE;
    }
    how.put = put;
    how.arg = &to;
    return aps_backup(c->store, &how, &made, &c->diag);
}

static enum aps_err write_file(struct ctl *c, const struct aps_backup_how *whom, const char *path,
                               struct aps_backup_made *out)
{
    struct aps_backup_how how = *whom;
    char temp[APS_FILE_PATH_MAX];
    struct target to = {.name = path, .diag = &c->diag};
    enum aps_err err;

    aps_file_sweep(path);
    if ((err = aps_file_temp(path, 0600, (gid_t)-1, temp, &to.fd, &c->diag)) != APS_OK)
        return err;
    how.put = put;
    how.arg = &to;
    err = aps_backup(c->store, &how, out, &c->diag);
    if (err == APS_OK)
        err = aps_file_replace(temp, to.fd, path, &c->diag);
    if (err != APS_OK)
        (void)unlink(temp); /* else the next backup of this name takes it */
    (void)close(to.fd);     /* synced, or gone */
    return err;
}

static void show(struct ctl *c, const char *path, const struct aps_backup_how *how,
                 const struct aps_backup_made *made)
{
    ctl_output_row(c->out);
    ctl_output_str(c->out, "backup", aps_str(path));
    ctl_output_u64(c->out, "generation", made->generation);
    ctl_output_time(c->out, "made_at", c->now);
    ctl_output_u64(c->out, "bytes", made->bytes);
    ctl_output_u64(c->out, "recipients", how->whom.n);
    ctl_output_str(c->out, "master_key",
                   how->with_master ? APS_STR_LIT("inside") : APS_STR_LIT("apart"));
    ctl_output_end(c->out);
}

static enum aps_err to_file(struct ctl *c, const struct aps_backup_how *how)
{
    char path[APS_FILE_PATH_MAX];
    struct aps_backup_made made;
    enum aps_err err = aps_file_locate(c->call.arg[0], geteuid(), path, &c->diag);

    if (err != APS_OK)
        return err;
    if (access(path, F_OK) == 0) {
        aps_err_explain(&c->diag,
                        "%s is there already: name another file, such as one with the "
                        "date, or move it away",
                        path);
        return APS_ERR_EXISTS;
    }
    if ((err = write_file(c, how, path, &made)) == APS_OK)
        show(c, path, how, &made);
    return err;
}

enum aps_err ctl_backup(struct ctl *c)
{
    struct aps_backup_how how = {.with_master = false};
    struct aps_secret hold = {NULL, 0};
    enum aps_err err = read_master(c, &how.with_master);

    if (err == APS_OK)
        err = read_whom(c, &hold, &how.whom);
    if (err == APS_OK)
        err = strcmp(c->call.arg[0], "-") == 0 ? to_stdout(c, &how) : to_file(c, &how);
    aps_secret_wipe(&hold);
    return err;
}
