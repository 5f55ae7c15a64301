/* multi_table.c - many processes on one table: what is admitted must add up.
 * Time is a number that the test chooses. */
#include "t_multi_limit.h"

/* COUNT in a second of the test's own time, so that one unit is `1e9 / COUNT` nsec. */
static void set_limit(uint32_t count, uint32_t burst)
{
    uint64_t scope = aps_table_scope(APS_TABLE_RATE, 1, APS_STR_LIT("multi"));

    if (aps_rate_init(&limit, scope, (struct aps_rate){count, APS_SEC}, burst, NULL) != APS_OK)
        abort();
}

static uint64_t charged(const struct aps_rate_limit *of, const struct layout_pair *cells,
                        uint64_t n, aps_nsec now)
{
    uint64_t total = 0;

    for (uint64_t i = 0; i < n; i++)
        if (cells[i].a != 0 && cells[i].b >> 63 == 0 && cells[i].b > (uint64_t)now)
            total += (cells[i].b - (uint64_t)now) / of->step;
    return total;
}

/* Units charged at `now` in all callers' cells together. */
static uint64_t charged_cells(const struct aps_rate_limit *of, aps_nsec now)
{
    return charged(of, state->cells, state->info.entries, now) +
           charged(of, t_reserve(state), LAYOUT_RESERVE, now);
}

static uint64_t charged_overflow(aps_nsec now)
{
    return charged(&limit, state->overflow, LAYOUT_SHARED_OVERFLOW, now);
}

/* ---- fresh tags */

/* LIM-13: each tag admits its burst exactly, whoever meets it together. */
static void fresh_tags_admit_exactly_their_burst(void)
{
    struct aps_table_usage usage;

    tags = TAGS_MAX / SLOW;
    reset(65536);
    set_limit(1000, FRESH_BURST);
    plain_callers();
    (void)run_all(run_fresh, NULL);
    for (uint64_t i = 0; i < tags; i++)
        EXPECT(board->admitted[i] == FRESH_BURST, "tag %llu admitted %llu", (unsigned long long)i,
               (unsigned long long)board->admitted[i]);
    EXPECT(charged_cells(&limit, NOW) == tags * FRESH_BURST, "charged %llu",
           (unsigned long long)charged_cells(&limit, NOW));
    EXPECT(aps_table_usage(state, (struct aps_table_now){NOW, NOW}, &usage, NULL) == APS_OK,
           "usage");
    EXPECT(usage.live == tags && usage.claimed == 0, "%llu live, %llu claimed",
           (unsigned long long)usage.live, (unsigned long long)usage.claimed);
    EXPECT(aps_metrics_sum(state, APS_METRIC_TABLE_OVERFLOW) == 0, "overflow was used");
    expect_no_twins();
}

static void expect_one_burst_each(void (*prepare)(void))
{
    reset(262144);
    set_limit(1000, FRESH_BURST);
    prepare();
    (void)run_all(run_fresh, NULL);
    for (uint64_t i = 0; i < tags; i++) {
        while (take_tag(caller_of[i], NOW + ahead)) /* what only the later clock may have */
            board->admitted[i]++;
        EXPECT(board->admitted[i] == FRESH_BURST, "tag %llu admitted %llu", (unsigned long long)i,
               (unsigned long long)board->admitted[i]);
        EXPECT(cells_of(tag_of(caller_of[i])) == 1, "tag %llu has %u cells", (unsigned long long)i,
               cells_of(tag_of(caller_of[i])));
    }
    EXPECT(aps_metrics_sum(state, APS_METRIC_TABLE_OVERFLOW) == 0, "overflow was used");
}

/* LIM-13: also where workers take cells at different places for one tag. */
static void twins_admit_exactly_their_burst(void)
{
    tags = TAGS_MAX / SLOW;
    expect_one_burst_each(callers_with_two_clocks);
}

