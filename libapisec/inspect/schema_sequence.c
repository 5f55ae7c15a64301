/* schema_sequence.c - the regular expressions that most schemas have: ^, then characters or classes
 * of ASCII, each with a count, and then perhaps $.
 *
 * Such a one needs no search where each part with a count of its own shares no character with what
 * may follow it: taking as many as there are is then the only way.  Where all counts are fixed and
 * every class is a range, a text of up to sixteen bytes is looked at all at once.  Others are left
 * to PCRE2. */
#include <apr_strings.h>

#include "schema_impl.h"

#define PARTS_MAX 64

/* As they lie in an image, not aligned. */
struct part {
    uint64_t set[2]; /* of ASCII; where max is 0, `min` bytes that stand there */
    uint32_t min, max;
};

_Static_assert(sizeof(struct part) == SCHEMA_SEQUENCE_PART, "a block is read by other builds");

static inline bool has(const struct part *p, unsigned char c)
{
    return c < 128 && (p->set[c / 64] >> c % 64 & 1) != 0;
}

static void add(struct part *p, unsigned from, unsigned to)
{
    for (; from <= to; from++)
        p->set[from / 64] |= (uint64_t)1 << from % 64;
}

static bool is_between(char c, char from, char to)
{
    return c >= from && c <= to;
}

/* \d, \w or an escape of punctuation; false for all others. */
static bool read_escape(struct aps_str *io_rest, struct part *p, char *out_single)
{
    const char c = io_rest->n >= 2 ? io_rest->p[1] : '\0';

    *out_single = '\0';
    if (c == 'd' || c == 'w')
        add(p, '0', '9');
    if (c == 'w') {
        add(p, 'a', 'z');
        add(p, 'A', 'Z');
        add(p, '_', '_');
    }
    if (c != 'd' && c != 'w') {
        if (c <= ' ' || c == 0x7f || is_between(c, '0', '9') || is_between(c, 'a', 'z') ||
            is_between(c, 'A', 'Z'))
            return false;
        add(p, (unsigned char)c, (unsigned char)c);
        *out_single = c;
    }
    *io_rest = (struct aps_str){io_rest->p + 2, io_rest->n - 2};
    return true;
}

/* What stands between brackets. */
static bool read_class(struct aps_str *io_rest, struct part *p)
{
    struct aps_str rest = {io_rest->p + 1, io_rest->n - 1};
    char c;

    if (rest.n == 0 || rest.p[0] == '^' || rest.p[0] == ']')
        return false;
    while (rest.n > 0 && rest.p[0] != ']') {
        if (rest.p[0] == '\\') {
            if (!read_escape(&rest, p, &c) || (rest.n > 0 && rest.p[0] == '-'))
                return false;
            continue;
        }
        c = rest.p[0];
        if (c < ' ' || c > '~' || c == '[')
            return false;
        if (rest.n >= 3 && rest.p[1] == '-' && rest.p[2] != ']') {
            if (rest.p[2] == '\\' || rest.p[2] == '[' || rest.p[2] < c || rest.p[2] > '~')
                return false;
            add(p, (unsigned char)c, (unsigned char)rest.p[2]);
            rest = (struct aps_str){rest.p + 3, rest.n - 3};
        } else {
            add(p, (unsigned char)c, (unsigned char)c);
            rest = (struct aps_str){rest.p + 1, rest.n - 1};
        }
    }
    if (rest.n == 0)
        return false;
    *io_rest = (struct aps_str){rest.p + 1, rest.n - 1};
    return true;
}

static bool read_number(struct aps_str *io_rest, uint32_t *out)
{
    uint32_t value = 0;
    size_t n = 0;

    for (; n < io_rest->n && n < 5 && is_between(io_rest->p[n], '0', '9'); n++)
        value = value * 10 + (uint32_t)(io_rest->p[n] - '0');
    *io_rest = (struct aps_str){io_rest->p + n, io_rest->n - n};
    *out = value;
    return n > 0;
}

static bool take(struct aps_str *io_rest, char c)
{
    if (io_rest->n == 0 || io_rest->p[0] != c)
        return false;
    *io_rest = (struct aps_str){io_rest->p + 1, io_rest->n - 1};
    return true;
}

/* The count behind a character or class; only greedy ones. */
static bool read_count(struct aps_str *io_rest, struct part *p)
{
    bool any = true;

    p->min = p->max = 1;
    if (take(io_rest, '*')) {
        p->min = 0;
        p->max = UINT32_MAX;
    } else if (take(io_rest, '+')) {
        p->max = UINT32_MAX;
    } else if (take(io_rest, '?')) {
        p->min = 0;
    } else if (take(io_rest, '{')) {
        if (!read_number(io_rest, &p->min))
            return false;
        p->max = p->min;
        if (take(io_rest, ',') && !read_number(io_rest, &p->max))
            p->max = UINT32_MAX;
        if (!take(io_rest, '}') || p->max < p->min || p->max == 0)
            return false;
    } else {
        any = false;
    }
    return !any || io_rest->n == 0 || strchr("?+*{", io_rest->p[0]) == NULL;
}

static bool read_part(struct aps_str *io_rest, struct part *p)
{
    const char c = io_rest->p[0];
    char single;

    if (c == '[') {
        if (!read_class(io_rest, p))
            return false;
    } else if (c == '\\') {
        if (!read_escape(io_rest, p, &single))
            return false;
    } else {
        if (c < ' ' || c > '~' || strchr("^$.*+?()]{}|", c) != NULL)
            return false;
        add(p, (unsigned char)c, (unsigned char)c);
        *io_rest = (struct aps_str){io_rest->p + 1, io_rest->n - 1};
    }
    return read_count(io_rest, p);
}

