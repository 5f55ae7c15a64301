#include "t_state.h"

#include "../../libapisec/table/layout.h"
#include "apisec/table.h"
#include "t_reserve.h"

#define T0 ((aps_nsec)5000 * APS_SEC)
#define UNTIL ((uint64_t)T0 + 100)
#define CLAIM APS_WORD_CLAIM

/* The eight cells of a tag: low half of the tag names the first set, high half the second. */
static struct layout_pair *cell_of(uint64_t tag, unsigned i)
{
    uint64_t set = (i < 4 ? tag : tag >> 32) & table->set_mask;

    return &table->cells[set * 4 + i % 4];
}

#define TAG (((uint64_t)3 << 32) | 2)

#define SCOPE 1
#define STORE 5
#define FOR_GOOD ((uint64_t)300000000 * (uint64_t)APS_SEC)

static struct aps_table_now at(aps_nsec mono)
{
    return (struct aps_table_now){mono, mono};
}

/* What table.c makes of a tag, undone: the caller whose tag it is within SCOPE. */
static uint64_t caller_of_tag(uint64_t tag)
{
    const uint64_t odd = 0xd6e8feb86659fd93u;
    uint64_t inverse = odd;

    for (int i = 0; i < 6; i++)
        inverse *= 2 - odd * inverse;
    tag ^= tag >> 32;
    tag *= inverse;
    tag ^= tag >> 32;
    tag *= inverse;
    tag ^= tag >> 32;
    return tag ^ SCOPE ^ table->salt;
}

static struct aps_table_spot look(uint64_t tag, aps_nsec now)
{
    struct aps_table_who who = {SCOPE, caller_of_tag(tag), STORE};
    struct aps_table_spot spot;

    memset(&spot, 0xee, sizeof spot);
    aps_table_look(table, &who, at(now), &spot);
    return spot;
}

/* All places that all share; those of the stores are taken for good. */
static void fill(uint64_t until)
{
    t_reserve_fill(table, FOR_GOOD);
    for (unsigned i = 0; i < 8; i++)
        *cell_of(TAG, i) = (struct layout_pair){1000 + i, until};
}

static void tags_tell_everything_apart(void **state)
{
    uint64_t scope[] = {
        aps_table_scope(APS_TABLE_RATE, 1, APS_STR_LIT("a")),
        aps_table_scope(APS_TABLE_FAIL, 1, APS_STR_LIT("a")),
        aps_table_scope(APS_TABLE_RATE, 2, APS_STR_LIT("a")),
        aps_table_scope(APS_TABLE_RATE, 1, APS_STR_LIT("b")),
        aps_table_scope(APS_TABLE_RATE, 1, APS_STR_LIT("")),
    };
    char caller[300];
    uint64_t seen[sizeof scope / sizeof scope[0] * sizeof caller];
    size_t n = 0;

    (void)state;
    memset(caller, 0, sizeof caller);
    for (size_t s = 0; s < sizeof scope / sizeof scope[0]; s++)
        for (size_t len = 0; len < sizeof caller; len++)
            seen[n++] = aps_table_tag(table, scope[s], aps_table_caller(table, caller, len));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(seen[i], seen[j]);
    /* The same again in every process: the scope is no secret and must never change. */
    assert_int_equal(scope[0], aps_table_scope(APS_TABLE_RATE, 1, APS_STR_LIT("a")));
}

/* LIM-14: another state file hashes the same caller elsewhere. */
static void tags_depend_on_the_file(void **state)
{
    uint64_t scope = aps_table_scope(APS_TABLE_RATE, 1, APS_STR_LIT("a"));
    uint64_t tag = aps_table_tag(table, scope, aps_table_caller(table, "caller", 6));
    struct aps_state *other = NULL;
    char path[80];

    (void)state;
    (void)snprintf(path, sizeof path, "%s2", file);
    assert_int_equal(aps_state_open(pool, path, &(struct aps_state_size){1024, 0}, 1, &other, NULL),
                     APS_OK);
    assert_int_not_equal(aps_table_tag(other, scope, aps_table_caller(other, "caller", 6)), tag);
    aps_state_close(other);
    assert_int_equal(aps_state_open(pool, path, &(struct aps_state_size){1024, 0}, 1, &other, NULL),
                     APS_OK);
    tag = aps_table_tag(other, scope, aps_table_caller(other, "caller", 6));
    aps_state_close(other);
    assert_int_equal(aps_state_open(pool, path, &(struct aps_state_size){1024, 0}, 1, &other, NULL),
                     APS_OK);
    assert_int_equal(aps_table_tag(other, scope, aps_table_caller(other, "caller", 6)), tag);
    assert_int_equal(unlink(path), 0);
}

