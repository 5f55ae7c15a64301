/* xsd_impl.h - a compiled schema, and what is known of it before libxml2 compiles it.
 *
 * Threads and processes: as xsd.h. */
#ifndef INSPECT_XSD_IMPL_H
#define INSPECT_XSD_IMPL_H

#include <apr_hash.h>
#include <libxml/tree.h>
#include <libxml/xmlschemas.h>

#include "apisec/xsd.h"

#define XSD_NAMESPACE "http://www.w3.org/2001/XMLSchema"
#define XSD_INSTANCE "http://www.w3.org/2001/XMLSchema-instance"

/* Bounds of a bundle. */
#define XSD_SOURCES_MAX 256u
#define XSD_ONE_MAX 2000u        /* elements of one content model, groups and base types unfolded */
#define XSD_LOOSE_MAX 400u       /* of them, those with minOccurs="0" */
#define XSD_CUBES_MAX 200000000u /* sum of the cubes of those */
#define XSD_ALL_MAX 100000u      /* of all together */
#define XSD_PATTERN_MAX 2000u    /* bytes of a pattern */
#define XSD_IDENTITY_MAX                                                                           \
    10000u /* elements of a text, where the schema has identity constraints                        \
            */

/* Up to how many bytes a value may be tried on the patterns of its type. */
struct xsd_limits {
    apr_hash_t *of; /* "E:name" of elements, "A:name" of attributes -> const uint32_t *; or NULL */
    uint32_t least; /* of all; UINT32_MAX: no pattern needs one */
    bool identity;  /* there are key, keyref or unique */
};

struct aps_xsd {
    xmlSchemaPtr schema;
    xmlDocPtr doc; /* which the schema points into */
    struct aps_str name;
    struct xsd_limits limits;
};

/* Whether the node is an element of XML Schema with this name. */
bool aps_xsd_weigh_is(const xmlNode *node, const char *name);

/* The attribute's value, or NULL; lives in `pool`. */
const char *aps_xsd_weigh_attribute(apr_pool_t *pool, const xmlNode *node, const char *name);

/* The node behind this one in the order of the document, without recursion; NULL at its end. */
xmlNode *aps_xsd_weigh_next(xmlNode *node);

/* How much libxml2 would unfold of these documents, and how long values may be.
 * APS_ERR_RANGE: too much; APS_ERR_NOMEM. */
APS_MUST_CHECK enum aps_err aps_xsd_weigh(xmlDocPtr *docs, uint32_t n, apr_pool_t *pool,
                                          struct xsd_limits *out, struct aps_diag *diag);

/* The longest value that libxml2's backtracking matcher may be given for this pattern; UINT32_MAX:
 * any.  0: the pattern itself is too long. */
uint32_t aps_xsd_pattern_limit(apr_pool_t *pool, struct aps_str pattern);

/* Whether a character of a value may be matched by more than one place of the pattern, so that the
 * matcher may have to step back.  `pool` is for the call. */
bool aps_xsd_ambiguous(apr_pool_t *pool, struct aps_str pattern);

#endif
