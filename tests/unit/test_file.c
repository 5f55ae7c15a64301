#include "t_store.h"

#include <errno.h>
#include <sys/un.h>
#include <sys/socket.h>

#include "apisec/file.h"

static struct t_store t;

static int set_up(void **state)
{
    (void)state;
    t_top(&t);
    return mkdir(t.dir, 0700);
}

static int tear_down(void **state)
{
    (void)state;
    t_end(&t);
    return 0;
}

static void make(const char *path, mode_t mode)
{
    t_write(path, "secret", 6);
    assert_int_equal(chmod(path, mode), 0);
}

static enum aps_err find(const char *path, mode_t forbid)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = forbid};
    char out[APS_FILE_PATH_MAX];
    struct stat st;
    t.diag.text[0] = '\0';
    return aps_file_find(path, &want, out, &st, &t.diag);
}

/* SEC-09, CLI-06: each mode against each demand, and the command that mends it. */
static void modes_are_checked(void **state)
{
    static const struct {
        mode_t mode, forbid;
        enum aps_err want;
        const char *mend;
    } cases[] = {
        {0600, APS_FILE_PRIVATE, APS_OK, ""},
        {0400, APS_FILE_PRIVATE, APS_OK, ""},
        {0640, APS_FILE_PRIVATE, APS_ERR_UNSAFE, "chmod 600 "},
        {0604, APS_FILE_PRIVATE, APS_ERR_UNSAFE, "chmod 600 "},
        {0610, APS_FILE_PRIVATE, APS_ERR_UNSAFE, "chmod 600 "},
        {0640, APS_FILE_SHARED, APS_OK, ""},
        {0600, APS_FILE_SHARED, APS_OK, ""},
        {0660, APS_FILE_SHARED, APS_ERR_UNSAFE, "chmod 640 "},
        {0644, APS_FILE_SHARED, APS_ERR_UNSAFE, "chmod 640 "},
        {0644, APS_FILE_PUBLIC, APS_OK, ""},
        {0755, APS_FILE_PUBLIC, APS_OK, ""},
        {0664, APS_FILE_PUBLIC, APS_ERR_UNSAFE, "chmod 644 "},
        {0646, APS_FILE_PUBLIC, APS_ERR_UNSAFE, "chmod 644 "},
    };
    char *path = t_path(&t, "f");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make(path, cases[i].mode);
        assert_int_equal(find(path, cases[i].forbid), cases[i].want);
        if (cases[i].want != APS_OK) {
            assert_non_null(strstr(t.diag.text, path));
            assert_non_null(strstr(t.diag.text, cases[i].mend));
        }
        assert_int_equal(unlink(path), 0);
    }
}

/* SEC-09: anything but a regular file with one name; a FIFO never blocks. */
static void only_regular_files_with_one_name(void **state)
{
    char *real = t_path(&t, "real"), *path = t_path(&t, "f");
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;

    make(real, 0600);
    assert_int_equal(symlink("real", path), 0);
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "symlink"));
    assert_int_equal(unlink(path), 0);

    assert_int_equal(link(real, path), 0);
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_ERR_UNSAFE);
    assert_int_equal(find(real, APS_FILE_PRIVATE), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "2 names"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(find(real, APS_FILE_PRIVATE), APS_OK);

    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "FIFO"));
    assert_int_equal(unlink(path), 0);

    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "folder"));
    assert_int_equal(rmdir(path), 0);

    (void)snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    assert_int_equal(bind(s, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "socket"));
    (void)close(s);

    assert_int_equal(find("/dev/null", APS_FILE_PRIVATE), APS_ERR_UNSAFE);
    assert_int_equal(find(t_path(&t, "nothing"), APS_FILE_PRIVATE), APS_ERR_NOT_FOUND);
    assert_int_equal(find(t_path(&t, "nothing/at/all"), APS_FILE_PRIVATE), APS_ERR_NOT_FOUND);
    assert_int_equal(find(t_path(&t, ".."), APS_FILE_PRIVATE), APS_ERR_UNSAFE);
    assert_int_equal(find(t_path(&t, ""), APS_FILE_PRIVATE), APS_ERR_UNSAFE);
}

