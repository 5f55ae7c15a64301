/* json.c - a JSON writer for hot paths: one bounds check for a value, plain text copied sixteen
 * bytes at a time, and a slower way for the rest.
 *
 * Inside of an object or array every value is written with the comma behind it, and the end of the
 * level takes the last one back; so no value has to ask whether it is the first.  A comma that does
 * not fit is left away: then not one byte fits, and nothing can follow that would need it. */
#include "apisec/json.h"

#include "apisec/num.h"
#include "bytes16.h"

#define POOL_CAP 512 /* what a growing buffer begins with */

void aps_json_init(struct aps_json *w, char *buf, size_t cap)
{
    *w = (struct aps_json){.buf = buf, .cap = cap};
}

void aps_json_init_pool(struct aps_json *w, apr_pool_t *pool, unsigned spaces)
{
    *w = (struct aps_json){.pool = pool, .spaces = spaces};
}

/* The fast ways are for one line, within an object or array. */
static void set_fast(struct aps_json *w)
{
    w->fast = w->spaces == 0 && w->depth > 0 ? w->cap : 0;
}

/* Nothing of what began at `start` stays, and no call writes any more: no room is left. */
static void set_full(struct aps_json *w, size_t start)
{
    w->full = true;
    w->len = start;
    w->cap = start;
    w->fast = 0;
}

/* One byte beyond `cap` is kept for the NUL of aps_json_text. */
static bool grow(struct aps_json *w, size_t n)
{
    size_t cap = w->cap != 0 ? w->cap : POOL_CAP;
    char *buf;

    if (w->pool == NULL || w->full || n > SIZE_MAX / 4 - w->len)
        return false;
    while (cap - w->len < n)
        cap *= 2;
    buf = apr_palloc(w->pool, cap + 1);
    if (buf == NULL)
        return false;
    if (w->len > 0)
        memcpy(buf, w->buf, w->len);
    w->buf = buf;
    w->cap = cap;
    set_fast(w);
    return true;
}

/* Whether `n` more bytes fit. */
static bool has_room(struct aps_json *w, size_t n)
{
    return w->cap - w->len >= n || grow(w, n);
}

static bool put(struct aps_json *w, const char *p, size_t n)
{
    if (!has_room(w, n))
        return false;
    if (n > 0)
        memcpy(w->buf + w->len, p, n);
    w->len += n;
    return true;
}

static bool put_line_break(struct aps_json *w)
{
    size_t n = 1 + (size_t)w->depth * w->spaces;

    if (!has_room(w, n))
        return false;
    memset(w->buf + w->len, ' ', n);
    w->buf[w->len] = '\n';
    w->len += n;
    return true;
}

/* What stands before a name or value.  The outermost value stands alone.  After a name, the only
 * text that ends in a space, no line is broken. */
static bool begin(struct aps_json *w)
{
    if (w->full || (w->depth == 0 && w->len > 0))
        return false;
    if (w->spaces == 0 || w->depth == 0 || w->buf[w->len - 1] == ' ')
        return true;
    return put_line_break(w);
}

/* What stands behind a value. */
static void finish(struct aps_json *w)
{
    if (w->depth > 0 && !put(w, ",", 1) && w->pool != NULL)
        set_full(w, w->len); /* out of memory now, perhaps not later */
}

static void put_token(struct aps_json *w, const char *p, size_t n)
{
    size_t start = w->len;

    if (begin(w) && put(w, p, n))
        finish(w);
    else
        set_full(w, start);
}

static void open_level(struct aps_json *w, char open, char close)
{
    size_t start = w->len;

    if (w->depth == APS_JSON_DEPTH || !begin(w) || !put(w, &open, 1)) {
        set_full(w, start);
        return;
    }
    w->close[w->depth++] = close;
    set_fast(w);
}

void aps_json_object(struct aps_json *w)
{
    open_level(w, '{', '}');
}

void aps_json_array(struct aps_json *w)
{
    open_level(w, '[', ']');
}

