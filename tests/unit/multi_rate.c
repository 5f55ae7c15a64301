/* multi_rate.c - many processes on limits of each kind, alone and mixed: what is admitted must be
 * what is allowed, and a killed process takes at most the unit with it that it was at. */
#include "t_multi_limit.h"

#include "apisec/zone.h"

/* ---- kinds: a row for each, and a function that makes a limit which admits just `units` at one
 * instant; a unit of a bucket is a millisecond */

static void make_gcra(struct aps_rate_limit *out, uint64_t scope, uint32_t units)
{
    if (aps_rate_init(out, scope, (struct aps_rate){1000, APS_SEC}, units, NULL) != APS_OK)
        abort();
}

/* Two at once, the others after a delay. */
static void make_delay(struct aps_rate_limit *out, uint64_t scope, uint32_t units)
{
    make_gcra(out, scope, 2);
    if (aps_rate_set_delay(out, (units - 2) * APS_MSEC, false, NULL) != APS_OK)
        abort();
}

static void make_leaky(struct aps_rate_limit *out, uint64_t scope, uint32_t units)
{
    make_gcra(out, scope, 1);
    if (aps_rate_set_delay(out, (units - 1) * APS_MSEC, true, NULL) != APS_OK)
        abort();
}

static void make_window(struct aps_rate_limit *out, uint64_t scope, enum aps_rate_kind kind,
                        uint32_t units)
{
    if (aps_rate_init_window(out, scope, kind, (struct aps_rate){units, APS_SEC}, NULL) != APS_OK)
        abort();
}

static void make_fixed(struct aps_rate_limit *out, uint64_t scope, uint32_t units)
{
    make_window(out, scope, APS_RATE_FIXED, units);
}

static void make_sliding(struct aps_rate_limit *out, uint64_t scope, uint32_t units)
{
    make_window(out, scope, APS_RATE_SLIDING, units);
}

static void make_quota(struct aps_rate_limit *out, uint64_t scope, uint32_t units)
{
    static const struct aps_zone *utc;
    static apr_pool_t *pool;

    if (utc == NULL && (apr_pool_create(&pool, NULL) != APR_SUCCESS ||
                        aps_zone_open(pool, APS_STR_LIT("UTC"), &utc, NULL) != APS_OK))
        abort();
    if (aps_rate_init_quota(out, scope, units, APS_ZONE_DAY, utc, NULL) != APS_OK)
        abort();
}

