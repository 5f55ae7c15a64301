#include "t_state.h"

#include <fcntl.h>

#include "../../libapisec/table/layout.h"
#include "../../libapisec/table/pause.h"
#include "apisec/directory.h"
#include "apisec/metrics.h"

/* 33 minutes and 20 seconds after an hour. */
#define WALL ((aps_nsec)1795678400 * APS_SEC)
#define THIS_HOUR ((aps_nsec)1795676400 * APS_SEC)

static struct aps_diag diag;

static struct aps_state *open_with(uint64_t entries)
{
    struct aps_state *opened = NULL;
    struct aps_state_size size = {entries, 0};

    assert_int_equal(aps_state_open(pool, file, &size, WALL, &opened, &diag), APS_OK);
    return opened;
}

static int set_up(void **state)
{
    (void)state;
    open_folder();
    memset(&diag, 0, sizeof diag);
    table = open_with(1024);
    return 0;
}

static struct aps_directory_row enter(const char *text, const char *where, bool is_plan,
                                      aps_nsec wall)
{
    struct aps_directory_limit limit = {aps_str(text), aps_str(where), 7, is_plan};

    return aps_directory_register(table, &limit, wall);
}

static struct aps_directory_row enter_number(unsigned number, bool is_plan, aps_nsec wall)
{
    char text[64];

    (void)snprintf(text, sizeof text, "limit%u rate=1/s by=key", number);
    return enter(text, "shop", is_plan, wall);
}

static void add(struct aps_directory_row row, enum aps_directory_count what, unsigned n)
{
    while (n-- > 0)
        assert_true(aps_directory_add(table, row, what, WALL));
}

/* ---- what a reader finds, in the order of the rows */

static struct aps_directory_entry seen[2 * APS_DIRECTORY_ROWS];
static size_t nseen;

static void keep(void *arg, const struct aps_directory_entry *entry)
{
    (void)arg;
    assert_true(nseen < sizeof seen / sizeof *seen);
    seen[nseen++] = *entry;
}

static void read_from(const struct aps_state *state)
{
    nseen = 0;
    assert_int_equal(aps_directory_each(state, pool, keep, NULL, &diag), APS_OK);
}

/* The server and a reader of the file find the same. */
static void read_all(void)
{
    static struct aps_directory_entry mine[APS_DIRECTORY_ROWS];
    struct aps_state *reader = NULL;
    size_t n;

    read_from(table);
    memcpy(mine, seen, nseen * sizeof *seen);
    n = nseen;
    assert_int_equal(aps_state_attach(pool, file, &reader, &diag), APS_OK);
    read_from(reader);
    aps_state_close(reader);
    assert_int_equal(nseen, n);
    assert_memory_equal(seen, mine, n * sizeof *seen);
}

static const struct aps_directory_entry *entry_of(const char *text)
{
    for (size_t i = 0; i < nseen; i++)
        if (strcmp(seen[i].text, text) == 0)
            return &seen[i];
    return NULL;
}

static struct layout_limit *row_of(struct aps_directory_row row)
{
    assert_in_range(row.index, 1, APS_DIRECTORY_ROWS);
    return &table->directory.rows[row.index - 1];
}

/* ---- tests */

static void a_registered_limit_says_all_that_it_was_given(void **state)
{
    struct aps_directory_row day, gold;

    (void)state;
    read_all();
    assert_int_equal(nseen, 0);
    day = enter("day quota=100/day by=key", "api.example.com:443 /v1", false, WALL);
    gold = enter("day quota=100/day by=key", "gold", true, WALL);
    read_all();
    assert_int_equal(nseen, 2);
    for (size_t i = 0; i < nseen; i++) {
        assert_string_equal(seen[i].text, "day quota=100/day by=key");
        assert_string_equal(seen[i].where, seen[i].is_plan ? "gold" : "api.example.com:443 /v1");
        assert_true(seen[i].is_current && !seen[i].text_cut && !seen[i].where_cut);
        assert_int_equal(seen[i].store, 7);
        assert_true(seen[i].met == THIS_HOUR);
    }
    assert_int_not_equal(seen[0].is_plan, seen[1].is_plan);
    assert_int_not_equal(day.index, gold.index);
}

