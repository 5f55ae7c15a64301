/* doctor_file.c - who may do what with the files of a store.
 *
 * file.h judges as every command does; this tells fault by fault what is wrong, with the command
 * that mends it. */
#include "doctor_file.h"

#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

#include "apisec/file.h"
#include "quote.h"

static const char *mode_text(apr_pool_t *pool, mode_t mode)
{
    return apr_psprintf(pool, "%03o", (unsigned)(mode & 07777));
}

static bool is_trusted(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

/* ---- folders on the way ---- */

/* As file.h has it. */
static bool group_may_write(const struct stat *st)
{
    return st->st_gid == 0 || (st->st_uid == geteuid() && st->st_gid == getegid());
}

static const char *folder_mend(apr_pool_t *pool, const char *path, const struct stat *st)
{
    const char *word = ctl_quote(pool, aps_str(path));

    if (!is_trusted(st->st_uid))
        return apr_psprintf(pool, "chown %lu %s", (unsigned long)geteuid(), word);
    if (st->st_mode & S_ISVTX)
        return NULL;
    if (st->st_mode & S_IWOTH)
        return apr_pstrcat(pool, "chmod o-w ", word, NULL);
    if ((st->st_mode & S_IWGRP) && !group_may_write(st))
        return apr_pstrcat(pool, "chmod g-w ", word, NULL);
    return NULL;
}

/* The first folder at fault of a path without symlinks, from / on; whether there is one.  What was
 * told of one file is not told of the next. */
static bool judge_folders(struct ctl_doctor *d, const char *path)
{
    apr_pool_t *pool = d->c->pool;
    bool found = false;

    for (size_t n = 1;; n++) {
        const char *here, *mend;
        struct stat st;

        while (path[n] != '\0' && path[n] != '/')
            n++;
        here = apr_pstrmemdup(pool, path, n);
        found = found || apr_hash_get(d->folders, here, APR_HASH_KEY_STRING) != NULL;
        if (!found && lstat(here, &st) == 0 && S_ISDIR(st.st_mode) &&
            (mend = folder_mend(pool, here, &st)) != NULL) {
            struct ctl_doctor_at at = {.path = here, .value = mend};

            found = true;
            apr_hash_set(d->folders, here, APR_HASH_KEY_STRING, here);
            ctl_doctor_find(d, CTL_DOCTOR_FOLDER_UNSAFE, &at,
                            "folder %s (uid %lu, gid %lu, mode %s): somebody else can replace what "
                            "is in it",
                            here, (unsigned long)st.st_uid, (unsigned long)st.st_gid,
                            mode_text(pool, st.st_mode));
        }
        if (path[n] == '\0')
            return found;
    }
}

static void judge_way(struct ctl_doctor *d, const char *folder)
{
    char out[APS_FILE_PATH_MAX];
    struct aps_diag why = {""};
    char *real;
    enum aps_err err = aps_file_folder(folder, geteuid(), out, &why);

    ctl_doctor_checked(d, CTL_DOCTOR_FOLDER_UNSAFE);
    if (err == APS_OK || err == APS_ERR_NOT_FOUND)
        return;
    real = realpath(folder, NULL);
    if (real == NULL || !judge_folders(d, apr_pstrdup(d->c->pool, real))) {
        struct ctl_doctor_at at = {.path = folder};

        at.value =
            apr_pstrcat(d->c->pool, "namei -l ", ctl_quote(d->c->pool, aps_str(folder)), NULL);
        ctl_doctor_find(d, CTL_DOCTOR_FOLDER_UNSAFE, &at, "%s", aps_err_say(err, &why));
    }
    free(real);
}

/* A folder of the store itself: its group may pass or read it, others nothing at all. */
static void judge_own_folder(struct ctl_doctor *d, const char *path, mode_t want)
{
    struct ctl_doctor_at at = {.path = path, .value = mode_text(d->c->pool, want)};
    struct stat st;

    ctl_doctor_checked(d, CTL_DOCTOR_FOLDER_OPEN);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07))
        ctl_doctor_find(d, CTL_DOCTOR_FOLDER_OPEN, &at,
                        "folder %s has mode %s, which lets others in: want %s", path,
                        mode_text(d->c->pool, st.st_mode), mode_text(d->c->pool, want));
}

