/* sf_bare.c - bare items of structured fields, read and printed. */
#include "apisec/b64.h"
#include "apisec/num.h"
#include "sf_impl.h"

/* ---- reading */

enum {
    INTEGER_DIGITS = 15, /* RFC 9651 3.3.1 */
    WHOLE_DIGITS = 12,   /* before the point of a decimal, 3.3.2 */
    FRACTION_DIGITS = 3,
};

/* Up to `max` digits onto `*value`; returns how many there are, max + 1 if more. */
static unsigned read_digits(struct sf_in *in, unsigned max, int64_t *value)
{
    unsigned n = 0;

    for (; in->p < in->end && sf_is_digit(*in->p); in->p++) {
        if (n++ == max)
            return n;
        *value = *value * 10 + (*in->p - '0');
    }
    return n;
}

/* Behind the point. */
static bool read_fraction(struct sf_in *in, int64_t *thousandths)
{
    unsigned n = read_digits(in, FRACTION_DIGITS, thousandths);

    if (n == 0 || n > FRACTION_DIGITS)
        return sf_bad(in, "one to three digits behind the point");
    for (; n < FRACTION_DIGITS; n++)
        *thousandths *= 10;
    return true;
}

/* RFC 9651 4.2.4 */
static bool read_number(struct sf_in *in, struct aps_sf *out)
{
    const bool negative = sf_take(in, '-');
    int64_t value = 0;
    unsigned n = read_digits(in, INTEGER_DIGITS, &value);

    if (n == 0 || n > INTEGER_DIGITS)
        return sf_bad(in, "a number of one to fifteen digits");
    out->kind = APS_SF_INTEGER;
    if (sf_take(in, '.')) {
        if (n > WHOLE_DIGITS)
            return sf_bad(in, "at most twelve digits before the point");
        if (!read_fraction(in, &value))
            return false;
        out->kind = APS_SF_DECIMAL;
    }
    out->number = negative ? -value : value;
    return true;
}

/* RFC 9651 4.2.9 */
static bool read_date(struct sf_in *in, struct aps_sf *out)
{
    in->p++;
    if (!read_number(in, out))
        return false;
    if (out->kind != APS_SF_INTEGER)
        return sf_bad(in, "a date in whole seconds");
    out->kind = APS_SF_DATE;
    return true;
}

/* RFC 9651 4.2.8 */
static bool read_boolean(struct sf_in *in, struct aps_sf *out)
{
    in->p++;
    if (in->p == in->end || (*in->p != '0' && *in->p != '1'))
        return sf_bad(in, "?0 or ?1");
    out->kind = APS_SF_BOOLEAN;
    out->number = *in->p++ - '0';
    return true;
}

/* RFC 9651 4.2.6 */
static bool read_token(struct sf_in *in, struct aps_sf *out)
{
    const char *start = in->p;

    while (in->p < in->end && sf_is_token(*in->p))
        in->p++;
    out->kind = APS_SF_TOKEN;
    out->text = (struct aps_str){start, (size_t)(in->p - start)};
    return true;
}

/* The string's bytes without their backslashes, of which there are some. */
static bool unescape(struct sf_in *in, struct aps_str raw, struct aps_str *out)
{
    char *to = apr_palloc(in->pool, raw.n);
    size_t n = 0;

    if (to == NULL)
        return sf_no_memory(in);
    for (size_t i = 0; i < raw.n; i++) {
        i += raw.p[i] == '\\';
        to[n++] = raw.p[i];
    }
    *out = (struct aps_str){to, n};
    return true;
}

/* RFC 9651 4.2.5 */
static bool read_string(struct sf_in *in, struct aps_sf *out)
{
    const char *start = ++in->p;
    bool escapes = false;

    for (; in->p < in->end && *in->p != '"'; in->p++) {
        if (*in->p == '\\') {
            escapes = true;
            if (++in->p == in->end || (*in->p != '"' && *in->p != '\\'))
                return sf_bad(in, "\" or \\ behind a backslash");
        } else if (!sf_is_printable(*in->p)) {
            return sf_bad(in, "printable ASCII in a string");
        }
    }
    if (in->p == in->end)
        return sf_bad(in, "a quote that ends the string");
    out->kind = APS_SF_STRING;
    out->text = (struct aps_str){start, (size_t)(in->p - start)};
    in->p++;
    return !escapes || unescape(in, out->text, &out->text);
}

/* Base64 that lacks its padding, or has bits behind its last byte that are not zero, as it should
 * be written; false: it is something else. */
