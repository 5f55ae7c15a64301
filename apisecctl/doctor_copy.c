/* doctor_copy.c - the published copy, as httpd's children see it. */
#include "doctor_copy.h"

#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apisec/digest.h"
#include "doctor_file.h"

/* ---- who they are ---- */

enum aps_err ctl_doctor_copy_account_named(struct ctl_doctor *d, const char *user,
                                           const char *group)
{
    const struct passwd *account = getpwnam(user);
    const struct group *of = group != NULL ? getgrnam(group) : NULL;

    if (account == NULL || (group != NULL && of == NULL)) {
        aps_err_explain(&d->c->diag,
                        "no %s \"%s\": want the name of the account of httpd's children",
                        account == NULL ? "account" : "group", account == NULL ? user : group);
        return APS_ERR_NOT_FOUND;
    }
    d->account = (struct ctl_doctor_account){apr_pstrdup(d->c->pool, user), account->pw_uid,
                                             of != NULL ? of->gr_gid : account->pw_gid};
    return APS_OK;
}

void ctl_doctor_copy_account(struct ctl_doctor *d)
{
    static const char *const accounts[] = {"www-data", "apache", "nobody"};
    const struct passwd *own = geteuid() != 0 ? getpwuid(geteuid()) : NULL;

    for (size_t i = 0; geteuid() == 0 && i < sizeof accounts / sizeof *accounts; i++)
        if (getpwnam(accounts[i]) != NULL) {
            enum aps_err err = ctl_doctor_copy_account_named(d, accounts[i], NULL);

            (void)err; /* it is there */
            return;
        }
    if (geteuid() != 0)
        d->account = (struct ctl_doctor_account){own != NULL ? apr_pstrdup(d->c->pool, own->pw_name)
                                                             : "the caller",
                                                 geteuid(), getegid()};
}

/* ---- what the child says ---- */

struct answer {
    int err; /* enum aps_err; -1: it cannot be that account */
    uint64_t generation;
    char text[sizeof(struct aps_diag)];
};

/* With all that the account's child has, and nothing that root has. */
static bool become(const struct ctl_doctor_account *account)
{
    if (geteuid() != 0)
        return account->uid == geteuid();
    return initgroups(account->name, account->gid) == 0 && setgid(account->gid) == 0 &&
           setuid(account->uid) == 0 && (account->uid == 0 || setuid(0) != 0);
}

/* The first API that cannot be used. */
static void note_api(void *arg, struct aps_str name, const char *kind, const char *why)
{
    struct answer *out = arg;

    if (why == NULL || out->err != APS_OK)
        return;
    out->err = APS_ERR_UNSAFE;
    (void)snprintf(out->text, sizeof out->text, "%s %.*s: %s", kind, APS_STR_ARG(name), why);
}

/* The uid that httpd is started by may own the copy, whoever its children are. */
static void look(const struct ctl *c, uid_t owner, bool apis, struct answer *out)
{
    const struct aps_snapshot_options options = {
        .store = c->place.store, .master = &c->master, .owner = owner};
    struct aps_snapshot *copy = NULL;
    struct aps_diag why = {""};

    out->err = (int)aps_snapshot_open(&options, &copy, &why);
    if (out->err == APS_OK)
        out->generation = aps_snapshot_generation(copy);
    else
        memcpy(out->text, why.text, sizeof out->text);
    if (copy != NULL && apis)
        aps_snapshot_api_each(copy, c->pool, note_api, out);
    aps_snapshot_close(copy);
}

static void answer_and_exit(const struct ctl_doctor *d, int fd)
{
    struct answer answer = {.err = -1};
    uid_t owner = getuid();

    if (become(&d->account))
        look(d->c, owner, d->first[CTL_DOCTOR_API_USELESS] == 0, &answer);
    _exit(write(fd, &answer, sizeof answer) == (ssize_t)sizeof answer ? 0 : 1);
}