/* LIM-13, LIM-14: and where one takes a place that all share and another one of the store's own. */
static void twins_in_a_reserve_admit_exactly_their_burst(void)
{
    uint64_t reserved = 0;

    tags = 1000 / SLOW;
    stores = 1000;
    /* How many take a place of the store's own depends on who comes first. */
    for (unsigned tries = 0; tries < 50 && reserved == 0; tries++) {
        expect_one_burst_each(callers_with_a_reserve);
        for (uint64_t i = 0; i < LAYOUT_RESERVE; i++)
            reserved += t_reserve(state)[i].a != 0;
    }
    stores = 1;
    EXPECT(reserved > 0, "nobody was there");
}

/* ---- killed on the way */

/* LIM-13, LIM-14: a worker killed at any step takes at most its own unit with it. */
static void killed_workers_lose_at_most_their_own_unit(void)
{
    uint64_t kills;
    uint64_t in_take = 0;

    if (use_threads)
        return;
    tags = 1500 / SLOW;
    memset(lost, 0, sizeof lost);
    reset(262144);
    set_limit(1000, FRESH_BURST);
    callers_with_two_clocks();
    kill_one_in = 300;
    kills = run_all(run_fresh, note_lost);
    kill_one_in = 0;
    for (uint64_t i = 0; i < tags; i++) {
        in_take += lost[i];
        while (take_tag(caller_of[i], NOW + ahead)) /* what is left can still be had */
            board->admitted[i]++;
        EXPECT(board->admitted[i] <= FRESH_BURST, "tag %llu admitted %llu", (unsigned long long)i,
               (unsigned long long)board->admitted[i]);
        EXPECT(board->admitted[i] + lost[i] >= FRESH_BURST, "tag %llu admitted %llu, lost %llu",
               (unsigned long long)i, (unsigned long long)board->admitted[i],
               (unsigned long long)lost[i]);
        EXPECT(cells_of(tag_of(caller_of[i])) == 1, "tag %llu has %u cells", (unsigned long long)i,
               cells_of(tag_of(caller_of[i])));
    }
    EXPECT(kills >= tags / 10 && in_take > 0, "only %llu kills, %llu in a take",
           (unsigned long long)kills, (unsigned long long)in_take);
    printf("  %llu kills\n", (unsigned long long)kills);
}

/* Callers that nobody else has, each tried once, so that nobody helps after a kill. */
static void run_alone(struct worker *self)
{
    uint64_t i;

    while ((i = bump(&board->attempts[self->number])) <= 80)
        (void)take_tag(self->number * 1000 + i, NOW);
}

/* LIM-14: what killed workers left claimed does not fill a small table. */
static void claims_of_the_dead_are_used_again(void)
{
    struct aps_table_usage usage;

    if (use_threads)
        return;
    reset(1024);
    set_limit(1000, FRESH_BURST);
    kill_one_in = 60;
    (void)run_all(run_alone, NULL);
    kill_one_in = 0;
    EXPECT(aps_table_usage(state, (struct aps_table_now){NOW, NOW}, &usage, NULL) == APS_OK,
           "usage");
    EXPECT(usage.claimed > 0, "nobody died between claim and charge");
    for (uint64_t i = 0; i < 8192; i++) /* at a time when all cells are idle */
        (void)take_tag(100000 + i, NOW + APS_MINUTE);
    EXPECT(aps_table_usage(state, (struct aps_table_now){NOW + APS_MINUTE, NOW}, &usage, NULL) ==
               APS_OK,
           "usage");
    EXPECT(usage.live == 1024 && usage.claimed == 0, "%llu live, %llu claimed",
           (unsigned long long)usage.live, (unsigned long long)usage.claimed);
    expect_no_twins();
}

/* ---- a table that is too small */

/* LIM-14: nobody has more than a full cell and the overflow cell; nothing is counted twice. */
static void full_table_is_still_a_bound(void)
{
    uint64_t total = 0;

    reset(1024);
    set_limit(1000, FRESH_BURST);
    (void)run_all(run_crowd, NULL);
    for (uint64_t i = 0; i < TAGS_MAX; i++) {
        total += board->admitted[i];
        EXPECT(board->admitted[i] <= 2 * FRESH_BURST, "caller %llu admitted %llu",
               (unsigned long long)i, (unsigned long long)board->admitted[i]);
    }
    EXPECT(total == charged_cells(&limit, NOW) + charged_overflow(NOW),
           "admitted %llu, charged %llu and %llu", (unsigned long long)total,
           (unsigned long long)charged_cells(&limit, NOW),
           (unsigned long long)charged_overflow(NOW));
    EXPECT(charged_overflow(NOW) == FRESH_BURST, "overflow admitted %llu",
           (unsigned long long)charged_overflow(NOW));
    EXPECT(total <= (1024 + T_RESERVE_OF_STORE + 1) * FRESH_BURST, "admitted %llu",
           (unsigned long long)total);
    expect_no_twins();
}

