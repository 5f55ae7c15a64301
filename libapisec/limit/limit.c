/* limit.c - the words of a limit -> what it holds a caller to. */
#include "limit_impl.h"

#define WORDS                                                                                      \
    "rate=N/UNIT, quota=N/day|week|month, zone=, inflight=N, by=, burst=N, algorithm=, "           \
    "delay=DURATION, cost= or mode=enforce|dry-run"
#define BY_WORDS "key, user, org, role, ip[/V4[/V6]] or route, or several with + between"

enum { PREFIX4_MIN = 8, PREFIX4_MAX = 32, PREFIX6_MIN = 16, PREFIX6_MAX = 128 };

static const char *const algorithms[] = {
    [APS_LIMIT_GCRA] = "gcra",
    [APS_LIMIT_TOKEN_BUCKET] = "token-bucket",
    [APS_LIMIT_LEAKY_BUCKET] = "leaky-bucket",
    [APS_LIMIT_SLIDING_WINDOW] = "sliding-window",
    [APS_LIMIT_FIXED_WINDOW] = "fixed-window",
};

const char *aps_limit_algorithm_name(enum aps_limit_algorithm algorithm)
{
    return algorithms[algorithm];
}

/* ---- Words ---- */

static enum aps_err add_meter(struct aps_limit *limit, const struct aps_limit_meter *meter,
                              struct aps_str text, struct aps_diag *diag)
{
    if (limit->n == APS_LIMIT_METERS_MAX) {
        aps_err_explain(diag, "\"%.*s\": a limit has at most %d rates, quotas and inflight",
                        APS_STR_SHOW(text), APS_LIMIT_METERS_MAX);
        return APS_ERR_RANGE;
    }
    for (size_t i = 0; i < limit->n; i++)
        if (limit->meter[i].kind == meter->kind && limit->meter[i].period == meter->period &&
            limit->meter[i].of == meter->of) {
            aps_err_explain(diag, "\"%.*s\": the limit has one of this kind and period already",
                            APS_STR_SHOW(text));
            return APS_ERR_FORMAT;
        }
    limit->meter[limit->n++] = *meter;
    return APS_OK;
}

static enum aps_err read_rate(apr_pool_t *pool, struct aps_str text, struct aps_limit *limit,
                              struct aps_diag *diag)
{
    struct aps_limit_meter meter = {.kind = APS_LIMIT_RATE};
    struct aps_rate rate;
    enum aps_err err = aps_num_parse_rate(text, &rate, diag);

    (void)pool;
    if (err != APS_OK)
        return err;
    meter.count = rate.count;
    meter.period = rate.period;
    return add_meter(limit, &meter, text, diag);
}

static enum aps_err read_quota(apr_pool_t *pool, struct aps_str text, struct aps_limit *limit,
                               struct aps_diag *diag)
{
    struct aps_limit_meter meter = {.kind = APS_LIMIT_QUOTA};
    const char *slash = text.n != 0 ? memchr(text.p, '/', text.n) : NULL;
    size_t n = slash != NULL ? (size_t)(slash - text.p) : 0;
    enum aps_err err;
    uint64_t count = 0;

