#include "t_state.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "apisec/metrics.h"
#include "t_slots.h"

#define T0 ((aps_nsec)5000 * APS_SEC)

static struct aps_slots_ask ask_of(uint64_t caller, uint32_t max)
{
    return t_slots_ask(table, caller, max);
}

static uint64_t tag_of(uint64_t caller)
{
    struct aps_slots_ask ask = ask_of(caller, 1);

    return t_slots_tag(table, &ask);
}

static struct aps_table_now at(aps_nsec mono)
{
    return t_slots_at(mono);
}

/* All that can be had for the caller now; they stay in `slots`. */
static unsigned take_all_of(uint64_t caller, uint32_t max, aps_nsec now, struct aps_slot *slots)
{
    struct aps_slots_ask ask = ask_of(caller, max);
    unsigned n = 0;

    while (n <= max && aps_slots_take(table, &ask, at(now), &slots[n], NULL) == APS_REASON_ALLOW)
        n++;
    return n;
}

static void release_all(struct aps_slot *slots, unsigned n)
{
    while (n > 0)
        aps_slots_release(table, &slots[--n]);
}

static uint64_t metric(enum aps_metric which)
{
    return aps_metrics_sum(table, which);
}

static struct aps_slots_usage usage(void)
{
    struct aps_slots_usage out;

    assert_int_equal(aps_slots_usage(table, &out, NULL), APS_OK);
    return out;
}

static struct layout_pair *cell_of(uint64_t tag, unsigned i)
{
    return t_slots_place(table, tag, i);
}

static struct layout_pair *cell_with(uint64_t tag)
{
    return t_slots_cell(table, tag);
}

static void fill_places(uint64_t tag)
{
    for (unsigned i = 0; i < 8; i++)
        *cell_of(tag, i) = (struct layout_pair){1000 + i, (uint64_t)(T0 + APS_DAY)};
}

/* LIM-13 */
static void as_many_as_may_be_and_each_gives_back_one(void **state)
{
    struct aps_slots_ask ask = ask_of(1, 3);
    struct aps_slot slot[4], other;
    uint32_t count = 99;

    (void)state;
    assert_int_equal(aps_slots_peek(table, &ask, at(T0), &count), APS_REASON_ALLOW);
    assert_int_equal(count, 0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot[i], &count), APS_REASON_ALLOW);
        assert_int_equal(count, i + 1);
    }
    memset(&other, 0xee, sizeof other);
    assert_int_equal(aps_slots_take(table, &ask, at(T0), &other, &count), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(count, 3);
    assert_true(other.key == 0 && other.use == 0 && other.row == 0);
    assert_int_equal(aps_slots_peek(table, &ask, at(T0), &count), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(aps_word_under_way(cell_with(tag_of(1))->b), 3);
    assert_int_equal(usage().held, 3);
    other = slot[1];
    aps_slots_release(table, &slot[1]);
    aps_slots_release(table, &slot[1]); /* empty now */
    aps_slots_release(table, &other);   /* was given back */
    assert_int_equal(aps_slots_peek(table, &ask, at(T0), &count), APS_REASON_ALLOW);
    assert_int_equal(count, 2);
    assert_int_equal(take_all_of(2, 5, T0, (struct aps_slot[6]){{0}}), 5); /* another caller */
    assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot[1], &count), APS_REASON_ALLOW);
    release_all(slot, 3);
    assert_int_equal(cell_with(tag_of(1))->b, APS_WORD_NOBODY); /* idle, and another's to take */
    assert_int_equal(aps_word_under_way(cell_with(tag_of(1))->b), 0);
    assert_int_equal(aps_word_under_way((uint64_t)T0), 0);
}

