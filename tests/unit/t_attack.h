/* t_attack.h - strangers flood a table, each with a name of his own, while known callers go on at
 * their pace; what these are answered, beside what their limits alone would answer.
 *
 * Two stores with the same limits share the table, and only the first is flooded.  Each has a limit
 * by address and one by key, with names of their own.  Time is a number: request by request it goes
 * on by the same step, and no worker is ahead of another one by more than LEAD steps. */
#ifndef APISEC_T_ATTACK_H
#define APISEC_T_ATTACK_H

#include <apr_general.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../libapisec/table/layout.h"
#include "apisec/metrics.h"
#include "apisec/rate.h"

#define ATTACK_START ((aps_nsec)100000 * APS_SEC)
#define ATTACK_WORKERS 2
#define ATTACK_CALLERS_MAX 4096
#define ATTACK_LEAD 1000
#define ATTACK_GREEDY 64 /* one stranger of so many goes on until well beyond his limit */

struct attack {
    uint64_t entries;
    uint64_t strangers;
    uint64_t pace; /* strangers in a second */
    struct aps_rate rate;
    uint32_t burst;
    bool windows; /* fixed windows instead of buckets */
    unsigned callers;
};

/* What was answered to the known callers of a store. */
struct attack_told {
    uint64_t asked;
    uint64_t due;     /* their own limits had room */
    uint64_t refused; /* of those, what was refused */
    uint64_t lost;    /* a caller's own cell knew less than it had been charged */
    uint64_t shared;  /* admitted by the shared cell */
    uint64_t beyond;  /* admitted though the limit had no room, counted over both cells */
};

struct attack_sum {
    struct attack_told told[2];
    uint64_t decisions;
    uint64_t admitted; /* strangers' first requests */
    uint64_t greedy;   /* strangers who went on */
    uint64_t beyond;   /* admitted to these above their limit */
    uint64_t cpu;      /* nsec of all workers together */
    uint64_t reused;   /* idle cells taken for another caller */
    uint64_t shared;   /* charges to shared cells, of strangers and of known callers */
};

struct attack_board {
    uint64_t at[ATTACK_WORKERS]; /* how many strangers each has passed */
    struct attack_sum sum[ATTACK_WORKERS];
};

/* What a caller has consumed, by a reckoning of his own. */
struct attack_account {
    uint64_t empty; /* of a bucket: when it is empty again */
    uint64_t window;
    uint32_t count; /* in this window */
};

/* A known caller.  What the shared cell admitted is no loss of his own cell. */
struct attack_caller {
    uint64_t name;
    const struct aps_rate_limit *limit;
    unsigned store;
    unsigned worker;
    unsigned clump; /* requests at once */
    aps_nsec next;
    aps_nsec gap;
    struct attack_account own;   /* in cells of his own */
    struct attack_account whole; /* and by the shared cell */
};

static struct aps_state *attack_state;
static struct aps_rate_limit attack_limits[2][2]; /* of a store: by address, by key */
static struct attack_caller attack_callers[ATTACK_CALLERS_MAX];
static struct attack_board *attack_board;

static aps_nsec attack_now; /* of this worker */

static aps_nsec attack_clock(void)
{
    return attack_now;
}

/* ---- the limits and the known callers */

static void attack_limit(const struct attack *a, unsigned store, unsigned kind)
{
    struct aps_rate_limit *limit = &attack_limits[store][kind];
    uint64_t scope = aps_table_scope(APS_TABLE_RATE, store, (struct aps_str){&"ak"[kind], 1});
    enum aps_err err = a->windows
                           ? aps_rate_init_window(limit, scope, APS_RATE_FIXED, a->rate, NULL)
                           : aps_rate_init(limit, scope, a->rate, a->burst, NULL);

    if (err != APS_OK)
        abort();
}

static uint64_t attack_name(unsigned store, const char *what, uint64_t number)
{
    struct {
        uint64_t store;
        uint64_t number;
        char what[8];
    } name = {store, number, {0}};

    for (size_t i = 0; i < sizeof name.what && what[i] != '\0'; i++)
        name.what[i] = what[i];
    return aps_table_caller(attack_state, &name, sizeof name);
}

/* What callers use of their limits, steadily, in clumps of one to four requests. */
static const double attack_shares[] = {0.02, 0.05, 0.1, 0.2, 0.5, 0.9, 1.1, 2};
#define ATTACK_SHARES (sizeof attack_shares / sizeof attack_shares[0])

