/* cmd_limit_adjust.c - what single callers get beyond a limit: limit grant, limit reset. */
#include <apr_strings.h>

#include "apisec/num.h"
#include "apisec/zone.h"
#include "ctl.h"
#include "held.h"

/* The key, and what it is held to. */
struct caller {
    struct aps_key key;
    struct ctl_held held;
};

static enum aps_err refuse_unheld(struct ctl *c, const struct caller *who)
{
    if (who->held.reason == APS_REASON_PLAN_UNKNOWN) {
        aps_err_explain(&c->diag, "plan \"%.*s\" of key %.*s is not there or damaged",
                        APS_STR_ARG(who->held.choice.name), APS_STR_ARG(who->key.id));
        return APS_ERR_NOT_FOUND;
    }
    aps_err_explain(&c->diag,
                    "key %.*s (\"%.*s\") has no plan and no override: with --plan NAME, that of a "
                    "section",
                    APS_STR_ARG(who->key.id), APS_STR_ARG(who->key.name));
    return APS_ERR_NOT_FOUND;
}

static enum aps_err read_caller(struct ctl *c, struct caller *out)
{
    struct aps_str section = aps_str(ctl_command_value(&c->call, CTL_OPT_PLAN));
    struct aps_planbook *book;
    enum aps_err err;

    if ((err = aps_store_key_get(c->store, aps_str(c->call.arg[0]), c->pool, &out->key,
                                 &c->diag)) != APS_OK ||
        (err = ctl_held_check(c->store, c->pool, section, &c->diag)) != APS_OK ||
        (err = aps_store_plan_book(c->store, c->pool, &book, &c->diag)) != APS_OK)
        return err;
    ctl_held_read(c->pool, book, &out->key, section, &out->held);
    return out->held.n == 0 ? refuse_unheld(c, out) : APS_OK;
}

static bool is_by_caller(const struct aps_limit *limit)
{
    return (limit->by & APS_LIMIT_BY_CALLER) != 0;
}

/* ---- As it is printed ---- */

/* "all keys of user ada, of org acme", for whoever has to answer for it. */
static const char *concerns(struct ctl *c, const struct aps_key *key, struct aps_str who)
{
    const char *text = "all keys";
    struct aps_str rest = who, part;

    if (aps_str_starts(who, APS_STR_LIT("key ")))
        return apr_psprintf(c->pool, "key %.*s (%.*s)", APS_STR_ARG(key->id),
                            APS_STR_ARG(key->name));
    while (aps_str_next(&rest, '\n', &part))
        text = apr_psprintf(c->pool, "%s%s of %.*s", text, text[8] != '\0' ? "," : "",
                            APS_STR_ARG(part));
    return text;
}

static void show(struct ctl *c, const struct aps_store_adjust *whose,
                 const struct aps_adjust *adjust)
{
    const struct aps_limit *limit = whose->limit;
    char by[APS_LIMIT_BY_TEXT_MAX], who[APS_ADJUST_WHO_MAX];

    ctl_output_row(c->out);
    ctl_output_str(c->out, "limit", whose->quota != NULL ? whose->quota->name : limit->name);
    ctl_output_str(c->out, "by", aps_str(aps_limit_print_by(limit, by)));
    ctl_output_str(c->out, "concerns",
                   aps_str(concerns(c, whose->key, aps_adjust_who(limit->by, whose->key, who))));
    ctl_output_u64(c->out, "bonus", adjust->bonus);
    ctl_output_time(c->out, "until", adjust->until);
    ctl_output_u64(c->out, "resets", adjust->epoch);
    ctl_output_end(c->out);
}

static void show_begin(struct ctl *c, const struct aps_key *key)
{
    ctl_output_row(c->out);
    ctl_output_str(c->out, "key", key->id);
    ctl_output_str(c->out, "name", key->name);
    if (ctl_command_is_dry_run(&c->call))
        ctl_output_bool(c->out, "dry_run", true);
    ctl_output_table(c->out, "limits", "limit by concerns bonus until resets");
}

static void show_end(struct ctl *c)
{
    ctl_output_end(c->out);
    ctl_output_end(c->out);
}

/* ---- limit grant ---- */

/* Whether --limit asks for this meter, by its own name or by that of its limit. */
static bool is_asked(const struct ctl *c, const struct aps_limit *limit,
                     const struct aps_limit_meter *meter)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_LIMIT);

    return text == NULL || aps_str_eq(aps_str(text), limit->name) ||
           (meter != NULL && aps_str_eq(aps_str(text), meter->name));
}

/* The quotas that could be meant. */
struct quotas {
    size_t n;
    const struct aps_limit *limit[APS_PLANBOOK_HELD_MAX * APS_LIMIT_METERS_MAX];
    const struct aps_limit_meter *meter[APS_PLANBOOK_HELD_MAX * APS_LIMIT_METERS_MAX];
};

