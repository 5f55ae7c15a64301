/* multi_directory.c - many processes register limits in one state file and count.
 * Time is a number that the test chooses. */
#include "t_multi.h"

#include "apisec/directory.h"
#include "apisec/metrics.h"

#define START ((aps_nsec)1795676400 * APS_SEC) /* a whole hour */
#define MET 400                                /* limits that all workers meet together */
#define LIMITS 3000                            /* more than there are rows */

struct board {
    uint64_t at; /* the limit at which all are */
    uint64_t arrived[MET];
    uint64_t counted[LIMITS]; /* refusals that came back as counted */
    uint64_t begun[LIMITS];
    uint64_t clock;
};

static struct board *board;

static void raise_to(uint64_t *word, uint64_t value)
{
    uint64_t seen = get(word);

    while (seen < value && !__atomic_compare_exchange_n(word, &seen, value, false, __ATOMIC_SEQ_CST,
                                                        __ATOMIC_SEQ_CST))
        continue;
}

static void reset(void)
{
    open_state(&(struct aps_state_size){1024, 0}, START);
    memset(board, 0, sizeof *board);
}

static struct aps_directory_row enter(uint64_t number, aps_nsec wall)
{
    char text[200], where[32];
    struct aps_directory_limit limit = {{text, 0}, {where, 0}, number, true};

    /* Of different lengths, so that a mixture of two is neither. */
    limit.text.n = (size_t)snprintf(text, sizeof text, "n%llu %0*llu", (unsigned long long)number,
                                    (int)(number % 150), (unsigned long long)number);
    limit.where.n = (size_t)snprintf(where, sizeof where, "p%llu", (unsigned long long)number);
    return aps_directory_register(state, &limit, wall);
}

static void count(uint64_t number, struct aps_directory_row row, aps_nsec wall)
{
    (void)__atomic_add_fetch(&board->begun[number], 1, __ATOMIC_SEQ_CST);
    if (row.index != 0 && aps_directory_add(state, row, APS_DIRECTORY_REFUSED, wall) &&
        aps_directory_ask(state, row))
        (void)__atomic_add_fetch(&board->counted[number], 1, __ATOMIC_SEQ_CST);
}

/* ---- what a reader finds */

struct found {
    uint64_t times[LIMITS];
    uint64_t refused[LIMITS], asked[LIMITS];
};

/* What is told was registered, whole. */
static void take(void *arg, const struct aps_directory_entry *entry)
{
    struct found *found = arg;
    unsigned long long number = 0, again = 0, where = 0;
    char want[200];

    EXPECT(sscanf(entry->text, "n%llu %llu", &number, &again) == 2 && number < LIMITS, "%s",
           entry->text);
    EXPECT(sscanf(entry->where, "p%llu", &where) == 1, "%s", entry->where);
    (void)snprintf(want, sizeof want, "n%llu %0*llu", number, (int)(number % 150), number);
    EXPECT(strcmp(entry->text, want) == 0, "%s", entry->text);
    EXPECT(number == again && number == where && number == entry->store && entry->is_plan, "%s %s",
           entry->text, entry->where);
    if (number >= LIMITS)
        return;
    found->times[number]++;
    found->refused[number] += entry->count[APS_DIRECTORY_REFUSED];
    found->asked[number] += entry->count[APS_DIRECTORY_ASKED];
}

static void look(struct found *found)
{
    apr_pool_t *pool = NULL;
    struct aps_diag diag = {{0}};

    memset(found, 0, sizeof *found);
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS)
        abort();
    EXPECT(aps_directory_each(state, pool, take, found, &diag) == APS_OK, "%s", diag.text);
    apr_pool_destroy(pool);
}

/* ---- all meet a fresh limit together */

static void meet(uint64_t number)
{
    if (kill_one_in != 0)
        return; /* the dead would be waited for */
    if (__atomic_add_fetch(&board->arrived[number], 1, __ATOMIC_SEQ_CST) == WORKERS)
        raise_to(&board->at, number + 1);
    while (get(&board->at) <= number)
        (void)sched_yield();
}