static void zero_refuses_and_no_state_refuses(void **state)
{
    struct aps_slots_ask ask = ask_of(1, 0);
    struct aps_slot slot;

    (void)state;
    assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot, NULL), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(aps_slots_peek(table, &ask, at(T0), NULL), APS_REASON_RATE_EXCEEDED);
    ask.max = 1;
    assert_int_equal(aps_slots_take(NULL, &ask, at(T0), &slot, NULL), APS_REASON_STATE_DOWN);
    assert_int_equal(slot.use, 0);
    assert_int_equal(aps_slots_peek(NULL, &ask, at(T0), NULL), APS_REASON_STATE_DOWN);
    aps_slots_release(NULL, &slot);
    aps_slots_release(table, &slot);
    assert_int_equal(usage().held + usage().kept, 0);
}

/* An edit: who is in stays in, and is counted. */
static void a_lower_limit_counts_who_is_in(void **state)
{
    struct aps_slots_ask ask = ask_of(1, 2);
    struct aps_slot slot[6];

    (void)state;
    assert_int_equal(take_all_of(1, 5, T0, slot), 5);
    for (unsigned in = 5; in > 2; in--) {
        aps_slots_release(table, &slot[in - 1]);
        assert_int_equal(aps_slots_peek(table, &ask, at(T0), NULL), APS_REASON_RATE_EXCEEDED);
    }
    aps_slots_release(table, &slot[1]);
    assert_int_equal(aps_slots_peek(table, &ask, at(T0), NULL), APS_REASON_ALLOW);
}

static void one_of_each_or_none(void **state)
{
    struct aps_slots_ask asks[3] = {ask_of(1, 2), ask_of(2, 1), ask_of(3, 9)};
    struct aps_slot slot[3], again[3];
    uint32_t count;

    (void)state;
    assert_int_equal(aps_slots_take_all(table, asks, 3, at(T0), slot), APS_REASON_ALLOW);
    assert_int_equal(aps_slots_take_all(table, asks, 3, at(T0), again), APS_REASON_RATE_EXCEEDED);
    assert_int_equal(again[0].use, 0);
    assert_int_equal(aps_slots_peek(table, &asks[0], at(T0), &count), APS_REASON_ALLOW);
    assert_int_equal(count, 1);
    release_all(slot, 3);
    assert_int_equal(aps_slots_take_all(table, asks, 3, at(T0), again), APS_REASON_ALLOW);
    assert_int_equal(aps_slots_take_all(table, asks, 0, at(T0), NULL), APS_REASON_ALLOW);
}

/* ---- processes */