static const struct kind {
    const char *name;
    void (*make)(struct aps_rate_limit *out, uint64_t scope, uint32_t units);
} kinds[] = {
    {"gcra", make_gcra},   {"delay", make_delay},     {"leaky bucket", make_leaky},
    {"fixed", make_fixed}, {"sliding", make_sliding}, {"quota", make_quota},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

static const struct kind *kind; /* of the test that runs */

static struct aps_rate_limit limit_of(const struct kind *of, const char *name, uint32_t units)
{
    struct aps_rate_limit made;

    of->make(&made, aps_table_scope(APS_TABLE_RATE, 1, aps_str(name)), units);
    return made;
}

/* Units that a word counts at NOW. */
static uint64_t units_of(uint64_t word)
{
    switch (aps_word_kind(word)) {
    case APS_WORD_GCRA:
        return word > (uint64_t)NOW ? (word - (uint64_t)NOW) / (uint64_t)APS_MSEC : 0;
    case APS_WORD_SLIDING:
        return (aps_word_low(word) >> 16) + (aps_word_low(word) & 0xffff);
    default:
        return aps_word_low(word);
    }
}

static uint64_t charged(const struct layout_pair *cells, uint64_t n)
{
    uint64_t total = 0;

    for (uint64_t i = 0; i < n; i++)
        if (cells[i].a != 0 && cells[i].a != FILLER_TAG && cells[i].b >> 63 == 0)
            total += units_of(cells[i].b);
    return total;
}

static uint64_t charged_cells(void)
{
    return charged(state->cells, state->info.entries) + charged(t_reserve(state), LAYOUT_RESERVE);
}

static uint64_t charged_overflow(void)
{
    return charged(state->overflow, LAYOUT_SHARED_OVERFLOW);
}

/* ---- one kind alone */

/* LIM-13, LIM-07: each caller has exactly what he is allowed, also where workers with different
 * clocks take cells at different places for him. */
static void callers_have_exactly_what_they_are_allowed(void)
{
    tags = TAGS_MAX / 2 / SLOW;
    reset(262144);
    limit = limit_of(kind, "multi", FRESH_BURST);
    callers_with_two_clocks();
    (void)run_all(run_fresh, NULL);
    for (uint64_t i = 0; i < tags; i++) {
        while (take_tag(caller_of[i], NOW + ahead)) /* what only the later clock may have */
            board->admitted[i]++;
        EXPECT(board->admitted[i] == FRESH_BURST, "%s: caller %llu had %llu", kind->name,
               (unsigned long long)i, (unsigned long long)board->admitted[i]);
    }
    EXPECT(aps_metrics_sum(state, APS_METRIC_TABLE_OVERFLOW) == 0, "overflow was used");
}

/* At most one unit is gone with each process, and none is there twice. */
static void expect_all_but_lost(uint64_t least)
{
    for (uint64_t i = 0; i < tags; i++) {
        EXPECT(board->admitted[i] <= FRESH_BURST, "%s: caller %llu had %llu", kind->name,
               (unsigned long long)i, (unsigned long long)board->admitted[i]);
        EXPECT(board->admitted[i] + lost[i] >= least, "%s: caller %llu had %llu, lost %llu",
               kind->name, (unsigned long long)i, (unsigned long long)board->admitted[i],
               (unsigned long long)lost[i]);
    }
}

/* LIM-13, LIM-14 */
static void the_dead_take_at_most_a_unit_with_them(void)
{
    uint64_t kills;

    if (use_threads)
        return;
    tags = 600 / SLOW;
    memset(lost, 0, sizeof lost);
    reset(262144);
    limit = limit_of(kind, "multi", FRESH_BURST);
    callers_with_two_clocks();
    kill_one_in = 300;
    kills = run_all(run_fresh, note_lost);
    kill_one_in = 0;
    for (uint64_t i = 0; i < tags; i++)
        while (take_tag(caller_of[i], NOW + ahead)) /* what is left can still be had */
            board->admitted[i]++;
    expect_all_but_lost(FRESH_BURST);
    EXPECT(kills >= tags / 10, "only %llu kills", (unsigned long long)kills);
}

/* LIM-14: nobody has more than a full cell and the shared one; nothing is counted twice. */
static void a_full_table_is_still_a_bound(void)
{
    uint64_t total = 0;

    reset(1024);
    limit = limit_of(kind, "multi", FRESH_BURST);
    (void)run_all(run_crowd, NULL);
    for (uint64_t i = 0; i < TAGS_MAX; i++) {
        total += board->admitted[i];
        EXPECT(board->admitted[i] <= 2 * FRESH_BURST, "%s: caller %llu had %llu", kind->name,
               (unsigned long long)i, (unsigned long long)board->admitted[i]);
    }
    /* What a quota has leased for a caller counts, wherever it was used: he may be refused early.
     */
    EXPECT(total == charged_cells() + charged_overflow() ||
               (limit.kind == APS_RATE_QUOTA && total < charged_cells() + charged_overflow()),
           "%s: admitted %llu, charged %llu, %llu", kind->name, (unsigned long long)total,
           (unsigned long long)charged_cells(), (unsigned long long)charged_overflow());
    EXPECT(charged_overflow() == FRESH_BURST, "%s: overflow had %llu", kind->name,
           (unsigned long long)charged_overflow());
    expect_no_twins();
}

/* ---- time that moves */

#define MOVING_STEPS 800 /* of ten milliseconds: eight windows */
#define MOVING_UNITS 20

/* What a worker that was stopped reads before it takes a cell for one of a wrong clock.  Time ends
 * with the last window, however far workers have counted on. */
static aps_nsec moving_clock(void)
{
    uint64_t now = get(&board->clock);

    return NOW + (aps_nsec)(now < MOVING_STEPS ? now : MOVING_STEPS - 1) * 10 * APS_MSEC;
}

static bool take_moving(aps_nsec now)
{
    struct aps_rate_ask ask = ask_of(&limit, 1);
    struct aps_table_now at = {now, now};
    struct aps_rate_result result;

    return aps_rate_take_all(state, &ask, 1, at, moving_clock, &result) == APS_REASON_ALLOW;
}

static void run_moving(struct worker *self)
{
    (void)self;
    for (;;) {
        uint64_t now = get(&board->clock);

        if (now >= MOVING_STEPS)
            return;
        pause_here(0);
        if (take_moving(NOW + (aps_nsec)now * 10 * APS_MSEC))
            (void)bump(&board->admitted[0]);
        if (roll() % 64 == 0)
            (void)bump(&board->clock);
    }
}

/* LIM-05: what windows admit while processes go by clocks that are a little old. */
static void windows_admit_what_they_are_allowed(void)
{
    const uint64_t windows = MOVING_STEPS / 100;

    reset(1024);
    limit = limit_of(&kinds[3], "multi", MOVING_UNITS);
    (void)run_all(run_moving, NULL);
    EXPECT(board->admitted[0] == windows * MOVING_UNITS, "fixed: %llu",
           (unsigned long long)board->admitted[0]);
    reset(1024);
    limit = limit_of(&kinds[4], "multi", MOVING_UNITS);
    (void)run_all(run_moving, NULL);
    EXPECT(board->admitted[0] <= windows * MOVING_UNITS, "sliding: %llu",
           (unsigned long long)board->admitted[0]);
    EXPECT(board->admitted[0] >= windows * (MOVING_UNITS - 2), "sliding: %llu",
           (unsigned long long)board->admitted[0]);
}

/* ---- all or nothing */

#define ROUNDS_MAX 150
#define SHARED_UNITS 40
#define GROUP_UNITS 15

static struct aps_rate_limit shared_limit;

/* One request of a group: a limit that all share, one of the group, and the shared one's other
 * half, so that charges are undone behind and before each kind. */
static bool take_group(uint64_t round, uint64_t group)
{
    uint64_t member = round * GROUPS + group;
    struct aps_rate_ask asks[2] = {ask_of(&shared_limit, round), ask_of(&limit, member)};
    struct aps_table_now at = {NOW, NOW};
    struct aps_rate_result result;

    return aps_rate_take_all(state, asks, 2, at, late_clock, &result) == APS_REASON_ALLOW;
}

static void run_groups(struct worker *self)
{
    uint64_t round;

    while ((round = get(&board->tag)) < tags) {
        while (bump(&board->attempts[round]) <= 200) {
            uint64_t group = roll() % GROUPS;

            __atomic_store_n(&board->at[self->number], round + 1, __ATOMIC_SEQ_CST);
            if (take_group(round, group))
                (void)bump(&board->admitted[round * GROUPS + group]);
            __atomic_store_n(&board->at[self->number], 0, __ATOMIC_SEQ_CST);
        }
        (void)__sync_bool_compare_and_swap(&board->tag, round, round + 1);
    }
}

static void set_groups(size_t shared, size_t own)
{
    reset(65536);
    returned_after = 0;
    memset(lost, 0, sizeof lost);
    kind = &kinds[own];
    limit = limit_of(kind, "group", GROUP_UNITS);
    shared_limit = limit_of(&kinds[shared], "shared", SHARED_UNITS);
}

/* What is left can still be had, and comes to all of the shared limit but for what died. */
static void expect_shared_units(void)
{
    for (uint64_t round = 0; round < tags; round++) {
        uint64_t total = 0;

        for (uint64_t g = 0; g < GROUPS; g++) {
            uint64_t *admitted = &board->admitted[round * GROUPS + g];

            while (take_group(round, g))
                ++*admitted;
            EXPECT(*admitted <= GROUP_UNITS, "%s: group had %llu", kind->name,
                   (unsigned long long)*admitted);
            total += *admitted;
        }
        EXPECT(total <= SHARED_UNITS && total + lost[round] >= SHARED_UNITS,
               "%s: round %llu had %llu, lost %llu", kind->name, (unsigned long long)round,
               (unsigned long long)total, (unsigned long long)lost[round]);
    }
}

/* LIM-13: charges that a later limit of whatever kind undoes are all returned, and no more. */
static void mixed_kinds_are_charged_all_or_nothing(void)
{
    uint64_t returned = 0;

    tags = ROUNDS_MAX / 3 / SLOW;
    for (size_t pair = 0; pair < KINDS * KINDS; pair++) {
        uint64_t admitted = 0;

        set_groups(pair / KINDS, pair % KINDS);
        (void)run_all(run_groups, NULL);
        for (uint64_t i = 0; i < tags * GROUPS; i++)
            admitted += board->admitted[i];
        EXPECT(charged_cells() == 2 * admitted, "%s and %s: admitted %llu, charged %llu",
               kinds[pair / KINDS].name, kind->name, (unsigned long long)admitted,
               (unsigned long long)charged_cells());
        expect_shared_units();
        expect_no_twins();
        returned += aps_metrics_sum(state, APS_METRIC_TABLE_RETURNED);
    }
    EXPECT(returned > 0, "nothing had to be returned");
}

/* LIM-13: a process that dies between two charges of one request loses a unit of each at most. */
static void the_dead_of_mixed_kinds_lose_at_most_their_units(void)
{
    uint64_t kills = 0;

    if (use_threads)
        return;
    tags = ROUNDS_MAX / 3 / SLOW;
    for (size_t own = 0; own < KINDS; own++) {
        set_groups((own + 3) % KINDS, own);
        kill_one_in = 1000;
        kills += run_all(run_groups, note_lost);
        kill_one_in = 0;
        expect_shared_units();
    }
    EXPECT(kills >= KINDS * tags / 10, "only %llu kills", (unsigned long long)kills);
}

static unsigned
    puts_left; /* until the last unit goes, while the second limit is about to be charged */

static void rob_at_second_put(unsigned point)
{
    struct aps_rate_ask ask = ask_of(&shared_limit, 0);
    struct aps_table_now later = {NOW + APS_SEC, NOW};

    if (point != 9 || --puts_left != 0)
        return;
    aps_pause_hook = NULL;
    EXPECT(take_tag(0, NOW), "nothing to rob");
    EXPECT(aps_rate_take(state, &ask, later, late_clock, NULL) == APS_REASON_ALLOW, "no window");
}

/* LIM-13: a charge to a window is returned to it, also where the next one has begun since. */
static void a_charge_is_returned_to_its_window(void)
{
    for (size_t i = 3; i < KINDS; i++) {
        struct aps_rate_ask ask;
        struct aps_table_spot spot;
        bool admitted;

        set_groups(i, 3);
        limit = limit_of(kind, "group", 1);
        ask = ask_of(&shared_limit, 0);
        puts_left = 2;
        aps_pause_hook = rob_at_second_put;
        admitted = take_group(0, 0);
        aps_pause_hook = pause_here;
        EXPECT(!admitted && puts_left == 0, "%s: admitted", kinds[i].name);
        EXPECT(aps_table_find(state, aps_table_tag(state, shared_limit.scope, ask.caller), &spot),
               "%s: no cell", kinds[i].name);
        EXPECT(aps_word_low(spot.word) == 1, "%s: counts %x", kinds[i].name,
               aps_word_low(spot.word));
    }
}

/* ---- an edit */

#define GENERATIONS 3

static struct aps_rate_limit generation[GENERATIONS];
static unsigned generations; /* how many of them are in use at once */

static bool take_as(unsigned number, uint64_t caller)
{
    struct aps_rate_ask ask = ask_of(&generation[number % generations], caller);
    struct aps_table_now at = {NOW, NOW};
    struct aps_rate_result result;

    return aps_rate_take_all(state, &ask, 1, at, late_clock, &result) == APS_REASON_ALLOW;
}

/* As run_fresh, while each worker goes by the definition that it knows. */
static void run_edit(struct worker *self)
{
    uint64_t tag;

    while ((tag = get(&board->tag)) < tags) {
        (void)bump(&board->arrived[tag]);
        for (unsigned i = 0; get(&board->arrived[tag]) < WORKERS && i < 50; i++)
            (void)sched_yield();
        while (bump(&board->attempts[tag]) <= FRESH_ATTEMPTS) {
            __atomic_store_n(&board->at[self->number], tag + 1, __ATOMIC_SEQ_CST);
            if (take_as(self->number, tag))
                (void)bump(&board->admitted[tag]);
            __atomic_store_n(&board->at[self->number], 0, __ATOMIC_SEQ_CST);
        }
        (void)__sync_bool_compare_and_swap(&board->tag, tag, tag + 1);
    }
}

/* Definitions of one limit, the latest with FRESH_BURST units; a unit takes another time in each.
 */
static void set_generations(unsigned n)
{
    reset(65536);
    memset(lost, 0, sizeof lost);
    generations = n;
    for (unsigned i = 0; i < n; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "edit %u", i);
        if (aps_rate_init(&generation[i], aps_table_scope(APS_TABLE_RATE, 1, aps_str(name)),
                          (struct aps_rate){1000 * (i + 1), APS_SEC}, FRESH_BURST - n + 1 + i,
                          NULL) != APS_OK)
            abort();
        if (i > 0)
            aps_rate_set_earlier(&generation[i], &generation[i - 1], NOW);
    }
    /* Every second caller was there before the edit. */
    for (uint64_t i = 0; i < tags; i += 2) {
        generations = 1;
        if (!take_as(0, i))
            abort();
        board->admitted[i] = 1;
    }
    generations = n;
}

