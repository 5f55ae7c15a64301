/* graphql.c - a request: which of its operations is meant, and whether it may be asked. */
#include "apisec/graphql.h"

#include <stdio.h>
#include <stdlib.h>

#include "apisec/num.h"
#include "graphql_impl.h"

const struct aps_graphql_options aps_graphql_strict = {
    .bytes_max = 64 << 10,
    .tokens_max = 4000,
    .depth_max = 12,
    .fields_max = 500,
    .roots_max = 20,
    .aliases_max = 30,
    .directives_max = 50,
    .fragments_max = 50,
    .operations_max = 10,
    .values_max = 10,
    .mutations = true,
};

static const struct {
    const char *name, *text;
} faults[APS_GRAPHQL_COUNT] = {
#define F(name, token, text) [APS_GRAPHQL_##name] = {token, text},
#include "apisec/graphql.def"
#undef F
};

void aps_graphql_init(struct aps_graphql *g, apr_pool_t *pool,
                      const unsigned char key[APS_SIPHASH_KEY_LEN])
{
    *g = (struct aps_graphql){.pool = pool};
    aps_jsonread_init(&g->variables, pool, key);
    aps_jsonread_init(&g->extensions, pool, key);
}

void aps_graphql_begin(struct aps_graphql *g, const struct aps_graphql_options *options)
{
    g->options = options;
    g->fault = APS_GRAPHQL_OK;
    g->fault_at = g->item = 0;
    g->text = (struct aps_str){NULL, 0};
    g->seen = (struct aps_graphql_seen){.types = 0};
}

static bool fail(struct aps_graphql *g, enum aps_graphql_fault fault)
{
    return aps_graphql_fail(g, fault, g->text.p);
}

static bool check_counts(struct aps_graphql *g, const struct aps_graphql_definition *d)
{
    const struct aps_graphql_options *o = g->options;
    const struct aps_graphql_counts *c = &d->counts;
    const char *at = g->text.p + d->at;

    if (c->depth > o->depth_max)
        return aps_graphql_fail(g, APS_GRAPHQL_DEPTH, at);
    if (c->fields > o->fields_max)
        return aps_graphql_fail(g, APS_GRAPHQL_FIELDS, at);
    if (c->roots > o->roots_max)
        return aps_graphql_fail(g, APS_GRAPHQL_ROOTS, at);
    if (c->aliases > o->aliases_max)
        return aps_graphql_fail(g, APS_GRAPHQL_ALIASES, at);
    if (c->directives > o->directives_max)
        return aps_graphql_fail(g, APS_GRAPHQL_DIRECTIVES, at);
    return true;
}

/* By GET none may change anything, also of those that are not meant: the server behind might take
 * the name from elsewhere. */
static bool check_type(struct aps_graphql *g, const struct aps_graphql_definition *d, bool get)
{
    const char *at = g->text.p + d->at;

    if (d->type == APS_GRAPHQL_QUERY || d->type == APS_GRAPHQL_FRAGMENT)
        return true;
    if (get)
        return aps_graphql_fail(g, APS_GRAPHQL_METHOD, at);
    if (d->type == APS_GRAPHQL_MUTATION && !g->options->mutations)
        return aps_graphql_fail(g, APS_GRAPHQL_MUTATION_OFF, at);
    if (d->type == APS_GRAPHQL_SUBSCRIPTION && !g->options->subscriptions)
        return aps_graphql_fail(g, APS_GRAPHQL_SUBSCRIPTION_OFF, at);
    return true;
}

static bool check_operations(struct aps_graphql *g, bool get)
{
    for (uint32_t i = 0; i < g->definitions_n; i++) {
        const struct aps_graphql_definition *d = &g->definitions[i];

        if (d->type != APS_GRAPHQL_FRAGMENT && !(check_type(g, d, get) && check_counts(g, d)))
            return false;
    }
    return g->definitions_n != g->fragments_n || fail(g, APS_GRAPHQL_OPERATION);
}

/* 6.1: the one that is named, or the only one. */
static const struct aps_graphql_definition *meant(struct aps_graphql *g, struct aps_str name)
{
    const struct aps_graphql_definition *d = NULL;

    if (name.p != NULL)
        d = name.n != 0 ? aps_graphql_fold_operation(g, name) : NULL;
    else if (g->definitions_n - g->fragments_n == 1)
        for (d = g->definitions; d->type == APS_GRAPHQL_FRAGMENT;)
            d++;
    if (d == NULL)
        (void)fail(g, APS_GRAPHQL_OPERATION); /* NULL says it */
    return d;
}

static void add(uint32_t *to, uint32_t more)
{
    *to = *to > UINT32_MAX - more ? UINT32_MAX : *to + more;
}