static void find_quotas(const struct ctl *c, const struct caller *who, struct quotas *out)
{
    out->n = 0;
    for (size_t i = 0; i < who->held.n; i++)
        for (size_t k = 0; k < who->held.limits[i]->n; k++) {
            const struct aps_limit *limit = who->held.limits[i];
            const struct aps_limit_meter *meter = &limit->meter[k];

            if (meter->kind != APS_LIMIT_QUOTA || !is_by_caller(limit) ||
                !is_asked(c, limit, meter))
                continue;
            out->limit[out->n] = limit;
            out->meter[out->n++] = meter;
        }
}

static enum aps_err one_quota(struct ctl *c, const struct caller *who, const struct quotas *quotas)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_LIMIT), *names = "";

    if (quotas->n == 1)
        return APS_OK;
    for (size_t i = 0; i < quotas->n; i++)
        names = apr_psprintf(c->pool, "%s%s%.*s", names, i != 0 ? ", " : "",
                             APS_STR_ARG(quotas->meter[i]->name));
    if (quotas->n > 1) {
        aps_err_explain(&c->diag, "which quota? --limit wants one of %s", names);
        return APS_ERR_USAGE;
    }
    aps_err_explain(&c->diag,
                    "key %.*s has no quota%s%s%s of its own to raise; see apisecctl explain",
                    APS_STR_ARG(who->key.id), text != NULL ? " \"" : "", text != NULL ? text : "",
                    text != NULL ? "\"" : "");
    return APS_ERR_NOT_FOUND;
}

/* "+1000": what a number without a sign would mean could be doubted. */
static enum aps_err read_amount(struct ctl *c, uint32_t *out)
{
    const char *text = c->call.arg[1];
    struct aps_diag why = {""};
    uint64_t n = 0;

    if (text[0] != '+' ||
        aps_num_parse(aps_str(text + 1), 1, APS_NUM_COUNT_MAX, &n, &why) != APS_OK) {
        aps_err_explain(&c->diag, "\"%s\": want +N, such as +1000, at most +%u", text,
                        APS_NUM_COUNT_MAX);
        return APS_ERR_FORMAT;
    }
    *out = (uint32_t)n;
    return APS_OK;
}

/* The end of the period that runs now. */
static enum aps_err period_end(struct ctl *c, const struct aps_limit *limit,
                               const struct aps_limit_meter *meter, aps_nsec *out)
{
    const struct aps_zone *zone;
    aps_nsec begin;
    enum aps_err err = aps_zone_open(c->pool, limit->zone, &zone, &c->diag);

    if (err == APS_OK)
        aps_zone_period(zone, meter->of, c->now, &begin, out);
    return err;
}

enum aps_err ctl_limit_adjust_grant(struct ctl *c)
{
    struct caller who;
    struct quotas quotas;
    struct aps_store_adjust whose;
    struct aps_adjust adjust;
    aps_nsec until;
    uint32_t n;
    enum aps_err err;

    if ((err = read_amount(c, &n)) != APS_OK || (err = read_caller(c, &who)) != APS_OK)
        return err;
    find_quotas(c, &who, &quotas);
    if ((err = one_quota(c, &who, &quotas)) != APS_OK ||
        (err = period_end(c, quotas.limit[0], quotas.meter[0], &until)) != APS_OK)
        return err;
    whose = (struct aps_store_adjust){quotas.limit[0], quotas.meter[0], &who.key};
    if ((err = aps_store_adjust_grant(c->store, &whose, n, until, &adjust, &c->diag)) != APS_OK)
        return err;
    show_begin(c, &who.key);
    show(c, &whose, &adjust);
    show_end(c);
    return APS_OK;
}

/* ---- limit reset ---- */

static enum aps_err refuse_reset(struct ctl *c, const struct caller *who)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_LIMIT), *names = "";

    for (size_t i = 0; i < who->held.n; i++)
        if (is_by_caller(who->held.limits[i]))
            names = apr_psprintf(c->pool, "%s%s%.*s", names, names[0] != '\0' ? ", " : "",
                                 APS_STR_ARG(who->held.limits[i]->name));
    aps_err_explain(&c->diag, "key %.*s has no limit%s%s%s that goes by a caller: it has %s",
                    APS_STR_ARG(who->key.id), text != NULL ? " \"" : "", text != NULL ? text : "",
                    text != NULL ? "\"" : "", names[0] != '\0' ? names : "none");
    return APS_ERR_NOT_FOUND;
}

enum aps_err ctl_limit_adjust_reset(struct ctl *c)
{
    struct caller who;
    size_t n = 0;
    enum aps_err err = read_caller(c, &who);

    if (err != APS_OK)
        return err;
    show_begin(c, &who.key);
    for (size_t i = 0; err == APS_OK && i < who.held.n; i++) {
        const struct aps_limit *limit = who.held.limits[i];
        struct aps_store_adjust whose = {limit, NULL, &who.key};
        struct aps_adjust adjust;

        if (!is_by_caller(limit) || !is_asked(c, limit, NULL))
            continue;
        n++;
        if ((err = aps_store_adjust_reset(c->store, &whose, &adjust, &c->diag)) == APS_OK)
            show(c, &whose, &adjust);
    }
    show_end(c);
    return err == APS_OK && n == 0 ? refuse_reset(c, &who) : err;
}