static void take_the_rest(void)
{
    for (uint64_t i = 0; i < tags; i++)
        while (take_as(generations - 1, i))
            board->admitted[i]++;
}

/* LIM-13: while some processes know of an edit and others do not, nobody has more than what the new
 * definition allows, nor less. */
static void an_edit_neither_grants_nor_forgets(void)
{
    kind = &kinds[0];
    tags = TAGS_MAX / SLOW;
    set_generations(2);
    (void)run_all(run_edit, NULL);
    take_the_rest();
    expect_all_but_lost(FRESH_BURST);
    expect_no_twins();
}

static void who_dies_in_an_edit_takes_a_unit_at_most(void)
{
    uint64_t kills;

    if (use_threads)
        return;
    kind = &kinds[0];
    tags = 1500 / SLOW;
    set_generations(2);
    kill_one_in = 300;
    kills = run_all(run_edit, note_lost);
    kill_one_in = 0;
    take_the_rest();
    expect_all_but_lost(FRESH_BURST);
    EXPECT(kills >= tags / 10, "only %llu kills", (unsigned long long)kills);
}

/* Two edits at once: never too much; what was consumed may count twice where the second edit meets
 * the first on the way. */
static void two_edits_at_once_grant_nothing(void)
{
    kind = &kinds[0];
    tags = TAGS_MAX / SLOW;
    set_generations(3);
    (void)run_all(run_edit, NULL);
    take_the_rest();
    expect_all_but_lost(1);
    expect_no_twins();
}