/* SEC-09: a folder that others can write makes everything below it unsafe, unless sticky. */
static void folders_are_checked_up_to_the_root(void **state)
{
    static const struct {
        mode_t mode;
        enum aps_err want;
        const char *mend;
    } cases[] = {
        {0700, APS_OK, ""},
        {0711, APS_OK, ""},
        {0755, APS_OK, ""},
        {0777, APS_ERR_UNSAFE, "chmod o-w "},
        {0707, APS_ERR_UNSAFE, "chmod o-w "},
        {01777, APS_OK, ""},
    };
    char *a = t_path(&t, "a"), *path = t_path(&t, "a/b/f");
    (void)state;
    assert_int_equal(mkdir(a, 0700), 0);
    assert_int_equal(mkdir(t_path(&t, "a/b"), 0700), 0);
    make(path, 0600);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(chmod(a, cases[i].mode), 0);
        assert_int_equal(find(path, APS_FILE_PRIVATE), cases[i].want);
        if (cases[i].want != APS_OK) {
            assert_non_null(strstr(t.diag.text, cases[i].mend));
            assert_non_null(strstr(t.diag.text, a));
        }
    }
}

/* The folder's group may write where it is root's or the caller's own; nobody else's may. */
static void a_writing_group_is_ours_or_roots(void **state)
{
    char *a = t_path(&t, "a"), *path = t_path(&t, "a/f");
    (void)state;
    assert_int_equal(mkdir(a, 0700), 0);
    make(path, 0600);
    assert_int_equal(chmod(a, 0770), 0);
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_OK);
    if (geteuid() != 0)
        skip(); /* only root has another group for certain */
    assert_int_equal(chown(a, 0, 12345), 0);
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "chmod g-w "));
}

/* SEC-09: a file or folder of another account. */
static void owners_are_checked(void **state)
{
    char *a = t_path(&t, "a"), *path = t_path(&t, "a/f");
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give files away */
    assert_int_equal(mkdir(a, 0700), 0);
    make(path, 0600);
    assert_int_equal(chown(path, 12345, 0), 0);
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "chown 0 "));
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(chown(a, 12345, 0), 0);
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_ERR_UNSAFE);

    /* The same is fine for who trusts that account; root is always trusted. */
    const struct aps_file_want want = {.owner = 12345, .forbid = APS_FILE_PRIVATE};
    char out[APS_FILE_PATH_MAX];
    struct stat st;
    t_want(APS_OK, aps_file_find(path, &want, out, &st, &t.diag), &t.diag);
}

/* Symlinks among the folders are followed, and what lies on their way is checked too. */
static void symlinks_on_the_way_are_followed_and_checked(void **state)
{
    char out[APS_FILE_PATH_MAX], real[APS_FILE_PATH_MAX];
    (void)state;
    assert_int_equal(mkdir(t_path(&t, "real"), 0700), 0);
    assert_int_equal(mkdir(t_path(&t, "open"), 0700), 0);
    make(t_path(&t, "real/f"), 0600);
    t_want(APS_OK, aps_file_folder(t_path(&t, "real"), geteuid(), real, &t.diag), &t.diag);
    assert_int_equal(symlink("../real", t_path(&t, "open/way")), 0);
    assert_int_equal(symlink(t_path(&t, "real"), t_path(&t, "absolute")), 0);
    assert_int_equal(symlink("loop", t_path(&t, "loop")), 0);

    t_want(APS_OK, aps_file_folder(t_path(&t, "open/way"), geteuid(), out, &t.diag), &t.diag);
    assert_string_equal(out, real);
    t_want(APS_OK, aps_file_folder(t_path(&t, "absolute/./../real//"), geteuid(), out, &t.diag),
           &t.diag);
    assert_string_equal(out, real);
    assert_int_equal(find(t_path(&t, "absolute/f"), APS_FILE_PRIVATE), APS_OK);
    assert_int_equal(aps_file_folder(t_path(&t, "loop"), geteuid(), out, &t.diag), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "symlinks"));

    /* Whoever can write where the symlink lies can lead it elsewhere. */
    assert_int_equal(chmod(t_path(&t, "open"), 0777), 0);
    assert_int_equal(aps_file_folder(t_path(&t, "open/way"), geteuid(), out, &t.diag),
                     APS_ERR_UNSAFE);
    assert_int_equal(aps_file_folder(t_path(&t, "real/f"), geteuid(), out, &t.diag),
                     APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "not a folder"));
}

static void a_foreign_symlink_in_a_sticky_folder_is_refused(void **state)
{
    char out[APS_FILE_PATH_MAX];
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give files away */
    assert_int_equal(mkdir(t_path(&t, "real"), 0700), 0);
    assert_int_equal(chmod(t.dir, 01777), 0);
    assert_int_equal(symlink("real", t_path(&t, "way")), 0);
    t_want(APS_OK, aps_file_folder(t_path(&t, "way"), 0, out, &t.diag), &t.diag);
    assert_int_equal(lchown(t_path(&t, "way"), 12345, 0), 0);
    assert_int_equal(aps_file_folder(t_path(&t, "way"), 0, out, &t.diag), APS_ERR_UNSAFE);
}