static void each_counter_counts_for_itself(void **state)
{
    struct aps_directory_row day = enter("day rate=1/d by=key", "/", false, WALL);
    struct aps_directory_row second = enter("second rate=1/s by=key", "/", false, WALL);
    const struct aps_directory_entry *entry;

    (void)state;
    for (unsigned i = 0; i < APS_DIRECTORY_COUNTS; i++)
        add(day, (enum aps_directory_count)i, i + 1);
    add(second, APS_DIRECTORY_REFUSED, 1);
    for (unsigned i = 0; i < 10; i++)
        assert_true(aps_directory_ask(table, second));
    read_all();
    assert_non_null(entry = entry_of("day rate=1/d by=key"));
    for (unsigned i = 0; i < APS_DIRECTORY_COUNTS; i++)
        assert_int_equal(entry->count[i], i + 1);
    assert_non_null(entry = entry_of("second rate=1/s by=key"));
    assert_int_equal(entry->count[APS_DIRECTORY_ASKED], 10);
    assert_int_equal(entry->count[APS_DIRECTORY_REFUSED], 1);
    assert_int_equal(entry->count[APS_DIRECTORY_DELAYED], 0);
}

/* Whatever the process: children have stripes of their own. */
static void asked_is_summed_over_all_stripes(void **state)
{
    struct aps_directory_row day = enter("day rate=1/d by=key", "/", false, WALL);

    (void)state;
    assert_true(aps_directory_ask(table, day));
    aps_state_child(table);
    assert_true(aps_directory_ask(table, day));
    table->directory.stripe = table->directory.asked + 15 * LAYOUT_LIMITS;
    assert_true(aps_directory_ask(table, day));
    read_all();
    assert_int_equal(seen[0].count[APS_DIRECTORY_ASKED], 3);
}

/* A zeroed handle is a limit without a row. */
static void no_row_counts_nothing(void **state)
{
    struct aps_directory_row none = {0, 0};

    (void)state;
    assert_true(aps_directory_ask(table, none));
    assert_true(aps_directory_add(table, none, APS_DIRECTORY_REFUSED, WALL));
    assert_true(aps_directory_add(table, enter("a rate=1/s by=key", "/", false, WALL),
                                  APS_DIRECTORY_COUNTS, WALL));
    read_all();
    for (unsigned i = 0; i < APS_DIRECTORY_COUNTS; i++)
        assert_int_equal(seen[0].count[i], 0);
}

static void restarts_and_reboots_find_the_row_again(void **state)
{
    struct aps_directory_row day = enter("day rate=1/d by=key", "/", false, WALL);
    struct aps_directory_row again;

    (void)state;
    add(day, APS_DIRECTORY_REFUSED, 3);
    add(day, APS_DIRECTORY_ASKED, 2);
    table = open_with(1024);
    read_all();
    assert_int_equal(nseen, 1);
    assert_false(seen[0].is_current);
    again = enter("day rate=1/d by=key", "/", false, WALL + 2 * APS_HOUR);
    assert_true(again.key == day.key && again.index == day.index);
    table->head->boot_id[3] ^= 1;
    table = open_with(1024);
    (void)enter("day rate=1/d by=key", "/", false, WALL + 2 * APS_HOUR);
    read_all();
    assert_int_equal(nseen, 1);
    assert_true(seen[0].is_current && seen[0].met == THIS_HOUR + 2 * APS_HOUR);
    assert_int_equal(seen[0].count[APS_DIRECTORY_REFUSED], 3);
    assert_int_equal(seen[0].count[APS_DIRECTORY_ASKED], 2);
}

