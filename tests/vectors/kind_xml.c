/* kind_xml.c - is an XML text taken from outside?  Is a schema one, and a text what it asks for? */
#include "apisec/xml.h"
#include "apisec/xsd.h"
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

/* The texts of the cases are files of a test suite; the time of a row is bounded all the same. */
static const struct aps_xsd_options xsd_options = {
    .xml = &aps_xml_plain,
    .clock = aps_clock_monotonic,
    .time_max = 10 * APS_SEC,
};

const char *t_kind_xsd(const struct t_row *row, struct aps_json *out)
{
    struct aps_xsd_source source = {APS_STR_LIT("schema.xsd"), {NULL, 0}};
    struct aps_str kind, instance;
    const struct aps_xsd *xsd = NULL;
    struct aps_xsd_check *c;
    enum aps_err err;
    bool valid;

    if (!t_row_text(row, "kind", &kind) || !t_row_bytes(row, "schema", &source.text))
        return "want strings \"kind\" and \"schema\", or base64 \"schema_b64\"";
    err = aps_xsd_compile(&source, 1, row->pool, &xsd, NULL);
    if (err == APS_ERR_NOMEM || err == APS_ERR_CONFLICT)
        return aps_err_text(err);
    valid = err == APS_OK;
    if (valid && aps_str_eq(kind, APS_STR_LIT("instance"))) {
        if (!t_row_bytes(row, "instance", &instance))
            return "want a string \"instance\", or base64 \"instance_b64\"";
        if ((c = aps_xsd_check_new(row->pool, xsd, &xsd_options)) == NULL)
            return aps_err_text(APS_ERR_NOMEM);
        (void)aps_xsd_check_feed(c, instance); /* finish says what it found */
        valid = aps_xsd_check_finish(c) == APS_XSD_VALID;
    }
    aps_json_put_str(out, "got", valid ? "valid" : "invalid");
    return NULL;
}
