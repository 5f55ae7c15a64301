/* httpsig_impl.h - what the files of HTTP Message Signatures share. */
#ifndef HTTPSIG_IMPL_H
#define HTTPSIG_IMPL_H

#include "apisec/httpsig.h"

/* What a component's name stands for. */
enum httpsig_kind {
    HTTPSIG_FIELD,
    HTTPSIG_METHOD,
    HTTPSIG_TARGET_URI,
    HTTPSIG_AUTHORITY,
    HTTPSIG_SCHEME,
    HTTPSIG_REQUEST_TARGET,
    HTTPSIG_PATH,
    HTTPSIG_QUERY,
    HTTPSIG_QUERY_PARAM,
    HTTPSIG_STATUS,
};

/* A component identifier that was found to be understood. */
struct httpsig_component {
    enum httpsig_kind kind;
    struct aps_str name;
    bool sf, bs, req, tr;
    const struct aps_sf *key;         /* a string; NULL: none */
    const struct aps_sf *query_param; /* the string `name`; of HTTPSIG_QUERY_PARAM */
};

/* OK or COMPONENT (RFC 9421 2, 2.1, 2.2). */
enum aps_httpsig_fault aps_httpsig_component_read(const struct aps_sf *id,
                                                  struct httpsig_component *out,
                                                  struct aps_diag *diag);

/* All components of a signature: OK, COMPONENT or TWICE. */
enum aps_httpsig_fault aps_httpsig_component_read_all(const struct aps_sf *first,
                                                      struct aps_diag *diag);

/* Whether one of `covered` covers the component. */
bool aps_httpsig_component_is_covered(const struct aps_sf *covered, const struct aps_sf *wanted);

/* What one signature base may use: memory, and how many bytes of fields and queries may still be
 * read, each time they are. */
struct httpsig_work {
    apr_pool_t *pool;
    size_t left;
};

/* Whether there is work left for `n` bytes, which are then done. */
static inline bool httpsig_may_read(struct httpsig_work *work, size_t n)
{
    if (n > work->left)
        return false;
    work->left -= n;
    return true;
}

/* Append a value.  `m` is the message that it comes from, `req` having been looked at. */
enum aps_httpsig_fault aps_httpsig_field_value(const struct aps_httpsig_message *m,
                                               const struct httpsig_component *c,
                                               struct httpsig_work *work, struct aps_buf *to,
                                               struct aps_diag *diag);
enum aps_httpsig_fault aps_httpsig_derived_value(const struct aps_httpsig_message *m,
                                                 const struct httpsig_component *c,
                                                 struct httpsig_work *work, struct aps_buf *to,
                                                 struct aps_diag *diag);

/* All lines of a field joined (RFC 9421 2.1); MISSING: there is none. */
enum aps_httpsig_fault aps_httpsig_field_join(const struct aps_httpsig_lines *lines,
                                              struct aps_str name, struct aps_buf *to,
                                              struct aps_diag *diag);

/* Set parameters and fault of a signature by its input; returns the fault. */
enum aps_httpsig_fault aps_httpsig_read_one(struct aps_httpsig *sig, struct aps_diag *diag);

/* Explain, and answer with the fault. */
enum aps_httpsig_fault aps_httpsig_explain(enum aps_httpsig_fault fault, struct aps_str name,
                                           const char *want, struct aps_diag *diag);

#endif
