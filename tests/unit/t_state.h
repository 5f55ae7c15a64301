/* t_state.h - a state file of a test's own, `table`, open for each test and gone after it. */
#ifndef APISEC_T_STATE_H
#define APISEC_T_STATE_H

#include "t.h"

#include <apr_general.h>
#include <stdlib.h>
#include <unistd.h>

#include "apisec/state.h"

static apr_pool_t *pool;
static struct aps_state *table;
static char folder[32];
static char file[64]; /* in `folder` */

static inline void open_folder(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/apisec-state.XXXXXX");
    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof file, "%s/s", folder);
}

static inline int open_table(void **state)
{
    (void)state;
    open_folder();
    assert_int_equal(aps_state_open(pool, file, &(struct aps_state_size){1024, 0}, 1, &table, NULL),
                     APS_OK);
    return 0;
}

static inline int close_table(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

#endif
