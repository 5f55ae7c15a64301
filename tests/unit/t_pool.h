/* t_pool.h - a pool for each test, for programs whose tests need nothing else. */
#ifndef T_POOL_H
#define T_POOL_H

#include <apr_general.h>
#include <apr_pools.h>

/* A cmocka setup: *state is the pool. */
static inline int t_pool_setup(void **state)
{
    apr_pool_t *pool = NULL;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return -1;
    *state = pool;
    return 0;
}

static inline int t_pool_teardown(void **state)
{
    apr_pool_destroy(*state);
    apr_terminate();
    return 0;
}

#define t_pool_test(f) cmocka_unit_test_setup_teardown(f, t_pool_setup, t_pool_teardown)

#endif