static void another_size_of_the_table_takes_the_rows_over(void **state)
{
    struct aps_state_info info;

    (void)state;
    add(enter("day rate=1/d by=key", "/", false, WALL), APS_DIRECTORY_DELAYED, 5);
    table = open_with(4096);
    aps_state_info(table, &info);
    assert_int_equal(info.origin, APS_STATE_CARRIED);
    read_all();
    assert_int_equal(nseen, 1);
    assert_int_equal(seen[0].count[APS_DIRECTORY_DELAYED], 5);
    add(enter("day rate=1/d by=key", "/", false, WALL), APS_DIRECTORY_DELAYED, 1);
    read_all();
    assert_int_equal(nseen, 1);
    assert_int_equal(seen[0].count[APS_DIRECTORY_DELAYED], 6);
}

static void long_texts_are_cut_at_a_character(void **state)
{
    char text[APS_DIRECTORY_TEXT_MAX + 8], where[APS_DIRECTORY_WHERE_MAX + 2];

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text + APS_DIRECTORY_TEXT_MAX - 1, "\xc3\xa9", 3);
    memset(where, 'b', sizeof where);
    where[APS_DIRECTORY_WHERE_MAX] = '\0';
    (void)enter(text, where, false, WALL);
    read_all();
    assert_int_equal(nseen, 1);
    assert_true(seen[0].text_cut && !seen[0].where_cut);
    assert_int_equal(strlen(seen[0].text), APS_DIRECTORY_TEXT_MAX - 1);
    assert_string_equal(seen[0].where, where);
    where[APS_DIRECTORY_WHERE_MAX] = 'b';
    where[APS_DIRECTORY_WHERE_MAX + 1] = '\0';
    (void)enter("", where, false, WALL);
    read_all();
    assert_int_equal(nseen, 2);
    assert_true(entry_of("")->where_cut);
}

/* ---- full */

static void fill(bool is_plan, aps_nsec wall)
{
    for (unsigned i = 0; i < APS_DIRECTORY_ROWS; i++)
        assert_int_not_equal(enter_number(i, is_plan, wall).index, 0);
}

static void what_nobody_met_for_longest_gives_way(void **state)
{
    struct aps_directory_row old, fresh;

    (void)state;
    fill(true, WALL);
    old = enter_number(17, true, WALL);
    add(old, APS_DIRECTORY_REFUSED, 4);
    add(old, APS_DIRECTORY_ASKED, 4);
    for (unsigned i = 0; i < APS_DIRECTORY_ROWS; i++)
        if (i != 17)
            (void)enter_number(i, true, WALL + APS_HOUR);
    fresh = enter("new rate=1/s by=key", "shop", true, WALL + 2 * APS_HOUR);
    assert_int_equal(fresh.index, old.index);
    /* Who still holds the old row is told, and counts nothing for the new one. */
    assert_false(aps_directory_ask(table, old));
    assert_false(aps_directory_add(table, old, APS_DIRECTORY_REFUSED, WALL));
    add(fresh, APS_DIRECTORY_DELAYED, 1);
    read_all();
    assert_int_equal(nseen, APS_DIRECTORY_ROWS);
    assert_null(entry_of("limit17 rate=1/s by=key"));
    for (unsigned i = 0; i < APS_DIRECTORY_COUNTS; i++)
        assert_int_equal(entry_of("new rate=1/s by=key")->count[i], i == APS_DIRECTORY_DELAYED);
    assert_int_equal(aps_metrics_sum(table, APS_METRIC_LIMIT_UNLISTED), 0);
}

/* A refusal tells that the limit is in use, as a registration does. */
static void what_has_refused_of_late_stays(void **state)
{
    struct aps_directory_row used;

    (void)state;
    fill(true, WALL);
    used = enter_number(3, true, WALL);
    assert_true(aps_directory_add(table, used, APS_DIRECTORY_REFUSED, WALL + 9 * APS_HOUR));
    for (unsigned i = 0; i < APS_DIRECTORY_ROWS - 1; i++)
        assert_int_not_equal(enter_number(5000 + i, true, WALL + 10 * APS_HOUR).index, 0);
    assert_true(aps_directory_ask(table, used));
    assert_int_equal(enter_number(9999, true, WALL + 10 * APS_HOUR).index, 0);
    assert_int_equal(aps_metrics_sum(table, APS_METRIC_LIMIT_UNLISTED), 1);
}

