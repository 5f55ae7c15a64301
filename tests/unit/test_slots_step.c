/* The protocol of slots in every order of the steps of two or three processes, with at most so many
 * changes from one to another, and with a death at each step.  These processes are threads of
 * control within one, so that each order can be had at will; who is alive, the test says. */
#include "t_state.h"

#include <ucontext.h>

#include "../../libapisec/table/owner.h"
#include "../../libapisec/table/pause.h"
#include "apisec/metrics.h"
#include "t_slots.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define CLEAN(stack, n) __asan_unpoison_memory_region(stack, n)
#define FEWER 1
#else
#define CLEAN(stack, n) ((void)0)
#define FEWER 0
#endif

#define NOW ((aps_nsec)1000 * APS_SEC)

/* ---- who is alive: what owner.c would say if the processes were real */

#define MADE_UP 1000000000u
#define ACTORS 3
#define ONE_BEFORE ACTORS      /* a process that was there before */
#define ONE_AFTER (ACTORS + 1) /* and one that comes when all is over */
#define ALL_ACTORS (ACTORS + 2)

bool __wrap_aps_owner_self(struct layout_pair *out);
bool __wrap_aps_owner_is_number_taken(struct layout_pair owner);
bool __wrap_aps_owner_is_alive(struct layout_pair owner);

static bool is_dead[ALL_ACTORS];
static unsigned current; /* the process that goes on */

bool __wrap_aps_owner_self(struct layout_pair *out)
{
    *out = (struct layout_pair){MADE_UP + current, 1};
    return true;
}

bool __wrap_aps_owner_is_number_taken(struct layout_pair owner)
{
    return owner.a >= MADE_UP && owner.a < MADE_UP + ALL_ACTORS && !is_dead[owner.a - MADE_UP];
}

bool __wrap_aps_owner_is_alive(struct layout_pair owner)
{
    return __wrap_aps_owner_is_number_taken(owner);
}

/* ---- scenarios */

#define STACK ((size_t)64 * 1024)
#define STEPS_MAX 4096
#define FEW_ROWS 8

struct scenario {
    const char *name;
    void (*prepare)(void);
    void (*run[ACTORS])(unsigned self); /* NULL: one less */
    uint32_t max;                       /* of requests let in */
    unsigned changes;                   /* from one process to another, at most */
    unsigned deaths;                    /* at most */
};

static struct actor {
    struct aps_state state; /* the same file, seen by another process */
    struct aps_slot slot[2];
    unsigned holds;
    bool is_over; /* at its end, or dead */
    ucontext_t context;
    char *stack;
} actors[ACTORS];

static const struct scenario *scenario;
static struct aps_slots_ask asked, neighbour; /* callers whose first set is the same */
static uint64_t asked_tag, neighbour_tag;
static ucontext_t director;
static unsigned actor_count;
static unsigned changes_left, deaths_left;
static uint64_t let_in; /* how often, in all runs of a scenario */
static bool has_failed;

/* Within one of the actors nothing may jump out. */
static void expect(bool what, const char *sentence)
{
    if (what || has_failed)
        return;
    has_failed = true;
    printf("%s: %s\n", scenario->name, sentence);
}

/* The choices of this run: what was chosen, and of how many. */
static struct {
    unsigned char chosen, of;
} path[STEPS_MAX];
static size_t path_length, path_at;

static unsigned choose(unsigned of)
{
    if (path_at == path_length) {
        if (path_length == STEPS_MAX)
            abort();
        path[path_length].chosen = 0;
        path[path_length++].of = (unsigned char)of;
    }
    return path[path_at++].chosen;
}

/* Another run with the next choices; false after the last one. */
static bool next_path(void)
{
    while (path_length > 0 && path[path_length - 1].chosen + 1 == path[path_length - 1].of)
        path_length--;
    if (path_length == 0)
        return false;
    path[path_length - 1].chosen++;
    path_at = 0;
    return true;
}

static unsigned count_holders(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < actor_count; i++)
        n += is_dead[i] ? 0 : actors[i].holds;
    return n;
}

