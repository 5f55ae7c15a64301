/* play.c - requests of a log, played through limits.
 *
 * In the order of mod_apisec/stage_limit.c: limits by address are looked at first; if one refuses,
 * nothing is charged.  Then all are charged together; if they admit, those in dry-run follow, each
 * by itself. */
#include "play.h"

#include "apisec/metrics.h"

/* Cells of the table; memory is taken as they are used. */
#define ENTRIES ((uint64_t)1 << 22)

/* The clock begins here, so that windows begin with those of UTC. */
#define BEGIN APS_DAY

static aps_nsec played_now; /* what play_clock tells */

static aps_nsec play_clock(void)
{
    return played_now;
}

enum aps_err ctl_play_init(struct ctl_play *play, apr_pool_t *pool, struct aps_diag *diag)
{
    struct aps_state_size size = {ENTRIES, 0};

    *play = (struct ctl_play){.n = 0};
    play->offenders = ctl_offender_new(pool);
    return aps_state_memory(pool, &size, &play->state, diag);
}

/* ---- limits ---- */

/* What a log cannot tell of goes out. */
static void keep_playable(struct ctl_played *played)
{
    struct aps_limit *limit = &played->limit;
    size_t n = 0;

    for (size_t i = 0; i < limit->n; i++)
        if (limit->meter[i].kind != APS_LIMIT_INFLIGHT)
            limit->meter[n++] = limit->meter[i];
    played->nall = limit->n;
    played->nmeters = n;
    limit->n = n;
}

enum aps_err ctl_play_add(struct ctl_play *play, apr_pool_t *pool, struct aps_str text,
                          struct aps_diag *diag)
{
    struct ctl_played *played = &play->played[play->n];
    enum aps_err err;

    if (play->n == CTL_PLAY_LIMITS_MAX) {
        aps_err_explain(diag, "more than %d limits: play some of them at a time",
                        CTL_PLAY_LIMITS_MAX);
        return APS_ERR_RANGE;
    }
    *played = (struct ctl_played){.asked = 0};
    if ((err = aps_limit_parse(pool, text, &played->limit, diag)) != APS_OK)
        return err;
    for (size_t i = 0; i < play->n; i++)
        if (aps_str_eq(play->played[i].limit.name, played->limit.name)) {
            aps_err_explain(diag, "limit \"%s\": there is another one of this name",
                            played->limit.name.p);
            return APS_ERR_EXISTS;
        }
    keep_playable(played);
    if (played->nmeters == 0) {
        aps_err_explain(diag,
                        "limit \"%s\": a log does not tell how many requests are under way; want "
                        "a rate= or a quota=",
                        played->limit.name.p);
        return APS_ERR_FORMAT;
    }
    if ((err = aps_limit_bind(pool, &played->limit, 0, diag)) != APS_OK)
        return err;
    play->by |= played->limit.by;
    play->n++;
    return APS_OK;
}

/* ---- one request ---- */

/* What a request would be charged for; `of` is the limit and the cell of each ask. */
struct bill {
    unsigned n;
    struct aps_rate_ask ask[APS_RATE_MAX];
    struct {
        uint32_t limit;
        uint32_t cell;
    } of[APS_RATE_MAX];
};

static bool is_asked(const struct aps_limit *limit, enum ctl_logask_part part)
{
    if (part == CTL_LOGASK_ALL)
        return true;
    return part == CTL_LOGASK_ADDRESS && (limit->by & APS_LIMIT_BY_IP) != 0 &&
           (limit->by & APS_LIMIT_BY_CALLER) == 0;
}

/* False where there are more cells than a request can have. */
static bool add_limit(struct ctl_play *play, uint32_t index, const struct ctl_logask_line *line,
                      struct bill *bill)
{
    struct ctl_played *played = &play->played[index];
    const struct aps_limit *limit = &played->limit;
    uint32_t cost = aps_limit_cost_of(&limit->cost, line->method, 0);
    size_t cells = aps_subject_count(limit, &line->who);

    for (size_t i = 0; i < cells; i++) {
        unsigned char bytes[APS_SUBJECT_MAX];
        size_t n = aps_subject_bytes(limit, &line->who, i, 0, bytes);
        uint64_t caller = aps_table_caller(play->state, bytes, n);

        for (size_t k = 0; k < limit->n; k++) {
            if (bill->n == APS_RATE_MAX)
                return false;
            bill->of[bill->n].limit = index;
            bill->of[bill->n].cell = (uint32_t)i;
            bill->ask[bill->n++] = (struct aps_rate_ask){
                .limit = &limit->meter[k].charge, .caller = caller, .store = 1, .cost = cost};
        }
    }
    played->asked += cells != 0 ? 1 : 0;
    return true;
}

static void note_refused(struct ctl_play *play, const struct ctl_logask_line *line,
                         const struct bill *bill, unsigned i)
{
    uint32_t index = bill->of[i].limit;
    struct ctl_played *played = &play->played[index];
    struct ctl_offender *who =
        ctl_offender_refused(play->offenders, index, bill->ask[i].caller, play->latest);

    played->refused++;
    if (who->who[0] == '\0')
        (void)ctl_logask_print(&played->limit, &line->who, bill->of[i].cell, who->who);
}

/* Meters of one limit are one caller's. */
static bool is_first_of_cell(const struct bill *bill, unsigned i)
{
    return i == 0 || bill->of[i].limit != bill->of[i - 1].limit ||
           bill->of[i].cell != bill->of[i - 1].cell;
}

