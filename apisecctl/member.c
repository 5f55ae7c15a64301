/* member.c - JSON of others -> text that is safe to show. */
#include "member.h"

#include <apr_strings.h>

#include "apisec/num.h"
#include "prose.h"

#define SECONDS_MAX (UINT64_C(1) << 33) /* as claims.h has it */

/* A character within a string; none of those below 0x20 is there as it is. */
static void put_char(struct ctl_prose *to, struct aps_str s, size_t *i)
{
    const struct aps_str rest = {s.p + *i, s.n - *i};
    uint32_t code = 0;
    size_t n = aps_str_utf8_code(rest, &code);

    if (n == 0)
        n = 1; /* never: it was read strictly */
    if (aps_str_is_control(code))
        ctl_prose_put(to, aps_str(apr_psprintf(to->pool, "\\u%04x", (unsigned)code)));
    else
        ctl_prose_put(to, (struct aps_str){rest.p, n});
    *i += n;
}

struct aps_str ctl_member_json(apr_pool_t *pool, const struct aps_jsonread *r,
                               const struct aps_jsonread_node *value)
{
    const struct aps_str raw = aps_jsonread_raw(r, value);
    struct ctl_prose to = {.pool = pool};
    bool in_string = false;

    for (size_t i = 0; i < raw.n;) {
        char c = raw.p[i];

        if (in_string && c == '\\') {
            ctl_prose_put(&to, (struct aps_str){raw.p + i, 2});
            i += 2;
            continue;
        }
        if (c == '"')
            in_string = !in_string;
        if (!in_string && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
            i++;
        else
            put_char(&to, raw, &i);
    }
    return (struct aps_str){to.p, to.n};
}

struct aps_str ctl_member_text(apr_pool_t *pool, const struct aps_jsonread *r,
                               const struct aps_jsonread_node *value)
{
    if (aps_jsonread_kind(value) == APS_JSON_STRING)
        return aps_jsonread_str(r, value);
    return ctl_member_json(pool, r, value);
}

bool ctl_member_time(const struct aps_jsonread *r, const struct aps_jsonread_node *value,
                     aps_nsec *out)
{
    struct aps_str rest, whole;
    uint64_t seconds;

    if (value == NULL || aps_jsonread_kind(value) != APS_JSON_NUMBER)
        return false;
    rest = aps_jsonread_str(r, value);
    aps_str_next(&rest, '.', &whole);
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] < '0' || rest.p[i] > '9')
            return false;
    if (aps_num_parse(whole, 0, SECONDS_MAX, &seconds, NULL) != APS_OK)
        return false;
    *out = (aps_nsec)seconds * APS_SEC;
    return true;
}

/* In a unit of which there are at least two, the rest left out. */
static const char *how_long(apr_pool_t *pool, aps_nsec d)
{
    static const struct {
        aps_nsec unit;
        char name;
    } units[] = {{APS_DAY, 'd'}, {APS_HOUR, 'h'}, {APS_MINUTE, 'm'}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (d >= 2 * units[i].unit)
            return apr_psprintf(pool, "%" APR_INT64_T_FMT "%c", (apr_int64_t)(d / units[i].unit),
                                units[i].name);
    return apr_psprintf(pool, "%" APR_INT64_T_FMT "s", (apr_int64_t)(d / APS_SEC));
}

const char *ctl_member_when(apr_pool_t *pool, aps_nsec at, aps_nsec now)
{
    char text[APS_NUM_TIME_MAX];

    aps_num_print_time(at, false, text);
    if (at > now)
        return apr_pstrcat(pool, text, ", in ", how_long(pool, at - now), NULL);
    return apr_pstrcat(pool, text, ", ", how_long(pool, now - at), " ago", NULL);
}
