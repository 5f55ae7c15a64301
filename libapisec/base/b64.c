/* b64.c - base64: four characters and three bytes at a time. */
#include "apisec/b64.h"

/* Values with the highest bit set, so that what is not listed is none. */
#define V(c, v) [c] = 0x80 | (v)
/* clang-format off */
#define LETTERS_AND_DIGITS                                                                        \
    V('A', 0), V('B', 1), V('C', 2), V('D', 3), V('E', 4), V('F', 5), V('G', 6), V('H', 7),       \
    V('I', 8), V('J', 9), V('K', 10), V('L', 11), V('M', 12), V('N', 13), V('O', 14), V('P', 15), \
    V('Q', 16), V('R', 17), V('S', 18), V('T', 19), V('U', 20), V('V', 21), V('W', 22),           \
    V('X', 23), V('Y', 24), V('Z', 25), V('a', 26), V('b', 27), V('c', 28), V('d', 29),           \
    V('e', 30), V('f', 31), V('g', 32), V('h', 33), V('i', 34), V('j', 35), V('k', 36),           \
    V('l', 37), V('m', 38), V('n', 39), V('o', 40), V('p', 41), V('q', 42), V('r', 43),           \
    V('s', 44), V('t', 45), V('u', 46), V('v', 47), V('w', 48), V('x', 49), V('y', 50),           \
    V('z', 51), V('0', 52), V('1', 53), V('2', 54), V('3', 55), V('4', 56), V('5', 57),           \
    V('6', 58), V('7', 59), V('8', 60), V('9', 61)
/* clang-format on */

static const unsigned char url_values[256] = {LETTERS_AND_DIGITS, V('-', 62), V('_', 63)};
static const unsigned char plain_values[256] = {LETTERS_AND_DIGITS, V('+', 62), V('/', 63)};

static const char url_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char plain_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* What the highest bits of four values come to in their sum, from which they are taken away. */
#define MARKS (0x80u << 18 ^ 0x80u << 12 ^ 0x80u << 6 ^ 0x80u)

/* `n` characters, not 1 modulo 4; false for one that has no value or for bits that are left over.
 */
static bool decode(const unsigned char values[256], const unsigned char *p, size_t n, uint8_t *out)
{
    unsigned all = 0x80, last = 0;

    for (; n >= 4; n -= 4, p += 4, out += 3) {
        unsigned a = values[p[0]], b = values[p[1]], c = values[p[2]], d = values[p[3]];
        uint32_t w = a << 18 ^ b << 12 ^ c << 6 ^ d ^ MARKS;

        all &= a & b & c & d;
        out[0] = (uint8_t)(w >> 16);
        out[1] = (uint8_t)(w >> 8);
        out[2] = (uint8_t)w;
    }
    if (n != 0) {
        unsigned a = values[p[0]], b = values[p[1]], c = n == 3 ? values[p[2]] : 0x80;
        uint32_t w = a << 18 ^ b << 12 ^ c << 6 ^ 0x80 ^ MARKS;

        all &= a & b & c;
        out[0] = (uint8_t)(w >> 16);
        if (n == 3)
            out[1] = (uint8_t)(w >> 8);
        last = n == 3 ? w & 0xff : w & 0xffff;
    }
    return all != 0 && last == 0;
}

bool aps_b64_url_decode(struct aps_str text, uint8_t *out, size_t *out_n)
{
    if (text.n % 4 == 1 || !decode(url_values, (const unsigned char *)text.p, text.n, out))
        return false;
    *out_n = text.n / 4 * 3 + (text.n % 4 != 0 ? text.n % 4 - 1 : 0);
    return true;
}

bool aps_b64_decode(struct aps_str text, uint8_t *out, size_t *out_n)
{
    size_t n = text.n;

    if (n % 4 != 0)
        return false;
    while (n != 0 && text.n - n < 2 && text.p[n - 1] == '=')
        n--;
    if (!decode(plain_values, (const unsigned char *)text.p, n, out))
        return false;
    *out_n = n / 4 * 3 + (n % 4 != 0 ? n % 4 - 1 : 0);
    return true;
}

static size_t encode(const char letters[64], struct aps_str bytes, bool pad, char *out)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    char *start = out;
    size_t n = bytes.n;

    for (; n >= 3; n -= 3, p += 3) {
        *out++ = letters[p[0] >> 2];
        *out++ = letters[(p[0] & 3) << 4 | p[1] >> 4];
        *out++ = letters[(p[1] & 15) << 2 | p[2] >> 6];
        *out++ = letters[p[2] & 63];
    }
    if (n == 0)
        return (size_t)(out - start);
    *out++ = letters[p[0] >> 2];
    *out++ = letters[(p[0] & 3) << 4 | (n == 2 ? p[1] >> 4 : 0)];
    if (n == 2)
        *out++ = letters[(p[1] & 15) << 2];
    for (size_t i = n; pad && i < 3; i++)
        *out++ = '=';
    return (size_t)(out - start);
}

size_t aps_b64_url_encode(struct aps_str bytes, char *out)
{
    return encode(url_letters, bytes, false, out);
}

size_t aps_b64_encode(struct aps_str bytes, char *out)
{
    return encode(plain_letters, bytes, true, out);
}