static void a_new_tag_is_free_then_held(void **state)
{
    struct aps_table_spot spot = look(TAG, T0);
    struct aps_table_spot stale = spot;

    (void)state;
    assert_int_equal(spot.place, APS_TABLE_FREE);
    assert_int_equal(spot.word, 0);
    assert_true(aps_table_put(table, &spot, UNTIL));
    assert_int_equal(spot.place, APS_TABLE_HELD);
    assert_false(aps_table_put(table, &stale, UNTIL + 1));
    assert_true(aps_table_put(table, &spot, UNTIL + 2)); /* a put leaves the spot fresh */
    stale = look(TAG, T0);
    assert_int_equal(stale.place, APS_TABLE_HELD);
    assert_int_equal(stale.word, UNTIL + 2);
    assert_true(aps_table_put(table, &spot, UNTIL + 3));
    assert_false(aps_table_put(table, &stale, UNTIL + 4));
    assert_int_equal(look(TAG, T0).word, UNTIL + 3);
    assert_int_equal(look(TAG, (aps_nsec)UNTIL + 1000).word, UNTIL + 3); /* idle, still its own */
}

/* LIM-14 */
static void only_idle_cells_are_taken_and_the_longest_idle_first(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct aps_table_spot spot;

        fill(UNTIL);
        assert_true(look(TAG, (aps_nsec)UNTIL - 1).overflow);
        cell_of(TAG, i)->b = (uint64_t)T0;
        assert_true(look(TAG, T0 - 1).overflow);
        spot = look(TAG, T0);
        assert_int_equal(spot.place, APS_TABLE_FREE);
        assert_true(aps_table_put(table, &spot, UNTIL));
        assert_int_equal(cell_of(TAG, i)->a, TAG);
        for (unsigned j = 0; j < 8; j++)
            assert_int_equal(cell_of(TAG, j)->a, j == i ? TAG : 1000 + j);
        fill(UNTIL);
        cell_of(TAG, i)->b = 5;
        cell_of(TAG, i < 4 ? (i + 1) % 4 : 4 + (i + 1) % 4)->b = 6;
        spot = look(TAG, T0);
        assert_true(aps_table_put(table, &spot, UNTIL));
        assert_int_equal(cell_of(TAG, i)->a, TAG);
    }
}

static void the_emptier_set_is_chosen(void **state)
{
    struct aps_table_spot spot;

    (void)state;
    *cell_of(TAG, 1) = (struct layout_pair){1001, UNTIL};
    spot = look(TAG, T0);
    assert_true(aps_table_put(table, &spot, UNTIL));
    assert_int_equal(cell_of(TAG, 4)->a, TAG);
}

static void a_cell_beyond_every_limit_is_damage_and_taken(void **state)
{
    struct aps_table_spot spot;

    (void)state;
    fill(UNTIL);
    cell_of(TAG, 5)->b = (uint64_t)T0 + APS_TABLE_SPAN_MAX;
    assert_true(look(TAG, T0).overflow);
    cell_of(TAG, 5)->b = (uint64_t)T0 + APS_TABLE_SPAN_MAX + 1;
    spot = look(TAG, T0);
    assert_int_equal(spot.place, APS_TABLE_FREE);
    assert_true(aps_table_put(table, &spot, UNTIL));
    assert_int_equal(cell_of(TAG, 5)->a, TAG);
}

/* A claim whose owner was killed: who comes next finishes it; others take it as a last resort. */
static void claims_of_the_dead_block_nobody(void **state)
{
    struct aps_table_spot spot;

    (void)state;
    fill(UNTIL);
    *cell_of(TAG, 6) = (struct layout_pair){TAG, CLAIM | 99};
    spot = look(TAG, T0);
    assert_int_equal(spot.place, APS_TABLE_CLAIMED);
    assert_int_equal(spot.word, 0);
    assert_true(aps_table_put(table, &spot, UNTIL));
    assert_int_equal(cell_of(TAG, 6)->b, UNTIL);
    fill(UNTIL);
    *cell_of(TAG, 2) = (struct layout_pair){4711, CLAIM | 99};
    spot = look(TAG, T0);
    assert_int_equal(spot.place, APS_TABLE_FREE);
    assert_true(aps_table_put(table, &spot, UNTIL));
    assert_int_equal(cell_of(TAG, 2)->a, TAG);
    fill(UNTIL);
    *cell_of(TAG, 2) = (struct layout_pair){4711, CLAIM | 99};
    cell_of(TAG, 7)->b = 1; /* an idle cell goes before a claim */
    spot = look(TAG, T0);
    assert_true(aps_table_put(table, &spot, UNTIL));
    assert_int_equal(cell_of(TAG, 7)->a, TAG);
}

