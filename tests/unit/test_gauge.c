#include "t_rate.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "apisec/excerpt.h"
#include "apisec/gauge.h"

static struct aps_state *server; /* beside `table`, which a test may exchange for a reader's */
static struct aps_diag diag;

static int open_file(void **state)
{
    (void)open_table(state);
    server = table;
    return 0;
}

static struct aps_state *attach(void)
{
    struct aps_state *reader = NULL;

    assert_int_equal(aps_state_attach(pool, file, &reader, &diag), APS_OK);
    return reader;
}

/* What the server itself would see, and what an excerpt of its file says: the same. */
static struct aps_gauge read_at(const struct aps_rate_limit *limit, uint64_t caller,
                                struct aps_table_now now)
{
    struct aps_rate_ask ask = ask_of(limit, caller, 1);
    struct aps_state *reader = attach(), *excerpt = NULL;
    struct aps_gauge there, here;

    clock_time = now.mono;
    assert_int_equal(aps_excerpt_open(pool, reader, &excerpt, &diag), APS_OK);
    for (const struct aps_rate_limit *l = limit; l != NULL; l = l->earlier)
        assert_int_equal(aps_excerpt_add(excerpt, reader, l->scope, caller, &diag), APS_OK);
    aps_gauge_read(excerpt, &ask, now, count_clock, &here);
    aps_gauge_read(server, &ask, now, count_clock, &there);
    assert_memory_equal(&here, &there, sizeof here);
    assert_int_equal(here.consumed + here.remaining, here.most);
    assert_int_equal(here.full == 0, here.consumed == 0);
    aps_state_close(excerpt);
    aps_state_close(reader);
    return here;
}

static void expect(struct aps_gauge g, uint32_t most, uint32_t consumed, aps_nsec next,
                   aps_nsec full)
{
    assert_int_equal(g.most, most);
    assert_int_equal(g.consumed, consumed);
    assert_true(g.next == next);
    assert_true(g.full == full);
    assert_false(g.shared);
}

static void spend(const struct aps_rate_limit *limit, uint64_t caller, uint32_t units, aps_nsec now)
{
    assert_int_equal(take(limit, caller, units, now, NULL, NULL), APS_REASON_ALLOW);
}

/* LIM-03 */
static void a_bucket_drains_unit_by_unit(void **state)
{
    struct aps_rate_limit limit;

    (void)state;
    assert_int_equal(aps_rate_init(&limit, SCOPE, (struct aps_rate){2, APS_SEC}, 10, NULL), APS_OK);
    expect(read_at(&limit, 7, at(T0)), 10, 0, 0, 0);
    spend(&limit, 7, 4, T0);
    expect(read_at(&limit, 7, at(T0)), 10, 4, 500 * APS_MSEC, 2 * APS_SEC);
    expect(read_at(&limit, 7, at(T0 + 1)), 10, 4, 500 * APS_MSEC - 1, 2 * APS_SEC - 1);
    expect(read_at(&limit, 7, at(T0 + 1900 * APS_MSEC)), 10, 1, 100 * APS_MSEC, 100 * APS_MSEC);
    expect(read_at(&limit, 7, at(T0 + 2 * APS_SEC)), 10, 0, 0, 0);
    expect(read_at(&limit, 8, at(T0)), 10, 0, 0, 0);
}

static void a_window_ends_as_a_whole(void **state)
{
    struct aps_rate_limit limit;

    (void)state;
    assert_int_equal(aps_rate_init_window(&limit, SCOPE, APS_RATE_FIXED,
                                          (struct aps_rate){10, APS_MINUTE}, NULL),
                     APS_OK);
    spend(&limit, 7, 3, T0); /* 20 seconds into its minute */
    expect(read_at(&limit, 7, at(T0 + APS_SEC / 2)), 10, 3, 39500 * APS_MSEC, 39500 * APS_MSEC);
    expect(read_at(&limit, 7, at(T0 + 40 * APS_SEC)), 10, 0, 0, 0);
}

/* LIM-05 */
static void a_sliding_window_weighs_until_the_next_one_ends(void **state)
{
    struct aps_rate_limit limit;
    struct aps_gauge g;

    (void)state;
    assert_int_equal(aps_rate_init_window(&limit, SCOPE, APS_RATE_SLIDING,
                                          (struct aps_rate){10, APS_MINUTE}, NULL),
                     APS_OK);
    spend(&limit, 7, 4, T0);
    g = read_at(&limit, 7, at(T0));
    assert_int_equal(g.consumed, 4);
    assert_true(g.full == 100 * APS_SEC);
    g = read_at(&limit, 7, at(T0 + 70 * APS_SEC)); /* half of the next minute */
    assert_int_equal(g.consumed, 2);
    assert_true(g.full == 30 * APS_SEC);
    expect(read_at(&limit, 7, at(T0 + 100 * APS_SEC)), 10, 0, 0, 0);
}

