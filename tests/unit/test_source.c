#include "t_store.h"

#include <sys/mman.h>

#include "apisec/source.h"

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

static enum aps_err get(const struct aps_source *source, const char *want)
{
    struct aps_secret out = {0};
    t.diag.text[0] = '\0';
    enum aps_err err = aps_source_read(source, 8, &out, &t.diag);
    if (err == APS_OK) {
        assert_int_equal(out.n, strlen(want));
        assert_memory_equal(out.b, want, out.n);
    } else {
        assert_null(out.b);
        assert_true(t.diag.text[0] != '\0');
    }
    aps_secret_wipe(&out);
    return err;
}

static enum aps_err get_fd(int fd, bool again, const char *want)
{
    char text[32];
    (void)snprintf(text, sizeof text, "fd:%d", fd);
    const struct aps_source source = {.text = text, .what = "secret", .again = again};
    return get(&source, want);
}

static enum aps_err get_credential(const char *folder, const char *text)
{
    const struct aps_source source = {.text = text, .what = "secret", .credentials = folder};
    return get(&source, "secret");
}

/* SEC-08: the four forms, and nothing else; what is refused is not repeated. */
static void forms_are_four(void **state)
{
    static const char *const good[] = {"file:/a",           "exec:/a",      "fd:3",
                                       "fd:65535",          "credential:a", "credential:key.v2-b_c",
                                       "credential:c0ffee", "file:/a b:c"};
    static const char *const bad[] = {"",
                                      ":",
                                      "fd",
                                      "fd:",
                                      "fd:0",
                                      "fd:1",
                                      "fd:2",
                                      "fd:03",
                                      "fd:-3",
                                      "fd:65536",
                                      "fd:3 ",
                                      "fd: 3",
                                      "fd:x",
                                      "FD:3",
                                      "credential:",
                                      "credential:.",
                                      "credential:..",
                                      "credential:a/b",
                                      "credential:/a",
                                      "credential:../a",
                                      "credential:.hidden",
                                      "credential:a b",
                                      "CREDENTIAL:a",
                                      "credential:00112233445566778899aabbccddeeff",
                                      "env:KEY",
                                      "file:a",
                                      "file:",
                                      "exec:",
                                      "exec:a",
                                      "pass:hunter2",
                                      "hunter2",
                                      "file",
                                      "/a",
                                      " file:/a"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        t_want(APS_OK, aps_source_check(good[i], "secret", &t.diag), &t.diag);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct aps_source source = {.text = bad[i], .what = "secret", .credentials = t.dir};
        t.diag.text[0] = '\0';
        t_want(APS_ERR_FORMAT, aps_source_check(bad[i], "secret", &t.diag), &t.diag);
        assert_non_null(strstr(t.diag.text, "fd:N, credential:NAME or exec:/ABSOLUTE/PATH"));
        assert_null(strstr(t.diag.text, "hunter2"));
        assert_null(strstr(t.diag.text, "0011"));
        assert_int_equal(get(&source, ""), APS_ERR_FORMAT);
    }
}

/* SEC-08: a file is read from its beginning, as often as one likes; then no program inherits it. */
static void a_descriptor_of_a_file_is_read_again(void **state)
{
    char *path = t_path(&t, "k"), byte;
    int fds[2];
    (void)state;
    t_write(path, "secret", 6);
    fds[0] = open(path, O_RDONLY);
    fds[1] = memfd_create("k", 0);
    assert_true(fds[0] >= 3 && fds[1] >= 3);
    assert_int_equal(write(fds[1], "secret", 6), 6);
    for (int i = 0; i < 2; i++) {
        for (int n = 0; n < 3; n++) {
            t_want(APS_OK, get_fd(fds[i], true, "secret"), &t.diag);
            assert_int_equal(read(fds[i], &byte, 1), i == 0 ? 1 : 0); /* as others may */
        }
        assert_int_equal(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(close(fds[i]), 0);
    }
}

/* A pipe can be read once: enough for apisecctl, not for httpd, whose restarts read again. */
static void a_pipe_is_read_once(void **state)
{
    int fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "sec", 3), 3);
    assert_int_equal(get_fd(fds[0], true, ""), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "restart"));
    assert_int_equal(write(fds[1], "ret", 3), 3);
    assert_int_equal(close(fds[1]), 0);
    t_want(APS_OK, get_fd(fds[0], false, "secret"), &t.diag);
    assert_int_equal(get_fd(fds[0], false, ""), APS_ERR_RANGE);
    assert_int_equal(close(fds[0]), 0);
}

