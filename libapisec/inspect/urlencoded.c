/* urlencoded.c - pairs of names and values, as browsers send forms. */
#include "apisec/urlencoded.h"

#include "apisec/num.h"
#include "apisec/variable.h"

static const struct {
    const char *token, *text;
} faults[APS_URLENCODED_COUNT] = {
#define F(name, token, text) {token, text},
#include "apisec/urlencoded.def"
#undef F
};

const char *aps_urlencoded_fault_name(enum aps_urlencoded_fault fault)
{
    return (size_t)fault < APS_URLENCODED_COUNT ? faults[fault].token : "unknown";
}

const char *aps_urlencoded_fault_text(enum aps_urlencoded_fault fault)
{
    return (size_t)fault < APS_URLENCODED_COUNT ? faults[fault].text : "unknown";
}

/* Decode `part` to `to`, which has as many bytes; *at is the byte of it that is at fault. */
static enum aps_urlencoded_fault decode(struct aps_str part, char *to, struct aps_str *out,
                                        size_t *at)
{
    *out = (struct aps_str){to, 0};
    for (size_t i = 0; i < part.n; i++) {
        unsigned char c = (unsigned char)part.p[i];
        *at = i;
        if (c == '%') {
            int high = i + 2 < part.n ? aps_num_hex(part.p[i + 1]) : -1;
            int lowd = i + 2 < part.n ? aps_num_hex(part.p[i + 2]) : -1;
            if (high < 0 || lowd < 0)
                return APS_URLENCODED_ESCAPE;
            c = (unsigned char)(high * 16 + lowd);
            if (c == '\0')
                return APS_URLENCODED_NUL;
            i += 2;
        } else if (c <= ' ' || c >= 0x7f) {
            return APS_URLENCODED_BYTE;
        } else if (c == '+') {
            c = ' ';
        }
        to[out->n++] = (char)c;
    }
    *at = 0;
    for (struct aps_str rest = *out; rest.n > 0;) {
        size_t n = aps_str_utf8(rest);
        if (n == 0)
            return APS_URLENCODED_UTF8;
        rest = (struct aps_str){rest.p + n, rest.n - n};
    }
    return APS_URLENCODED_OK;
}

static enum aps_urlencoded_fault read_pair(struct aps_str part,
                                           const struct aps_urlencoded_options *options, char *to,
                                           struct aps_urlencoded_pair *out, size_t *at)
{
    const char *equals = memchr(part.p, '=', part.n);
    size_t name_n = equals != NULL ? (size_t)(equals - part.p) : part.n;
    struct aps_str value = {part.p + name_n, part.n - name_n};
    size_t in_value = 0;
    *at = 0;
    if (name_n == 0)
        return APS_URLENCODED_NAME;
    enum aps_urlencoded_fault fault = decode((struct aps_str){part.p, name_n}, to, &out->name, at);
    if (fault == APS_URLENCODED_OK && equals != NULL) {
        value = (struct aps_str){value.p + 1, value.n - 1};
        fault = decode(value, to + name_n, &out->value, &in_value);
        *at = name_n + 1 + in_value;
    }
    if (fault == APS_URLENCODED_OK &&
        (out->name.n > options->string_max || out->value.n > options->string_max))
        fault = APS_URLENCODED_STRING;
    return fault;
}

/* The second pair of a name, or of what a program may take for that name; NULL: there is none. */
static const struct aps_urlencoded_pair *repeated(const struct aps_urlencoded *form,
                                                  apr_pool_t *pool)
{
    struct aps_str *names = apr_palloc(pool, form->n * sizeof *names);
    for (size_t i = 0; i < form->n; i++)
        names[i] = form->pairs[i].name;
    size_t second = aps_variable_repeated(names, form->n, pool);
    return second < form->n ? &form->pairs[second] : NULL;
}

/* How many pairs there are at most: one more than separators. */
static size_t count(struct aps_str text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '&';
    return n;
}

enum aps_urlencoded_fault aps_urlencoded_read(struct aps_str text,
                                              const struct aps_urlencoded_options *options,
                                              apr_pool_t *pool, struct aps_urlencoded *out)
{
    *out = (struct aps_urlencoded){NULL, 0, 0};
    if (text.n == 0)
        return APS_URLENCODED_OK;
    size_t n = count(text);
    if (n > options->pairs_max)
        return APS_URLENCODED_PAIRS;
    struct aps_urlencoded_pair *pairs = apr_pcalloc(pool, n * sizeof *pairs);
    char *to = apr_palloc(pool, text.n);
    struct aps_str rest = text, part;
    while (aps_str_next(&rest, '&', &part)) {
        struct aps_urlencoded_pair *pair = &pairs[out->n];
        size_t at = (size_t)(part.p - text.p), inside = 0;
        enum aps_urlencoded_fault fault = read_pair(part, options, to + at, pair, &inside);
        out->at = at + inside;
        if (fault != APS_URLENCODED_OK)
            return fault;
        pair->at = at;
        out->n++;
    }
    out->pairs = pairs;
    const struct aps_urlencoded_pair *twice = options->repeated ? NULL : repeated(out, pool);
    if (twice != NULL)
        out->at = twice->at;
    return twice != NULL ? APS_URLENCODED_REPEATED : APS_URLENCODED_OK;
}
