/* kind_xml.c - is an XML text taken from outside? */
#include "apisec/xml.h"
#include "vectors.h"

const char *t_kind_xml_attack(const struct t_row *row, struct aps_json *out)
{
    struct aps_str document;
    enum aps_xml_fault fault;

    if (!t_row_bytes(row, "document", &document))
        return "want a string \"document\", or base64 \"document_b64\"";
    fault = aps_xml(row->pool, document, &aps_xml_strict, NULL, NULL);
    if (fault == APS_XML_ABSENT || fault == APS_XML_NOMEM)
        return aps_xml_fault_name(fault);
    aps_json_put_str(out, "got", fault == APS_XML_OK ? "accept" : "reject");
    return NULL;
}
