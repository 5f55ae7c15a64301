/* limits.c - what the limiter decides on a trace, for a model to decide beside it.
 * usage: limits < TRACE
 *
 * Each line of the trace is one of these; times are in nanoseconds, and never read from a clock:
 *   limit NAME KIND [WORD=NUMBER]... [earlier=NAME] [zone=NAME] [unit=day|week|month]
 *   take MONO WALL NAME:CALLER:COST[:BONUS]...
 *   peek MONO WALL NAME:CALLER:COST[:BONUS]
 * A limit prints nothing, or "error SENTENCE"; the others print one line:
 *   allow DELAY REMAINING/RESET...      refuse INDEX WAIT REMAINING/RESET...
 * A kind of limit is a row in `kinds`.  State: a table of its own, gone with the program. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apisec/rate.h"

#define LIMITS_MAX 64
#define WORDS_MAX 32

/* Words of a limit, as they are read; 0 where there is none. */
struct words {
    uint64_t scope;
    uint32_t count;
    aps_nsec period, delay;
    uint32_t burst;
    const struct aps_rate_limit *earlier;
    const struct aps_zone *zone;
    enum aps_zone_unit unit;
};

struct limit {
    char name[32];
    struct aps_rate_limit rate;
};

static struct limit limits[LIMITS_MAX];
static size_t limit_count;
static struct aps_state *state;
static aps_nsec clock_now;
static apr_pool_t *pool;

static aps_nsec read_clock(void)
{
    return clock_now;
}

static void fail(const char *why, const char *what)
{
    fprintf(stderr, "limits: %s: %s\n", what, why);
    exit(2);
}

/* ---- Kinds ---- */

typedef enum aps_err init_fn(struct aps_rate_limit *rate, const struct words *w,
                             struct aps_diag *diag);

static enum aps_err init_gcra(struct aps_rate_limit *rate, const struct words *w,
                              struct aps_diag *diag)
{
    enum aps_err err =
        aps_rate_init(rate, w->scope, (struct aps_rate){w->count, w->period}, w->burst, diag);

    if (err == APS_OK && w->delay != 0)
        err = aps_rate_set_delay(rate, w->delay, false, diag);
    return err;
}

static enum aps_err init_leaky(struct aps_rate_limit *rate, const struct words *w,
                               struct aps_diag *diag)
{
    enum aps_err err = init_gcra(rate, w, diag);

    return err == APS_OK ? aps_rate_set_delay(rate, w->delay, true, diag) : err;
}

static enum aps_err init_fixed(struct aps_rate_limit *rate, const struct words *w,
                               struct aps_diag *diag)
{
    return aps_rate_init_window(rate, w->scope, APS_RATE_FIXED,
                                (struct aps_rate){w->count, w->period}, diag);
}

static enum aps_err init_sliding(struct aps_rate_limit *rate, const struct words *w,
                                 struct aps_diag *diag)
{
    return aps_rate_init_window(rate, w->scope, APS_RATE_SLIDING,
                                (struct aps_rate){w->count, w->period}, diag);
}

static enum aps_err init_quota(struct aps_rate_limit *rate, const struct words *w,
                               struct aps_diag *diag)
{
    return aps_rate_init_quota(rate, w->scope, w->count, w->unit, w->zone, diag);
}

static const struct {
    const char *name;
    init_fn *init;
} kinds[] = {
    {"gcra", init_gcra},          {"token-bucket", init_gcra},      {"leaky-bucket", init_leaky},
    {"fixed-window", init_fixed}, {"sliding-window", init_sliding}, {"quota", init_quota},
};

/* ---- The trace ---- */

static const struct aps_rate_limit *find_limit(const char *name)
{
    for (size_t i = 0; i < limit_count; i++)
        if (strcmp(limits[i].name, name) == 0)
            return &limits[i].rate;
    fail("no such limit", name);
    return NULL;
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);

    if (*text == '\0' || (*end != '\0' && *end != ':'))
        fail("no number", text);
    return n;
}

static void read_zone(const char *name, struct words *w)
{
    struct aps_diag diag = {{0}};

    if (aps_zone_open(pool, aps_str(name), &w->zone, &diag) != APS_OK)
        fail(diag.text, name);
}

static void read_unit(const char *name, struct words *w)
{
    static const char *const units[] = {"day", "week", "month"};

    for (unsigned i = 0; i < APS_ZONE_UNITS; i++)
        if (strcmp(name, units[i]) == 0) {
            w->unit = (enum aps_zone_unit)i;
            return;
        }
    fail("want day, week or month", name);
}

static void read_word(const char *word, struct words *w)
{
    if (strncmp(word, "count=", 6) == 0)
        w->count = (uint32_t)number(word + 6);
    else if (strncmp(word, "period=", 7) == 0)
        w->period = (aps_nsec)number(word + 7);
    else if (strncmp(word, "burst=", 6) == 0)
        w->burst = (uint32_t)number(word + 6);
    else if (strncmp(word, "delay=", 6) == 0)
        w->delay = (aps_nsec)number(word + 6);
    else if (strncmp(word, "earlier=", 8) == 0)
        w->earlier = find_limit(word + 8);
    else if (strncmp(word, "zone=", 5) == 0)
        read_zone(word + 5, w);
    else if (strncmp(word, "unit=", 5) == 0)
        read_unit(word + 5, w);
    else
        fail("want count=, period=, burst=, delay=, earlier=, zone= or unit=", word);
}

