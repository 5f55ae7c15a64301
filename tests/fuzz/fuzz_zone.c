/* The reader of time zones on any bytes: what it accepts has periods that follow each other. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/zone.h"

/* How many periods in a row are looked at from each start. */
#define ROW 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check_row(const struct aps_zone *zone, enum aps_zone_unit unit, aps_nsec wall)
{
    aps_nsec begin, end, next_begin, next_end, again[2];

    aps_zone_period(zone, unit, wall, &begin, &end);
    for (unsigned i = 0; i < ROW && end != INT64_MAX; i++) {
        expect(begin >= 0 && begin <= wall && wall < end);
        expect(begin % APS_MINUTE == 0 && end % APS_MINUTE == 0);
        expect(end - begin <=
               36 * APS_DAY); /* a month, and a clock that is set back at both ends */
        aps_zone_period(zone, unit, end - 1, &again[0], &again[1]);
        expect(again[0] == begin && again[1] == end);
        aps_zone_period(zone, unit, end, &next_begin, &next_end);
        expect(next_begin == end);
        wall = begin = next_begin;
        end = next_end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const aps_nsec starts[] = {0, 68 * 365 * APS_DAY, 130 * 365 * APS_DAY, INT64_MAX};
    static apr_pool_t *pool;
    const struct aps_zone *zone = NULL;
    struct aps_diag diag = {""};
    enum aps_err err;

    if (pool == NULL)
        expect(apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS);
    err = aps_zone_read(pool, APS_STR_LIT("fuzz"), (struct aps_str){(const char *)data, size},
                        &zone, &diag);
    expect(err == APS_OK || err == APS_ERR_CORRUPT);
    expect((err == APS_OK) == (diag.text[0] == '\0'));
    for (size_t i = 0; err == APS_OK && i < sizeof starts / sizeof *starts; i++)
        for (unsigned unit = 0; unit < APS_ZONE_UNITS; unit++)
            check_row(zone, (enum aps_zone_unit)unit, starts[i]);
    apr_pool_clear(pool);
    return 0;
}