/* Whether what follows a part of a free count cannot begin with a character of it. */
static bool is_set_apart(const struct part *parts, size_t n, size_t at)
{
    for (size_t i = at + 1; i < n && parts[at].min != parts[at].max; i++) {
        if (((parts[at].set[0] & parts[i].set[0]) | (parts[at].set[1] & parts[i].set[1])) != 0)
            return false;
        if (parts[i].min > 0)
            break;
    }
    return true;
}

/* The one character of a part that stands for itself, or -1. */
static int literal_of(const struct part *p)
{
    const int n = __builtin_popcountll(p->set[0]) + __builtin_popcountll(p->set[1]);

    if (n != 1 || p->min != 1 || p->max != 1)
        return -1;
    return p->set[0] != 0 ? __builtin_ctzll(p->set[0]) : 64 + __builtin_ctzll(p->set[1]);
}

/* Characters in a row become one part; returns how many parts are left. */
static size_t join_literals(struct part *parts, size_t n)
{
    struct part *to = NULL;
    size_t left = 0;

    for (size_t i = 0; i < n; i++) {
        const int c = literal_of(&parts[i]);

        if (c < 0) {
            parts[left++] = parts[i];
            to = NULL;
            continue;
        }
        if (to == NULL || to->min == sizeof to->set) {
            to = &parts[left++];
            *to = (struct part){.min = 0};
        }
        ((char *)to->set)[to->min++] = (char)c;
    }
    return left;
}

/* The lowest and the highest character of a part; false if one between them is none of it. */
static bool get_range(const struct part *p, char *out_low, char *out_high)
{
    unsigned low = 0, high = 127;

    while (!has(p, (unsigned char)low))
        low++;
    while (!has(p, (unsigned char)high))
        high--;
    for (unsigned c = low; c <= high; c++)
        if (!has(p, (unsigned char)c))
            return false;
    *out_low = (char)low;
    *out_high = (char)high;
    return true;
}

static void put_range(uint64_t out[2], uint64_t low, uint64_t high)
{
    out[0] = 0x8080808080808080u - low;
    out[1] = 0x7f7f7f7f7f7f7f7fu - high;
}

/* Parts that are a few bytes altogether, each from one to another, are looked at all at once. */
static bool get_bytes(const struct part *parts, size_t n, uint64_t out[SCHEMA_BYTES])
{
    char low[SCHEMA_ENDS], high[SCHEMA_ENDS];
    struct schema_ends lows, highs;
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        if (parts[i].min != parts[i].max || parts[i].min > SCHEMA_ENDS - count)
            return false;
        for (uint32_t k = 0; k < parts[i].min; k++, count++)
            if (!get_range(&parts[i], &low[count], &high[count]))
                return false;
    }
    lows = schema_ends((struct aps_str){low, count});
    highs = schema_ends((struct aps_str){high, count});
    out[SCHEMA_B_LENGTH] = count;
    put_range(out + SCHEMA_B_FIRST, lows.first, highs.first);
    put_range(out + SCHEMA_B_LAST, lows.last, highs.last);
    return true;
}

bool aps_schema_sequence(struct aps_str source, apr_pool_t *pool, struct aps_str *out,
                         enum schema_pattern_kind *out_kind)
{
    struct part parts[PARTS_MAX];
    uint64_t bytes[SCHEMA_BYTES];
    struct aps_str rest = source;
    size_t n = 0;
    bool end = false;
    char *copy;

    if (!take(&rest, '^'))
        return false;
    while (rest.n > 0 && !end) {
        if (rest.n == 1 && take(&rest, '$')) {
            end = true;
            continue;
        }
        if (n == PARTS_MAX)
            return false;
        parts[n] = (struct part){.min = 0};
        if (!read_part(&rest, &parts[n++]))
            return false;
    }
    for (size_t i = 0; i < n; i++)
        if (!is_set_apart(parts, n, i))
            return false;
    if (end && n > 0 && get_bytes(parts, n, bytes)) {
        if ((copy = apr_pmemdup(pool, bytes, sizeof bytes)) == NULL)
            return false;
        *out = (struct aps_str){copy, sizeof bytes};
        *out_kind = SCHEMA_P_BYTES;
        return true;
    }
    n = join_literals(parts, n);
    if (n == 0 || (copy = apr_pmemdup(pool, parts, n * sizeof *parts)) == NULL)
        return false;
    *out = (struct aps_str){copy, n * sizeof *parts};
    *out_kind = end ? SCHEMA_P_SEQUENCE : SCHEMA_P_SEQUENCE_START;
    return true;
}

bool aps_schema_sequence_match(struct aps_str parts, struct aps_str text, bool end)
{
    const char *p = text.p, *const stop = text.p + text.n;
    struct part part;

    for (size_t at = 0; at + sizeof part <= parts.n; at += sizeof part) {
        uint32_t n = 0;

        memcpy(&part, parts.p + at, sizeof part);
        if (part.max == 0) {
            if (part.min > sizeof part.set || (size_t)(stop - p) < part.min ||
                memcmp(p, part.set, part.min) != 0)
                return false;
            p += part.min;
            continue;
        }
        for (; p < stop && n < part.max && has(&part, (unsigned char)*p); p++)
            n++;
        if (n < part.min)
            return false;
    }
    return !end || p == stop;
}
