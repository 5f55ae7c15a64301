/* graphql.h - what a GraphQL request may ask (GraphQL, October 2021; POS-20).
 *
 * A document is read strictly, token by token and without recursion; definitions of types are none.
 * Counts hold for each operation with its fragments expanded, which is computed without expanding
 * them: each spread is looked at once, and sums that get too large stay at their largest.  Types
 * are not known here: whether a field exists is up to the server behind.
 * Time: proportional to the length, and to the logarithm of fragments for each spread.
 * Memory: in the pool, kept for the next request: by tokens_max, operations_max and fragments_max,
 * and twice the document where documents are listed; nothing for a token.
 * Threads and processes: one reader belongs to one caller; lists are read-only. */
#ifndef APISEC_GRAPHQL_H
#define APISEC_GRAPHQL_H

#include <apr_pools.h>

#include "apisec/digest.h"
#include "apisec/jsonread.h"

enum aps_graphql_fault {
#define F(name, token, text) APS_GRAPHQL_##name,
#include "apisec/graphql.def"
#undef F
    APS_GRAPHQL_COUNT
};

/* A document that is allowed: the SHA-256 of its text, or of its tokens. */
struct aps_graphql_known {
    uint8_t sum[APS_DIGEST_LEN];
    bool reads; /* it has only queries, so its digest alone may come by GET */
};

/* Put in order by aps_graphql_known_sort. */
struct aps_graphql_list {
    const struct aps_graphql_known *of;
    size_t n;
};

/* Zeroed options refuse every request.  tokens_max, fields_max, roots_max, aliases_max and
 * directives_max hold for each operation of a document, and for those that an array of requests
 * means all together: who sends ten at once may ask no more than who sends one. */
struct aps_graphql_options {
    uint32_t bytes_max, tokens_max;
    uint32_t depth_max; /* of fields within each other; the root's have 1.  Never more than 250,
                           inline fragments included */
    uint32_t fields_max, roots_max, aliases_max, directives_max;
    uint32_t fragments_max, operations_max;
    uint32_t values_max; /* lists and objects within each other; never more than 60 */
    uint32_t batch_max;  /* of an array of requests; 0: arrays are refused */
    bool mutations, subscriptions, introspection;
    const struct aps_graphql_list *list; /* the documents that are allowed; NULL: any */
};

/* 64 KiB, 4,000 tokens, depth 12, 500 fields, 20 of them at the root, 30 aliases, 50 directives, 50
 * fragments, 10 operations, values of depth 10, no arrays of requests; mutations, but neither
 * subscriptions nor introspection. */
extern const struct aps_graphql_options aps_graphql_strict;

enum aps_graphql_type {
    APS_GRAPHQL_QUERY,
    APS_GRAPHQL_MUTATION,
    APS_GRAPHQL_SUBSCRIPTION,
    APS_GRAPHQL_FRAGMENT,
};

/* With fragments expanded. */
struct aps_graphql_counts {
    uint32_t fields, roots, aliases, directives, depth;
};

/* What an accepted request asks: of an array, all of it together, and the greatest depth. */
struct aps_graphql_seen {
    unsigned types; /* 1 << APS_GRAPHQL_QUERY and so on, of the operations that are meant; 0 where
                       only digests came */
    struct aps_str name; /* of the last operation that is meant; empty: it has none */
    uint32_t requests, tokens;
    struct aps_graphql_counts counts;
};

struct aps_graphql_definition {
    struct aps_str name;
    enum aps_graphql_type type;
    struct aps_graphql_counts counts;
    uint32_t at;
    uint32_t pending;   /* spreads in it whose fragments are not added yet */
    uint32_t spread_by; /* the first spread that names it, plus 1 */
    bool used;
};

struct aps_graphql_spread {
    struct aps_str name;
    uint32_t at, owner, depth;
    uint32_t next; /* the next that names the same fragment, plus 1 */
};

struct aps_graphql_name {
    struct aps_str name;
    uint32_t definition;
    bool fragment;
};

/* Use the calls below; `fault`, `fault_at`, `item` and `seen` may be read. */
struct aps_graphql {
    apr_pool_t *pool;
    const struct aps_graphql_options *options;
    enum aps_graphql_fault fault;
    uint32_t fault_at; /* the byte of the document */
    uint32_t item;     /* of an array, from 0 on */
    struct aps_graphql_seen seen;
    /* the document */
    struct aps_str text;
    const char *p;        /* behind the token */
    struct aps_str token; /* as it is written */
    char kind;            /* the token's; see graphql_impl.h */
    uint32_t tokens;      /* so far */
    char *plain;          /* its tokens as one text, in plain_room, or NULL */
    size_t plain_n;
    char *plain_room;
    size_t plain_cap;
    struct aps_graphql_definition *definitions;
    struct aps_graphql_spread *spreads;
    struct aps_graphql_name *names;
    uint32_t *order; /* fragments, each behind those that it spreads */
    uint32_t definitions_n, definitions_cap, fragments_n, spreads_n, spreads_cap;
    /* parameters of a GET request */
    struct aps_jsonread variables, extensions;
};

/* Allocates nothing yet.  `key` as for aps_jsonread_init. */
void aps_graphql_init(struct aps_graphql *g, apr_pool_t *pool,
                      const unsigned char key[APS_SIPHASH_KEY_LEN]);

/* Judge a request of application/json, whose nodes `r` holds.  Keeps options; g->seen borrows the
 * reader.  `get` where the request's method is GET. */
APS_MUST_CHECK enum aps_graphql_fault
aps_graphql_request_json(struct aps_graphql *g, const struct aps_jsonread *r, bool get,
                         const struct aps_graphql_options *options);

/* The same for a body of application/graphql, which is the document. */
APS_MUST_CHECK enum aps_graphql_fault aps_graphql_text(struct aps_graphql *g, struct aps_str text,
                                                       const struct aps_graphql_options *options);

/* The same for the query of a GET request, as it was received and without its `?`: parameters
 * query, operationName, variables and extensions; others are not looked at. */
APS_MUST_CHECK enum aps_graphql_fault
aps_graphql_request_query(struct aps_graphql *g, struct aps_str query,
                          const struct aps_graphql_options *options);

/* What a request with content may have as its query: none of the four parameters, for servers
 * differ on which they take.  OK, PARAMETER or NOMEM. */
APS_MUST_CHECK enum aps_graphql_fault
aps_graphql_request_none(struct aps_graphql *g, struct aps_str query,
                         const struct aps_graphql_options *options);

/* "cycle"; "unknown" for a value outside of the table. */
const char *aps_graphql_fault_name(enum aps_graphql_fault fault);

/* A sentence about the last fault: what is wrong, where, and what is accepted.  `diag` may be
 * NULL. */
void aps_graphql_fault_explain(const struct aps_graphql *g, struct aps_diag *diag);

/* A row of a list from 64 hexadecimal digits, in lower case.  APS_ERR_FORMAT. */
APS_MUST_CHECK enum aps_err aps_graphql_known_parse(struct aps_str hex, bool reads,
                                                    struct aps_graphql_known *out);

/* A row of a list from a document: the digest of its tokens, so that blanks, commas and comments
 * may differ.  It has to keep to the options, but for their list. */
APS_MUST_CHECK enum aps_graphql_fault
aps_graphql_known_read(struct aps_graphql *g, struct aps_str text,
                       const struct aps_graphql_options *options, struct aps_graphql_known *out);

void aps_graphql_known_sort(struct aps_graphql_known *rows, size_t n);

#endif
