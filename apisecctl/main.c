/* main.c - options -> row -> store -> output -> exit code.
 *
 * Whatever a command does is committed and published before anything of it is printed, so that a
 * key that was shown is a key that is stored. */
#include <apr_general.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actor.h"
#include "ctl.h"
#include "input.h"
#include "masterfile.h"
#include "pager.h"
#include "suggest.h"

/* A closed stdin, stdout or stderr would be the number of the next file that is opened.  What is
 * put there for stdout cannot be written, so that output is never lost in silence. */
static bool hold_standard_fds(void)
{
    static const int flags[] = {O_RDONLY, O_RDONLY, O_WRONLY};

    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags[fd]) != fd)
            return false;
    return true;
}

/* Keys pass through this memory: no core dumps, no debugger of the same account.  New files are
 * closed to others whatever the caller's umask.  A closed pipe is an error of write. */
static bool protect_process(void)
{
    struct rlimit none = {0, 0};

    umask(077);
    return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0 &&
           signal(SIGPIPE, SIG_IGN) != SIG_ERR;
}

static bool is_dry_run(const struct ctl *c)
{
    return ctl_command_is_dry_run(&c->call) || c->call.values[CTL_OPT_PREVIEW] != NULL;
}

/* Before anything is changed for a caller who could not see the answer. */
static enum aps_err check_stdout(struct ctl *c)
{
    int flags = fcntl(STDOUT_FILENO, F_GETFL);

    if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY)
        return APS_OK;
    aps_err_explain(
        &c->diag,
        "stdout is not open for writing: nothing was done; run it on a terminal or with > FILE");
    return APS_ERR_IO;
}

/* The rows with --yes ask (CLI-11). */
static enum aps_err confirm(struct ctl *c)
{
    struct aps_str noun = ctl_command_words(c->call.command);
    struct aps_str verb = noun;

    if (!ctl_command_takes(c->call.command, CTL_OPT_YES) || is_dry_run(c) ||
        c->call.values[CTL_OPT_VERIFY] != NULL || c->call.values[CTL_OPT_YES] != NULL ||
        c->call.values[CTL_OPT_HELP] != NULL)
        return APS_OK;
    while (noun.n > 0 && noun.p[noun.n - 1] != ' ')
        noun.n--; /* the verb is the last word */
    verb.p += noun.n;
    verb.n -= noun.n;
    return ctl_input_confirm(
        apr_psprintf(c->pool, "%.*s %.*s%s", APS_STR_ARG(verb), APS_STR_ARG(noun), c->call.arg[0]),
        &c->diag);
}

static enum ctl_need need_of(const struct ctl *c)
{
    if (c->call.command->need == CTL_NEED_ARG)
        return c->call.nargs != 0 ? CTL_NEED_READ : CTL_NEED_NONE;
    if (c->call.command->need != CTL_NEED_PLAN)
        return c->call.command->need;
    return c->call.values[CTL_OPT_PLAN] != NULL ? CTL_NEED_READ : CTL_NEED_NONE;
}

static enum aps_err open_store(struct ctl *c)
{
    enum ctl_need need = need_of(c);
    struct stat there;
    enum aps_err err;

    if (need == CTL_NEED_NONE)
        return APS_OK;
    if (lstat(apr_pstrcat(c->pool, c->place.store, "/store.db", NULL), &there) != 0 &&
        (errno == ENOENT || errno == ENOTDIR)) {
        aps_err_explain(&c->diag, "no store at %s: make one with apisecctl %s init", c->place.store,
                        c->place.options);
        return APS_ERR_NOT_FOUND;
    }
    if (need != CTL_NEED_COPY)
        return ctl_masterfile_open(c, need == CTL_NEED_WRITE ? APS_STORE_WRITE : APS_STORE_READ);
    if ((err = ctl_place_unlock(&c->place, true, &c->master, &c->diag)) != APS_OK)
        return err;
    return ctl_place_copy(&c->place, &c->master, &c->copy, &c->diag);
}

/* A new secret that nobody saw is of no use, and its owner has to know. */
static void note_unseen(struct ctl *c)
{
    if (c->fresh_of != NULL)
        c->note = apr_psprintf(c->pool,
                               "; %s is stored, but its new text was not shown: get another one "
                               "with apisecctl %s %s",
                               c->fresh_of, c->place.options, c->fresh_again);
}

static enum aps_err finish_store(struct ctl *c)
{
    uint64_t before;
    enum aps_err err;

    if (c->call.command->need != CTL_NEED_WRITE || is_dry_run(c) || c->published)
        return APS_OK;
    before = aps_store_generation(c->store);
    err = aps_store_commit(c->store, &c->diag);
    if (err != APS_OK && aps_store_generation(c->store) != before)
        note_unseen(c); /* it is publishing that failed */
    return err;
}

static void close_store(struct ctl *c)
{
    aps_store_close(c->store);
    aps_snapshot_close(c->copy);
    c->store = NULL;
    c->copy = NULL;
}