void aps_json_end(struct aps_json *w)
{
    size_t start = w->len;
    bool fits = !w->full && w->depth > 0;

    if (start < w->fast && w->depth > 1 && w->buf[start - 1] == ',') {
        w->buf[start - 1] = w->close[--w->depth];
        w->buf[start] = ',';
        w->len = start + 1;
        return;
    }
    if (fits) {
        w->depth--;
        if (w->buf[start - 1] == ',') {
            w->len--;
            fits = w->spaces == 0 || put_line_break(w);
        }
        fits = fits && put(w, &w->close[w->depth], 1);
    }
    if (!fits) {
        set_full(w, start);
        return;
    }
    set_fast(w);
    finish(w);
}

void aps_json_name_n(struct aps_json *w, const char *name, size_t n)
{
    size_t start = w->len;

    if (!begin(w) || !put(w, "\"", 1) || !put(w, name, n) ||
        !put(w, "\": ", w->spaces == 0 ? 2 : 3))
        set_full(w, start);
}

/* Plain bytes stand for themselves: ASCII but controls, DEL, quote and backslash.  The high bit is
 * set in a byte beyond ASCII, in DEL once one is added, and in controls once 0x21 is taken away;
 * exchanging 0x20 and 0x22 before lets that find the quote and not the space. */
static inline bool is_plain(bytes16 x)
{
    halves16 found = (halves16)(x | (x + 1) | ((x ^ 2) - 0x21) | (bytes16)(x == '\\'));

    return ((found[0] | found[1]) & 0x8080808080808080u) == 0;
}

/* The sixteen bytes from `from` on, copied to `to`. */
static inline bytes16 copy16(char *to, const char *from)
{
    bytes16 x;

    memcpy(&x, from, sizeof x);
    memcpy(to, &x, sizeof x);
    return x;
}

/* Texts of less than sixteen bytes: two halves, or at last three bytes, that may overlap. */
static inline bytes16 copy_short(char *to, const char *from, size_t n)
{
    uint64_t head, tail;
    uint32_t head4, tail4;

    if (n >= 8) {
        memcpy(&head, from, 8);
        memcpy(&tail, from + n - 8, 8);
        memcpy(to, &head, 8);
        memcpy(to + n - 8, &tail, 8);
    } else if (n >= 4) {
        memcpy(&head4, from, 4);
        memcpy(&tail4, from + n - 4, 4);
        memcpy(to, &head4, 4);
        memcpy(to + n - 4, &tail4, 4);
        head = tail = (uint64_t)head4 << 32 | tail4;
    } else {
        head = 0x2020202020202020u;
        if (n > 0) {
            to[0] = from[0];
            to[n / 2] = from[n / 2];
            to[n - 1] = from[n - 1];
            head = head << 24 | (uint64_t)(uint8_t)from[0] << 16 |
                   (uint64_t)(uint8_t)from[n / 2] << 8 | (uint8_t)from[n - 1];
        }
        tail = head;
    }
    return (bytes16)(halves16){head, tail};
}

/* Copy `n` bytes if all are plain; else some of them, and return false.  The tail of a long text is
 * taken together with bytes before it. */
static inline bool copy_plain(char *to, const char *from, size_t n)
{
    bytes16 x;

    if (n < sizeof x) {
        x = copy_short(to, from, n);
    } else {
        const char *last = from + n - sizeof x;

        for (; from < last; from += sizeof x, to += sizeof x)
            if (!is_plain(copy16(to, from)))
                return false;
        x = copy16(to - (from - last), last);
    }
    return is_plain(x);
}

static const bool plain[256] = {
    [' '] = true,
    ['!'] = true,
    ['#' ... '['] = true,
    [']' ... '~'] = true,
};

static size_t count_plain(struct aps_str s)
{
    size_t n = 0;

    while (n < s.n && plain[(unsigned char)s.p[n]])
        n++;
    return n;
}

static char hex(uint32_t value)
{
    return "0123456789abcdef"[value & 15];
}

/* Write the first character of `s` the way that a JSON string takes it; sets the number of bytes
 * read and returns that of bytes written. */
