#include "t.h"

#include <stdlib.h>

#include "apisec/secret.h"

static void sizes_are_bounded(void **state)
{
    static const struct {
        size_t n;
        enum aps_err want;
    } cases[] = {{0, APS_ERR_NOMEM}, {1, APS_OK},           {4096, APS_OK},
                 {4097, APS_OK},     {1024 * 1024, APS_OK}, {1024 * 1024 + 1, APS_ERR_NOMEM}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_secret s = {0};
        assert_int_equal(aps_secret_new(cases[i].n, &s), cases[i].want);
        assert_int_equal(s.n, cases[i].want == APS_OK ? cases[i].n : 0);
        for (size_t k = 0; k < s.n; k++)
            assert_int_equal(s.b[k], 0);
        aps_secret_wipe(&s);
        assert_null(s.b);
        assert_int_equal(s.n, 0);
    }
}

static void an_empty_secret_may_be_wiped(void **state)
{
    struct aps_secret s = {0};
    (void)state;
    aps_secret_wipe(&s);
    assert_int_equal(aps_secret_str(&s).n, 0);
}

static void a_copy_stands_alone(void **state)
{
    char text[] = "correct horse";
    struct aps_secret s = {0};
    (void)state;
    assert_int_equal(aps_secret_copy(text, 13, &s), APS_OK);
    aps_secret_cleanse(text, sizeof text);
    for (size_t i = 0; i < sizeof text; i++)
        assert_int_equal(text[i], 0);
    assert_true(aps_str_eq(aps_secret_str(&s), APS_STR_LIT("correct horse")));
    aps_secret_wipe(&s);
}

/* The kernel says of the secret's pages that they stay out of core dumps. */
static void core_dumps_leave_it_out(void **state)
{
    struct aps_secret s = {0};
    char line[512], at[32];
    bool inside = false, found = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    (void)state;

    if (maps == NULL)
        skip();
    assert_int_equal(aps_secret_new(32, &s), APS_OK);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx %31s", &from, &to, at) == 3)
            inside = (uintptr_t)s.b >= from && (uintptr_t)s.b < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, " dd") != NULL;
    }
    (void)fclose(maps);
    assert_true(found);
    aps_secret_wipe(&s);
}

static void equality_sees_every_byte(void **state)
{
    uint8_t a[32] = {0}, b[32] = {0};
    (void)state;
    assert_true(aps_secret_equal(a, b, 32));
    for (size_t i = 0; i < 32; i++) {
        b[i] ^= 0x80;
        assert_false(aps_secret_equal(a, b, 32));
        assert_true(aps_secret_equal(a, b, i));
        assert_false(aps_secret_equal(a, b, i + 1));
        b[i] ^= 0x80;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_bounded),        cmocka_unit_test(an_empty_secret_may_be_wiped),
        cmocka_unit_test(a_copy_stands_alone),      cmocka_unit_test(core_dumps_leave_it_out),
        cmocka_unit_test(equality_sees_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
