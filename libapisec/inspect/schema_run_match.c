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

static void set_limits(pcre2_match_context *limits, uint32_t match_max)
{
    /* None of these can fail. */
    (void)pcre2_set_match_limit(limits, match_max);
    (void)pcre2_set_depth_limit(limits, match_max);
    (void)pcre2_set_heap_limit(limits, HEAP_MAX);
}

/* What regular expressions need, once there is one. */
static bool make_match(struct aps_schema_judge *c)
{
    c->match = pcre2_match_data_create(1, NULL);
    c->limits = pcre2_match_context_create(NULL);
    apr_pool_cleanup_register(c->pool, c, free_match, apr_pool_cleanup_null);
    if (c->match == NULL || c->limits == NULL)
        return aps_schema_run_fault(c, APS_SCHEMA_NOMEM);
    set_limits(c->limits, c->options.match_max);
    return true;
}

static int match_at(const pcre2_code *code, struct aps_str text, pcre2_match_data *data,
                    pcre2_match_context *limits)
{
    return pcre2_match(code, (PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n, 0, PCRE2_NO_UTF_CHECK,
                       data, limits);
}

static bool match(struct aps_schema_judge *c, const pcre2_code *code, struct aps_str text)
{
    int found;

    if ((c->match == NULL && !make_match(c)) || !schema_spend(c, 8 + (uint32_t)(text.n / 16)))
        return false;
    found = match_at(code, text, c->match, c->limits);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH)
        return aps_schema_run_fault(c, APS_SCHEMA_PATTERN);
    return found >= 0;
}

/* The kinds that need no regular expression; false for one that does. */
static bool match_plain(const struct aps_schema_image *image, const struct schema_pattern *p,
                        struct aps_str text, bool *out_found)
{
    const struct aps_str what = schema_str(image, p->text);

    switch (p->kind) {
    case SCHEMA_P_ALL:
        *out_found = true;
        return true;
    case SCHEMA_P_EQUAL:
        *out_found = aps_str_eq(text, what);
        return true;
    case SCHEMA_P_START:
        *out_found = aps_str_starts(text, what);
        return true;
    case SCHEMA_P_END:
        *out_found = text.n >= what.n &&
                     aps_str_eq((struct aps_str){text.p + text.n - what.n, what.n}, what);
        return true;
    case SCHEMA_P_HAS:
        *out_found = what.n == 0 || memmem(text.p, text.n, what.p, what.n) != NULL;
        return true;
    case SCHEMA_P_SEQUENCE:
    case SCHEMA_P_SEQUENCE_START:
        *out_found = aps_schema_sequence_match(what, text, p->kind == SCHEMA_P_SEQUENCE);
        return true;
    case SCHEMA_P_BYTES:
        *out_found = schema_bytes_match(what, text);
        return true;
    default:
        return false;
    }
}

bool aps_schema_run_match(struct aps_schema_judge *c, uint32_t pattern, struct aps_str text)
{
    const struct schema_pattern *p = c->image->patterns + pattern;
    const bool parts = p->kind == SCHEMA_P_SEQUENCE || p->kind == SCHEMA_P_SEQUENCE_START;
    bool found;

    if (parts && !schema_spend(c, 1 + (uint32_t)(text.n / 64)))
        return false;
    if (match_plain(c->image, p, text, &found))
        return found;
    return c->image->codes[pattern] != NULL && match(c, c->image->codes[pattern], text);
}

bool aps_schema_run_match_once(const struct aps_schema_image *image, uint32_t pattern,
                               struct aps_str text)
{
    pcre2_match_data *data;
    pcre2_match_context *limits;
    bool found;

    if (match_plain(image, image->patterns + pattern, text, &found))
        return found;
    if (image->codes[pattern] == NULL)
        return false;
    data = pcre2_match_data_create(1, NULL);
    limits = pcre2_match_context_create(NULL);
    found = data != NULL && limits != NULL;
    if (found) {
        set_limits(limits, aps_schema_judge_usual.match_max);
        found = match_at(image->codes[pattern], text, data, limits) >= 0;
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    return found;
}