    (void)pool;
    for (size_t i = 0; slash != NULL && i < LIMIT_COUNT_OF(aps_limit_print_periods); i++) {
        if (!aps_str_eq((struct aps_str){slash + 1, text.n - n - 1},
                        aps_str(aps_limit_print_periods[i])))
            continue;
        err = aps_num_parse((struct aps_str){text.p, n}, 1, APS_NUM_COUNT_MAX, &count, diag);
        if (err != APS_OK)
            return err;
        meter.count = (uint32_t)count;
        meter.of = (enum aps_zone_unit)i;
        return add_meter(limit, &meter, text, diag);
    }
    aps_err_explain(diag, "quota \"%.*s\": want COUNT/day, COUNT/week or COUNT/month",
                    APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

static enum aps_err read_inflight(apr_pool_t *pool, struct aps_str text, struct aps_limit *limit,
                                  struct aps_diag *diag)
{
    struct aps_limit_meter meter = {.kind = APS_LIMIT_INFLIGHT};
    uint64_t count = 0;
    enum aps_err err = aps_num_parse(text, 1, APS_LIMIT_INFLIGHT_MAX, &count, diag);

    (void)pool;
    if (err != APS_OK)
        return err;
    meter.count = (uint32_t)count;
    return add_meter(limit, &meter, text, diag);
}

/* "ip", "ip/24", "ip/24/48". */
static enum aps_err read_prefixes(struct aps_str text, struct aps_limit *limit,
                                  struct aps_diag *diag)
{
    struct aps_str rest = text, word;
    uint64_t prefix4 = LIMIT_PREFIX4_USUAL, prefix6 = LIMIT_PREFIX6_USUAL;
    enum aps_err err = APS_OK;

    (void)aps_str_next(&rest, '/', &word); /* "ip" */
    if (aps_str_next(&rest, '/', &word))
        err = aps_num_parse(word, PREFIX4_MIN, PREFIX4_MAX, &prefix4, diag);
    if (err == APS_OK && aps_str_next(&rest, '/', &word))
        err = aps_num_parse(word, PREFIX6_MIN, PREFIX6_MAX, &prefix6, diag);
    if (err == APS_OK && (rest.n != 0 || text.p[text.n - 1] == '/')) {
        aps_err_explain(diag, "by \"%.*s\": want ip, ip/V4 or ip/V4/V6, such as ip/24/48",
                        APS_STR_SHOW(text));
        err = APS_ERR_FORMAT;
    }
    limit->prefix4 = (uint8_t)prefix4;
    limit->prefix6 = (uint8_t)prefix6;
    return err;
}

/* The level that one word names; 0: none. */
static enum aps_err read_level(struct aps_str word, struct aps_limit *limit, unsigned *out_bit,
                               struct aps_diag *diag)
{
    *out_bit = 0;
    if (aps_str_starts(word, APS_STR_LIT("ip/"))) {
        *out_bit = APS_LIMIT_BY_IP;
        return read_prefixes(word, limit, diag);
    }
    for (size_t i = 0; i < LIMIT_COUNT_OF(aps_limit_print_levels); i++)
        if (aps_str_eq(word, aps_limit_print_levels[i].word))
            *out_bit = aps_limit_print_levels[i].bit;
    return APS_OK;
}

static enum aps_err read_by(apr_pool_t *pool, struct aps_str text, struct aps_limit *limit,
                            struct aps_diag *diag)
{
    struct aps_str rest = text, word;
    enum aps_err err;
    unsigned by = 0, bit;
    bool good = text.n != 0 && text.p[text.n - 1] != '+';

    (void)pool;
    limit->prefix4 = LIMIT_PREFIX4_USUAL;
    limit->prefix6 = LIMIT_PREFIX6_USUAL;
    while (good && aps_str_next(&rest, '+', &word)) {
        if ((err = read_level(word, limit, &bit, diag)) != APS_OK)
            return err;
        good = bit != 0 && (by & bit) == 0;
        by |= bit;
    }
    if (!good) {
        aps_err_explain(diag, "by \"%.*s\": want " BY_WORDS ", each once", APS_STR_SHOW(text));
        return APS_ERR_FORMAT;
    }
    limit->by = by;
    return APS_OK;
}

/* Whether there is such a zone shows when the limit is bound. */
static enum aps_err read_zone(apr_pool_t *pool, struct aps_str text, struct aps_limit *limit,
                              struct aps_diag *diag)
{
    static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_+-/";

    limit->zone = aps_str_copy(pool, text);
    if (text.n != 0 && text.n <= APS_ZONE_NAME_MAX && strspn(limit->zone.p, accepted) == text.n)
        return APS_OK;
    aps_err_explain(diag, "zone \"%.*s\": want UTC or a name such as Europe/Berlin",
                    APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

static enum aps_err read_burst(apr_pool_t *pool, struct aps_str text, struct aps_limit *limit,
                               struct aps_diag *diag)
{
    uint64_t n = 0;
    enum aps_err err = aps_num_parse(text, 1, APS_NUM_COUNT_MAX, &n, diag);

    (void)pool;
    limit->burst = (uint32_t)n;
    return err;
}

static enum aps_err read_algorithm(apr_pool_t *pool, struct aps_str text, struct aps_limit *limit,
                                   struct aps_diag *diag)
{
    (void)pool;
    for (size_t i = 0; i < LIMIT_COUNT_OF(algorithms); i++)
        if (aps_str_eq(text, aps_str(algorithms[i]))) {
            limit->algorithm = (enum aps_limit_algorithm)i;
            return APS_OK;
        }
    aps_err_explain(diag,
                    "algorithm \"%.*s\": want gcra, token-bucket, leaky-bucket, sliding-window or "
                    "fixed-window",
                    APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

static enum aps_err read_delay(apr_pool_t *pool, struct aps_str text, struct aps_limit *limit,
                               struct aps_diag *diag)
{
    aps_nsec delay = 0;
    enum aps_err err = aps_num_parse_duration(text, &delay, diag);

    (void)pool;
    if (err == APS_ERR_RANGE || (err == APS_OK && delay > APS_LIMIT_DELAY_MAX)) {
        aps_err_explain(diag, "delay \"%.*s\": want more than 0 and at most 30s",
                        APS_STR_SHOW(text));
        err = APS_ERR_RANGE;
    }
    limit->delay = delay;
    return err;
}

static enum aps_err read_cost(apr_pool_t *pool, struct aps_str text, struct aps_limit *limit,
                              struct aps_diag *diag)
{
    (void)pool;
    limit->has_cost = true;
    return aps_limit_cost_parse(text, &limit->cost, diag);
}

static enum aps_err read_mode(apr_pool_t *pool, struct aps_str text, struct aps_limit *limit,
                              struct aps_diag *diag)
{
    (void)pool;
    limit->dry_run = aps_str_eq(text, APS_STR_LIT("dry-run"));
    if (limit->dry_run || aps_str_eq(text, APS_STR_LIT("enforce")))
        return APS_OK;
    aps_err_explain(diag, "mode \"%.*s\": want enforce or dry-run", APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

static const struct option {
    struct aps_str start;
    bool repeats;
    enum aps_err (*read)(apr_pool_t *pool, struct aps_str value, struct aps_limit *limit,
                         struct aps_diag *diag);
} options[] = {
    {APS_STR_LIT("rate="), true, read_rate},
    {APS_STR_LIT("quota="), true, read_quota},
    {APS_STR_LIT("zone="), false, read_zone},
    {APS_STR_LIT("inflight="), false, read_inflight},
    {APS_STR_LIT("by="), false, read_by},
    {APS_STR_LIT("burst="), false, read_burst},
    {APS_STR_LIT("algorithm="), false, read_algorithm},
    {APS_STR_LIT("delay="), false, read_delay},
    {APS_STR_LIT("cost="), true, read_cost},
    {APS_STR_LIT("mode="), false, read_mode},
};

/* A reader of numbers does not know which of the options it reads for. */
static void name_word(struct aps_str word, struct aps_diag *diag)
{
    struct aps_diag said = *diag;
    struct aps_str text = aps_str(said.text);

    if (aps_str_starts(text, APS_STR_LIT("number ")) ||
        aps_str_starts(text, APS_STR_LIT("size ")) ||
        aps_str_starts(text, APS_STR_LIT("duration ")))
        aps_err_explain(diag, "\"%.*s\": %s", APS_STR_SHOW(word), said.text);
}

/* `seen` has a bit for each option that was given. */
static enum aps_err read_word(apr_pool_t *pool, struct aps_str word, unsigned *seen,
                              struct aps_limit *limit, struct aps_diag *diag)
{
    for (size_t i = 0; i < LIMIT_COUNT_OF(options); i++) {
        const struct option *option = &options[i];

        if (!aps_str_starts(word, option->start))
            continue;
        if (!option->repeats && (*seen & 1u << i) != 0) {
            aps_err_explain(diag, "\"%.*s\": %.*s was given before", APS_STR_SHOW(word),
                            (int)option->start.n - 1, option->start.p);
            return APS_ERR_FORMAT;
        }
        *seen |= 1u << i;
        enum aps_err err =
            option->read(pool, (struct aps_str){word.p + option->start.n, word.n - option->start.n},
                         limit, diag);
        if (err != APS_OK && diag != NULL)
            name_word(word, diag);
        return err;
    }
    aps_err_explain(diag, "\"%.*s\" is not known; want " WORDS, APS_STR_SHOW(word));
    return APS_ERR_FORMAT;
}

/* ---- What goes together ---- */

static size_t count_kind(const struct aps_limit *limit, enum aps_limit_meter_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < limit->n; i++)
        n += limit->meter[i].kind == kind;
    return n;
}

static bool is_bucket(const struct aps_limit *limit)
{
    return limit->algorithm <= APS_LIMIT_LEAKY_BUCKET;
}

/* A sentence, or NULL. */
static const char *misfit(const struct aps_limit *limit)
{
    size_t rates = count_kind(limit, APS_LIMIT_RATE);
    size_t quotas = count_kind(limit, APS_LIMIT_QUOTA);

    if (limit->n == 0)
        return "want at least one of rate=N/UNIT, quota=N/day|week|month and inflight=N";
    if (limit->by == 0)
        return "want by=" BY_WORDS;
    if (limit->burst != 0 && (rates != 1 || !is_bucket(limit)))
        return "burst= goes with exactly one rate= of gcra, token-bucket or leaky-bucket";
    if (limit->delay != 0 && (rates == 0 || !is_bucket(limit)))
        return "delay= goes with a rate= of gcra, token-bucket or leaky-bucket";
    if (limit->algorithm == APS_LIMIT_LEAKY_BUCKET && limit->delay == 0)
        return "algorithm=leaky-bucket needs delay=, the longest that a request may wait";
    if (limit->algorithm != APS_LIMIT_GCRA && rates == 0)
        return "algorithm= goes with a rate=";
    if (limit->zone.n != 0 && quotas == 0)
        return "zone= goes with a quota=";
    return NULL;
}

/* A cost that can never be spent is a fault of the configuration (LIM-02). */
static enum aps_err check_costs(const struct aps_limit *limit, struct aps_diag *diag)
{
    uint32_t most = limit->cost.base;

    for (size_t i = 0; i < limit->cost.n; i++)
        most = limit->cost.of[i].cost > most ? limit->cost.of[i].cost : most;
    for (size_t i = 0; i < limit->n; i++) {
        const struct aps_limit_meter *meter = &limit->meter[i];
        uint32_t room =
            meter->kind == APS_LIMIT_RATE && limit->burst != 0 ? limit->burst : meter->count;

        if (meter->kind != APS_LIMIT_INFLIGHT && most > room) {
            aps_err_explain(diag, "cost %u: above the %u that can be spent at once", most, room);
            return APS_ERR_RANGE;
        }
    }
    return APS_OK;
}

/* The next word between spaces; false when there is none. */
static bool next_word(struct aps_str *rest, struct aps_str *out)
{
    while (aps_str_next(rest, ' ', out))
        if (out->n != 0)
            return true;
    return false;
}

enum aps_err aps_limit_parse(apr_pool_t *pool, struct aps_str text, struct aps_limit *out,
                             struct aps_diag *diag)
{
    struct aps_limit limit = {.cost = {.base = 1}};
    struct aps_str rest = text, word = {NULL, 0};
    unsigned seen = 0;
    enum aps_err err = APS_OK;
    const char *fault;

    if (text.n > APS_LIMIT_TEXT_MAX || !next_word(&rest, &word) || !aps_str_is_name(word)) {
        aps_err_explain(diag,
                        "limit \"%.*s\": want a name of letters, digits, '.', '_', '-', then " WORDS
                        ", %d bytes in all",
                        APS_STR_SHOW(text), APS_LIMIT_TEXT_MAX);
        return text.n > APS_LIMIT_TEXT_MAX ? APS_ERR_RANGE : APS_ERR_FORMAT;
    }
    limit.name = aps_str_copy(pool, word);
    while (err == APS_OK && next_word(&rest, &word))
        err = read_word(pool, word, &seen, &limit, diag);
    if (err != APS_OK)
        return err;
    if ((fault = misfit(&limit)) != NULL) {
        aps_err_explain(diag, "limit \"%s\": %s", limit.name.p, fault);
        return APS_ERR_FORMAT;
    }
    if ((err = check_costs(&limit, diag)) != APS_OK)
        return err;
    if (limit.zone.n == 0)
        limit.zone = APS_STR_LIT("UTC");
    aps_limit_print_names(pool, &limit);
    limit.text = aps_limit_print_text(pool, &limit);
    *out = limit;
    return APS_OK;
}