/* A child that takes so many slots and then waits for its end. */
static pid_t child_with(uint64_t caller, uint32_t n, bool tells_state)
{
    int ready[2];
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    if ((pid = fork()) == 0) {
        struct aps_slot slots[16];

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* should a test fail */
        if (tells_state)
            aps_state_child(table);
        byte = take_all_of(caller, n, T0, slots) == n ? 'y' : 'n';
        if (write(ready[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(close(ready[0]) | close(ready[1]), 0);
    return pid;
}

/* LIM-08: a killed process's slots come back with the first request that would be refused, if a
 * second has passed since the last search. */
static void slots_of_the_killed_come_back_within_a_second(void **state)
{
    struct aps_slots_ask ask = ask_of(1, 4);
    struct aps_slot slot[5];
    pid_t pid = child_with(1, 4, true);
    siginfo_t info;

    (void)state;
    table->slots.head->swept = (uint64_t)T0;
    assert_int_equal(aps_slots_take(table, &ask, at(T0 + APS_SEC), slot, NULL),
                     APS_REASON_RATE_EXCEEDED); /* looks, and finds it alive */
    assert_int_equal(usage().held, 4);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0); /* a zombie */
    assert_int_equal(usage().held, 0);
    assert_int_equal(usage().left, 4);
    assert_int_equal(aps_slots_peek(table, &ask, at(T0 + 2 * APS_SEC - 1), NULL),
                     APS_REASON_RATE_EXCEEDED);
    assert_int_equal(aps_slots_peek(table, &ask, at(T0 + 2 * APS_SEC), NULL), APS_REASON_ALLOW);
    assert_int_equal(metric(APS_METRIC_SLOTS_RETURNED), 4);
    assert_int_equal(usage().left, 0);
    assert_int_equal(take_all_of(1, 4, T0 + 2 * APS_SEC, slot), 4);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Also where nobody is refused: the next process that has no row at hand looks. */
static void a_process_that_begins_looks_for_the_dead(void **state)
{
    struct aps_slots_ask ask = ask_of(2, 1);
    struct aps_slot slot;
    pid_t pid = child_with(1, 4, true);

    (void)state;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(usage().left, 4);
    assert_int_equal(aps_slots_take(table, &ask, at(T0 + APS_SEC), &slot, NULL), APS_REASON_ALLOW);
    assert_int_equal(usage().left, 0);
    ask = ask_of(1, 1);
    assert_int_equal(aps_slots_peek(table, &ask, at(T0), NULL), APS_REASON_ALLOW);
}

/* A row has one owner, whoever was forked from whom, and whether or not it told the state. */
static void a_forked_process_has_rows_of_its_own(void **state)
{
    struct aps_slots_ask ask = ask_of(1, 9);
    struct aps_slot slot, copy;
    uint32_t count;
    pid_t pid;
    int status = 1;

    (void)state;
    assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot, NULL), APS_REASON_ALLOW);
    copy = slot;
    aps_slots_release(table, &copy); /* its row is at hand now, and a child must not use it */
    for (unsigned tells = 0; tells < 2; tells++) {
        pid = child_with(5 + tells, 2, tells != 0);
        assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot, NULL), APS_REASON_ALLOW);
        for (uint64_t i = 0; i < table->slots.count; i++)
            if (table->slots.rows[i].owner.a == (uint64_t)pid)
                assert_int_not_equal(i, slot.row);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        aps_slots_release(table, &slot);
    }
    assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot, NULL), APS_REASON_ALLOW);
    if ((pid = fork()) == 0) {
        aps_slots_release(table, &slot); /* not this process's */
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(aps_slots_peek(table, &ask, at(T0), &count), APS_REASON_ALLOW);
    assert_int_equal(count, 1);
}

/* The first row for each, then as many at hand as were ever under way together. */
static void rows_are_used_again(void **state)
{
    struct aps_slot slot[201];

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        release_all(slot, take_all_of(i % 3, 5, T0, slot));
    assert_int_equal(usage().kept, 5);
    assert_int_equal(take_all_of(1, 200, T0, slot), 200);
    assert_int_equal(usage().held, 200);
    release_all(slot, 200);
    assert_int_equal(usage().held, 0);
    assert_true(usage().kept > 5 && usage().kept < 100); /* the others are for all */
}

static void *visit_often(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 3000; i++) {
        struct aps_slot slot[3];
        unsigned n = take_all_of(i % 2, 2, T0, slot);

        release_all(slot, n);
    }
    return NULL;
}

static void threads_share_the_rows_of_their_process(void **state)
{
    pthread_t thread[8];

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, visit_often, NULL), 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    assert_int_equal(usage().held, 0);
    assert_true(usage().kept <= 16);
    for (uint64_t caller = 0; caller < 2; caller++) {
        struct layout_pair *cell = cell_with(tag_of(caller));

        assert_true(cell == NULL || cell->b == APS_WORD_NOBODY);
    }
}

/* ---- full */

/* LIM-14: never unlimited. */
static void no_free_row_refuses(void **state)
{
    struct aps_slots_ask ask = ask_of(1, 9);
    struct aps_slot slot[5];
    uint32_t count = 0;

    (void)state;
    for (uint64_t i = 4; i < table->slots.count; i++)
        table->slots.rows[i].owner =
            (struct layout_pair){1, 1}; /* once of a process that is gone */
    table->slots.head->swept = (uint64_t)T0;
    assert_int_equal(take_all_of(1, 4, T0, slot), 4);
    assert_int_equal(metric(APS_METRIC_SLOTS_FULL), 0);
    assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot[4], &count), APS_REASON_SLOTS_FULL);
    assert_int_equal(metric(APS_METRIC_SLOTS_FULL), 1);
    assert_int_equal(slot[4].use, 0);
    assert_int_equal(count, 4);
    assert_int_equal(aps_slots_take(table, &ask, at(T0 + APS_SEC), &slot[4], NULL),
                     APS_REASON_ALLOW);
    assert_int_equal(metric(APS_METRIC_SLOTS_FULL), 1);
    release_all(slot, 5);
    assert_int_equal(usage().left, 0);
}