/* LIM-13: what comes between look and put is found by the search for twins. */
static void a_twin_is_noticed_before_the_cell_counts(void **state)
{
    struct aps_table_spot spot = look(TAG, T0);

    (void)state;
    *cell_of(TAG, 5) = (struct layout_pair){TAG, UNTIL};
    assert_false(aps_table_put(table, &spot, UNTIL + 1));
    assert_int_equal(cell_of(TAG, 0)->a, 0); /* its own claim is withdrawn */
    assert_int_equal(look(TAG, T0).word, UNTIL);

    *cell_of(TAG, 5) = (struct layout_pair){0, 0};
    spot = look(TAG, T0);
    *cell_of(TAG, 5) = (struct layout_pair){TAG, CLAIM | 7}; /* a claim at a higher place yields */
    assert_true(aps_table_put(table, &spot, UNTIL + 1));
    assert_int_equal(cell_of(TAG, 0)->b, UNTIL + 1);
    assert_int_equal(cell_of(TAG, 5)->a, 0);

    *cell_of(TAG, 0) = (struct layout_pair){1000, UNTIL};
    spot = look(TAG, T0);
    assert_ptr_equal(spot.cell, cell_of(TAG, 4));
    *cell_of(TAG, 1) = (struct layout_pair){TAG, CLAIM | 8}; /* one at a lower place goes first */
    assert_false(aps_table_put(table, &spot, UNTIL));
    assert_int_equal(cell_of(TAG, 4)->a, 0);
    spot = look(TAG, T0);
    assert_int_equal(spot.place, APS_TABLE_CLAIMED);
    assert_true(aps_table_put(table, &spot, UNTIL));
    assert_int_equal(cell_of(TAG, 1)->b, UNTIL);
}

static void both_halves_of_a_tag_may_name_one_set(void **state)
{
    uint64_t tag = ((uint64_t)9 << 32) | 9;

    (void)state;
    t_reserve_fill(table, UNTIL);
    for (unsigned i = 0; i < 4; i++)
        table->cells[9 * 4 + i] = (struct layout_pair){1000 + i, UNTIL};
    assert_int_equal(look(tag, T0).place, APS_TABLE_FREE); /* the next set is its second */
    for (unsigned i = 0; i < 4; i++)
        table->cells[8 * 4 + i] = (struct layout_pair){1000 + i, UNTIL};
    assert_true(look(tag, T0).overflow);
}

/* LIM-14: all callers of one limit and store without a cell share one, and nobody else does. */
static void an_overflow_cell_belongs_to_scope_and_store(void **state)
{
    struct aps_table_who who = {SCOPE, 4711, STORE};
    struct aps_table_spot one;
    struct aps_table_spot two;
    struct aps_table_spot stale;

    (void)state;
    fill(UNTIL);
    one = look(TAG, T0);
    stale = one;
    assert_true(one.overflow);
    assert_int_equal(one.place, APS_TABLE_FREE);
    assert_true(aps_table_put(table, &one, UNTIL));
    assert_true(one.overflow);
    aps_table_look_overflow(table, &who, at(T0), &two);
    assert_int_equal(two.place, APS_TABLE_HELD);
    assert_int_equal(two.word, UNTIL);
    assert_false(aps_table_put(table, &stale, UNTIL + 2));
    assert_true(aps_table_put(table, &two, UNTIL + 1));
    assert_false(aps_table_put(table, &one, UNTIL + 2));
    who.scope++;
    aps_table_look_overflow(table, &who, at(T0), &two);
    assert_int_equal(two.word, 0);
    who.scope--;
    who.store++;
    aps_table_look_overflow(table, &who, at(T0), &two);
    assert_int_equal(two.word, 0);
}

/* Its own set among those of a tag tells. */
static uint64_t share_of(uint64_t store)
{
    struct aps_table_who who = {SCOPE, 0, store};
    struct aps_table_spot spot;

    aps_table_look(table, &who, at(T0), &spot);
    return (uint64_t)((struct layout_pair *)spot.set[2] - t_reserve(table)) / T_RESERVE_OF_STORE;
}

