/* kind_zone.c - the periods of a time zone: `data` names it, `at` are seconds since 1970.
 *
 * For each of them six numbers, in seconds: begin and end of its day, its week and its month. */
#include "apisec/num.h"
#include "apisec/zone.h"
#include "vectors.h"

static void put_periods(struct aps_json *out, const struct aps_zone *zone, aps_nsec wall)
{
    aps_json_array(out);
    for (unsigned unit = 0; unit < APS_ZONE_UNITS; unit++) {
        aps_nsec begin, end;

        aps_zone_period(zone, (enum aps_zone_unit)unit, wall, &begin, &end);
        aps_json_u64(out, (uint64_t)(begin / APS_SEC));
        aps_json_u64(out, (uint64_t)(end / APS_SEC));
    }
    aps_json_end(out);
}

const char *t_kind_zone(const struct t_row *row, struct aps_json *out)
{
    const struct aps_jsonread_node *at =
        aps_jsonread_get(row->reader, row->object, APS_STR_LIT("at"));
    const struct aps_jsonread_node *v;
    const struct aps_zone *zone;
    struct aps_diag diag = {""};
    struct aps_str name;
    uint64_t second;

    if (!t_row_bytes(row, "data", &name) || at == NULL || aps_jsonread_kind(at) != APS_JSON_ARRAY)
        return "want a string data and an array at";
    for (v = aps_jsonread_first(at); v < aps_jsonread_end(at); v = aps_jsonread_next(v))
        if (aps_num_parse(aps_jsonread_raw(row->reader, v), 0, UINT32_MAX, &second, NULL) != APS_OK)
            return "at: want whole seconds of 32 bits";
    if (aps_zone_open(row->pool, name, &zone, &diag) != APS_OK) {
        aps_json_put_str(out, "got", diag.text);
        return NULL;
    }
    aps_json_name(out, "got");
    aps_json_array(out);
    for (v = aps_jsonread_first(at); v < aps_jsonread_end(at); v = aps_jsonread_next(v))
        if (aps_num_parse(aps_jsonread_raw(row->reader, v), 0, UINT32_MAX, &second, NULL) == APS_OK)
            put_periods(out, zone, (aps_nsec)second * APS_SEC);
    aps_json_end(out);
    return NULL;
}
