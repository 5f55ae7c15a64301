/* kind_sf.c - a structured field, read or printed: its canonical lines, or null where it must fail.
 *
 * Members of lists and items of inner lists are [value, parameters], members of dictionaries are
 * [key, [value, parameters]], parameters are [[key, value]...]; a value is a JSON value, or an
 * object of __type and value where JSON has no such type. */
#include "apisec/jsonnum.h"
#include "apisec/sf.h"
#include "vectors.h"

#define FIELD_MAX (8u << 20) /* of what is printed, in bytes */

struct made {
    const struct t_row *row;
    bool fine; /* the JSON is of the documented form */
};

typedef const struct aps_jsonread_node *node;

static bool is(node v, enum aps_jsonread_kind kind)
{
    return v != NULL && aps_jsonread_kind(v) == kind;
}

static struct aps_str text_of(const struct made *m, node v)
{
    return aps_jsonread_str(m->row->reader, v);
}

static struct aps_sf *new_node(struct made *m)
{
    return apr_pcalloc(m->row->pool, sizeof(struct aps_sf));
}

/* The two items of a pair. */
static bool take_pair(node v, node *out_first, node *out_second)
{
    if (!is(v, APS_JSON_ARRAY) || aps_jsonread_count(v) != 2)
        return false;
    *out_first = aps_jsonread_first(v);
    *out_second = aps_jsonread_next(*out_first);
    return true;
}

/* ---- numbers */

/* The digits of a number on both sides of its point, without exponent. */
struct digits {
    bool negative;
    struct aps_str whole, fraction;
};

#define EXPONENT_MAX 40 /* what lies beyond is too large, or rounds to zero, whatever it is */

/* The point moved by the exponent: `n` digits at `p`, of which `whole` stood before it. */
static void move_point(const struct t_row *row, const char *p, size_t n, int64_t whole,
                       struct digits *out)
{
    const size_t pad = EXPONENT_MAX;
    char *wide = apr_palloc(row->pool, n + 2 * pad);
    size_t at;

    memset(wide, '0', n + 2 * pad);
    memcpy(wide + pad, p, n);
    at = (size_t)(whole + (int64_t)pad);
    out->whole = (struct aps_str){wide, at};
    out->fraction = (struct aps_str){wide + at, n + 2 * pad - at};
}

/* False: an exponent that no structured field's number comes near. */
static bool split(const struct t_row *row, struct aps_str text, struct digits *out)
{
    const char *e = memchr(text.p, 'e', text.n);
    char *digits = apr_palloc(row->pool, text.n);
    struct aps_str mantissa = text, exponent = {NULL, 0};
    int64_t shift = 0, whole = -1;
    size_t n = 0;

    if (e == NULL)
        e = memchr(text.p, 'E', text.n);
    if (e != NULL) {
        mantissa.n = (size_t)(e - text.p);
        exponent = (struct aps_str){e + 1, text.n - mantissa.n - 1};
        if (exponent.p[0] == '+')
            exponent = (struct aps_str){exponent.p + 1, exponent.n - 1};
        if (!aps_jsonnum_i64(exponent, &shift) || shift > EXPONENT_MAX || shift < -EXPONENT_MAX)
            return false;
    }
    out->negative = mantissa.p[0] == '-';
    for (size_t i = out->negative; i < mantissa.n; i++)
        if (mantissa.p[i] == '.')
            whole = (int64_t)n;
        else
            digits[n++] = mantissa.p[i];
    move_point(row, digits, n, (whole < 0 ? (int64_t)n : whole) + shift, out);
    return true;
}

/* Whether what is behind the third digit is more than half (1), half (0) or less (-1). */
static int beyond_thousandths(struct aps_str fraction)
{
    bool more = false;

    if (fraction.n <= 3 || fraction.p[3] < '5')
        return -1;
    for (size_t i = 4; i < fraction.n; i++)
        more = more || fraction.p[i] != '0';
    return more || fraction.p[3] > '5' ? 1 : 0;
}

/* RFC 9651 4.1.5: rounded to thousandths, half to even.  What is too large becomes too large. */
static int64_t thousandths_of(const struct digits *d)
{
    int64_t value = 0;
    const int beyond = beyond_thousandths(d->fraction);

    for (size_t i = 0; i < d->whole.n && value <= APS_SF_NUMBER_MAX; i++)
        value = value * 10 + (d->whole.p[i] - '0');
    if (value > APS_SF_NUMBER_MAX)
        return INT64_MAX;
    for (size_t i = 0; i < 3; i++)
        value = value * 10 + (i < d->fraction.n ? d->fraction.p[i] - '0' : 0);
    value += beyond > 0 || (beyond == 0 && value % 2 != 0);
    return d->negative ? -value : value;
}