/* ---- files ---- */

static const char *target_of(apr_pool_t *pool, const char *path)
{
    char *real = realpath(path, NULL);
    const char *target = real != NULL ? apr_pstrdup(pool, real) : path;

    free(real);
    return target;
}

static void judge_kind(struct ctl_doctor *d, const char *path, const struct stat *st)
{
    struct ctl_doctor_at at = {.path = path};

    if (S_ISLNK(st->st_mode)) {
        at.value = target_of(d->c->pool, path);
        ctl_doctor_find(d, CTL_DOCTOR_FILE_SYMLINK, &at, "%s is a symlink to %s", path, at.value);
        return;
    }
    ctl_doctor_find(d, CTL_DOCTOR_FILE_KIND, &at, "%s is no regular file", path);
}

/* `want` is the mode that it is made with, which is the most that it may have. */
static void judge_file(struct ctl_doctor *d, const char *path, mode_t want)
{
    struct ctl_doctor_at at = {.path = path};
    struct stat st;

    if (lstat(path, &st) != 0)
        return; /* what has to be there is asked for elsewhere */
    for (int id = CTL_DOCTOR_FILE_SYMLINK; id <= CTL_DOCTOR_FILE_MODE; id++)
        ctl_doctor_checked(d, (enum ctl_doctor_id)id);
    if (!S_ISREG(st.st_mode)) {
        judge_kind(d, path, &st);
        return;
    }
    if (st.st_nlink > 1)
        ctl_doctor_find(d, CTL_DOCTOR_FILE_LINKS, &at,
                        "%s has %lu names: what somebody does with another one is done with it",
                        path, (unsigned long)st.st_nlink);
    at.value = apr_psprintf(d->c->pool, "%lu", (unsigned long)geteuid());
    if (!is_trusted(st.st_uid))
        ctl_doctor_find(d, CTL_DOCTOR_FILE_OWNER, &at, "%s belongs to uid %lu: want root or uid %s",
                        path, (unsigned long)st.st_uid, at.value);
    at.value = mode_text(d->c->pool, want);
    if (st.st_mode & 07777 & ~want)
        ctl_doctor_find(d, CTL_DOCTOR_FILE_MODE, &at, "%s has mode %s: want %s or less", path,
                        mode_text(d->c->pool, st.st_mode), at.value);
}

/* ---- what was left behind ---- */

/* ".NAME.RANDOM" of aps_file_temp, of a file that lies here. */
static bool is_left(const char *name)
{
    static const char *const of[] = {".store.db", ".delta.db", ".master.key"};

    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        size_t n = strlen(of[i]);

        if (strncmp(name, of[i], n) == 0 && (name[n] == '.' || name[n] == '\0'))
            return true;
    }
    return false;
}

static void look_through(struct ctl_doctor *d, const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    if (dir == NULL)
        return; /* a folder that may not be read is told by what is in it */
    ctl_doctor_checked(d, CTL_DOCTOR_FILE_LEFT);
    ctl_doctor_checked(d, CTL_DOCTOR_FILE_BACKUP);
    while ((entry = readdir(dir)) != NULL) {
        struct ctl_doctor_at at = {.path =
                                       apr_pstrcat(d->c->pool, folder, "/", entry->d_name, NULL)};

        if (strncmp(entry->d_name, "store.db.before-", 16) == 0) {
            judge_file(d, at.path, 0600);
            ctl_doctor_find(d, CTL_DOCTOR_FILE_BACKUP, &at,
                            "%s was made by an upgrade, and holds what the store held then",
                            at.path);
        } else if (is_left(entry->d_name)) {
            ctl_doctor_find(d, CTL_DOCTOR_FILE_LEFT, &at,
                            "%s is of a command that is under way or was killed", at.path);
        }
    }
    (void)closedir(dir); /* read only */
}

/* ---- all of them ---- */

