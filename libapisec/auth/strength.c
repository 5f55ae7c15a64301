/* strength.c - how hard a text from elsewhere is to guess, at most.
 *
 *   - a tag in front, such as `sk_live_`, and `=` at the end count nothing;
 *   - every other character counts as one drawn from the smallest alphabet that holds them all:
 *     digits, hexadecimal digits of one case, letters and digits of one case, base62, base64;
 *   - letters of one case without a digit may be words, and count two bits each;
 *   - a text with far fewer different characters than its length would have by chance counts as
 *     one drawn from those alone;
 *   - where more than three tenths of a text go on what came before, by steps (aaaa, 4567, fedc) or
 *     by a repeat of six or more characters, that part counts nothing;
 *   - a UUID counts the bits that its version leaves to chance.
 * The bounds lie far from what random texts show.  Of 32 random hexadecimal digits, the form that
 * has the least to spare, one text in three million has no letter and so falls to 106 bits; the
 * odds of a repeat and of steps together that pass the bounds work out as about 1 to 10^8. */
#include "apisec/strength.h"

#include "apisec/num.h"
#include "apisec/secret.h"

enum {
    TEXT_MAX = 256,
    TAGS_LEN = 12,
    TAG_MAX = 8,
    REPEAT_MIN = 6,
    UUID_LEN = 36,
    UUID_RANDOM = 122, /* version 4 */
    UUID_ORDERED = 74, /* version 7: the rest is its time */
    WORD_BITS = 200,   /* hundredths of a bit, as below */
};

/* Hundredths of the bits of one of `n` equally likely characters, rounded down. */
static unsigned bits_of(unsigned n)
{
    static const unsigned short log2_100[] = {
        0,   0,   100, 158, 200, 232, 258, 280, 300, 316, 332, 345, 358, 370, 380, 390, 400,
        408, 416, 424, 432, 439, 445, 452, 458, 464, 470, 475, 480, 485, 490, 495, 500, 504,
        508, 512, 516, 520, 524, 528, 532, 535, 539, 542, 545, 549, 552, 555, 558, 561, 564,
        567, 570, 572, 575, 578, 580, 583, 585, 588, 590, 593, 595, 597, 600,
    };
    const unsigned most = sizeof log2_100 / sizeof *log2_100 - 1;

    return log2_100[n < most ? n : most];
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- what a text is made of ---- */

struct census {
    bool lower, upper, digit, other;
    bool hex;          /* nothing but hexadecimal digits */
    unsigned distinct; /* different bytes */
};

static struct census count(struct aps_str s)
{
    struct census c = {.hex = true};
    bool seen[256] = {false};

    for (size_t i = 0; i < s.n; i++) {
        char b = s.p[i];

        c.lower |= is_lower(b);
        c.upper |= is_upper(b);
        c.digit |= is_digit(b);
        c.other |= !is_lower(b) && !is_upper(b) && !is_digit(b);
        c.hex &= aps_num_hex(b) >= 0;
        c.distinct += seen[(unsigned char)b] ? 0 : 1;
        seen[(unsigned char)b] = true;
    }
    return c;
}

/* How many characters the alphabet has. */
static unsigned alphabet_of(const struct census *c)
{
    if (c->other)
        return 64; /* more than base64 is not counted: marks that people add are few */
    if (c->lower && c->upper)
        return c->digit ? 62 : 52;
    if (!c->lower && !c->upper)
        return 10;
    if (c->hex)
        return 16;
    return c->digit ? 36 : 26;
}

/* Hundredths of a bit for each character. */
static unsigned each_of(struct aps_str s)
{
    struct census c = count(s);
    unsigned alphabet = alphabet_of(&c);
    size_t chance = s.n < alphabet ? s.n : alphabet;

    if (!c.digit && !c.other && !(c.lower && c.upper))
        return WORD_BITS;
    return bits_of(8 * c.distinct < 3 * chance ? c.distinct : alphabet);
}

/* ---- what goes on what came before ---- */

/* By the same step as before: up, down or not at all.  After 9 comes 0, as on a keyboard. */
static bool goes_on(const char *p)
{
    int before = p[-1] - p[-2], step = p[0] - p[-1];

    if (p[-1] == '9' && p[0] == '0')
        step = 1;
    if (p[-2] == '9' && p[-1] == '0')
        before = 1;
    return step == before && step >= -1 && step <= 1;
}

/* How many characters from `at` on stand the same way somewhere before; overlapping is repeating
 * too. */
static size_t repeat_at(struct aps_str s, size_t at)
{
    size_t best = 0;

    for (size_t from = 0; from < at; from++) {
        size_t n = 0;

        while (at + n < s.n && s.p[from + n] == s.p[at + n])
            n++;
        best = n > best ? n : best;
    }
    return best;
}

static size_t foreseen(struct aps_str s)
{
    size_t n = 0;

    for (size_t i = 1; i < s.n;) {
        size_t repeat = repeat_at(s, i);

        if (repeat >= REPEAT_MIN) {
            n += repeat;
            i += repeat;
        } else {
            n += i >= 2 && goes_on(s.p + i) ? 1 : 0;
            i++;
        }
    }
    return n;
}

/* ---- forms of their own ---- */

/* The version of a UUID, or -1 for a text that is none. */
static int uuid_version(struct aps_str s)
{
    if (s.n != UUID_LEN)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? s.p[i] != '-' : aps_num_hex(s.p[i]) < 0)
            return -1;
    }
    return aps_num_hex(s.p[14]);
}

static struct aps_str without_dashes(struct aps_str s, char out[TEXT_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '-')
            out[n++] = s.p[i];
    return (struct aps_str){out, n};
}

/* Lower-case letters, two digits at most, as of a version, and the mark that ends them: with more
 * digits, eight of a million random texts of 32 characters would seem to be tags for the most part.
 */
static size_t tag_len(struct aps_str s)
{
    size_t letters = 0, n;

    while (letters < s.n && letters < TAG_MAX && is_lower(s.p[letters]))
        letters++;
    for (n = letters; n < s.n && n < letters + 2 && is_digit(s.p[n]);)
        n++;
    return letters > 0 && n < s.n && (s.p[n] == '_' || s.p[n] == '-') ? n + 1 : 0;
}

/* So many characters at most, as `github_pat_` has nearly: random texts begin like tags now and
 * then, and one of 32 characters must keep its bits. */
static struct aps_str without_tags(struct aps_str s)
{
    size_t gone = 0, n;

    while ((n = tag_len(s)) != 0 && gone + n <= TAGS_LEN) {
        gone += n;
        s.p += n;
        s.n -= n;
    }
    return s;
}

unsigned aps_strength_bits(struct aps_str text)
{
    char plain[TEXT_MAX];
    unsigned most = UINT_MAX, bits;
    struct aps_str s = text;
    size_t gone;
    int version;

    if (text.n > TEXT_MAX)
        return 0;
    while (s.n > 0 && s.p[s.n - 1] == '=')
        s.n--;
    version = uuid_version(s);
    if (version >= 0) {
        most = version == 4 ? UUID_RANDOM : version == 7 ? UUID_ORDERED : 0;
        s = without_dashes(s, plain);
    } else {
        s = without_tags(s);
    }
    gone = foreseen(s);
    bits = each_of(s) * (unsigned)(10 * gone > 3 * s.n ? s.n - gone : s.n) / 100;
    aps_secret_cleanse(plain, sizeof plain);
    return bits < most ? bits : most;
}
