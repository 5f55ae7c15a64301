#include "t.h"

#include "apisec/seal.h"

enum { PLAIN = 32, BLOB = PLAIN + APS_SEAL_OVERHEAD };

static const uint8_t store_id[16] = "0123456789abcde";
static struct aps_secret master;
static struct aps_seal_key key;

static struct aps_seal_place place(void)
{
    return (struct aps_seal_place){
        .store = {(const char *)store_id, sizeof store_id},
        .table = "wrapped",
        .row = APS_STR_LIT("pepper/1"),
        .column = "blob",
    };
}

static int set_up(void **state)
{
    (void)state;
    if (aps_secret_copy("0123456789abcdef0123456789abcdef", 32, &master) != APS_OK)
        return -1;
    return aps_seal_key_init(&master, &key) == APS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    aps_seal_key_wipe(&key);
    aps_secret_wipe(&master);
    return 0;
}

static void seal_one(uint8_t out[BLOB])
{
    struct aps_seal_place p = place();
    assert_int_equal(
        aps_seal(&key, &p, (struct aps_str){"the pepper, thirty-two bytes....", PLAIN}, out),
        APS_OK);
}

static enum aps_err open_one(const uint8_t *blob, size_t n, const struct aps_seal_place *p)
{
    struct aps_secret out = {0};
    enum aps_err err = aps_seal_open(&key, p, (struct aps_str){(const char *)blob, n}, &out);
    assert_true((err == APS_OK) == (out.b != NULL));
    if (err == APS_OK)
        assert_true(
            aps_str_eq(aps_secret_str(&out), APS_STR_LIT("the pepper, thirty-two bytes....")));
    aps_secret_wipe(&out);
    return err;
}

static void what_was_sealed_opens(void **state)
{
    uint8_t a[BLOB], b[BLOB];
    struct aps_seal_place p = place();
    (void)state;
    seal_one(a);
    seal_one(b);
    assert_memory_not_equal(a, b, BLOB); /* SEC-02: another nonce each time */
    assert_int_equal(open_one(a, BLOB, &p), APS_OK);
    assert_int_equal(open_one(b, BLOB, &p), APS_OK);
}

/* SEC-05: the blob names its format, its algorithm and its key. */
static void the_head_tells_what_it_is(void **state)
{
    uint8_t blob[BLOB];
    (void)state;
    seal_one(blob);
    assert_int_equal(blob[0], 1);
    assert_int_equal(blob[1], 1);
    assert_memory_equal(blob + 2, key.id, APS_SEAL_ID_LEN);
}

/* SEC-03, SEC-04, SEC-05: no bit of it can be changed, and all failures look alike. */
static void any_changed_bit_is_refused(void **state)
{
    uint8_t blob[BLOB];
    struct aps_seal_place p = place();
    (void)state;
    seal_one(blob);
    for (size_t bit = 0; bit < 8 * BLOB; bit++) {
        blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(open_one(blob, BLOB, &p), APS_ERR_CRYPTO);
        blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(open_one(blob, BLOB, &p), APS_OK);
}

static void any_other_length_is_refused(void **state)
{
    uint8_t blob[BLOB + 1] = {0};
    struct aps_seal_place p = place();
    (void)state;
    seal_one(blob);
    for (size_t n = 0; n <= BLOB + 1; n++)
        assert_int_equal(open_one(blob, n, &p), n == BLOB ? APS_OK : APS_ERR_CRYPTO);
}

/* SEC-03: a blob that was moved to another store, table, row or column does not open. */
static void a_moved_blob_is_refused(void **state)
{
    static const uint8_t other_id[16] = "0123456789abcdf";
    uint8_t blob[BLOB];
    struct aps_seal_place p = place();
    (void)state;
    seal_one(blob);
    p.store.p = (const char *)other_id;
    assert_int_equal(open_one(blob, BLOB, &p), APS_ERR_CRYPTO);
    p = place();
    p.table = "secret";
    assert_int_equal(open_one(blob, BLOB, &p), APS_ERR_CRYPTO);
    p = place();
    p.row = APS_STR_LIT("pepper/2");
    assert_int_equal(open_one(blob, BLOB, &p), APS_ERR_CRYPTO);
    p = place();
    p.column = "old";
    assert_int_equal(open_one(blob, BLOB, &p), APS_ERR_CRYPTO);
    /* The same bytes with the border elsewhere. */
    p = place();
    p.row = APS_STR_LIT("pepper/1b");
    p.column = "lob";
    assert_int_equal(open_one(blob, BLOB, &p), APS_ERR_CRYPTO);
}

static void another_master_key_is_refused(void **state)
{
    uint8_t blob[BLOB];
    struct aps_seal_place p = place();
    struct aps_secret other = {0};
    struct aps_seal_key theirs;
    struct aps_secret out = {0};
    (void)state;
    seal_one(blob);
    assert_int_equal(aps_secret_copy("0123456789abcdef0123456789abcdeF", 32, &other), APS_OK);
    assert_int_equal(aps_seal_key_init(&other, &theirs), APS_OK);
    assert_memory_not_equal(theirs.id, key.id, APS_SEAL_ID_LEN);
    struct aps_str b = {(const char *)blob, BLOB};
    assert_int_equal(aps_seal_open(&theirs, &p, b, &out), APS_ERR_CRYPTO);
    memcpy(theirs.id, key.id, APS_SEAL_ID_LEN); /* even if it claims to be the right one */
    assert_int_equal(aps_seal_open(&theirs, &p, b, &out), APS_ERR_CRYPTO);
    aps_seal_key_wipe(&theirs);
    aps_secret_wipe(&other);
}

static void nothing_and_too_much_are_not_sealed(void **state)
{
    static char big[APS_SEAL_PLAIN_MAX + 1];
    static uint8_t out[sizeof big + APS_SEAL_OVERHEAD];
    struct aps_seal_place p = place();
    char row[600];
    (void)state;
    assert_int_equal(aps_seal(&key, &p, (struct aps_str){big, 0}, out), APS_ERR_CRYPTO);
    assert_int_equal(aps_seal(&key, &p, (struct aps_str){big, sizeof big - 1}, out), APS_OK);
    assert_int_equal(aps_seal(&key, &p, (struct aps_str){big, sizeof big}, out), APS_ERR_CRYPTO);
    memset(row, 'r', sizeof row);
    p.row = (struct aps_str){row, sizeof row};
    assert_int_equal(aps_seal(&key, &p, (struct aps_str){big, 1}, out), APS_ERR_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens),
        cmocka_unit_test(the_head_tells_what_it_is),
        cmocka_unit_test(any_changed_bit_is_refused),
        cmocka_unit_test(any_other_length_is_refused),
        cmocka_unit_test(a_moved_blob_is_refused),
        cmocka_unit_test(another_master_key_is_refused),
        cmocka_unit_test(nothing_and_too_much_are_not_sealed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
