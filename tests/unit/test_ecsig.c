#include "t.h"

#include "../../libapisec/crypto/ecsig.h"

static struct aps_str bytes(const uint8_t *p, size_t n)
{
    return (struct aps_str){(const char *)p, n};
}

static void both_ways(void **state)
{
    static const struct {
        const char *raw, *der;
    } cases[] = {
        {"00000001"
         "00000002",
         "3006020101020102"},
        {"00000080"
         "00007fff",
         "3008020200800202"
         "7fff"},
        {"ffffffff"
         "80000000",
         "300e020500ffffffff02050080000000"},
        {"00000000"
         "00000000",
         "3006020100020100"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t raw[8], want[32], der[APS_ECSIG_DER_MAX], back[8];
        size_t n = t_hex(cases[i].raw, raw);

        assert_int_equal(n, 8);
        n = aps_ecsig_to_der(bytes(raw, n), der);
        assert_int_equal(n, t_hex(cases[i].der, want));
        assert_memory_equal(der, want, n);
        assert_true(aps_ecsig_from_der(bytes(der, n), 4, back));
        assert_memory_equal(back, raw, 8);
    }
}

/* The longest there is: two numbers of 66 bytes with their highest bit set. */
static void the_longest_fits(void **state)
{
    uint8_t raw[2 * APS_ECSIG_HALF_MAX], der[APS_ECSIG_DER_MAX], back[sizeof raw];
    size_t n;

    (void)state;
    memset(raw, 0xff, sizeof raw);
    n = aps_ecsig_to_der(bytes(raw, sizeof raw), der);
    assert_int_equal(n, APS_ECSIG_DER_MAX);
    assert_int_equal(der[1], 0x81);
    assert_true(aps_ecsig_from_der(bytes(der, n), APS_ECSIG_HALF_MAX, back));
    assert_memory_equal(back, raw, sizeof raw);
    assert_false(aps_ecsig_from_der(bytes(der, n), APS_ECSIG_HALF_MAX - 1, back));
}

static void other_bytes_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "30",
        "3000",
        "3003020101",
        "300602010102010203",
        "3007020101020102",
        "3105020101020102",
        "3006030101020102",
        "3006020001020102",
        "30060201010201",
        "3080020101020102",
        "3006020181020981",
        "308206020101020102",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t der[64], out[64];
        size_t n = t_hex(cases[i], der);

        assert_false(aps_ecsig_from_der(bytes(der, n), 4, out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(the_longest_fits),
        cmocka_unit_test(other_bytes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
