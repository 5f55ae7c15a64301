#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <apr_general.h>
#include <apisec/authn.h>

#include "fake_snapshot.h"

#define REFRESH (250 * APS_MSEC)

static apr_pool_t *pool;
static struct aps_reader *reader;

static int setup(void **state)
{
    const struct aps_reader_options options = {
        .snapshot = {.store = "/store"}, .refresh = REFRESH, .cache_max = 4};
    (void)state;
    apr_pool_create(&pool, NULL);
    t_fake_reset(pool);
    assert_int_equal(aps_reader_new(&options, &reader), APS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    aps_reader_free(reader);
    assert_int_equal(t_fake.opens, t_fake.closes);
    apr_pool_destroy(pool);
    return 0;
}

static struct aps_diag diag;

static struct aps_view *acquire(aps_nsec now, enum aps_reader_event want)
{
    enum aps_reader_event event = APS_READER_FAILED;
    diag.text[0] = '\0';
    struct aps_view *view = aps_reader_acquire(reader, now, &event, &diag);
    assert_int_equal(event, want);
    return view;
}

static uint64_t generation_at(aps_nsec now, enum aps_reader_event want)
{
    struct aps_view *view = acquire(now, want);
    uint64_t generation = 0;
    if (view != NULL) {
        generation = aps_snapshot_generation(aps_view_snapshot(view));
        aps_view_release(view);
    }
    return generation;
}

/* KEY-13, AZ-06: a new generation is in force at the first look, and the file is looked at no more
 * often than every `refresh`. */
static void a_new_generation_is_seen_within_the_refresh(void **state)
{
    (void)state;
    assert_int_equal(t_fake.stamps, 0);
    assert_int_equal(generation_at(1000, APS_READER_LOADED), 1);
    t_fake_publish(2);
    assert_int_equal(generation_at(1000 + REFRESH - 1, APS_READER_SAME), 1);
    assert_int_equal(t_fake.stamps, 1);
    assert_int_equal(generation_at(1000 + REFRESH, APS_READER_LOADED), 2);
    assert_int_equal(t_fake.stamps, 2);
    assert_int_equal(generation_at(1000 + 2 * REFRESH, APS_READER_SAME), 2);
    assert_int_equal(t_fake.stamps, 3);
    assert_int_equal(t_fake.opens, 2); /* a file that is the same is not opened again */
}

/* What the reader said last, and what others get at that moment. */
static struct {
    unsigned before, after, opens;
    uint64_t said, served;
} told;

static void note_change(void *arg, const struct aps_snapshot *serves, bool is_new)
{
    (void)arg;
    told.before += !is_new;
    told.after += is_new;
    told.opens = t_fake.opens;
    told.said = aps_snapshot_generation(serves);
    told.served = 0;
    uint64_t store;
    if (aps_reader_serves(reader, &store, &told.served) && is_new) /* while this one still looks */
        assert_int_equal(generation_at(10 * REFRESH, APS_READER_SAME), told.said);
}

/* KEY-13: who lists what is served knows of a change before it begins to take its time, and hears
 * of the new copy when nobody gets the old one any more. */
static void a_change_is_told_before_it_begins_and_when_it_is_done(void **state)
{
    struct aps_reader_options options = {
        .snapshot = {.store = "/store"}, .refresh = REFRESH, .change = note_change};

    (void)state;
    aps_reader_free(reader);
    assert_int_equal(aps_reader_new(&options, &reader), APS_OK);
    memset(&told, 0, sizeof told);
    assert_int_equal(generation_at(0, APS_READER_LOADED), 1);
    assert_int_equal(told.before, 0);
    assert_int_equal(told.after, 1);
    t_fake_publish(2);
    t_fake.open_err = APS_ERR_CORRUPT;
    assert_int_equal(generation_at(REFRESH, APS_READER_FAILED), 1);
    assert_int_equal(told.before, 1); /* and it never was done */
    assert_int_equal(told.after, 1);
    assert_int_equal(told.opens, 1); /* the second one had not begun */
    assert_int_equal(told.said, 1);
    assert_int_equal(told.served, 1);
    t_fake.open_err = APS_OK;
    assert_int_equal(generation_at(2 * REFRESH, APS_READER_LOADED), 2);
    assert_int_equal(told.before, 2);
    assert_int_equal(told.after, 2);
    assert_int_equal(told.said, 2);
    assert_int_equal(told.served, 2);
    assert_int_equal(generation_at(3 * REFRESH, APS_READER_SAME), 2);
    assert_int_equal(told.before + told.after, 4); /* nothing has changed */
}

/* A request keeps the view that it began with; the last one closes the copy, once. */
static void running_requests_finish_on_the_old_copy(void **state)
{
    (void)state;
    struct aps_view *one = acquire(0, APS_READER_LOADED), *two = acquire(0, APS_READER_SAME);
    assert_ptr_equal(one, two);
    t_fake_publish(2);
    struct aps_view *fresh = acquire(REFRESH, APS_READER_LOADED);
    assert_ptr_not_equal(fresh, one);
    assert_int_equal(aps_snapshot_generation(aps_view_snapshot(one)), 1);
    assert_int_equal(t_fake.closes, 0);
    aps_view_release(one);
    assert_int_equal(t_fake.closes, 0);
    assert_int_equal(aps_snapshot_generation(aps_view_snapshot(two)), 1);
    aps_view_release(two);
    assert_int_equal(t_fake.closes, 1);
    aps_view_release(fresh);
    assert_int_equal(t_fake.closes, 1); /* the reader still has it */
}

/* A bad copy is refused, the last good one stays, and it is said once for each file. */
static void a_bad_copy_is_reported_once(void **state)
{
    aps_nsec now = 0;
    (void)state;
    assert_int_equal(generation_at(now, APS_READER_LOADED), 1);
    t_fake_publish(2);
    t_fake.open_err = APS_ERR_CORRUPT;
    assert_int_equal(generation_at(now += REFRESH, APS_READER_FAILED), 1);
    assert_string_equal(diag.text, "copy 2: refused");
    assert_int_equal(generation_at(now += REFRESH, APS_READER_AGAIN), 1);
    assert_string_equal(diag.text, "");
    t_fake_publish(3);
    assert_int_equal(generation_at(now += REFRESH, APS_READER_FAILED), 1);
    assert_string_equal(diag.text, "copy 3: refused");
    t_fake.open_err = APS_OK; /* what was in the way is gone: it is tried again */
    assert_int_equal(generation_at(now += REFRESH, APS_READER_LOADED), 3);
    t_fake_publish(4);
    t_fake.open_err = APS_ERR_IO; /* no sentence: the table's */
    assert_int_equal(generation_at(now += REFRESH, APS_READER_FAILED), 3);
    assert_string_equal(diag.text, aps_err_text(APS_ERR_IO));
}

static void a_vanished_file_is_reported_once(void **state)
{
    aps_nsec now = 0;
    (void)state;
    assert_int_equal(generation_at(now, APS_READER_LOADED), 1);
    for (int round = 0; round < 2; round++) {
        t_fake.is_there = false;
        assert_int_equal(generation_at(now += REFRESH, APS_READER_FAILED), 1);
        assert_non_null(strstr(diag.text, "/store/pub/store.db"));
        assert_int_equal(generation_at(now += REFRESH, APS_READER_AGAIN), 1);
        t_fake.is_there = true; /* the same file again */
        assert_int_equal(generation_at(now += REFRESH, APS_READER_AGAIN), 1);
        assert_int_equal(generation_at(now += REFRESH, APS_READER_SAME), 1);
    }
    t_fake.is_there = false;
    assert_int_equal(generation_at(now += REFRESH, APS_READER_FAILED), 1);
    t_fake_publish(2);
    assert_int_equal(generation_at(now += REFRESH, APS_READER_LOADED), 2);
}

/* An older copy and one of another store are refused, also by a reader that saw a failure before;
 * the same generation in another file is taken. */
static void older_and_foreign_copies_are_refused(void **state)
{
    aps_nsec now = 0;
    (void)state;
    t_fake_publish(7);
    assert_int_equal(generation_at(now, APS_READER_LOADED), 7);
    t_fake_publish(6);
    assert_int_equal(generation_at(now += REFRESH, APS_READER_FAILED), 7);
    t_fake_publish(7);
    assert_int_equal(generation_at(now += REFRESH, APS_READER_LOADED), 7);
    t_fake_publish(9);
    t_fake.store_id[3] ^= 1;
    assert_int_equal(generation_at(now += REFRESH, APS_READER_FAILED), 7);
    t_fake.store_id[3] ^= 1;
    assert_int_equal(generation_at(now += REFRESH, APS_READER_LOADED), 9);
}

/* AZ-01: without any good copy there is no view, and each caller learns why. */
static void without_a_good_copy_there_is_no_view(void **state)
{
    aps_nsec now = 0;
    (void)state;
    t_fake.is_there = false;
    assert_int_equal(generation_at(now, APS_READER_FAILED), 0);
    assert_non_null(strstr(diag.text, "not there"));
    assert_int_equal(generation_at(now, APS_READER_SAME), 0);
    assert_non_null(strstr(diag.text, "not there"));
    assert_int_equal(t_fake.stamps, 1);
    t_fake_publish(1);
    t_fake.open_err = APS_ERR_KEY;
    assert_int_equal(generation_at(now += REFRESH, APS_READER_FAILED), 0);
    assert_int_equal(generation_at(now += REFRESH, APS_READER_AGAIN), 0);
    assert_string_equal(diag.text, "copy 2: refused");
    t_fake.open_err = APS_OK;
    assert_int_equal(generation_at(now += REFRESH, APS_READER_LOADED), 1);
}

/* What is in force is told without a look at the file. */
static void what_is_served_is_told(void **state)
{
    uint64_t store = 0, generation = 0, tag;
    (void)state;
    assert_false(aps_reader_serves(reader, &store, &generation));
    assert_int_equal(t_fake.stamps, 0);
    assert_int_equal(generation_at(0, APS_READER_LOADED), 1);
    t_fake_publish(2);
    assert_true(aps_reader_serves(reader, &store, &generation));
    memcpy(&tag, t_fake.store_id, sizeof tag);
    assert_true(store == tag && generation == 1);
    assert_int_equal(generation_at(REFRESH, APS_READER_LOADED), 2);
    assert_true(aps_reader_serves(reader, &store, &generation));
    assert_int_equal(generation, 2);
}

static void options_are_checked(void **state)
{
    const struct aps_reader_options large = {.snapshot = {.store = "/store"},
                                             .cache_max = SIZE_MAX};
    struct aps_reader *none = NULL;
    (void)state;
    assert_int_equal(aps_reader_new(&large, &none), APS_ERR_RANGE);
    assert_null(none);
    aps_reader_free(NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_new_generation_is_seen_within_the_refresh),
        T(a_change_is_told_before_it_begins_and_when_it_is_done),
        T(running_requests_finish_on_the_old_copy),
        T(a_bad_copy_is_reported_once),
        T(a_vanished_file_is_reported_once),
        T(older_and_foreign_copies_are_refused),
        T(without_a_good_copy_there_is_no_view),
        T(what_is_served_is_told),
        T(options_are_checked),
    };
    apr_initialize();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
