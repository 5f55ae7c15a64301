/* keytext.c - the text of an API key: made, split, checked. */
#include "apisec/keytext.h"

#include <endian.h>

#include "apisec/random.h"

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool is_base62(char c)
{
    static const bool is_digit[256] = {
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true};

    return is_digit[(unsigned char)c];
}

typedef uint8_t lanes __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

/* All bits of a lane are set where its character is a digit of base 62. */
static inline lanes are_base62(lanes x)
{
    return (lanes)(x - '0' < 10) | (lanes)((x | 0x20) - 'a' < 26);
}

static inline lanes load(const char *p)
{
    lanes x;

    memcpy(&x, p, sizeof x);
    return x;
}

/* Of 8 to 15 characters both ends, which overlap. */
static inline lanes load_both_ends(struct aps_str s)
{
    uint64_t head, tail;

    memcpy(&head, s.p, sizeof head);
    memcpy(&tail, s.p + s.n - sizeof tail, sizeof tail);
    return (lanes)(halves){head, tail};
}

/* Every character is looked at, whatever the first ones are. */
static bool is_all_base62(struct aps_str s)
{
    bool all = true;
    lanes seen;
    halves both;

    if (s.n < sizeof(uint64_t)) {
        for (size_t i = 0; i < s.n; i++)
            all &= is_base62(s.p[i]);
        return all;
    }
    if (s.n < sizeof seen) {
        seen = are_base62(load_both_ends(s));
    } else {
        seen = are_base62(load(s.p + s.n - sizeof seen)); /* it overlaps the one before */
        for (size_t i = 0; i + sizeof seen < s.n; i += sizeof seen)
            seen &= are_base62(load(s.p + i));
    }
    both = (halves)seen;
    return (both[0] & both[1]) == UINT64_MAX;
}

bool aps_keytext_is_prefix(struct aps_str prefix)
{
    if (prefix.n < APS_KEYTEXT_PREFIX_MIN || prefix.n > APS_KEYTEXT_PREFIX_MAX)
        return false;
    if (prefix.p[0] < 'a' || prefix.p[0] > 'z')
        return false;
    for (size_t i = 1; i < prefix.n; i++)
        if (!is_base62(prefix.p[i]) || (prefix.p[i] >= 'A' && prefix.p[i] <= 'Z'))
            return false;
    return true;
}

bool aps_keytext_is_id(struct aps_str id)
{
    return id.n == APS_KEYTEXT_ID_LEN && is_all_base62(id);
}

/* The effect of a byte is that of its bits together: a table is made of eight numbers, those of the
 * bytes 1, 2, 4 and so on. */
#define TWO(x, a) (x), (x) ^ (a)
#define FOUR(x, a, b) TWO(x, a), TWO((x) ^ (b), a)
#define EIGHT(x, a, b, c) FOUR(x, a, b), FOUR((x) ^ (c), a, b)
#define HALF_BYTE(x, a, b, c, d) EIGHT(x, a, b, c), EIGHT((x) ^ (d), a, b, c)
#define FIVE_BITS(x, a, b, c, d, e) HALF_BYTE(x, a, b, c, d), HALF_BYTE((x) ^ (e), a, b, c, d)
#define SIX_BITS(x, a, b, c, d, e, f)                                                              \
    FIVE_BITS(x, a, b, c, d, e), FIVE_BITS((x) ^ (f), a, b, c, d, e)
#define SEVEN_BITS(x, a, b, c, d, e, f, g)                                                         \
    SIX_BITS(x, a, b, c, d, e, f), SIX_BITS((x) ^ (g), a, b, c, d, e, f)
#define BYTE(a, b, c, d, e, f, g, h)                                                               \
    {                                                                                              \
        SEVEN_BITS(0, a, b, c, d, e, f, g), SEVEN_BITS((uint32_t)(h), a, b, c, d, e, f, g)         \
    }

/* What a byte comes to when none, one, two or three others follow it in the same step. */
static const uint32_t crc_of[4][256] = {
    BYTE(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, 0x1db71064, 0x3b6e20c8, 0x76dc4190,
         0xedb88320),
    BYTE(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, 0x4ac21251, 0x958424a2, 0xf0794f05,
         0x3b83984b),
    BYTE(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, 0x1c26a370, 0x384d46e0, 0x709a8dc0,
         0xe1351b80),
    BYTE(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, 0x5019579f, 0xa032af3e, 0x9b14583d,
         0xed59b63b),
};

/* CRC-32 of IEEE 802.3, reflected; four bytes in a step. */
static uint32_t crc32_of(struct aps_str text)
{
    uint32_t crc = 0xffffffff, four;
    size_t i = 0;

    for (; i + sizeof four <= text.n; i += sizeof four) {
        memcpy(&four, text.p + i, sizeof four);
        crc ^= le32toh(four);
        crc = crc_of[3][crc & 0xff] ^ crc_of[2][crc >> 8 & 0xff] ^ crc_of[1][crc >> 16 & 0xff] ^
              crc_of[0][crc >> 24];
    }
    for (; i < text.n; i++)
        crc = crc_of[0][(crc ^ (unsigned char)text.p[i]) & 0xff] ^ crc >> 8;
    return ~crc;
}

