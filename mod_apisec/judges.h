/* judges.h - the judges of a child, which keep their memory from one request to the next: as many
 * as its threads have needed at once. */
#ifndef MOD_APISEC_JUDGES_H
#define MOD_APISEC_JUDGES_H

#include "apisec/request_judge.h"
#include "apisec/response_judge.h"

struct mod_judges {
    struct aps_request_judge *request;
    struct aps_schema_judge *lines; /* of a request's body of JSON lines or XML */
    struct aps_response_judge *response;
    struct mod_judges *next;
};

void mod_judges_child_init(apr_pool_t *pchild);

/* For this thread alone, until they are given back; NULL without memory. */
struct mod_judges *mod_judges_take(void);
void mod_judges_give(struct mod_judges *judges);

#endif
