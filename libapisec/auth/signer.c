/* signer.c - keys with which requests are signed. */
#include "apisec/signer.h"

#include <apr_strings.h>

bool aps_signer_is_keyid(struct aps_str keyid)
{
    for (size_t i = 0; i < keyid.n; i++)
        if (keyid.p[i] <= ' ' || keyid.p[i] > '~' || keyid.p[i] == '"' || keyid.p[i] == '\\')
            return false;
    return keyid.n != 0 && keyid.n <= APS_SIGNER_KEYID_MAX;
}

struct aps_str aps_signer_secret(apr_pool_t *pool, struct aps_str keyid)
{
    return aps_str(apr_psprintf(pool, "signer/%.*s", APS_STR_ARG(keyid)));
}

enum aps_err aps_signer_verifier(const struct aps_signer *signer, const struct aps_secret *secret,
                                 struct aps_verify_key **out, struct aps_diag *diag)
{
    if (signer->public.n != 0)
        return aps_verify_der(signer->alg, signer->public, out, diag);
    return aps_verify_secret(signer->alg,
                             secret != NULL ? aps_secret_str(secret) : (struct aps_str){NULL, 0},
                             out, diag);
}
