/* folder.c - the folders of a store: made, or taken over from a run that was killed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "own.h"

static enum aps_err fault(struct aps_diag *diag, const char *path, const char *what)
{
    char text[128];
    aps_err_explain(diag, "%s: cannot %s: %s", path, what, strerror_r(errno, text, sizeof text));
    return APS_ERR_IO;
}

bool aps_folder_is_ours(int fd, char out_name[256])
{
    static const char *const names[] = {".", "..", "pub", "master.key", "apisec.state"};
    bool ours = true;
    int copy = dup(fd);
    DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
    struct dirent *e;
    if (d == NULL) {
        if (copy >= 0)
            (void)close(copy); /* nothing was read yet */
        (void)snprintf(out_name, 256, "%s", "what cannot be listed");
        return false;
    }
    while (ours && (e = readdir(d)) != NULL) {
        bool known = strncmp(e->d_name, ".store.db.", 10) == 0 ||
                     strncmp(e->d_name, ".master.key.", 12) == 0;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known = known || strcmp(e->d_name, names[i]) == 0;
        if (!known)
            (void)snprintf(out_name, 256, "%s", e->d_name);
        ours = known;
    }
    (void)closedir(d); /* read only */
    return ours;
}

static enum aps_err dress(int fd, const char *path, mode_t mode, gid_t group, struct aps_diag *diag)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fault(diag, path, "look at it");
    if (st.st_gid != group && fchown(fd, (uid_t)-1, group) != 0) {
        (void)fault(NULL, path, "give it to the group");
        aps_err_explain(diag, "%s cannot be given to group %lu: be a member of it, or be root",
                        path, (unsigned long)group);
        return APS_ERR_IO;
    }
    return fchmod(fd, mode) == 0 ? APS_OK : fault(diag, path, "set its mode");
}

/* One thread only: the umask is all threads'. */
enum aps_err aps_folder_open(const char *path, int *out_fd, struct aps_diag *diag)
{
    struct stat st;
    /* Not mended afterwards: a run that is killed in between would leave what nobody can open. */
    mode_t mask = umask(077);
    int made = mkdir(path, 0700), error = errno;
    (void)umask(mask); /* always succeeds */
    errno = error;
    if (made != 0 && errno != EEXIST)
        return fault(diag, path, "make the folder");
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fault(diag, path, "open the folder");
    if (fstat(fd, &st) != 0 || st.st_uid != geteuid()) {
        (void)close(fd); /* read only */
        aps_err_explain(diag, "%s belongs to another account: chown %lu %s", path,
                        (unsigned long)geteuid(), path);
        return APS_ERR_UNSAFE;
    }
    *out_fd = fd;
    return APS_OK;
}

enum aps_err aps_folder_below(const char *path, gid_t group, struct aps_diag *diag)
{
    int below = -1;
    enum aps_err err = aps_folder_open(path, &below, diag);

    if (err != APS_OK)
        return err;
    err = dress(below, path, 0750, group, diag);
    (void)close(below); /* read only */
    return err;
}

enum aps_err aps_folder_dress(const char *dir, int fd, gid_t group, struct aps_diag *diag)
{
    char pub[APS_FILE_PATH_MAX];
    enum aps_err err;

    if ((err = dress(fd, dir, 0710, group, diag)) != APS_OK ||
        (err = aps_file_join(dir, "pub", pub, diag)) != APS_OK)
        return err;
    return aps_folder_below(pub, group, diag);
}
