#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <apr_general.h>
#include <apisec/ownlimit.h>

static apr_pool_t *pool;

static struct aps_key key_with(uint32_t count, aps_nsec period, uint32_t burst)
{
    return (struct aps_key){.id = APS_STR_LIT("k1"), .limit = {{count, period}, burst}};
}

static uint64_t scope_of(const struct aps_key *key, uint64_t store)
{
    struct aps_rate_limit own;

    assert_int_equal(aps_ownlimit_init(key, store, &own, NULL), APS_OK);
    assert_int_equal(own.kind, APS_RATE_GCRA);
    assert_int_equal(own.burst, key->limit.burst != 0 ? key->limit.burst : key->limit.rate.count);
    return own.scope;
}

/* Nothing but rate, burst and store: the caller tells keys apart. */
static void a_changed_limit_starts_afresh(void **state)
{
    const struct aps_key keys[] = {key_with(3, APS_SEC, 0), key_with(4, APS_SEC, 0),
                                   key_with(3, APS_MINUTE, 0), key_with(3, APS_SEC, 9)};

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_true(scope_of(&keys[i], 7) == scope_of(&keys[i], 7));
        assert_true(scope_of(&keys[i], 7) != scope_of(&keys[i], 8));
        for (size_t k = 0; k < i; k++)
            assert_true(scope_of(&keys[i], 7) != scope_of(&keys[k], 7));
    }
}

static void a_key_without_one_has_none(void **state)
{
    const struct aps_key key = key_with(0, APS_SEC, 5);
    struct aps_rate_limit own, none;

    (void)state;
    memset(&own, 1, sizeof own);
    memset(&none, 0, sizeof none);
    assert_int_equal(aps_ownlimit_init(&key, 7, &own, NULL), APS_OK);
    assert_memory_equal(&own, &none, sizeof own);
}

static void a_limit_that_cannot_be_is_an_error(void **state)
{
    const struct aps_key key = key_with(1, 3660 * APS_DAY, 2);
    struct aps_rate_limit own;
    struct aps_diag diag = {""};

    (void)state;
    assert_int_equal(aps_ownlimit_init(&key, 7, &own, &diag), APS_ERR_RANGE);
    assert_true(diag.text[0] != '\0');
}

static void keys_have_a_cell_each(void **state)
{
    const struct aps_state_size size = {APS_STATE_ENTRIES_MIN, 0};
    struct aps_key one = key_with(3, APS_SEC, 0), other = one, same = key_with(9, APS_DAY, 0);
    struct aps_state *table = NULL;

    (void)state;
    other.id = APS_STR_LIT("k2");
    assert_int_equal(aps_state_memory(pool, &size, &table, NULL), APS_OK);
    assert_true(aps_ownlimit_caller(table, &one) != aps_ownlimit_caller(table, &other));
    assert_true(aps_ownlimit_caller(table, &one) == aps_ownlimit_caller(table, &same));
}

static int setup(void **state)
{
    (void)state;
    apr_initialize();
    return apr_pool_create(&pool, NULL);
}

static int teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_limit_starts_afresh),
        cmocka_unit_test(a_key_without_one_has_none),
        cmocka_unit_test(a_limit_that_cannot_be_is_an_error),
        cmocka_unit_test(keys_have_a_cell_each),
    };
    return cmocka_run_group_tests_name("ownlimit", tests, setup, teardown);
}
