/* multipart_impl.h - a reader at work. */
#ifndef INSPECT_MULTIPART_IMPL_H
#define INSPECT_MULTIPART_IMPL_H

#include "apisec/multipart.h"

struct aps_multipart {
    apr_pool_t *pool;
    const struct aps_multipart_options *options;
    aps_multipart_fn each;
    void *context;
    enum aps_multipart_fault fault;
    enum multipart_phase {
        MULTIPART_FIRST, /* the first boundary has to come */
        MULTIPART_CLOSE, /* behind a boundary */
        MULTIPART_HEAD,
        MULTIPART_DATA,
        MULTIPART_END, /* behind the last; one CRLF may follow */
    } phase;
    char dash[2 + APS_MULTIPART_BOUNDARY_MAX]; /* "--" and the boundary */
    uint32_t dash_n;
    uint32_t matched; /* bytes of `dash`, or of what follows it */
    bool line;        /* `dash` may begin or go on here */
    bool strict;      /* and CRLF stands before it */
    char last;        /* the byte before */
    uint64_t at;      /* bytes so far */
    uint32_t parts;
    char *head; /* of the part; options->headers_max bytes */
    uint32_t head_n;
    struct aps_multipart_part part;
    struct aps_multipart_header headers[APS_MULTIPART_HEADERS_MAX];
};

/* Read the header lines m->head into m->part. */
enum aps_multipart_fault aps_multipart_head(struct aps_multipart *m);

#endif
