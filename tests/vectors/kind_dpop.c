/* kind_dpop.c - is `proof` good for the row's request at the row's time?
 *
 * A row with `after` comes after that row's proof was used.  Where that row does not stand before
 * it, nobody knows which proof that was, and doubt refuses. */
#include <stdlib.h>

#include "apisec/b64.h"
#include "apisec/dpop.h"
#include "vectors.h"

/* All rows so far. */
static struct used {
    struct aps_str id; /* copied */
    bool good;         /* its proof was used */
    uint8_t use[APS_DIGEST_LEN];
} * used;
static size_t nused;

static const struct used *find_used(struct aps_str id)
{
    for (size_t i = 0; i < nused; i++)
        if (aps_str_eq(used[i].id, id))
            return &used[i];
    return NULL;
}

static void remember(struct aps_str id, bool good, const struct aps_dpop *proof)
{
    struct used *more = realloc(used, (nused + 1) * sizeof *used);
    char *copy = malloc(id.n + 1);

    if (more == NULL || copy == NULL)
        abort();
    memcpy(copy, id.p, id.n);
    used = more;
    used[nused].id = (struct aps_str){copy, id.n};
    used[nused].good = good;
    memcpy(used[nused++].use, proof->use, sizeof proof->use);
}

/* Whether the proof was used by the row that this comes after, or nobody knows. */
static bool is_used(const struct t_row *row, const struct aps_dpop *proof)
{
    const struct used *first;
    struct aps_str after;

    if (!t_row_text(row, "after", &after))
        return false;
    first = find_used(after);
    return first == NULL || (first->good && memcmp(first->use, proof->use, sizeof proof->use) == 0);
}

/* The thumbprint that the token is bound to, if the row has one. */
static const char *read_jkt(const struct t_row *row, uint8_t out[APS_B64_DECODED_MAX(43)],
                            struct aps_dpop_need *need)
{
    struct aps_str text;
    size_t n = 0;

    if (!t_row_text(row, "cnf_jkt", &text) || need->access_token.p == NULL)
        return NULL;
    if (text.n != 43 || !aps_b64_url_decode(text, out, &n))
        return "want cnf_jkt as SHA-256 in base64url, or null";
    need->jkt = out;
    return NULL;
}

const char *t_kind_dpop(const struct t_row *row, struct aps_json *out)
{
    struct aps_dpop_need need = {.before = APS_DPOP_BEFORE, .after = APS_DPOP_AFTER};
    uint8_t jkt[APS_B64_DECODED_MAX(43)];
    struct aps_str proof, id;
    struct aps_dpop seen;
    const char *why;
    int64_t now;
    bool good;

    if (!t_row_text(row, "proof", &proof) || !t_row_text(row, "method", &need.method) ||
        !t_row_text(row, "url", &need.target) || !t_row_integer(row, "now", &now) || now < 0 ||
        now > INT32_MAX)
        return "want strings proof, method and url, and now from 0 to 2^31-1";
    if (!t_row_text(row, "access_token", &need.access_token))
        need.access_token = (struct aps_str){NULL, 0};
    if ((why = read_jkt(row, jkt, &need)) != NULL)
        return why;
    good = aps_dpop(proof, &need, now * APS_SEC, row->key, row->pool, &seen, NULL) == APS_TOKEN_OK;
    good = good && !is_used(row, &seen);
    if (t_row_text(row, "id", &id))
        remember(id, good, &seen);
    aps_json_put_bool(out, "got", good);
    return NULL;
}
