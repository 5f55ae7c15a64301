/* graphql_parse.c - a document's definitions (October 2021, 2.2 to 2.12), without recursion. */
#include "graphql_impl.h"

/* The selection sets that are open. */
struct sets {
    uint32_t n;     /* of them */
    uint32_t depth; /* those of an operation, fragment or field; the others belong to conditions */
    bool counts[APS_GRAPHQL_NEST_MAX];
};

static bool syntax(struct aps_graphql *g)
{
    return aps_graphql_fail(g, APS_GRAPHQL_SYNTAX, g->token.p);
}

static bool is_word(const struct aps_graphql *g, const char *word)
{
    return g->kind == APS_GRAPHQL_TOKEN_NAME && aps_str_eq(g->token, aps_str(word));
}

static bool take(struct aps_graphql *g, char kind)
{
    return g->kind == kind ? aps_graphql_lex_next(g) : syntax(g);
}

static bool take_name(struct aps_graphql *g, struct aps_str *out)
{
    *out = g->token;
    return take(g, APS_GRAPHQL_TOKEN_NAME);
}

static bool skip_name(struct aps_graphql *g)
{
    return take(g, APS_GRAPHQL_TOKEN_NAME);
}

/* Take it if it is there. */
static bool skip(struct aps_graphql *g, char kind)
{
    return g->kind != kind || aps_graphql_lex_next(g);
}

/* A value that holds none, or the opening of one that does. */
static bool begin_value(struct aps_graphql *g, bool constant)
{
    switch (g->kind) {
    case '$':
        if (constant)
            return syntax(g);
        return aps_graphql_lex_next(g) && skip_name(g);
    case APS_GRAPHQL_TOKEN_NAME:
    case APS_GRAPHQL_TOKEN_INT:
    case APS_GRAPHQL_TOKEN_FLOAT:
    case APS_GRAPHQL_TOKEN_STRING:
    case '[':
    case '{':
        return aps_graphql_lex_next(g);
    default:
        return syntax(g);
    }
}

/* A value (2.9).  Bit i of `objects` says whether what is open at depth i is an object. */
static bool value(struct aps_graphql *g, bool constant)
{
    uint64_t objects = 0;
    uint32_t depth = 0;

    for (;;) {
        const bool list = g->kind == '[', object = g->kind == '{';

        if (list || object) {
            if (depth >= g->options->values_max || depth >= 60)
                return aps_graphql_fail(g, APS_GRAPHQL_VALUES, g->token.p);
            objects = (objects << 1) | object;
            depth++;
        }
        if (!begin_value(g, constant))
            return false;
        while (depth != 0 && g->kind == ((objects & 1) != 0 ? '}' : ']')) {
            if (!aps_graphql_lex_next(g))
                return false;
            objects >>= 1;
            depth--;
        }
        if (depth == 0)
            return true;
        if ((objects & 1) != 0 && !(skip_name(g) && take(g, ':')))
            return false;
    }
}

static bool arguments(struct aps_graphql *g, bool constant)
{
    if (g->kind != '(')
        return true;
    if (!aps_graphql_lex_next(g))
        return false;
    do {
        if (!skip_name(g) || !take(g, ':') || !value(g, constant))
            return false;
    } while (g->kind != ')');
    return aps_graphql_lex_next(g);
}

static bool directives(struct aps_graphql *g, bool constant)
{
    while (g->kind == '@') {
        g->definitions[g->definitions_n - 1].counts.directives++;
        if (!aps_graphql_lex_next(g) || !skip_name(g) || !arguments(g, constant))
            return false;
    }
    return true;
}

/* 2.11 */
static bool type(struct aps_graphql *g)
{
    uint32_t lists = 0;

    for (; g->kind == '['; lists++) {
        if (lists == g->options->values_max)
            return aps_graphql_fail(g, APS_GRAPHQL_VALUES, g->token.p);
        if (!aps_graphql_lex_next(g))
            return false;
    }
    if (!skip_name(g) || !skip(g, '!'))
        return false;
    for (; lists > 0; lists--)
        if (!take(g, ']') || !skip(g, '!'))
            return false;
    return true;
}

