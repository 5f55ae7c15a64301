#include "t.h"

#include "apisec/gone.h"

/* JWT-20: by iss and jti, or by the text; no two of them are told by one hash. */
static void each_token_has_a_hash_of_its_own(void **state)
{
    static const char both[] = "jti\0https://a\0b", text[] = "token\0x.y",
                      other[] = "token\0x.y.z.a";
    uint8_t a[APS_DIGEST_LEN], b[APS_DIGEST_LEN];
    (void)state;
    assert_int_equal(aps_gone_jti(APS_STR_LIT("https://a"), APS_STR_LIT("b"), a), APS_OK);
    assert_int_equal(aps_digest_sum((struct aps_str){both, sizeof both - 1}, b), APS_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(aps_gone_jti(APS_STR_LIT("https://ab"), APS_STR_LIT(""), b), APS_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(aps_gone_token(APS_STR_LIT("x.y.z"), a), APS_OK);
    assert_int_equal(aps_digest_sum((struct aps_str){text, sizeof text - 1}, b), APS_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(aps_gone_token(APS_STR_LIT("x.y.other"), b), APS_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(aps_gone_token(APS_STR_LIT("x.z.z"), b), APS_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(aps_gone_token(APS_STR_LIT("x.y.z.a"), a), APS_OK);
    assert_int_equal(aps_digest_sum((struct aps_str){other, sizeof other - 1}, b), APS_OK);
    assert_memory_equal(a, b, sizeof a);
}

static void what_would_move_the_border_is_refused(void **state)
{
    uint8_t out[APS_DIGEST_LEN] = {7};
    (void)state;
    assert_int_equal(aps_gone_jti((struct aps_str){"a\0b", 3}, APS_STR_LIT("c"), out),
                     APS_ERR_FORMAT);
    assert_int_equal(aps_gone_jti(APS_STR_LIT("a"), (struct aps_str){"b\0c", 3}, out),
                     APS_ERR_FORMAT);
    assert_int_equal(out[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_token_has_a_hash_of_its_own),
        cmocka_unit_test(what_would_move_the_border_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
