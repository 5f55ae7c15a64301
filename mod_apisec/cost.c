/* Costs of sections beside the limits that hold there: found by `-t`, and at start.
 *
 * A request that costs more than a limit ever allows is refused for good (LIM-02).  Told is what is
 * sure: where one of the two sections lies within the other, by the configuration's own nesting or
 * by the paths of two plain <Location>s. */
#include "finding.h"

#include <apr_strings.h>

/* A line of a section. */
struct line {
    const server_rec *server;
    const ap_directive_t *directive;
    const char *path; /* of a plain <Location>; else NULL */
};

struct cost_line {
    struct line at;
    const struct mod_cost *cost;
};

struct limit_line {
    struct line at;
    const struct aps_limit *limit;
};

/* Of the configuration that is being read. */
static apr_array_header_t *costs, *limits;

int mod_cost_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    costs = apr_array_make(pconf, 4, sizeof(struct cost_line));
    limits = apr_array_make(pconf, 16, sizeof(struct limit_line));
    return OK;
}

static struct line line_of(const cmd_parms *cmd)
{
    return (struct line){cmd->server, cmd->directive, mod_limit_plain_location(cmd)};
}

void mod_cost_note(const cmd_parms *cmd, const struct mod_cost *cost)
{
    APR_ARRAY_PUSH(costs, struct cost_line) = (struct cost_line){line_of(cmd), cost};
}

void mod_cost_note_limit(const cmd_parms *cmd, const struct aps_limit *limit)
{
    APR_ARRAY_PUSH(limits, struct limit_line) = (struct limit_line){line_of(cmd), limit};
}

/* ---- Sections within sections ---- */

static bool is_same(const struct line *a, const struct line *b)
{
    return a->directive->parent == b->directive->parent && a->server == b->server;
}

/* Whether the section of `outer`, or the server's own lines, has that of `inner` in it. */
static bool is_around(const struct line *outer, const struct line *inner)
{
    for (const ap_directive_t *d = inner->directive->parent; d != NULL; d = d->parent)
        if (d == outer->directive->parent)
            return true;
    return outer->directive->parent == NULL;
}

/* "/v1" begins "/v1" and "/v1/orders", and not "/v10". */
static bool is_path_around(const struct line *outer, const struct line *inner,
                           const server_rec *main_server)
{
    size_t n;
    if (outer->path == NULL || inner->path == NULL ||
        (outer->server != inner->server && outer->server != main_server))
        return false;
    n = strlen(outer->path);
    return strncmp(outer->path, inner->path, n) == 0 &&
           (inner->path[n] == '\0' || inner->path[n] == '/' || outer->path[n - 1] == '/');
}

static bool encloses(const struct line *outer, const struct line *inner,
                     const server_rec *main_server)
{
    return is_same(outer, inner) || is_around(outer, inner) ||
           is_path_around(outer, inner, main_server);
}

/* Whether another line says what requests cost where `limit` holds: it stands nearer to the limit.
 */
static bool is_replaced(const struct cost_line *cost, const struct line *limit,
                        const server_rec *main_server)
{
    for (int i = 0; i < costs->nelts; i++) {
        const struct cost_line *other = &APR_ARRAY_IDX(costs, i, struct cost_line);
        if (other != cost && !is_same(&other->at, &cost->at) &&
            encloses(&other->at, limit, main_server) &&
            (encloses(&cost->at, &other->at, main_server) ||
             is_path_around(&other->at, &cost->at, main_server)))
            return true;
    }
    return false;
}

static bool holds(const struct cost_line *cost, const struct line *limit,
                  const server_rec *main_server)
{
    if (!encloses(&cost->at, limit, main_server) && !encloses(limit, &cost->at, main_server))
        return false;
    return !is_replaced(cost, limit, main_server);
}

/* A limit of this name holds there as well, and may take the other one's place. */
static bool is_shadowed(const struct limit_line *line, const struct line *cost,
                        const server_rec *main_server)
{
    for (int i = 0; i < limits->nelts; i++) {
        const struct limit_line *other = &APR_ARRAY_IDX(limits, i, struct limit_line);
        if (other->limit != line->limit && aps_str_eq(other->limit->name, line->limit->name) &&
            encloses(&other->at, cost, main_server))
            return true;
    }
    return false;
}

/* ---- What is told ---- */

static uint32_t most_of(const struct aps_limit_cost *cost)
{
    uint32_t most = cost->base;
    for (size_t i = 0; i < cost->n; i++)
        most = cost->of[i].cost > most ? cost->of[i].cost : most;
    return most;
}

/* What a limit lets a request spend at most; requests under way cost 1. */
static uint32_t room_of(const struct aps_limit *limit)
{
    uint32_t room = UINT32_MAX;
    for (size_t i = 0; i < limit->n; i++)
        if (limit->meter[i].kind != APS_LIMIT_INFLIGHT && limit->meter[i].charge.burst < room)
            room = limit->meter[i].charge.burst;
    return room;
}

static void compare(const struct cost_line *cost, const struct line *at,
                    const struct aps_limit *limit, const server_rec *main_server)
{
    uint32_t most = most_of(&cost->cost->cost), room = room_of(limit);
    const ap_directive_t *d = cost->at.directive;
    if (cost->cost->expr != NULL || limit->has_cost || limit->dry_run || most <= room ||
        !holds(cost, at, main_server))
        return;
    const char *reason = apr_psprintf(
        costs->pool,
        "ApiSecCost %s: what costs %u is refused for good by the limit \"%s\" (%s line %d), which "
        "lets at most %u be spent at once",
        d->args, most, limit->text.p, at->directive->filename, at->directive->line_num, room);
    mod_finding_add(&(struct mod_finding){MOD_FINDING_COST_TOO_HIGH, MOD_SEVERITY_WARNING,
                                          cost->at.server, d, reason,
                                          "raise the limit's burst=, or let it cost less"});
}

void mod_cost_check(const server_rec *main_server)
{
    for (int i = 0; i < costs->nelts; i++) {
        const struct cost_line *cost = &APR_ARRAY_IDX(costs, i, struct cost_line);
        for (int k = 0; k < limits->nelts; k++) {
            const struct limit_line *line = &APR_ARRAY_IDX(limits, k, struct limit_line);
            if (is_same(&line->at, &cost->at) || encloses(&cost->at, &line->at, main_server) ||
                !is_shadowed(line, &cost->at, main_server))
                compare(cost, &line->at, line->limit, main_server);
        }
    }
}

void mod_cost_check_plan(const server_rec *s, const ap_directive_t *d, const struct aps_plan *plan)
{
    const struct line at = {s, d, NULL};
    for (int i = 0; i < costs->nelts; i++)
        for (size_t k = 0; k < plan->n; k++)
            compare(&APR_ARRAY_IDX(costs, i, struct cost_line), &at, plan->limits[k], s);
}