/* Those who hold a slot are counted, and no more than may be. */
static void expect_true_counts(void)
{
    unsigned cell = aps_word_under_way(t_slots_word(table, asked_tag));
    unsigned shared = aps_word_under_way(t_slots_shared(table, asked_tag));

    expect(cell <= scenario->max && shared <= scenario->max, "more are counted than may be");
    expect(cell + shared >= count_holders(), "who holds a slot is not counted");
}

/* ---- steps */

/* The n-th of the other processes that can go on, or how many there are if n is beyond. */
static unsigned other_actor(unsigned n, unsigned *out)
{
    unsigned found = 0;

    for (unsigned i = 0; i < actor_count; i++)
        if (i != current && !actors[i].is_over && found++ == n)
            *out = i;
    return found;
}

/* At each step: go on, let another one go on, or die. */
static void step(unsigned point)
{
    unsigned from = current, to = 0;
    unsigned others = changes_left > 0 ? other_actor(ACTORS, &to) : 0;
    unsigned choice = choose(1 + others + (deaths_left > 0));

    (void)point;
    expect_true_counts();
    if (choice == 0)
        return;
    if (choice <= others) {
        changes_left--;
        (void)other_actor(choice - 1, &to);
        current = to;
        (void)swapcontext(&actors[from].context, &actors[to].context);
        return;
    }
    deaths_left--;
    is_dead[from] = actors[from].is_over = true;
    (void)setcontext(&director);
}

static void act(unsigned self)
{
    scenario->run[self](self);
    actors[self].is_over = true;
    (void)setcontext(&director);
}

static void make_ready(unsigned self)
{
    struct actor *const a = &actors[self];

    aps_slots_row_child(&a->state.slots);
    a->is_over = false;
    a->holds = 0;
    CLEAN(a->stack, STACK);
    a->context.uc_stack.ss_sp = a->stack;
    a->context.uc_stack.ss_size = STACK;
    a->context.uc_link = NULL;
    makecontext(&a->context, (void (*)(void))(void *)act, 1, self);
}

static void begin_run(void)
{
    memset(table->slots.rows, 0, FEW_ROWS * sizeof *table->slots.rows);
    table->slots.head->swept = (uint64_t)NOW;
    table->slots.head->shared[slots_shared_of(asked_tag)] = 0;
    for (unsigned i = 0; i < 8; i++)
        *t_slots_place(table, asked_tag, i) = *t_slots_place(table, neighbour_tag, i) =
            (struct layout_pair){0, 0};
    changes_left = scenario->changes;
    deaths_left = scenario->deaths;
    memset(is_dead, 0, sizeof is_dead);
    for (unsigned i = 0; i < actor_count; i++)
        make_ready(i);
    aps_slots_row_child(&table->slots);
    current = ONE_BEFORE;
    if (scenario->prepare != NULL)
        scenario->prepare();
}

static void run_path(void)
{
    volatile unsigned next = 0;

    begin_run();
    (void)getcontext(&director); /* each end and each death comes back here */
    for (next = 0; next < actor_count && actors[next].is_over; next++)
        ;
    if (next < actor_count) {
        current = next;
        aps_pause_hook = step;
        (void)setcontext(&actors[next].context);
    }
    aps_pause_hook = NULL;
}

/* All are over or dead.  One sweep, and it is as if nothing had been. */
static void end_run(void)
{
    struct aps_slot slot[4];

    for (unsigned i = 0; i < actor_count; i++)
        is_dead[i] = true; /* who came to its end leaves rows as well */
    current = ONE_AFTER;
    aps_slots_sweep(table, 0);
    for (unsigned i = 0; i < FEW_ROWS; i++) {
        const struct layout_slot *row = &table->slots.rows[i];

        expect(row->owner.a == 0 && slots_state(row->use.b) == SLOTS_FREE, "a row is not free");
    }
    expect(t_slots_word(table, asked_tag) == APS_WORD_NOBODY, "the cell is not idle");
    expect(t_slots_shared(table, asked_tag) == APS_WORD_NOBODY, "the shared word is not idle");
    expect(aps_metrics_sum(table, APS_METRIC_SLOTS_REPAIRED) == 0, "a count was wrong");
    for (uint32_t i = 0; i <= scenario->max; i++)
        expect((aps_slots_take(table, &asked, t_slots_at(NOW), &slot[i], NULL) ==
                APS_REASON_ALLOW) == (i < scenario->max),
               "afterwards others can be let in than may be");
}