static void attack_make_callers(const struct attack *a)
{
    double unit = (double)a->rate.period / (double)a->rate.count;

    for (unsigned i = 0; i < a->callers; i++) {
        unsigned clump = 1 + i / 8 % 4;
        aps_nsec gap = (aps_nsec)(clump * unit / attack_shares[i / 32 % ATTACK_SHARES]);

        attack_callers[i] = (struct attack_caller){
            .name = attack_name(i % 2, "caller", i),
            .limit = &attack_limits[i % 2][i / 2 % 2],
            .store = i % 2,
            .worker = i / 4 % ATTACK_WORKERS,
            .clump = clump,
            .gap = gap,
            .next = ATTACK_START + (aps_nsec)((double)gap * (i % 97) / 97),
        };
    }
}

/* ---- a request of a known caller */

static uint64_t attack_window(const struct aps_rate_limit *limit, uint64_t now)
{
    return limit->window == 0 ? 0 : now / (uint64_t)limit->window;
}

static bool attack_has_room(const struct attack_account *account,
                            const struct aps_rate_limit *limit, uint64_t now)
{
    if (limit->window != 0)
        return attack_window(limit, now) != account->window || account->count < limit->burst;
    return (account->empty > now ? account->empty - now : 0) + limit->step <= limit->span;
}

static void attack_charge(struct attack_account *account, const struct aps_rate_limit *limit,
                          uint64_t now)
{
    uint64_t window = attack_window(limit, now);

    account->count = window == account->window ? account->count + 1 : 1;
    account->window = window;
    account->empty = (account->empty > now ? account->empty : now) + limit->step;
}

/* Directly after a charge. */
static uint32_t attack_left(const struct attack_account *account,
                            const struct aps_rate_limit *limit, uint64_t now)
{
    if (limit->window != 0)
        return limit->burst - account->count;
    return (uint32_t)((limit->span - (account->empty - now)) / limit->step);
}

static bool attack_take(const struct aps_rate_limit *limit, unsigned store, uint64_t name,
                        aps_nsec now, struct aps_rate_answer *out)
{
    struct aps_rate_ask ask = {limit, name, store, 1, 0, false};

    attack_now = now;
    return aps_rate_take(attack_state, &ask, (struct aps_table_now){now, now}, attack_clock, out) ==
           APS_REASON_ALLOW;
}

/* Directly after a charge, which a cell of his own has or the shared one. */
static bool attack_has_cell(const struct attack_caller *c, aps_nsec now)
{
    struct aps_table_who who = {c->limit->scope, c->name, c->store};
    struct aps_table_spot spot;

    aps_table_look(attack_state, &who, (struct aps_table_now){now, now}, &spot);
    return spot.place == APS_TABLE_HELD && !spot.overflow;
}

static void attack_admitted(struct attack_caller *c, uint64_t now, uint32_t left,
                            struct attack_told *told)
{
    if (!attack_has_cell(c, (aps_nsec)now)) {
        told->shared++;
        attack_charge(&c->whole, c->limit, now);
        return;
    }
    if (!attack_has_room(&c->own, c->limit, now)) {
        told->lost++;
        return;
    }
    attack_charge(&c->own, c->limit, now);
    attack_charge(&c->whole, c->limit, now);
    told->lost += left > attack_left(&c->own, c->limit, now);
}

static void attack_ask(struct attack_caller *c, aps_nsec now, struct attack_told *told)
{
    struct aps_rate_answer answer;
    bool room = attack_has_room(&c->whole, c->limit, (uint64_t)now);
    bool admitted = attack_take(c->limit, c->store, c->name, now, &answer);

    told->asked++;
    told->due += room;
    told->refused += room && !admitted;
    told->beyond += !room && admitted;
    if (admitted)
        attack_admitted(c, (uint64_t)now, answer.left.remaining, told);
}

/* All requests of this worker's callers that are due; when the next one is. */
static aps_nsec attack_callers_due(const struct attack *a, unsigned worker, aps_nsec now,
                                   struct attack_sum *sum)
{
    aps_nsec next = INT64_MAX;

    for (unsigned i = 0; i < a->callers; i++) {
        struct attack_caller *c = &attack_callers[i];

        if (c->worker != worker)
            continue;
        for (; c->next <= now; c->next += c->gap)
            for (unsigned n = 0; n < c->clump; n++, sum->decisions++)
                attack_ask(c, now, &sum->told[c->store]);
        if (c->next < next)
            next = c->next;
    }
    return next;
}

/* ---- strangers */

static bool attack_stranger(uint64_t number, aps_nsec now)
{
    return attack_take(&attack_limits[0][number % 2], 0, attack_name(0, "stranger", number), now,
                       NULL);
}

static void attack_greedy(const struct attack *a, uint64_t number, aps_nsec now,
                          struct attack_sum *sum)
{
    uint32_t admitted = 0;