static void note(struct aps_graphql *g, const struct aps_graphql_definition *d)
{
    struct aps_graphql_counts *c = &g->seen.counts;

    g->seen.types |= 1u << d->type;
    g->seen.name = d->name;
    add(&g->seen.tokens, g->tokens);
    add(&c->fields, d->counts.fields);
    add(&c->roots, d->counts.roots);
    add(&c->aliases, d->counts.aliases);
    add(&c->directives, d->counts.directives);
    c->depth = c->depth > d->counts.depth ? c->depth : d->counts.depth;
}

/* What one request may ask, all of an array may ask together. */
static bool check_sum(struct aps_graphql *g)
{
    const struct aps_graphql_options *o = g->options;
    const struct aps_graphql_counts *c = &g->seen.counts;

    if (g->seen.tokens > o->tokens_max)
        return fail(g, APS_GRAPHQL_BATCH_TOKENS);
    if (c->fields > o->fields_max)
        return fail(g, APS_GRAPHQL_BATCH_FIELDS);
    if (c->roots > o->roots_max)
        return fail(g, APS_GRAPHQL_BATCH_ROOTS);
    if (c->aliases > o->aliases_max)
        return fail(g, APS_GRAPHQL_BATCH_ALIASES);
    if (c->directives > o->directives_max)
        return fail(g, APS_GRAPHQL_BATCH_DIRECTIVES);
    return true;
}

static int compare_known(const void *a, const void *b)
{
    const struct aps_graphql_known *x = a, *y = b;

    return memcmp(x->sum, y->sum, sizeof x->sum);
}

static const struct aps_graphql_known *find_known(const struct aps_graphql *g,
                                                  const struct aps_graphql_known *wanted)
{
    const struct aps_graphql_list *list = g->options->list;

    return list->n != 0 ? bsearch(wanted, list->of, list->n, sizeof *wanted, compare_known) : NULL;
}

void aps_graphql_known_sort(struct aps_graphql_known *rows, size_t n)
{
    if (n != 0)
        qsort(rows, n, sizeof *rows, compare_known);
}

static bool sum_of(struct aps_graphql *g, struct aps_str text, struct aps_graphql_known *out)
{
    return aps_digest_sum(text, out->sum) == APS_OK || fail(g, APS_GRAPHQL_CRYPTO);
}

enum aps_err aps_graphql_known_parse(struct aps_str hex, bool reads, struct aps_graphql_known *out)
{
    struct aps_graphql_known row = {.reads = reads};

    if (hex.n != 2 * sizeof row.sum)
        return APS_ERR_FORMAT;
    for (size_t i = 0; i < hex.n; i++) {
        if (aps_num_hex(hex.p[i]) < 0 || (hex.p[i] >= 'A' && hex.p[i] <= 'F'))
            return APS_ERR_FORMAT;
        row.sum[i / 2] = (uint8_t)(row.sum[i / 2] * 16 + aps_num_hex(hex.p[i]));
    }
    *out = row;
    return APS_OK;
}

/* The digest that the request brings is that of its text, and the document is one of the list: by
 * its text, or by its tokens. */
static bool check_sums(struct aps_graphql *g, const struct aps_graphql_request *request)
{
    struct aps_graphql_known seen = {.reads = false}, told;

    if (request->hash.p == NULL && g->options->list == NULL)
        return true;
    if (!sum_of(g, g->text, &seen))
        return false;
    if (request->hash.p != NULL &&
        (aps_graphql_known_parse(request->hash, false, &told) != APS_OK ||
         compare_known(&told, &seen) != 0))
        return fail(g, APS_GRAPHQL_HASH);
    if (g->options->list == NULL || find_known(g, &seen) != NULL)
        return true;
    if (!sum_of(g, (struct aps_str){g->plain, g->plain_n}, &seen))
        return false;
    return find_known(g, &seen) != NULL || fail(g, APS_GRAPHQL_UNLISTED);
}

/* A digest alone: the document is known by it, or not at all. */
static bool judge_hash(struct aps_graphql *g, const struct aps_graphql_request *request)
{
    struct aps_graphql_known told;
    const struct aps_graphql_known *found;

    if (request->hash.p == NULL)
        return fail(g, APS_GRAPHQL_MISSING);
    if (aps_graphql_known_parse(request->hash, false, &told) != APS_OK)
        return fail(g, APS_GRAPHQL_HASH);
    found = g->options->list != NULL ? find_known(g, &told) : NULL;
    if (found == NULL)
        return fail(g, APS_GRAPHQL_UNLISTED);
    return found->reads || !request->get || fail(g, APS_GRAPHQL_METHOD);
}

