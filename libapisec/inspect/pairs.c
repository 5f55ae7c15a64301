/* pairs.c - pairs, and percent-encoding. */
#include "pairs.h"

#include "apisec/num.h"

/* The byte that "%hh" at `at` stands for, or -1. */
static int byte_at(struct aps_str s, size_t at)
{
    int high, low;

    if (s.n - at < 3 || (high = aps_num_hex(s.p[at + 1])) < 0 ||
        (low = aps_num_hex(s.p[at + 2])) < 0)
        return -1;
    return high << 4 | low;
}

/* Whether there is anything to decode. */
static bool is_plain(const struct decoder *d, struct aps_str s)
{
    return s.n == 0 || ((!d->percent || memchr(s.p, '%', s.n) == NULL) &&
                        (!d->plus || memchr(s.p, '+', s.n) == NULL));
}

static enum pairs_fault decode(struct decoder *d, struct aps_str raw, struct aps_str *out)
{
    char *text = apr_palloc(d->pool, raw.n), *to = text;
    int byte;

    if (text == NULL)
        return PAIRS_NOMEM;
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '%' && d->percent) {
            if ((byte = byte_at(raw, i)) < 0)
                return PAIRS_PERCENT;
            *to++ = (char)byte;
            i += 2;
        } else {
            *to++ = raw.p[i] == '+' && d->plus ? ' ' : raw.p[i];
        }
    }
    *out = (struct aps_str){text, (size_t)(to - text)};
    return PAIRS_OK;
}

/* Of decoded bytes: UTF-8 without NUL; *io_doubled is set where %hh is left. */
static enum pairs_fault look(struct aps_str s, bool *io_doubled)
{
    size_t n;

    for (size_t i = 0; i < s.n; i += n) {
        const unsigned char c = (unsigned char)s.p[i];

        if (c == '\0')
            return PAIRS_NUL;
        if (c == '%' && byte_at(s, i) >= 0)
            *io_doubled = true;
        n = 1;
        if (c >= 0x80 && (n = aps_str_utf8((struct aps_str){s.p + i, s.n - i})) == 0)
            return PAIRS_UTF8;
    }
    return PAIRS_OK;
}

enum pairs_fault aps_pairs_decode(struct decoder *d, struct aps_str raw, struct aps_str *out)
{
    struct aps_str text = raw;
    enum pairs_fault fault = is_plain(d, raw) ? PAIRS_OK : decode(d, raw, &text);
    bool doubled = false;

    if (fault == PAIRS_OK)
        fault = look(text, &doubled);
    if (fault != PAIRS_OK)
        return fault;
    d->doubled |= doubled && d->percent;
    *out = text;
    return PAIRS_OK;
}

const char *aps_pairs_want(enum pairs_fault fault)
{
    switch (fault) {
    case PAIRS_PERCENT:
        return "two hexadecimal digits behind each %";
    case PAIRS_UTF8:
        return "UTF-8";
    case PAIRS_NUL:
        return "text without NUL";
    default:
        return "a text that memory has room for";
    }
}

static void read_pair(struct decoder *d, struct aps_str piece, struct pair *out)
{
    const char *equals = memchr(piece.p, '=', piece.n);
    const size_t n = equals != NULL ? (size_t)(equals - piece.p) : piece.n;
    struct aps_str value;

    *out = (struct pair){.raw = piece, .name = {piece.p, n}, .named = equals != NULL};
    out->value = (struct aps_str){piece.p + n + out->named, piece.n - n - out->named};
    out->fault = aps_pairs_decode(d, out->name, &out->name);
    if (out->fault == PAIRS_OK)
        out->fault = aps_pairs_decode(d, out->value, &value);
}

static uint32_t count(struct aps_str text, char sep, uint32_t most)
{
    struct aps_str piece;
    uint32_t n = 0;

    while (n <= most && aps_str_next(&text, sep, &piece))
        n++;
    return n;
}

bool aps_pairs_read(struct decoder *d, struct aps_str text, char sep, bool blanks, uint32_t most,
                    struct pairs *out)
{
    const uint32_t n = count(text, sep, most);
    struct aps_str piece;

    *out = (struct pairs){.n = 0};
    if (n > most || (n > 0 && (out->list = apr_palloc(d->pool, n * sizeof *out->list)) == NULL))
        return false;
    while (aps_str_next(&text, sep, &piece)) {
        if (blanks)
            piece = aps_str_trim(piece);
        if (piece.n > 0)
            read_pair(d, piece, &out->list[out->n++]);
    }
    return true;
}

/* The slot of this name, or the empty one where it would be. */
static struct pair **slot_of(const struct pairs *pairs, struct aps_str name)
{
    uint32_t at = (uint32_t)aps_siphash_64(name, pairs->key) & pairs->mask;

    while (pairs->slots[at] != NULL && !aps_str_eq(pairs->slots[at]->name, name))
        at = (at + 1) & pairs->mask;
    return &pairs->slots[at];
}

bool aps_pairs_link(struct pairs *pairs, apr_pool_t *pool, const unsigned char *key)
{
    struct pair **slot;

    if (pairs->n == 0)
        return true;
    for (pairs->mask = 7; pairs->mask < 2 * pairs->n; pairs->mask = 2 * pairs->mask + 1)
        ;
    pairs->key = key;
    if ((pairs->slots = apr_pcalloc(pool, (pairs->mask + 1u) * sizeof(void *))) == NULL)
        return false;
    for (uint32_t i = pairs->n; i-- > 0;) { /* from the last on, so that chains are in order */
        slot = slot_of(pairs, pairs->list[i].name);
        pairs->list[i].next = *slot;
        *slot = &pairs->list[i];
    }
    return true;
}

struct pair *aps_pairs_get(const struct pairs *pairs, struct aps_str name)
{
    return pairs->slots != NULL ? *slot_of(pairs, name) : NULL;
}
