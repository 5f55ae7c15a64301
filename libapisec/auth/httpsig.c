/* httpsig.c - HTTP Message Signatures: the verdicts, and the one signature that holds. */
#include "httpsig_impl.h"

static const struct {
    const char *token, *text;
} rows[] = {
#define F(name, token, text) {token, text},
#include "apisec/httpsig.def"
#undef F
};

static size_t row_of(enum aps_httpsig_fault fault)
{
    return (unsigned)fault < APS_HTTPSIG_COUNT ? (size_t)fault : APS_HTTPSIG_UNDECIDED;
}

const char *aps_httpsig_token(enum aps_httpsig_fault fault)
{
    return rows[row_of(fault)].token;
}

const char *aps_httpsig_text(enum aps_httpsig_fault fault)
{
    return rows[row_of(fault)].text;
}

enum aps_httpsig_fault aps_httpsig_explain(enum aps_httpsig_fault fault, struct aps_str name,
                                           const char *want, struct aps_diag *diag)
{
    aps_err_explain(diag, "%.*s: %s; want %s", APS_STR_SHOW(name), aps_httpsig_text(fault), want);
    return fault;
}

/* ---- one signature under one key */

static enum aps_httpsig_fault check_alg(const struct aps_httpsig *sig, enum aps_alg alg,
                                        struct aps_diag *diag)
{
    static const struct aps_str alg_name = {"alg", 3};
    const char *name = aps_alg_httpsig(alg);

    if (name == NULL)
        return aps_httpsig_explain(APS_HTTPSIG_ALG, aps_str(aps_alg_jose(alg)),
                                   "a key for an algorithm of RFC 9421 3.3", diag);
    if (sig->alg != NULL && !aps_str_eq(sig->alg->text, aps_str(name)))
        return aps_httpsig_explain(APS_HTTPSIG_ALG, alg_name, name, diag);
    return APS_HTTPSIG_OK;
}

enum aps_httpsig_fault aps_httpsig_verify(const struct aps_httpsig_message *m,
                                          const struct aps_httpsig *sig,
                                          const struct aps_verify_key *key, apr_pool_t *pool,
                                          struct aps_diag *diag)
{
    enum aps_httpsig_fault fault;
    struct aps_str base;

    if (sig->fault != APS_HTTPSIG_OK)
        return sig->fault;
    if ((fault = check_alg(sig, aps_verify_alg(key), diag)) != APS_HTTPSIG_OK ||
        (fault = aps_httpsig_base(m, sig, pool, &base, diag)) != APS_HTTPSIG_OK)
        return fault;
    switch (aps_verify(key, base, sig->signature)) {
    case APS_OK:
        return APS_HTTPSIG_OK;
    case APS_ERR_CHECK:
        return aps_httpsig_explain(APS_HTTPSIG_WRONG, sig->label, "one over what was received",
                                   diag);
    case APS_ERR_NOMEM:
        return APS_HTTPSIG_NOMEM;
    default:
        return APS_HTTPSIG_CRYPTO;
    }
}

/* ---- the one of several that holds */

static bool has_tag(const struct aps_httpsig *sig, struct aps_str tag)
{
    return tag.n == 0 || (sig->tag != NULL && aps_str_eq(sig->tag->text, tag));
}

/* Those with the tag. */
static enum aps_httpsig_fault pick(const struct aps_httpsig *list, size_t n, struct aps_str tag,
                                   const struct aps_httpsig *out[APS_HTTPSIG_EXAMINED_MAX],
                                   size_t *out_n, struct aps_diag *diag)
{
    static const struct aps_str tag_name = {"tag", 3};
    size_t found = 0;

    for (size_t i = 0; i < n; i++) {
        if (!has_tag(&list[i], tag))
            continue;
        if (found == APS_HTTPSIG_EXAMINED_MAX)
            return aps_httpsig_explain(APS_HTTPSIG_MANY, tag_name, "at most 4", diag);
        out[found++] = &list[i];
    }
    if (found == 0)
        return aps_httpsig_explain(APS_HTTPSIG_TAG, tag_name, "the one of the policy", diag);
    *out_n = found;
    return APS_HTTPSIG_OK;
}

/* What is the same for each of them. */
struct judge {
    const struct aps_httpsig_message *m;
    const struct aps_httpsig_policy *policy;
    const struct aps_httpsig_at *at;
    aps_httpsig_key_fn *find_key;
    void *context;
    apr_pool_t *pool;
};

static enum aps_httpsig_fault judge_one(const struct judge *j, const struct aps_httpsig *sig,
                                        struct aps_diag *diag)
{
    static const struct aps_str keyid_name = {"keyid", 5};
    const struct aps_verify_key *key;
    enum aps_httpsig_fault fault = aps_httpsig_check(sig, j->policy, j->at, diag);

    if (fault != APS_HTTPSIG_OK)
        return fault;
    if (sig->keyid == NULL)
        return aps_httpsig_explain(APS_HTTPSIG_KEYID, keyid_name, "it in the signature", diag);
    if ((key = j->find_key(j->context, sig->keyid->text)) == NULL)
        return aps_httpsig_explain(APS_HTTPSIG_KEY, sig->keyid->text, "a key that is known", diag);
    return aps_httpsig_verify(j->m, sig, key, j->pool, diag);
}

/* All are looked at: a second one that holds would say who calls as well as the first, and could be
 * sent again with its own nonce. */
static enum aps_httpsig_fault judge_all(const struct judge *j,
                                        const struct aps_httpsig *const *list, size_t n,
                                        const struct aps_httpsig **out, struct aps_diag *diag)
{
    enum aps_httpsig_fault furthest = APS_HTTPSIG_UNDECIDED;
    const struct aps_httpsig *found = NULL;
    struct aps_diag why = {""};

    for (size_t i = 0; i < n; i++) {
        enum aps_httpsig_fault fault = judge_one(j, list[i], &why);

        if (fault == APS_HTTPSIG_NOMEM || fault == APS_HTTPSIG_CRYPTO)
            return fault;
        if (fault == APS_HTTPSIG_OK) {
            if (found != NULL)
                return aps_httpsig_explain(APS_HTTPSIG_SEVERAL, list[i]->label, "one", diag);
            found = list[i];
        } else if (fault > furthest) {
            furthest = fault;
            if (diag != NULL)
                *diag = why;
        }
    }
    if (found == NULL)
        return furthest;
    *out = found;
    return APS_HTTPSIG_OK;
}

enum aps_httpsig_fault
aps_httpsig_find(const struct aps_httpsig_message *m, const struct aps_httpsig_policy *policy,
                 const struct aps_httpsig_at *at, aps_httpsig_key_fn *find_key, void *context,
                 apr_pool_t *pool, const struct aps_httpsig **out, struct aps_diag *diag)
{
    const struct judge j = {m, policy, at, find_key, context, pool};
    const struct aps_httpsig *candidates[APS_HTTPSIG_EXAMINED_MAX], *list;
    enum aps_httpsig_fault fault;
    size_t n;

    if ((fault = aps_httpsig_read(m, pool, &list, &n, diag)) != APS_HTTPSIG_OK ||
        (fault = pick(list, n, policy->tag, candidates, &n, diag)) != APS_HTTPSIG_OK)
        return fault;
    return judge_all(&j, candidates, n, out, diag);
}