/* Read g->text, with its tokens as one text where `plain`. */
static bool read_document(struct aps_graphql *g, bool plain, bool get)
{
    g->plain = NULL;
    if (g->text.n > g->options->bytes_max)
        return fail(g, APS_GRAPHQL_BYTES);
    if (plain && g->text.n * 2 > g->plain_cap) {
        g->plain_cap = 0;
        g->plain_room = apr_palloc(g->pool, g->text.n * 2);
        if (g->plain_room == NULL)
            return fail(g, APS_GRAPHQL_NOMEM);
        g->plain_cap = g->text.n * 2;
    }
    g->plain = plain ? g->plain_room : NULL;
    return aps_graphql_parse(g) && aps_graphql_fold(g) && check_operations(g, get);
}

bool aps_graphql_request(struct aps_graphql *g, const struct aps_graphql_request *request)
{
    const struct aps_graphql_definition *operation;

    g->text = request->query;
    g->seen.requests++;
    if (request->query.p == NULL)
        return judge_hash(g, request);
    if (!read_document(g, g->options->list != NULL, request->get))
        return false;
    operation = meant(g, request->name);
    if (operation == NULL || !check_sums(g, request))
        return false;
    note(g, operation);
    return check_sum(g);
}

enum aps_graphql_fault aps_graphql_known_read(struct aps_graphql *g, struct aps_str text,
                                              const struct aps_graphql_options *options,
                                              struct aps_graphql_known *out)
{
    struct aps_graphql_known row = {.reads = true};

    aps_graphql_begin(g, options);
    g->text = text;
    if (!read_document(g, true, false) || !sum_of(g, (struct aps_str){g->plain, g->plain_n}, &row))
        return g->fault;
    for (uint32_t i = 0; i < g->definitions_n; i++)
        if (g->definitions[i].type == APS_GRAPHQL_MUTATION ||
            g->definitions[i].type == APS_GRAPHQL_SUBSCRIPTION)
            row.reads = false;
    *out = row;
    return APS_GRAPHQL_OK;
}

enum aps_graphql_fault aps_graphql_text(struct aps_graphql *g, struct aps_str text,
                                        const struct aps_graphql_options *options)
{
    const struct aps_graphql_request request = {.query = {text.n != 0 ? text.p : "", text.n}};

    aps_graphql_begin(g, options);
    (void)aps_graphql_request(g, &request); /* the fault says it */
    return g->fault;
}

const char *aps_graphql_fault_name(enum aps_graphql_fault fault)
{
    return (unsigned)fault < APS_GRAPHQL_COUNT ? faults[fault].name : "unknown";
}

static uint32_t cap_of(const struct aps_graphql_options *o, enum aps_graphql_fault fault)
{
    const uint32_t caps[] = {
        [APS_GRAPHQL_BYTES] = o->bytes_max,
        [APS_GRAPHQL_TOKENS] = o->tokens_max,
        [APS_GRAPHQL_DEPTH] = o->depth_max,
        [APS_GRAPHQL_FIELDS] = o->fields_max,
        [APS_GRAPHQL_ROOTS] = o->roots_max,
        [APS_GRAPHQL_ALIASES] = o->aliases_max,
        [APS_GRAPHQL_DIRECTIVES] = o->directives_max,
        [APS_GRAPHQL_FRAGMENTS] = o->fragments_max,
        [APS_GRAPHQL_OPERATIONS] = o->operations_max,
        [APS_GRAPHQL_VALUES] = o->values_max,
        [APS_GRAPHQL_BATCH] = o->batch_max,
        [APS_GRAPHQL_BATCH_TOKENS] = o->tokens_max,
        [APS_GRAPHQL_BATCH_FIELDS] = o->fields_max,
        [APS_GRAPHQL_BATCH_ROOTS] = o->roots_max,
        [APS_GRAPHQL_BATCH_ALIASES] = o->aliases_max,
        [APS_GRAPHQL_BATCH_DIRECTIVES] = o->directives_max,
    };

    return caps[fault];
}

/* What completes the sentence of a cap. */
static const char *print_cap(const struct aps_graphql *g, char out[16])
{
    if (g->fault < APS_GRAPHQL_BYTES)
        return "";
    (void)snprintf(out, 16, " %u", cap_of(g->options, g->fault)); /* ten digits fit */
    return out;
}

void aps_graphql_fault_explain(const struct aps_graphql *g, struct aps_diag *diag)
{
    char cap[16];

    aps_err_explain(diag, "GraphQL request %u, byte %u of its document: %s%s", g->item + 1,
                    g->fault_at, faults[g->fault].text, print_cap(g, cap));
}
