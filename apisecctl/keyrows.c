/* keyrows.c - the keys of a set, each with whether it can be used. */
#include "keyrows.h"

#include "apisec/b64.h"

/* The name of RFC 7638, which a secret has none of. */
static const char *thumbprint(struct ctl *c, const struct aps_jwk *key)
{
    static const uint8_t none[APS_DIGEST_LEN];
    char *text = apr_palloc(c->pool, APS_B64_ENCODED_MAX(APS_DIGEST_LEN) + 1);
    size_t n;

    if (memcmp(key->thumbprint, none, sizeof none) == 0)
        return NULL;
    n = aps_b64_url_encode((struct aps_str){(const char *)key->thumbprint, APS_DIGEST_LEN}, text);
    text[n] = '\0';
    return text;
}

void ctl_keyrows(struct ctl *c, const char *name, const struct aps_jwks *set)
{
    if (set->nkeys == 0 && !ctl_output_is_json(c->out))
        return;
    ctl_output_table(c->out, name, "kid type alg usable thumbprint fault");
    for (size_t i = 0; i < set->nkeys; i++) {
        const struct aps_jwk *key = &set->keys[i];
        const char *alg = key->alg != APS_ALG_NONE ? aps_alg_jose(key->alg) : NULL;

        ctl_output_row(c->out);
        ctl_output_str(c->out, "kid", key->kid);
        ctl_output_str(c->out, "type", aps_str(aps_alg_key_name(key->kind)));
        ctl_output_str(c->out, "alg", aps_str(alg));
        ctl_output_bool(c->out, "usable", key->key != NULL);
        ctl_output_str(c->out, "thumbprint", aps_str(thumbprint(c, key)));
        ctl_output_str(c->out, "fault", aps_str(key->key != NULL ? NULL : key->why));
        ctl_output_end(c->out);
    }
    ctl_output_end(c->out);
}
