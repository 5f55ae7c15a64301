/* cmd_restore.c - a backup, verified, and put in place as the store. */
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apisec/backup.h"
#include "apisec/generation.h"
#include "apisec/master.h"
#include "blob.h"
#include "ctl.h"
#include "group.h"
#include "passphrase.h"

/* ---- the file ---- */

struct source {
    const char *name;
    int fd;
    struct aps_diag *diag;
};

static enum aps_err get(void *arg, void *p, size_t max, size_t *out_n)
{
    const struct source *from = arg;
    ssize_t got;

    while ((got = read(from->fd, p, max)) < 0 && errno == EINTR)
        continue;
    if (got < 0) {
        aps_err_explain(from->diag, "%s cannot be read: %s", from->name, strerror(errno));
        return APS_ERR_IO;
    }
    *out_n = (size_t)got;
    return APS_OK;
}

static enum aps_err open_file(struct ctl *c, struct source *out)
{
    const char *path = c->call.arg[0];

    *out = (struct source){"stdin", STDIN_FILENO, &c->diag};
    if (strcmp(path, "-") == 0)
        return APS_OK;
    out->name = path;
    out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (out->fd >= 0)
        return APS_OK;
    aps_err_explain(&c->diag, "%s cannot be opened: %s", path, strerror(errno));
    return errno == ENOENT || errno == ENOTDIR ? APS_ERR_NOT_FOUND : APS_ERR_IO;
}

/* ---- what opens it ---- */

static enum aps_err by_identity(struct ctl *c, const char *file, struct aps_stream_reader *stream)
{
    struct aps_secret hold = {NULL, 0};
    struct aps_recipient_own id = {.key = {NULL, 0}};
    struct aps_str pem;
    enum aps_err err =
        ctl_blob_read(file, true, "private key", APS_RECIPIENT_PEM_MAX, &hold, &pem, &c->diag);

    if (err == APS_OK)
        err = aps_recipient_own_pem(pem, &id, &c->diag);
    if (err == APS_OK)
        err = aps_stream_unlock_by(stream, &id, &c->diag);
    aps_recipient_own_wipe(&id);
    aps_secret_wipe(&hold);
    return err;
}

static enum aps_err by_passphrase(struct ctl *c, struct aps_stream_reader *stream)
{
    const char *source = ctl_command_value(&c->call, CTL_OPT_PASSPHRASE);
    struct aps_secret hold = {NULL, 0};
    struct aps_str text;
    enum aps_err err;

    if (!aps_stream_wants_passphrase(stream)) /* which says so, without asking for one */
        return aps_stream_unlock(stream, (struct aps_str){NULL, 0}, &c->diag);
    err = ctl_passphrase_read(source, false, "nothing else opens this backup", &hold, &text,
                              &c->diag);
    if (err == APS_OK)
        err = aps_stream_unlock(stream, text, &c->diag);
    aps_secret_wipe(&hold);
    return err;
}

static enum aps_err unlock(struct ctl *c, struct aps_stream_reader *stream)
{
    const char *identity = ctl_command_value(&c->call, CTL_OPT_IDENTITY);

    if (identity == NULL)
        return by_passphrase(c, stream);
    if (c->call.values[CTL_OPT_PASSPHRASE] != NULL) {
        aps_err_explain(&c->diag, "--identity and --passphrase: want the one that the backup was "
                                  "made for");
        return APS_ERR_USAGE;
    }
    return by_identity(c, identity, stream);
}

/* None is no fault yet: it may be inside. */
static enum aps_err load_master(struct ctl *c)
{
    struct aps_diag why = {""};
    enum aps_err err = ctl_place_unlock(&c->place, true, &c->master, &why);

    if (err == APS_ERR_NOT_FOUND && c->call.values[CTL_OPT_MASTER_KEY] == NULL)
        return APS_OK;
    if (err == APS_ERR_NOT_FOUND && ctl_place_master_path(&c->place) != NULL)
        return APS_OK;
    if (err != APS_OK)
        aps_err_explain(&c->diag, "%s", aps_err_say(err, &why));
    return err;
}

/* ---- what is asked for ---- */

static enum aps_err read_over(struct ctl *c, struct aps_restore_over *out)
{
    const apr_array_header_t *words = c->call.values[CTL_OPT_OVER];

    for (int i = 0; words != NULL && i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);

        if (strcmp(word, "newer") == 0) {
            out->newer = true;
        } else if (strcmp(word, "other") == 0) {
            out->other = true;
        } else if (strcmp(word, "damaged") == 0) {
            out->damaged = true;
        } else {
            aps_err_explain(&c->diag, "--over \"%s\": want newer, other or damaged", word);
            return APS_ERR_FORMAT;
        }
    }
    return APS_OK;
}

static enum aps_err read_reason(struct ctl *c, struct aps_str *out)
{
    *out = aps_str(ctl_command_value(&c->call, CTL_OPT_REASON));
    if (out->p == NULL || aps_str_is_text(*out))
        return APS_OK;
    aps_err_explain(&c->diag, "--reason: want 1 to 128 bytes of text without control characters");
    return APS_ERR_FORMAT;
}

/* A folder that is there keeps its group. */
static enum aps_err read_group(struct ctl *c, gid_t *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_GROUP);
    struct stat st;

    *out = (gid_t)-1;
    if (text == NULL && stat(c->place.store, &st) == 0 &&
        stat(apr_pstrcat(c->pool, c->place.store, "/pub", NULL), &st) == 0)
        return APS_OK;
    return ctl_group_read(text, out, &c->diag);
}