static bool mend_base64(struct aps_str text, char *buf, struct aps_str *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = text.n, pads, over;
    const char *last;

    while (n != 0 && text.p[n - 1] == '=')
        n--;
    over = n % 4;
    pads = text.n - n;
    if (over < 2 || (pads != 0 && over + pads != 4) ||
        (last = memchr(digits, text.p[n - 1], sizeof digits - 1)) == NULL)
        return false;
    memcpy(buf, text.p, n - 1);
    buf[n - 1] = digits[(last - digits) & (over == 2 ? 0x30 : 0x3c)];
    memcpy(buf + n, "==", 4 - over);
    *out = (struct aps_str){buf, n + 4 - over};
    return true;
}

/* RFC 9651 4.2.7 */
static bool read_bytes(struct sf_in *in, struct aps_sf *out)
{
    struct aps_str text = {++in->p, 0}, mended;
    const char *stop = in->p < in->end ? memchr(in->p, ':', (size_t)(in->end - in->p)) : NULL;
    uint8_t *bytes;
    char *buf;
    size_t n;

    if (stop == NULL)
        return sf_bad(in, "a colon that ends the byte sequence");
    text.n = (size_t)(stop - in->p);
    if ((bytes = apr_palloc(in->pool, APS_B64_DECODED_MAX(text.n + 2))) == NULL)
        return sf_no_memory(in);
    if (!aps_b64_decode(text, bytes, &n)) {
        if ((buf = apr_palloc(in->pool, text.n + 2)) == NULL)
            return sf_no_memory(in);
        if (!mend_base64(text, buf, &mended) || !aps_b64_decode(mended, bytes, &n))
            return sf_bad(in, "base64 between the colons");
        out->number = 1;
    }
    out->kind = APS_SF_BYTES;
    out->text = (struct aps_str){(const char *)bytes, n};
    in->p = stop + 1;
    return true;
}

static int lower_hex(char c)
{
    return c >= 'A' && c <= 'F' ? -1 : aps_num_hex(c);
}

/* Two digits behind a percent sign, of which the place moves to the second. */
static bool read_percent(struct sf_in *in, char *out)
{
    int high, low;

    if (in->end - in->p < 3 || (high = lower_hex(in->p[1])) < 0 || (low = lower_hex(in->p[2])) < 0)
        return sf_bad(in, "two lower-case hexadecimal digits behind a percent sign");
    in->p += 2;
    *out = (char)(high * 16 + low);
    return true;
}

static bool is_utf8(struct aps_str s)
{
    for (size_t n; s.n != 0; s.p += n, s.n -= n)
        if ((n = aps_str_utf8(s)) == 0)
            return false;
    return true;
}

/* RFC 9651 4.2.10 */
static bool read_display(struct sf_in *in, struct aps_sf *out)
{
    const char *stop;
    char *to;
    size_t n = 0;

    in->p++;
    if (!sf_take(in, '"'))
        return sf_bad(in, "a quote behind the percent sign");
    stop = in->p < in->end ? memchr(in->p, '"', (size_t)(in->end - in->p)) : NULL;
    if (stop == NULL)
        return sf_bad(in, "a quote that ends the display string");
    if ((to = apr_palloc(in->pool, (size_t)(stop - in->p) + 1)) == NULL)
        return sf_no_memory(in);
    for (; in->p < stop; in->p++) {
        if (!sf_is_printable(*in->p))
            return sf_bad(in, "printable ASCII in a display string");
        to[n] = *in->p;
        if (*in->p == '%' && !read_percent(in, &to[n]))
            return false;
        n++;
    }
    out->kind = APS_SF_DISPLAY;
    out->text = (struct aps_str){to, n};
    if (!is_utf8(out->text))
        return sf_bad(in, "UTF-8 in a display string");
    in->p++;
    return true;
}

bool aps_sf_bare_read(struct sf_in *in, struct aps_sf *out)
{
    const char c = in->p < in->end ? *in->p : '\0';

    if (c == '-' || sf_is_digit(c))
        return read_number(in, out);
    if (c == '"')
        return read_string(in, out);
    if (c == ':')
        return read_bytes(in, out);
    if (c == '?')
        return read_boolean(in, out);
    if (c == '@')
        return read_date(in, out);
    if (c == '%')
        return read_display(in, out);
    if (sf_is_token_first(c))
        return read_token(in, out);
    return sf_bad(in, "a value");
}

/* ---- printing */

static bool is_in_range(int64_t number)
{
    return number >= -APS_SF_NUMBER_MAX && number <= APS_SF_NUMBER_MAX;
}

