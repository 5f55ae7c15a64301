/* leak.c - many texts in one pass, over pieces.
 *
 * Of each text four bytes in a row are its anchor, those whose pairs are rare.  Every third byte of
 * the body is looked at with the one behind it: one of the anchor's three pairs is then among what
 * is seen, wherever it lies.  Where a pair is that of an anchor, the few places where that could
 * begin are looked at, in their order.  So what is found hangs neither on where it was begun to
 * look nor on how the body was cut.  A prefix of an own key may be shorter: then every second byte
 * is looked at. */
#include "apisec/leak.h"

#include "apisec/keytext.h"
#include "leak_impl.h"

#define BUCKETS 256
#define ROWS_MAX 256
#define ANCHORS 16384

struct aps_leak_rules {
    uint64_t pairs[65536 / 64];     /* bit p[0] + 256 * p[1] */
    uint64_t anchors[ANCHORS / 64]; /* bit anchor_hash() */
    struct aps_leak_row rows[ROWS_MAX];
    int16_t bucket[BUCKETS]; /* the first row whose anchor begins with such a pair, or -1 */
    uint16_t n;
    uint8_t stride;
    uint32_t mask; /* of an anchor's stride + 1 bytes */
    bool cards;
};

static const struct aps_leak_row texts[] = {
#define L(kind, text, tail) {APS_LEAK_##kind, false, 0, {text, sizeof(text) - 1}, tail, -1},
#define W(kind, text, tail) {APS_LEAK_##kind, true, 0, {text, sizeof(text) - 1}, tail, -1},
#include "apisec/leak.def"
#undef L
#undef W
};

#define TEXTS (sizeof texts / sizeof *texts)
_Static_assert(TEXTS < ROWS_MAX - 64, "rows have room for texts and some prefixes");

