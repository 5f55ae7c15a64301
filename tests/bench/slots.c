/* slots.c - let requests in and out, for counting what it costs.
 * usage: slots COUNT OTHERS LIMITS
 *
 * COUNT requests, one after the other, each counted by LIMITS limits in whose callers OTHERS
 * requests are under way all the time.  Two runs under callgrind that differ in COUNT alone tell
 * the cost of one; a caller with nobody else in gives up its cell each time. */
#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>

#include "apisec/slots.h"

#define LIMITS_MAX 8

static struct aps_slots_ask ask[LIMITS_MAX];

static void let_in(struct aps_state *state, unsigned limits, struct aps_slot *out)
{
    const struct aps_table_now now = {1000 * APS_SEC, 1000 * APS_SEC};

    for (unsigned i = 0; i < limits; i++)
        if (aps_slots_take(state, &ask[i], now, &out[i], NULL) != APS_REASON_ALLOW)
            abort();
}

static void run(struct aps_state *state, unsigned count, unsigned others, unsigned limits)
{
    struct aps_slot slot[LIMITS_MAX];

    for (unsigned i = 0; i < limits; i++) {
        uint64_t scope = aps_table_scope(APS_TABLE_RATE, i, APS_STR_LIT("bench"));

        ask[i] =
            (struct aps_slots_ask){{scope, aps_table_caller(state, "caller", 6), 1}, others + 1};
    }
    for (unsigned i = 0; i < others; i++)
        let_in(state, limits, slot);
    for (unsigned i = 0; i < count; i++) {
        let_in(state, limits, slot);
        for (unsigned n = 0; n < limits; n++)
            aps_slots_release(state, &slot[n]);
    }
}

int main(int argc, char **argv)
{
    struct aps_diag diag = {{0}};
    struct aps_state *state = NULL;
    apr_pool_t *pool = NULL;
    unsigned long count, others, limits;

    if (argc != 4)
        return 2;
    count = strtoul(argv[1], NULL, 10);
    others = strtoul(argv[2], NULL, 10);
    limits = strtoul(argv[3], NULL, 10);
    if (limits > LIMITS_MAX || others > 1000)
        return 2;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 1;
    if (aps_state_memory(pool, &(struct aps_state_size){65536, 0}, &state, &diag) != APS_OK) {
        (void)fprintf(stderr, "%s\n", diag.text);
        return 1;
    }
    run(state, (unsigned)count, (unsigned)others, (unsigned)limits);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