/* LIM-09 */
static void a_quota_ends_with_its_period(void **state)
{
    const struct aps_zone *zone = NULL;
    struct aps_rate_limit limit;
    struct aps_table_now now = {T0, 90 * APS_DAY + 5 * APS_HOUR + APS_SEC};
    struct aps_rate_ask ask = ask_of(&limit, 7, 30);
    struct aps_gauge g;

    (void)state;
    assert_int_equal(aps_zone_open(pool, APS_STR_LIT("UTC"), &zone, NULL), APS_OK);
    assert_int_equal(aps_rate_init_quota(&limit, SCOPE, 100, APS_ZONE_DAY, zone, NULL), APS_OK);
    assert_int_equal(aps_rate_take(server, &ask, now, count_clock, NULL), APS_REASON_ALLOW);
    g = read_at(&limit, 7, now);
    expect(g, 100, 30, 19 * APS_HOUR - APS_SEC, 19 * APS_HOUR - APS_SEC);
    ask.bonus = 50;
    aps_gauge_read(server, &ask, now, count_clock, &g);
    expect(g, 150, 30, 19 * APS_HOUR - APS_SEC, 19 * APS_HOUR - APS_SEC);
    ask.bonus = UINT32_MAX;
    aps_gauge_read(server, &ask, now, count_clock, &g);
    assert_int_equal(g.most, UINT32_MAX);
    now.wall += 19 * APS_HOUR;
    expect(read_at(&limit, 7, now), 100, 0, 0, 0);
}

/* A limit that was edited tells what was consumed under the definition before. */
static void what_an_earlier_definition_counted_is_told(void **state)
{
    struct aps_rate_limit before, after;

    (void)state;
    assert_int_equal(aps_rate_init(&before, SCOPE, (struct aps_rate){10, APS_MINUTE}, 10, NULL),
                     APS_OK);
    assert_int_equal(aps_rate_init(&after, SCOPE + 1, (struct aps_rate){20, APS_MINUTE}, 20, NULL),
                     APS_OK);
    aps_rate_set_earlier(&after, &before, 0);
    spend(&before, 7, 6, T0);
    assert_int_equal(read_at(&after, 7, at(T0)).consumed, 6);
}

/* All that a file says of other callers is left where it is; of this one nothing is missing. */
static void every_caller_is_found(void **state)
{
    struct aps_rate_limit limit;

    (void)state;
    assert_int_equal(aps_rate_init(&limit, SCOPE, (struct aps_rate){100, APS_DAY}, 0, NULL),
                     APS_OK);
    for (uint64_t caller = 1; caller <= 500; caller++)
        spend(&limit, caller, (uint32_t)(caller % 50) + 1, T0);
    for (uint64_t caller = 1; caller <= 500; caller++) {
        struct aps_gauge g = read_at(&limit, caller, at(T0));

        assert_false(g.shared);
        assert_int_equal(g.consumed, caller % 50 + 1);
    }
}

static void without_a_cell_what_is_shared_is_told(void **state)
{
    struct aps_rate_limit limit;
    struct aps_gauge g;

    (void)state;
    assert_int_equal(aps_rate_init(&limit, SCOPE, (struct aps_rate){10, APS_DAY}, 0, NULL), APS_OK);
    for (uint64_t i = 0; i < server->info.entries; i++)
        server->cells[i] = (struct layout_pair){i + 1, (uint64_t)T0 + (uint64_t)APS_DAY};
    t_reserve_fill(server, (uint64_t)T0 + (uint64_t)APS_DAY);
    spend(&limit, UINT64_MAX / 3, 4, T0);
    g = read_at(&limit, UINT64_MAX / 5, at(T0));
    assert_true(g.shared);
    assert_int_equal(g.consumed, 4);
}

static void with_no_room_at_all_everything_counts_as_consumed(void **state)
{
    struct aps_rate_limit limit;
    struct aps_gauge g;

    (void)state;
    assert_int_equal(aps_rate_init(&limit, SCOPE, (struct aps_rate){10, APS_DAY}, 0, NULL), APS_OK);
    for (uint64_t i = 0; i < server->info.entries; i++)
        server->cells[i] = (struct layout_pair){i + 1, (uint64_t)T0 + (uint64_t)APS_DAY};
    for (uint64_t i = 0; i < LAYOUT_OVERFLOW; i++)
        server->overflow[i] = (struct layout_pair){i + 1, (uint64_t)T0 + (uint64_t)APS_DAY};
    g = read_at(&limit, UINT64_MAX / 5, at(T0));
    assert_true(g.shared);
    assert_int_equal(g.remaining, 0);
}

