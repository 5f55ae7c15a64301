/* api_xml.h - the table of names of a body of XML, into the block of an API. */
#ifndef INSPECT_API_XML_H
#define INSPECT_API_XML_H

#include "apisec/apixml.h"
#include "api_build.h"

/* *out is the number of its text, untouched where there is no schema.  False: b->err is set. */
bool aps_api_xml(struct api_build *b, struct api_at schema, uint32_t *out);

#endif