/* LIM-14: nobody has more for it that the table is full, or gets room. */
static void a_full_table_counts_in_a_shared_word(void **state)
{
    struct aps_slots_ask ask = ask_of(1, 3);
    struct aps_slot slot[4];
    uint32_t count;

    (void)state;
    fill_places(tag_of(1));
    assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot[0], NULL), APS_REASON_ALLOW);
    assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot[1], &count), APS_REASON_ALLOW);
    assert_int_equal(count, 2);
    assert_int_equal(metric(APS_METRIC_TABLE_OVERFLOW), 2);
    *cell_of(tag_of(1), 5) = (struct layout_pair){0, 0};
    assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot[2], &count), APS_REASON_ALLOW);
    assert_int_equal(count, 3);
    assert_int_equal(cell_of(tag_of(1), 5)->a, tag_of(1));
    assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot[3], &count),
                     APS_REASON_RATE_EXCEEDED);
    release_all(slot, 3);
    assert_int_equal(table->slots.head->shared[tag_of(1) >> 52], APS_WORD_NOBODY);
    assert_int_equal(cell_of(tag_of(1), 5)->b, APS_WORD_NOBODY);
    assert_int_equal(take_all_of(1, 3, T0, slot), 3);
}

/* A cell that counts, or whose last operation is not over, is nobody else's to take. */
static void only_idle_cells_give_way(void **state)
{
    static const uint64_t words[] = {
        APS_WORD_NOBODY | (uint64_t)1 << 44,
        APS_WORD_NOBODY | 5,
        APS_WORD_NOBODY | SLOTS_RELEASE | 7,
    };
    struct aps_slots_ask ask = ask_of(1, 1);
    uint64_t tag = tag_of(1);
    struct aps_table_spot spot;

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        fill_places(tag);
        cell_of(tag, 2)->b = words[i];
        aps_table_look(table, &ask.who, at(T0), &spot);
        assert_true(spot.reserved);
    }
    cell_of(tag, 2)->b = APS_WORD_NOBODY;
    aps_table_look(table, &ask.who, at(T0), &spot);
    assert_int_equal(spot.place, APS_TABLE_FREE);
    assert_false(spot.overflow || spot.reserved);
    assert_ptr_equal(spot.cell, cell_of(tag, 2));
}

/* ---- damage */

static void a_count_that_the_rows_do_not_bear_out_is_set_right(void **state)
{
    static const uint64_t words[] = {
        APS_WORD_NOBODY | (uint64_t)9 << 44,
        APS_WORD_NOBODY | (uint64_t)APS_SLOTS_MAX << 44 | SLOTS_OP_MASK,
        APS_WORD_NOBODY | (uint64_t)3 << 44 | SLOTS_RELEASE | 77,
        (uint64_t)T0 + 5, /* of another kind: admits nobody */
        0,
        UINT64_MAX >> 1,
    };
    struct aps_slots_ask ask = ask_of(1, 3);
    struct aps_slot slot[4];

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        aps_nsec now = T0 + (aps_nsec)i * APS_MINUTE;

        table->slots.head->swept = (uint64_t)now;
        assert_int_equal(take_all_of(1, 2, now, slot), 2);
        cell_with(tag_of(1))->b = words[i];
        assert_int_equal(aps_slots_take(table, &ask, at(now), &slot[2], NULL),
                         APS_REASON_RATE_EXCEEDED);
        assert_int_equal(metric(APS_METRIC_SLOTS_REPAIRED), i);
        assert_int_equal(aps_slots_take(table, &ask, at(now + APS_SEC), &slot[2], NULL),
                         APS_REASON_ALLOW);
        assert_int_equal(metric(APS_METRIC_SLOTS_REPAIRED), i + 1);
        assert_int_equal(aps_slots_take(table, &ask, at(now + APS_SEC), &slot[3], NULL),
                         APS_REASON_RATE_EXCEEDED);
        release_all(slot, 3);
        assert_int_equal(cell_with(tag_of(1))->b, APS_WORD_NOBODY);
    }
}