void aps_keytext_digits(uint64_t value, size_t n, char *out)
{
    for (size_t i = n; i-- > 0; value /= 62)
        out[i] = base62[value % 62];
}

/* What digits stand for, all of which are some: no other text of as many stands for the same. */
static uint64_t value_of(struct aps_str digits)
{
    uint64_t value = 0;

    for (size_t i = 0; i < digits.n; i++) {
        const char c = digits.p[i];
        const int digit = c <= '9' ? c - '0' : c <= 'Z' ? c - 'A' + 10 : c - 'a' + 36;

        value = value * 62 + (unsigned)digit;
    }
    return value;
}

void aps_keytext_checksum(struct aps_str text, char out[APS_KEYTEXT_CHECK_LEN])
{
    aps_keytext_digits(crc32_of(text), APS_KEYTEXT_CHECK_LEN, out); /* 62^6 is more than 2^32 */
}

/* A byte stands for a digit only below the largest multiple of 62, so that all are equally
 * likely; 8 of 256 are thrown away. */
static size_t pick(const unsigned char *bytes, size_t nbytes, char *out, size_t n)
{
    size_t done = 0;

    for (size_t i = 0; i < nbytes && done < n; i++)
        if (bytes[i] < 248)
            out[done++] = base62[bytes[i] % 62];
    return done;
}

enum aps_err aps_keytext_random(size_t n, char *out)
{
    unsigned char bytes[64];
    size_t done = 0;
    enum aps_err err = APS_OK;

    while (done < n) {
        if ((err = aps_random_fill(bytes, sizeof bytes)) != APS_OK) {
            aps_secret_cleanse(out, done);
            goto out;
        }
        done += pick(bytes, sizeof bytes, out + done, n - done);
    }
out:
    aps_secret_cleanse(bytes, sizeof bytes);
    return err;
}

enum aps_err aps_keytext_new(struct aps_str prefix, struct aps_str id, struct aps_secret *out)
{
    struct aps_secret text = {0};
    enum aps_err err = APS_ERR_FORMAT;
    char *p;

    if (!aps_keytext_is_prefix(prefix) || !aps_keytext_is_id(id))
        goto out;
    err = aps_secret_new(prefix.n + 1 + APS_KEYTEXT_ID_LEN + 1 + APS_KEYTEXT_SECRET_LEN +
                             APS_KEYTEXT_CHECK_LEN,
                         &text);
    if (err != APS_OK)
        goto out;
    p = (char *)text.b;
    memcpy(p, prefix.p, prefix.n);
    p += prefix.n;
    *p++ = '_';
    memcpy(p, id.p, APS_KEYTEXT_ID_LEN);
    p[APS_KEYTEXT_ID_LEN] = '_';
    if ((err = aps_keytext_random(APS_KEYTEXT_SECRET_LEN, p + APS_KEYTEXT_ID_LEN + 1)) != APS_OK)
        goto out;
    aps_keytext_checksum((struct aps_str){p, APS_KEYTEXT_ID_LEN + 1 + APS_KEYTEXT_SECRET_LEN},
                         p + APS_KEYTEXT_ID_LEN + 1 + APS_KEYTEXT_SECRET_LEN);
    *out = text;
    text = (struct aps_secret){0};
out:
    aps_secret_wipe(&text);
    return err;
}

/* What follows the prefix and its underscore. */
enum { REST_LEN = APS_KEYTEXT_ID_LEN + 1 + APS_KEYTEXT_SECRET_LEN + APS_KEYTEXT_CHECK_LEN };

bool aps_keytext_parse(struct aps_str text, struct aps_str prefix, struct aps_keytext *out)
{
    const size_t rest = REST_LEN;
    struct aps_keytext t;
    const char *id;

    if (text.n != prefix.n + 1 + rest || !aps_str_starts(text, prefix) || text.p[prefix.n] != '_')
        return false;
    id = text.p + prefix.n + 1;
    t.prefix = (struct aps_str){text.p, prefix.n};
    t.id = (struct aps_str){id, APS_KEYTEXT_ID_LEN};
    t.secret = (struct aps_str){id + APS_KEYTEXT_ID_LEN + 1, APS_KEYTEXT_SECRET_LEN};
    t.check = (struct aps_str){t.secret.p + APS_KEYTEXT_SECRET_LEN, APS_KEYTEXT_CHECK_LEN};
    if (!is_all_base62(t.id) || id[APS_KEYTEXT_ID_LEN] != '_' ||
        !is_all_base62((struct aps_str){t.secret.p, t.secret.n + t.check.n}) ||
        value_of(t.check) != crc32_of((struct aps_str){id, rest - t.check.n}))
        return false;
    *out = t;
    return true;
}

struct aps_str aps_keytext_id(struct aps_str text)
{
    struct aps_str prefix = {text.p, text.n > REST_LEN ? text.n - REST_LEN - 1 : 0};
    struct aps_keytext parts;

    if (!aps_keytext_is_prefix(prefix) || !aps_keytext_parse(text, prefix, &parts))
        return (struct aps_str){NULL, 0};
    return parts.id;
}
