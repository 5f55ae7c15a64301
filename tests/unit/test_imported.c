#include "t.h"

#include "apisec/imported.h"

/* Every length around the bounds, every byte in every place. */
static void texts_are_token68_of_16_to_256_bytes(void **state)
{
    static const char good[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~+/";
    char text[APS_IMPORTED_MAX + 1];
    (void)state;
    memset(text, 'a', sizeof text);
    for (size_t n = 0; n <= sizeof text; n++)
        assert_int_equal(aps_imported_is_text((struct aps_str){text, n}), n >= 16 && n <= 256);
    for (int at = 0; at < 16; at++)
        for (int c = 0; c < 256; c++) {
            memset(text, 'a', 16);
            text[at] = (char)c;
            bool want = (c != 0 && strchr(good, c) != NULL) || (c == '=' && at == 15);
            assert_int_equal(aps_imported_is_text((struct aps_str){text, 16}), want);
        }
    assert_true(aps_imported_is_text(aps_str("aaaaaaaaaaaaaa==")));
    assert_false(aps_imported_is_text(aps_str("================")));
}

/* The same digest gives the same id, another digest or another key another one. */
static void ids_hang_on_digest_and_key(void **state)
{
    struct aps_mac *one = NULL, *two = NULL;
    uint8_t digest[APS_DIGEST_LEN] = {1};
    char ids[4][APS_KEYTEXT_ID_LEN];
    (void)state;
    assert_int_equal(aps_mac_new("one", 3, &one), APS_OK);
    assert_int_equal(aps_mac_new("two", 3, &two), APS_OK);
    assert_int_equal(aps_imported_id(one, digest, ids[0]), APS_OK);
    assert_int_equal(aps_imported_id(one, digest, ids[1]), APS_OK);
    assert_int_equal(aps_imported_id(two, digest, ids[2]), APS_OK);
    digest[31] = 1;
    assert_int_equal(aps_imported_id(one, digest, ids[3]), APS_OK);
    for (int i = 0; i < 4; i++)
        assert_true(aps_keytext_is_id((struct aps_str){ids[i], sizeof ids[i]}));
    assert_memory_equal(ids[0], ids[1], sizeof ids[0]);
    assert_memory_not_equal(ids[0], ids[2], sizeof ids[0]);
    assert_memory_not_equal(ids[0], ids[3], sizeof ids[0]);
    assert_memory_not_equal(ids[0], ids[0] + 6, 6); /* two halves of their own */
    aps_mac_free(one);
    aps_mac_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_token68_of_16_to_256_bytes),
        cmocka_unit_test(ids_hang_on_digest_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