/* A slot whose row was overwritten is not given back twice, nor counted for ever. */
static void a_lost_row_is_found_out(void **state)
{
    struct aps_slots_ask ask = ask_of(1, 2);
    struct aps_slot slot[3];

    (void)state;
    table->slots.head->swept = (uint64_t)T0;
    assert_int_equal(take_all_of(1, 2, T0, slot), 2);
    table->slots.rows[slot[0].row].use.b ^= 4;
    release_all(slot, 2);
    assert_int_equal(aps_word_under_way(cell_with(tag_of(1))->b), 1);
    assert_int_equal(aps_slots_take(table, &ask, at(T0), slot, NULL), APS_REASON_ALLOW);
    aps_slots_release(table, slot);
    ask.max = 1;
    table->slots.rows[slot[0].row].use = (struct layout_pair){tag_of(1), 0};
    assert_int_equal(aps_slots_take(table, &ask, at(T0), slot, NULL), APS_REASON_RATE_EXCEEDED);
}

static uint64_t dice = 88172645463325252u;

static uint64_t roll(void)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice >> 8;
}

/* A word that looks like something now and then. */
static uint64_t any_word(uint64_t tag)
{
    static const uint64_t states[] = {0, 1, 2, 3, 5, 7};

    switch (roll() % 8) {
    case 0:
        return 0;
    case 1:
        return tag;
    case 2:
        return states[roll() % 6] << SLOTS_STATE_SHIFT | (roll() % 64);
    case 3:
        return APS_WORD_NOBODY | (roll() % 5) << 44 | (roll() % 32) << SLOTS_ROW_SHIFT |
               roll() % 64;
    case 4:
        return (uint64_t)getpid();
    case 5:
        return slots_in_state(SLOTS_SHARED | roll() % 64, SLOTS_HELD);
    default:
        return roll() << 8 ^ roll();
    }
}

static void poke(uint64_t tag)
{
    struct layout_slot *row = &table->slots.rows[roll() % 32];
    uint64_t word = any_word(tag);

    switch (roll() % 8) {
    case 0:
        row->owner.a = word;
        break;
    case 1:
        row->owner.b = word;
        break;
    case 2:
        row->use.a = word;
        break;
    case 3:
        row->use.b = word;
        break;
    case 4:
        table->slots.head->shared[tag >> 52] = word;
        break;
    case 5:
        table->slots.head->swept = word;
        break;
    default:
        if (cell_with(tag) != NULL)
            cell_with(tag)->b = word & ~((uint64_t)1 << 63);
    }
}

/* Random words in rows, cells and shared words: each call comes to its end, nobody is let in where
 * `max` are as far as anybody can tell, and once the rows are sound so are the counts. */