static void relative_paths_start_at_the_working_folder(void **state)
{
    char out[APS_FILE_PATH_MAX], want[APS_FILE_PATH_MAX], back[APS_FILE_PATH_MAX];
    (void)state;
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(mkdir(t_path(&t, "a"), 0700), 0);
    t_want(APS_OK, aps_file_folder(t_path(&t, "a"), geteuid(), want, &t.diag), &t.diag);
    assert_int_equal(chdir(t.dir), 0);
    t_want(APS_OK, aps_file_folder("a", geteuid(), out, &t.diag), &t.diag);
    assert_string_equal(out, want);
    t_want(APS_OK, aps_file_locate("f", geteuid(), out, &t.diag), &t.diag);
    assert_string_equal(strrchr(out, '/'), "/f");
    assert_int_equal(chdir(back), 0);
}

static void long_paths_are_refused(void **state)
{
    static char path[2 * APS_FILE_PATH_MAX], out[APS_FILE_PATH_MAX];
    (void)state;
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    assert_int_equal(aps_file_folder(path, 0, out, &t.diag), APS_ERR_RANGE);
    assert_int_equal(aps_file_join("/", path, out, &t.diag), APS_ERR_RANGE);
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_ERR_RANGE);
    path[APS_FILE_PATH_MAX + 10] = '/';
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_ERR_RANGE);
    path[300] = '\0'; /* a name that is longer than a name may be, in a path that is not */
    assert_int_equal(find(path, APS_FILE_PRIVATE), APS_ERR_IO);
}

static void reading_is_bounded(void **state)
{
    static const struct {
        size_t n;
        enum aps_err want;
    } cases[] = {{0, APS_ERR_RANGE}, {1, APS_OK}, {65, APS_OK}, {66, APS_ERR_RANGE}};
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_PRIVATE};
    char *path = t_path(&t, "f"), text[66];
    (void)state;
    memset(text, 'k', sizeof text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_secret s = {0};
        t_write(path, text, cases[i].n);
        t_want(cases[i].want, aps_file_read(path, &want, 65, &s, &t.diag), &t.diag);
        assert_int_equal(s.n, cases[i].want == APS_OK ? cases[i].n : 0);
        aps_secret_wipe(&s);
    }
}

/* CLI-06: the mode is exact under any umask, the name is new, and replacing is one step. */
static void a_file_is_made_beside_and_renamed(void **state)
{
    static const mode_t masks[] = {0, 022, 0777};
    char *target = t_path(&t, "f"), temp[APS_FILE_PATH_MAX];
    struct stat st;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        int fd = -1;
        mode_t mask = umask(masks[i]);
        t_want(APS_OK, aps_file_temp(target, 0640, getegid(), temp, &fd, &t.diag), &t.diag);
        (void)umask(mask);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_int_equal(st.st_gid, getegid());
        assert_non_null(strstr(temp, "/.f."));
        assert_int_equal(write(fd, "new", 3), 3);
        t_want(APS_OK, aps_file_replace(temp, fd, target, &t.diag), &t.diag);
        (void)close(fd);
        assert_int_equal(access(temp, F_OK), -1);
        assert_true(aps_str_eq(t_read(&t, target), APS_STR_LIT("new")));
    }
    assert_int_equal(aps_file_temp(t_path(&t, "no/f"), 0600, (gid_t)-1, temp, &(int){0}, &t.diag),
                     APS_ERR_NOT_FOUND);
}

static void the_sweep_takes_only_its_own(void **state)
{
    static const struct {
        const char *name;
        bool stays;
    } cases[] = {
        {".f.0123456789ab", false}, {".f.0123456789ab-journal", false}, {".f.0123456789", true},
        {".f.important", true},     {".g.0123456789ab", true},          {"f", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        make(t_path(&t, cases[i].name), 0600);
    aps_file_sweep(t_path(&t, "f"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(access(t_path(&t, cases[i].name), F_OK) == 0, cases[i].stays);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(modes_are_checked),
        T(only_regular_files_with_one_name),
        T(folders_are_checked_up_to_the_root),
        T(a_writing_group_is_ours_or_roots),
        T(owners_are_checked),
        T(symlinks_on_the_way_are_followed_and_checked),
        T(a_foreign_symlink_in_a_sticky_folder_is_refused),
        T(relative_paths_start_at_the_working_folder),
        T(long_paths_are_refused),
        T(reading_is_bounded),
        T(a_file_is_made_beside_and_renamed),
        T(the_sweep_takes_only_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