/* About how often a byte stands in JSON, HTML and English, of 100. */
static unsigned weight(char c)
{
    static const struct {
        const char *bytes;
        unsigned weight;
    } rows[] = {{" e\"", 10},  {"taoinsr,:", 8},       {"hldcu\n", 5},
                {"mpgfyw", 4}, {"0123456789<>/-=", 4}, {"bvk._", 2}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (c != '\0' && strchr(rows[i].bytes, c) != NULL)
            return rows[i].weight;
    return 1;
}

static inline unsigned pair_of(const char *p)
{
    return (unsigned char)p[0] | (unsigned)(unsigned char)p[1] << 8;
}

static unsigned bucket_of(const char *p)
{
    return ((unsigned char)p[0] * 31u + (unsigned char)p[1]) % BUCKETS;
}

/* Of the bytes of an anchor, the first of them lowest; below ANCHORS. */
static unsigned anchor_hash(uint32_t anchor)
{
    return (anchor * 2654435761u) >> 18;
}

static bool is_anchor(const struct aps_leak_rules *rules, uint32_t bytes)
{
    const unsigned hash = anchor_hash(bytes & rules->mask);

    return (rules->anchors[hash / 64] >> hash % 64 & 1) != 0;
}

/* Eight bytes, the first of them lowest. */
static uint64_t load(const char *p)
{
    uint64_t bytes;

    memcpy(&bytes, p, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes;
}

static void mark(struct aps_leak_rules *rules, unsigned pair)
{
    rules->pairs[pair / 64] |= UINT64_C(1) << pair % 64;
}

static unsigned cost_of(const struct aps_leak_rules *rules, const char *p)
{
    const unsigned pair = pair_of(p);

    return (rules->pairs[pair / 64] >> pair % 64 & 1) != 0 ? 0 : weight(p[0]) * weight(p[1]);
}

/* Where in the text the pairs are rarest; those that are looked for anyway cost nothing more. */
static uint8_t anchor_of(const struct aps_leak_rules *rules, struct aps_str text)
{
    const size_t stride = rules->stride;
    unsigned best = UINT32_MAX;
    size_t at = 0;

    for (size_t i = 0; i + stride < text.n; i++) {
        unsigned sum = 0;

        for (size_t k = 0; k < stride; k++)
            sum += cost_of(rules, text.p + i + k);
        if (sum < best) {
            best = sum;
            at = i;
        }
    }
    return (uint8_t)at;
}

/* The rows before it in its bucket come first. */
static void link_row(struct aps_leak_rules *rules, int16_t index)
{
    struct aps_leak_row *row = &rules->rows[index];
    int16_t *to;

    uint32_t anchor = 0;
    unsigned hash;

    row->anchor = anchor_of(rules, row->text);
    row->next = -1;
    for (unsigned k = 0; k <= rules->stride; k++)
        anchor |= (uint32_t)(unsigned char)row->text.p[row->anchor + k] << 8 * k;
    hash = anchor_hash(anchor);
    rules->anchors[hash / 64] |= UINT64_C(1) << hash % 64;
    for (unsigned k = 0; k < rules->stride; k++)
        mark(rules, pair_of(row->text.p + row->anchor + k));
    to = &rules->bucket[bucket_of(row->text.p + row->anchor)];
    while (*to >= 0)
        to = &rules->rows[*to].next;
    *to = index;
}

static void mark_digits(struct aps_leak_rules *rules)
{
    for (unsigned a = '0'; a <= '9'; a++)
        for (unsigned b = '0'; b <= '9'; b++)
            mark(rules, a | b << 8);
}

/* PREFIX_ as the text of a row. */
static enum aps_err add_prefix(struct aps_leak_rules *rules, apr_pool_t *pool,
                               struct aps_str prefix)
{
    char *text;

    if (!aps_keytext_is_prefix(prefix))
        return APS_ERR_FORMAT;
    if (rules->n == ROWS_MAX)
        return APS_ERR_RANGE;
    if ((text = apr_palloc(pool, prefix.n + 1)) == NULL)
        return APS_ERR_NOMEM;
    memcpy(text, prefix.p, prefix.n);
    text[prefix.n] = '_';
    rules->rows[rules->n++] = (struct aps_leak_row){
        .kind = APS_LEAK_OWN_KEY, .word = true, .text = {text, prefix.n + 1}, .tail = ""};
    if (prefix.n + 1 < 4)
        rules->stride = 2;
    return APS_OK;
}

enum aps_err aps_leak_rules_new(apr_pool_t *pool, unsigned kinds, const struct aps_str *prefixes,
                                size_t n, const struct aps_leak_rules **out)
{
    struct aps_leak_rules *rules = apr_pcalloc(pool, sizeof *rules);
    enum aps_err err;

    if (rules == NULL)
        return APS_ERR_NOMEM;
    rules->stride = 3;
    memset(rules->bucket, -1, sizeof rules->bucket);
    for (size_t i = 0; i < TEXTS; i++)
        if ((kinds >> texts[i].kind & 1) != 0)
            rules->rows[rules->n++] = texts[i];
    for (size_t i = 0; i < n && (kinds >> APS_LEAK_OWN_KEY & 1) != 0; i++)
        if ((err = add_prefix(rules, pool, prefixes[i])) != APS_OK)
            return err;
    rules->mask = rules->stride == 3 ? UINT32_MAX : 0xffffff;
    rules->cards = (kinds >> APS_LEAK_CARD & 1) != 0;
    if (rules->cards)
        mark_digits(rules);
    for (uint16_t i = 0; i < rules->n; i++)
        link_row(rules, (int16_t)i);
    *out = rules;
    return APS_OK;
}

void aps_leak_init(struct aps_leak *s, apr_pool_t *pool, const struct aps_leak_rules *rules,
                   aps_leak_fn *tell, void *ctx)
{
    *s = (struct aps_leak){.rules = rules, .pool = pool, .tell = tell, .ctx = ctx};
}

/* A finding from `start` to `end` of the window. */
static void found(struct aps_leak *s, enum aps_leak_kind kind, const char *text, size_t start,
                  size_t end)
{
    const struct aps_leak_finding finding = {
        .kind = kind, .text = text, .offset = s->base + start, .length = end - start};

    s->floor = s->next = end;
    s->stopped = !s->tell(s->ctx, &finding);
}

static enum aps_leak_answer judge_row(const struct aps_leak_window *w,
                                      const struct aps_leak_row *row, size_t start, size_t *out_end)
{
    const size_t end = start + row->text.n;

    if (w->n - start < row->text.n || memcmp(w->p + start, row->text.p, row->text.n) != 0)
        return APS_LEAK_NO;
    if (row->word && aps_leak_is_word_before(w, start))
        return APS_LEAK_NO;
    if (row->kind == APS_LEAK_PRIVATE_KEY)
        return aps_leak_key_pem(w, end, out_end);
    if (row->kind == APS_LEAK_OWN_KEY)
        return aps_leak_key_own(w, start, (struct aps_str){row->text.p, row->text.n - 1}, out_end);
    return aps_leak_tail(w, end, row->tail, out_end);
}

/* What begins so that its anchor is at `at`, the first that there is.  MORE: look again. */
static enum aps_leak_answer look(struct aps_leak *s, const struct aps_leak_window *w, size_t at)
{
    const struct aps_leak_rules *rules = s->rules;
    enum aps_leak_answer answer;
    size_t end;

    for (int16_t i = rules->bucket[bucket_of(w->p + at)]; i >= 0; i = rules->rows[i].next) {
        const struct aps_leak_row *row = &rules->rows[i];

        if (at < s->floor + row->anchor)
            continue;
        answer = judge_row(w, row, at - row->anchor, &end);
        if (answer == APS_LEAK_YES)
            found(s, row->kind, row->kind == APS_LEAK_OWN_KEY ? "" : row->text.p, at - row->anchor,
                  end);
        if (answer != APS_LEAK_NO)
            return answer;
    }
    if (!rules->cards || !aps_leak_is_digit(w->p[at]) ||
        (at > 0 && aps_leak_is_digit(w->p[at - 1])))
        return APS_LEAK_NO;
    answer = aps_leak_key_card(w, at, &end);
    if (answer == APS_LEAK_YES)
        found(s, APS_LEAK_CARD, "", at, end);
    return answer;
}

/* Whether a number of four digits and more begins at `p`, as those of cards do. */
static inline bool is_number(const char *p)
{
    return p[0] >= '2' && p[0] <= '6' && aps_leak_is_digit(p[1]) && aps_leak_is_digit(p[2]) &&
           aps_leak_is_digit(p[3]) && !aps_leak_is_digit(p[-1]);
}

/* Whether no text begins at `p` nor at the stride's places before it. */
static inline bool is_free(const struct aps_leak_rules *rules, const char *p)
{
    const uint64_t bytes = load(p - (rules->stride - 1));

    if (is_anchor(rules, (uint32_t)bytes) || is_anchor(rules, (uint32_t)(bytes >> 8)))
        return false;
    return rules->stride == 2 || !is_anchor(rules, (uint32_t)(bytes >> 16));
}

/* The same for numbers; `first`: of these places one is the body's first. */
static inline bool is_free_of_numbers(const struct aps_leak_rules *rules, const char *p, bool first)
{
    if (!rules->cards || !aps_leak_is_digit(p[0]) || !aps_leak_is_digit(p[1]))
        return true;
    if (first)
        return false;
    if (aps_leak_is_digit(p[-1]) && aps_leak_is_digit(p[-2]) && aps_leak_is_digit(p[-3]))
        return true;
    return !is_number(p) && !is_number(p - 1) && !is_number(p - 2);
}

/* The places from s->next up to `to`, each once.  False: one of them hangs on what follows, or no
 * more is wanted. */
static bool look_through(struct aps_leak *s, const struct aps_leak_window *w, size_t to)
{
    while (s->next < to) {
        const size_t at = s->next;
        const enum aps_leak_answer answer = look(s, w, at);

        if (answer == APS_LEAK_MORE || s->stopped)
            return false;
        if (answer == APS_LEAK_NO)
            s->next = at + 1;
    }
    return true;
}

/* From `at` on in steps of `stride` to the first marked pair, or beyond `last`. */
static size_t skip(const struct aps_leak_rules *rules, const char *p, size_t at, size_t last,
                   size_t stride)
{
    for (; at <= last; at += stride) {
        const unsigned pair = pair_of(p + at);

        if ((rules->pairs[pair / 64] >> pair % 64 & 1) != 0)
            break;
    }
    return at;
}

/* As far as what is ahead allows. */
static void scan(struct aps_leak *s, const struct aps_leak_window *w)
{
    const size_t stride = s->rules->stride, back = stride - 1;

    s->want = 0;
    while (s->next + stride + APS_LEAK_AHEAD <= w->n) {
        const size_t last = w->n - APS_LEAK_AHEAD - 1;
        const size_t at = stride == 3 ? skip(s->rules, w->p, s->next + back, last, 3)
                                      : skip(s->rules, w->p, s->next + back, last, stride);

        s->next = at - back;
        if (at > last)
            break;
        if (is_free(s->rules, w->p + at) && is_free_of_numbers(s->rules, w->p + at, s->next < 4)) {
            s->next += stride;
        } else if (!look_through(s, w, at + 1)) {
            s->want = 2 * (w->n - s->next) + APS_LEAK_BEHIND; /* then it costs as much again */
            return;
        }
    }
    if (w->final && w->n > 0)
        (void)look_through(s, w, w->n - 1); /* nothing hangs on what follows */
}

/* Make room for `n` bytes in all. */
static bool make_room(struct aps_leak *s, size_t n)
{
    size_t cap = s->held_cap != 0 ? s->held_cap : 1024;
    char *p;

    if (n <= s->held_cap)
        return true;
    while (cap < n)
        cap *= 2;
    if ((p = apr_palloc(s->pool, cap)) == NULL)
        return false;
    if (s->held_n != 0)
        memcpy(p, s->held, s->held_n);
    s->held = p;
    s->held_cap = cap;
    return true;
}

/* Of a window, the bytes that are done: all before s->next but some. */
static size_t done_of(const struct aps_leak *s)
{
    return s->next > APS_LEAK_BEHIND ? s->next - APS_LEAK_BEHIND : 0;
}

static void forget(struct aps_leak *s, size_t n)
{
    s->base += n;
    s->next -= n;
    s->floor = s->floor > n ? s->floor - n : 0;
}

/* Look through a piece where it lies, and keep its end. */
static enum aps_err scan_piece(struct aps_leak *s, struct aps_str piece)
{
    const struct aps_leak_window w = {piece.p, piece.n, false};
    size_t done;

    scan(s, &w);
    done = s->stopped ? 0 : done_of(s);
    if (s->stopped)
        return APS_OK;
    if (!make_room(s, piece.n - done))
        return APS_ERR_NOMEM;
    memcpy(s->held, piece.p + done, piece.n - done);
    s->held_n = piece.n - done;
    forget(s, done);
    return APS_OK;
}

/* Add to what is held, and look through that.  Once all that is left is of the piece, `*piece` is
 * what it has from there on, and nothing is held. */
static enum aps_err scan_held(struct aps_leak *s, struct aps_str *piece)
{
    const size_t before = s->held_n;
    const size_t want = s->want > before + 256 ? s->want : before + 256;
    const size_t n = piece->n < want - before ? piece->n : want - before;
    size_t done;

    if (!make_room(s, before + n))
        return APS_ERR_NOMEM;
    memcpy(s->held + before, piece->p, n);
    s->held_n += n;
    *piece = (struct aps_str){piece->p + n, piece->n - n};
    if (s->held_n < s->want)
        return APS_OK;
    scan(s, &(const struct aps_leak_window){s->held, s->held_n, false});
    if (s->stopped)
        return APS_OK;
    done = done_of(s);
    if (done >= before && piece->n != 0) {
        const size_t back = s->held_n - done;

        *piece = (struct aps_str){piece->p - back, piece->n + back};
        s->held_n = 0;
    } else {
        memmove(s->held, s->held + done, s->held_n - done);
        s->held_n -= done;
    }
    forget(s, done);
    return APS_OK;
}

enum aps_err aps_leak_feed(struct aps_leak *s, struct aps_str piece)
{
    enum aps_err err = APS_OK;

    while (piece.n != 0 && !s->stopped && err == APS_OK) {
        if (s->held_n != 0) {
            err = scan_held(s, &piece);
        } else {
            err = scan_piece(s, piece);
            piece.n = 0;
        }
    }
    return err;
}

void aps_leak_end(struct aps_leak *s)
{
    if (!s->stopped)
        scan(s, &(const struct aps_leak_window){s->held, s->held_n, true});
    s->base += s->held_n;
    s->held_n = s->next = s->floor = 0;
}

uint64_t aps_leak_settled(const struct aps_leak *s)
{
    const size_t first = s->next > APS_LEAK_TEXT_MAX ? s->next - APS_LEAK_TEXT_MAX : 0;

    return s->base + (first > s->floor ? first : s->floor);
}

const char *aps_leak_kind_name(enum aps_leak_kind kind)
{
    static const char *const names[APS_LEAK_KINDS] = {
        "stack_trace", "sql_error", "directory_listing", "private_key", "card", "own_key", "token"};

    return (unsigned)kind < APS_LEAK_KINDS ? names[kind] : "unknown";
}