    for (uint32_t i = 0; i < a->burst + 4; i++, sum->decisions++)
        admitted += attack_stranger(number, now);
    sum->greedy++;
    sum->admitted += admitted != 0;
    sum->beyond += admitted > a->burst ? admitted - a->burst : 0;
}

static uint64_t attack_cpu(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Wait until all others have come as far, but for LEAD. */
static void attack_keep_pace(unsigned worker, uint64_t at)
{
    __atomic_store_n(&attack_board->at[worker], at, __ATOMIC_RELEASE);
    for (unsigned w = 0; w < ATTACK_WORKERS; w++)
        while (__atomic_load_n(&attack_board->at[w], __ATOMIC_ACQUIRE) + ATTACK_LEAD < at)
            (void)sched_yield();
}

static void attack_work(const struct attack *a, unsigned worker)
{
    struct attack_sum *sum = &attack_board->sum[worker];
    const aps_nsec step = APS_SEC / (aps_nsec)a->pace;
    uint64_t begin = attack_cpu();
    aps_nsec due = 0;

    for (uint64_t i = worker; i < a->strangers; i += ATTACK_WORKERS) {
        aps_nsec now = ATTACK_START + (aps_nsec)i * step;

        if (i / ATTACK_WORKERS % 64 == 0)
            attack_keep_pace(worker, i);
        if (now >= due)
            due = attack_callers_due(a, worker, now, sum);
        if (i / ATTACK_WORKERS % ATTACK_GREEDY == 0) {
            attack_greedy(a, i, now, sum);
            continue;
        }
        sum->decisions++;
        sum->admitted += attack_stranger(i, now);
    }
    __atomic_store_n(&attack_board->at[worker], UINT64_MAX / 2, __ATOMIC_RELEASE);
    sum->cpu = attack_cpu() - begin;
}

/* ---- all of it */

static void attack_add(struct attack_sum *to, const struct attack_sum *from)
{
    for (unsigned s = 0; s < 2; s++) {
        to->told[s].asked += from->told[s].asked;
        to->told[s].due += from->told[s].due;
        to->told[s].refused += from->told[s].refused;
        to->told[s].lost += from->told[s].lost;
        to->told[s].beyond += from->told[s].beyond;
        to->told[s].shared += from->told[s].shared;
    }
    to->decisions += from->decisions;
    to->admitted += from->admitted;
    to->greedy += from->greedy;
    to->beyond += from->beyond;
    to->cpu += from->cpu;
}

static void attack_open(apr_pool_t *pool, uint64_t entries)
{
    char folder[] = "/tmp/apisec-attack.XXXXXX";
    struct aps_diag diag = {{0}};
    char path[64];

    if (mkdtemp(folder) == NULL)
        abort();
    (void)snprintf(path, sizeof path, "%s/state", folder);
    if (aps_state_open(pool, path, &(struct aps_state_size){entries, 0}, 1, &attack_state, &diag) !=
        APS_OK) {
        (void)fprintf(stderr, "attack: %s\n", diag.text);
        exit(1);
    }
    (void)unlink(path);
    (void)rmdir(folder);
}

static void attack_fork(const struct attack *a)
{
    (void)fflush(stdout);
    for (unsigned w = 0; w < ATTACK_WORKERS; w++) {
        pid_t pid = fork();

        if (pid < 0)
            abort();
        if (pid == 0) {
            aps_state_child(attack_state);
            attack_work(a, w);
            _exit(0);
        }
    }
    for (unsigned w = 0; w < ATTACK_WORKERS; w++) {
        int status = 0;

        if (wait(&status) < 0 || status != 0)
            abort();
    }
}

static void attack_run(const struct attack *a, struct attack_sum *out)
{
    apr_pool_t *pool = NULL;
    uint64_t used = 0;

    attack_board =
        mmap(NULL, sizeof *attack_board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (attack_board == MAP_FAILED || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        abort();
    attack_open(pool, a->entries);
    for (unsigned i = 0; i < 4; i++)
        attack_limit(a, i / 2, i % 2);
    attack_make_callers(a);
    attack_fork(a);
    memset(out, 0, sizeof *out);
    for (unsigned w = 0; w < ATTACK_WORKERS; w++)
        attack_add(out, &attack_board->sum[w]);
    for (uint64_t i = 0; i < a->entries; i++)
        used += attack_state->cells[i].a != 0;
    out->reused = aps_metrics_sum(attack_state, APS_METRIC_TABLE_TAKEN) - used;
    out->shared = aps_metrics_sum(attack_state, APS_METRIC_TABLE_OVERFLOW);
    (void)munmap(attack_board, sizeof *attack_board);
    apr_pool_destroy(pool);
}

#endif
