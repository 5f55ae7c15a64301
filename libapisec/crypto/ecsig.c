/* ecsig.c - r and s, and their DER. */
#include "ecsig.h"

enum { SEQUENCE = 0x30, INTEGER = 0x02, LONG_FORM = 0x81 };

/* One INTEGER: as few bytes as it needs, and a zero in front of a highest bit. */
static size_t put_number(const uint8_t *half, size_t n, uint8_t *out)
{
    size_t skip = 0, pad;

    while (skip + 1 < n && half[skip] == 0)
        skip++;
    pad = half[skip] >> 7;
    out[0] = INTEGER;
    out[1] = (uint8_t)(n - skip + pad);
    out[2] = 0;
    memcpy(out + 2 + pad, half + skip, n - skip);
    return 2 + pad + n - skip;
}

size_t aps_ecsig_to_der(struct aps_str raw, uint8_t out[APS_ECSIG_DER_MAX])
{
    const uint8_t *r = (const uint8_t *)raw.p;
    const size_t half = raw.n / 2;
    uint8_t body[APS_ECSIG_DER_MAX];
    size_t n = put_number(r, half, body), at = 0;

    n += put_number(r + half, half, body + n);
    out[at++] = SEQUENCE;
    if (n > 127)
        out[at++] = LONG_FORM;
    out[at++] = (uint8_t)n;
    memcpy(out + at, body, n);
    return at + n;
}

/* A tag and a length cut off the front; *out is what they hold. */
static bool take(struct aps_str *rest, uint8_t tag, struct aps_str *out)
{
    const uint8_t *p = (const uint8_t *)rest->p;
    size_t head = 2, n;

    if (rest->n < 3 || p[0] != tag)
        return false;
    n = p[1];
    if (n == LONG_FORM) {
        n = p[2];
        head = 3;
    }
    if (n > 255 || (head == 2 && n > 127) || rest->n - head < n)
        return false;
    *out = (struct aps_str){rest->p + head, n};
    *rest = (struct aps_str){rest->p + head + n, rest->n - head - n};
    return true;
}

static bool take_number(struct aps_str *rest, size_t half, uint8_t *out)
{
    struct aps_str number;

    if (!take(rest, INTEGER, &number))
        return false;
    while (number.n > 1 && number.p[0] == 0)
        number = (struct aps_str){number.p + 1, number.n - 1};
    if (number.n == 0 || number.n > half)
        return false;
    memset(out, 0, half - number.n);
    memcpy(out + half - number.n, number.p, number.n);
    return true;
}

bool aps_ecsig_from_der(struct aps_str der, size_t half, uint8_t *out)
{
    struct aps_str body;

    return take(&der, SEQUENCE, &body) && der.n == 0 && take_number(&body, half, out) &&
           take_number(&body, half, out + half) && body.n == 0;
}
