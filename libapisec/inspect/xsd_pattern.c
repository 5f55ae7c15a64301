/* xsd_pattern.c - how long a value may be that a pattern is tried on.
 *
 * libxml2 matches by backtracking and gives up after ten million steps back, each of which may go
 * over the whole value; it has no bound that a caller could set.  Ways through a pattern that
 * leaves it a choice are bounded here by the product, over its quantifiers, of how many repetitions
 * each may choose from; a repetition of what varies itself has more ways than can be counted. */
#include "xsd_impl.h"

#define WAYS_MAX 20000000u
#define NESTED 128u /* bytes: at most ten million steps over so many */
#define SPANS 64
#define DEPTH 64

struct pattern {
    const char *p, *end;
    uint32_t spans[SPANS]; /* how many repetitions to choose from, beyond the least */
    uint32_t spans_n;
    bool varies[DEPTH]; /* what stands in each open group */
    uint32_t depth;
    bool nested;
};

static void skip_class(struct pattern *s)
{
    unsigned open = 0;

    for (; s->p < s->end; s->p++) {
        if (*s->p == '\\' && s->end - s->p > 1)
            s->p++;
        else if (*s->p == '[')
            open++;
        else if (*s->p == ']' && --open == 0)
            break;
    }
    if (s->p < s->end)
        s->p++;
}

static uint32_t take_number(struct pattern *s)
{
    uint32_t n = 0;

    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++)
        n = n > UINT32_MAX / 20 ? n : n * 10 + (uint32_t)(*s->p - '0');
    return n;
}

struct quantifier {
    uint32_t least, most;
};

static struct quantifier take_range(struct pattern *s)
{
    struct quantifier q;

    s->p++;
    q.least = q.most = take_number(s);
    if (s->p < s->end && *s->p == ',') {
        s->p++;
        q.most = s->p < s->end && *s->p == '}' ? UINT32_MAX : take_number(s);
    }
    while (s->p < s->end && *s->p++ != '}')
        continue;
    return q;
}

static struct quantifier take_quantifier(struct pattern *s)
{
    const char c = s->p < s->end ? *s->p : '\0';

    if (c == '{')
        return take_range(s);
    if (c == '*' || c == '+' || c == '?')
        s->p++;
    if (c == '*' || c == '+')
        return (struct quantifier){c == '+', UINT32_MAX};
    return (struct quantifier){c != '?', 1};
}

/* Behind an atom or a group that varies or does not. */
static void quantify(struct pattern *s, bool varies)
{
    const struct quantifier q = take_quantifier(s);

    if (q.most > q.least) {
        if (s->spans_n < SPANS)
            s->spans[s->spans_n++] = q.most - q.least;
        else
            s->nested = true;
    }
    s->nested = s->nested || (varies && q.most > 1);
    s->varies[s->depth] = s->varies[s->depth] || varies || q.most > q.least;
}

static void take_atom(struct pattern *s)
{
    switch (*s->p) {
    case '(':
        s->p++;
        if (s->depth + 1 == DEPTH)
            s->nested = true;
        else
            s->varies[++s->depth] = false;
        return;
    case ')': {
        const bool varies = s->varies[s->depth];

        s->p++;
        s->depth -= s->depth > 0;
        quantify(s, varies);
        return;
    }
    case '|':
        s->p++;
        s->varies[s->depth] = true;
        return;
    case '[':
        skip_class(s);
        break;
    case '\\':
        s->p += s->end - s->p > 1 ? 2 : 1;
        if (s->p < s->end && *s->p == '{' && (s->p[-1] == 'p' || s->p[-1] == 'P'))
            (void)take_range(s); /* the name of a property stands there, and no quantifier */
        break;
    default:
        s->p++;
    }
    quantify(s, false);
}

static bool is_bearable(const struct pattern *s, uint32_t n)
{
    uint64_t ways = 1;

    for (uint32_t i = 0; i < s->spans_n && ways <= WAYS_MAX; i++)
        ways *= s->spans[i] < n ? s->spans[i] + 1 : n;
    return ways <= WAYS_MAX;
}

uint32_t aps_xsd_pattern_limit(apr_pool_t *pool, struct aps_str pattern)
{
    struct pattern s = {.p = pattern.p, .end = pattern.p + pattern.n};
    uint32_t n = 1u << 16;

    if (pattern.n > XSD_PATTERN_MAX)
        return 0;
    if (!aps_xsd_ambiguous(pool, pattern))
        return UINT32_MAX;
    while (s.p < s.end)
        take_atom(&s);
    if (s.nested)
        return NESTED;
    if (is_bearable(&s, n))
        return UINT32_MAX;
    while (n > NESTED / 2 && !is_bearable(&s, n))
        n /= 2;
    return n;
}
