/* pattern.c - path patterns, compiled to a fixed start and the segments from the first star on. */
#include "apisec/pattern.h"

#include <apr_strings.h>

/* A segment after the fixed start. */
struct segment {
    struct aps_str text;
    size_t start; /* bytes before the first star; all of it if there is none */
};

struct aps_pattern {
    struct aps_str text;
    size_t fixed;     /* bytes of `text` that every path begins with; ends before a segment */
    size_t nsegments; /* 0: what is fixed is the whole pattern, but for the rest */
    bool has_rest;    /* ends in a segment of two stars */
    struct segment segment[];
};

static const char *fault_of_segment(struct aps_str s, bool is_last)
{
    if (s.n == 0)
        return is_last ? NULL : "an empty segment";
    if (aps_str_eq(s, APS_STR_LIT(".")) || aps_str_eq(s, APS_STR_LIT("..")))
        return "a dot segment";
    if (memmem(s.p, s.n, "**", 2) != NULL && !(is_last && s.n == 2))
        return "\"**\" that is not a last segment of its own";
    return NULL;
}

static const char *fault_of_char(struct aps_str text)
{
    uint32_t code;
    size_t n;

    for (; text.n > 0; text.p += n, text.n -= n) {
        n = aps_str_utf8_code(text, &code);
        if (n == 0)
            return "invalid UTF-8";
        if (aps_str_is_control(code))
            return "a control character";
        if (code == '?' || code == '#' || code == '%' || code == ';' || code == '\\')
            return "one of ? # % ; \\";
    }
    return NULL;
}

/* Cut the next segment off `*rest`, which begins with its slash. */
static struct aps_str take_segment(struct aps_str *rest)
{
    struct aps_str s = {rest->p + 1, rest->n - 1};
    const char *slash = memchr(s.p, '/', s.n);

    if (slash != NULL)
        s.n = (size_t)(slash - s.p);
    rest->p += 1 + s.n;
    rest->n -= 1 + s.n;
    return s;
}

/* What is wrong with the text, or NULL; counts the segments. */
static const char *fault_of(struct aps_str text, size_t *out_segments)
{
    const char *fault;
    size_t count = 0;

    if (text.n == 0 || text.p[0] != '/')
        return "no slash at the start";
    if ((fault = fault_of_char(text)) != NULL)
        return fault;
    while (text.n > 0) {
        struct aps_str s = take_segment(&text);

        if ((fault = fault_of_segment(s, text.n == 0)) != NULL)
            return fault;
        count++;
    }
    *out_segments = count;
    return NULL;
}

/* Split the valid text of `p`; `fixed` ends up behind the last segment before the first star. */
static void split(struct aps_pattern *p)
{
    struct aps_str rest = p->text;

    while (rest.n > 0) {
        struct aps_str s = take_segment(&rest);
        const char *star = memchr(s.p, '*', s.n);

        if (aps_str_eq(s, APS_STR_LIT("**")))
            p->has_rest = true;
        else if (star != NULL || p->nsegments > 0)
            p->segment[p->nsegments++] =
                (struct segment){s, star != NULL ? (size_t)(star - s.p) : s.n};
        else
            p->fixed += 1 + s.n;
    }
}

enum aps_err aps_pattern_compile(apr_pool_t *pool, struct aps_str text,
                                 const struct aps_pattern **out, struct aps_diag *diag)
{
    struct aps_pattern *p;
    const char *fault;
    char *copy;
    size_t count;

    if (text.n > APS_PATTERN_MAX) {
        aps_err_explain(diag, "path pattern of %zu bytes: want at most %d", text.n,
                        APS_PATTERN_MAX);
        return APS_ERR_RANGE;
    }
    if ((fault = fault_of(text, &count)) != NULL) {
        aps_err_explain(diag,
                        "path pattern \"%.*s\" has %s: want an absolute path such as /orders, "
                        "/orders/*/lines or /orders/**",
                        APS_STR_SHOW(text), fault);
        return APS_ERR_FORMAT;
    }
    p = apr_pcalloc(pool, sizeof *p + count * sizeof p->segment[0]);
    copy = apr_pmemdup(pool, text.p, text.n);
    p->text = (struct aps_str){copy, text.n};
    split(p);
    *out = p;
    return APS_OK;
}

/* The part of a segment's pattern from its first star on.  What stands between two stars is looked
 * for from the left, since an earlier place never leaves less for what follows; what stands behind
 * the last star has to be the end. */
static bool covers_stars(struct aps_str pattern, struct aps_str s)
{
    const char *star, *found;
    size_t n;

    for (;;) {
        pattern.p++; /* the star */
        pattern.n--;
        star = memchr(pattern.p, '*', pattern.n);
        if (star == NULL)
            break;
        n = (size_t)(star - pattern.p);
        found = memmem(s.p, s.n, pattern.p, n);
        if (found == NULL)
            return false;
        s.n -= (size_t)(found - s.p) + n;
        s.p = found + n;
        pattern.p += n;
        pattern.n -= n;
    }
    return s.n >= pattern.n && memcmp(s.p + s.n - pattern.n, pattern.p, pattern.n) == 0;
}

static bool covers_segment(const struct segment *g, struct aps_str s)
{
    if (s.n < g->start || memcmp(s.p, g->text.p, g->start) != 0)
        return false;
    if (g->start == g->text.n)
        return s.n == g->start;
    if (g->start + 1 == g->text.n) /* nothing behind a single star */
        return true;
    return covers_stars((struct aps_str){g->text.p + g->start, g->text.n - g->start},
                        (struct aps_str){s.p + g->start, s.n - g->start});
}

bool aps_pattern_matches(const struct aps_pattern *pattern, struct aps_str path)
{
    struct aps_str rest;

    if (path.n < pattern->fixed || path.n == 0 || path.p[0] != '/' ||
        memcmp(path.p, pattern->text.p, pattern->fixed) != 0)
        return false;
    if (pattern->nsegments == 0)
        return path.n == pattern->fixed || (pattern->has_rest && path.p[pattern->fixed] == '/');
    rest = (struct aps_str){path.p + pattern->fixed, path.n - pattern->fixed};
    for (size_t i = 0; i < pattern->nsegments; i++) {
        if (rest.n == 0 || rest.p[0] != '/')
            return false;
        if (!covers_segment(&pattern->segment[i], take_segment(&rest)))
            return false;
    }
    return rest.n == 0 || (pattern->has_rest && rest.p[0] == '/');
}

struct aps_str aps_pattern_text(const struct aps_pattern *pattern)
{
    return pattern->text;
}
