/* apixml.h - an XML body as the value that an OpenAPI description's schema is about.
 *
 * What the description says of names (the `xml` object of OpenAPI 3.0 and 3.1: name, namespace,
 * attribute, wrapped) is compiled to a table, a JSON text beside the schema image.  A body is read
 * by it: elements and attributes become members and items, texts become what the schema takes, and
 * the whole is judged by the schema as JSON is (POS-15).  docs/xml.md has the rules.
 * Threads and processes: an open table is read-only; a reading belongs to one caller. */
#ifndef APISEC_APIXML_H
#define APISEC_APIXML_H

#include "apisec/api.h"
#include "apisec/failures.h"
#include "apisec/xml.h"

struct aps_apixml;

/* The table of a media type of kind XML, in its API; NULL: it has no schema. */
const struct aps_apixml *aps_api_xml_table(const struct aps_api *api,
                                           const struct aps_api_media *media);

/* Open a table; lives in `pool`, and keeps the text.  APS_ERR_CORRUPT: it is none; APS_ERR_NOMEM.
 */
APS_MUST_CHECK enum aps_err aps_apixml_open(apr_pool_t *pool, struct aps_str table,
                                            const struct aps_apixml **out);

/* Who judges the values; kept from one body to the next. */
struct aps_apixml_judge {
    struct aps_schema_judge *judge;
    const struct aps_xml_options *xml;
    const unsigned char *key; /* of APS_SIPHASH_KEY_LEN bytes, random */
};

/* Whether `body` is what the image's entry asks for; else why, in `failures`.  What is read lives
 * in `pool`. */
bool aps_apixml_judge(const struct aps_apixml_judge *j, apr_pool_t *pool,
                      const struct aps_apixml *table, const struct aps_schema_image *image,
                      uint32_t entry, struct aps_str body, struct aps_failures *failures);

/* The same for a body of this media type, as request_judge.h has its readers: `judge` is a struct
 * aps_apixml_judge.  Without a schema every text is right that the XML reader takes. */
bool aps_apixml_body(void *judge, apr_pool_t *pool, const struct aps_api *api,
                     const struct aps_api_media *media, struct aps_str body,
                     struct aps_failures *failures);

#endif