static void the_present_configuration_never_gives_way(void **state)
{
    (void)state;
    fill(false, WALL);
    assert_int_equal(enter("new rate=1/s by=key", "p", true, WALL + 900 * APS_DAY).index, 0);
    read_all();
    assert_int_equal(nseen, APS_DIRECTORY_ROWS);
    /* That of the start before does. */
    table = open_with(1024);
    assert_int_not_equal(enter("new rate=1/s by=key", "p", true, WALL + 900 * APS_DAY).index, 0);
    read_all();
    assert_int_equal(nseen, APS_DIRECTORY_ROWS);
    assert_non_null(entry_of("new rate=1/s by=key"));
}

/* A wrong clock: what lies ahead is the first to go, once the clock is right. */
static void an_hour_that_cannot_be_keeps_nothing(void **state)
{
    struct aps_directory_row ahead;

    (void)state;
    for (unsigned i = 0; i < APS_DIRECTORY_ROWS - 1; i++)
        (void)enter_number(i, true, WALL);
    ahead = enter("ahead rate=1/s by=key", "p", true, WALL + 9999 * APS_HOUR);
    assert_int_equal(enter("new rate=1/s by=key", "p", true, WALL).index, ahead.index);
    assert_int_equal(enter("old rate=1/s by=key", "p", true, -1).index != 0, true);
}

/* ---- what killed processes leave, and what others may write */

/* A claim that its maker did not finish is nobody's row, and the next one's with the same limit. */
static void a_claim_is_not_told_and_is_finished_by_the_next(void **state)
{
    struct aps_directory_row day = enter("day rate=1/d by=key", "/", false, WALL);
    struct layout_limit *row = row_of(day);

    (void)state;
    add(day, APS_DIRECTORY_REFUSED, 3);
    add(day, APS_DIRECTORY_ASKED, 3);
    row->id.b = UINT64_C(1) << 63 | 12345;
    memset(row->text, 'x', 100);
    read_all();
    assert_int_equal(nseen, 0);
    assert_int_equal(enter("day rate=1/d by=key", "/", false, WALL).index, day.index);
    read_all();
    assert_int_equal(nseen, 1);
    assert_string_equal(seen[0].text, "day rate=1/d by=key");
    assert_int_equal(seen[0].count[APS_DIRECTORY_REFUSED], 0); /* a new row begins at 0 */
    assert_int_equal(seen[0].count[APS_DIRECTORY_ASKED], 0);
}

/* Another process that comes between any two steps finishes the row and counts; the first one must
 * take nothing of that away when it goes on. */
static unsigned pause_at;
static struct aps_directory_row meanwhile;

static void register_meanwhile(unsigned point)
{
    if (point != pause_at)
        return;
    pause_at = 0;
    meanwhile = enter("slow rate=1/s by=key", "p", true, WALL);
    add(meanwhile, APS_DIRECTORY_REFUSED, 3);
    add(meanwhile, APS_DIRECTORY_ASKED, 3);
}

static void who_comes_late_takes_no_count_away(void **state)
{
    (void)state;
    for (unsigned point = 90; point <= 94; point++) {
        struct aps_directory_row row;

        /* Of a row that was another limit's, so that there is something to clear. */
        memset(table->directory.rows, 0, LAYOUT_DIRECTORY_BYTES);
        row = enter("slow rate=1/s by=key", "p", true, WALL);
        row_of(row)->id.a = 0;
        for (size_t i = 0; i < 4; i++)
            row_of(row)->count[i] = 9;
        table->directory.asked[row.index - 1] = 9;
        pause_at = point;
        aps_pause_hook = register_meanwhile;
        row = enter("slow rate=1/s by=key", "p", true, WALL);
        aps_pause_hook = NULL;
        assert_int_equal(pause_at, 0);
        assert_int_equal(row.index, meanwhile.index);
        read_all();
        assert_int_equal(nseen, 1);
        assert_int_equal(seen[0].count[APS_DIRECTORY_REFUSED], 3);
        assert_int_equal(seen[0].count[APS_DIRECTORY_ASKED], 3);
        assert_int_equal(seen[0].count[APS_DIRECTORY_DELAYED], 0);
    }
}

