/* xml_fault.c - the table of faults, and what a text may be. */
#include "xml_fault.h"

static const struct row {
    const char *token;
    const char *text;
} rows[APS_XML_COUNT] = {
#define F(name, token, text) [APS_XML_##name] = {token, text},
#include "apisec/xml.def"
#undef F
};

const struct aps_xml_options aps_xml_strict = {
    .bytes_max = 1u << 20,
    .depth_max = 32,
    .nodes_max = 100000,
    .attributes_max = 64,
    .value_max = 16u << 10,
    .name_max = 256,
    .text_max = 256u << 10,
    .namespaces_max = 64,
    .names_max = 2000,
};

const struct aps_xml_options aps_xml_plain = {
    .bytes_max = 16u << 20,
    .depth_max = 256,
    .nodes_max = 1000000,
    .attributes_max = 256,
    .value_max = 1u << 20,
    .name_max = 1000,
    .text_max = 1u << 20,
    .namespaces_max = 1000,
    .names_max = 100000,
    .instructions = true,
};

const char *aps_xml_fault_name(enum aps_xml_fault fault)
{
    return (unsigned)fault < APS_XML_COUNT ? rows[fault].token : "unknown";
}

const char *aps_xml_fault_text(enum aps_xml_fault fault)
{
    return rows[(unsigned)fault < APS_XML_COUNT ? fault : APS_XML_UNDECIDED].text;
}

static uint32_t cap_of(const struct aps_xml_options *o, enum aps_xml_fault fault)
{
    const uint32_t caps[APS_XML_COUNT] = {
        [APS_XML_BYTES] = o->bytes_max, [APS_XML_DEPTH] = o->depth_max,
        [APS_XML_NODES] = o->nodes_max, [APS_XML_ATTRIBUTES] = o->attributes_max,
        [APS_XML_VALUE] = o->value_max, [APS_XML_NAME] = o->name_max,
        [APS_XML_TEXT] = o->text_max,   [APS_XML_NAMESPACES] = o->namespaces_max,
        [APS_XML_NAMES] = o->names_max,
    };

    return caps[fault];
}

void aps_xml_fault_say(const struct aps_xml_options *options, enum aps_xml_fault fault, uint64_t at,
                       const char *why, struct aps_diag *diag)
{
    if (fault >= APS_XML_BYTES)
        aps_err_explain(diag, "XML, near byte %llu: %s %u", (unsigned long long)at,
                        rows[fault].text, cap_of(options, fault));
    else
        aps_err_explain(diag, "XML, near byte %llu: %s%s%.200s", (unsigned long long)at,
                        rows[fault].text, *why != '\0' ? ": " : "", why);
}
