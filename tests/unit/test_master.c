#include "t_store.h"

#include <errno.h>
#include <signal.h>

static const char good[] = "00112233445566778899aabbccddeeff0123456789abcdefABCDEF0123456789";
static const uint8_t bytes[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
                                0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
                                0xcd, 0xef, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89};
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

static enum aps_err load(const char *kind, const char *path)
{
    struct aps_secret key = {0};
    char source[512];
    t.diag.text[0] = '\0';
    (void)snprintf(source, sizeof source, "%s:%s", kind, path);
    enum aps_err err = aps_master_load(source, &key, &t.diag);
    assert_int_equal(key.n, err == APS_OK ? APS_MASTER_LEN : 0);
    if (err == APS_OK)
        assert_memory_equal(key.b, bytes, sizeof bytes);
    else
        assert_true(t.diag.text[0] != '\0' || err == APS_ERR_NOMEM);
    aps_secret_wipe(&key);
    return err;
}

/* SEC-08: the accepted form of the file, at and around its borders. */
static void a_file_holds_64_digits(void **state)
{
    char *path = t_path(&t, "k"), text[80];
    (void)state;
    (void)snprintf(text, sizeof text, "%s\n\n", good);
    for (size_t n = 0; n <= 66; n++) {
        t_write(path, text, n);
        assert_int_equal(load("file", path), n == 64 || n == 65 ? APS_OK : APS_ERR_FORMAT);
    }
    for (size_t i = 0; i < 64; i++) {
        char bad[65];
        memcpy(bad, good, 65);
        bad[i] = "gG:/@`\n\0"[i % 8];
        t_write(path, bad, 64);
        assert_int_equal(load("file", path), APS_ERR_FORMAT);
        assert_null(strstr(t.diag.text, "0011")); /* nothing of the key is repeated */
    }
    (void)snprintf(text, sizeof text, "%s\r", good);
    t_write(path, text, 65);
    assert_int_equal(load("file", path), APS_ERR_FORMAT);
}