static void note_passed(struct ctl_play *play, const struct bill *bill)
{
    for (unsigned i = 0; i < bill->n; i++)
        if (is_first_of_cell(bill, i))
            ctl_offender_passed(play->offenders, bill->of[i].limit, bill->ask[i].caller);
}

static struct aps_table_now now_of(const struct ctl_play *play)
{
    return (struct aps_table_now){.mono = played_now, .wall = play->latest};
}

/* Whether an address is over its limits, before anything is charged. */
static bool address_refuses(struct ctl_play *play, const struct ctl_logask_line *line,
                            const struct bill *bill)
{
    for (unsigned i = 0; i < bill->n; i++) {
        if (play->played[bill->of[i].limit].limit.by != APS_LIMIT_BY_IP)
            continue;
        if (aps_rate_peek(play->state, &bill->ask[i], now_of(play), play_clock, NULL) ==
            APS_REASON_ALLOW)
            continue;
        note_refused(play, line, bill, i);
        return true;
    }
    return false;
}

/* How long each limit would have a request wait; several of them make it wait for the longest. */
static void note_delays(struct ctl_play *play, const struct bill *bill,
                        const aps_nsec delay[APS_RATE_MAX])
{
    for (unsigned i = 0; i < bill->n; i++) {
        struct ctl_played *played = &play->played[bill->of[i].limit];
        aps_nsec most = delay[i];

        if (i > 0 && bill->of[i].limit == bill->of[i - 1].limit)
            continue;
        for (unsigned k = i + 1; k < bill->n && bill->of[k].limit == bill->of[i].limit; k++)
            most = delay[k] > most ? delay[k] : most;
        played->delayed += most > 0 ? 1 : 0;
        played->longest_delay = most > played->longest_delay ? most : played->longest_delay;
    }
}

static void peek_delays(struct ctl_play *play, const struct bill *bill,
                        aps_nsec delay[APS_RATE_MAX])
{
    for (unsigned i = 0; i < bill->n; i++) {
        struct aps_rate_answer answer = {.delay = 0};

        if (bill->ask[i].limit->delay != 0)
            (void)aps_rate_peek(play->state, &bill->ask[i], now_of(play), play_clock, &answer);
        delay[i] = answer.delay;
    }
}

/* Charge all of a bill.  False: refused. */
static bool charge(struct ctl_play *play, const struct ctl_logask_line *line,
                   const struct bill *bill)
{
    aps_nsec delay[APS_RATE_MAX];

    peek_delays(play, bill, delay);
    if (aps_rate_take_all(play->state, bill->ask, bill->n, now_of(play), play_clock,
                          &play->result) != APS_REASON_ALLOW) {
        note_refused(play, line, bill, play->result.refused);
        return false;
    }
    note_passed(play, bill);
    note_delays(play, bill, delay);
    return true;
}

/* Limits that refuse, then those that only say that they would. */
static enum aps_err ask(struct ctl_play *play, const struct ctl_logask_line *line,
                        struct aps_diag *diag)
{
    struct bill bill; /* pages, of which little is used */
    bool passes;

    bill.n = 0;
    for (uint32_t i = 0; i < play->n; i++)
        if (!play->played[i].limit.dry_run && is_asked(&play->played[i].limit, line->part) &&
            !add_limit(play, i, line, &bill)) {
            aps_err_explain(diag,
                            "its caller has more cells of these limits than a request can "
                            "be charged to, which are %d",
                            APS_RATE_MAX);
            return APS_ERR_FORMAT;
        }
    play->result.delay = 0;
    passes = !address_refuses(play, line, &bill) && charge(play, line, &bill);
    play->admitted += passes ? 1 : 0;
    play->refused += passes ? 0 : 1;
    play->delayed += passes && play->result.delay > 0 ? 1 : 0;
    for (uint32_t i = 0; i < play->n && passes; i++) {
        bill.n = 0;
        if (play->played[i].limit.dry_run && is_asked(&play->played[i].limit, line->part) &&
            add_limit(play, i, line, &bill))
            (void)charge(play, line, &bill); /* it counts, whatever it says */
    }
    return APS_OK;
}

/* ---- time ---- */

static enum aps_err set_time(struct ctl_play *play, aps_nsec at, enum ctl_play_order *out,
                             struct aps_diag *diag)
{
    *out = CTL_PLAY_IN_ORDER;
    if (play->latest == 0)
        play->first = at;
    if (at < play->latest) {
        *out = play->latest - at > CTL_PLAY_LATE_MAX ? CTL_PLAY_OUT_OF_ORDER : CTL_PLAY_LATE;
        if (*out == CTL_PLAY_LATE) {
            play->late++;
            play->latest_most =
                play->latest - at > play->latest_most ? play->latest - at : play->latest_most;
        }
        return APS_OK;
    }
    if (at - play->first > CTL_PLAY_SPAN_MAX) {
        aps_err_explain(diag, "its time is more than five years after the first one");
        return APS_ERR_FORMAT;
    }
    play->latest = at;
    played_now = at - play->first / APS_DAY * APS_DAY + BEGIN;
    return APS_OK;
}

enum aps_err ctl_play_line(struct ctl_play *play, const struct ctl_logask_line *line,
                           enum ctl_play_order *out, struct aps_diag *diag)
{
    enum aps_err err = set_time(play, line->at, out, diag);

    if (err != APS_OK || *out == CTL_PLAY_OUT_OF_ORDER)
        return err;
    if (line->part != CTL_LOGASK_NOTHING)
        return ask(play, line, diag);
    play->not_asked++;
    return APS_OK;
}
