/* jsondoc.h - values of a bundle's documents, and where references lead. */
#ifndef APISECCTL_JSONDOC_H
#define APISECCTL_JSONDOC_H

#include "apisec/jsonread.h"
#include "apisec/store_api.h"

/* All documents of a bundle, read. */
struct ctl_jsondocs {
    apr_pool_t *pool;
    uint32_t n;
    const struct aps_schema_source *sources;
    struct aps_jsonread *read; /* of each */
};

/* A value in one of them; `v` NULL: there is none. */
struct ctl_jsonat {
    const struct ctl_jsondocs *docs;
    uint32_t doc;
    const struct aps_jsonread_node *v;
};

/* Of a bundle that was compiled.  APS_ERR_FORMAT. */
APS_MUST_CHECK enum aps_err ctl_jsondoc_read(apr_pool_t *pool,
                                             const struct aps_store_api_bundle *bundle,
                                             struct ctl_jsondocs *out, struct aps_diag *diag);
struct ctl_jsonat ctl_jsondoc_root(const struct ctl_jsondocs *docs);

bool ctl_jsondoc_is(struct ctl_jsonat at, enum aps_jsonread_kind kind);
/* A string or number; empty of anything else. */
struct aps_str ctl_jsondoc_str(struct ctl_jsonat at);
/* The value as it is written; empty where there is none. */
struct aps_str ctl_jsondoc_raw(struct ctl_jsonat at);
/* The member of this name, what it refers to where it is a reference. */
struct ctl_jsonat ctl_jsondoc_get(struct ctl_jsonat object, struct aps_str name);
/* A value where it is one, or what it refers to. */
struct ctl_jsonat ctl_jsondoc_deref(struct ctl_jsonat at);

/* Walk an array or object: `v` of the first is NULL where there is none.  Of an object *out_name,
 * which may be NULL, is that of the member.  A reference is not followed. */
struct ctl_jsonat ctl_jsondoc_first(struct ctl_jsonat holder, struct aps_str *out_name);
struct ctl_jsonat ctl_jsondoc_next(struct ctl_jsonat holder, struct ctl_jsonat before,
                                   struct aps_str *out_name);

#endif
