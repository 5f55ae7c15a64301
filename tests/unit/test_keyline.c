#include "t.h"

#include "apisec/keyline.h"

static const struct aps_str passphrase = {"correct horse battery", 21};
static const char digits[] = "00112233445566778899aabbccddeeff0123456789abcdefabcdef0123456789";

/* Made by Python's hashlib.scrypt and the AESGCM of its library cryptography. */
static const char foreign[] =
    "apisec-master-1$scrypt$n=32768,r=8,p=3$000102030405060708090a0b0c0d0e0f$"
    "a0a1a2a3a4a5a6a7a8a9aaab$1a556d5c9a3b13868c53195f23c8820208fbb388c846819e129e3f71ac2dc6ec"
    "d5fe2f7fde1867678349ef96354bb5be";

static enum aps_err open_it(const char *text, const char *by, struct aps_diag *diag)
{
    struct aps_secret key = {0};
    uint8_t want[32];
    (void)t_hex(digits, want);
    *diag = (struct aps_diag){{0}};
    enum aps_err err = aps_keyline_open(aps_str(text), aps_str(by), &key, diag);
    assert_int_equal(key.n, err == APS_OK ? 32 : 0);
    if (err == APS_OK)
        assert_memory_equal(key.b, want, 32);
    else
        assert_true(diag->text[0] != '\0');
    aps_secret_wipe(&key);
    return err;
}

/* SEC-10: the form is what is documented, and another passphrase has one sentence. */
static void a_line_of_another_program_is_opened(void **state)
{
    char line[sizeof foreign + 2];
    struct aps_diag diag;
    (void)state;
    if (!aps_stretch_is_there(APS_STRETCH_SCRYPT))
        skip(); /* FIPS */
    assert_int_equal(open_it(foreign, passphrase.p, &diag), APS_OK);
    (void)snprintf(line, sizeof line, "%s\n", foreign);
    assert_int_equal(open_it(line, passphrase.p, &diag), APS_OK);
    assert_int_equal(open_it(foreign, "correct horse batterz", &diag), APS_ERR_KEY);
    assert_string_equal(
        diag.text, "the passphrase does not open it: it is another one, or the file was changed");
}

/* SEC-10: costs, salt, nonce, key and tag are authenticated, and costs are judged first. */
static void a_changed_line_is_refused(void **state)
{
    static const struct {
        const char *from, *to;
        enum aps_err want;
    } cases[] = {
        {"p=3", "p=4", APS_ERR_KEY},
        {"$a0a1", "$a0a2", APS_ERR_KEY},
        {"$1a55", "$1a56", APS_ERR_KEY},
        {"n=32768", "n=16384", APS_ERR_RANGE},
        {"n=32768", "n=2097152", APS_ERR_RANGE},
        {"p=3", "p=2", APS_ERR_RANGE},
        {"p=3", "p=03", APS_ERR_FORMAT},
        {"master-1", "master-2", APS_ERR_FORMAT},
        {"a0a1", "A0a1", APS_ERR_FORMAT},
        {"a0a1", "a0", APS_ERR_FORMAT},
        {"a0a1", "a0a1a1", APS_ERR_FORMAT},
        {"b5be", "b5", APS_ERR_FORMAT},
        {"b5be", "b5be00", APS_ERR_FORMAT},
        {"b5be", "b5be\n\n", APS_ERR_FORMAT},
        {"b5be", "b5be$", APS_ERR_FORMAT},
        {"$a0a1", "$$a0a1", APS_ERR_FORMAT},
        {"scrypt$", "scrypt", APS_ERR_FORMAT},
        {"scrypt", "md5crypt", APS_ERR_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[APS_KEYLINE_TEXT_MAX];
        struct aps_diag diag;
        if (cases[i].want == APS_ERR_KEY && !aps_stretch_is_there(APS_STRETCH_SCRYPT))
            continue; /* FIPS */
        const char *at = strstr(foreign, cases[i].from);
        assert_non_null(at);
        (void)snprintf(line, sizeof line, "%.*s%s%s", (int)(at - foreign), foreign, cases[i].to,
                       at + strlen(cases[i].from));
        assert_int_equal(open_it(line, passphrase.p, &diag), cases[i].want);
        assert_null(strstr(diag.text, "1a55")); /* nothing of it is repeated */
    }
    for (size_t n = 0; n < sizeof foreign - 1; n++) {
        struct aps_secret key = {0};
        enum aps_err err = aps_keyline_open((struct aps_str){foreign, n}, passphrase, &key, NULL);
        assert_true(err == APS_ERR_FORMAT);
    }
}

/* SEC-10: what is made is opened again; nothing in it comes twice; its passphrase is long enough.
 */
static void what_is_made_is_opened(void **state)
{
    struct aps_stretch how = aps_stretch_make(APS_STRETCH_PBKDF2);
    char one[APS_KEYLINE_TEXT_MAX], two[APS_KEYLINE_TEXT_MAX];
    uint8_t bytes[32];
    struct aps_secret key = {0};
    struct aps_diag diag = {{0}};
    size_t n = 0, m = 0;
    (void)state;
    (void)t_hex(digits, bytes);
    assert_int_equal(aps_secret_copy(bytes, 32, &key), APS_OK);
    assert_int_equal(aps_keyline_make(&key, passphrase, &how, one, &n, &diag), APS_OK);
    assert_int_equal(aps_keyline_make(&key, passphrase, &how, two, &m, &diag), APS_OK);
    assert_int_equal(n, strlen(one));
    assert_int_equal(one[n - 1], '\n');
    assert_true(aps_keyline_is((struct aps_str){one, n}));
    assert_false(aps_keyline_is(aps_str(digits)));
    assert_null(strstr(one, "00112233"));
    size_t head = strlen("apisec-master-1$pbkdf2-sha256$i=600000$");
    assert_memory_equal(one, two, head);
    assert_memory_not_equal(one + head, two + head, 32);           /* salt */
    assert_memory_not_equal(one + head + 33, two + head + 33, 24); /* nonce */
    assert_int_equal(open_it(one, passphrase.p, &diag), APS_OK);
    static const char elf[] = "eleven byte";
    assert_int_equal(aps_keyline_make(&key, aps_str(elf), &how, one, &n, &diag), APS_ERR_RANGE);
    assert_null(strstr(diag.text, elf));
    aps_secret_wipe(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_another_program_is_opened),
        cmocka_unit_test(a_changed_line_is_refused),
        cmocka_unit_test(what_is_made_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
