/* figure.c - how far callers are into limits, by httpd's state file. */
#include "figure.h"

#include "apisec/excerpt.h"
#include "apisec/gauge.h"
#include "apisec/ownlimit.h"
#include "apisec/subject.h"

static enum aps_err fail(struct ctl *c, enum aps_err err, const char *why)
{
    aps_err_explain(&c->diag,
                    "%s: what was counted cannot be told; name httpd's state file (ApiSecState) by "
                    "--state or $APISEC_STATE",
                    why);
    return err;
}

enum aps_err ctl_figures_open(struct ctl *c, struct ctl_figures *out)
{
    struct aps_diag why = {0};
    struct aps_adjusts *adjusts;
    enum aps_err err = aps_store_adjusts(c->store, c->pool, &adjusts, &c->diag);

    if (err != APS_OK)
        return err;
    *out = (struct ctl_figures){
        .store = aps_store_tag(c->store),
        .adjusts = adjusts,
        .now = {aps_clock_monotonic(), c->now},
    };
    err = aps_state_attach(c->pool, c->place.state, &out->reader, &why);
    if (err == APS_ERR_NOT_FOUND)
        return APS_OK;
    if (err == APS_OK &&
        (err = aps_excerpt_open(c->pool, out->reader, &out->excerpt, &why)) != APS_OK)
        ctl_figures_close(out);
    return err == APS_OK ? APS_OK : fail(c, err, aps_err_say(err, &why));
}

void ctl_figures_close(struct ctl_figures *f)
{
    aps_state_close(f->excerpt);
    aps_state_close(f->reader);
    f->reader = f->excerpt = NULL;
}

/* The cells that a look goes to: of the limit, and of what it took the place of. */
static enum aps_err fetch(const struct ctl_figures *f, const struct aps_rate_ask *ask,
                          struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    for (const struct aps_rate_limit *l = ask->limit; err == APS_OK && l != NULL; l = l->earlier)
        err = aps_excerpt_add(f->excerpt, f->reader, l->scope, ask->caller, diag);
    return err;
}

/* So many that no search for what the dead have left begins, which the excerpt knows nothing of. */
static void read_under_way(const struct ctl_figures *f, const struct aps_rate_ask *ask,
                           struct ctl_figure *out)
{
    struct aps_slots_ask slots = {{ask->limit->scope, ask->caller, ask->store}, APS_SLOTS_MAX};

    (void)aps_slots_peek(f->excerpt, &slots, f->now, &out->used); /* the count is what is asked */
    out->left = out->used < out->most ? out->most - out->used : 0;
}

static enum aps_err read_ask(const struct ctl_figures *f, const struct aps_rate_ask *ask,
                             struct ctl_figure *out, struct aps_diag *diag)
{
    struct aps_gauge gauge;
    enum aps_err err;

    if (f->excerpt == NULL)
        return APS_OK;
    if ((err = fetch(f, ask, diag)) != APS_OK)
        return err;
    out->counted = true;
    if (ask->limit->kind == APS_RATE_INFLIGHT) {
        read_under_way(f, ask, out);
        return APS_OK;
    }
    aps_gauge_read(f->excerpt, ask, f->now, aps_clock_monotonic, &gauge);
    out->most = gauge.most;
    out->used = gauge.consumed;
    out->left = gauge.remaining;
    out->next_at = gauge.next != 0 ? f->now.wall + gauge.next : 0;
    out->full_at = gauge.full != 0 ? f->now.wall + gauge.full : 0;
    out->shared = gauge.shared;
    return APS_OK;
}

static uint64_t name_of(const struct ctl_figures *f, const struct aps_limit *limit,
                        const struct aps_key *key, size_t i, uint64_t epoch)
{
    unsigned char bytes[APS_SUBJECT_MAX];
    struct aps_subject who = {.store = f->store};

    if (f->excerpt == NULL)
        return 0;
    aps_subject_set_caller(&who, key);
    return aps_table_caller(f->excerpt, bytes, aps_subject_bytes(limit, &who, i, epoch, bytes));
}

enum aps_err ctl_figures_read(const struct ctl_figures *f, const struct aps_limit *limit, size_t k,
                              const struct aps_key *key, size_t i, struct ctl_figure *out,
                              struct aps_diag *diag)
{
    const struct aps_limit_meter *meter = &limit->meter[k];
    struct aps_rate_ask ask = {.limit = &meter->charge, .store = f->store, .cost = 1};
    aps_nsec begin;

    *out = (struct ctl_figure){.resets = aps_adjusts_epoch(f->adjusts, limit, key)};
    if (meter->kind == APS_LIMIT_QUOTA) {
        out->bonus = aps_adjusts_bonus(f->adjusts, limit, meter, key, f->now.wall);
        aps_zone_period(meter->charge.zone, meter->of, f->now.wall, &begin, &out->period_end);
    }
    ask.bonus = out->bonus;
    ask.caller = name_of(f, limit, key, i, out->resets);
    out->most = meter->charge.burst + out->bonus;
    return read_ask(f, &ask, out, diag);
}

enum aps_err ctl_figures_read_own(const struct ctl_figures *f, const struct aps_rate_limit *own,
                                  const struct aps_key *key, struct ctl_figure *out,
                                  struct aps_diag *diag)
{
    struct aps_rate_ask ask = {.limit = own, .store = f->store, .cost = 1};

    *out = (struct ctl_figure){.most = own->burst};
    if (f->excerpt != NULL)
        ask.caller = aps_ownlimit_caller(f->excerpt, key);
    return read_ask(f, &ask, out, diag);
}