static size_t escape(struct aps_str s, char out[6], size_t *out_read)
{
    uint32_t code;
    size_t n = aps_str_utf8_code(s, &code);

    *out_read = n != 0 ? n : 1;
    if (n == 0) {
        unsigned char c = (unsigned char)s.p[0];

        memcpy(out, "\\\\x", 3);
        out[3] = hex(c >> 4);
        out[4] = hex(c);
        return 5;
    }
    if (aps_str_is_control(code)) { /* all are below U+10000 */
        memcpy(out, "\\u", 2);
        out[2] = hex(code >> 12);
        out[3] = hex(code >> 8);
        out[4] = hex(code >> 4);
        out[5] = hex(code);
        return 6;
    }
    if (code == '"' || code == '\\') {
        out[0] = '\\';
        out[1] = (char)code;
        return 2;
    }
    memcpy(out, s.p, n);
    return n;
}

/* The inside of a string.  No byte becomes less than one, so one check for them all comes first. */
static bool put_escaped(struct aps_json *w, struct aps_str s)
{
    char text[6];
    size_t n;

    if (!has_room(w, s.n))
        return false;
    while (s.n > 0) {
        n = count_plain(s);
        if (n > 0) {
            if (!put(w, s.p, n))
                return false;
        } else if (!put(w, text, escape(s, text, &n))) {
            return false;
        }
        s.p += n;
        s.n -= n;
    }
    return true;
}

/* Any string, anywhere. */
static void put_string(struct aps_json *w, struct aps_str s, struct aps_str mark)
{
    size_t start = w->len;

    if (begin(w) && put(w, "\"", 1) && put_escaped(w, s) && put(w, mark.p, mark.n) &&
        put(w, "\"", 1))
        finish(w);
    else
        set_full(w, start);
}

void aps_json_str(struct aps_json *w, struct aps_str value)
{
    char *p;

    if (w->len + value.n + 3 <= w->fast) {
        p = w->buf + w->len;
        *p = '"';
        if (copy_plain(p + 1, value.p, value.n)) {
            p[value.n + 1] = '"';
            p[value.n + 2] = ',';
            w->len += value.n + 3;
            return;
        }
    }
    put_string(w, value, (struct aps_str){NULL, 0});
}

/* The largest length up to `max` that does not end within a valid character. */
static size_t cut_length(struct aps_str s, size_t max)
{
    for (size_t back = 1; back <= 3 && back <= max; back++)
        if (aps_str_utf8((struct aps_str){s.p + max - back, s.n - max + back}) > back)
            return max - back;
    return max;
}

void aps_json_str_max(struct aps_json *w, struct aps_str value, size_t max)
{
    if (value.n <= max)
        aps_json_str(w, value);
    else
        put_string(w, (struct aps_str){value.p, cut_length(value, max)}, APS_STR_LIT("..."));
}

void aps_json_u64(struct aps_json *w, uint64_t value)
{
    char digits[20];
    char *end;

    if (w->len + sizeof digits + 1 <= w->fast) {
        end = aps_num_put(w->buf + w->len, value);
        *end = ',';
        w->len = (size_t)(end + 1 - w->buf);
        return;
    }
    end = aps_num_put(digits, value);
    put_token(w, digits, (size_t)(end - digits));
}

void aps_json_bool(struct aps_json *w, bool value)
{
    put_token(w, value ? "true" : "false", value ? 4 : 5);
}

void aps_json_null(struct aps_json *w)
{
    put_token(w, "null", 4);
}

void aps_json_raw(struct aps_json *w, struct aps_str json)
{
    if (json.n > 0)
        put_token(w, json.p, json.n);
    else
        aps_json_null(w);
}

struct aps_str aps_json_text(const struct aps_json *w)
{
    if (w->pool != NULL && w->buf == NULL)
        return APS_STR_LIT("");
    if (w->pool != NULL)
        w->buf[w->len] = '\0';
    return (struct aps_str){w->buf, w->len};
}

void aps_json_forget(struct aps_json *w, size_t n)
{
    if (w->pool == NULL || n >= w->len)
        return;
    memmove(w->buf, w->buf + n, w->len - n);
    w->len -= n;
}
