/* request_credential.h - are the credentials there that an operation asks for? */
#ifndef INSPECT_REQUEST_CREDENTIAL_H
#define INSPECT_REQUEST_CREDENTIAL_H

#include "apisec/param.h"

/* Whether one of the ways of `security` has all of its credentials in the request.  Who they are
 * of, and what they are worth, is for others to say. */
bool aps_request_credential(apr_pool_t *pool, const struct aps_api_operation *operation,
                            const struct aps_param_request *request, bool certificate);

#endif