static void damage_leads_nowhere(void **state)
{
    struct aps_slots_ask ask = ask_of(1, 4);
    struct aps_slot held[64], slot[5];
    aps_nsec now = T0;
    unsigned n = 0;

    (void)state;
    table->slots.count = 32;
    for (unsigned i = 0; i < 200000; i++) {
        enum aps_reason reason;

        if (roll() % 4 == 0)
            poke(tag_of(1));
        if (roll() % 1024 == 0)
            fill_places(tag_of(1));
        now += (aps_nsec)(roll() % (uint64_t)(APS_SEC / 8));
        if (n > 0 && roll() % 2 == 0) {
            aps_slots_release(table, &held[--n]);
            continue;
        }
        if (n == 64)
            continue;
        reason = aps_slots_take(table, &ask, at(now), &held[n], NULL);
        assert_true(reason == APS_REASON_ALLOW || reason == APS_REASON_RATE_EXCEEDED ||
                    reason == APS_REASON_SLOTS_FULL);
        n += reason == APS_REASON_ALLOW;
        assert_true(
            aps_word_under_way(cell_with(tag_of(1)) != NULL ? cell_with(tag_of(1))->b : 0) <= 4 ||
            reason != APS_REASON_ALLOW);
    }
    assert_true(metric(APS_METRIC_SLOTS_REPAIRED) > 100);
    memset(table->slots.rows, 0, 32 * sizeof *table->slots.rows);
    aps_slots_row_child(&table->slots);
    for (unsigned i = 0; i < 2; i++) { /* first the shared word, then the cell, or the other way */
        now += APS_MINUTE;
        ask.max = 1;
        (void)aps_slots_peek(table, &ask, at(now), NULL);
    }
    assert_int_equal(take_all_of(1, 4, now, slot), 4);
}

/* The number of a use goes round, and is never what a word has for no operation. */
static void numbers_go_round(void **state)
{
    static const uint64_t last[] = {SLOTS_LOW_MASK - 1, SLOTS_LOW_MASK, SLOTS_NUMBER_MASK - 1,
                                    SLOTS_NUMBER_MASK};
    struct aps_slots_ask ask = ask_of(1, 1);
    struct aps_slot slot;

    (void)state;
    assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot, NULL), APS_REASON_ALLOW);
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        uint64_t row = slot.row;

        aps_slots_release(table, &slot);
        table->slots.rows[row].use.b = last[i];
        assert_int_equal(aps_slots_take(table, &ask, at(T0), &slot, NULL), APS_REASON_ALLOW);
        assert_int_equal(slot.row, row);
        assert_int_not_equal(cell_with(tag_of(1))->b & SLOTS_LOW_MASK, 0);
        assert_int_equal(aps_word_under_way(cell_with(tag_of(1))->b), 1);
        assert_int_equal(slot.use & SLOTS_SHARED, 0);
    }
}

/* ---- readers */

static void a_reader_counts_the_rows(void **state)
{
    struct aps_slot slot[4];
    struct aps_slots_usage seen;
    struct aps_state *reader = NULL;
    struct aps_diag diag;
    pid_t pid = child_with(2, 2, true);

    (void)state;
    assert_int_equal(take_all_of(1, 3, T0, slot), 3);
    aps_slots_release(table, &slot[0]);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(aps_state_attach(pool, file, &reader, NULL), APS_OK);
    assert_int_equal(aps_slots_usage(reader, &seen, NULL), APS_OK);
    assert_int_equal(seen.rows, 4096);
    assert_int_equal(seen.held, 2);
    assert_int_equal(seen.kept, 1);
    assert_int_equal(seen.left, 2);
    assert_int_equal(truncate(file, (off_t)layout_at_slots(1024, 0)), 0);
    assert_int_equal(aps_slots_usage(reader, &seen, &diag), APS_ERR_IO);
    assert_non_null(strstr(diag.text, "could not be read"));
    aps_state_close(reader);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(as_many_as_may_be_and_each_gives_back_one),
        T(zero_refuses_and_no_state_refuses),
        T(a_lower_limit_counts_who_is_in),
        T(one_of_each_or_none),
        T(slots_of_the_killed_come_back_within_a_second),
        T(a_process_that_begins_looks_for_the_dead),
        T(a_forked_process_has_rows_of_its_own),
        T(rows_are_used_again),
        T(threads_share_the_rows_of_their_process),
        T(no_free_row_refuses),
        T(a_full_table_counts_in_a_shared_word),
        T(only_idle_cells_give_way),
        T(a_count_that_the_rows_do_not_bear_out_is_set_right),
        T(a_lost_row_is_found_out),
        T(damage_leads_nowhere),
        T(numbers_go_round),
        T(a_reader_counts_the_rows),
    };

    return apr_initialize() != APR_SUCCESS ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
