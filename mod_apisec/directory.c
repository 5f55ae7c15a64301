/* The limits that the state file lists for apisecctl, and what each of them said.
 *
 * Those of the configuration are registered before the server forks; those of a plan when a thread
 * meets the plan, once for each generation.  What a key has in a plan's place is not listed. */
#include "mod.h"

#include <apr_strings.h>

#include "apisec/directory.h"

/* "api.example.com:443 /v1". */
const char *mod_directory_place(apr_pool_t *pool, const server_rec *s, const char *path)
{
    const char *port = s->port != 0 ? apr_psprintf(pool, ":%u", s->port) : "";
    return apr_pstrcat(pool, s->server_hostname != NULL ? s->server_hostname : "", port,
                       path != NULL ? " " : "", path, NULL);
}

struct aps_directory_row mod_directory_register(apr_pool_t *pool, const server_rec *s,
                                                const char *path, const struct aps_limit *limit)
{
    const struct mod_server *sc = ap_get_module_config(s->module_config, &apisec_module);
    struct aps_directory_limit row = {
        .text = limit->text,
        .where = aps_str(mod_directory_place(pool, s, path)),
        .store = sc->store != NULL ? sc->store->tag : 0,
    };
    return aps_directory_register(mod_process.state, &row, aps_clock_wall());
}

static aps_nsec now_of(const struct mod_req *m)
{
    return (aps_nsec)m->first->request_time * APS_USEC;
}

static struct aps_directory_row row_of_plan(const struct mod_req *m, const struct aps_plan *plan,
                                            const struct aps_limit *limit)
{
    struct aps_directory_limit row = {
        .text = limit->text,
        .where = plan->name,
        .store = aps_snapshot_store_tag(aps_view_snapshot(m->view)),
        .is_plan = true,
    };
    return aps_directory_register(mod_process.state, &row, now_of(m));
}

/* What this thread met last, by the plan's place in memory, and its rows. */
enum { SEEN = 16 };
struct seen {
    const struct aps_plan *plan;
    uint64_t store, generation;
    struct aps_directory_row row[APS_PLAN_LIMITS_MAX];
};

static struct seen *seen_of(const struct aps_plan *plan)
{
    static _Thread_local struct seen of_thread[SEEN];
    return &of_thread[(uintptr_t)plan / sizeof *plan % SEEN];
}

void mod_directory_meet(const struct mod_req *m, const struct aps_plan *plan)
{
    struct aps_snapshot *snap = aps_view_snapshot(m->view);
    struct seen *seen = seen_of(plan);
    uint64_t store = aps_snapshot_store_tag(snap), generation = aps_snapshot_generation(snap);
    if (seen->plan == plan && seen->generation == generation && seen->store == store)
        return;
    seen->plan = plan;
    seen->store = store;
    seen->generation = generation;
    for (size_t i = 0; i < plan->n; i++)
        seen->row[i] = row_of_plan(m, plan, plan->limits[i]); /* what has no row is not listed */
}

void mod_directory_ask(const struct aps_plan *plan, const struct aps_limit *limit)
{
    struct seen *seen = seen_of(plan);
    for (size_t i = 0; seen->plan == plan && i < plan->n; i++)
        if (plan->limits[i] == limit && !aps_directory_ask(mod_process.state, seen->row[i]))
            seen->plan = NULL; /* the row went to another one: the next request meets it again */
}

void mod_directory_count(const struct mod_req *m, const struct aps_plan *plan,
                         const struct aps_limit *limit, enum aps_directory_count what)
{
    for (size_t i = 0; plan != NULL && i < plan->n; i++)
        if (plan->limits[i] == limit)
            (void)aps_directory_add(mod_process.state, row_of_plan(m, plan, limit), what,
                                    now_of(m));
}
