/* multi_lastuse.c - many processes note uses of the same secrets in one state file.
 * Time is a number that the test chooses. */
#include "t_multi.h"

#include "apisec/lastuse.h"

#define START ((uint64_t)1795676400) /* seconds; a whole hour */
#define SECRETS 4096
#define ROWS 1024
#define MET_ROWS 16384 /* nearly nothing gives way among these */
/* So many that no process stands still for an hour. */
#define NOTES_AN_HOUR 2048
#define MET 300 /* fresh secrets that all workers meet together */

/* What was noted for sure, and what was begun; seconds, 0: never. */
struct board {
    uint64_t at; /* the secret at which all are */
    uint64_t arrived[SECRETS];
    uint64_t first[SECRETS], last[SECRETS]; /* of notes that came back */
    uint64_t least[SECRETS], most[SECRETS]; /* of notes that were begun */
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

static void lower_to(uint64_t *word, uint64_t value)
{
    uint64_t seen = get(word);

    while (
        (seen == 0 || seen > value) &&
        !__atomic_compare_exchange_n(word, &seen, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        continue;
}

/* ---- common pieces */

static void reset(uint64_t rows)
{
    open_state(&(struct aps_state_size){1024, rows}, (aps_nsec)START * APS_SEC);
    memset(board, 0, sizeof *board);
}

static uint64_t tag_of(uint64_t secret)
{
    static const uint8_t store[APS_LASTUSE_STORE_LEN] = {7};

    return aps_lastuse_tag(state, store, (struct aps_str){(const char *)&secret, sizeof secret}, 1);
}

/* A use of `secret` at `second`: rule and address say which one, when, and who noted it. */
static bool note(uint64_t secret, uint64_t second, unsigned worker)
{
    char route[48];
    struct aps_addr addr = {{[10] = 0xff, [11] = 0xff}};
    struct aps_lastuse_note note = {(aps_nsec)second * APS_SEC, {route, 0}, &addr};
    bool noted;

    note.route.n =
        (size_t)snprintf(route, sizeof route, "/%llu/%llu/%u", (unsigned long long)secret,
                         (unsigned long long)second / 3600, worker);
    addr.b[12] = (uint8_t)worker;
    lower_to(&board->least[secret], second);
    raise_to(&board->most[secret], second);
    noted = aps_lastuse_note(state, tag_of(secret), &note);
    if (noted) {
        lower_to(&board->first[secret], second);
        raise_to(&board->last[secret], second);
    }
    return noted;
}

/* What a row says of its last use is one note's, whole. */
static void expect_whole(uint64_t secret, const struct aps_lastuse *use)
{
    unsigned long long of = 0, hour = 0;
    char text[APS_LASTUSE_ROUTE_MAX + 1] = "";
    unsigned worker = 0;

    if (!use->has_what)
        return;
    memcpy(text, use->route, use->route_n);
    EXPECT(sscanf(text, "/%llu/%llu/%u", &of, &hour, &worker) == 3, "%s", text);
    EXPECT(of == secret, "%s for %llu", text, (unsigned long long)secret);
    EXPECT((aps_nsec)hour * APS_HOUR == use->last, "%s, last %lld", text, (long long)use->last);
    EXPECT(use->has_net && use->net.addr.b[12] == worker, "%s, address %u", text,
           use->net.addr.b[12]);
}

/* ---- all meet a fresh secret together */

/* Wait until all workers are at this secret; the board moves on when the last one comes. */
static void meet(uint64_t secret)
{
    if (kill_one_in != 0)
        return; /* the dead would be waited for */
    if (__atomic_add_fetch(&board->arrived[secret], 1, __ATOMIC_SEQ_CST) == WORKERS)
        raise_to(&board->at, secret + 1);
    while (get(&board->at) <= secret)
        (void)sched_yield();
}

static void note_each(struct worker *self)
{
    for (uint64_t secret = 0; secret < MET / SLOW; secret++) {
        meet(secret);
        /* Clocks differ by seconds, around the turn of an hour. */
        (void)note(secret, START + 3600 - 4 + self->number, self->number);
        if (roll() % 4 == 0)
            (void)note(secret, START + 3620 + self->number, self->number);
    }
}

static void expect_first_and_last(bool exact)
{
    aps_nsec now = (aps_nsec)(START + 3700) * APS_SEC;

    for (uint64_t secret = 0; secret < MET / SLOW; secret++) {
        enum aps_lastuse_found found;
        struct aps_lastuse use;
        uint64_t first = board->first[secret], last = board->last[secret];
        uint64_t seen_first, seen_last;

        found = aps_lastuse_get(state, tag_of(secret), now, &use);
        /* Rows of one secret that all have made at once may have filled its sets: what gave way is
         * told (since). */
        if (found == APS_LASTUSE_NONE && (first == 0 || (uint64_t)(use.since / APS_SEC) > last))
            continue;
        EXPECT(found == APS_LASTUSE_KNOWN, "secret %llu: %d", (unsigned long long)secret, found);
        seen_first = (uint64_t)(use.first / APS_SEC);
        seen_last = (uint64_t)(use.last / APS_HOUR);
        if (exact && (uint64_t)(use.since / APS_SEC) <= first)
            EXPECT(seen_first == first && seen_last == last / 3600, "secret %llu: %llu, want %llu",
                   (unsigned long long)secret, (unsigned long long)seen_first,
                   (unsigned long long)first);
        EXPECT(seen_first >= board->least[secret] &&
                   (first == 0 || seen_first <= first || (uint64_t)(use.since / APS_SEC) > first),
               "secret %llu", (unsigned long long)secret);
        EXPECT(seen_last >= last / 3600 && seen_last <= board->most[secret] / 3600, "secret %llu",
               (unsigned long long)secret);
        expect_whole(secret, &use);
    }
}

static void the_earliest_and_the_latest_note_stand(void)
{
    reset(MET_ROWS);
    (void)run_all(note_each, NULL);
    expect_first_and_last(true);
}

static void killed_processes_lose_their_own_note_at_most(void)
{
    if (use_threads)
        return;
    kill_one_in = 400;
    reset(MET_ROWS);
    (void)run_all(note_each, NULL);
    kill_one_in = 0;
    expect_first_and_last(false);
    /* What they left torn is mended by the next note. */
    for (uint64_t secret = 0; secret < MET; secret++) {
        aps_nsec now = (aps_nsec)(START + 4 * 3600) * APS_SEC;
        struct aps_lastuse use;

        EXPECT(note(secret, START + 4 * 3600, 9), "secret %llu", (unsigned long long)secret);
        EXPECT(aps_lastuse_get(state, tag_of(secret), now, &use) == APS_LASTUSE_KNOWN &&
                   use.has_what && use.last == now,
               "secret %llu", (unsigned long long)secret);
        expect_whole(secret, &use);
    }
}

/* ---- more secrets than rows */

static void note_any(struct worker *self)
{
    for (unsigned i = 0; i < 6000 / SLOW; i++) {
        uint64_t hour = __atomic_add_fetch(&board->clock, 1, __ATOMIC_SEQ_CST) / NOTES_AN_HOUR;

        (void)note(roll() % SECRETS, START + hour * 3600 + self->number, self->number);
    }
}

static void a_full_table_never_says_unused_of_what_was_used(void)
{
    aps_nsec now;
    unsigned lost = 0;

    reset(ROWS);
    (void)run_all(note_any, NULL);
    now = (aps_nsec)(START + (board->clock / NOTES_AN_HOUR + 1) * 3600) * APS_SEC;
    for (uint64_t secret = 0; secret < SECRETS; secret++) {
        aps_nsec last = (aps_nsec)(board->last[secret] / 3600) * APS_HOUR;
        struct aps_lastuse use;
        enum aps_lastuse_found found = aps_lastuse_get(state, tag_of(secret), now, &use);

        EXPECT(found != APS_LASTUSE_UNKNOWN, "secret %llu", (unsigned long long)secret);
        if (found == APS_LASTUSE_KNOWN)
            EXPECT(use.last >= last || use.since > last, "secret %llu: %lld, want %lld",
                   (unsigned long long)secret, (long long)use.last, (long long)last);
        else
            EXPECT(board->last[secret] == 0 || use.since > last, "secret %llu: since %lld",
                   (unsigned long long)secret, (long long)use.since);
        lost += found == APS_LASTUSE_NONE && last != 0 ? 1 : 0;
        expect_whole(secret, &use);
    }
    EXPECT(lost > SECRETS / 4, "%u", lost); /* rows did give way */
}

static const struct test all[] = {
    {"the earliest and the latest note stand", the_earliest_and_the_latest_note_stand},
    {"killed processes lose their own note at most", killed_processes_lose_their_own_note_at_most},
    {"a full table never says unused of what was used",
     a_full_table_never_says_unused_of_what_was_used},
};

int main(int argc, char **argv)
{
    begin_tests(argc, argv, sizeof *board, &board);
    return run_tests(all, sizeof all / sizeof all[0]);
}