static bool is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static void judge_pub(struct ctl_doctor *d, const char *store)
{
    const char *pub = apr_pstrcat(d->c->pool, store, "/pub", NULL);
    struct ctl_doctor_at at = {.path = pub, .value = "root"};
    struct stat st;

    ctl_doctor_checked(d, CTL_DOCTOR_FOLDER_MISSING);
    if (!is_there(pub)) {
        if (stat(store, &st) == 0)
            at.value = apr_psprintf(d->c->pool, "%lu", (unsigned long)st.st_gid);
        ctl_doctor_find(d, CTL_DOCTOR_FOLDER_MISSING, &at,
                        "%s: the folder of the published copy is not there", pub);
        return;
    }
    judge_way(d, pub);
    judge_own_folder(d, pub, 0750);
    judge_file(d, apr_pstrcat(d->c->pool, pub, "/store.db", NULL), 0640);
    judge_file(d, apr_pstrcat(d->c->pool, pub, "/delta.db", NULL), 0640);
    look_through(d, pub);
}

static const char *folder_of(apr_pool_t *pool, const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL || slash == path ? "/"
                                          : apr_pstrmemdup(pool, path, (size_t)(slash - path));
}

bool ctl_doctor_file(struct ctl_doctor *d)
{
    apr_pool_t *pool = d->c->pool;
    const char *store = d->c->place.store;
    const char *master = ctl_place_master_path(&d->c->place);
    const char *db = apr_pstrcat(pool, store, "/store.db", NULL);
    struct stat st;

    judge_way(d, store);
    judge_own_folder(d, store, 0710);
    judge_file(d, db, 0600);
    judge_file(d, apr_pstrcat(pool, db, "-journal", NULL), 0600);
    if (master != NULL) {
        judge_way(d, folder_of(pool, master));
        judge_file(d, master, 0600);
    }
    if (is_there(d->c->place.state)) {
        judge_way(d, folder_of(pool, d->c->place.state));
        judge_file(d, d->c->place.state, 0600);
    }
    ctl_doctor_checked(d, CTL_DOCTOR_STORE_MISSING);
    if (lstat(db, &st) != 0) {
        struct ctl_doctor_at at = {.path = db};

        if (errno == ENOENT || errno == ENOTDIR)
            ctl_doctor_find(d, CTL_DOCTOR_STORE_MISSING, &at, "no store at %s", store);
        else
            ctl_doctor_unchecked(d, db, strerror(errno), "sudo apisecctl doctor");
        return false;
    }
    judge_pub(d, store);
    look_through(d, store);
    return true;
}

/* ---- by owners and modes ---- */

static bool is_member(const struct ctl_doctor_account *account, gid_t gid)
{
    gid_t groups[128];
    int n = sizeof groups / sizeof *groups;

    if (gid == account->gid)
        return true;
    if (account->name == NULL || getgrouplist(account->name, account->gid, groups, &n) < 0)
        return false;
    for (int i = 0; i < n; i++)
        if (groups[i] == gid)
            return true;
    return false;
}

static bool may(const struct stat *st, const struct ctl_doctor_account *account, mode_t bit)
{
    if (account->uid == 0)
        return true;
    if (st->st_uid == account->uid)
        return (st->st_mode & bit << 6) != 0;
    return (st->st_mode & (is_member(account, st->st_gid) ? bit << 3 : bit)) != 0;
}

const char *ctl_doctor_file_barrier(apr_pool_t *pool, const char *path,
                                    const struct ctl_doctor_account *account, const char **out_mend)
{
    for (size_t n = 1;; n++) {
        const char *here, *word;
        struct stat st;
        bool last;

        while (path[n] != '\0' && path[n] != '/')
            n++;
        last = path[n] == '\0';
        here = apr_pstrmemdup(pool, path, n);
        word = ctl_quote(pool, aps_str(here));
        if (stat(here, &st) != 0)
            return NULL;
        if (!may(&st, account, S_ISDIR(st.st_mode) ? 01 : 04)) {
            const char *bits = S_ISDIR(st.st_mode) ? "x" : "r";

            *out_mend = is_member(account, st.st_gid)
                            ? apr_psprintf(pool, "chmod g+%s %s", bits, word)
                            : apr_psprintf(pool, "chgrp %lu %s && chmod g+%s %s",
                                           (unsigned long)account->gid, word, bits, word);
            return here;
        }
        if (last)
            return NULL;
    }
}
