/* keytext.c - the text of an API key: made, split, checked. */
#include "apisec/keytext.h"
#include "apisec/random.h"

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool is_base62(char c)
{
    static const bool is_digit[256] = {
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true};

    return is_digit[(unsigned char)c];
}

typedef uint8_t eight __attribute__((vector_size(8)));

/* All bits of a lane are set where its character is a digit of base 62. */
static inline eight are_base62(const char *p)
{
    eight x;

    memcpy(&x, p, sizeof x);
    return (eight)(x - '0' < 10) | (eight)((x | 0x20) - 'a' < 26);
}

/* Every character is looked at, whatever the first ones are. */
static bool is_all_base62(struct aps_str s)
{
    bool all = true;
    uint64_t lanes;
    eight seen;

    if (s.n < sizeof seen) {
        for (size_t i = 0; i < s.n; i++)
            all &= is_base62(s.p[i]);
        return all;
    }
    seen = are_base62(s.p + s.n - sizeof seen); /* it overlaps the one before */
    for (size_t i = 0; i + sizeof seen < s.n; i += sizeof seen)
        seen &= are_base62(s.p + i);
    memcpy(&lanes, &seen, sizeof lanes);
    return lanes == UINT64_MAX;
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

/* A byte's effect is that of its two halves together. */
#define EFFECTS(high)                                                                              \
    0x00000000 ^ (high), 0x77073096 ^ (high), 0xee0e612c ^ (high), 0x990951ba ^ (high),            \
        0x076dc419 ^ (high), 0x706af48f ^ (high), 0xe963a535 ^ (high), 0x9e6495a3 ^ (high),        \
        0x0edb8832 ^ (high), 0x79dcb8a4 ^ (high), 0xe0d5e91e ^ (high), 0x97d2d988 ^ (high),        \
        0x09b64c2b ^ (high), 0x7eb17cbd ^ (high), 0xe7b82d07 ^ (high), 0x90bf1d91 ^ (high)

/* CRC-32 of IEEE 802.3, reflected. */
static uint32_t crc32_of(struct aps_str text)
{
    static const uint32_t of_byte[256] = {
        EFFECTS(0x00000000), EFFECTS(0x1db71064), EFFECTS(0x3b6e20c8), EFFECTS(0x26d930ac),
        EFFECTS(0x76dc4190), EFFECTS(0x6b6b51f4), EFFECTS(0x4db26158), EFFECTS(0x5005713c),
        EFFECTS(0xedb88320), EFFECTS(0xf00f9344), EFFECTS(0xd6d6a3e8), EFFECTS(0xcb61b38c),
        EFFECTS(0x9b64c2b0), EFFECTS(0x86d3d2d4), EFFECTS(0xa00ae278), EFFECTS(0xbdbdf21c),
    };
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < text.n; i++)
        crc = of_byte[(crc ^ (unsigned char)text.p[i]) & 0xff] ^ crc >> 8;
    return ~crc;
}

void aps_keytext_digits(uint64_t value, size_t n, char *out)
{
    for (size_t i = n; i-- > 0; value /= 62)
        out[i] = base62[value % 62];
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
    char check[APS_KEYTEXT_CHECK_LEN];
    struct aps_keytext t;
    const char *id;

    if (text.n != prefix.n + 1 + rest || !aps_str_starts(text, prefix) || text.p[prefix.n] != '_')
        return false;
    id = text.p + prefix.n + 1;
    t.prefix = (struct aps_str){text.p, prefix.n};
    t.id = (struct aps_str){id, APS_KEYTEXT_ID_LEN};
    t.secret = (struct aps_str){id + APS_KEYTEXT_ID_LEN + 1, APS_KEYTEXT_SECRET_LEN};
    t.check = (struct aps_str){t.secret.p + APS_KEYTEXT_SECRET_LEN, APS_KEYTEXT_CHECK_LEN};
    if (!is_all_base62(t.id) || id[APS_KEYTEXT_ID_LEN] != '_' || !is_all_base62(t.secret))
        return false;
    aps_keytext_checksum((struct aps_str){id, rest - APS_KEYTEXT_CHECK_LEN}, check);
    if (!aps_secret_equal(check, t.check.p, sizeof check))
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
