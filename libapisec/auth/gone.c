/* gone.c - by what a single token is revoked. */
#include "apisec/gone.h"

static bool has_nul(struct aps_str s)
{
    return s.n != 0 && memchr(s.p, '\0', s.n) != NULL;
}

/* The parts with a NUL between each two. */
static enum aps_err sum(const struct aps_str *parts, size_t n, uint8_t out[APS_DIGEST_LEN])
{
    struct aps_digest_run *run = NULL;
    enum aps_err err = aps_digest_begin(&run);

    if (err != APS_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        if (i != 0)
            aps_digest_add(run, "", 1);
        aps_digest_add(run, parts[i].p, parts[i].n);
    }
    return aps_digest_end(run, out);
}

enum aps_err aps_gone_jti(struct aps_str iss, struct aps_str jti, uint8_t out[APS_DIGEST_LEN])
{
    const struct aps_str parts[] = {APS_STR_LIT("jti"), iss, jti};

    return has_nul(iss) || has_nul(jti) ? APS_ERR_FORMAT : sum(parts, 3, out);
}

/* Of a token of three parts what is signed: who holds one by ECDSA can write its signature in two
 * ways (r, s and r, n-s), and the second one is no other token. */
static struct aps_str without_signature(struct aps_str token)
{
    size_t dots = 0, last = 0;

    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] == '.') {
            dots++;
            last = i;
        }
    return dots == 2 ? (struct aps_str){token.p, last} : token;
}

enum aps_err aps_gone_token(struct aps_str token, uint8_t out[APS_DIGEST_LEN])
{
    const struct aps_str parts[] = {APS_STR_LIT("token"), without_signature(token)};

    return sum(parts, 2, out);
}