static void note_highest(void *arg, const struct aps_generation_use *use)
{
    uint64_t *highest = arg;

    if (use->generation > *highest)
        *highest = use->generation;
}

/* A process that runs takes no lower generation than it has seen; without a state file none
 * does. */
static uint64_t highest_served(struct ctl *c, const uint8_t *id)
{
    struct aps_state *state = NULL;
    uint64_t tag = 0, highest = 0;

    for (int i = 0; i < 8; i++)
        tag = tag << 8 | id[i];
    if (aps_state_attach(c->pool, c->place.state, &state, NULL) != APS_OK)
        return 0;
    aps_generation_each(state, tag, note_highest, &highest);
    aps_state_close(state);
    return highest;
}

/* ---- what is told ---- */

static void show_about(struct ctl *c, const struct aps_restore_about *about)
{
    ctl_output_row(c->out);
    ctl_output_time(c->out, "made_at", about->about.made_at);
    ctl_output_u64(c->out, "backup_generation", about->about.generation);
    ctl_output_str(c->out, "prefix", aps_str(about->prefix));
    ctl_output_u64(c->out, "keys", about->keys);
    ctl_output_u64(c->out, "bytes", about->bytes);
    ctl_output_str(c->out, "master_key",
                   about->has_master ? APS_STR_LIT("inside") : APS_STR_LIT("apart"));
}

static void show_done(struct ctl *c, const struct aps_restore_done *done)
{
    ctl_output_str(c->out, "store", aps_str(c->place.store));
    ctl_output_u64(c->out, "generation", done->generation);
    if (done->there != 0)
        ctl_output_u64(c->out, "generation_before", done->there);
    else
        ctl_output_null(c->out, "generation_before");
    ctl_output_u64(c->out, "kept_revoked", done->revoked);
    ctl_output_u64(c->out, "kept_rotated", done->rotated);
    ctl_output_u64(c->out, "kept_deleted", done->dropped);
    ctl_output_u64(c->out, "kept_secrets", done->secrets);
    ctl_output_u64(c->out, "kept_tokens", done->tokens);
    ctl_output_bool(c->out, "master_key_written", done->wrote_master);
}

/* ---- all of it ---- */

/* What is in place is a store whose last generation was not published, as after a command that was
 * killed there; opening it mends that. */
static enum aps_err publish(struct ctl *c, const struct aps_secret *master)
{
    const struct aps_store_open how = {
        .dir = c->place.store,
        .master = master,
        .mode = APS_STORE_WRITE,
        .now = c->now,
        .actor = &c->actor,
    };
    struct aps_diag why = {""};
    enum aps_err err = aps_store_open(&how, &c->store, &why);

    if (err == APS_OK)
        err = aps_store_commit(c->store, &why);
    if (err != APS_OK)
        aps_err_explain(&c->diag,
                        "the backup is in place, but httpd does not see it yet: %.300s; mend that "
                        "and run apisecctl %s publish",
                        aps_err_say(err, &why), c->place.options);
    return err;
}

static enum aps_err put_in_place(struct ctl *c, struct aps_restore *rs, bool *out_put)
{
    const struct aps_restore_about *about = aps_restore_about(rs);
    struct aps_master_from unlock = ctl_place_from(&c->place);
    struct aps_restore_put put = {
        .master_path = ctl_place_master_path(&c->place),
        .unlock = &unlock,
        .floor = highest_served(c, about->about.store_id),
        .dry_run = ctl_command_is_dry_run(&c->call),
    };
    struct aps_restore_done done;
    enum aps_err err;

    if ((err = read_over(c, &put.over)) != APS_OK ||
        (err = read_reason(c, &put.reason)) != APS_OK ||
        (err = read_group(c, &put.group)) != APS_OK ||
        (err = aps_restore_put(rs, &put, &done, &c->diag)) != APS_OK)
        return err;
    show_done(c, &done);
    *out_put = !put.dry_run;
    return APS_OK;
}

/* The key that was written is read again from where it lies, so that a restore that says it is done
 * has a store that opens. */
static enum aps_err reopen(struct ctl *c)
{
    enum aps_err err = APS_OK;

    aps_secret_wipe(&c->master);
    err = ctl_place_unlock(&c->place, true, &c->master, &c->diag);
    return err == APS_OK ? publish(c, &c->master) : err;
}

static enum aps_err restore(struct ctl *c, struct aps_stream_reader *stream)
{
    const struct aps_restore_how how = {c->place.store, &c->master, c->now, &c->actor};
    struct aps_restore *rs = NULL;
    bool is_put = false;
    enum aps_err err;

    if ((err = unlock(c, stream)) != APS_OK || (err = load_master(c)) != APS_OK ||
        (err = aps_restore_read(&how, stream, &rs, &c->diag)) != APS_OK)
        return err;
    show_about(c, aps_restore_about(rs));
    if (c->call.values[CTL_OPT_VERIFY] == NULL)
        err = put_in_place(c, rs, &is_put);
    ctl_output_end(c->out);
    aps_restore_free(rs);
    return err == APS_OK && is_put ? reopen(c) : err;
}

enum aps_err ctl_restore(struct ctl *c)
{
    struct aps_stream_reader *stream = NULL;
    struct source from = {.fd = -1};
    enum aps_err err;

    if ((err = open_file(c, &from)) != APS_OK)
        return err;
    if ((err = aps_stream_open(get, &from, &stream, &c->diag)) == APS_OK)
        err = restore(c, stream);
    aps_stream_close(stream);
    if (from.fd > STDIN_FILENO)
        (void)close(from.fd); /* only read */
    return err;
}
