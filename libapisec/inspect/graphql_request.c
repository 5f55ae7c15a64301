/* graphql_request.c - the forms in which requests come: JSON, alone or in an array, and the
 * parameters of a query. */
#include "apisec/num.h"
#include "graphql_impl.h"

static const struct aps_str member_names[] = {
    {"query", 5}, {"operationName", 13}, {"variables", 9}, {"extensions", 10}};

enum { QUERY, NAME, VARIABLES, EXTENSIONS, MEMBERS };

static bool fail(struct aps_graphql *g, enum aps_graphql_fault fault)
{
    g->text = (struct aps_str){NULL, 0};
    return aps_graphql_fail(g, fault, NULL);
}

static unsigned member_of(struct aps_str name)
{
    unsigned i = 0;

    while (i < MEMBERS && !aps_str_eq(name, member_names[i]))
        i++;
    return i;
}

/* null stands for a member that is not there. */
static bool take_text(struct aps_graphql *g, const struct aps_jsonread *r,
                      const struct aps_jsonread_node *v, struct aps_str *out)
{
    if (aps_jsonread_kind(v) == APS_JSON_NULL)
        return true;
    if (aps_jsonread_kind(v) != APS_JSON_STRING)
        return fail(g, APS_GRAPHQL_TYPE);
    *out = aps_jsonread_str(r, v);
    return true;
}

static bool is_object_or_null(const struct aps_jsonread_node *v)
{
    return v != NULL &&
           (aps_jsonread_kind(v) == APS_JSON_OBJECT || aps_jsonread_kind(v) == APS_JSON_NULL);
}

bool aps_graphql_request_hash(struct aps_graphql *g, const struct aps_jsonread *r,
                              const struct aps_jsonread_node *extensions,
                              struct aps_graphql_request *out)
{
    const struct aps_jsonread_node *persisted =
        aps_jsonread_get(r, extensions, APS_STR_LIT("persistedQuery"));
    const struct aps_jsonread_node *version, *hash;

    if (persisted == NULL)
        return true;
    version = aps_jsonread_get(r, persisted, APS_STR_LIT("version"));
    hash = aps_jsonread_get(r, persisted, APS_STR_LIT("sha256Hash"));
    if (version == NULL || aps_jsonread_kind(version) != APS_JSON_NUMBER ||
        !aps_str_eq(aps_jsonread_str(r, version), APS_STR_LIT("1")) || hash == NULL ||
        aps_jsonread_kind(hash) != APS_JSON_STRING)
        return fail(g, APS_GRAPHQL_HASH);
    out->hash = aps_jsonread_str(r, hash);
    return true;
}

static bool take_member(struct aps_graphql *g, const struct aps_jsonread *r,
                        const struct aps_jsonread_node *m, struct aps_graphql_request *out)
{
    switch (member_of(aps_jsonread_str(r, m))) {
    case QUERY:
        return take_text(g, r, m + 1, &out->query);
    case NAME:
        return take_text(g, r, m + 1, &out->name);
    case VARIABLES:
        return is_object_or_null(m + 1) || fail(g, APS_GRAPHQL_TYPE);
    case EXTENSIONS:
        return is_object_or_null(m + 1) ? aps_graphql_request_hash(g, r, m + 1, out)
                                        : fail(g, APS_GRAPHQL_TYPE);
    default:
        return fail(g, APS_GRAPHQL_MEMBER);
    }
}

static bool judge_object(struct aps_graphql *g, const struct aps_jsonread *r,
                         const struct aps_jsonread_node *v, bool get)
{
    struct aps_graphql_request request = {.get = get};

    if (aps_jsonread_kind(v) != APS_JSON_OBJECT)
        return fail(g, APS_GRAPHQL_REQUEST);
    for (const struct aps_jsonread_node *m = aps_jsonread_first(v); m < aps_jsonread_end(v);
         m = aps_jsonread_next(m + 1))
        if (!take_member(g, r, m, &request))
            return false;
    return aps_graphql_request(g, &request);
}

static void judge_array(struct aps_graphql *g, const struct aps_jsonread *r,
                        const struct aps_jsonread_node *root, bool get)
{
    const struct aps_jsonread_node *v = aps_jsonread_first(root);

    if (aps_jsonread_count(root) > g->options->batch_max) {
        (void)fail(g, APS_GRAPHQL_BATCH); /* the fault says it, here and below */
        return;
    }
    if (aps_jsonread_count(root) == 0)
        (void)fail(g, APS_GRAPHQL_REQUEST);
    while (v < aps_jsonread_end(root) && judge_object(g, r, v, get)) {
        v = aps_jsonread_next(v);
        g->item += v < aps_jsonread_end(root);
    }
}