static void do_limit(char **word, size_t n)
{
    struct limit *limit = &limits[limit_count];
    struct aps_diag diag = {{0}};
    struct words w = {0};
    enum aps_err err;
    size_t kind = 0;

    if (n < 3 || limit_count == LIMITS_MAX || strlen(word[1]) >= sizeof limit->name)
        fail("want NAME KIND WORD=NUMBER...", "limit");
    (void)snprintf(limit->name, sizeof limit->name, "%s", word[1]);
    w.scope = aps_table_scope(APS_TABLE_RATE, 1, aps_str(limit->name));
    for (size_t i = 3; i < n; i++)
        read_word(word[i], &w);
    while (kind < sizeof kinds / sizeof kinds[0] && strcmp(kinds[kind].name, word[2]) != 0)
        kind++;
    if (kind == sizeof kinds / sizeof kinds[0])
        fail("no such kind", word[2]);
    if ((err = kinds[kind].init(&limit->rate, &w, &diag)) != APS_OK) {
        printf("error %s\n", aps_err_say(err, &diag));
        return;
    }
    limit->rate.earlier = w.earlier;
    limit_count++;
}

/* NAME:CALLER:COST[:BONUS] */
static struct aps_rate_ask read_ask(char *word)
{
    char *caller = strchr(word, ':');
    char *cost = caller != NULL ? strchr(caller + 1, ':') : NULL;
    char *bonus = cost != NULL ? strchr(cost + 1, ':') : NULL;
    struct aps_rate_ask ask = {.store = 1};

    if (cost == NULL)
        fail("want NAME:CALLER:COST[:BONUS]", word);
    *caller++ = '\0';
    ask.limit = find_limit(word);
    ask.caller = aps_table_caller(state, caller, (size_t)(cost - caller));
    ask.cost = (uint32_t)number(cost + 1);
    ask.bonus = bonus != NULL ? (uint32_t)number(bonus + 1) : 0;
    return ask;
}

static void do_asks(char **word, size_t n, bool peek)
{
    struct aps_table_now now;
    struct aps_rate_ask asks[WORDS_MAX];
    struct aps_rate_result result;
    enum aps_reason reason;

    if (n < 4 || (peek && n != 4))
        fail("want MONO WALL NAME:CALLER:COST...", word[0]);
    now = (struct aps_table_now){(aps_nsec)number(word[1]), (aps_nsec)number(word[2])};
    clock_now = now.mono;
    n -= 3;
    for (size_t i = 0; i < n; i++)
        asks[i] = read_ask(word[3 + i]);
    if (peek) {
        struct aps_rate_answer answer;

        reason = aps_rate_peek(state, asks, now, read_clock, &answer);
        result.refused = 0;
        result.wait = answer.wait;
        result.delay = answer.delay;
        result.left[0] = answer.left;
    } else {
        reason = aps_rate_take_all(state, asks, (unsigned)n, now, read_clock, &result);
    }
    if (reason == APS_REASON_ALLOW)
        printf("allow %lld", (long long)result.delay);
    else
        printf("refuse %u %lld", result.refused, (long long)result.wait);
    for (size_t i = 0; i < n; i++)
        printf(" %u/%lld", result.left[i].remaining, (long long)result.left[i].reset);
    printf("\n");
}

static void do_line(char *line)
{
    char *word[WORDS_MAX];
    char *rest = NULL;
    size_t n = 0;

    for (char *w = strtok_r(line, " \n", &rest); w != NULL; w = strtok_r(NULL, " \n", &rest)) {
        if (n == WORDS_MAX)
            fail("too many words", w);
        word[n++] = w;
    }
    if (n == 0)
        return;
    if (strcmp(word[0], "limit") == 0)
        do_limit(word, n);
    else if (strcmp(word[0], "take") == 0 || strcmp(word[0], "peek") == 0)
        do_asks(word, n, word[0][0] == 'p');
    else
        fail("want limit, take or peek", word[0]);
}

static void open_own_state(void)
{
    char folder[] = "/tmp/apisec-limits.XXXXXX";
    struct aps_diag diag = {{0}};
    const char *path;

    if (mkdtemp(folder) == NULL)
        fail("cannot be made", folder);
    path = apr_pstrcat(pool, folder, "/state", NULL);
    if (aps_state_open(pool, path, &(struct aps_state_size){16384, 0}, 1, &state, &diag) != APS_OK)
        fail(diag.text, path);
    (void)unlink(path);
    (void)rmdir(folder);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 2;
    open_own_state();
    while (getline(&line, &room, stdin) >= 0)
        do_line(line);
    free(line);
    apr_terminate();
    return fflush(stdout) == 0 ? 0 : 2;
}