/* ---- the program */

#define EACH_KIND(test)                                                                            \
    static void each_##test(void)                                                                  \
    {                                                                                              \
        for (size_t i = 0; i < KINDS; i++) {                                                       \
            kind = &kinds[i];                                                                      \
            test();                                                                                \
        }                                                                                          \
    }

EACH_KIND(callers_have_exactly_what_they_are_allowed)
EACH_KIND(the_dead_take_at_most_a_unit_with_them)
EACH_KIND(a_full_table_is_still_a_bound)

static const struct test all[] = {
    {"callers of each kind have exactly what they are allowed",
     each_callers_have_exactly_what_they_are_allowed},
    {"the dead of each kind take at most a unit with them",
     each_the_dead_take_at_most_a_unit_with_them},
    {"a full table is a bound for each kind", each_a_full_table_is_still_a_bound},
    {"windows admit what they are allowed", windows_admit_what_they_are_allowed},
    {"mixed kinds are charged all or nothing", mixed_kinds_are_charged_all_or_nothing},
    {"a charge is returned to its window", a_charge_is_returned_to_its_window},
    {"the dead of mixed kinds lose at most their units",
     the_dead_of_mixed_kinds_lose_at_most_their_units},
    {"an edit neither grants nor forgets", an_edit_neither_grants_nor_forgets},
    {"who dies in an edit takes a unit at most", who_dies_in_an_edit_takes_a_unit_at_most},
    {"two edits at once grant nothing", two_edits_at_once_grant_nothing},
};

int main(int argc, char **argv)
{
    begin_tests(argc, argv, sizeof *board, &board);
    return run_tests(all, sizeof all / sizeof all[0]);
}
