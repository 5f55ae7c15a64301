/* ownlimit.c - the limit of a key's own. */
#include "apisec/ownlimit.h"

#include <stdio.h>
#include <string.h>

enum aps_err aps_ownlimit_init(const struct aps_key *key, uint64_t store,
                               struct aps_rate_limit *out, struct aps_diag *diag)
{
    const struct aps_key_limit *own = &key->limit;
    char name[80];
    int n;

    memset(out, 0, sizeof *out);
    if (own->rate.count == 0)
        return APS_OK;
    n = snprintf(name, sizeof name, "key %u %lld %u", own->rate.count, (long long)own->rate.period,
                 own->burst);
    return aps_rate_init(out,
                         aps_table_scope(APS_TABLE_RATE, store, (struct aps_str){name, (size_t)n}),
                         own->rate, own->burst, diag);
}

uint64_t aps_ownlimit_caller(const struct aps_state *state, const struct aps_key *key)
{
    return aps_table_caller(state, key->id.p, key->id.n);
}
