/* charge.c - charge limits again and again, for callgrind to count.
 * usage: charge SIGHT COUNT KIND...
 *
 * Each request is charged to one limit of each KIND.  SIGHT is `seen` (one caller), `new` (another
 * one for each request) or `refused` (one caller who has spent the last of the limits). */
#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apisec/rate.h"
#include "apisec/zone.h"

#define LIMITS_MAX 16
#define START ((aps_nsec)1000 * APS_SEC)
#define EACH APS_MSEC /* time between requests */

static struct aps_rate_limit limits[LIMITS_MAX];
static size_t limit_count;
static struct aps_state *state;
static const struct aps_zone *utc;

static aps_nsec no_clock(void)
{
    return START;
}

/* `few`: a limit that is soon spent. */
static enum aps_err make(struct aps_rate_limit *limit, const char *kind, bool few)
{
    static struct aps_rate_limit old;
    struct aps_rate rate = {few ? 1 : 50000, few ? APS_DAY : APS_SEC};
    uint64_t scope =
        aps_table_scope(APS_TABLE_RATE, 1, (struct aps_str){&"0123456789abcdef"[limit_count], 1});
    enum aps_err err;

    if (strcmp(kind, "fixed-window") == 0)
        return aps_rate_init_window(limit, scope, APS_RATE_FIXED, rate, NULL);
    if (strcmp(kind, "quota") == 0)
        return aps_rate_init_quota(limit, scope, few ? 1 : 1000000, APS_ZONE_MONTH, utc, NULL);
    if (strcmp(kind, "sliding-window") == 0)
        return aps_rate_init_window(limit, scope, APS_RATE_SLIDING, rate, NULL);
    if ((err = aps_rate_init(limit, scope, rate, 0, NULL)) != APS_OK || strcmp(kind, "gcra") == 0)
        return err;
    if (strcmp(kind, "delay") == 0)
        return aps_rate_set_delay(limit, APS_SEC, false, NULL);
    if (strcmp(kind, "leaky-bucket") == 0)
        return aps_rate_set_delay(limit, APS_SEC, true, NULL);
    if (strcmp(kind, "edited") != 0 ||
        (err = aps_rate_init(&old, scope + 1, rate, 0, NULL)) != APS_OK)
        return APS_ERR_FORMAT;
    aps_rate_set_earlier(limit, &old, 0);
    return APS_OK;
}

/* How many were admitted. */
static unsigned long charge(unsigned long count, bool is_new)
{
    struct { /* as the module names a caller */
        uint64_t store;
        char key[12];
    } caller = {42, "0123456789a"};
    struct aps_rate_result result;
    struct aps_rate_ask asks[LIMITS_MAX];
    unsigned long admitted = 0;

    for (unsigned long i = 0; i < count; i++) {
        struct aps_table_now now = {START + (aps_nsec)i * EACH, START};
        uint64_t name;

        if (is_new)
            memcpy(caller.key, &i, sizeof i);
        name = aps_table_caller(state, &caller, 20);
        for (size_t k = 0; k < limit_count; k++)
            asks[k] = (struct aps_rate_ask){&limits[k], name, caller.store, 1, 0, false};
        admitted += aps_rate_take_all(state, asks, (unsigned)limit_count, now, no_clock, &result) ==
                    APS_REASON_ALLOW;
    }
    return admitted;
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/apisec-charge.XXXXXX";
    char path[64];
    apr_pool_t *pool = NULL;

    if (argc < 4 || argc - 3 > LIMITS_MAX || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS || mkdtemp(folder) == NULL)
        return 2;
    (void)snprintf(path, sizeof path, "%s/state", folder);
    if (aps_state_open(pool, path, &(struct aps_state_size){1 << 18, 0}, 1, &state, NULL) != APS_OK)
        return 2;
    (void)unlink(path);
    (void)rmdir(folder);
    if (aps_zone_open(pool, (struct aps_str){"UTC", 3}, &utc, NULL) != APS_OK)
        return 2;
    for (; limit_count < (size_t)argc - 3; limit_count++)
        if (make(&limits[limit_count], argv[3 + limit_count],
                 strcmp(argv[1], "refused") == 0 && limit_count + 4 == (size_t)argc) != APS_OK) {
            fprintf(stderr,
                    "charge: %s: want gcra, delay, leaky-bucket, fixed-window, sliding-window, "
                    "quota or edited\n",
                    argv[3 + limit_count]);
            return 2;
        }
    printf("%lu\n", charge(strtoul(argv[2], NULL, 10), strcmp(argv[1], "new") == 0));
    apr_terminate();
    return 0;
}
