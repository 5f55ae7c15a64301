/* credential.c - which of a request's fields carries the credential, and what it says.
 *
 * httpd joins fields of one name with ", ", and neither a key nor a token68 has a comma: one of
 * them shows that there were two. */
#include <apr_encode.h>

#include "apisec/credential.h"

/* What one source says. */
struct found {
    enum aps_reason reason; /* ALLOW, or why it cannot be read; UNDECIDED: nothing there */
    struct aps_str text;
};

static struct found nothing(void)
{
    return (struct found){APS_REASON_UNDECIDED, {NULL, 0}};
}

static struct found refused(enum aps_reason reason)
{
    return (struct found){reason, {NULL, 0}};
}

static bool has_comma(struct aps_str s)
{
    return s.n != 0 && memchr(s.p, ',', s.n) != NULL;
}

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint64_t halves16 __attribute__((vector_size(16)));

/* Lanes of blanks and control bytes are not zero. */
static inline bytes16 odd_bytes(const char *p)
{
    bytes16 x;

    memcpy(&x, p, sizeof x);
    return (bytes16)((x <= ' ') | (x == 0x7f));
}

/* At least one byte, and neither a blank nor a control byte.  Sixteen at a time, since every
 * request comes by here; the last sixteen may overlap those before. */
static bool is_word(struct aps_str s)
{
    bytes16 odd = {0};
    halves16 any;

    if (s.n < sizeof odd) {
        for (size_t i = 0; i < s.n; i++)
            if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
                return false;
        return s.n != 0;
    }
    for (size_t i = 0; i + sizeof odd < s.n; i += sizeof odd)
        odd |= odd_bytes(s.p + i);
    any = (halves16)(odd | odd_bytes(s.p + s.n - sizeof odd));
    return (any[0] | any[1]) == 0;
}

static struct found read_header(struct aps_str value)
{
    struct aps_str text = aps_str_trim(value);

    if (value.n > APS_CREDENTIAL_KEY_MAX)
        return refused(APS_REASON_CREDENTIAL_MALFORMED);
    if (has_comma(text))
        return refused(APS_REASON_CREDENTIAL_MULTIPLE);
    if (!is_word(text))
        return refused(APS_REASON_CREDENTIAL_MALFORMED);
    return (struct found){APS_REASON_ALLOW, text};
}

/* Whether the value is of this scheme; *out is what follows the scheme and its spaces. */
static bool take_scheme(struct aps_str value, struct aps_str scheme, struct aps_str *out)
{
    struct aps_str rest = aps_str_trim(value), word = {NULL, 0};

    if (!aps_str_next(&rest, ' ', &word) || !aps_str_eq_nocase(word, scheme))
        return false;
    *out = aps_str_trim(rest);
    return true;
}

/* Whether a second Authorization field of this scheme was joined to one of a foreign scheme:
 * `, SCHEME ` somewhere in it. */
static bool hides_scheme(struct aps_str value, struct aps_str scheme)
{
    struct aps_str word, ignored;

    (void)aps_str_next(&value, ',', &word); /* the first is read as a field of its own */
    while (aps_str_next(&value, ',', &word))
        if (take_scheme(word, scheme, &ignored))
            return true;
    return false;
}

/* Lanes of token68's bytes, but for '=', are all ones; `-` to `9` lie side by side. */
static inline bytes16 usual_bytes(const char *p)
{
    bytes16 x;

    memcpy(&x, p, sizeof x);
    return (bytes16)((bytes16)((x | 0x20) - 'a') < 26) | (bytes16)((bytes16)(x - '-') < 13) |
           (bytes16)(x == '+') | (bytes16)(x == '_') | (bytes16)(x == '~');
}

/* token68: one or more of its characters, then any number of '='.  Sixteen at a time, as is_word:
 * a token has a thousand. */
static bool is_token68(struct aps_str s)
{
    bytes16 usual = ~(bytes16){0};
    char last[sizeof usual];
    halves16 all;

    while (s.n != 0 && s.p[s.n - 1] == '=')
        s.n--;
    if (s.n == 0)
        return false;
    for (size_t i = 0; i + sizeof usual < s.n; i += sizeof usual)
        usual &= usual_bytes(s.p + i);
    if (s.n >= sizeof usual) {
        usual &= usual_bytes(s.p + s.n - sizeof usual);
    } else {
        memset(last, 'a', sizeof last);
        memcpy(last, s.p, s.n);
        usual &= usual_bytes(last);
    }
    all = (halves16)usual;
    return (all[0] & all[1]) == UINT64_MAX;
}

