/* httpsig_component.c - identifiers of components: which are understood, alike, and enough. */
#include "httpsig_impl.h"

static const struct {
    struct aps_str name;
    enum httpsig_kind kind;
} derived[] = {
    {{"@method", 7}, HTTPSIG_METHOD},
    {{"@target-uri", 11}, HTTPSIG_TARGET_URI},
    {{"@authority", 10}, HTTPSIG_AUTHORITY},
    {{"@scheme", 7}, HTTPSIG_SCHEME},
    {{"@request-target", 15}, HTTPSIG_REQUEST_TARGET},
    {{"@path", 5}, HTTPSIG_PATH},
    {{"@query", 6}, HTTPSIG_QUERY},
    {{"@query-param", 12}, HTTPSIG_QUERY_PARAM},
    {{"@status", 7}, HTTPSIG_STATUS},
};

static enum aps_httpsig_fault refuse(struct aps_str name, const char *want, struct aps_diag *diag)
{
    return aps_httpsig_explain(APS_HTTPSIG_COMPONENT, name, want, diag);
}

/* A name that starts with `@` is derived or nothing, never a field (SIG-10). */
static bool read_derived(struct httpsig_component *c)
{
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++)
        if (aps_str_eq(c->name, derived[i].name)) {
            c->kind = derived[i].kind;
            return true;
        }
    return false;
}

/* RFC 9110 5.1 in lower case (RFC 9421 2.1). */
static bool is_field_name(struct aps_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        const char c = name.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
            return false;
    }
    return name.n != 0;
}

/* A parameter without value, which is the same as ?1. */
static bool read_flag(const struct aps_sf *p, bool *out)
{
    *out = p->kind == APS_SF_BOOLEAN && p->number != 0;
    return *out;
}

static bool read_string(const struct aps_sf *p, const struct aps_sf **out)
{
    *out = p->kind == APS_SF_STRING ? p : NULL;
    return *out != NULL;
}

/* One that is known and has its type (RFC 9421 6.5.2). */
static bool read_param(const struct aps_sf *p, struct httpsig_component *c)
{
    if (aps_str_eq(p->key, APS_STR_LIT("sf")))
        return read_flag(p, &c->sf);
    if (aps_str_eq(p->key, APS_STR_LIT("bs")))
        return read_flag(p, &c->bs);
    if (aps_str_eq(p->key, APS_STR_LIT("req")))
        return read_flag(p, &c->req);
    if (aps_str_eq(p->key, APS_STR_LIT("tr")))
        return read_flag(p, &c->tr);
    if (aps_str_eq(p->key, APS_STR_LIT("key")))
        return read_string(p, &c->key);
    if (aps_str_eq(p->key, APS_STR_LIT("name")))
        return read_string(p, &c->query_param);
    return false;
}

/* Whether the parameters apply to what the name stands for, and to each other. */
static const char *clash(const struct httpsig_component *c)
{
    if (c->kind == HTTPSIG_FIELD) {
        if (c->query_param != NULL)
            return "no parameter name on a field";
        if (c->bs && (c->sf || c->key != NULL))
            return "bs without sf and key";
        return NULL;
    }
    if (c->sf || c->bs || c->tr || c->key != NULL)
        return "no parameter of a field";
    if (c->kind == HTTPSIG_STATUS && c->req)
        return "no parameter req, since a request has no status";
    if ((c->kind == HTTPSIG_QUERY_PARAM) != (c->query_param != NULL))
        return "a parameter name with @query-param and nowhere else";
    return NULL;
}

enum aps_httpsig_fault aps_httpsig_component_read(const struct aps_sf *id,
                                                  struct httpsig_component *out,
                                                  struct aps_diag *diag)
{
    struct httpsig_component c = {.kind = HTTPSIG_FIELD, .name = id->text};
    const char *want;

    if (id->kind != APS_SF_STRING)
        return refuse(c.name, "a component's name between quotes", diag);
    if (c.name.n != 0 && c.name.p[0] == '@') {
        if (!read_derived(&c))
            return refuse(c.name, "a derived component of RFC 9421 2.2", diag);
    } else if (!is_field_name(c.name)) {
        return refuse(c.name, "the name of a field in lower case", diag);
    }
    for (const struct aps_sf *p = id->params; p != NULL; p = p->next)
        if (!read_param(p, &c))
            return refuse(c.name, "the flags sf, bs, req and tr, and key and name with a string",
                          diag);
    if ((want = clash(&c)) != NULL)
        return refuse(c.name, want, diag);
    *out = c;
    return APS_HTTPSIG_OK;
}

/* ---- identifiers beside each other (RFC 9421 2: the order of parameters does not matter) */

static bool is_same_value(const struct aps_sf *a, const struct aps_sf *b)
{
    return a->kind == b->kind && a->number == b->number && aps_str_eq(a->text, b->text);
}

/* Each of a's parameters is one of b's, as many as there are. */
static bool is_same(const struct aps_sf *a, const struct aps_sf *b)
{
    size_t of_a = 0, of_b = 0;

    if (!aps_str_eq(a->text, b->text))
        return false;
    for (const struct aps_sf *p = b->params; p != NULL; p = p->next)
        of_b++;
    for (const struct aps_sf *p = a->params; p != NULL; p = p->next, of_a++) {
        const struct aps_sf *q = aps_sf_get(b->params, p->key);

        if (q == NULL || !is_same_value(p, q))
            return false;
    }
    return of_a == of_b;
}

