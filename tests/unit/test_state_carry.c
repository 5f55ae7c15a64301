/* What goes on when the state file becomes another one: another size, or another boot. */
#include "t.h"

#include <apr_general.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../libapisec/table/layout.h"
#include "../../libapisec/table/state_carry.h"
#include "apisec/generation.h"
#include "apisec/lease.h"
#include "apisec/metrics.h"
#include "apisec/once.h"
#include "apisec/rate.h"
#include "apisec/slots.h"
#include "t_reserve.h"

#define WALL ((aps_nsec)1795400000 * APS_SEC)
#define END ((uint32_t)(1795478400 / 60)) /* of the day, in minutes */
#define STORE 3

static apr_pool_t *pool;
static char folder[32];
static char file[64];
static struct aps_diag diag;
static aps_nsec mono; /* what the opening of a file goes by as well */
static const struct aps_zone *utc;
static struct aps_rate_limit bucket, fixed, sliding, quota;

static uint64_t scope_of(const char *name)
{
    return aps_table_scope(APS_TABLE_RATE, STORE, aps_str(name));
}

static int make_folder(void **state)
{
    struct aps_rate ten = {10, APS_HOUR};

    (void)state;
    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    (void)snprintf(folder, sizeof folder, "/tmp/test_carry.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof file, "%s/s", folder);
    memset(&diag, 0, sizeof diag);
    mono = aps_clock_monotonic();
    assert_int_equal(aps_zone_open(pool, APS_STR_LIT("UTC"), &utc, NULL), APS_OK);
    assert_int_equal(aps_rate_init(&bucket, scope_of("bucket"), ten, 0, NULL), APS_OK);
    assert_int_equal(aps_rate_init_window(&fixed, scope_of("fixed"), APS_RATE_FIXED, ten, NULL),
                     APS_OK);
    assert_int_equal(
        aps_rate_init_window(&sliding, scope_of("sliding"), APS_RATE_SLIDING, ten, NULL), APS_OK);
    assert_int_equal(aps_rate_init_quota(&quota, scope_of("quota"), 10, APS_ZONE_DAY, utc, NULL),
                     APS_OK);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    (void)unlink(file);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
    return 0;
}

static struct aps_state *open_entries(uint64_t entries)
{
    struct aps_state *opened = NULL;

    assert_int_equal(
        aps_state_open(pool, file, &(struct aps_state_size){entries, 0}, WALL, &opened, &diag),
        APS_OK);
    assert_string_equal(diag.text, "");
    return opened;
}

static struct aps_state_info info_of(const struct aps_state *state)
{
    struct aps_state_info info;

    aps_state_info(state, &info);
    return info;
}

static aps_nsec no_clock(void)
{
    return mono;
}

static struct aps_rate_answer answer;

static enum aps_reason ask(struct aps_state *state, const struct aps_rate_limit *limit,
                           uint64_t caller, uint32_t cost)
{
    struct aps_rate_ask a = {limit, aps_table_caller(state, &caller, sizeof caller), STORE, cost, 0,
                             false};
    struct aps_table_now now = {mono, WALL};

    return aps_rate_take(state, &a, now, no_clock, &answer);
}

static uint32_t drain(struct aps_state *state, const struct aps_rate_limit *limit, uint64_t caller)
{
    uint32_t n = 0;

    while (n <= limit->burst && ask(state, limit, caller, 1) == APS_REASON_ALLOW)
        n++;
    assert_true(n > limit->burst || answer.left.remaining == 0);
    return n;
}

static const struct aps_rate_limit *const limits[] = {&bucket, &fixed, &sliding, &quota};
#define LIMITS (sizeof limits / sizeof *limits)

static void reboot(struct aps_state *state)
{
    state->head->boot_id[7] ^= 1;
}

/* Both ways, and back to a size that was there before. */
static const uint64_t sizes[] = {4096, 1024, 65536, 1024, 1024 * 1024, 2048};

/* LIM-09 */
static void each_kind_goes_on_in_another_size(void **state)
{
    struct aps_state *opened = open_entries(1024);
    uint32_t spent = 1;

    (void)state;
    for (size_t i = 0; i < LIMITS; i++)
        for (uint64_t caller = 0; caller < 40; caller++)
            assert_int_equal(ask(opened, limits[i], caller, 1), APS_REASON_ALLOW);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        opened = open_entries(sizes[k]);
        assert_int_equal(info_of(opened).origin, APS_STATE_CARRIED);
        assert_int_equal(info_of(opened).carried, 160);
        assert_int_equal(info_of(opened).lost, 0);
        for (size_t i = 0; i < LIMITS; i++)
            for (uint64_t caller = 0; caller < 40; caller++)
                assert_int_equal(ask(opened, limits[i], caller, 1), APS_REASON_ALLOW);
        spent++;
    }
    for (size_t i = 0; i < LIMITS; i++)
        for (uint64_t caller = 0; caller < 40; caller++)
            assert_int_equal(drain(opened, limits[i], caller), 10 - spent);
    assert_int_equal(info_of(open_entries(2048)).origin, APS_STATE_KEPT);
}

