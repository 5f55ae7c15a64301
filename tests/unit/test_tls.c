#include "t.h"
#include "t_pool.h"

#include "apisec/tls.h"

#define MODERN (APS_TLS_1_2 | APS_TLS_1_3)
#define INTERMEDIATE                                                                               \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"     \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"       \
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"

static struct aps_tls_found judge(void **state, struct aps_tls_config config)
{
    struct aps_tls_found found = {"", "", "", true, true};
    assert_int_equal(aps_tls_judge(&config, *state, &found, NULL), APS_OK);
    return found;
}

/* TRN-03 */
static void good_configurations_are_good(void **state)
{
    const struct aps_tls_config good[] = {
        {.versions = MODERN, .ciphers = INTERMEDIATE},
        {.versions = APS_TLS_1_2, .ciphers = INTERMEDIATE},
        {.versions = APS_TLS_1_3}, /* no suite of TLS 1.2 can be used */
        {.versions = APS_TLS_1_3, .ciphers = "ALL:eNULL:@SECLEVEL=0"},
        {.client = true, .versions = MODERN, .ciphers = "ECDHE+AESGCM"},
        {.versions = APS_TLS_1_0 | MODERN, .ciphers = INTERMEDIATE}, /* a gap ends them */
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct aps_tls_found found = judge(state, good[i]);
        assert_null(found.lowest);
        assert_null(found.weak);
        assert_null(found.stays);
        assert_false(found.compression || found.renegotiation);
    }
}

/* TRN-03 */
static void each_weakness_is_found(void **state)
{
    static const struct {
        unsigned versions;
        const char *lowest;
    } old[] = {{APS_TLS_1_1 | MODERN, "TLSv1.1"},
               {APS_TLS_1_0 | APS_TLS_1_1 | MODERN, "TLSv1"},
               {APS_TLS_1_0, "TLSv1"}};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        assert_string_equal(judge(state, (struct aps_tls_config){.versions = old[i].versions,
                                                                 .ciphers = "ALL:@SECLEVEL=0"})
                                .lowest,
                            old[i].lowest);
    assert_non_null(strstr(
        judge(state, (struct aps_tls_config){.versions = MODERN, .ciphers = "eNULL:@SECLEVEL=0"})
            .weak,
        "NULL"));
    assert_non_null(
        judge(state, (struct aps_tls_config){.versions = MODERN, .ciphers = "aNULL:@SECLEVEL=0"})
            .weak);
    struct aps_tls_found found =
        judge(state, (struct aps_tls_config){.versions = MODERN, .ciphers = "AES128-GCM-SHA256"});
    assert_null(found.weak);
    assert_string_equal(found.stays, "AES128-GCM-SHA256");
}

/* TRN-03: what SSLOpenSSLConfCmd says last holds */
static void commands_hold_over_the_rest(void **state)
{
    const struct aps_tls_command low[] = {{"MinProtocol", "TLSv1.1"}};
    const struct aps_tls_command high[] = {{"Certificate", "/none"}, {"MinProtocol", "TLSv1.2"}};
    const struct aps_tls_command off[] = {{"Protocol", "-TLSv1,-TLSv1.1"}};
    const struct aps_tls_command suites[] = {{"CipherString", "AES256-SHA"}};
    const struct aps_tls_command unsafe[] = {{"Options", "UnsafeLegacyRenegotiation"}};
    const struct aps_tls_command bad[] = {{"MinProtocol", "TLSv9"}};
    struct aps_tls_config config = {.versions = MODERN, .ciphers = INTERMEDIATE, .n = 1};
    struct aps_diag diag = {{0}};
    config.commands = low;
    assert_string_equal(judge(state, config).lowest, "TLSv1.1");
    config.commands = suites;
    assert_string_equal(judge(state, config).stays, "AES256-SHA");
    config.commands = unsafe;
    assert_true(judge(state, config).renegotiation);
    config.versions |= APS_TLS_1_0 | APS_TLS_1_1;
    config.commands = off;
    assert_null(judge(state, config).lowest);
    config.commands = high;
    config.n = 2;
    assert_null(judge(state, config).lowest);
    config.commands = bad;
    config.n = 1;
    struct aps_tls_found found;
    assert_int_equal(aps_tls_judge(&config, *state, &found, &diag), APS_ERR_FORMAT);
    assert_non_null(strstr(diag.text, "MinProtocol"));
}

/* TRN-03 */
static void what_works_nowhere_is_an_error(void **state)
{
    const struct aps_tls_config bad[] = {{.versions = 0},
                                         {.versions = MODERN, .ciphers = "NOTHING-KNOWN"},
                                         {.versions = MODERN, .ciphers_13 = "TLS_NONE"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct aps_tls_found found;
        struct aps_diag diag = {{0}};
        assert_int_equal(aps_tls_judge(&bad[i], *state, &found, &diag), APS_ERR_FORMAT);
        assert_true(diag.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(good_configurations_are_good),
        t_pool_test(each_weakness_is_found),
        t_pool_test(commands_hold_over_the_rest),
        t_pool_test(what_works_nowhere_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
