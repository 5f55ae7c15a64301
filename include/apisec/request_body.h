/* request_body.h - what reads bodies of a request that its judge leaves to others: JSON lines and
 * XML (request_judge.h).
 *
 * Threads and processes: as the judge that it is given. */
#ifndef APISEC_REQUEST_BODY_H
#define APISEC_REQUEST_BODY_H

#include "apisec/request_judge.h"
#include "apisec/xml.h"

#define APS_REQUEST_BODY_LINES_MAX 100000 /* lines of a body */

/* The context of both; all borrowed. */
struct aps_request_body {
    struct aps_schema_judge *judge; /* of values of requests; used for nothing else meanwhile */
    const struct aps_jsonread_options *line;
    const struct aps_xml_options *xml;
    const unsigned char *key; /* of APS_SIPHASH_KEY_LEN bytes, random */
};

/* Each line is a value of the media's schema; the first that is none ends it. */
aps_request_body_fn aps_request_body_lines;
/* As apixml.h has it. */
aps_request_body_fn aps_request_body_xml;

#endif