static void old_children_refuse(void **state)
{
    struct aps_state *old = open_entries(1024);

    (void)state;
    for (size_t i = 0; i < LIMITS; i++)
        assert_int_equal(ask(old, limits[i], 1, 1), APS_REASON_ALLOW);
    (void)open_entries(2048);
    for (size_t i = 0; i < LIMITS; i++)
        for (uint64_t caller = 0; caller < 500; caller++) { /* known and unknown */
            assert_int_equal(ask(old, limits[i], caller, 1), APS_REASON_STATE_MOVED);
            assert_int_equal(answer.wait, APS_SEC);
            assert_int_equal(answer.left.remaining, 0);
        }
    for (uint64_t i = 0; i < 1024; i++) {
        assert_true(aps_word_is_retired(old->cells[i].b));
        assert_true(aps_word_is_retired(old->overflow[i].b));
    }
}

static void old_children_refuse_all_of_several(void **state)
{
    struct aps_state *old = open_entries(1024);
    uint64_t caller = 5;
    uint64_t name = aps_table_caller(old, &caller, sizeof caller);
    struct aps_rate_ask asks[] = {{&bucket, name, STORE, 1, 0, false},
                                  {&quota, name, STORE, 1, 0, false}};
    struct aps_table_now now = {mono, WALL};
    struct aps_rate_result result;

    (void)state;
    assert_int_equal(drain(old, &quota, caller), 10);
    (void)open_entries(2048);
    assert_int_equal(aps_rate_take_all(old, asks, 2, now, no_clock, &result),
                     APS_REASON_STATE_MOVED);
    assert_int_equal(result.wait, APS_SEC);
}

/* A start that was killed when some cells were retired: the next one makes a new file, whichever
 * size it wants. */
static void a_start_that_was_killed_is_gone_on_with(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct aps_state *opened = open_entries(k == 0 ? 1024 : 2048);

        for (uint64_t caller = 0; caller < 60; caller++)
            for (size_t i = 0; i < LIMITS; i++)
                assert_int_equal(ask(opened, limits[i], caller, 2), APS_REASON_ALLOW);
        opened->head->retired = 1;
        for (uint64_t i = 0; i < opened->info.entries; i += 3)
            opened->cells[i].b |= APS_WORD_RETIRED;
        for (uint64_t i = 0; i < LAYOUT_OVERFLOW; i++)
            opened->overflow[i].b |= APS_WORD_RETIRED;
        opened = open_entries(2048);
        assert_int_equal(info_of(opened).origin, APS_STATE_CARRIED);
        assert_int_equal(info_of(opened).carried, 240);
    }
    for (uint64_t caller = 0; caller < 60; caller++)
        for (size_t i = 0; i < LIMITS; i++)
            assert_int_equal(drain(open_entries(2048), limits[i], caller), 6);
}

