/* xsd_ambiguous.c - whether a pattern leaves its matcher a choice.
 *
 * The positions of a pattern are its characters and classes, each as often as it has to be
 * repeated; behind each stand those that may follow (Glushkov's construction).  Where no two of
 * them take the same character there is one way at most, and matching takes no step back.  Sets are
 * those of ASCII, and one more member for all else; where one cannot be told exactly it is taken
 * too large. */
#include <ctype.h>

#include "xsd_impl.h"

#define PLACES 1024
#define WORDS (PLACES / 64)
#define DEPTH 32
#define STEPS 20000

struct chars {
    uint64_t of[3]; /* bit 128: all that is not ASCII */
};

struct places {
    uint64_t of[WORDS];
};

struct part {
    bool empty; /* may match nothing */
    struct places first, last;
};

struct reader {
    const char *p, *end;
    unsigned depth, steps;
    uint32_t n; /* positions so far */
    bool bad;   /* too large, or not understood */
    struct chars *chars;
    struct places *follow;
};

/* ---- sets of characters */

static void put(struct chars *set, unsigned c)
{
    c = c < 128 ? c : 128;
    set->of[c / 64] |= (uint64_t)1 << c % 64;
}

static void put_all(struct chars *set, const struct chars *more)
{
    for (unsigned i = 0; i < 3; i++)
        set->of[i] |= more->of[i];
}

/* Of all that is not ASCII some is always left. */
static struct chars all_but(const struct chars *set)
{
    return (struct chars){{~set->of[0], ~set->of[1], 1}};
}

static bool is_named(unsigned char escape, unsigned c)
{
    switch (tolower(escape)) {
    case 'd':
        return isdigit((int)c);
    case 's':
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
    case 'i':
        return isalpha((int)c) || c == '_' || c == ':';
    default:
        return isalnum((int)c) || strchr("._:-", (int)c) != NULL;
    }
}

/* Behind a backslash; false: the set is too large. */
static bool take_escape(struct reader *r, struct chars *out)
{
    const unsigned char c = r->p < r->end ? (unsigned char)*r->p++ : 0;
    struct chars set = {{0, 0, 0}};

    if (c == 0 || strchr("wWpP", c) != NULL) {
        while ((c == 'p' || c == 'P') && r->p < r->end && *r->p++ != '}')
            continue;
        *out = (struct chars){{UINT64_MAX, UINT64_MAX, 1}};
        return false;
    }
    if (strchr("dDsSiIcC", c) == NULL) {
        put(&set, c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c);
        *out = set;
        return true;
    }
    for (unsigned i = 1; i < 128; i++)
        if (is_named(c, i))
            put(&set, i);
    if (c != 's')
        put(&set, 128);
    *out = isupper(c) ? all_but(&set) : set;
    return true;
}

/* One character, of several bytes where it is not ASCII. */
static unsigned take_char(struct reader *r)
{
    const unsigned c = (unsigned char)*r->p++;

    while (c >= 128 && r->p < r->end && ((unsigned char)*r->p & 0xc0) == 0x80)
        r->p++;
    return c < 128 ? c : 128;
}

/* A member of [...], or a range. */
static bool take_member(struct reader *r, struct chars *set)
{
    struct chars more = {{0, 0, 0}};
    unsigned from, to;
    bool exact = true;

    if (*r->p == '\\') {
        r->p++;
        exact = take_escape(r, &more);
        put_all(set, &more);
        return exact;
    }
    from = to = take_char(r);
    if (r->end - r->p > 1 && *r->p == '-' && r->p[1] != ']' && r->p[1] != '[') {
        r->p++;
        if (*r->p == '\\' && r->end - r->p > 1)
            r->p++;
        to = take_char(r);
    }
    for (; from <= to; from++)
        put(set, from);
    return exact;
}

/* [...], behind its first bracket.  What is taken off it is left in, nested brackets and all. */
static struct chars take_class(struct reader *r)
{
    struct chars set = {{0, 0, 0}};
    const bool negated = r->p < r->end && *r->p == '^';
    bool exact = true;
    unsigned nested = 0;

    r->p += negated;
    while (r->p < r->end && (*r->p != ']' || nested > 0)) {
        if (*r->p == '-' && r->end - r->p > 1 && r->p[1] == '[') {
            r->p += 2;
            nested++;
        } else if (*r->p == ']') {
            r->p++;
            nested--;
        } else if (nested > 0) {
            r->p += *r->p == '\\' && r->end - r->p > 1 ? 2 : 1;
        } else {
            exact = take_member(r, &set) && exact;
        }
    }
    r->bad = r->bad || r->p == r->end;
    r->p += r->p < r->end;
    if (negated && !exact)
        return (struct chars){{UINT64_MAX, UINT64_MAX, 1}};
    return negated ? all_but(&set) : set;
}

/* ---- parts */

static void join(struct places *to, const struct places *more)
{
    for (unsigned i = 0; i < WORDS; i++)
        to->of[i] |= more->of[i];
}

static void link_all(struct reader *r, const struct places *from, const struct places *to)
{
    for (uint32_t i = 0; i < r->n; i++)
        if ((from->of[i / 64] >> i % 64 & 1) != 0)
            join(&r->follow[i], to);
}

static void append(struct reader *r, struct part *to, const struct part *more)
{
    link_all(r, &to->last, &more->first);
    if (to->empty)
        join(&to->first, &more->first);
    if (more->empty)
        join(&to->last, &more->last);
    else
        to->last = more->last;
    to->empty = to->empty && more->empty;
}