/* ---- all or nothing */

#define ROUNDS_MAX 300
#define SHARED_BURST 40
#define GROUP_BURST 15

static struct aps_rate_limit shared_limit;
/* One request of a group: a limit that all share, then one of the group. */
static bool take_both(uint64_t round, uint64_t group)
{
    uint64_t member = round * GROUPS + group;
    struct aps_rate_ask asks[2] = {
        ask_of(&shared_limit, round),
        ask_of(&limit, member),
    };
    struct aps_table_now at = {NOW, NOW};
    struct aps_rate_result result;

    return aps_rate_take_all(state, asks, 2, at, late_clock, &result) == APS_REASON_ALLOW;
}

static void run_both(struct worker *self)
{
    uint64_t round;

    (void)self;
    while ((round = get(&board->tag)) < tags) {
        while (bump(&board->attempts[round]) <= 200) {
            uint64_t group = roll() % GROUPS;

            if (take_both(round, group))
                (void)bump(&board->admitted[round * GROUPS + group]);
        }
        (void)__sync_bool_compare_and_swap(&board->tag, round, round + 1);
    }
}

static uint64_t run_rounds(aps_nsec late)
{
    uint64_t scope = aps_table_scope(APS_TABLE_RATE, 1, APS_STR_LIT("shared"));

    tags = ROUNDS_MAX / SLOW;
    returned_after = late;
    reset(65536);
    set_limit(1000, GROUP_BURST);
    if (aps_rate_init(&shared_limit, scope, (struct aps_rate){1000, APS_SEC}, SHARED_BURST, NULL) !=
        APS_OK)
        abort();
    (void)run_all(run_both, NULL);
    expect_no_twins();
    return tags;
}

static uint64_t robbed; /* the member whose last unit goes while its request is under way */

static void rob_at_put(unsigned point)
{
    if (point != 9) /* the begin of aps_table_put */
        return;
    aps_pause_hook = NULL;
    EXPECT(take_tag(robbed, NOW), "nothing to rob");
}

/* LIM-13: between the look at both limits and the first charge another process spends the last
 * unit of the second, so that the first charge must be given back. */
static void charge_before_a_refusal_is_returned(void)
{
    uint64_t scope = aps_table_scope(APS_TABLE_RATE, 1, APS_STR_LIT("shared"));

    reset(1024);
    set_limit(1000, 1);
    returned_after = 0;
    if (aps_rate_init(&shared_limit, scope, (struct aps_rate){1000, APS_SEC}, 2, NULL) != APS_OK)
        abort();
    for (uint64_t group = 0; group < 2; group++) { /* in a new cell, then in one that is held */
        bool admitted;

        robbed = group;
        aps_pause_hook = rob_at_put;
        admitted = take_both(0, group);
        aps_pause_hook = pause_here;
        EXPECT(!admitted, "group %llu was admitted", (unsigned long long)group);
        EXPECT(aps_metrics_sum(state, APS_METRIC_TABLE_RETURNED) == group + 1, "%llu returned",
               (unsigned long long)aps_metrics_sum(state, APS_METRIC_TABLE_RETURNED));
        EXPECT(charged_cells(&limit, NOW) == group + 1, "charged %llu",
               (unsigned long long)charged_cells(&limit, NOW));
    }
    EXPECT(take_both(0, 2) && take_both(0, 3), "the shared limit lost what was returned");
    EXPECT(!take_both(0, 4), "the shared limit gave more than it had");
}