/* All callers of a table of 65,536 cells in one of 1,024, and beside its overflow cells. */
static void a_smaller_table_keeps_what_it_can(void **state)
{
    struct aps_state *opened = open_entries(65536);
    uint64_t kept = 0;

    (void)state;
    quota.burst = APS_NUM_COUNT_MAX; /* so that it leases once */
    for (uint64_t caller = 0; caller < 1000; caller++)
        assert_int_equal(ask(opened, &quota, caller, APS_NUM_COUNT_MAX - 4), APS_REASON_ALLOW);
    for (uint64_t caller = 0; caller < 5000; caller++)
        assert_int_equal(ask(opened, &bucket, caller, 10), APS_REASON_ALLOW);
    opened = open_entries(1024);
    assert_int_equal(info_of(opened).carried + info_of(opened).lost, 6000);
    assert_true(info_of(opened).carried >= 4096); /* 1,024 and 4,096 places, in sets */
    assert_true(info_of(opened).lost >= 6000 - 5120);
    for (uint64_t caller = 0; caller < 1000; caller++) {
        assert_int_equal(ask(opened, &quota, caller, 5), APS_REASON_RATE_EXCEEDED);
        kept += ask(opened, &quota, caller, 4) == APS_REASON_ALLOW;
        assert_int_equal(ask(opened, &quota, caller, 1), APS_REASON_RATE_EXCEEDED);
    }
    assert_int_equal(kept, 1000); /* quotas go first: all of them have their own count */
    /* And on, into a larger one again. */
    opened = open_entries(65536);
    assert_int_equal(info_of(opened).lost, 0);
    for (uint64_t caller = 0; caller < 1000; caller++)
        assert_int_equal(ask(opened, &quota, caller, 1), APS_REASON_RATE_EXCEEDED);
}

static bool is_stashed(struct aps_state *state, const struct aps_rate_limit *limit, uint64_t caller)
{
    uint64_t tag =
        aps_table_tag(state, limit->scope, aps_table_caller(state, &caller, sizeof caller));

    for (uint64_t i = 0; i < LAYOUT_OVERFLOW; i++)
        if (state->overflow[i].a == tag)
            return true;
    return false;
}

/* A caller beside the overflow cells counts there as long as his cell is not taken for another. */
static void a_caller_without_a_place_keeps_his_cell(void **state)
{
    struct aps_state *opened = open_entries(65536);
    uint64_t stashed = 0;

    (void)state;
    for (uint64_t caller = 0; caller < 2000; caller++)
        assert_int_equal(ask(opened, &bucket, caller, 5), APS_REASON_ALLOW);
    opened = open_entries(1024);
    assert_int_equal(info_of(opened).lost, 0);
    memset(opened->cells, 0, 1024 * sizeof *opened->cells); /* room comes */
    for (uint64_t caller = 0; caller < 2000; caller++)
        if (is_stashed(opened, &bucket, caller)) {
            assert_int_equal(drain(opened, &bucket, caller), 5);
            stashed++;
        }
    assert_true(stashed >= 976);
    for (uint64_t i = 0; i < opened->info.entries; i++)
        assert_int_equal(opened->cells[i].a, 0); /* nobody took a second one */
}

#define FILLER aps_word_counted(APS_WORD_QUOTA, END + 9, 1)

/* No place is free but those of the stores. */
static void fill_cells(struct aps_state *opened)
{
    for (uint64_t i = 0; i < opened->info.entries; i++)
        opened->cells[i] = (struct layout_pair){1000 + i, FILLER};
}

static void places_of_a_store_go_on(void **state)
{
    struct aps_state *opened = open_entries(1024);

    (void)state;
    fill_cells(opened);
    for (uint64_t caller = 0; caller < 20; caller++) {
        assert_int_equal(ask(opened, &bucket, caller, 4), APS_REASON_ALLOW);
        assert_int_equal(ask(opened, &quota, caller, 3), APS_REASON_ALLOW);
    }
    opened = open_entries(2048);
    fill_cells(opened);
    for (uint64_t caller = 0; caller < 20; caller++)
        assert_int_equal(drain(opened, &bucket, caller), 6);
    /* Over a boot the quota's go on, and by their new tags. */
    reboot(opened);
    opened = open_entries(2048);
    fill_cells(opened);
    for (uint64_t caller = 0; caller < 20; caller++) {
        assert_int_equal(drain(opened, &bucket, caller), 10);
        assert_int_equal(drain(opened, &quota, caller), 7);
    }
}

