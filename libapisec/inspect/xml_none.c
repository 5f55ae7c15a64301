/* xml_none.c - what a build without libxml2 says of every XML text. */
#include "xml_fault.h"

struct aps_xml {
    const struct aps_xml_options *options;
};

void aps_xml_start(void)
{
}

const char *aps_xml_version(apr_pool_t *pool)
{
    (void)pool; /* nothing is printed */
    return NULL;
}

struct aps_xml *aps_xml_new(apr_pool_t *pool, const struct aps_xml_options *options,
                            const struct aps_xml_sink *sink)
{
    struct aps_xml *x = apr_palloc(pool, sizeof *x);

    (void)sink; /* it is given nothing */
    if (x != NULL)
        x->options = options;
    return x;
}

bool aps_xml_feed(struct aps_xml *x, struct aps_str piece)
{
    (void)x;     /* it reads nothing */
    (void)piece; /* likewise */
    return false;
}

enum aps_xml_fault aps_xml_finish(struct aps_xml *x)
{
    (void)x; /* every text */
    return APS_XML_ABSENT;
}

void aps_xml_close(struct aps_xml *x)
{
    (void)x; /* it holds nothing */
}

void aps_xml_fault_explain(const struct aps_xml *x, struct aps_diag *diag)
{
    aps_xml_fault_say(x->options, APS_XML_ABSENT, 0, "", diag);
}

enum aps_xml_fault aps_xml(apr_pool_t *pool, struct aps_str text,
                           const struct aps_xml_options *options, const struct aps_xml_sink *sink,
                           struct aps_diag *diag)
{
    (void)pool; /* nothing is read */
    (void)text;
    (void)sink;
    aps_xml_fault_say(options, APS_XML_ABSENT, 0, "", diag);
    return APS_XML_ABSENT;
}
