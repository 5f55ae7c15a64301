/* limit_cost.c - what a request costs of a limit. */
#include "apisec/limit.h"

#define METHOD_WORDS "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

static unsigned read_methods(struct aps_str text)
{
    struct aps_str rest = text, word;
    enum aps_method method;
    unsigned set = 0;

    while (aps_str_next(&rest, ',', &word)) {
        if ((method = aps_method_parse(word)) == APS_METHOD_NONE)
            return 0;
        set |= method;
    }
    return text.n != 0 && text.p[text.n - 1] == ',' ? 0 : set;
}

static enum aps_err read_units(struct aps_str text, uint32_t *out, struct aps_diag *diag)
{
    uint64_t n = 0;
    enum aps_err err = aps_num_parse(text, 1, APS_LIMIT_COST_MAX, &n, diag);

    if (err == APS_OK)
        *out = (uint32_t)n;
    return err;
}

static enum aps_err read_method_cost(struct aps_str text, size_t colon, struct aps_limit_cost *cost,
                                     struct aps_diag *diag)
{
    unsigned methods = read_methods((struct aps_str){text.p, colon});
    uint32_t units = 0;
    enum aps_err err;

    if (methods == 0) {
        aps_err_explain(diag, "cost \"%.*s\": want methods of " METHOD_WORDS " before the colon",
                        APS_STR_SHOW(text));
        return APS_ERR_FORMAT;
    }
    for (size_t i = 0; i < cost->n; i++)
        if ((cost->of[i].methods & methods) != 0) {
            aps_err_explain(diag, "cost \"%.*s\": a method has a cost already", APS_STR_SHOW(text));
            return APS_ERR_FORMAT;
        }
    err = read_units((struct aps_str){text.p + colon + 1, text.n - colon - 1}, &units, diag);
    if (err != APS_OK)
        return err;
    cost->of[cost->n].methods = methods; /* no more costs than methods */
    cost->of[cost->n++].cost = units;
    return APS_OK;
}

static enum aps_err refuse_second(struct aps_str text, struct aps_diag *diag)
{
    aps_err_explain(diag, "cost \"%.*s\": one of this form was given before", APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

enum aps_err aps_limit_cost_parse(struct aps_str text, struct aps_limit_cost *cost,
                                  struct aps_diag *diag)
{
    const char *colon = text.n != 0 ? memchr(text.p, ':', text.n) : NULL;
    struct aps_str bytes = APS_STR_LIT("bytes/");

    if (aps_str_starts(text, bytes))
        return cost->bytes != 0
                   ? refuse_second(text, diag)
                   : aps_num_parse_size((struct aps_str){text.p + bytes.n, text.n - bytes.n},
                                        &cost->bytes, diag);
    if (colon != NULL)
        return read_method_cost(text, (size_t)(colon - text.p), cost, diag);
    if (cost->has_base)
        return refuse_second(text, diag);
    cost->has_base = true;
    return read_units(text, &cost->base, diag);
}

uint32_t aps_limit_cost_of(const struct aps_limit_cost *cost, enum aps_method method, int64_t body)
{
    uint64_t most = (uint64_t)APS_LIMIT_COST_MAX * 1000;
    uint64_t units = cost->base, of_body;

    for (size_t i = 0; i < cost->n; i++)
        if ((cost->of[i].methods & method) != 0)
            units = cost->of[i].cost;
    if (cost->bytes == 0)
        return (uint32_t)units;
    if (body < 0)
        return 0;
    of_body = (uint64_t)body / cost->bytes + ((uint64_t)body % cost->bytes != 0);
    units = of_body > units ? of_body : units;
    return (uint32_t)(units < most ? units : most);
}
