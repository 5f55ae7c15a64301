/* multi_once.c - many processes that use the same values: one of them has each.
 * Time is a number that the test chooses. */
#include "t_multi_limit.h"

#include "apisec/once.h"

#define END (NOW + APS_MINUTE)

static enum aps_once use(uint64_t value, aps_nsec now)
{
    unsigned char digest[APS_ONCE_DIGEST_LEN] = {0};

    memcpy(digest, &value, sizeof value);
    return aps_once(state, APS_ONCE_PROOF, 1, digest, END, (struct aps_table_now){now, now});
}

/* All workers come to a value that nobody has seen, each with it in hand. */
static void run_race(struct worker *self)
{
    uint64_t value;

    while ((value = get(&board->tag)) < tags) {
        (void)bump(&board->arrived[value]);
        for (unsigned i = 0; get(&board->arrived[value]) < WORKERS && i < 50; i++)
            (void)sched_yield();
        while (bump(&board->attempts[value]) <= 2 * WORKERS) {
            enum aps_once got;

            __atomic_store_n(&board->at[self->number], value + 1, __ATOMIC_SEQ_CST);
            /* Clocks that differ a little: by them some find places idle that others do not. */
            got = use(value, NOW + self->number % 2 * APS_USEC);
            if (got == APS_ONCE_NEW)
                (void)bump(&board->admitted[value]);
            else if (got == APS_ONCE_FULL)
                (void)bump(&board->clock);
            __atomic_store_n(&board->at[self->number], 0, __ATOMIC_SEQ_CST);
        }
        (void)__sync_bool_compare_and_swap(&board->tag, value, value + 1);
    }
}

/* Places that are idle by the later clock alone, so that workers choose different ones. */
static void fill_with_the_just_idle(void)
{
    for (uint64_t i = 0; i < state->info.entries; i++)
        state->cells[i] =
            (struct layout_pair){FILLER_TAG, aps_word_once((uint64_t)(NOW / APS_USEC) + i % 2)};
}

/* DPOP-07: exactly one of those who race. */
static void one_of_many_has_each(void)
{
    tags = TAGS_MAX / SLOW;
    for (unsigned prepared = 0; prepared < 2; prepared++) {
        reset(65536);
        if (prepared)
            fill_with_the_just_idle();
        (void)run_all(run_race, NULL);
        for (uint64_t i = 0; i < tags; i++)
            EXPECT(board->admitted[i] == 1, "value %llu was had by %llu", (unsigned long long)i,
                   (unsigned long long)board->admitted[i]);
        EXPECT(board->clock == 0, "%llu were refused", (unsigned long long)board->clock);
    }
}

/* DPOP-07: who dies takes with him at most the value that he was at, and nobody has one twice. */
static void the_dead_leave_values_used_or_unused(void)
{
    uint64_t kills;

    if (use_threads)
        return;
    tags = 1500 / SLOW;
    memset(lost, 0, sizeof lost);
    reset(65536);
    fill_with_the_just_idle();
    kill_one_in = 100;
    kills = run_all(run_race, note_lost);
    kill_one_in = 0;
    for (uint64_t i = 0; i < tags; i++) {
        if (use(i, NOW + APS_USEC) == APS_ONCE_NEW) /* all who tried it died before they had it */
            board->admitted[i]++;
        EXPECT(use(i, NOW + APS_USEC) == APS_ONCE_USED, "value %llu", (unsigned long long)i);
        EXPECT(board->admitted[i] <= 1 && board->admitted[i] + lost[i] >= 1,
               "value %llu was had by %llu, %llu died", (unsigned long long)i,
               (unsigned long long)board->admitted[i], (unsigned long long)lost[i]);
    }
    EXPECT(kills >= tags / 10, "only %llu kills", (unsigned long long)kills);
}

/* Values of which there are more than places. */
static void run_flood(struct worker *self)
{
    (void)self;
    for (uint64_t i = 0; i < 6000 / SLOW; i++) {
        uint64_t value = roll() % TAGS_MAX;

        if (use(value, NOW) == APS_ONCE_NEW)
            (void)bump(&board->admitted[value]);
    }
}

/* DPOP-07: a full table refuses, and forgets nothing that is live. */
static void a_full_table_forgets_nothing(void)
{
    uint64_t had = 0;

    reset(1024);
    (void)run_all(run_flood, NULL);
    for (uint64_t i = 0; i < TAGS_MAX; i++) {
        EXPECT(board->admitted[i] <= 1, "value %llu was had by %llu", (unsigned long long)i,
               (unsigned long long)board->admitted[i]);
        had += board->admitted[i];
        EXPECT(use(i, NOW) != APS_ONCE_NEW || had < 1024 + T_RESERVE_OF_STORE, "value %llu",
               (unsigned long long)i);
    }
    EXPECT(had <= 1024 + T_RESERVE_OF_STORE && had >= 1024 / SLOW, "%llu had a place",
           (unsigned long long)had);
    expect_no_twins();
}

static const struct test all[] = {
    {"one of many has each", one_of_many_has_each},
    {"the dead leave values used or unused", the_dead_leave_values_used_or_unused},
    {"a full table forgets nothing", a_full_table_forgets_nothing},
};

int main(int argc, char **argv)
{
    begin_tests(argc, argv, sizeof *board, &board);
    return run_tests(all, sizeof all / sizeof all[0]);
}