/* Of another boot: the server that opens it drops them as well. */
static void cells_of_another_boot_say_nothing(void **state)
{
    struct aps_rate_limit limit;
    struct aps_state *reader, *excerpt = NULL;
    struct aps_rate_ask ask = ask_of(&limit, 7, 1);
    struct aps_state_info info;
    struct aps_gauge g;

    (void)state;
    assert_int_equal(aps_rate_init(&limit, SCOPE, (struct aps_rate){10, APS_DAY}, 0, NULL), APS_OK);
    spend(&limit, 7, 4, T0);
    aps_state_info(attach(), &info);
    assert_false(info.is_stale);
    server->head->boot_id[7] ^= 1;
    reader = attach();
    aps_state_info(reader, &info);
    assert_true(info.is_stale);
    assert_int_equal(aps_excerpt_open(pool, reader, &excerpt, &diag), APS_OK);
    assert_int_equal(aps_excerpt_add(excerpt, reader, limit.scope, 7, &diag), APS_OK);
    aps_gauge_read(excerpt, &ask, at(T0), count_clock, &g);
    expect(g, 10, 0, 0, 0);
    aps_state_info(excerpt, &info);
    assert_true(info.is_stale);
}

static void nothing_reaches_the_file(void **state)
{
    struct aps_rate_limit limit;
    struct aps_state *reader = attach(), *excerpt = NULL;
    struct aps_rate_ask ask = ask_of(&limit, 7, 3);

    (void)state;
    assert_int_equal(aps_rate_init(&limit, SCOPE, (struct aps_rate){10, APS_DAY}, 0, NULL), APS_OK);
    assert_int_equal(aps_excerpt_open(pool, reader, &excerpt, &diag), APS_OK);
    assert_int_equal(aps_excerpt_add(excerpt, reader, limit.scope, 7, &diag), APS_OK);
    assert_int_equal(aps_rate_take(excerpt, &ask, at(T0), count_clock, NULL), APS_REASON_ALLOW);
    assert_int_equal(read_at(&limit, 7, at(T0)).consumed, 0);
}

static void a_file_cut_short_is_an_error_and_no_signal(void **state)
{
    struct aps_state *reader = attach(), *excerpt = NULL;

    (void)state;
    assert_int_equal(truncate(file, (off_t)reader->leases.at), 0);
    assert_int_equal(aps_excerpt_open(pool, reader, &excerpt, &diag), APS_OK);
    assert_int_equal(aps_excerpt_add(excerpt, reader, SCOPE, 7, &diag), APS_ERR_IO);
    assert_int_equal(truncate(file, (off_t)reader->slots.at), 0);
    excerpt = (void *)&diag;
    assert_int_equal(aps_excerpt_open(pool, reader, &excerpt, &diag), APS_ERR_IO);
    assert_ptr_equal(excerpt, &diag);
    assert_non_null(strstr(diag.text, "shorter"));
}

/* Whatever a cell says, what is told fits together. */
static void damage_is_told_as_something_that_can_be(void **state)
{
    static const uint64_t words[] = {0,
                                     1,
                                     UINT64_MAX >> 1,
                                     UINT64_MAX,
                                     APS_WORD_COUNTED,
                                     APS_WORD_MOVED | 5,
                                     APS_WORD_COUNTED | UINT32_MAX};
    const struct aps_zone *zone = NULL;
    struct aps_rate_limit limit[4];

    (void)state;
    assert_int_equal(aps_zone_open(pool, APS_STR_LIT("UTC"), &zone, NULL), APS_OK);
    assert_int_equal(aps_rate_init(&limit[0], 1, (struct aps_rate){10, APS_DAY}, 0, NULL), APS_OK);
    assert_int_equal(
        aps_rate_init_window(&limit[1], 2, APS_RATE_FIXED, (struct aps_rate){10, APS_MINUTE}, NULL),
        APS_OK);
    assert_int_equal(aps_rate_init_window(&limit[2], 3, APS_RATE_SLIDING,
                                          (struct aps_rate){10, APS_MINUTE}, NULL),
                     APS_OK);
    assert_int_equal(aps_rate_init_quota(&limit[3], 4, 10, APS_ZONE_DAY, zone, NULL), APS_OK);
    for (size_t k = 0; k < 4; k++)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            struct aps_rate_ask ask = ask_of(&limit[k], 7, 1);
            struct layout_pair *cell;
            struct aps_gauge g;

            if ((cell = cell_of(&limit[k], 7)) == NULL) {
                spend(&limit[k], 7, 1, T0);
                cell = cell_of(&limit[k], 7);
            }
            assert_non_null(cell);
            cell->b = words[i];
            aps_gauge_read(server, &ask, at(T0), count_clock, &g);
            assert_int_equal(g.consumed + g.remaining, 10);
            assert_true(g.full >= 0 && g.next >= 0);
        }
}

#undef T
#define T(test) cmocka_unit_test_setup_teardown(test, open_file, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_bucket_drains_unit_by_unit),
        T(a_window_ends_as_a_whole),
        T(a_sliding_window_weighs_until_the_next_one_ends),
        T(a_quota_ends_with_its_period),
        T(what_an_earlier_definition_counted_is_told),
        T(every_caller_is_found),
        T(without_a_cell_what_is_shared_is_told),
        T(with_no_room_at_all_everything_counts_as_consumed),
        T(cells_of_another_boot_say_nothing),
        T(nothing_reaches_the_file),
        T(a_file_cut_short_is_an_error_and_no_signal),
        T(damage_is_told_as_something_that_can_be),
    };

    if (apr_initialize() != APR_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