static void show_path(void)
{
    for (size_t i = 0; i < path_length; i++)
        if (path[i].chosen != 0)
            printf("  at step %zu choice %u of %u\n", i, path[i].chosen, path[i].of);
}

static void go_through(const struct scenario *one)
{
    uint64_t runs = 0;

    scenario = one;
    let_in = 0;
    path_length = path_at = 0;
    for (actor_count = 0; actor_count < ACTORS && one->run[actor_count] != NULL; actor_count++)
        ;
    do {
        run_path();
        end_run();
        runs++;
    } while (!has_failed && next_path());
    if (has_failed)
        show_path();
    assert_false(has_failed);
    assert_true(runs >= 30 && let_in >= runs / 2);
    printf("%s: %llu orders\n", one->name, (unsigned long long)runs);
}

/* ---- what the processes do */

static bool enter(unsigned self)
{
    struct actor *a = &actors[self];

    if (aps_slots_take(&a->state, &asked, t_slots_at(NOW), &a->slot[a->holds], NULL) !=
        APS_REASON_ALLOW)
        return false;
    let_in++;
    a->holds++;
    expect(count_holders() <= scenario->max, "more hold a slot than may be");
    step(0);
    return true;
}

static void leave(unsigned self)
{
    struct actor *a = &actors[self];

    a->holds--;
    aps_slots_release(&a->state, &a->slot[a->holds]);
}

static void visit(unsigned self)
{
    if (enter(self))
        leave(self);
}

static void visit_twice(unsigned self)
{
    visit(self);
    visit(self);
}

/* While it is in, it asks again. */
static void visit_within(unsigned self)
{
    if (!enter(self))
        return;
    visit(self);
    leave(self);
}

static void sweep(unsigned self)
{
    aps_slots_sweep(&actors[self].state, asked_tag);
}

static const struct layout_pair filler = {7, (uint64_t)(NOW + APS_DAY)};

static void fill_table(void)
{
    for (unsigned i = 0; i < 8; i++)
        *t_slots_place(table, asked_tag, i) = filler;
}

/* The table gets room while others are counted by the shared word. */
static void visit_with_room(unsigned self)
{
    *t_slots_place(table, asked_tag, 3) = (struct layout_pair){0, 0};
    visit(self);
}

/* There is one place, which another caller wants as well. */
static void leave_one_place(void)
{
    for (unsigned i = 0; i < 8; i++)
        *t_slots_place(table, asked_tag, i) = *t_slots_place(table, neighbour_tag, i) = filler;
    *t_slots_place(table, asked_tag, 0) = (struct layout_pair){0, 0};
}

/* Another caller has the place for a while, then this one comes back, and all that is left of the
 * dead is ended. */
static void visit_after_another(unsigned self)
{
    struct aps_slot slot;

    (void)aps_slots_take(&actors[self].state, &neighbour, t_slots_at(NOW), &slot, NULL);
    aps_slots_release(&actors[self].state, &slot);
    if (!enter(self))
        return;
    sweep(self);
    visit(self);
    leave(self);
}

/* A process died with a slot, and its take is the last operation. */
static void leave_one_dead(void)
{
    struct aps_slot slot;

    if (aps_slots_take(table, &asked, t_slots_at(NOW), &slot, NULL) != APS_REASON_ALLOW)
        abort();
    let_in++;
    is_dead[ONE_BEFORE] = true;
    aps_slots_row_child(&table->slots);
}

