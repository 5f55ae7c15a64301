/* subject.h - whose cell of a limit: the bytes that name a caller, an address, a route.
 *
 * httpd charges cells by them and apisecctl looks for cells, so that both must agree.
 * Threads and processes: pure functions. */
#ifndef APISEC_SUBJECT_H
#define APISEC_SUBJECT_H

#include "apisec/key.h"
#include "apisec/limit.h"
#include "apisec/net.h"

/* Who asks, and where.  Borrows everything. */
struct aps_subject {
    uint64_t store;     /* aps_snapshot_store_tag: equal ids of two stores never meet (AZ-09) */
    struct aps_str key; /* id of a verified key; empty: nobody is known (LIM-11) */
    struct aps_str owner, org; /* empty: the key has none */
    size_t nroles;
    const struct aps_str *roles;
    struct aps_addr addr;
    struct aps_str route;
};

/* The caller of *out: key, owner, org and roles; the rest is left as it is. */
void aps_subject_set_caller(struct aps_subject *out, const struct aps_key *key);

/* How many cells each meter of the limit has for this subject: 1; by role one for each role; 0
 * where the limit asks for a caller and nobody is known. */
size_t aps_subject_count(const struct aps_limit *limit, const struct aps_subject *who);

/* A caller's texts are cut to 128 bytes and a route to 512; their whole lengths still count. */
#define APS_SUBJECT_MAX 1280

/* The bytes for aps_table_tag of the cell `i` of aps_subject_count; returns how many.
 * Different subjects have different bytes whatever their texts are, within what is cut.  `epoch`
 * of a limit that was reset for this caller at the limit's own level (adjust.h), else 0: it counts
 * where the limit is by a caller. */
size_t aps_subject_bytes(const struct aps_limit *limit, const struct aps_subject *who, size_t i,
                         uint64_t epoch, unsigned char out[APS_SUBJECT_MAX]);

#endif
