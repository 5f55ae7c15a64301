/* httpsig_make.c - signatures of our own (RFC 9421 3.1). */
#include "httpsig_impl.h"

/* Parameters under construction. */
struct params {
    struct aps_sf of[6];
    unsigned n;
};

static void add_time(struct params *p, const char *name, int64_t value)
{
    if (value != 0)
        p->of[p->n++] =
            (struct aps_sf){.kind = APS_SF_INTEGER, .number = value, .key = aps_str(name)};
}

static void add_text(struct params *p, const char *name, struct aps_str value)
{
    if (value.n != 0)
        p->of[p->n++] = (struct aps_sf){.kind = APS_SF_STRING, .text = value, .key = aps_str(name)};
}

/* That it can be said at all: the texts are the caller's. */
static enum aps_httpsig_fault try_print(const struct aps_sf *input, apr_pool_t *pool,
                                        struct aps_diag *diag)
{
    struct aps_buf b;

    aps_buf_init(&b, pool, APS_HTTPSIG_FIELD_MAX);
    return aps_sf_print_value(input, &b, diag) == APS_OK ? APS_HTTPSIG_OK : APS_HTTPSIG_PARAM;
}

enum aps_httpsig_fault aps_httpsig_make(struct aps_sf *components,
                                        const struct aps_httpsig_params *params, apr_pool_t *pool,
                                        struct aps_httpsig *out, struct aps_diag *diag)
{
    struct params *p = apr_pcalloc(pool, sizeof *p);
    struct aps_sf *input = apr_pcalloc(pool, sizeof *input);
    struct aps_httpsig sig = {.input = input};
    enum aps_httpsig_fault fault;

    if (p == NULL || input == NULL)
        return APS_HTTPSIG_NOMEM;
    add_time(p, "created", params->created);
    add_time(p, "expires", params->expires);
    add_text(p, "nonce", params->nonce);
    add_text(p, "alg", params->alg);
    add_text(p, "keyid", params->keyid);
    add_text(p, "tag", params->tag);
    for (unsigned i = 0; i + 1 < p->n; i++)
        p->of[i].next = &p->of[i + 1];
    input->kind = APS_SF_INNER;
    input->items = components;
    input->params = p->n != 0 ? p->of : NULL;
    if ((fault = aps_httpsig_read_one(&sig, diag)) != APS_HTTPSIG_OK ||
        (fault = try_print(input, pool, diag)) != APS_HTTPSIG_OK)
        return fault;
    *out = sig;
    return APS_HTTPSIG_OK;
}

enum aps_err aps_httpsig_make_fields(const struct aps_httpsig *sig, struct aps_buf *to_input,
                                     struct aps_buf *to_signature, struct aps_diag *diag)
{
    const size_t before = to_input->n;
    struct aps_sf input = *sig->input;
    struct aps_sf signature = {.kind = APS_SF_BYTES, .text = sig->signature, .key = sig->label};
    enum aps_err err;

    input.key = sig->label;
    input.next = NULL;
    if ((err = aps_sf_print(&input, APS_SF_DICTIONARY, to_input, diag)) != APS_OK)
        return err;
    if ((err = aps_sf_print(&signature, APS_SF_DICTIONARY, to_signature, diag)) != APS_OK)
        aps_buf_cut(to_input, before);
    return err;
}
