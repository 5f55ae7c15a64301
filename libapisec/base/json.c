/* json.c - a JSON writer for hot paths: one bounds check for a value, runs of plain bytes copied
 * eight at a time, and a slower way for the rest. */
#include "apisec/json.h"

#include "apisec/num.h"

#define POOL_CAP 512 /* what a growing buffer begins with */

void aps_json_init(struct aps_json *w, char *buf, size_t cap)
{
    *w = (struct aps_json){.buf = buf, .cap = cap, .first = true};
}

void aps_json_init_pool(struct aps_json *w, apr_pool_t *pool, unsigned spaces)
{
    *w = (struct aps_json){.pool = pool, .spaces = spaces, .first = true};
}

/* Nothing of what began at `start` stays, and no call writes any more: no room is left. */
static void set_full(struct aps_json *w, size_t start)
{
    w->full = true;
    w->len = start;
    w->cap = start;
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
    return true;
}

/* Whether `n` more bytes fit. */
static inline bool has_room(struct aps_json *w, size_t n)
{
    return w->cap - w->len >= n || grow(w, n);
}

static bool put(struct aps_json *w, const char *p, size_t n)
{
    if (!has_room(w, n))
        return false;
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

/* What stands before a value when lines are broken.  After a name, the only text that ends in a
 * space, nothing does. */
static bool begin_spaced(struct aps_json *w, size_t n)
{
    bool named = w->len > 0 && w->buf[w->len - 1] == ' ';

    if (!w->first && !put(w, ",", 1))
        return false;
    if (w->depth > 0 && !named && !put_line_break(w))
        return false;
    return has_room(w, n);
}

/* Write what stands before a value, and make sure of `n` bytes for it.  False, and the writer is
 * full, when they do not fit. */
static inline bool begin(struct aps_json *w, size_t n)
{
    size_t start = w->len;
    size_t comma = w->first ? 0 : 1;

    if (w->spaces == 0 && w->cap - start >= n + comma) {
        w->buf[start] = ','; /* n is never 0, so there is a byte here also without a comma */
        w->len = start + comma;
        return true;
    }
    if (w->spaces == 0 ? (!comma || put(w, ",", 1)) && has_room(w, n) : begin_spaced(w, n))
        return true;
    set_full(w, start);
    return false;
}

static void put_token(struct aps_json *w, const char *p, size_t n)
{
    if (!begin(w, n))
        return;
    memcpy(w->buf + w->len, p, n);
    w->len += n;
    w->first = false;
}

static void open_level(struct aps_json *w, char open, char close)
{
    if (w->depth == APS_JSON_DEPTH) {
        set_full(w, w->len);
        return;
    }
    if (!begin(w, 1))
        return;
    w->buf[w->len++] = open;
    w->close[w->depth++] = close;
    w->first = true;
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

    if (fits) {
        w->depth--;
        fits = (w->first || w->spaces == 0 || put_line_break(w)) && put(w, &w->close[w->depth], 1);
    }
    if (!fits)
        set_full(w, start);
    w->first = false;
}

void aps_json_name_n(struct aps_json *w, const char *name, size_t n)
{
    char *p;

    if (!begin(w, n + (w->spaces == 0 ? 3 : 4)))
        return;
    p = w->buf + w->len;
    *p = '"';
    memcpy(p + 1, name, n);
    p += 1 + n;
    p[0] = '"';
    p[1] = ':';
    p += 2;
    if (w->spaces != 0)
        *p++ = ' ';
    w->len = (size_t)(p - w->buf);
    w->first = true;
}

/* Bytes that stand for themselves: ASCII but controls, DEL, quote and backslash. */
static const bool plain[256] = {
    [' '] = true,
    ['!'] = true,
    ['#' ... '['] = true,
    [']' ... '~'] = true,
};

#define EACH(byte) (0x0101010101010101u * (byte))

/* The same for eight bytes at once.  Adding or subtracting sets the high bit of the byte that is
 * looked for; a carry reaches only beyond a byte that is already found, and a byte whose high bit
 * is set from the start is not plain. */
static inline bool is_plain8(uint64_t x)
{
    uint64_t found = x | (x + EACH(1)) | (x - EACH(0x20)) | ((x ^ EACH('"')) - EACH(1)) |
                     ((x ^ EACH('\\')) - EACH(1));

    return (found & EACH(0x80)) == 0;
}

/* Copy the plain bytes that `from` begins with; returns their number.  May write all `n` bytes. */
static inline size_t copy_plain(char *to, const char *from, size_t n)
{
    uint64_t x;
    size_t i = 0;

    while (n - i >= sizeof x) {
        memcpy(&x, from + i, sizeof x);
        if (!is_plain8(x))
            break;
        memcpy(to + i, &x, sizeof x);
        i += sizeof x;
    }
    if (i > 0 && n - i < sizeof x) { /* the tail again with bytes before it, so as to have eight */
        memcpy(&x, from + n - sizeof x, sizeof x);
        if (is_plain8(x)) {
            memcpy(to + n - sizeof x, &x, sizeof x);
            return n;
        }
    }
    while (i < n && plain[(unsigned char)from[i]]) {
        to[i] = from[i];
        i++;
    }
    return i;
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

/* The rest of a string from its first byte that is not plain on.  What is left needs at least as
 * many bytes as it has, so that a check of these never refuses too early. */
static bool put_escaped(struct aps_json *w, struct aps_str s)
{
    char text[6];
    size_t n;

    while (s.n > 0) {
        if (!put(w, text, escape(s, text, &n)))
            return false;
        s.p += n;
        s.n -= n;
        if (!has_room(w, s.n))
            return false;
        n = copy_plain(w->buf + w->len, s.p, s.n);
        w->len += n;
        s.p += n;
        s.n -= n;
    }
    return true;
}

static void put_string(struct aps_json *w, struct aps_str s, struct aps_str mark)
{
    size_t start = w->len;
    size_t n;

    if (s.n > SIZE_MAX / 8) {
        set_full(w, start);
        return;
    }
    if (!begin(w, s.n + mark.n + 2))
        return;
    w->buf[w->len++] = '"';
    n = copy_plain(w->buf + w->len, s.p, s.n);
    w->len += n;
    if (n < s.n &&
        (!put_escaped(w, (struct aps_str){s.p + n, s.n - n}) || !has_room(w, mark.n + 1))) {
        set_full(w, start);
        return;
    }
    for (size_t i = 0; i < mark.n; i++)
        w->buf[w->len++] = mark.p[i];
    w->buf[w->len++] = '"';
    w->first = false;
}

void aps_json_str(struct aps_json *w, struct aps_str value)
{
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
        put_string(w, value, (struct aps_str){NULL, 0});
    else
        put_string(w, (struct aps_str){value.p, cut_length(value, max)}, APS_STR_LIT("..."));
}

void aps_json_u64(struct aps_json *w, uint64_t value)
{
    char digits[20];

    put_token(w, digits, (size_t)(aps_num_put(digits, value) - digits));
}

void aps_json_i64(struct aps_json *w, int64_t value)
{
    char digits[21] = "-";
    char *p = value < 0 ? digits + 1 : digits;

    p = aps_num_put(p, value < 0 ? -(uint64_t)value : (uint64_t)value);
    put_token(w, digits, (size_t)(p - digits));
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

void aps_json_put_str(struct aps_json *w, const char *name, const char *value)
{
    aps_json_name(w, name);
    if (value != NULL)
        aps_json_str(w, aps_str(value));
    else
        aps_json_null(w);
}

void aps_json_put_u64(struct aps_json *w, const char *name, uint64_t value)
{
    aps_json_name(w, name);
    aps_json_u64(w, value);
}

void aps_json_put_bool(struct aps_json *w, const char *name, bool value)
{
    aps_json_name(w, name);
    aps_json_bool(w, value);
}

struct aps_str aps_json_text(const struct aps_json *w)
{
    if (w->pool == NULL)
        return (struct aps_str){w->buf, w->len};
    if (w->buf == NULL)
        return APS_STR_LIT("");
    w->buf[w->len] = '\0';
    return (struct aps_str){w->buf, w->len};
}