static void meet_each(struct worker *self)
{
    (void)self;
    for (uint64_t i = 0; i < MET / SLOW; i++) {
        struct aps_directory_row row;

        meet(i);
        row = enter(i, START);
        EXPECT(row.index != 0, "limit %llu", (unsigned long long)i);
        count(i, row, START);
        count(i, row, START);
    }
}

static void all_that_is_counted_is_found_in_one_row(void)
{
    static struct found found;

    reset();
    (void)run_all(meet_each, NULL);
    look(&found);
    for (uint64_t i = 0; i < MET / SLOW; i++) {
        EXPECT(found.times[i] == 1, "limit %llu", (unsigned long long)i);
        EXPECT(found.refused[i] == board->counted[i] && found.asked[i] == board->counted[i],
               "limit %llu: %llu of %llu", (unsigned long long)i,
               (unsigned long long)found.refused[i], (unsigned long long)board->counted[i]);
    }
    EXPECT(aps_metrics_sum(state, APS_METRIC_LIMIT_UNLISTED) == 0, "all have a row");
}

static void killed_processes_leave_nothing_that_is_believed(void)
{
    static struct found found;

    if (use_threads)
        return;
    kill_one_in = 300;
    reset();
    (void)run_all(meet_each, NULL);
    kill_one_in = 0;
    look(&found);
    for (uint64_t i = 0; i < MET; i++)
        EXPECT(found.refused[i] <= board->begun[i] && found.times[i] <= 1, "limit %llu",
               (unsigned long long)i);
    /* What they left half done is finished by the next. */
    for (uint64_t i = 0; i < MET; i++)
        EXPECT(enter(i, START).index != 0, "limit %llu", (unsigned long long)i);
    look(&found);
    for (uint64_t i = 0; i < MET; i++)
        EXPECT(found.times[i] == 1 && found.refused[i] >= board->counted[i] &&
                   found.refused[i] <= board->begun[i],
               "limit %llu: %llu", (unsigned long long)i, (unsigned long long)found.refused[i]);
}

/* ---- more limits than rows */

#define STEPS 20000
#define STEPS_AN_HOUR 600

static void meet_any(struct worker *self)
{
    (void)self;
    for (;;) {
        uint64_t step = __atomic_add_fetch(&board->clock, 1, __ATOMIC_SEQ_CST);
        aps_nsec wall = START + (aps_nsec)(step / STEPS_AN_HOUR) * APS_HOUR;
        uint64_t number = roll() % LIMITS;

        if (step > STEPS / SLOW)
            return;
        count(number, enter(number, wall), wall);
    }
}

static void look_while_others_write(struct worker *self)
{
    static struct found found;

    if (self->number != 0)
        meet_any(self);
    for (unsigned i = 0; self->number == 0 && i < 40 / SLOW; i++)
        look(&found);
}

static void on_a_full_table_what_is_told_is_whole(void)
{
    static struct found found;

    reset();
    (void)run_all(look_while_others_write, NULL);
    look(&found);
    for (uint64_t i = 0; i < LIMITS; i++)
        EXPECT(found.refused[i] <= board->begun[i] && found.asked[i] <= board->begun[i],
               "limit %llu: %llu of %llu", (unsigned long long)i,
               (unsigned long long)found.refused[i], (unsigned long long)board->begun[i]);
    if (use_threads)
        return;
    kill_one_in = 2000;
    reset();
    (void)run_all(look_while_others_write, NULL);
    kill_one_in = 0;
    look(&found);
}

int main(int argc, char **argv)
{
    static const struct test all[] = {
        {"all that is counted is found in one row", all_that_is_counted_is_found_in_one_row},
        {"killed processes leave nothing that is believed",
         killed_processes_leave_nothing_that_is_believed},
        {"on a full table what is told is whole", on_a_full_table_what_is_told_is_whole},
    };

    begin_tests(argc, argv, sizeof *board, &board);
    return run_tests(all, sizeof all / sizeof *all);
}
