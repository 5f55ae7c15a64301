/* zone.h - days, weeks and months of a named time zone, for quotas by the calendar.
 *
 * Zones come from the system's database (APS_ZONE_DATABASE) and are read by an own strict reader of
 * TZif files, versions 1 to 4 (RFC 9636); TZ and TZDIR of the environment say nothing, and the
 * process's own zone is not touched.  A server that goes on while the database changes keeps what
 * it read.
 * Threads and processes: opening belongs to one thread; an open zone may be asked by all. */
#ifndef APISEC_ZONE_H
#define APISEC_ZONE_H

#include <apr_pools.h>

#include "apisec/clock.h"
#include "apisec/err.h"
#include "apisec/str.h"

#define APS_ZONE_DATABASE "/usr/share/zoneinfo"

/* Bytes of a name, and of a file; the longest of 2026 have 32 and 3,664. */
#define APS_ZONE_NAME_MAX ((size_t)64)
#define APS_ZONE_FILE_MAX ((size_t)65536)

enum aps_zone_unit { APS_ZONE_DAY, APS_ZONE_WEEK, APS_ZONE_MONTH, APS_ZONE_UNITS };

struct aps_zone;

/* The zone of this name, such as Europe/Berlin; "UTC" needs no file.  Lives in `pool`, with a copy
 * of the name.
 * APS_ERR_FORMAT: no name that a zone can have (letters, digits, '_', '-', '+', and '/' between
 * two of these).  APS_ERR_NOT_FOUND: there is none, or no database.  APS_ERR_CORRUPT: not a file of
 * this kind, or one that counts leap seconds.  APS_ERR_IO. */
APS_MUST_CHECK enum aps_err aps_zone_open(apr_pool_t *pool, struct aps_str name,
                                          const struct aps_zone **out, struct aps_diag *diag);

/* The same of a TZif file's bytes, which are borrowed; `name` is not checked.  APS_ERR_CORRUPT. */
APS_MUST_CHECK enum aps_err aps_zone_read(apr_pool_t *pool, struct aps_str name,
                                          struct aps_str file, const struct aps_zone **out,
                                          struct aps_diag *diag);

/* Borrowed from the zone. */
struct aps_str aps_zone_name(const struct aps_zone *zone);

/* The period that `wall` lies in: *out_begin <= wall < *out_end, wall nsec.
 * A day begins at the first instant whose local date is that day or a later one, so one without a
 * midnight begins with its first moment, a date that was skipped has no length, and an hour that
 * is set back over midnight stays with the new day.  A week begins on Monday (ISO 8601), a month on
 * its first.  Both ends are whole minutes, rounded up where an offset from UTC has seconds (the
 * last one ended in 1972), so that each instant lies in one period.
 * A time before 1970 counts as 1970; no begin is before it, and no end is past what aps_nsec
 * holds. */
void aps_zone_period(const struct aps_zone *zone, enum aps_zone_unit unit, aps_nsec wall,
                     aps_nsec *out_begin, aps_nsec *out_end);

#endif
