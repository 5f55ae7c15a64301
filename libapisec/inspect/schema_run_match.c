/* schema_run_match.c - a text and a pattern, under the limits of PCRE2 (POS-11). */
#include "schema_run.h"

#define HEAP_MAX 1024 /* KiB of one match */

static apr_status_t free_match(void *data)
{
    struct aps_schema_judge *c = data;

    pcre2_match_data_free(c->match);
    pcre2_match_context_free(c->limits);
    return APR_SUCCESS;
}

/* What regular expressions need, once there is one. */
static bool make_match(struct aps_schema_judge *c)
{
    c->match = pcre2_match_data_create(1, NULL);
    c->limits = pcre2_match_context_create(NULL);
    apr_pool_cleanup_register(c->pool, c, free_match, apr_pool_cleanup_null);
    if (c->match == NULL || c->limits == NULL)
        return aps_schema_run_fault(c, APS_SCHEMA_NOMEM);
    /* None of these can fail. */
    (void)pcre2_set_match_limit(c->limits, c->options.match_max);
    (void)pcre2_set_depth_limit(c->limits, c->options.match_max);
    (void)pcre2_set_heap_limit(c->limits, HEAP_MAX);
    return true;
}

static bool match(struct aps_schema_judge *c, const pcre2_code *code, struct aps_str text)
{
    int found;

    if ((c->match == NULL && !make_match(c)) || !schema_spend(c, 8 + (uint32_t)(text.n / 16)))
        return false;
    found = pcre2_match(code, (PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n, 0, PCRE2_NO_UTF_CHECK,
                        c->match, c->limits);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH)
        return aps_schema_run_fault(c, APS_SCHEMA_PATTERN);
    return found >= 0;
}

bool aps_schema_run_match(struct aps_schema_judge *c, uint32_t pattern, struct aps_str text)
{
    const struct schema_pattern *p = c->image->patterns + pattern;
    const struct aps_str what = schema_str(c->image, p->text);

    switch (p->kind) {
    case SCHEMA_P_ALL:
        return true;
    case SCHEMA_P_EQUAL:
        return aps_str_eq(text, what);
    case SCHEMA_P_START:
        return aps_str_starts(text, what);
    case SCHEMA_P_END:
        return text.n >= what.n &&
               aps_str_eq((struct aps_str){text.p + text.n - what.n, what.n}, what);
    case SCHEMA_P_HAS:
        return what.n == 0 || memmem(text.p, text.n, what.p, what.n) != NULL;
    case SCHEMA_P_SEQUENCE:
    case SCHEMA_P_SEQUENCE_START:
        return schema_spend(c, 1 + (uint32_t)(text.n / 64)) &&
               aps_schema_sequence_match(what, text, p->kind == SCHEMA_P_SEQUENCE);
    default:
        return c->image->codes[pattern] != NULL && match(c, c->image->codes[pattern], text);
    }
}