static void overflow_goes_on(void **state)
{
    struct aps_state *opened = open_entries(1024);
    uint32_t n = 0;

    (void)state;
    fill_cells(opened);
    t_reserve_fill(opened, FILLER);
    assert_int_equal(drain(opened, &bucket, 1), 10);
    assert_int_equal(ask(opened, &bucket, 2, 1), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(ask(opened, &quota, 2, 7), APS_REASON_ALLOW);
    opened = open_entries(2048);
    for (uint64_t i = 0; i < LAYOUT_SHARED_OVERFLOW; i++)
        n += opened->overflow[i].a != 0;
    assert_int_equal(n, 2);
    fill_cells(opened);
    t_reserve_fill(opened, FILLER);
    assert_int_equal(ask(opened, &bucket, 3, 1), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(drain(opened, &quota, 3), 3);
    /* Over a boot the quota's goes on, and by its new tag. */
    reboot(opened);
    opened = open_entries(2048);
    fill_cells(opened);
    t_reserve_fill(opened, FILLER);
    assert_int_equal(ask(opened, &quota, 4, 1), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(drain(opened, &bucket, 4), 10);
}

/* LIM-09, LIM-14: the kernel was started anew, in order: no lease is lost, and tags are others. */
static void quotas_go_on_after_a_boot(void **state)
{
    struct aps_state *opened = open_entries(1024);
    uint64_t salt = opened->salt;

    (void)state;
    for (uint64_t caller = 0; caller < 50; caller++)
        for (size_t i = 0; i < LIMITS; i++)
            assert_int_equal(ask(opened, limits[i], caller, 3), APS_REASON_ALLOW);
    aps_metrics_add(opened, APS_METRIC_ALLOWED, 12);
    reboot(opened);
    opened = open_entries(4096); /* of another size as well */
    assert_int_equal(info_of(opened).origin, APS_STATE_REBOOTED);
    assert_int_equal(info_of(opened).carried, 50);
    assert_true(opened->salt != salt);
    assert_int_equal(aps_metrics_sum(opened, APS_METRIC_ALLOWED), 12);
    for (uint64_t caller = 0; caller < 50; caller++) {
        assert_int_equal(drain(opened, &quota, caller), 7);
        assert_int_equal(drain(opened, &bucket, caller), 10);
        assert_int_equal(drain(opened, &fixed, caller), 10);
        assert_int_equal(drain(opened, &sliding, caller), 10);
    }
}

static enum aps_once use(struct aps_state *state, unsigned char value)
{
    unsigned char digest[APS_ONCE_DIGEST_LEN] = {value};

    return aps_once(state, APS_ONCE_PROOF, STORE, digest, WALL + APS_MINUTE,
                    (struct aps_table_now){mono, WALL});
}

/* DPOP-07: what was used is used in a file of another size, and after a boot, by its new tag. */
static void used_values_stay_used(void **state)
{
    struct aps_state *opened = open_entries(1024);

    (void)state;
    for (unsigned char i = 0; i < 100; i++)
        assert_int_equal(use(opened, i), APS_ONCE_NEW);
    for (unsigned k = 0; k < 3; k++) {
        struct aps_state *old = opened;

        if (k == 2)
            reboot(opened);
        opened = open_entries(k == 0 ? 4096 : 1024);
        assert_int_equal(info_of(opened).origin, k == 2 ? APS_STATE_REBOOTED : APS_STATE_CARRIED);
        assert_int_equal(info_of(opened).carried, 100);
        for (unsigned char i = 0; i < 100; i++)
            assert_int_equal(use(opened, i), APS_ONCE_USED);
        if (k != 2)
            assert_int_equal(use(old, 200), APS_ONCE_FULL);
    }
    assert_int_equal(use(opened, 200), APS_ONCE_NEW);
}

/* After a boot the cells on disk may be older than the leases, or missing. */
static void cells_are_raised_to_their_leases(void **state)
{
    struct aps_state *opened = open_entries(1024);

    (void)state;
    quota.burst = 640; /* ten a lease */
    for (uint64_t caller = 0; caller < 50; caller++)
        assert_int_equal(ask(opened, &quota, caller, 15), APS_REASON_ALLOW);
    for (uint64_t i = 0; i < 1024; i++)
        if (opened->cells[i].a % 2 == 0)
            opened->cells[i] = (struct layout_pair){0, 0};
        else if (opened->cells[i].a != 0)
            opened->cells[i].b -= 14;
    reboot(opened);
    opened = open_entries(1024);
    for (uint64_t caller = 0; caller < 50; caller++)
        assert_int_equal(drain(opened, &quota, caller), 640 - 24); /* 15 and what was leased */
}

/* Of two periods that run, the one that ends first goes on; the other one is known by its lease. */
static void the_next_period_is_made_first(void **state)
{
    struct aps_state *opened = open_entries(1024);
    struct aps_lease lease = {0, END + 1440, false};
    uint64_t caller = 1;

    (void)state;
    quota.burst = 640;
    assert_int_equal(ask(opened, &quota, 1, 15), APS_REASON_ALLOW);
    lease.tag =
        aps_table_tag(opened, quota.scope, aps_table_caller(opened, &caller, sizeof caller));
    assert_int_equal(aps_lease_extend(opened, &lease, 600, 600, mono, WALL), APS_LEASE_DURABLE);
    memset(opened->cells, 0, 1024 * sizeof *opened->cells);
    reboot(opened);
    opened = open_entries(1024);
    assert_int_equal(drain(opened, &quota, 1), 640 - 24);
    lease.tag =
        aps_table_tag(opened, quota.scope, aps_table_caller(opened, &caller, sizeof caller));
    assert_int_equal(aps_lease_units(opened, &lease), 600);
}

/* The process that took what is carried has ended. */
static void end_owners(struct aps_state *in)
{
    for (uint64_t i = 0; i < in->slots.count; i++)
        if (in->slots.rows[i].owner.a != 0)
            in->slots.rows[i].owner.b ^= 1; /* a process of another start has the number */
}

/* LIM-08: who is in may leave, and nobody comes in any more; in the new file they count until their
 * process has ended, also over another change and whether they had a cell or not. */
static void requests_under_way_end_where_they_began(void **state)
{
    struct aps_state *old = open_entries(1024), *opened;
    struct aps_slots_ask a = {{scope_of("under way"), 77, STORE}, 2};
    struct aps_slots_ask shared = {{scope_of("under way"), 78, STORE}, 2};
    struct aps_table_now now = {mono, WALL};
    struct aps_slot slot, second, other, mine;
    uint32_t count;

    (void)state;
    assert_int_equal(aps_slots_take(old, &a, now, &slot, NULL), APS_REASON_ALLOW);
    for (uint64_t i = 0; i < 1024; i++) /* no place is free for others */
        if (old->cells[i].a == 0)
            old->cells[i] =
                (struct layout_pair){1000 + i, aps_word_counted(APS_WORD_QUOTA, END, 1)};
    assert_int_equal(aps_slots_take(old, &shared, now, &other, NULL), APS_REASON_ALLOW);
    opened = open_entries(2048);
    opened = open_entries(4096);
    assert_int_equal(aps_slots_take(old, &a, now, &second, &count), APS_REASON_STATE_MOVED);
    assert_int_equal(aps_slots_peek(old, &shared, now, &count), APS_REASON_STATE_MOVED);
    aps_slots_release(old, &slot);
    aps_slots_release(old, &other);
    for (uint64_t i = 0; i < LAYOUT_SHARED; i++)
        assert_int_equal(aps_word_under_way(old->slots.head->shared[i]), 0);
    assert_int_equal(aps_slots_take(old, &shared, now, &other, &count), APS_REASON_STATE_MOVED);
    for (int i = 0; i < 2; i++) {
        struct aps_slots_ask *who = i == 0 ? &a : &shared;

        assert_int_equal(aps_slots_peek(opened, who, now, &count), APS_REASON_ALLOW);
        assert_int_equal(count, 1);
        assert_int_equal(aps_slots_take(opened, who, now, &mine, &count), APS_REASON_ALLOW);
        assert_int_equal(count, 2);
        assert_int_equal(aps_slots_take(opened, who, now, &second, &count),
                         APS_REASON_RATE_EXCEEDED);
        aps_slots_release(opened, &mine);
    }
    end_owners(opened);
    now.mono += APS_SLOTS_SWEEP;
    assert_int_equal(aps_slots_take(opened, &a, now, &second, &count), APS_REASON_ALLOW);
    for (int i = 0; i < 2; i++)
        now.mono += APS_SLOTS_SWEEP;
    a.max = 1; /* so that he is refused, and a sweep is due */
    assert_int_equal(aps_slots_peek(opened, &a, now, &count), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(count, 1);
    for (uint64_t i = 0; i < LAYOUT_SHARED; i++)
        assert_int_equal(aps_word_under_way(opened->slots.head->shared[i]), 0);
}

static void claims_of_the_dead_are_gone(void **state)
{
    struct aps_state *opened = open_entries(1024);

    (void)state;
    for (uint64_t i = 0; i < 1024; i++)
        opened->cells[i] = (struct layout_pair){1000 + i, APS_WORD_CLAIM | i};
    assert_int_equal(info_of(open_entries(2048)).carried, 0);
    for (uint64_t i = 0; i < 1024; i++) {
        assert_int_equal(opened->cells[i].a, 0);
        assert_int_equal(opened->cells[i].b, APS_WORD_RETIRED);
    }
}

/* Two cells of one tag are damage: what says more goes on. */
static void of_twins_the_stricter_goes_on(void **state)
{
    struct aps_state *opened = open_entries(1024);
    uint64_t caller = 1;
    uint64_t tag =
        aps_table_tag(opened, quota.scope, aps_table_caller(opened, &caller, sizeof caller));
    struct layout_pair *set = &opened->cells[(tag & opened->set_mask) * LAYOUT_WAYS];

    (void)state;
    set[0] = (struct layout_pair){tag, aps_word_counted(APS_WORD_QUOTA, END, 9)};
    set[1] = (struct layout_pair){tag, aps_word_counted(APS_WORD_QUOTA, END, 2)};
    assert_int_equal(drain(open_entries(2048), &quota, 1), 1);
}

static void generations_of_old_children_are_known(void **state)
{
    struct aps_state *opened = open_entries(1024);

    (void)state;
    opened->rows[4000].owner = (struct layout_pair){1, 2};
    opened->rows[4000].serves = (struct layout_pair){3, 4};
    opened = open_entries(2048);
    assert_int_equal(opened->rows[0].owner.a, 1);
    assert_int_equal(opened->rows[0].serves.b, 4);
    reboot(opened);
    assert_int_equal(open_entries(2048)->rows[0].owner.a, 0);
}

/* A tag under another salt is the one that the caller has there. */
static void tags_follow_the_salt(void **state)
{
    struct aps_state *opened = open_entries(1024);

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t old = opened->salt;
        uint64_t tag = aps_table_tag(opened, i, i * i);

        opened->salt = old * 7 + i;
        assert_int_equal(aps_table_carry_tag(tag, old, opened->salt),
                         aps_table_tag(opened, i, i * i));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_goes_on_in_another_size),
        TEST(old_children_refuse),
        TEST(old_children_refuse_all_of_several),
        TEST(a_start_that_was_killed_is_gone_on_with),
        TEST(a_smaller_table_keeps_what_it_can),
        TEST(a_caller_without_a_place_keeps_his_cell),
        TEST(places_of_a_store_go_on),
        TEST(overflow_goes_on),
        TEST(quotas_go_on_after_a_boot),
        TEST(used_values_stay_used),
        TEST(cells_are_raised_to_their_leases),
        TEST(the_next_period_is_made_first),
        TEST(requests_under_way_end_where_they_began),
        TEST(claims_of_the_dead_are_gone),
        TEST(of_twins_the_stricter_goes_on),
        TEST(generations_of_old_children_are_known),
        TEST(tags_follow_the_salt),
    };

    assert_int_equal(apr_initialize(), APR_SUCCESS);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
