/* judges.h - the judges of a child, which keep their memory from one request to the next: as many
 * as its threads have needed at once; and the rules by which it looks for leaks. */
#ifndef MOD_APISEC_JUDGES_H
#define MOD_APISEC_JUDGES_H

#include "apisec/leak.h"
#include "apisec/request_judge.h"
#include "apisec/response_judge.h"

struct mod_judges {
    struct aps_request_judge *request;
    struct aps_schema_judge *lines; /* of a request's body of JSON lines or XML */
    struct aps_response_judge *response;
    apr_pool_t *pool; /* their own: all of them live there */
    struct mod_judges *next;
};

void mod_judges_child_init(apr_pool_t *pchild);

/* For this thread alone, until they are given back; NULL without memory. */
struct mod_judges *mod_judges_take(void);
/* `n` bytes is the greatest text that they have judged meanwhile: after a large one they go, and
 * their memory with them. */
void mod_judges_give(struct mod_judges *judges, size_t n);

/* Rules for these kinds, and for keys with this prefix (.n 0: none), made when they are first asked
 * for and kept as long as the child; `pool` is for those that find no place.  NULL: the prefix is
 * none, or out of memory. */
const struct aps_leak_rules *mod_judges_leaks(unsigned kinds, struct aps_str prefix,
                                              apr_pool_t *pool);

#endif
