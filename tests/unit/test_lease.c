#include "t.h"
#include "t_disk.h"

#include <apr_general.h>
#include <stdlib.h>

#include "apisec/lease.h"
#include "apisec/metrics.h"

#define WALL ((aps_nsec)1795400000 * APS_SEC)
#define MONO ((aps_nsec)1000 * APS_SEC)
#define NOW ((uint32_t)(1795400000 / 60))
#define END (NOW + 100)

static apr_pool_t *pool;
static char folder[32];
static char file[64];
static struct aps_state *opened;

static int open_file(void **state)
{
    struct aps_diag diag = {""};

    (void)state;
    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    (void)snprintf(folder, sizeof folder, "/tmp/test_lease.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof file, "%s/s", folder);
    assert_int_equal(
        aps_state_open(pool, file, &(struct aps_state_size){1024, 0}, WALL, &opened, &diag),
        APS_OK);
    t_disk_attach(opened);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static struct aps_lease who(uint64_t tag, uint32_t end)
{
    return (struct aps_lease){tag, end, false};
}

static enum aps_lease_kept extend(uint64_t tag, uint32_t end, uint32_t units, uint32_t most)
{
    struct aps_lease lease = who(tag, end);

    return aps_lease_extend(opened, &lease, units, most, MONO, WALL);
}

static bool covers(uint64_t tag, uint32_t end, uint32_t units)
{
    struct aps_lease lease = who(tag, end);

    return aps_lease_covers(opened, &lease, units);
}

static uint32_t units_of(uint64_t tag, uint32_t end)
{
    struct aps_lease lease = who(tag, end);

    return aps_lease_units(opened, &lease);
}

/* The row of a tag whose sets are empty. */
static struct layout_lease *row_of(uint64_t tag)
{
    for (uint64_t i = 0; i < opened->leases.count; i++)
        if (opened->leases.rows[i].leased.a == tag)
            return &opened->leases.rows[i];
    return NULL;
}

static const struct layout_lease *on_disk(const struct layout_lease *row)
{
    const uint8_t *map = opened->map;

    return (const void *)(t_disk_image + ((const uint8_t *)row - map));
}

/* LIM-10 */
static void a_lease_is_on_disk_before_it_counts(void **state)
{
    (void)state;
    assert_false(covers(5, END, 1));
    assert_int_equal(units_of(5, END), 0);
    assert_int_equal(extend(5, END, 1, 10), APS_LEASE_DURABLE);
    assert_int_equal(t_disk->writes, 1);
    assert_int_equal((uint32_t)on_disk(row_of(5))->leased.b, 10);
    assert_true(covers(5, END, 10));
    assert_false(covers(5, END, 11));
    assert_false(covers(5, END + 1, 1));
    assert_false(covers(6, END, 1));
    assert_int_equal(units_of(5, END), 10);
    assert_int_equal(extend(5, END, 10, 19), APS_LEASE_DURABLE); /* without the disk */
    assert_int_equal(t_disk->writes, 1);
    assert_int_equal(extend(5, END, 11, 20), APS_LEASE_DURABLE);
    assert_int_equal(t_disk->writes, 2);
    assert_int_equal((uint32_t)on_disk(row_of(5))->leased.b, 20);
    assert_int_equal(aps_metrics_sum(opened, APS_METRIC_QUOTA_SYNC), 2);
}

/* What a process leased that was killed before the write: the next one writes it. */
static void a_lease_that_never_came_to_disk_is_written(void **state)
{
    struct layout_lease *row;

    (void)state;
    assert_int_equal(extend(5, END, 1, 10), APS_LEASE_DURABLE);
    row = row_of(5);
    row->leased.b += 10;
    assert_false(covers(5, END, 11));
    assert_int_equal(extend(5, END, 11, 30), APS_LEASE_DURABLE);
    assert_int_equal(t_disk->writes, 2);
    assert_int_equal((uint32_t)on_disk(row)->leased.b, 20);
    assert_true(covers(5, END, 20));
}

static void one_write_covers_a_page(void **state)
{
    (void)state;
    for (uint64_t tag = 1; tag <= 8; tag++) /* eight sets of the first page */
        assert_int_equal(extend(tag, END, 1, 10), APS_LEASE_DURABLE);
    for (uint64_t tag = 1; tag <= 8; tag++)
        row_of(tag)->leased.b += 5;
    assert_int_equal(t_disk->writes, 8);
    assert_int_equal(extend(3, END, 11, 20), APS_LEASE_DURABLE);
    for (uint64_t tag = 1; tag <= 8; tag++) {
        assert_true(covers(tag, END, 15));
        assert_int_equal((uint32_t)on_disk(row_of(tag))->leased.b, 15);
    }
    assert_int_equal(t_disk->writes, 9);
    assert_int_equal(extend(40, END, 1, 10), APS_LEASE_DURABLE); /* on the second page */
    row_of(3)->leased.b += 5;
    assert_int_equal(extend(40, END, 11, 20), APS_LEASE_DURABLE);
    assert_false(covers(3, END, 20));
}

/* Each has its row, also those that are over while there is room: a clock may be set back. */
static void each_period_has_its_row(void **state)
{
    (void)state;
    assert_int_equal(extend(5, END, 1, 10), APS_LEASE_DURABLE);
    assert_int_equal(extend(5, END + 1440, 1, 7), APS_LEASE_DURABLE);
    assert_int_equal(extend(5, NOW, 1, 4), APS_LEASE_DURABLE);
    assert_int_equal(units_of(5, END), 10);
    assert_int_equal(units_of(5, END + 1440), 7);
    assert_int_equal(units_of(5, NOW), 4);
}

/* All eight places of tag 5 by tags that meet it in both sets. */
static void fill_places(uint32_t end)
{
    uint64_t mask = opened->leases.count / LAYOUT_WAYS - 1;

    for (unsigned i = 0; i < 8; i++) {
        uint64_t set = i < 4 ? 5 : (5ull >> 32 & mask);

        opened->leases.rows[set * LAYOUT_WAYS + i % 4].leased =
            (struct layout_pair){100 + i, (uint64_t)(end + i) << 32 | 1};
    }
}

static void without_a_free_row_nothing_is_durable(void **state)
{
    (void)state;
    fill_places(NOW + 1);
    assert_int_equal(extend(5, END, 1, 10), APS_LEASE_NO_ROW);
    assert_int_equal(t_disk->writes, 0);
}

static void a_period_that_has_been_over_for_longest_gives_its_row(void **state)
{
    struct layout_lease *row;

    (void)state;
    fill_places(NOW - 7); /* the last one ends now */
    row = row_of(100);
    row->leased.b |= 15ull << 60;
    row->durable = row->leased;
    assert_int_equal(extend(5, END, 1, 10), APS_LEASE_DURABLE);
    assert_ptr_equal(row_of(5), row);
    assert_int_equal(row->leased.b, (uint64_t)END << 32 | 10); /* of the next life */
    assert_int_equal(t_disk->writes, 1);
    for (uint64_t end = END; end < END + 7; end++)
        assert_int_equal(extend(5, (uint32_t)end, 1, 10), APS_LEASE_DURABLE);
    assert_non_null(row_of(107));
    assert_int_equal(extend(5, END + 7, 1, 10), APS_LEASE_DURABLE);
    assert_null(row_of(107));
    assert_int_equal(extend(5, END + 8, 1, 10), APS_LEASE_NO_ROW);
}

/* LIM-22 */
static void a_disk_that_fails_is_told_and_left_alone_for_a_second(void **state)
{
    struct aps_lease lease = who(5, END);

    (void)state;
    assert_int_equal(aps_lease_failure(opened), 0);
    t_disk->failure = EIO;
    assert_int_equal(extend(5, END, 1, 10), APS_LEASE_FAILED);
    assert_int_equal(t_disk->writes, 1);
    assert_int_equal(aps_lease_failure(opened), EIO);
    assert_false(covers(5, END, 1));
    assert_int_equal(aps_lease_extend(opened, &lease, 2, 10, MONO + APS_SEC - 1, WALL),
                     APS_LEASE_FAILED);
    assert_int_equal(t_disk->writes, 1);
    assert_int_equal(aps_lease_extend(opened, &lease, 2, 10, MONO + APS_SEC, WALL),
                     APS_LEASE_FAILED);
    assert_int_equal(t_disk->writes, 2);
    t_disk->failure = 0;
    assert_int_equal(aps_lease_extend(opened, &lease, 3, 10, MONO + 2 * APS_SEC, WALL),
                     APS_LEASE_DURABLE);
    assert_true(covers(5, END, 10));
    assert_int_equal(aps_metrics_sum(opened, APS_METRIC_QUOTA_SYNC_FAILED), 2);
}

/* The kernel takes a page that it could not write for clean: what is said of it is doubted. */
static void a_failure_puts_the_page_in_doubt(void **state)
{
    (void)state;
    assert_int_equal(extend(5, END, 1, 10), APS_LEASE_DURABLE);
    assert_int_equal(extend(6, END, 1, 10), APS_LEASE_DURABLE);
    assert_int_equal(extend(40, END, 1, 10), APS_LEASE_DURABLE);
    t_disk->failure = EIO;
    assert_int_equal(extend(5, END, 11, 20), APS_LEASE_FAILED);
    assert_false(covers(5, END, 1));
    assert_false(covers(6, END, 1));
    assert_true(covers(40, END, 10)); /* on another page */
}

static void strangers_wait_for_the_disk_so_often_in_a_second(void **state)
{
    unsigned durable = 0;

    (void)state;
    for (uint64_t tag = 1; tag <= 2 * APS_LEASE_STRANGERS; tag++) {
        struct aps_lease lease = {tag, END, true};

        durable += aps_lease_extend(opened, &lease, 1, 1, MONO + 7, WALL) == APS_LEASE_DURABLE;
    }
    assert_int_equal(t_disk->writes, APS_LEASE_STRANGERS);
    assert_true(durable >= APS_LEASE_STRANGERS);
    /* Whoever has a name does not wait for them. */
    assert_int_equal(extend(7000, END, 1, 1), APS_LEASE_DURABLE);
    /* In the next second it goes on, and one write covers those of before. */
    for (uint64_t tag = 1; tag <= 2 * APS_LEASE_STRANGERS; tag++) {
        struct aps_lease lease = {tag, END, true};

        assert_int_equal(aps_lease_extend(opened, &lease, 1, 1, MONO + APS_SEC, WALL),
                         APS_LEASE_DURABLE);
    }
    assert_in_range(t_disk->writes, APS_LEASE_STRANGERS + 2, APS_LEASE_STRANGERS + 3);
}

/* A life has sixteen numbers: what a row of the same one says beyond the units is not believed. */
static void what_is_durable_of_an_earlier_life_does_not_count(void **state)
{
    struct layout_lease *row;

    (void)state;
    assert_int_equal(extend(5, END, 1, 10), APS_LEASE_DURABLE);
    row = row_of(5);
    row->leased.b -= 8; /* 2 are leased, 10 seem to be durable */
    assert_false(covers(5, END, 1));
    assert_int_equal(extend(5, END, 3, 12), APS_LEASE_DURABLE);
    assert_int_equal(t_disk->writes, 2);
    assert_int_equal((uint32_t)on_disk(row)->leased.b, 12);
    assert_int_equal((uint32_t)row->durable.b, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lease_is_on_disk_before_it_counts, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(a_lease_that_never_came_to_disk_is_written, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(one_write_covers_a_page, open_file, remove_file),
        cmocka_unit_test_setup_teardown(each_period_has_its_row, open_file, remove_file),
        cmocka_unit_test_setup_teardown(a_period_that_has_been_over_for_longest_gives_its_row,
                                        open_file, remove_file),
        cmocka_unit_test_setup_teardown(without_a_free_row_nothing_is_durable, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_is_told_and_left_alone_for_a_second,
                                        open_file, remove_file),
        cmocka_unit_test_setup_teardown(a_failure_puts_the_page_in_doubt, open_file, remove_file),
        cmocka_unit_test_setup_teardown(strangers_wait_for_the_disk_so_often_in_a_second, open_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(what_is_durable_of_an_earlier_life_does_not_count,
                                        open_file, remove_file),
    };

    assert_int_equal(apr_initialize(), APR_SUCCESS);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
