/* source.c - a secret from a file, a descriptor, a credential or a program. */
#include "apisec/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "apisec/file.h"
#include "apisec/num.h"
#include "helper.h"

enum { FD_MIN = 3, FD_MAX = 65535, HEX_KEY_MIN = 32 };

/* ---- the form ---- */

enum kind { NONE, FILE_, FD, CREDENTIAL, EXEC };

/* A name of a credential, and not a key that somebody wrote there. */
static bool is_credential(const char *name)
{
    bool hex = strspn(name, "0123456789abcdefABCDEF") == strlen(name);
    return aps_str_is_name(aps_str(name)) && !(hex && strlen(name) >= HEX_KEY_MIN);
}

static bool read_number(const char *text, uint64_t *out)
{
    return aps_num_parse(aps_str(text), FD_MIN, FD_MAX, out, NULL) == APS_OK;
}

/* *out_value is what stands behind the colon. */
static enum kind kind_of(const char *text, const char **out_value)
{
    uint64_t number;
    const char *colon = strchr(text, ':');
    if (colon == NULL)
        return NONE;
    struct aps_str word = {text, (size_t)(colon - text)};
    *out_value = colon + 1;
    bool path = colon[1] == '/' && colon[2] != '\0';
    if (aps_str_eq(word, APS_STR_LIT("file")) && path)
        return FILE_;
    if (aps_str_eq(word, APS_STR_LIT("exec")) && path)
        return EXEC;
    if (aps_str_eq(word, APS_STR_LIT("fd")) && read_number(colon + 1, &number))
        return FD;
    if (aps_str_eq(word, APS_STR_LIT("credential")) && is_credential(colon + 1))
        return CREDENTIAL;
    return NONE;
}

enum aps_err aps_source_check(const char *text, const char *what, struct aps_diag *diag)
{
    const char *value;
    if (kind_of(text, &value) != NONE)
        return APS_OK;
    /* The value is not repeated: it may be a key that somebody put where a path belongs. */
    aps_err_explain(diag,
                    "the source of a %s: want " APS_SOURCE_FORMS "; a %s itself is never taken "
                    "from here",
                    what, what);
    return APS_ERR_FORMAT;
}

/* ---- fd: ---- */

static int number_of(const char *value)
{
    uint64_t number = 0;
    return read_number(value, &number) ? (int)number : -1;
}

bool aps_source_keep_private(const char *text)
{
    const char *value = NULL;
    if (kind_of(text, &value) != FD)
        return false;
    int fd = number_of(value);
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0)
        (void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC); /* it is open, and takes that flag */
    return true;
}

/* A file that has a name is held to what file: asks of owner and mode; one without, such as of
 * memfd_create, is reached through descriptors alone. */
static enum aps_err check_fd(const struct aps_source *source, int fd, struct stat *out_stat,
                             struct aps_diag *diag)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        aps_err_explain(diag,
                        "%s: no such descriptor is open: the program has to be started with it, "
                        "such as by %d< FILE of a shell",
                        source->text, fd);
        return APS_ERR_NOT_FOUND;
    }
    if (!S_ISREG(st.st_mode) && (source->again || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))) {
        aps_err_explain(diag,
                        "%s is not a regular file%s: open a file or a memfd there, or use "
                        "credential:NAME or exec:PATH",
                        source->text,
                        source->again ? ", and a restart has to read it once more" : "");
        return APS_ERR_UNSAFE;
    }
    if (S_ISREG(st.st_mode) && st.st_nlink != 0 &&
        ((st.st_mode & APS_FILE_PRIVATE) != 0 || (st.st_uid != 0 && st.st_uid != geteuid()))) {
        aps_err_explain(diag,
                        "%s is a file of uid %lu, mode %04o: want one of root or uid %lu that "
                        "nobody else can open: chmod 600",
                        source->text, (unsigned long)st.st_uid, (unsigned)(st.st_mode & 07777),
                        (unsigned long)geteuid());
        return APS_ERR_UNSAFE;
    }
    *out_stat = st;
    return APS_OK;
}

/* From the beginning of a file, wherever others have read to; all that is left of a pipe. */
static ssize_t read_some(int fd, bool is_file, struct aps_secret *text, size_t at)
{
    ssize_t got;
    do {
        got = is_file ? pread(fd, text->b + at, text->n - at, (off_t)at)
                      : read(fd, text->b + at, text->n - at);
    } while (got < 0 && errno == EINTR);
    return got;
}