enum aps_httpsig_fault aps_httpsig_component_read_all(const struct aps_sf *first,
                                                      struct aps_diag *diag)
{
    struct httpsig_component c;
    enum aps_httpsig_fault fault;

    for (const struct aps_sf *id = first; id != NULL; id = id->next) {
        if ((fault = aps_httpsig_component_read(id, &c, diag)) != APS_HTTPSIG_OK)
            return fault;
        for (const struct aps_sf *other = first; other != id; other = other->next)
            if (is_same(id, other))
                return aps_httpsig_explain(APS_HTTPSIG_TWICE, id->text, "it once", diag);
    }
    return APS_HTTPSIG_OK;
}

/* ---- coverage */

/* Whether the one derived value is a part of the other. */
static bool holds(enum httpsig_kind covered, enum httpsig_kind wanted)
{
    switch (covered) {
    case HTTPSIG_QUERY:
        return wanted == HTTPSIG_QUERY_PARAM;
    case HTTPSIG_REQUEST_TARGET:
        return wanted == HTTPSIG_PATH || wanted == HTTPSIG_QUERY || wanted == HTTPSIG_QUERY_PARAM;
    case HTTPSIG_TARGET_URI:
        return wanted == HTTPSIG_SCHEME || wanted == HTTPSIG_AUTHORITY ||
               holds(HTTPSIG_REQUEST_TARGET, wanted);
    default:
        return false;
    }
}

/* A field that is signed in its canonical form may stand otherwise in the message, such as with a
 * member that a later one replaces: that is enough only for who asks for that form or a member. */
static bool holds_field(const struct httpsig_component *covered,
                        const struct httpsig_component *wanted)
{
    if (covered->key != NULL || !aps_str_eq(covered->name, wanted->name))
        return false;
    if (wanted->bs)
        return covered->bs;
    return wanted->sf || wanted->key != NULL || !covered->sf;
}

/* Whether what is signed for `covered` says all that there is to say about `wanted`. */
static bool covers(const struct aps_sf *covered, const struct aps_sf *wanted)
{
    struct httpsig_component c, w;

    if (aps_httpsig_component_read(covered, &c, NULL) != APS_HTTPSIG_OK ||
        aps_httpsig_component_read(wanted, &w, NULL) != APS_HTTPSIG_OK)
        return false;
    if (is_same(covered, wanted))
        return true;
    if (c.req != w.req || c.tr != w.tr)
        return false;
    if (c.kind == HTTPSIG_FIELD && w.kind == HTTPSIG_FIELD)
        return holds_field(&c, &w);
    return holds(c.kind, w.kind);
}

bool aps_httpsig_component_is_covered(const struct aps_sf *covered, const struct aps_sf *wanted)
{
    for (; covered != NULL; covered = covered->next)
        if (covers(covered, wanted))
            return true;
    return false;
}

/* ---- what a policy names */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Names between spaces, as items. */
static enum aps_err split_names(struct aps_str text, apr_pool_t *pool, struct aps_sf **out,
                                struct aps_diag *diag)
{
    struct aps_sf *first = NULL, **end = &first;
    unsigned n = 0;

    for (size_t i = 0, start; i < text.n;) {
        if (is_space(text.p[i])) {
            i++;
            continue;
        }
        for (start = i; i < text.n && !is_space(text.p[i]);)
            i++;
        if (n++ == APS_HTTPSIG_COMPONENTS_MAX) {
            aps_err_explain(diag, "components: want at most %d", APS_HTTPSIG_COMPONENTS_MAX);
            return APS_ERR_RANGE;
        }
        if ((*end = apr_pcalloc(pool, sizeof **end)) == NULL)
            return APS_ERR_NOMEM;
        (*end)->kind = APS_SF_STRING;
        (*end)->text = (struct aps_str){text.p + start, i - start};
        end = &(*end)->next;
    }
    *out = first;
    return APS_OK;
}

/* An inner list without parameters of its own. */
static enum aps_err read_inner(struct aps_str text, apr_pool_t *pool, struct aps_sf **out,
                               struct aps_diag *diag)
{
    static const struct aps_sf_limits limits = {
        .bytes_max = APS_HTTPSIG_FIELD_MAX,
        .members_max = 1,
        .items_max = APS_HTTPSIG_COMPONENTS_MAX,
        .params_max = APS_HTTPSIG_PARAMS_MAX,
    };
    struct aps_sf *v;
    enum aps_err err = aps_sf_read(text, APS_SF_LIST, &limits, pool, &v, diag);

    if (err != APS_OK)
        return err;
    if (v->params != NULL) {
        aps_err_explain(diag, "components \"%.*s\": want nothing behind the parenthesis",
                        APS_STR_SHOW(text));
        return APS_ERR_FORMAT;
    }
    *out = v->items;
    return APS_OK;
}

enum aps_err aps_httpsig_components(struct aps_str text, apr_pool_t *pool, struct aps_sf **out,
                                    struct aps_diag *diag)
{
    struct aps_sf *first;
    enum aps_err err = text.n != 0 && text.p[0] == '(' ? read_inner(text, pool, &first, diag)
                                                       : split_names(text, pool, &first, diag);

    if (err != APS_OK)
        return err;
    if (aps_httpsig_component_read_all(first, diag) != APS_HTTPSIG_OK)
        return APS_ERR_FORMAT;
    *out = first;
    return APS_OK;
}
