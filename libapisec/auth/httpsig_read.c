/* httpsig_read.c - Signature-Input and Signature (RFC 9421 4). */
#include "httpsig_impl.h"

static const struct aps_sf_limits limits = {
    .bytes_max = APS_HTTPSIG_FIELD_MAX,
    .members_max = APS_HTTPSIG_SIGNATURES_MAX,
    .items_max = APS_HTTPSIG_COMPONENTS_MAX,
    .params_max = APS_HTTPSIG_PARAMS_MAX,
};

static enum aps_httpsig_fault bad_field(struct aps_str name, const char *want,
                                        struct aps_diag *diag)
{
    return aps_httpsig_explain(APS_HTTPSIG_FIELD, name, want, diag);
}

/* The members of a dictionary field, all of one kind.  MISSING: there is no such field. */
static enum aps_httpsig_fault read_field(const struct aps_httpsig_message *m, struct aps_str name,
                                         enum aps_sf_kind kind, apr_pool_t *pool,
                                         struct aps_sf **out, struct aps_diag *diag)
{
    enum aps_httpsig_fault fault;
    struct aps_buf b;
    enum aps_err err;

    aps_buf_init(&b, pool, APS_HTTPSIG_FIELD_MAX);
    fault = aps_httpsig_field_join(&m->fields, name, &b, diag);
    if (fault == APS_HTTPSIG_MISSING)
        return fault;
    if (fault != APS_HTTPSIG_OK || b.full)
        return bad_field(name, "at most 16,384 bytes of printable ASCII", diag);
    if ((err = aps_sf_read(aps_buf_text(&b), APS_SF_DICTIONARY, &limits, pool, out, diag)) !=
        APS_OK)
        return err == APS_ERR_NOMEM ? APS_HTTPSIG_NOMEM : APS_HTTPSIG_FIELD;
    for (const struct aps_sf *v = *out; v != NULL; v = v->next)
        if (v->kind != kind || v->number != 0) /* bytes have one spelling */
            return bad_field(name,
                             kind == APS_SF_INNER ? "an inner list of components in each member"
                                                  : "bytes in exact base64 in each member",
                             diag);
    return *out != NULL ? APS_HTTPSIG_OK : bad_field(name, "a member", diag);
}

/* A parameter of this name, which has to be of this kind (RFC 9421 2.3). */
static bool read_param(const struct aps_sf *input, const char *name, enum aps_sf_kind kind,
                       const struct aps_sf **out)
{
    *out = aps_sf_get(input->params, aps_str(name));
    return *out == NULL || (*out)->kind == kind;
}

/* Parameters of other names are signed as they stand and mean nothing here. */
static bool read_params(struct aps_httpsig *sig)
{
    const struct aps_sf *input = sig->input;

    return read_param(input, "created", APS_SF_INTEGER, &sig->created) &&
           read_param(input, "expires", APS_SF_INTEGER, &sig->expires) &&
           read_param(input, "nonce", APS_SF_STRING, &sig->nonce) &&
           read_param(input, "alg", APS_SF_STRING, &sig->alg) &&
           read_param(input, "keyid", APS_SF_STRING, &sig->keyid) &&
           read_param(input, "tag", APS_SF_STRING, &sig->tag);
}

enum aps_httpsig_fault aps_httpsig_read_one(struct aps_httpsig *sig, struct aps_diag *diag)
{
    if (!read_params(sig)) {
        sig->created = sig->expires = sig->nonce = sig->alg = sig->keyid = sig->tag = NULL;
        sig->fault = aps_httpsig_explain(
            APS_HTTPSIG_PARAM, sig->label,
            "created and expires as integers, nonce, alg, keyid and tag as strings", diag);
    } else {
        sig->fault = aps_httpsig_component_read_all(sig->input->items, diag);
    }
    return sig->fault;
}

static size_t count_of(const struct aps_sf *v)
{
    size_t n = 0;

    for (; v != NULL; v = v->next)
        n++;
    return n;
}

enum aps_httpsig_fault aps_httpsig_read(const struct aps_httpsig_message *m, apr_pool_t *pool,
                                        const struct aps_httpsig **out, size_t *out_n,
                                        struct aps_diag *diag)
{
    static const struct aps_str input_name = {"signature-input", 15};
    static const struct aps_str signature_name = {"signature", 9};
    struct aps_sf *inputs = NULL, *signatures = NULL;
    enum aps_httpsig_fault in, of;
    struct aps_httpsig *list;
    size_t n;

    in = read_field(m, input_name, APS_SF_INNER, pool, &inputs, diag);
    if (in != APS_HTTPSIG_OK && in != APS_HTTPSIG_MISSING)
        return in;
    of = read_field(m, signature_name, APS_SF_BYTES, pool, &signatures, diag);
    if (of != APS_HTTPSIG_OK && of != APS_HTTPSIG_MISSING)
        return of;
    if (inputs == NULL && signatures == NULL)
        return aps_httpsig_explain(APS_HTTPSIG_ABSENT, input_name, "it and Signature", diag);
    n = count_of(inputs);
    if (n != count_of(signatures))
        return aps_httpsig_explain(APS_HTTPSIG_LABEL, input_name, "the labels of Signature", diag);
    if ((list = apr_pcalloc(pool, n * sizeof *list)) == NULL)
        return APS_HTTPSIG_NOMEM;
    for (size_t i = 0; i < n; i++, inputs = inputs->next) {
        const struct aps_sf *signature = aps_sf_get(signatures, inputs->key);

        if (signature == NULL)
            return aps_httpsig_explain(APS_HTTPSIG_LABEL, inputs->key, "it in Signature as well",
                                       diag);
        list[i].label = inputs->key;
        list[i].input = inputs;
        list[i].signature = signature->text;
        (void)aps_httpsig_read_one(&list[i], NULL); /* its fault stays with it */
    }
    *out = list;
    *out_n = n;
    return APS_HTTPSIG_OK;
}