static void a_torn_row_is_not_told_and_is_written_anew(void **state)
{
    struct aps_directory_row day = enter("day rate=1/d by=key", "/", false, WALL);
    static const size_t at[] = {
        offsetof(struct layout_limit, store),
        offsetof(struct layout_limit, form),
        offsetof(struct layout_limit, text),
        offsetof(struct layout_limit, text) + LAYOUT_LIMIT_TEXT - 1,
        offsetof(struct layout_limit, where),
        offsetof(struct layout_limit, where) + LAYOUT_LIMIT_WHERE - 1,
    };

    (void)state;
    add(day, APS_DIRECTORY_REFUSED, 3);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        ((char *)row_of(day))[at[i]] ^= 1;
        read_all();
        assert_int_equal(nseen, 0);
        assert_int_equal(enter("day rate=1/d by=key", "/", false, WALL).index, day.index);
        read_all();
        assert_int_equal(nseen, 1);
        assert_int_equal(seen[0].count[APS_DIRECTORY_REFUSED], 3); /* counters are not of it */
    }
}

/* Two processes that meet a limit at a full table may make two rows; a reader adds them up. */
static void two_rows_of_a_limit_are_told_as_one(void **state)
{
    struct aps_directory_row day = enter("day rate=1/d by=key", "p", true, WALL);
    uint32_t other = day.index % (uint32_t)LAYOUT_LIMITS;

    (void)state;
    add(day, APS_DIRECTORY_REFUSED, 3);
    table->directory.rows[other] = *row_of(day);
    table->directory.asked[other] = 5;
    read_all();
    assert_int_equal(nseen, 1);
    assert_int_equal(seen[0].count[APS_DIRECTORY_REFUSED], 6);
    assert_int_equal(seen[0].count[APS_DIRECTORY_ASKED], 5);
}

/* Any bytes at all: nothing is believed, nothing crashes, and registering goes on. */
static void noise_is_not_told(void **state)
{
    uint64_t dice = 88172645463325252U;
    uint64_t *words = (uint64_t *)(void *)table->directory.rows;

    (void)state;
    for (size_t i = 0; i < LAYOUT_DIRECTORY_BYTES / 8; i++) {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        words[i] = dice;
    }
    read_all();
    assert_int_equal(nseen, 0);
    assert_int_not_equal(enter("day rate=1/d by=key", "/", false, WALL).index, 0);
    read_all();
    assert_int_equal(nseen, 1);
    assert_int_equal(seen[0].count[APS_DIRECTORY_ASKED], 0);
}

static void a_file_cut_short_is_an_error_and_no_signal(void **state)
{
    struct aps_state *reader = NULL;

    (void)state;
    assert_int_equal(aps_state_attach(pool, file, &reader, &diag), APS_OK);
    assert_int_equal(truncate(file, (off_t)table->directory.at + 4096), 0);
    assert_int_equal(aps_directory_each(reader, pool, keep, NULL, &diag), APS_ERR_IO);
    assert_non_null(strstr(diag.text, "state file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, close_table)
        T(a_registered_limit_says_all_that_it_was_given),
        T(each_counter_counts_for_itself),
        T(asked_is_summed_over_all_stripes),
        T(no_row_counts_nothing),
        T(restarts_and_reboots_find_the_row_again),
        T(another_size_of_the_table_takes_the_rows_over),
        T(long_texts_are_cut_at_a_character),
        T(what_nobody_met_for_longest_gives_way),
        T(what_has_refused_of_late_stays),
        T(the_present_configuration_never_gives_way),
        T(an_hour_that_cannot_be_keeps_nothing),
        T(a_claim_is_not_told_and_is_finished_by_the_next),
        T(who_comes_late_takes_no_count_away),
        T(a_torn_row_is_not_told_and_is_written_anew),
        T(two_rows_of_a_limit_are_told_as_one),
        T(noise_is_not_told),
        T(a_file_cut_short_is_an_error_and_no_signal),
#undef T
    };

    if (apr_initialize() != APR_SUCCESS)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
