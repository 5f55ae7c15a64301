/* httpsig_base.c - the text that is signed (RFC 9421 2.5). */
#include "httpsig_impl.h"

/* The message that a component is taken from (RFC 9421 2.4). */
static enum aps_httpsig_fault choose(const struct aps_httpsig_message *m,
                                     const struct httpsig_component *c,
                                     const struct aps_httpsig_message **out, struct aps_diag *diag)
{
    *out = m;
    if (!c->req)
        return APS_HTTPSIG_OK;
    if (m->status == 0)
        return aps_httpsig_explain(APS_HTTPSIG_COMPONENT, c->name, "no parameter req in a request",
                                   diag);
    if (m->request == NULL || m->request->status != 0)
        return aps_httpsig_explain(APS_HTTPSIG_MISSING, c->name, "the request of the response",
                                   diag);
    *out = m->request;
    return APS_HTTPSIG_OK;
}

/* The value, or a part of it where there is a fault. */
static enum aps_httpsig_fault add_value(const struct aps_httpsig_message *m,
                                        const struct aps_sf *id, struct httpsig_work *work,
                                        struct aps_buf *to, struct aps_diag *diag)
{
    struct httpsig_component c;
    enum aps_httpsig_fault fault;

    if ((fault = aps_httpsig_component_read(id, &c, diag)) != APS_HTTPSIG_OK ||
        (fault = choose(m, &c, &m, diag)) != APS_HTTPSIG_OK)
        return fault;
    return c.kind == HTTPSIG_FIELD ? aps_httpsig_field_value(m, &c, work, to, diag)
                                   : aps_httpsig_derived_value(m, &c, work, to, diag);
}

static enum aps_httpsig_fault too_large(struct aps_str name, struct aps_diag *diag)
{
    return aps_httpsig_explain(APS_HTTPSIG_SIZE, name, "less in all that is covered", diag);
}

/* The value, or nothing. */
static enum aps_httpsig_fault put_value(const struct aps_httpsig_message *m,
                                        const struct aps_sf *id, struct httpsig_work *work,
                                        struct aps_buf *to, struct aps_diag *diag)
{
    const size_t before = to->n;
    enum aps_httpsig_fault fault = add_value(m, id, work, to, diag);

    if (fault == APS_HTTPSIG_SIZE || (fault == APS_HTTPSIG_OK && to->full))
        fault = too_large(id->text, diag);
    if (fault != APS_HTTPSIG_OK)
        aps_buf_cut(to, before);
    return fault;
}

enum aps_httpsig_fault aps_httpsig_base_value(const struct aps_httpsig_message *m,
                                              const struct aps_sf *id, apr_pool_t *pool,
                                              struct aps_buf *to, struct aps_diag *diag)
{
    struct httpsig_work work = {pool, APS_HTTPSIG_READ_MAX};

    return put_value(m, id, &work, to, diag);
}

/* "name";params: value LF */
static enum aps_httpsig_fault add_component(const struct aps_httpsig_message *m,
                                            const struct aps_sf *id, struct httpsig_work *work,
                                            struct aps_buf *to, struct aps_diag *diag)
{
    enum aps_httpsig_fault fault;

    if (aps_sf_print_value(id, to, NULL) != APS_OK)
        return too_large(id->text, diag); /* what was read can be printed */
    aps_buf_add(to, APS_STR_LIT(": "));
    if ((fault = put_value(m, id, work, to, diag)) != APS_HTTPSIG_OK)
        return fault;
    aps_buf_add_char(to, '\n');
    return APS_HTTPSIG_OK;
}

enum aps_httpsig_fault aps_httpsig_base(const struct aps_httpsig_message *m,
                                        const struct aps_httpsig *sig, apr_pool_t *pool,
                                        struct aps_str *out, struct aps_diag *diag)
{
    static const struct aps_str params = {"@signature-params", 17};
    struct httpsig_work work = {pool, APS_HTTPSIG_READ_MAX};
    struct aps_buf b;
    enum aps_httpsig_fault fault;

    if (sig->fault != APS_HTTPSIG_OK)
        return sig->fault;
    aps_buf_init(&b, pool, APS_HTTPSIG_BASE_MAX);
    for (const struct aps_sf *id = sig->input->items; id != NULL; id = id->next)
        if ((fault = add_component(m, id, &work, &b, diag)) != APS_HTTPSIG_OK)
            return fault;
    aps_buf_add(&b, APS_STR_LIT("\"@signature-params\": "));
    if (aps_sf_print_value(sig->input, &b, NULL) != APS_OK)
        return too_large(params, diag);
    *out = aps_buf_text(&b);
    return APS_HTTPSIG_OK;
}
