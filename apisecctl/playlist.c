/* playlist.c - which limits are played. */
#include "playlist.h"

#include <apr_strings.h>

#include "limitlist.h"

struct playlist {
    struct ctl *c;
    struct ctl_play *play;
    const char *unplayed;
};

static enum aps_err add_limits(struct playlist *s)
{
    const apr_array_header_t *limits = s->c->call.values[CTL_OPT_LIMIT];
    enum aps_err err = APS_OK;

    if (limits == NULL) {
        aps_err_explain(&s->c->diag, "no limit to play: want --limit, --plan or both");
        return APS_ERR_USAGE;
    }
    for (int i = 0; i < limits->nelts && err == APS_OK; i++)
        err = ctl_play_add(s->play, s->c->pool, aps_str(APR_ARRAY_IDX(limits, i, const char *)),
                           &s->c->diag);
    return err;
}

static bool is_dropped(const struct ctl_limitlist *asked, struct aps_str name)
{
    for (size_t i = 0; i < asked->ndrop; i++)
        if (aps_str_eq(asked->drop[i], name))
            return true;
    return false;
}

/* The limit of the list that stands in place of the plan's, or NULL. */
static const struct aps_str *replaced_by(const struct ctl_limitlist *asked, struct aps_str name)
{
    for (size_t i = 0; i < asked->nput; i++)
        if (aps_str_eq(ctl_limitlist_name(asked->put[i]), name))
            return &asked->put[i];
    return NULL;
}

/* A log tells nothing of requests under way; of a plan that has more than that the rest is played.
 */
static bool is_inflight_alone(struct playlist *s, struct aps_str text)
{
    struct aps_limit limit;

    if (aps_limit_parse(s->c->pool, text, &limit, NULL) != APS_OK)
        return false;
    for (size_t i = 0; i < limit.n; i++)
        if (limit.meter[i].kind != APS_LIMIT_INFLIGHT)
            return false;
    return true;
}

static enum aps_err add_of_plan(struct playlist *s, const struct aps_store_plan *plan,
                                const struct ctl_limitlist *asked)
{
    enum aps_err err = APS_OK;

    for (size_t i = 0; err == APS_OK && i < plan->n; i++) {
        const struct aps_store_plan_limit *limit = &plan->limits[i];

        if (is_dropped(asked, limit->name) || replaced_by(asked, limit->name) != NULL)
            continue;
        if (is_inflight_alone(s, limit->text))
            s->unplayed = apr_pstrcat(s->c->pool, s->unplayed, *s->unplayed != '\0' ? ", " : "",
                                      aps_str_copy(s->c->pool, limit->name).p, NULL);
        else
            err = ctl_play_add(s->play, s->c->pool, limit->text, &s->c->diag);
    }
    return err;
}

static bool has_limit(const struct aps_store_plan *plan, struct aps_str name)
{
    for (size_t i = 0; i < plan->n; i++)
        if (aps_str_eq(plan->limits[i].name, name))
            return true;
    return false;
}

static enum aps_err check_drops(struct ctl *c, const struct aps_store_plan *plan,
                                const struct ctl_limitlist *asked)
{
    for (size_t i = 0; i < asked->ndrop; i++)
        if (!has_limit(plan, asked->drop[i])) {
            aps_err_explain(&c->diag, "--limit \"-%.*s\": plan \"%.*s\" has no limit of that name",
                            APS_STR_SHOW(asked->drop[i]), APS_STR_ARG(plan->name));
            return APS_ERR_NOT_FOUND;
        }
    return APS_OK;
}

/* The plan as `plan set` with these options would leave it. */
static enum aps_err add_plan(struct playlist *s, struct aps_str name)
{
    struct ctl *c = s->c;
    struct ctl_limitlist asked;
    struct aps_store_plan plan;
    enum aps_err err;

    if ((err = ctl_limitlist_read(c, CTL_OPT_LIMIT, false, &asked)) != APS_OK ||
        (err = aps_store_plan_get(c->store, name, c->pool, &plan, &c->diag)) != APS_OK ||
        (err = check_drops(c, &plan, &asked)) != APS_OK ||
        (err = add_of_plan(s, &plan, &asked)) != APS_OK)
        return err;
    for (size_t i = 0; err == APS_OK && i < asked.nput; i++)
        err = ctl_play_add(s->play, c->pool, asked.put[i], &c->diag);
    if (err == APS_OK && s->play->n == 0) {
        aps_err_explain(
            &c->diag,
            "plan \"%.*s\" has no limit left that a log could tell of: want a rate= or a quota=",
            APS_STR_ARG(plan.name));
        return APS_ERR_FORMAT;
    }
    return err;
}

enum aps_err ctl_playlist_read(struct ctl *c, struct ctl_play *play, const char **out_unplayed)
{
    const char *plan = ctl_command_value(&c->call, CTL_OPT_PLAN);
    struct playlist s = {c, play, ""};
    enum aps_err err = plan != NULL ? add_plan(&s, aps_str(plan)) : add_limits(&s);

    *out_unplayed = s.unplayed;
    return err;
}
