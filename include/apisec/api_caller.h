/* api_caller.h - may this caller have the operation, as its `security` in the description says?
 *
 * Whether the caller is who he says was proved before; here his kind, roles and scopes are compared
 * with what the alternatives ask for, each of which is a list of schemes that hold together
 * (OpenAPI 3.1, 4.8.30).  A scheme of kind apiKey or http basic wants an API key, mutualTLS a
 * client certificate, all others a caller of any kind; oauth2 and openIdConnect list scopes, the
 * others roles.
 * Threads and processes: every call is safe from any of them. */
#ifndef APISEC_API_CALLER_H
#define APISEC_API_CALLER_H

#include "apisec/api.h"
#include "apisec/key.h"
#include "apisec/reason.h"

/* All borrowed. */
struct aps_api_caller {
    const struct aps_key *key; /* roles and scopes */
    bool token;                /* he came with a token, and not with an API key */
    bool certificate;          /* his client has shown a certificate that was asked for */
};

/* Whether the operation wants nobody's name: it says nothing of security, or one of the
 * alternatives is empty. */
bool aps_api_caller_is_any(const struct aps_api_operation *operation);

/* By one alternative: ALLOW; API_SECURITY, he is not of the kind; SCOPE_MISSING, ROLE_MISSING. */
enum aps_reason aps_api_caller_way(const struct aps_api_way *way,
                                   const struct aps_api_caller *caller);

/* By any of them; who holds to none is told what the first one of his kind lacks. */
enum aps_reason aps_api_caller(const struct aps_api_operation *operation,
                               const struct aps_api_caller *caller);

#endif