static const struct scenario scenarios[] = {
    {"two visits", NULL, {visit, visit, NULL}, 1, 4 - FEWER, 0},
    {"two visits, room for both", NULL, {visit, visit, NULL}, 2, 4 - FEWER, 0},
    {"three visits, room for two", NULL, {visit, visit, visit}, 2, 3 - FEWER, 0},
    {"one that dies", NULL, {visit_twice, NULL, NULL}, 1, 0, 1},
    {"two visits, one dies", NULL, {visit, visit, NULL}, 1, 3 - FEWER, 1},
    {"two visits, room for both, one dies", NULL, {visit, visit, NULL}, 2, 2, 1},
    {"two visits, both die", NULL, {visit, visit, NULL}, 2, 1, 2},
    {"a sweep beside one that dies", NULL, {visit, sweep, NULL}, 1, 2, 1},
    {"two sweeps that may die", leave_one_dead, {sweep, sweep, NULL}, 1, 2, 2},
    {"a sweep beside a visit, one dies", leave_one_dead, {sweep, visit, NULL}, 2, 2, 1},
    {"a full table", fill_table, {visit, visit, NULL}, 1, 3 - FEWER, 1},
    {"a table that gets room", fill_table, {visit, visit_with_room, NULL}, 1, 3, 0},
    {"a table that gets room, one dies", fill_table, {visit, visit_with_room, NULL}, 1, 2, 1},
    {"a sweep and a visit beside one that dies", NULL, {visit, sweep, visit}, 2, 2, 1},
    {"a sweep and two visits beside one that dies", NULL, {visit, sweep, visit_within}, 1, 2, 1},
    {"a place that others want", leave_one_place, {visit, visit_after_another, NULL}, 1, 1, 1},
};

static void choose_callers(uint32_t max)
{
    uint64_t caller = 2;

    asked = t_slots_ask(table, 1, max);
    asked_tag = t_slots_tag(table, &asked);
    do {
        neighbour = t_slots_ask(table, caller++, max);
        neighbour_tag = t_slots_tag(table, &neighbour);
    } while (t_slots_place(table, neighbour_tag, 0) != t_slots_place(table, asked_tag, 0));
}

/* LIM-08, LIM-13: in no order, and whoever dies at whichever step, do more than `max` hold a slot;
 * afterwards one sweep brings back all of them. */
static void every_order_of_steps(void **state)
{
    (void)state;
    table->slots.count = FEW_ROWS;
    for (unsigned i = 0; i < ACTORS; i++) {
        actors[i].state = *table;
        aps_slots_row_open(&actors[i].state.slots);
        assert_non_null(actors[i].state.slots.own);
        assert_non_null(actors[i].stack = malloc(STACK));
    }
    for (volatile unsigned i = 0; i < ACTORS; i++)
        (void)getcontext(&actors[i].context);
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        choose_callers(scenarios[i].max);
        go_through(&scenarios[i]);
    }
    for (unsigned i = 0; i < ACTORS; i++) {
        aps_slots_row_close(&actors[i].state.slots);
        free(actors[i].stack);
    }
}

/* ---- a look that is too old */

static struct layout_pair moved_on;

static void move_on(unsigned point)
{
    if (point != 41) /* the row was read, and is about to be changed */
        return;
    *t_slots_place(table, asked_tag, 0) = moved_on;
    aps_pause_hook = NULL;
}

/* The low bits of a row's number come back: who was stopped for so long would take another use for
 * the one that the cell named when he looked. */
static void a_stale_look_completes_nothing(void **state)
{
    struct slots_cell cell;
    uint64_t number = 5 + ((uint64_t)1 << SLOTS_ROW_SHIFT);
    struct layout_slot *row = &table->slots.rows[3];

    (void)state;
    choose_callers(2);
    for (unsigned fresh = 0; fresh < 2; fresh++) {
        *t_slots_place(table, asked_tag, 0) =
            (struct layout_pair){asked_tag, slots_word(1, slots_op(3, 5))};
        row->use = (struct layout_pair){asked_tag, slots_in_state(number, SLOTS_INTENT)};
        moved_on = (struct layout_pair){asked_tag, slots_word(2, slots_op(4, 5))};
        assert_true(aps_slots_step_find(table, row->use, &cell));
        aps_pause_hook = fresh != 0 ? NULL : move_on;
        assert_int_equal(aps_slots_step_complete(table, &cell), fresh != 0);
        assert_int_equal(slots_state(row->use.b), fresh != 0 ? SLOTS_HELD : SLOTS_INTENT);
    }
    aps_pause_hook = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_order_of_steps, open_table, close_table),
        cmocka_unit_test_setup_teardown(a_stale_look_completes_nothing, open_table, close_table),
    };

    return apr_initialize() != APR_SUCCESS ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