/* SEC-09 */
static void an_unsafe_file_is_refused(void **state)
{
    char *path = t_path(&t, "k");
    (void)state;
    t_write(path, good, 64);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(load("file", path), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "chmod 600"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(symlink("k", t_path(&t, "l")), 0);
    assert_int_equal(load("file", t_path(&t, "l")), APS_ERR_UNSAFE);
    assert_int_equal(mkfifo(t_path(&t, "p"), 0600), 0);
    assert_int_equal(load("file", t_path(&t, "p")), APS_ERR_UNSAFE);
    assert_int_equal(load("file", t_path(&t, "none")), APS_ERR_NOT_FOUND);
    assert_int_equal(chmod(t.dir, 0777), 0);
    assert_int_equal(load("file", path), APS_ERR_UNSAFE);
}

/* SEC-08: nothing but the kinds of source (test_source.c), and a key in the wrong place is not
 * repeated. */
static void other_sources_are_refused(void **state)
{
    static const struct {
        const char *source;
        enum aps_err want;
    } cases[] = {
        {"file:/a", APS_OK},          {"exec:/a", APS_OK},         {"", APS_ERR_FORMAT},
        {"file:", APS_ERR_FORMAT},    {"file:/", APS_ERR_FORMAT},  {"file:a", APS_ERR_FORMAT},
        {"exec:a b", APS_ERR_FORMAT}, {"FILE:/a", APS_ERR_FORMAT}, {"/a", APS_ERR_FORMAT},
        {"env:KEY", APS_ERR_FORMAT},  {"exec:", APS_ERR_FORMAT},   {good, APS_ERR_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_secret key = {0};
        assert_int_equal(aps_master_check_source(cases[i].source, &t.diag), cases[i].want);
        if (cases[i].want != APS_OK)
            assert_int_equal(aps_master_load(cases[i].source, &key, &t.diag), cases[i].want);
    }
    assert_null(strstr(t.diag.text, "0011"));
}

static char *helper(const char *name, const char *script, mode_t mode)
{
    char *path = t_path(&t, name);
    t_write(path, script, strlen(script));
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

/* SEC-08: a helper gives the same form on its standard output. */
static void a_helper_gives_the_key(void **state)
{
    static const struct {
        const char *script;
        enum aps_err want;
    } cases[] = {
        {"#!/bin/sh\necho 00112233445566778899aabbccddeeff0123456789abcdefABCDEF0123456789\n",
         APS_OK},
        {"#!/bin/sh\nprintf 00112233445566778899aabbccddeeff\n"
         "printf 0123456789abcdefABCDEF0123456789\n",
         APS_OK},
        {"#!/bin/sh\necho short\n", APS_ERR_FORMAT},
        {"#!/bin/sh\nexit 0\n", APS_ERR_FORMAT},
        {"#!/bin/sh\nwhile :; do echo 00112233445566778899aabbccddeeff; done\n", APS_ERR_FORMAT},
        {"#!/bin/sh\necho 00112233445566778899aabbccddeeff0123456789abcdefABCDEF0123456789\n"
         "exit 3\n",
         APS_ERR_FAILED},
        {"#!/bin/sh\nkill -9 $$\n", APS_ERR_FAILED},
        {"#!/no/such/interpreter\n", APS_ERR_IO},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(load("exec", helper("h", cases[i].script, 0700)), cases[i].want);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none of them is left */
    assert_int_equal(errno, ECHILD);
}

/* SEC-08: no shell, no arguments, an empty environment, no descriptors, an empty stdin. */
static void a_helper_inherits_nothing(void **state)
{
    const char *script =
        "#!/bin/sh\n"
        "[ $# = 0 ] || exit 11\n"
        "[ -z \"$SECRET_OF_PARENT\" ] || exit 12\n"
        "[ \"$(env | grep -cv -e '^PWD=' -e '^_=' -e '^SHLVL=' -e '^OLDPWD=')\" = 0 ] || exit 13\n"
        "if read line; then exit 14; fi\n"
        "for fd in /proc/self/fd/*; do :; done\n"
        "[ ! -e /proc/$$/fd/77 ] || exit 15\n"
        "echo 00112233445566778899aabbccddeeff0123456789abcdefABCDEF0123456789\n";
    (void)state;
    assert_int_equal(setenv("SECRET_OF_PARENT", "x", 1), 0);
    assert_int_equal(dup2(2, 77), 77);
    t_want(APS_OK, load("exec", helper("h w", script, 0700)), &t.diag);
    assert_int_equal(close(77), 0);
    assert_int_equal(unsetenv("SECRET_OF_PARENT"), 0);
}

/* SEC-09 for the helper. */
static void an_unsafe_helper_is_not_run(void **state)
{
    char *ran = t_path(&t, "ran"), script[512];
    (void)state;
    (void)snprintf(script, sizeof script, "#!/bin/sh\necho > '%s'\necho %s\n", ran, good);
    assert_int_equal(load("exec", helper("h", script, 0720)), APS_ERR_UNSAFE);
    assert_int_equal(load("exec", helper("h", script, 0702)), APS_ERR_UNSAFE);
    assert_int_equal(load("exec", helper("h", script, 0600)), APS_ERR_UNSAFE);
    assert_non_null(strstr(t.diag.text, "chmod u+x"));
    assert_int_equal(symlink("h", t_path(&t, "l")), 0);
    assert_int_equal(load("exec", t_path(&t, "l")), APS_ERR_UNSAFE);
    assert_int_equal(access(ran, F_OK), -1);
    assert_int_equal(load("exec", helper("h", script, 0755)), APS_OK);
    assert_int_equal(access(ran, F_OK), 0);
}

/* A helper that never ends is ended after 10 s, and so is what it has started. */
static void a_helper_that_hangs_is_ended(void **state)
{
    char *pids = t_path(&t, "pids"), script[512];
    int a = 0, b = 0;
    (void)state;
    (void)snprintf(script, sizeof script,
                   "#!/bin/sh\ntail -f /dev/null &\necho $$ $! > '%s'\necho %s\nwait\n", pids,
                   good);
    assert_int_equal(load("exec", helper("h", script, 0700)), APS_ERR_IO);
    assert_non_null(strstr(t.diag.text, "10 s"));
    assert_int_equal(sscanf(t_read(&t, pids).p, "%d %d", &a, &b), 2);
    assert_int_equal(kill(a, 0), -1);
    /* The grandchild is init's to reap; dead it is all the same. */
    for (int i = 0; i < 1000 && kill(b, 0) == 0; i++) {
        char stat[64], line[128] = "";
        (void)snprintf(stat, sizeof stat, "/proc/%d/stat", b);
        FILE *f = fopen(stat, "r");
        bool zombie = f == NULL || fgets(line, sizeof line, f) == NULL || strstr(line, ") Z") ||
                      strstr(line, ") X");
        if (f != NULL)
            (void)fclose(f);
        if (zombie)
            return;
        assert_true(i < 999);
    }
}

/* SEC-10, SEC-16: a key under a passphrase, written whole, read with each way to say it. */
static const struct aps_str passphrase = {"correct horse battery", 21};
static int asked;

static enum aps_err answer(void *arg, struct aps_secret *out, struct aps_diag *diag)
{
    const char *text = arg;
    (void)diag;
    asked++;
    return aps_secret_copy(text, strlen(text), out);
}

static enum aps_err load_from(const struct aps_master_from *from)
{
    struct aps_secret key = {0};
    t.diag.text[0] = '\0';
    enum aps_err err = aps_master_load_from(from, &key, &t.diag);
    if (err == APS_OK)
        assert_memory_equal(key.b, bytes, sizeof bytes);
    aps_secret_wipe(&key);
    return err;
}

static void a_key_may_lie_under_a_passphrase(void **state)
{
    char *path = t_path(&t, "k"), *other = t_path(&t, "pass"), source[512], by[512];
    struct aps_master_from from = {.source = source, .ask_arg = (void *)(uintptr_t)passphrase.p};
    struct aps_master_lock lock = {passphrase, aps_stretch_make(APS_STRETCH_PBKDF2)};
    struct aps_secret key = {0};
    struct stat st;
    (void)state;
    (void)snprintf(source, sizeof source, "file:%s", path);
    (void)snprintf(by, sizeof by, "file:%s", other);
    t_write(path, "what was there", 14);
    assert_int_equal(aps_secret_copy(bytes, sizeof bytes, &key), APS_OK);
    t_want(APS_OK, aps_master_write(path, &key, &lock, &t.diag), &t.diag);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_null(strstr(t_read(&t, path).p, "00112233"));
    assert_int_equal(load_from(&from), APS_ERR_FAILED); /* nobody is asked */
    assert_non_null(strstr(t.diag.text, "ApiSecMasterPassphrase"));
    from.ask = answer;
    assert_int_equal(asked, 0);
    t_want(APS_OK, load_from(&from), &t.diag);
    assert_int_equal(asked, 1);
    from.ask_arg = (void *)(uintptr_t) "correct horse batter";
    assert_int_equal(load_from(&from), APS_ERR_KEY);
    assert_non_null(strstr(t.diag.text, path));
    assert_null(strstr(t.diag.text, "horse"));
    asked = 0;
    from.passphrase = by;
    t_write(other, " correct horse battery\r\n", 24);
    t_want(APS_OK, load_from(&from), &t.diag);
    t_write(other, " \n", 2);
    assert_int_equal(load_from(&from), APS_ERR_FORMAT);
    from.passphrase = "correct horse battery";
    assert_int_equal(load_from(&from), APS_ERR_FORMAT);
    assert_null(strstr(t.diag.text, "horse"));
    assert_int_equal(asked, 0); /* a source that says nothing good is not replaced by a question */

    /* And back: then a passphrase that is given tells that somebody expects another file. */
    t_want(APS_OK, aps_master_write(path, &key, NULL, &t.diag), &t.diag);
    assert_int_equal(load("file", path), APS_OK);
    from.passphrase = by;
    t_write(other, "correct horse battery", 21);
    assert_int_equal(load_from(&from), APS_ERR_UNSAFE);
    from.passphrase = NULL;
    t_want(APS_OK, load_from(&from), &t.diag);
    assert_int_equal(asked, 0);
    aps_secret_wipe(&key);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_file_holds_64_digits),       T(an_unsafe_file_is_refused),
        T(other_sources_are_refused),    T(a_helper_gives_the_key),
        T(a_helper_inherits_nothing),    T(an_unsafe_helper_is_not_run),
        T(a_helper_that_hangs_is_ended), T(a_key_may_lie_under_a_passphrase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