/* LIM-13: charges that a later limit undoes are all returned, and no more than all. */
static void refunds_neither_lose_nor_give(void)
{
    uint64_t rounds = run_rounds(0);
    uint64_t charged = charged_cells(&limit, NOW);
    uint64_t admitted = 0;

    for (uint64_t i = 0; i < rounds * GROUPS; i++) {
        admitted += board->admitted[i];
        EXPECT(board->admitted[i] <= GROUP_BURST, "group admitted %llu",
               (unsigned long long)board->admitted[i]);
    }
    EXPECT(charged == 2 * admitted, "admitted %llu, charged %llu", (unsigned long long)admitted,
           (unsigned long long)charged);
    for (uint64_t round = 0; round < rounds; round++) {
        uint64_t total = 0;

        for (uint64_t g = 0; g < GROUPS; g++) {
            while (take_both(round, g))
                board->admitted[round * GROUPS + g]++;
            total += board->admitted[round * GROUPS + g];
        }
        EXPECT(total == SHARED_BURST, "round %llu admitted %llu", (unsigned long long)round,
               (unsigned long long)total);
    }
}

/* LIM-01: what has drained meanwhile is not returned, so that nothing is granted twice. */
static void late_refunds_give_less(void)
{
    uint64_t rounds = run_rounds(APS_MSEC / 2);
    uint64_t returned = aps_metrics_sum(state, APS_METRIC_TABLE_RETURNED);
    uint64_t levels = 0;
    uint64_t admitted = 0;

    for (uint64_t i = 0; i < rounds * GROUPS; i++)
        admitted += board->admitted[i];
    for (uint64_t i = 0; i < state->info.entries; i++)
        if (state->cells[i].a != 0)
            levels += state->cells[i].b - (uint64_t)NOW;
    EXPECT(levels == 2 * admitted * limit.step + returned * (limit.step / 2),
           "levels %llu, admitted %llu, returned %llu", (unsigned long long)levels,
           (unsigned long long)admitted, (unsigned long long)returned);
}

/* ---- time that moves */

#define MOVING_STEPS 800

/* Each worker goes by the board's clock, reads it a little late, and moves it now and then. */
static void run_moving(struct worker *self)
{
    (void)self;
    for (;;) {
        uint64_t now = get(&board->clock);

        if (now >= MOVING_STEPS)
            return;
        pause_here(0);
        if (take_tag(1, NOW + (aps_nsec)now * APS_MSEC))
            (void)bump(&board->admitted[0]);
        if (roll() % 16 == 0)
            (void)bump(&board->clock);
    }
}

/* LIM-01: over any span, the burst and what comes back within the span. */
static void moving_time_admits_the_rate(void)
{
    uint64_t last;

    reset(1024);
    set_limit(100, 20); /* a unit is ten steps of the clock */
    (void)run_all(run_moving, NULL);
    last = board->clock;
    EXPECT(board->admitted[0] <= 20 + last / 10, "admitted %llu in %llu ms",
           (unsigned long long)board->admitted[0], (unsigned long long)last);
    EXPECT(board->admitted[0] >= 20 + MOVING_STEPS / 10 - 2, "admitted %llu in %llu ms",
           (unsigned long long)board->admitted[0], (unsigned long long)last);
}

static const struct test all[] = {
    {"fresh tags admit exactly their burst", fresh_tags_admit_exactly_their_burst},
    {"twins admit exactly their burst", twins_admit_exactly_their_burst},
    {"twins in a reserve admit exactly their burst", twins_in_a_reserve_admit_exactly_their_burst},
    {"killed workers lose at most their own unit", killed_workers_lose_at_most_their_own_unit},
    {"claims of the dead are used again", claims_of_the_dead_are_used_again},
    {"a full table is still a bound", full_table_is_still_a_bound},
    {"a charge before a refusal is returned", charge_before_a_refusal_is_returned},
    {"refunds neither lose nor give", refunds_neither_lose_nor_give},
    {"late refunds give less", late_refunds_give_less},
    {"moving time admits the rate", moving_time_admits_the_rate},
};

int main(int argc, char **argv)
{
    begin_tests(argc, argv, sizeof *board, &board);
    return run_tests(all, sizeof all / sizeof all[0]);
}