/* LIM-14: whoever asks for more and more of them, others find places of their own. */
static void a_store_cannot_fill_the_overflow_cells_of_another(void **state)
{
    struct aps_table_who who = {0, 0, STORE};
    struct aps_table_spot spot;
    unsigned taken = 0;

    (void)state;
    for (who.scope = 1; who.scope <= 100000; who.scope++) {
        aps_table_look_overflow(table, &who, at(T0), &spot);
        if (aps_table_put(table, &spot, UNTIL))
            taken++;
        else
            assert_int_equal(spot.place, APS_TABLE_NONE);
    }
    assert_int_equal(taken, LAYOUT_SHARED_OVERFLOW / 2 + LAYOUT_STORE_SETS * LAYOUT_WAYS);
    for (who.store = STORE + 1; who.store < STORE + 20; who.store++)
        for (who.scope = 1; who.scope <= 3; who.scope++) {
            aps_table_look_overflow(table, &who, at(T0), &spot);
            assert_int_equal(aps_table_put(table, &spot, UNTIL),
                             share_of(who.store) != share_of(STORE));
        }
}

/* LIM-14: an idle cell, of whatever kind, is one that says nothing any more. */
static void each_kind_is_idle_in_its_time(void **state)
{
    const uint64_t second = (uint64_t)T0 / (uint64_t)APS_SEC;
    const uint64_t minute = (uint64_t)T0 / (uint64_t)APS_MINUTE;
    const uint64_t day = (uint64_t)APS_DAY / (uint64_t)APS_SEC;
    const struct {
        uint64_t word;
        bool live;
    } cases[] = {
        {(uint64_t)T0, false},
        {(uint64_t)T0 + 1, true},
        {APS_WORD_MOVED | (uint64_t)T0, false},
        {APS_WORD_MOVED | ((uint64_t)T0 + 1), true},
        {APS_WORD_MOVED | APS_WORD_DONE | ((uint64_t)T0 + 1), true},
        {aps_word_once((uint64_t)T0 / 1000), false},
        {aps_word_once((uint64_t)T0 / 1000 + 1), true},
        {aps_word_once((uint64_t)T0 / 1000 + APS_TABLE_ONCE_MAX / 1000), true},
        {aps_word_once((uint64_t)T0 / 1000 + APS_TABLE_ONCE_MAX / 1000 + 1), false},
        {aps_word_counted(APS_WORD_FIXED, second, 9), false},
        {aps_word_counted(APS_WORD_FIXED, second - 1, 9), false},
        {aps_word_counted(APS_WORD_FIXED, second + 1, 9), true},
        {aps_word_counted(APS_WORD_FIXED, second + 1, 0), true},
        {aps_word_counted(APS_WORD_FIXED, second + 3 * day, 9), true},
        {aps_word_counted(APS_WORD_FIXED, second + 3 * day + 1, 9), false},
        {aps_word_counted(APS_WORD_SLIDING, second, 9), false},
        {aps_word_counted(APS_WORD_SLIDING, second + 1, 9), true},
        {aps_word_counted(APS_WORD_QUOTA, minute, 9), false},
        {aps_word_counted(APS_WORD_QUOTA, minute + 1, 9), true},
        {aps_word_counted(APS_WORD_QUOTA, minute + 100 * 366 * 1440, 9), true},
        {aps_word_counted(APS_WORD_QUOTA, minute - 100, 9), false},
        {APS_WORD_COUNTED | (uint64_t)3 << 60, false},
        {APS_WORD_COUNTED | (uint64_t)3 << 60 | 12345, true}, /* its last operation is not over */
        {APS_WORD_COUNTED | (uint64_t)3 << 60 | (uint64_t)1 << 44, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct aps_table_usage usage;

        fill(cases[i].word);
        assert_int_equal(look(TAG, T0).overflow, cases[i].live);
        assert_int_equal(aps_table_usage(table, at(T0), &usage, NULL), APS_OK);
        assert_int_equal(usage.live, cases[i].live ? 8 : 0);
    }
}

/* After 8.5 years of uptime seconds do not fit 28 bits any more. */
static void windows_outlive_every_uptime(void **state)
{
    const aps_nsec now = ((aps_nsec)1 << 28) * APS_SEC - 10 * APS_SEC;
    struct aps_table_spot spot;

    (void)state;
    fill(aps_word_counted(APS_WORD_FIXED, ((uint64_t)1 << 28) + 10, 1));
    assert_true(look(TAG, now).overflow);
    assert_true(look(TAG, now + 19 * APS_SEC).overflow);
    spot = look(TAG, now + 20 * APS_SEC);
    assert_false(spot.overflow);
    assert_int_equal(spot.place, APS_TABLE_FREE);
}

/* The cells of all kinds lie among each other: the longest idle one is taken first. */
static void the_longest_idle_is_found_among_all_kinds(void **state)
{
    const uint64_t second = (uint64_t)T0 / (uint64_t)APS_SEC;
    const uint64_t words[] = {
        (uint64_t)T0 - 9 * (uint64_t)APS_SEC - 5,
        aps_word_counted(APS_WORD_FIXED, second - 10, 1),
        aps_word_counted(APS_WORD_SLIDING, second - 5, 1),
        aps_word_counted(APS_WORD_QUOTA, (uint64_t)T0 / (uint64_t)APS_MINUTE, 1),
    };

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        *cell_of(TAG, i) = (struct layout_pair){1000 + i, i < 4 ? words[i] : UNTIL};
    assert_ptr_equal(look(TAG, T0).cell, cell_of(TAG, 1));
    cell_of(TAG, 1)->b = UNTIL;
    assert_ptr_equal(look(TAG, T0).cell, cell_of(TAG, 0));
    cell_of(TAG, 0)->b = UNTIL;
    assert_ptr_equal(look(TAG, T0).cell, cell_of(TAG, 2));
    cell_of(TAG, 2)->b = UNTIL;
    assert_ptr_equal(look(TAG, T0).cell, cell_of(TAG, 3));
}

/* Whatever stands in the cells: an answer, no endless loop and no step outside. */
static void damaged_cells_harm_nobody(void **state)
{
    uint64_t word = 88172645463325252ull;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        for (uint64_t i = 0; i < table->info.entries * 2; i++) {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            (&table->cells[0].a)[i] = round % 2 != 0 && word % 3 == 0 ? TAG : word;
        }
        for (uint64_t tag = TAG; tag < TAG + 50; tag++) {
            struct aps_table_spot spot = look(tag, T0);

            (void)aps_table_put(table, &spot, UNTIL);
        }
    }
}