enum aps_graphql_fault aps_graphql_request_json(struct aps_graphql *g, const struct aps_jsonread *r,
                                                bool get, const struct aps_graphql_options *options)
{
    const struct aps_jsonread_node *root = aps_jsonread_root(r);

    aps_graphql_begin(g, options);
    if (root == NULL)
        (void)fail(g, APS_GRAPHQL_REQUEST); /* the fault says it, here and below */
    else if (aps_jsonread_kind(root) == APS_JSON_ARRAY)
        judge_array(g, r, root, get);
    else
        (void)judge_object(g, r, root, get);
    return g->fault;
}

/* Decode up to a `&`, or up to a `=` of a name, into `*to`, which moves on; false: a % that is
 * none. */
static bool decode(struct aps_str *rest, bool is_name, char **to, struct aps_str *out)
{
    char *start = *to;

    while (rest->n != 0 && rest->p[0] != '&' && !(is_name && rest->p[0] == '=')) {
        size_t n = 1;
        char c = rest->p[0] == '+' ? ' ' : rest->p[0];

        if (c == '%') {
            if (rest->n < 3 || aps_num_hex(rest->p[1]) < 0 || aps_num_hex(rest->p[2]) < 0)
                return false;
            c = (char)(aps_num_hex(rest->p[1]) * 16 + aps_num_hex(rest->p[2]));
            n = 3;
        }
        *(*to)++ = c;
        *rest = (struct aps_str){rest->p + n, rest->n - n};
    }
    *out = (struct aps_str){start, (size_t)(*to - start)};
    return true;
}

/* The four parameters, decoded; what did not come has .p NULL. */
static bool cut(struct aps_graphql *g, struct aps_str query, struct aps_str parts[MEMBERS])
{
    char *to = apr_palloc(g->pool, query.n + 1);

    if (to == NULL)
        return fail(g, APS_GRAPHQL_NOMEM);
    while (query.n != 0) {
        struct aps_str name, value = {"", 0};
        unsigned at;

        if (!decode(&query, true, &to, &name))
            return fail(g, APS_GRAPHQL_PARAMETER);
        if (query.n != 0 && query.p[0] == '=') {
            query = (struct aps_str){query.p + 1, query.n - 1};
            if (!decode(&query, false, &to, &value))
                return fail(g, APS_GRAPHQL_PARAMETER);
        }
        if (query.n != 0)
            query = (struct aps_str){query.p + 1, query.n - 1};
        at = member_of(name);
        if (at < MEMBERS && parts[at].p != NULL)
            return fail(g, APS_GRAPHQL_PARAMETER);
        if (at < MEMBERS)
            parts[at] = value;
    }
    return true;
}

static bool read_json(struct aps_graphql *g, struct aps_jsonread *r, struct aps_str text)
{
    if (text.p == NULL)
        return true;
    if (aps_jsonread(r, text, &aps_jsonread_strict) != APS_JSONREAD_OK)
        return fail(g, r->fault == APS_JSONREAD_NOMEM ? APS_GRAPHQL_NOMEM : APS_GRAPHQL_TYPE);
    return is_object_or_null(aps_jsonread_root(r)) || fail(g, APS_GRAPHQL_TYPE);
}

enum aps_graphql_fault aps_graphql_request_query(struct aps_graphql *g, struct aps_str query,
                                                 const struct aps_graphql_options *options)
{
    struct aps_graphql_request request = {.get = true};
    struct aps_str parts[MEMBERS] = {{NULL, 0}};

    aps_graphql_begin(g, options);
    if (!cut(g, query, parts) || !read_json(g, &g->variables, parts[VARIABLES]) ||
        !read_json(g, &g->extensions, parts[EXTENSIONS]))
        return g->fault;
    request.query = parts[QUERY];
    request.name = parts[NAME];
    if (parts[EXTENSIONS].p != NULL &&
        !aps_graphql_request_hash(g, &g->extensions, aps_jsonread_root(&g->extensions), &request))
        return g->fault;
    (void)aps_graphql_request(g, &request); /* the fault says it */
    return g->fault;
}

enum aps_graphql_fault aps_graphql_request_none(struct aps_graphql *g, struct aps_str query,
                                                const struct aps_graphql_options *options)
{
    struct aps_str parts[MEMBERS] = {{NULL, 0}};

    aps_graphql_begin(g, options);
    if (query.n == 0 || !cut(g, query, parts))
        return g->fault;
    for (unsigned i = 0; i < MEMBERS; i++)
        if (parts[i].p != NULL)
            (void)fail(g, APS_GRAPHQL_PARAMETER); /* the fault says it */
    return g->fault;
}
