/* xml_fault.h - the sentence about a fault of an XML text.
 *
 * Threads and processes: pure functions. */
#ifndef INSPECT_XML_FAULT_H
#define INSPECT_XML_FAULT_H

#include "apisec/xml.h"

/* `why`: what libxml2 says, or an empty text. */
void aps_xml_fault_say(const struct aps_xml_options *options, enum aps_xml_fault fault, uint64_t at,
                       const char *why, struct aps_diag *diag);

#endif