static struct found read_bearer(struct aps_str token)
{
    if (has_comma(token))
        return refused(APS_REASON_CREDENTIAL_MULTIPLE);
    if (!is_token68(token))
        return refused(APS_REASON_CREDENTIAL_MALFORMED);
    return (struct found){APS_REASON_ALLOW, token};
}

/* Decode base64 as RFC 4648 4 writes it and no other way: what does not come out the same when it
 * is encoded again is refused. */
static bool decode_base64(struct aps_str token, apr_pool_t *pool, struct aps_str *out)
{
    const char *again;
    const unsigned char *bytes;
    apr_size_t n;

    bytes = apr_pdecode_base64_binary(pool, token.p, (apr_ssize_t)token.n, APR_ENCODE_NONE, &n);
    if (bytes == NULL)
        return false;
    again = apr_pencode_base64_binary(pool, bytes, (apr_ssize_t)n, APR_ENCODE_NONE, NULL);
    if (again == NULL || !aps_str_eq(aps_str(again), token))
        return false;
    *out = (struct aps_str){(const char *)bytes, n};
    return true;
}

static struct found read_basic(struct aps_str token, apr_pool_t *pool)
{
    struct aps_str pair, user, password;

    if (has_comma(token))
        return refused(APS_REASON_CREDENTIAL_MULTIPLE);
    if (token.n == 0 || !decode_base64(token, pool, &pair) || memchr(pair.p, ':', pair.n) == NULL)
        return refused(APS_REASON_CREDENTIAL_MALFORMED);
    password = pair;
    (void)aps_str_next(&password, ':', &user); /* there is a colon */
    if (password.n == 0)
        password = user;
    if (password.n > APS_CREDENTIAL_KEY_MAX || !is_word(password))
        return refused(APS_REASON_CREDENTIAL_MALFORMED);
    return (struct found){APS_REASON_ALLOW, password};
}

static struct found read_authorization(enum aps_credential_kind kind, struct aps_str value,
                                       apr_pool_t *pool)
{
    static const struct aps_str schemes[] = {[APS_CREDENTIAL_BEARER] = {"Bearer", 6},
                                             [APS_CREDENTIAL_DPOP] = {"DPoP", 4},
                                             [APS_CREDENTIAL_BASIC] = {"Basic", 5}};
    const struct aps_str scheme = schemes[kind];
    struct aps_str token;

    if (!take_scheme(value, scheme, &token))
        return hides_scheme(value, scheme) ? refused(APS_REASON_CREDENTIAL_MULTIPLE) : nothing();
    if (value.n > APS_CREDENTIAL_BEARER_MAX)
        return refused(APS_REASON_CREDENTIAL_MALFORMED);
    return kind == APS_CREDENTIAL_BASIC ? read_basic(token, pool) : read_bearer(token);
}

enum aps_reason aps_credential_find(const struct aps_credential_source *sources,
                                    const char *const *values, size_t n, apr_pool_t *pool,
                                    struct aps_str *out_text, size_t *out_source)
{
    struct found one = nothing(), next;
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (values[i] == NULL)
            continue;
        next = sources[i].kind == APS_CREDENTIAL_HEADER
                   ? read_header(aps_str(values[i]))
                   : read_authorization(sources[i].kind, aps_str(values[i]), pool);
        if (next.reason == APS_REASON_UNDECIDED)
            continue;
        if (one.reason != APS_REASON_UNDECIDED)
            return APS_REASON_CREDENTIAL_MULTIPLE;
        one = next;
        at = i;
    }
    if (one.reason == APS_REASON_UNDECIDED)
        return APS_REASON_CREDENTIAL_MISSING;
    if (one.reason != APS_REASON_ALLOW)
        return one.reason;
    *out_text = one.text;
    *out_source = at;
    return APS_REASON_ALLOW;
}