/* Secrets go to the terminal and nowhere else. */
static bool wants_pager(const struct ctl *c)
{
    return c->terminal.is_terminal && !ctl_output_is_json(c->out) &&
           c->call.values[CTL_OPT_NO_PAGER] == NULL && !ctl_output_has_secret(c->out) &&
           !ctl_output_has_begun(c->out) &&
           ctl_output_rows(c->out, c->terminal.columns) >= c->terminal.rows;
}

/* Who leaves the pager has seen enough: that it does not read the rest is no failure. */
static bool print_by_pager(struct ctl *c)
{
    struct ctl_pager pager;
    enum aps_err err;

    if (!ctl_pager_open(&pager, c->actor.sudo[0] != '\0'))
        return false;
    err = ctl_output_write(c->out, pager.fd, NULL);
    (void)err; /* a reader that left, or a program that is not there: its exit code tells */
    return ctl_pager_close(&pager);
}

/* After the commit only the output can fail; nothing is lost by that, and the message says so. */
static enum aps_err print(struct ctl *c)
{
    enum aps_err err = APS_OK;

    if (!wants_pager(c) || !print_by_pager(c))
        err = ctl_output_write(c->out, STDOUT_FILENO, &c->diag);
    if (err == APS_OK && close(STDOUT_FILENO) != 0) {
        aps_err_explain(&c->diag, "stdout cannot be written: %s", strerror(errno));
        err = APS_ERR_IO;
    }
    if (err == APS_OK || is_dry_run(c))
        return err;
    if (c->call.command->need == CTL_NEED_WRITE)
        c->note = "; the change is stored and in force";
    note_unseen(c);
    return err;
}

static enum aps_err run(struct ctl *c)
{
    enum aps_err answer = APS_ERR_FAILED;
    enum aps_err err;

    if ((err = check_stdout(c)) != APS_OK || (err = confirm(c)) != APS_OK ||
        (err = open_store(c)) != APS_OK)
        goto out;
    answer = c->call.command->run(c);
    err = answer == APS_ERR_CHECK ? APS_OK : answer; /* the answer is to be printed all the same */
    if (err != APS_OK || (err = ctl_output_render(c->out, &c->diag)) != APS_OK ||
        (err = finish_store(c)) != APS_OK)
        goto out;
    if (c->wait.asked)
        ctl_wait_note(&c->wait, c->store);
    close_store(c); /* a reader that does not read stdout holds no lock, and no key */
    aps_secret_wipe(&c->master);
    aps_secret_wipe(&c->next);
    err = print(c);
    if (err == APS_OK)
        err = answer;
    if (err == APS_OK && c->wait.asked && !is_dry_run(c))
        err = ctl_wait(&c->wait, c->place.state, c->pool, &c->said, &c->diag);
out:
    if (err == APS_ERR_NOT_FOUND && c->note == NULL)
        c->note = ctl_suggest(c);
    close_store(c);
    aps_secret_wipe(&c->fresh);
    aps_secret_wipe(&c->master);
    aps_secret_wipe(&c->next);
    (void)prctl(PR_SET_DUMPABLE, 1); /* no key is left; a leak checker may look */
    return err;
}

static enum aps_err start(struct ctl *c, int argc, const char *const *argv)
{
    enum aps_err err;

    if ((err = ctl_command_parse(c->pool, argc, argv, &c->call, &c->diag)) != APS_OK ||
        (err = ctl_wait_read(&c->call, &c->wait, &c->diag)) != APS_OK ||
        (err = ctl_place_read(c->pool, &c->call, &c->place, &c->diag)) != APS_OK ||
        (err = ctl_terminal_read(&c->call, &c->terminal, &c->diag)) != APS_OK)
        return err;
    c->now = aps_clock_wall();
    c->actor = ctl_actor_read(c->pool, c->call.name);
    c->out = ctl_output_new(c->pool, c->call.values[CTL_OPT_JSON] != NULL);
    ctl_output_set_color(c->out, c->terminal.color);
    return run(c);
}

int main(int argc, const char *const *argv)
{
    struct ctl c = {0};
    enum aps_err err = APS_ERR_FAILED;

    if (!hold_standard_fds() || !protect_process() || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&c.pool, NULL) != APR_SUCCESS) {
        fputs("apisecctl: the process cannot be set up\n", stderr);
        return aps_err_exit(err);
    }
    err = start(&c, argc, argv);
    if (c.said != NULL)
        fprintf(stderr, "apisecctl: %s\n", c.said);
    if (err != APS_OK && (err != APS_ERR_CHECK || c.diag.text[0] != '\0'))
        fprintf(stderr, "apisecctl: %s%s\n", aps_err_say(err, &c.diag),
                c.note != NULL ? c.note : "");
    apr_pool_destroy(c.pool);
    apr_terminate();
    return aps_err_exit(err);
}
