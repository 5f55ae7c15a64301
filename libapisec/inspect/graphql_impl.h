/* graphql_impl.h - what the files of graphql.h share. */
#ifndef APS_GRAPHQL_IMPL_H
#define APS_GRAPHQL_IMPL_H

#include "apisec/graphql.h"

/* Kinds of tokens: a punctuator is its own character. */
#define APS_GRAPHQL_TOKEN_END '\0'
#define APS_GRAPHQL_TOKEN_NAME 'a'
#define APS_GRAPHQL_TOKEN_INT '1'
#define APS_GRAPHQL_TOKEN_FLOAT '2'
#define APS_GRAPHQL_TOKEN_STRING '"'
#define APS_GRAPHQL_TOKEN_SPREAD '.'

/* Selection sets within each other. */
#define APS_GRAPHQL_NEST_MAX 256

/* Note a fault at `p` of the document, unless there is one; returns false. */
static inline bool aps_graphql_fail(struct aps_graphql *g, enum aps_graphql_fault fault,
                                    const char *p)
{
    if (g->fault == APS_GRAPHQL_OK) {
        g->fault = fault;
        g->fault_at = (uint32_t)(p - g->text.p);
    }
    return false;
}

/* Begin with g->text, and read its first token. */
bool aps_graphql_lex(struct aps_graphql *g);
/* Go on to the next token. */
bool aps_graphql_lex_next(struct aps_graphql *g);

/* Read g->text into definitions and spreads. */
bool aps_graphql_parse(struct aps_graphql *g);

/* Tell names apart, find fragments, and put them into the counts of what spreads them. */
bool aps_graphql_fold(struct aps_graphql *g);

/* The operation of this name, NULL: there is none. */
const struct aps_graphql_definition *aps_graphql_fold_operation(const struct aps_graphql *g,
                                                                struct aps_str name);

/* A request, in whatever form it came.  A text that did not come has .p NULL. */
struct aps_graphql_request {
    struct aps_str query, name, hash;
    bool get;
};

/* Judge one. */
bool aps_graphql_request(struct aps_graphql *g, const struct aps_graphql_request *request);

/* Take extensions.persistedQuery.sha256Hash out of it; `extensions` may be NULL. */
bool aps_graphql_request_hash(struct aps_graphql *g, const struct aps_jsonread *r,
                              const struct aps_jsonread_node *extensions,
                              struct aps_graphql_request *out);

/* Ready for a request. */
void aps_graphql_begin(struct aps_graphql *g, const struct aps_graphql_options *options);

#endif
