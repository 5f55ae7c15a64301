/* xsd.h - XML Schema 1.0: schemas are compiled once, and a text is judged while it is read.
 *
 * A schema is a bundle of texts, of which the first is the one that is asked for.  xs:include,
 * xs:import and xs:redefine lead to other texts of the bundle by their names and to nothing else:
 * nothing is fetched, from network or disk, and what a document says of where its schema is
 * (xsi:schemaLocation) is not looked at (POS-16).  libxml2 compiles and validates; what it would
 * spend without end on is bounded before (docs/xml.md).
 * Threads and processes: aps_xml_start comes first.  A compiled schema is read-only and may be
 * shared; a check belongs to one caller. */
#ifndef APISEC_XSD_H
#define APISEC_XSD_H

#include <apr_pools.h>

#include "apisec/clock.h"
#include "apisec/json.h"
#include "apisec/xml.h"

struct aps_xsd_source {
    struct aps_str name; /* as schemaLocation has it: relative to the name of who refers to it */
    struct aps_str text;
};

struct aps_xsd;

/* Compile.  *out lives in `pool` and keeps nothing of the sources.  APS_ERR_FORMAT: a text is no
 * schema, and `diag` has the first fault; APS_ERR_NOT_FOUND: a schemaLocation leads out of the
 * bundle; APS_ERR_RANGE: over a bound of docs/xml.md; APS_ERR_NOMEM; APS_ERR_CONFLICT: this build
 * reads no XML. */
APS_MUST_CHECK enum aps_err aps_xsd_compile(const struct aps_xsd_source *sources, uint32_t n,
                                            apr_pool_t *pool, const struct aps_xsd **out,
                                            struct aps_diag *diag);

#define APS_XSD_FAILURES 10

/* Zero refuses. */
enum aps_xsd_verdict {
    APS_XSD_UNDECIDED,
    APS_XSD_INVALID,
    APS_XSD_XML,     /* the text is refused as XML: aps_xsd_check_fault */
    APS_XSD_TIME,    /* over the time that a text may take */
    APS_XSD_PATTERN, /* a value is longer than a pattern of the schema may be tried on */
    APS_XSD_NODES,   /* more elements than a schema with identity constraints may be asked about */
    APS_XSD_NOMEM,
    APS_XSD_VALID,
};

struct aps_xsd_options {
    const struct aps_xml_options *xml;
    aps_nsec (*clock)(void); /* monotonic */
    aps_nsec time_max;       /* for one text, asked at each element */
    bool first;              /* stop at the first failure and list only that */
};

/* aps_xml_strict, one second of the monotonic clock, all failures. */
extern const struct aps_xsd_options aps_xsd_usual;

struct aps_xsd_check;

/* A check of one text, lives in `pool`; NULL without memory.  Keeps schema and options. */
struct aps_xsd_check *aps_xsd_check_new(apr_pool_t *pool, const struct aps_xsd *xsd,
                                        const struct aps_xsd_options *options);

/* The next bytes; borrowed.  False: no more are wanted, and aps_xsd_check_finish says why. */
bool aps_xsd_check_feed(struct aps_xsd_check *c, struct aps_str piece);

/* The text is at its end: the verdict. */
APS_MUST_CHECK enum aps_xsd_verdict aps_xsd_check_finish(struct aps_xsd_check *c);

/* Give the library's memory back before the pool does; what was found may still be asked. */
void aps_xsd_check_close(struct aps_xsd_check *c);

/* Of the verdict APS_XSD_XML: why, and the sentence about it. */
enum aps_xml_fault aps_xsd_check_fault(const struct aps_xsd_check *c);
void aps_xsd_check_fault_explain(const struct aps_xsd_check *c, struct aps_diag *diag);

/* How many failures are listed, at most APS_XSD_FAILURES. */
uint32_t aps_xsd_check_failures(const struct aps_xsd_check *c);

/* Write failure `i` as an object: "pointer" to the value (/order/item[2], or with /@name),
 * "keyword" (a facet, "content", "attribute", "key" or "type"), "schema" (the name of the first
 * text), "expected", and "value", shortened (POS-21). */
void aps_xsd_check_print(const struct aps_xsd_check *c, uint32_t i, struct aps_json *out);

/* "invalid"; "unknown" for a value outside of the table. */
const char *aps_xsd_check_name(enum aps_xsd_verdict verdict);

#endif