static void usage_counts_the_same_from_inside_and_outside(void **state)
{
    struct aps_table_usage usage;
    struct aps_state *reader = NULL;

    (void)state;
    fill(UNTIL);
    *cell_of(TAG, 1) = (struct layout_pair){TAG, CLAIM | 1};
    cell_of(TAG, 2)->b = (uint64_t)T0;
    assert_int_equal(aps_table_usage(table, at(T0), &usage, NULL), APS_OK);
    assert_int_equal(usage.entries, 1024);
    assert_int_equal(usage.live, 6);
    assert_int_equal(usage.claimed, 1);
    assert_int_equal(aps_state_attach(pool, file, &reader, NULL), APS_OK);
    memset(&usage, 0, sizeof usage);
    assert_int_equal(aps_table_usage(reader, at(T0), &usage, NULL), APS_OK);
    assert_int_equal(usage.live, 6);
    assert_int_equal(usage.claimed, 1);
    assert_int_equal(truncate(file, 100), 0); /* no signal, an answer */
    usage.live = 77;
    assert_int_equal(aps_table_usage(reader, at(T0), &usage, NULL), APS_ERR_IO);
    assert_int_equal(usage.live, 77);
}

#define T(test) cmocka_unit_test_setup_teardown(test, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(tags_tell_everything_apart),
        T(tags_depend_on_the_file),
        T(a_new_tag_is_free_then_held),
        T(only_idle_cells_are_taken_and_the_longest_idle_first),
        T(the_emptier_set_is_chosen),
        T(a_cell_beyond_every_limit_is_damage_and_taken),
        T(claims_of_the_dead_block_nobody),
        T(a_twin_is_noticed_before_the_cell_counts),
        T(both_halves_of_a_tag_may_name_one_set),
        T(an_overflow_cell_belongs_to_scope_and_store),
        T(a_store_cannot_fill_the_overflow_cells_of_another),
        T(each_kind_is_idle_in_its_time),
        T(windows_outlive_every_uptime),
        T(the_longest_idle_is_found_among_all_kinds),
        T(damaged_cells_harm_nobody),
        T(usage_counts_the_same_from_inside_and_outside),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
