/* Values that may be used once. */
#include "t_state.h"

#include "../../libapisec/table/layout.h"
#include "apisec/once.h"
#include "t_reserve.h"

#define T0 ((aps_nsec)1795400000 * APS_SEC)
#define STORE 5

static enum aps_once use(enum aps_once_kind kind, uint64_t store, unsigned value, aps_nsec until,
                         aps_nsec wall)
{
    unsigned char digest[APS_ONCE_DIGEST_LEN] = {(unsigned char)value, (unsigned char)(value >> 8)};

    return aps_once(table, kind, store, digest, until,
                    (struct aps_table_now){wall - T0 + APS_SEC, wall});
}

static enum aps_once use_proof(unsigned value, aps_nsec until, aps_nsec wall)
{
    return use(APS_ONCE_PROOF, STORE, value, until, wall);
}

/* DPOP-07 */
static void a_value_is_used_once_until_its_end(void **state)
{
    const aps_nsec end = T0 + APS_MINUTE;

    (void)state;
    assert_int_equal(use_proof(1, end, T0), APS_ONCE_NEW);
    assert_int_equal(use_proof(1, end, T0), APS_ONCE_USED);
    assert_int_equal(use_proof(1, end + APS_HOUR, end - APS_USEC), APS_ONCE_USED);
    assert_int_equal(use_proof(1, end + APS_HOUR, end), APS_ONCE_NEW);
    assert_int_equal(use_proof(1, end, end), APS_ONCE_USED);
    assert_int_equal(use_proof(1, end, T0 - APS_MINUTE), APS_ONCE_USED); /* the clock went back */
}

static void a_look_uses_nothing(void **state)
{
    const unsigned char digest[APS_ONCE_DIGEST_LEN] = {1};
    const struct aps_table_now now = {APS_SEC, T0}, late = {APS_SEC, T0 + APS_MINUTE};

    (void)state;
    assert_false(aps_once_is_used(table, APS_ONCE_PROOF, STORE, digest, now));
    assert_int_equal(use_proof(1, T0 + APS_MINUTE, T0), APS_ONCE_NEW);
    assert_true(aps_once_is_used(table, APS_ONCE_PROOF, STORE, digest, now));
    assert_false(aps_once_is_used(table, APS_ONCE_FETCH, STORE, digest, now));
    assert_false(aps_once_is_used(table, APS_ONCE_PROOF, STORE, digest, late));
}

/* WHK-06: what came to nothing may come again, once. */
static void a_value_can_be_given_back(void **state)
{
    const aps_nsec end = T0 + APS_HOUR, now = T0 + APS_SEC;
    const struct aps_table_now then = {2 * APS_SEC, now};
    unsigned char digest[APS_ONCE_DIGEST_LEN] = {1}, other[APS_ONCE_DIGEST_LEN] = {2};

    (void)state;
    assert_int_equal(use_proof(1, end, T0), APS_ONCE_NEW);
    assert_int_equal(use_proof(2, end, T0), APS_ONCE_NEW);
    aps_once_forget(table, APS_ONCE_NONCE, STORE, digest, then);
    aps_once_forget(table, APS_ONCE_PROOF, STORE + 1, digest, then);
    assert_int_equal(use_proof(1, end, now), APS_ONCE_USED);
    aps_once_forget(table, APS_ONCE_PROOF, STORE, digest, then);
    aps_once_forget(table, APS_ONCE_PROOF, STORE, digest, then);
    assert_int_equal(use_proof(1, end, now), APS_ONCE_NEW);
    assert_int_equal(use_proof(1, end, now), APS_ONCE_USED);
    assert_int_equal(use_proof(2, end, now), APS_ONCE_USED);
    other[0] = 3; /* that nobody has used */
    aps_once_forget(table, APS_ONCE_PROOF, STORE, other, then);
    assert_int_equal(use_proof(3, end, now), APS_ONCE_NEW);
}