/* 2.10 */
static bool variables(struct aps_graphql *g)
{
    if (g->kind != '(')
        return true;
    if (!aps_graphql_lex_next(g))
        return false;
    do {
        if (!take(g, '$') || !skip_name(g) || !take(g, ':') || !type(g))
            return false;
        if (g->kind == '=' && !(aps_graphql_lex_next(g) && value(g, true)))
            return false;
        if (!directives(g, true))
            return false;
    } while (g->kind != ')');
    return aps_graphql_lex_next(g);
}

static bool open_set(struct aps_graphql *g, struct sets *sets, bool counts)
{
    if (sets->n == APS_GRAPHQL_NEST_MAX || (counts && sets->depth >= g->options->depth_max))
        return aps_graphql_fail(g, APS_GRAPHQL_DEPTH, g->token.p);
    if (!take(g, '{'))
        return false;
    if (g->kind == '}')
        return syntax(g);
    sets->counts[sets->n++] = counts;
    sets->depth += counts;
    return true;
}

static bool close_set(struct aps_graphql *g, struct sets *sets)
{
    sets->n--;
    sets->depth -= sets->counts[sets->n];
    return aps_graphql_lex_next(g);
}

static bool is_hidden(const struct aps_graphql *g, struct aps_str name)
{
    return !g->options->introspection && aps_str_starts(name, APS_STR_LIT("__")) &&
           !aps_str_eq(name, APS_STR_LIT("__typename"));
}

/* 2.5 to 2.7 */
static bool field(struct aps_graphql *g, struct sets *sets)
{
    struct aps_graphql_counts *counts = &g->definitions[g->definitions_n - 1].counts;
    struct aps_str name;

    if (!take_name(g, &name))
        return false;
    if (g->kind == ':') {
        counts->aliases++;
        if (!aps_graphql_lex_next(g) || !take_name(g, &name))
            return false;
    }
    if (is_hidden(g, name))
        return aps_graphql_fail(g, APS_GRAPHQL_INTROSPECTION, name.p);
    counts->fields++;
    counts->roots += sets->depth == 1;
    counts->depth = counts->depth > sets->depth ? counts->depth : sets->depth;
    if (!arguments(g, false) || !directives(g, false))
        return false;
    return g->kind != '{' || open_set(g, sets, true);
}

/* Room for one more; a spread has two tokens at least. */
static struct aps_graphql_spread *new_spread(struct aps_graphql *g)
{
    struct aps_graphql_spread *more;
    uint32_t cap = g->spreads_cap * 2 + 16;

    if (g->spreads_n == g->spreads_cap) {
        more = apr_palloc(g->pool, cap * sizeof *more);
        if (more == NULL) {
            (void)aps_graphql_fail(g, APS_GRAPHQL_NOMEM, g->token.p); /* NULL says it */
            return NULL;
        }
        if (g->spreads_n != 0)
            memcpy(more, g->spreads, g->spreads_n * sizeof *more);
        g->spreads = more;
        g->spreads_cap = cap;
    }
    return &g->spreads[g->spreads_n++];
}

static bool spread(struct aps_graphql *g, const struct sets *sets)
{
    struct aps_graphql_spread *s = new_spread(g);

    if (s == NULL)
        return false;
    *s = (struct aps_graphql_spread){.name = g->token,
                                     .at = (uint32_t)(g->token.p - g->text.p),
                                     .owner = g->definitions_n - 1,
                                     .depth = sets->depth};
    return skip_name(g) && directives(g, false);
}