/* What is written without point and exponent is an integer. */
static void make_number(struct made *m, struct aps_str text, struct aps_sf *out)
{
    struct digits d = {0};

    out->kind = APS_SF_INTEGER;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '.' || (text.p[i] | 0x20) == 'e')
            out->kind = APS_SF_DECIMAL;
    if (out->kind == APS_SF_DECIMAL)
        m->fine = m->fine && split(m->row, text, &d);
    if (!m->fine)
        return;
    if (out->kind == APS_SF_DECIMAL)
        out->number = thousandths_of(&d);
    else if (!aps_jsonnum_i64(text, &out->number))
        out->number = INT64_MAX;
}

/* ---- other values */

static int base32(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static void make_bytes(struct made *m, struct aps_str text, struct aps_sf *out)
{
    char *bytes = apr_palloc(m->row->pool, text.n + 1);
    uint32_t held = 0;
    unsigned bits = 0;
    size_t n = 0;

    for (size_t i = 0; i < text.n && text.p[i] != '='; i++) {
        const int five = base32(text.p[i]);

        if (five < 0) {
            m->fine = false;
            return;
        }
        held = held << 5 | (uint32_t)five;
        if ((bits += 5) >= 8)
            bytes[n++] = (char)(held >> (bits -= 8));
    }
    out->kind = APS_SF_BYTES;
    out->text = (struct aps_str){bytes, n};
}

static void make_date(struct made *m, node v, struct aps_sf *out)
{
    out->kind = APS_SF_DATE;
    m->fine = m->fine && is(v, APS_JSON_NUMBER);
    if (m->fine && !aps_jsonnum_i64(text_of(m, v), &out->number))
        out->number = INT64_MAX;
}

/* {"__type":"token","value":"a"} */
static void make_typed(struct made *m, node v, struct aps_sf *out)
{
    node type = aps_jsonread_get(m->row->reader, v, APS_STR_LIT("__type"));
    node value = aps_jsonread_get(m->row->reader, v, APS_STR_LIT("value"));
    struct aps_str name = is(type, APS_JSON_STRING) ? text_of(m, type) : APS_STR_LIT("");

    if (aps_str_eq(name, APS_STR_LIT("date"))) {
        make_date(m, value, out);
        return;
    }
    m->fine = m->fine && is(value, APS_JSON_STRING);
    if (!m->fine)
        return;
    out->text = text_of(m, value);
    if (aps_str_eq(name, APS_STR_LIT("token")))
        out->kind = APS_SF_TOKEN;
    else if (aps_str_eq(name, APS_STR_LIT("displaystring")))
        out->kind = APS_SF_DISPLAY;
    else if (aps_str_eq(name, APS_STR_LIT("binary")))
        make_bytes(m, out->text, out);
    else
        m->fine = false;
}

static void make_bare(struct made *m, node v, struct aps_sf *out)
{
    switch (aps_jsonread_kind(v)) {
    case APS_JSON_FALSE:
    case APS_JSON_TRUE:
        out->kind = APS_SF_BOOLEAN;
        out->number = is(v, APS_JSON_TRUE);
        break;
    case APS_JSON_NUMBER:
        make_number(m, text_of(m, v), out);
        break;
    case APS_JSON_STRING:
        out->kind = APS_SF_STRING;
        out->text = text_of(m, v);
        break;
    case APS_JSON_OBJECT:
        make_typed(m, v, out);
        break;
    default:
        m->fine = false;
        break;
    }
}

/* ---- what holds them */

static struct aps_sf *make_params(struct made *m, node list)
{
    struct aps_sf *first = NULL, **end = &first;
    node key, value;

    if (!is(list, APS_JSON_ARRAY)) {
        m->fine = false;
        return NULL;
    }
    for (node v = aps_jsonread_first(list); m->fine && v < aps_jsonread_end(list);
         v = aps_jsonread_next(v)) {
        if (!take_pair(v, &key, &value) || !is(key, APS_JSON_STRING)) {
            m->fine = false;
            break;
        }
        *end = new_node(m);
        (*end)->key = text_of(m, key);
        make_bare(m, value, *end);
        end = &(*end)->next;
    }
    return first;
}

/* [value, parameters]; `deep` where the value may be an inner list. */
static void make_value(struct made *m, node v, bool deep, struct aps_sf *out)
{
    struct aps_sf **end = &out->items;
    node value, params;

    if (!take_pair(v, &value, &params)) {
        m->fine = false;
        return;
    }
    if (deep && is(value, APS_JSON_ARRAY)) {
        out->kind = APS_SF_INNER;
        for (node i = aps_jsonread_first(value); m->fine && i < aps_jsonread_end(value);
             i = aps_jsonread_next(i)) {
            *end = new_node(m);
            make_value(m, i, false, *end);
            end = &(*end)->next;
        }
    } else {
        make_bare(m, value, out);
    }
    out->params = make_params(m, params);
}

static struct aps_sf *make_members(struct made *m, node list, bool named)
{
    struct aps_sf *first = NULL, **end = &first;
    node key, value;

    m->fine = m->fine && is(list, APS_JSON_ARRAY);
    if (!m->fine)
        return NULL;
    for (node v = aps_jsonread_first(list); m->fine && v < aps_jsonread_end(list);
         v = aps_jsonread_next(v)) {
        value = v;
        *end = new_node(m);
        if (named) {
            m->fine = take_pair(v, &key, &value) && is(key, APS_JSON_STRING);
            if (!m->fine)
                break;
            (*end)->key = text_of(m, key);
        }
        make_value(m, value, true, *end);
        end = &(*end)->next;
    }
    return first;
}

static struct aps_sf *make_field(struct made *m, node expected, enum aps_sf_type type)
{
    struct aps_sf *item;

    if (type != APS_SF_ITEM)
        return make_members(m, expected, type == APS_SF_DICTIONARY);
    item = new_node(m);
    make_value(m, expected, false, item);
    return item;
}

/* ---- the row */

static bool read_type(const struct t_row *row, enum aps_sf_type *out)
{
    struct aps_str name;

    if (!t_row_bytes(row, "header_type", &name))
        return false;
    if (aps_str_eq(name, APS_STR_LIT("item")))
        *out = APS_SF_ITEM;
    else if (aps_str_eq(name, APS_STR_LIT("list")))
        *out = APS_SF_LIST;
    else if (aps_str_eq(name, APS_STR_LIT("dictionary")))
        *out = APS_SF_DICTIONARY;
    else
        return false;
    return true;
}

/* The field's lines, joined (RFC 9651 4.2). */
static bool join(const struct t_row *row, node lines, struct aps_str *out)
{
    struct aps_buf b;

    aps_buf_init(&b, row->pool, FIELD_MAX);
    for (node v = aps_jsonread_first(lines); v < aps_jsonread_end(lines);
         v = aps_jsonread_next(v)) {
        if (!is(v, APS_JSON_STRING))
            return false;
        if (v != aps_jsonread_first(lines))
            aps_buf_add(&b, APS_STR_LIT(", "));
        aps_buf_add(&b, aps_jsonread_str(row->reader, v));
    }
    *out = aps_buf_text(&b);
    return !b.full;
}

static void put_lines(const struct aps_sf *field, enum aps_sf_type type, const struct t_row *row,
                      struct aps_json *out)
{
    struct aps_buf b;

    aps_buf_init(&b, row->pool, FIELD_MAX);
    aps_json_name(out, "got");
    if (aps_sf_print(field, type, &b, NULL) != APS_OK) {
        aps_json_null(out);
        return;
    }
    aps_json_array(out);
    if (b.n != 0) /* else the field is not sent */
        aps_json_str(out, aps_buf_text(&b));
    aps_json_end(out);
}

const char *t_kind_sf(const struct t_row *row, struct aps_json *out)
{
    node raw = aps_jsonread_get(row->reader, row->object, APS_STR_LIT("raw"));
    struct made m = {.row = row, .fine = true};
    struct aps_str text;
    struct aps_sf *field;
    enum aps_sf_type type;

    if (!read_type(row, &type))
        return "want a header_type: item, list or dictionary";
    if (raw == NULL || is(raw, APS_JSON_NULL)) {
        node expected = aps_jsonread_get(row->reader, row->object, APS_STR_LIT("expected"));

        field = expected != NULL ? make_field(&m, expected, type) : NULL;
        if (expected == NULL || !m.fine)
            return "want a list raw, or the value as expected";
        put_lines(field, type, row, out);
        return NULL;
    }
    if (!is(raw, APS_JSON_ARRAY) || !join(row, raw, &text))
        return "want raw: a list of strings";
    if (aps_sf_read(text, type, &aps_sf_wide, row->pool, &field, NULL) == APS_OK)
        put_lines(field, type, row, out);
    else {
        aps_json_name(out, "got");
        aps_json_null(out);
    }
    return NULL;
}