static struct part one_place(struct reader *r, const struct chars *chars)
{
    struct part part = {.empty = false};
    const uint32_t i = r->n;

    if (i == PLACES) {
        r->bad = true;
        return part;
    }
    r->n++;
    r->chars[i] = *chars;
    memset(&r->follow[i], 0, sizeof r->follow[i]);
    part.first.of[i / 64] = (uint64_t)1 << i % 64;
    part.last = part.first;
    return part;
}

static struct part take_choices(struct reader *r);

static struct part take_group(struct reader *r)
{
    struct part part = {.empty = true};

    if (r->depth == DEPTH) {
        r->bad = true;
        return part;
    }
    r->depth++;
    part = take_choices(r);
    r->depth--;
    r->bad = r->bad || r->p == r->end;
    r->p += r->p < r->end;
    return part;
}

static struct part take_atom(struct reader *r)
{
    struct chars set = {{0, 0, 0}};
    const char c = *r->p;

    r->bad = r->bad || ++r->steps > STEPS;
    if (c == '(') {
        r->p++;
        return take_group(r);
    }
    if (c == '[' || c == '\\') {
        r->p++;
        if (c == '[')
            set = take_class(r);
        else
            (void)take_escape(r, &set); /* too large is good enough */
    } else if (c == '.') {
        r->p++;
        put(&set, '\n');
        put(&set, '\r');
        set = all_but(&set);
    } else {
        put(&set, take_char(r));
    }
    return one_place(r, &set);
}

static uint32_t take_number(struct reader *r)
{
    uint32_t n = 0;

    for (; r->p < r->end && isdigit((unsigned char)*r->p); r->p++)
        n = n > PLACES ? n : n * 10 + (uint32_t)(*r->p - '0');
    return n;
}

/* How often at least, and whether more often, or an unknown number of times more often. */
static void take_quantifier(struct reader *r, uint32_t *least, uint32_t *more)
{
    const char c = r->p < r->end ? *r->p : '\0';

    *least = c == '*' || c == '?' ? 0 : 1;
    *more = c == '*' || c == '+' ? UINT32_MAX : c == '?' ? 1 : 0;
    if (c != '{') {
        r->p += *more > 0;
        return;
    }
    r->p++;
    *least = take_number(r);
    *more = 0;
    if (r->p < r->end && *r->p == ',') {
        r->p++;
        *more = UINT32_MAX;
        if (r->p < r->end && *r->p != '}') {
            *more = take_number(r);
            *more = *more > *least ? *more - *least : 0;
        }
    }
    r->bad = r->bad || r->p == r->end;
    r->p += r->p < r->end;
}

/* An atom, which is read again for each time that it has to be there, and once more, in a circle,
 * for those that it may. */
static struct part take_piece(struct reader *r)
{
    const char *atom = r->p, *behind;
    const uint32_t n = r->n;
    uint32_t least, more;
    struct part part = take_atom(r), next;

    take_quantifier(r, &least, &more);
    behind = r->p;
    if (least == 0 && more == 0) {
        r->n = n; /* {0}: it is not there */
        return (struct part){.empty = true};
    }
    if (least == 0) {
        if (more > 1)
            link_all(r, &part.last, &part.first);
        part.empty = true;
        return part;
    }
    for (uint32_t i = 1; i < least + (more > 0) && !r->bad; i++) {
        r->p = atom;
        next = take_atom(r);
        if (i == least) {
            if (more > 1)
                link_all(r, &next.last, &next.first);
            next.empty = true;
        }
        append(r, &part, &next);
    }
    r->p = behind;
    return part;
}

static struct part take_sequence(struct reader *r)
{
    struct part all = {.empty = true}, next;

    while (r->p < r->end && *r->p != '|' && *r->p != ')' && !r->bad) {
        next = take_piece(r);
        append(r, &all, &next);
    }
    return all;
}

/* Recursion is as deep as groups are, which is bounded. */
static struct part take_choices(struct reader *r)
{
    struct part all = take_sequence(r), next;

    while (r->p < r->end && *r->p == '|' && !r->bad) {
        r->p++;
        next = take_sequence(r);
        join(&all.first, &next.first);
        join(&all.last, &next.last);
        all.empty = all.empty || next.empty;
    }
    return all;
}

/* ---- the verdict */

static bool is_choice(const struct reader *r, const struct places *places)
{
    struct chars seen = {{0, 0, 0}};

    for (uint32_t i = 0; i < r->n; i++) {
        const struct chars *c = &r->chars[i];

        if ((places->of[i / 64] >> i % 64 & 1) == 0)
            continue;
        if (((seen.of[0] & c->of[0]) | (seen.of[1] & c->of[1]) | (seen.of[2] & c->of[2])) != 0)
            return true;
        put_all(&seen, c);
    }
    return false;
}

bool aps_xsd_ambiguous(apr_pool_t *pool, struct aps_str pattern)
{
    struct reader r = {.p = pattern.p, .end = pattern.p + pattern.n};
    struct part all;

    r.chars = apr_palloc(pool, PLACES * sizeof *r.chars);
    r.follow = apr_palloc(pool, PLACES * sizeof *r.follow);
    if (r.chars == NULL || r.follow == NULL)
        return true;
    all = take_choices(&r);
    if (r.bad || r.p != r.end || is_choice(&r, &all.first))
        return true;
    for (uint32_t i = 0; i < r.n; i++)
        if (is_choice(&r, &r.follow[i]))
            return true;
    return false;
}
