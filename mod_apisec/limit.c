/* The words of ApiSecLimit and ApiSecFailLimit -> a limit, ready to be charged. */
#include "mod.h"

#include <apr_strings.h>

#define FAIL_DEFAULT "60/m"

/* Equal definitions share their cells, in every process and over every restart; a changed one
 * starts anew.  The store is told apart by the caller's bytes. */
static uint64_t scope_of(apr_pool_t *pool, const struct mod_limit *limit)
{
    const char *text =
        apr_psprintf(pool, "%.*s %u %" APR_INT64_T_FMT " %u %d", APS_STR_ARG(limit->name),
                     limit->rate.count, (apr_int64_t)limit->rate.period, limit->burst, limit->by);
    return aps_table_scope(APS_TABLE_RATE, 0, aps_str(text));
}

/* Fill in what is derived. */
static enum aps_err finish(apr_pool_t *pool, struct mod_limit *limit, struct aps_diag *diag)
{
    if (limit->burst == 0)
        limit->burst = limit->rate.count;
    enum aps_err err =
        aps_rate_init(&limit->limit, scope_of(pool, limit), limit->rate, limit->burst, diag);
    if (err == APS_OK)
        limit->policy = aps_str(apr_psprintf(pool, "\"%.*s\";q=%u;w=%" APR_INT64_T_FMT,
                                             APS_STR_ARG(limit->name), limit->rate.count,
                                             (apr_int64_t)(limit->rate.period / APS_SEC)));
    return err;
}

static bool read_by(const char *word, enum mod_by *out)
{
    static const char *const words[] = {
        [MOD_BY_KEY] = "key", [MOD_BY_USER] = "user",   [MOD_BY_ROLE] = "role",
        [MOD_BY_IP] = "ip",   [MOD_BY_ROUTE] = "route",
    };
    for (size_t i = MOD_BY_NONE + 1; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = (enum mod_by)i;
            return true;
        }
    return false;
}

static enum aps_err read_option(struct mod_limit *limit, const char *option, struct aps_diag *diag)
{
    enum aps_err err;
    uint64_t n = 0;
    if (strncmp(option, "rate=", 5) == 0)
        return aps_num_parse_rate(aps_str(option + 5), &limit->rate, diag);
    if (strncmp(option, "burst=", 6) == 0) {
        if ((err = aps_num_parse(aps_str(option + 6), 1, APS_NUM_COUNT_MAX, &n, diag)) == APS_OK)
            limit->burst = (uint32_t)n;
        return err;
    }
    if (strncmp(option, "by=", 3) == 0 && read_by(option + 3, &limit->by))
        return APS_OK;
    if (strncmp(option, "by=", 3) == 0)
        aps_err_explain(diag, "\"%s\": want by=key, by=user, by=role, by=ip or by=route", option);
    else
        aps_err_explain(diag,
                        "\"%s\" is not known; want rate=N/UNIT, burst=N, "
                        "by=key|user|role|ip|route",
                        option);
    return APS_ERR_FORMAT;
}

const char *mod_limit_parse(apr_pool_t *pool, int argc, char *const argv[],
                            const struct mod_limit **out)
{
    struct aps_diag diag = {{0}};
    enum aps_err err = APS_OK;
    if (argc < 3 || !aps_str_is_name(aps_str(argv[0])))
        return apr_psprintf(pool,
                            "%s%swant NAME rate=N/UNIT [burst=N] by=key|user|role|ip|route, NAME "
                            "of letters, digits, '.', '_', '-'",
                            argc > 0 ? argv[0] : "", argc > 0 ? ": " : "");
    struct mod_limit *limit = apr_pcalloc(pool, sizeof *limit);
    limit->name = aps_str(apr_pstrdup(pool, argv[0]));
    for (int i = 1; i < argc && err == APS_OK; i++)
        err = read_option(limit, argv[i], &diag);
    if (err == APS_OK && (limit->rate.count == 0 || limit->by == MOD_BY_NONE))
        return apr_psprintf(pool, "%s: rate=N/UNIT and by= are both needed", argv[0]);
    if (err == APS_OK)
        err = finish(pool, limit, &diag);
    *out = limit;
    return err != APS_OK ? apr_psprintf(pool, "%s: %s", argv[0], aps_err_say(err, &diag)) : NULL;
}

const char *mod_limit_parse_fail(apr_pool_t *pool, const char *rate, const struct mod_limit **out)
{
    struct aps_diag diag = {{0}};
    struct mod_limit *limit = apr_pcalloc(pool, sizeof *limit);
    limit->name = APS_STR_LIT("authentication");
    limit->by = MOD_BY_IP;
    enum aps_err err =
        aps_num_parse_rate(aps_str(rate != NULL ? rate : FAIL_DEFAULT), &limit->rate, &diag);
    if (err == APS_OK)
        err = finish(pool, limit, &diag);
    *out = limit;
    return err != APS_OK ? apr_pstrdup(pool, aps_err_say(err, &diag)) : NULL;
}

const struct mod_limits *mod_limit_join(apr_pool_t *pool, const struct mod_limits *outer,
                                        const struct mod_limits *inner)
{
    const struct mod_limit **v = apr_palloc(pool, (outer->n + inner->n) * sizeof *v);
    struct mod_limits *limits = apr_pcalloc(pool, sizeof *limits);
    limits->v = v;
    for (size_t i = 0; i < outer->n; i++) {
        bool replaced = false;
        for (size_t k = 0; k < inner->n && !replaced; k++)
            replaced = aps_str_eq(outer->v[i]->name, inner->v[k]->name);
        if (!replaced)
            v[limits->n++] = outer->v[i];
    }
    for (size_t k = 0; k < inner->n; k++)
        v[limits->n++] = inner->v[k];
    for (size_t i = 0; i < limits->n; i++)
        limits->by_ip |= v[i]->by == MOD_BY_IP;
    return limits;
}