/* SEC-09 for descriptors: what others can open by its name, write only, closed, too long. */
static void an_unfit_descriptor_is_refused(void **state)
{
    char *path = t_path(&t, "k");
    (void)state;
    t_write(path, "secret", 6);
    int fd = open(path, O_RDONLY), bare = open(path, O_WRONLY), folder = open(t.dir, O_RDONLY);
    assert_int_equal(get_fd(bare, false, ""), APS_ERR_IO);
    assert_int_equal(get_fd(folder, false, ""), APS_ERR_UNSAFE);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(get_fd(fd, false, ""), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "0640"));
    assert_int_equal(chmod(path, 0600), 0);
    t_write(path, "12345678", 8);
    t_want(APS_OK, get_fd(fd, false, "12345678"), &t.diag);
    t_write(path, "123456789", 9);
    assert_int_equal(get_fd(fd, false, ""), APS_ERR_RANGE);
    t_write(path, "", 0);
    assert_int_equal(get_fd(fd, false, ""), APS_ERR_RANGE);
    assert_int_equal(close(fd), 0);
    assert_int_equal(close(bare), 0);
    assert_int_equal(close(folder), 0);
    assert_int_equal(get_fd(fd, false, ""), APS_ERR_NOT_FOUND);
    assert_int_equal(get_fd(60000, false, ""), APS_ERR_NOT_FOUND);
}

/* SEC-08, SEC-09: a credential lies in the folder of the service manager, which must be safe. */
static void a_credential_is_a_file_of_its_folder(void **state)
{
    char *path = t_path(&t, "key");
    (void)state;
    assert_int_equal(get_credential(NULL, "credential:key"), APS_ERR_NOT_FOUND);
    assert_non_null(strstr(t.diag.text, "CREDENTIALS_DIRECTORY"));
    assert_non_null(strstr(t.diag.text, "LoadCredential=key:"));
    assert_int_equal(get_credential("", "credential:key"), APS_ERR_NOT_FOUND);
    assert_int_equal(get_credential("relative", "credential:key"), APS_ERR_UNSAFE);
    assert_int_equal(get_credential(t.dir, "credential:key"), APS_ERR_NOT_FOUND);
    t_write(path, "secret", 6);
    t_want(APS_OK, get_credential(t.dir, "credential:key"), &t.diag);
    assert_int_equal(chmod(path, 0400), 0);
    t_want(APS_OK, get_credential(t.dir, "credential:key"), &t.diag);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(get_credential(t.dir, "credential:key"), APS_ERR_UNSAFE);
    assert_int_equal(chmod(path, 0440), 0);
    if (geteuid() == 0) { /* as systemd makes it for an account that reads it by an ACL */
        t_want(APS_OK, get_credential(t.dir, "credential:key"), &t.diag);
        assert_int_equal(chown(path, 0, 65534), 0);
    }
    assert_int_equal(get_credential(t.dir, "credential:key"), APS_ERR_UNSAFE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("other", path), 0);
    t_write(t_path(&t, "other"), "secret", 6);
    assert_int_equal(get_credential(t.dir, "credential:key"), APS_ERR_UNSAFE);
    assert_int_equal(chmod(t.dir, 0777), 0);
    assert_int_equal(get_credential(t.dir, "credential:other"), APS_ERR_UNSAFE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(forms_are_four),
        T(a_descriptor_of_a_file_is_read_again),
        T(a_pipe_is_read_once),
        T(an_unfit_descriptor_is_refused),
        T(a_credential_is_a_file_of_its_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