static void add_digits(struct aps_buf *to, uint64_t value)
{
    char digits[20];

    aps_buf_add(to, (struct aps_str){digits, (size_t)(aps_num_put(digits, value) - digits)});
}

/* RFC 9651 4.1.4; the magnitude is the answer. */
static uint64_t add_sign(struct aps_buf *to, int64_t number)
{
    if (number < 0)
        aps_buf_add_char(to, '-');
    return (uint64_t)(number < 0 ? -number : number);
}

/* RFC 9651 4.1.5: at least one digit behind the point, and no zeros behind that. */
static void add_decimal(struct aps_buf *to, int64_t thousandths)
{
    const uint64_t value = add_sign(to, thousandths);
    unsigned rest = (unsigned)(value % 1000);

    add_digits(to, value / 1000);
    aps_buf_add_char(to, '.');
    do {
        aps_buf_add_char(to, (char)('0' + rest / 100));
        rest = rest % 100 * 10;
    } while (rest != 0);
}

/* RFC 9651 4.1.6 */
static bool add_string(struct aps_buf *to, struct aps_str text, struct sf_in *why)
{
    size_t start = 0;

    aps_buf_add_char(to, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (!sf_is_printable(text.p[i]))
            return sf_bad(why, "printable ASCII in a string");
        if (text.p[i] != '"' && text.p[i] != '\\')
            continue;
        aps_buf_add(to, (struct aps_str){text.p + start, i - start});
        aps_buf_add_char(to, '\\');
        start = i;
    }
    if (start < text.n)
        aps_buf_add(to, (struct aps_str){text.p + start, text.n - start});
    aps_buf_add_char(to, '"');
    return true;
}

/* RFC 9651 4.1.7 */
static bool add_token(struct aps_buf *to, struct aps_str text, struct sf_in *why)
{
    bool fine = text.n != 0 && sf_is_token_first(text.p[0]);

    for (size_t i = 1; fine && i < text.n; i++)
        fine = sf_is_token(text.p[i]);
    if (!fine)
        return sf_bad(why, "a token: a letter or *, then letters, digits and !#$%&'*+-.^_`|~:/");
    aps_buf_add(to, text);
    return true;
}

/* RFC 9651 4.1.8 */
static void add_bytes(struct aps_buf *to, struct aps_str text)
{
    char *p;

    aps_buf_add_char(to, ':');
    if (text.n != 0 && (p = aps_buf_room(to, APS_B64_ENCODED_MAX(text.n))) != NULL)
        (void)aps_b64_encode(text, p); /* fills the room */
    aps_buf_add_char(to, ':');
}

/* RFC 9651 4.1.11 */
static bool add_display(struct aps_buf *to, struct aps_str text, struct sf_in *why)
{
    static const char hex[] = "0123456789abcdef";

    if (!is_utf8(text))
        return sf_bad(why, "UTF-8 in a display string");
    aps_buf_add(to, APS_STR_LIT("%\""));
    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];

        if (sf_is_printable(text.p[i]) && c != '%' && c != '"') {
            aps_buf_add_char(to, text.p[i]);
        } else {
            const char percent[] = {'%', hex[c >> 4], hex[c & 15]};

            aps_buf_add(to, (struct aps_str){percent, sizeof percent});
        }
    }
    aps_buf_add_char(to, '"');
    return true;
}

/* RFC 9651 4.1.3.1 */
bool aps_sf_bare_print(const struct aps_sf *v, struct aps_buf *to, struct sf_in *why)
{
    switch (v->kind) {
    case APS_SF_INTEGER:
    case APS_SF_DECIMAL:
    case APS_SF_DATE:
        if (!is_in_range(v->number))
            return sf_stop(why, APS_ERR_RANGE, "a number of at most fifteen digits");
        if (v->kind == APS_SF_DECIMAL) {
            add_decimal(to, v->number);
            return true;
        }
        if (v->kind == APS_SF_DATE)
            aps_buf_add_char(to, '@');
        add_digits(to, add_sign(to, v->number));
        return true;
    case APS_SF_BOOLEAN:
        aps_buf_add(to, v->number != 0 ? APS_STR_LIT("?1") : APS_STR_LIT("?0"));
        return true;
    case APS_SF_STRING:
        return add_string(to, v->text, why);
    case APS_SF_TOKEN:
        return add_token(to, v->text, why);
    case APS_SF_BYTES:
        add_bytes(to, v->text);
        return true;
    case APS_SF_DISPLAY:
        return add_display(to, v->text, why);
    case APS_SF_NONE:
    case APS_SF_INNER:
        break;
    }
    return sf_bad(why, "a value here, not an inner list");
}