static void an_end_is_rounded_up(void **state)
{
    (void)state;
    assert_int_equal(use_proof(1, T0 + 1, T0), APS_ONCE_NEW);
    assert_int_equal(use_proof(1, T0 + 1, T0 + 999), APS_ONCE_USED);
    assert_int_equal(use_proof(1, T0 + 5000, T0 + APS_USEC), APS_ONCE_NEW);
}

/* One that is over as it comes is nobody else's in the same instant. */
static void an_end_in_the_past_is_now(void **state)
{
    (void)state;
    assert_int_equal(use_proof(1, T0 - APS_DAY, T0), APS_ONCE_NEW);
    assert_int_equal(use_proof(1, T0 - APS_DAY, T0), APS_ONCE_USED);
}

static void kinds_stores_and_values_are_apart(void **state)
{
    const aps_nsec end = T0 + APS_MINUTE;

    (void)state;
    for (unsigned kind = APS_ONCE_PROOF; kind <= APS_ONCE_FETCH; kind++)
        for (uint64_t store = 1; store <= 3; store++)
            for (unsigned value = 1; value <= 3; value++)
                assert_int_equal(use((enum aps_once_kind)kind, store, value, end, T0),
                                 APS_ONCE_NEW);
    for (unsigned kind = APS_ONCE_PROOF; kind <= APS_ONCE_FETCH; kind++)
        assert_int_equal(use((enum aps_once_kind)kind, 2, 3, end, T0), APS_ONCE_USED);
}

static void an_end_too_far_ahead_is_refused(void **state)
{
    (void)state;
    assert_int_equal(use_proof(1, T0 + APS_ONCE_MAX, T0), APS_ONCE_FULL);
    assert_int_equal(use_proof(1, T0 + APS_ONCE_MAX - APS_USEC, T0), APS_ONCE_NEW);
    assert_int_equal(use_proof(1, T0 + APS_ONCE_MAX - APS_USEC, T0), APS_ONCE_USED);
}

/* DPOP-07: what has no place is refused, and what has one keeps it. */
static void a_full_table_refuses(void **state)
{
    const aps_nsec end = T0 + APS_MINUTE;
    bool taken[3000] = {false};
    unsigned n = 0;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        enum aps_once got = use_proof(i, end, T0);

        assert_true(got == APS_ONCE_NEW || got == APS_ONCE_FULL);
        taken[i] = got == APS_ONCE_NEW;
        n += taken[i];
    }
    assert_int_equal(n, 1024 + T_RESERVE_OF_STORE);
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(use_proof(i, end, T0), taken[i] ? APS_ONCE_USED : APS_ONCE_FULL);
    for (unsigned i = 0; i < 100; i++) /* once they are over there is room */
        assert_int_equal(use_proof(5000 + i, end + APS_MINUTE, end), APS_ONCE_NEW);
}

/* A child of before a restart with another size does not know any more what was used. */
static void a_retired_table_refuses(void **state)
{
    const aps_nsec end = T0 + APS_MINUTE;

    (void)state;
    assert_int_equal(use_proof(1, end, T0), APS_ONCE_NEW);
    table->head->retired = 1;
    for (uint64_t i = 0; i < table->info.entries; i++)
        table->cells[i].b |= APS_WORD_RETIRED;
    assert_int_equal(use_proof(1, end, T0), APS_ONCE_FULL);
    assert_int_equal(use_proof(2, end, T0), APS_ONCE_FULL);
}

#define T(test) cmocka_unit_test_setup_teardown(test, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_value_is_used_once_until_its_end),
        T(a_look_uses_nothing),
        T(a_value_can_be_given_back),
        T(an_end_is_rounded_up),
        T(an_end_in_the_past_is_now),
        T(kinds_stores_and_values_are_apart),
        T(an_end_too_far_ahead_is_refused),
        T(a_full_table_refuses),
        T(a_retired_table_refuses),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
