/* The first byte chooses the form in which a request comes.  Of a document that is accepted, its
 * tokens alone are the same document; it is as deep as
 * its spreads reach, followed one by one. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/graphql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static uint32_t find(const struct aps_graphql *g, struct aps_str name)
{
    uint32_t i = 0;

    while (g->definitions[i].type != APS_GRAPHQL_FRAGMENT ||
           !aps_str_eq(g->definitions[i].name, name))
        i++;
    return i;
}

/* How deep spreads alone reach below `at`, one by one; `left` bounds the work. */
static uint32_t deepest(const struct aps_graphql *g, uint32_t at, uint32_t *left)
{
    uint32_t most = 1;

    for (uint32_t i = 0; i<g->spreads_n && * left> 0; i++) {
        const struct aps_graphql_spread *s = &g->spreads[i];

        if (s->owner != at)
            continue;
        --*left;
        const uint32_t depth = s->depth - 1 + deepest(g, find(g, s->name), left);
        most = most > depth ? most : depth;
    }
    return most;
}

static void check_depth(const struct aps_graphql *g)
{
    uint32_t left = 20000;

    for (uint32_t i = 0; i < g->definitions_n; i++)
        expect(deepest(g, i, &left) <= g->definitions[i].counts.depth);
}

static void check_document(struct aps_graphql *g, struct aps_str text)
{
    static struct aps_graphql_options o; /* kept by the reader */
    struct aps_graphql_known first, second;
    struct aps_str plain;
    char *copy;
    uint32_t tokens;

    o = aps_graphql_strict;
    if (aps_graphql_known_read(g, text, &o, &first) != APS_GRAPHQL_OK)
        return;
    check_depth(g);
    tokens = g->tokens;
    plain = (struct aps_str){g->plain, g->plain_n};
    expect(plain.n <= 2 * text.n);
    copy = malloc(plain.n);
    expect(copy != NULL);
    memcpy(copy, plain.p, plain.n);
    o.bytes_max *= 2;
    expect(aps_graphql_known_read(g, (struct aps_str){copy, plain.n}, &o, &second) ==
           APS_GRAPHQL_OK);
    expect(memcmp(&first, &second, sizeof first) == 0 && g->tokens == tokens);
    expect(g->plain_n == plain.n);
    free(copy);
}

static void check_json(struct aps_graphql *g, apr_pool_t *pool, struct aps_str text, bool get)
{
    static struct aps_graphql_options o; /* kept by the reader */
    struct aps_jsonread r;

    o = aps_graphql_strict;
    o.batch_max = 3;
    aps_jsonread_init(&r, pool, key);
    if (aps_jsonread(&r, text, &aps_jsonread_strict) == APS_JSONREAD_OK &&
        aps_graphql_request_json(g, &r, get, &o) == APS_GRAPHQL_OK)
        expect((!get || (g->seen.types & ~(1u << APS_GRAPHQL_QUERY)) == 0) &&
               g->seen.tokens <= o.tokens_max && g->seen.counts.fields <= o.fields_max &&
               g->seen.counts.roots <= o.roots_max && g->seen.counts.aliases <= o.aliases_max &&
               g->seen.counts.directives <= o.directives_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_graphql g;
    struct aps_diag diag;
    apr_pool_t *pool = NULL;

    if (size == 0 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    const struct aps_str text = {(const char *)data + 1, size - 1};
    aps_graphql_init(&g, pool, key);
    if (data[0] % 4 == 0)
        check_json(&g, pool, text, data[0] % 8 == 0);
    else if (data[0] % 4 == 1)
        expect(aps_graphql_request_query(&g, text, &aps_graphql_strict) != APS_GRAPHQL_OK ||
               g.seen.types == 1u << APS_GRAPHQL_QUERY);
    else
        check_document(&g, text);
    expect(g.fault_at <= UINT16_MAX * 2 + 2);
    aps_graphql_fault_explain(&g, &diag);
    apr_pool_destroy(pool);
    return 0;
}