static enum aps_err read_fd(const struct aps_source *source, const char *value, size_t max,
                            struct aps_secret *out, struct aps_diag *diag)
{
    struct aps_secret text = {0};
    struct stat st;
    ssize_t got = 1;
    size_t n = 0;
    int fd = number_of(value);
    enum aps_err err = check_fd(source, fd, &st, diag);

    if (err != APS_OK || (err = aps_secret_new(max + 1, &text)) != APS_OK)
        return err;
    (void)aps_source_keep_private(source->text); /* it is fd:N */
    while (n < text.n && (got = read_some(fd, S_ISREG(st.st_mode), &text, n)) > 0)
        n += (size_t)got;
    if (got < 0) {
        aps_err_explain(diag, "%s cannot be read: want a descriptor that is open for reading",
                        source->text);
        err = APS_ERR_IO;
    } else if (n == 0 || n > max) {
        aps_err_explain(diag, "%s gives %s bytes: want 1 to %zu", source->text,
                        n == 0 ? "no" : "too many", max);
        err = APS_ERR_RANGE;
    } else {
        err = aps_secret_copy(text.b, n, out);
    }
    aps_secret_wipe(&text);
    return err;
}

/* ---- file:, credential: ---- */

static enum aps_err read_file(const struct aps_source *source, const char *path, size_t max,
                              struct aps_secret *out, struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_PRIVATE};
    enum aps_err err = aps_file_read(path, &want, max, out, diag);
    if (err == APS_ERR_NOT_FOUND)
        aps_err_explain(diag, "%s: no %s is there: put it back, or name where it lies (%s)", path,
                        source->what,
                        strcmp(source->what, "master key") == 0
                            ? "apisecctl --master-key, ApiSecMasterKey in httpd"
                            : "apisecctl --master-passphrase, ApiSecMasterPassphrase in httpd");
    return err;
}

/* systemd lets an account that is not root read by an ACL, which shows as a group's bit on a file
 * of root; a group of its own is nobody else's. */
static enum aps_err check_credential(const char *path, struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_SHARED};
    char found[APS_FILE_PATH_MAX];
    struct stat st;
    enum aps_err err = aps_file_find(path, &want, found, &st, diag);
    if (err != APS_OK || (st.st_mode & APS_FILE_PRIVATE) == 0 || (st.st_uid == 0 && st.st_gid == 0))
        return err;
    aps_err_explain(diag, "%s has mode %04o, open to group %lu: chmod 400 %s", found,
                    (unsigned)(st.st_mode & 07777), (unsigned long)st.st_gid, found);
    return APS_ERR_UNSAFE;
}

static enum aps_err read_credential(const struct aps_source *source, const char *name, size_t max,
                                    struct aps_secret *out, struct aps_diag *diag)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_SHARED};
    const char *folder = source->credentials;
    char path[APS_FILE_PATH_MAX];
    enum aps_err err;

    if (folder == NULL || folder[0] == '\0') {
        aps_err_explain(diag,
                        "%s: $CREDENTIALS_DIRECTORY is not set: start the program by a unit of "
                        "systemd with LoadCredential=%s:PATH",
                        source->text, name);
        return APS_ERR_NOT_FOUND;
    }
    if (folder[0] != '/') {
        aps_err_explain(diag, "%s: $CREDENTIALS_DIRECTORY is not an absolute path", source->text);
        return APS_ERR_UNSAFE;
    }
    if ((err = aps_file_join(folder, name, path, diag)) != APS_OK)
        return err;
    if ((err = check_credential(path, diag)) == APS_OK)
        err = aps_file_read(path, &want, max, out, diag);
    if (err == APS_ERR_NOT_FOUND)
        aps_err_explain(diag, "%s: %s is not there: the unit needs LoadCredential=%s:PATH",
                        source->text, path, name);
    return err;
}

/* ---- all ---- */

enum aps_err aps_source_read(const struct aps_source *source, size_t max, struct aps_secret *out,
                             struct aps_diag *diag)
{
    const char *value = NULL;
    switch (kind_of(source->text, &value)) {
    case FILE_:
        return read_file(source, value, max, out, diag);
    case FD:
        return read_fd(source, value, max, out, diag);
    case CREDENTIAL:
        return read_credential(source, value, max, out, diag);
    case EXEC:
        return aps_helper_run(source->text, value, max, out, diag);
    case NONE:
        break;
    }
    return aps_source_check(source->text, source->what, diag);
}
