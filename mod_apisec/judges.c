/* judges.c - the judges of a child, taken and given back. */
#include "judges.h"

#include <apr_thread_mutex.h>

#include "mod.h"

static struct {
    apr_pool_t *pool; /* NULL: it could not be made, and nothing is judged */
    apr_thread_mutex_t *lock;
    struct mod_judges *idle;
} all;

void mod_judges_child_init(apr_pool_t *pchild)
{
    all.idle = NULL;
    all.pool = NULL;
    if (apr_pool_create(&all.pool, pchild) == APR_SUCCESS &&
        apr_thread_mutex_create(&all.lock, APR_THREAD_MUTEX_DEFAULT, all.pool) != APR_SUCCESS)
        all.pool = NULL;
}

static struct mod_judges *judges_new(void)
{
    struct aps_schema_judge_options options = aps_schema_judge_usual;
    apr_pool_t *pool = NULL;
    if (apr_pool_create(&pool, all.pool) != APR_SUCCESS)
        return NULL;
    struct mod_judges *judges = apr_pcalloc(pool, sizeof *judges);
    options.way = APS_SCHEMA_REQUEST;
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

void mod_judges_give(struct mod_judges *judges)
{
    apr_thread_mutex_lock(all.lock);
    judges->next = all.idle;
    all.idle = judges;
    apr_thread_mutex_unlock(all.lock);
}
