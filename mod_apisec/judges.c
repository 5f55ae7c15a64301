/* judges.c - the judges of a child, taken and given back, and its rules of leaks. */
#include "judges.h"

#include <apr_thread_mutex.h>

#include "mod.h"

/* A reader has some sixteen bytes for each byte of a text at most: a megabyte for one like this. */
#define TEXT_MAX ((size_t)65536)

/* Kinds are of sections and prefixes of stores, so that few go together. */
#define LEAKS_MAX 64

struct leaks {
    struct leaks *next;
    unsigned kinds;
    struct aps_str prefix;
    const struct aps_leak_rules *rules;
};

static struct {
    apr_pool_t *pool; /* NULL: it could not be made, and nothing is judged */
    apr_thread_mutex_t *lock;
    struct mod_judges *idle;
    struct leaks *leaks;
    unsigned nleaks;
} all;

void mod_judges_child_init(apr_pool_t *pchild)
{
    memset(&all, 0, sizeof all);
    if (apr_pool_create(&all.pool, pchild) == APR_SUCCESS &&
        apr_thread_mutex_create(&all.lock, APR_THREAD_MUTEX_DEFAULT, all.pool) != APR_SUCCESS)
        all.pool = NULL;
}

/* ---- Judges ---- */

static struct mod_judges *judges_new(void)
{
    struct aps_schema_judge_options options = aps_schema_judge_usual;
    apr_pool_t *pool = mod_process_pool(all.pool);
    if (pool == NULL)
        return NULL;
    struct mod_judges *judges = apr_pcalloc(pool, sizeof *judges);
    options.way = APS_SCHEMA_REQUEST;
    judges->pool = pool;
    judges->request = aps_request_judge_new(pool, mod_process.hash_key, &options);
    judges->lines = aps_schema_judge_new(pool, &options);
    judges->response = aps_response_judge_new(pool, mod_process.hash_key, &options);
    if (judges->request != NULL && judges->lines != NULL && judges->response != NULL)
        return judges;
    apr_pool_destroy(pool);
    return NULL;
}

struct mod_judges *mod_judges_take(void)
{
    if (all.pool == NULL)
        return NULL;
    apr_thread_mutex_lock(all.lock);
    struct mod_judges *judges = all.idle;
    if (judges != NULL)
        all.idle = judges->next;
    else
        judges = judges_new();
    apr_thread_mutex_unlock(all.lock);
    return judges;
}

void mod_judges_give(struct mod_judges *judges, size_t n)
{
    apr_thread_mutex_lock(all.lock);
    if (n > TEXT_MAX) {
        apr_pool_destroy(judges->pool);
    } else {
        judges->next = all.idle;
        all.idle = judges;
    }
    apr_thread_mutex_unlock(all.lock);
}

/* ---- Rules of leaks ---- */

static const struct aps_leak_rules *rules_new(apr_pool_t *pool, unsigned kinds,
                                              struct aps_str prefix)
{
    const struct aps_leak_rules *rules = NULL;
    struct aps_str *kept = apr_palloc(pool, sizeof *kept);
    *kept = aps_str_copy(pool, prefix);
    return aps_leak_rules_new(pool, kinds, kept, prefix.n != 0, &rules) == APS_OK ? rules : NULL;
}

/* Under the lock. */
static struct leaks *leaks_new(unsigned kinds, struct aps_str prefix)
{
    apr_pool_t *pool = NULL;
    if (all.nleaks == LEAKS_MAX || apr_pool_create(&pool, all.pool) != APR_SUCCESS)
        return NULL;
    struct leaks *leaks = apr_palloc(pool, sizeof *leaks);
    *leaks = (struct leaks){all.leaks, kinds, aps_str_copy(pool, prefix),
                            rules_new(pool, kinds, prefix)};
    if (leaks->rules == NULL) {
        apr_pool_destroy(pool);
        return NULL;
    }
    all.leaks = leaks;
    all.nleaks++;
    return leaks;
}

const struct aps_leak_rules *mod_judges_leaks(unsigned kinds, struct aps_str prefix,
                                              apr_pool_t *pool)
{
    if (all.pool == NULL)
        return NULL;
    apr_thread_mutex_lock(all.lock);
    struct leaks *leaks = all.leaks;
    while (leaks != NULL && (leaks->kinds != kinds || !aps_str_eq(leaks->prefix, prefix)))
        leaks = leaks->next;
    if (leaks == NULL)
        leaks = leaks_new(kinds, prefix);
    apr_thread_mutex_unlock(all.lock);
    return leaks != NULL ? leaks->rules : rules_new(pool, kinds, prefix);
}