/* 2.8 */
static bool fragment_in(struct aps_graphql *g, struct sets *sets)
{
    if (!aps_graphql_lex_next(g))
        return false;
    if (g->kind == APS_GRAPHQL_TOKEN_NAME && !is_word(g, "on"))
        return spread(g, sets);
    if (g->kind == APS_GRAPHQL_TOKEN_NAME && !(aps_graphql_lex_next(g) && skip_name(g)))
        return false;
    return directives(g, false) && open_set(g, sets, false);
}

/* 2.4 */
static bool selections(struct aps_graphql *g)
{
    struct sets sets = {.n = 0};

    if (!open_set(g, &sets, true))
        return false;
    while (sets.n != 0) {
        bool fine;

        if (g->kind == '}')
            fine = close_set(g, &sets);
        else if (g->kind == APS_GRAPHQL_TOKEN_SPREAD)
            fine = fragment_in(g, &sets);
        else
            fine = field(g, &sets);
        if (!fine)
            return false;
    }
    return true;
}

/* Room for as many as the options allow. */
static bool define(struct aps_graphql *g, enum aps_graphql_type what)
{
    const bool fragment = what == APS_GRAPHQL_FRAGMENT;
    const uint32_t others = g->definitions_n - g->fragments_n;
    uint32_t cap = g->definitions_cap * 2 + 4;
    struct aps_graphql_definition *more;

    if (fragment && g->fragments_n >= g->options->fragments_max)
        return aps_graphql_fail(g, APS_GRAPHQL_FRAGMENTS, g->token.p);
    if (!fragment && others >= g->options->operations_max)
        return aps_graphql_fail(g, APS_GRAPHQL_OPERATIONS, g->token.p);
    if (g->definitions_n == g->definitions_cap) {
        more = apr_palloc(g->pool, cap * sizeof *more);
        if (more == NULL)
            return aps_graphql_fail(g, APS_GRAPHQL_NOMEM, g->token.p);
        if (g->definitions_n != 0)
            memcpy(more, g->definitions, g->definitions_n * sizeof *more);
        g->definitions = more;
        g->definitions_cap = cap;
        g->order = NULL;
    }
    g->fragments_n += fragment;
    g->definitions[g->definitions_n++] =
        (struct aps_graphql_definition){.type = what, .at = (uint32_t)(g->token.p - g->text.p)};
    return true;
}

/* 2.3 */
static bool operation(struct aps_graphql *g, enum aps_graphql_type what)
{
    if (!define(g, what) || !aps_graphql_lex_next(g))
        return false;
    if (g->kind == APS_GRAPHQL_TOKEN_NAME &&
        !take_name(g, &g->definitions[g->definitions_n - 1].name))
        return false;
    return variables(g) && directives(g, false) && selections(g);
}

static bool fragment(struct aps_graphql *g)
{
    if (!define(g, APS_GRAPHQL_FRAGMENT) || !aps_graphql_lex_next(g))
        return false;
    if (is_word(g, "on"))
        return syntax(g);
    if (!take_name(g, &g->definitions[g->definitions_n - 1].name))
        return false;
    if (!is_word(g, "on"))
        return syntax(g);
    return aps_graphql_lex_next(g) && skip_name(g) && directives(g, false) && selections(g);
}

static bool definition(struct aps_graphql *g)
{
    if (g->kind == '{')
        return define(g, APS_GRAPHQL_QUERY) && selections(g);
    if (is_word(g, "query"))
        return operation(g, APS_GRAPHQL_QUERY);
    if (is_word(g, "mutation"))
        return operation(g, APS_GRAPHQL_MUTATION);
    if (is_word(g, "subscription"))
        return operation(g, APS_GRAPHQL_SUBSCRIPTION);
    if (is_word(g, "fragment"))
        return fragment(g);
    return syntax(g);
}

bool aps_graphql_parse(struct aps_graphql *g)
{
    g->definitions_n = g->fragments_n = g->spreads_n = 0;
    if (!aps_graphql_lex(g))
        return false;
    do {
        if (!definition(g))
            return false;
    } while (g->kind != APS_GRAPHQL_TOKEN_END);
    return true;
}