/* False: nobody could be asked. */
static bool ask(const struct ctl_doctor *d, struct answer *out)
{
    ssize_t n = -1;
    int ends[2], status = 0;
    pid_t pid;

    if (pipe(ends) != 0)
        return false;
    pid = fork();
    if (pid == 0)
        answer_and_exit(d, ends[1]);
    (void)close(ends[1]); /* the child's */
    if (pid > 0) {
        while ((n = read(ends[0], out, sizeof *out)) < 0 && errno == EINTR)
            continue;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    (void)close(ends[0]); /* read only */
    out->text[sizeof out->text - 1] = '\0';
    return n == (ssize_t)sizeof *out && out->err >= 0;
}

/* ---- findings ---- */

static const char *copy_path(const struct ctl_doctor *d)
{
    return apr_pstrcat(d->c->pool, d->c->place.store, "/pub/store.db", NULL);
}

static void tell_barrier(struct ctl_doctor *d, const char *why)
{
    const char *mend = NULL;
    const char *path = ctl_doctor_file_barrier(d->c->pool, copy_path(d), &d->account, &mend);
    const char *delta = apr_pstrcat(d->c->pool, d->c->place.store, "/pub/delta.db", NULL);
    struct ctl_doctor_at at = {.path = path};

    if (path == NULL)
        at.path = path = ctl_doctor_file_barrier(d->c->pool, delta, &d->account, &mend);
    if (path == NULL && why == NULL)
        return;
    at.value = mend != NULL ? mend : apr_pstrcat(d->c->pool, "namei -l ", copy_path(d), NULL);
    if (path != NULL)
        ctl_doctor_find(d, CTL_DOCTOR_COPY_UNREACHABLE, &at,
                        "%s, as whom httpd's children run, may not pass or read %s",
                        d->account.name, path);
    else
        ctl_doctor_find(d, CTL_DOCTOR_COPY_UNREACHABLE, &at, "%s, as whom httpd's children run: %s",
                        d->account.name, why);
}

static void judge_as_child(struct ctl_doctor *d)
{
    struct answer answer = {.err = -1};

    ctl_doctor_checked(d, CTL_DOCTOR_COPY_UNREACHABLE);
    if (d->account.name == NULL) {
        ctl_doctor_unchecked(d, "the copy as httpd's children see it",
                             "no account of theirs is known", "apisecctl doctor --user www-data");
        return;
    }
    if (geteuid() != 0 && d->account.uid != geteuid()) {
        tell_barrier(d, NULL); /* only root can be somebody else: by owners and modes */
        return;
    }
    if (!ask(d, &answer))
        ctl_doctor_unchecked(d, "the copy as httpd's children see it",
                             apr_psprintf(d->c->pool, "no process can run as %s", d->account.name),
                             "sudo apisecctl doctor");
    else if (answer.err != APS_OK)
        tell_barrier(d,
                     answer.text[0] != '\0' ? answer.text : aps_err_text((enum aps_err)answer.err));
}

static void cannot_open(struct ctl_doctor *d, enum aps_err err, const struct aps_diag *why)
{
    struct ctl_doctor_at at = {.path = copy_path(d)};

    if (err == APS_ERR_NOT_FOUND)
        ctl_doctor_find(d, CTL_DOCTOR_COPY_MISSING, &at, "%s", aps_err_say(err, why));
    else if (err == APS_ERR_CORRUPT || err == APS_ERR_NEWER || err == APS_ERR_CONFLICT)
        ctl_doctor_find(d, CTL_DOCTOR_COPY_DAMAGED, &at, "%s", aps_err_say(err, why));
    else if (err != APS_ERR_UNSAFE && err != APS_ERR_KEY) /* which have findings of their own */
        ctl_doctor_unchecked(d, "the published copy", aps_err_say(err, why),
                             "sudo apisecctl doctor");
}

/* ---- what is compiled of APIs ---- */

static void judge_api(void *arg, struct aps_str name, const char *kind, const char *why)
{
    struct ctl_doctor *d = arg;
    struct ctl_doctor_at at = {.name = apr_pstrmemdup(d->c->pool, name.p, name.n)};

    if (why != NULL)
        ctl_doctor_find(d, CTL_DOCTOR_API_USELESS, &at, "%s %s: %s", kind, at.name, why);
}

/* Files of APIs bear digests as names; those that nobody names any more publishing removes. */
static bool is_of_an_api(const char *name)
{
    size_t digits;

    name += name[0] == '.'; /* of a command that was killed, or is at work */
    digits = strspn(name, "0123456789abcdef");
    return digits == 2 * APS_DIGEST_LEN && (name[digits] == '\0' || name[digits] == '.');
}

static void look_for_foreign(struct ctl_doctor *d)
{
    const char *folder = apr_pstrcat(d->c->pool, d->c->place.store, "/pub/api", NULL);
    DIR *dir = opendir(folder);
    struct dirent *e;

    ctl_doctor_checked(d, CTL_DOCTOR_API_FOREIGN);
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        struct ctl_doctor_at at = {.name = apr_pstrdup(d->c->pool, e->d_name)};

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || is_of_an_api(e->d_name))
            continue;
        at.path = apr_pstrcat(d->c->pool, folder, "/", e->d_name, NULL);
        ctl_doctor_find(d, CTL_DOCTOR_API_FOREIGN, &at, "%s is no file of an API", at.path);
    }
    if (dir != NULL)
        (void)closedir(dir); /* read only */
}

void ctl_doctor_copy(struct ctl_doctor *d)
{
    struct aps_snapshot *copy = NULL;
    struct aps_diag why = {""};
    enum aps_err err;

    if (!d->has_master)
        return; /* which is told; nobody can open it */
    ctl_doctor_checked(d, CTL_DOCTOR_COPY_MISSING);
    ctl_doctor_checked(d, CTL_DOCTOR_COPY_DAMAGED);
    err = ctl_place_copy(&d->c->place, &d->c->master, &copy, &why);
    if (err != APS_OK) {
        cannot_open(d, err, &why);
        tell_barrier(d, NULL);
        return;
    }
    d->published = aps_snapshot_generation(copy);
    ctl_doctor_checked(d, CTL_DOCTOR_API_USELESS);
    aps_snapshot_api_each(copy, d->c->pool, judge_api, d);
    look_for_foreign(d);
    aps_snapshot_close(copy);
    judge_as_child(d);
}

void ctl_doctor_copy_compare(struct ctl_doctor *d)
{
    struct ctl_doctor_at at = {.path = copy_path(d)};
    uint64_t wanted = aps_store_generation(d->c->store);

    if (d->published == 0)
        return;
    ctl_doctor_checked(d, CTL_DOCTOR_COPY_OLD);
    if (d->published != wanted)
        ctl_doctor_find(d, CTL_DOCTOR_COPY_OLD, &at,
                        "generation %" APR_UINT64_T_FMT
                        " is published, the store has %" APR_UINT64_T_FMT
                        ": httpd does not see the newest changes",
                        d->published, wanted);
}
