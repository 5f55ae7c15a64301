/* xsd_none.c - schemas in a build without libxml2: there are none. */
#include "apisec/xsd.h"

const struct aps_xsd_options aps_xsd_usual = {.xml = &aps_xml_strict};

enum aps_err aps_xsd_compile(const struct aps_xsd_source *sources, uint32_t n, apr_pool_t *pool,
                             const struct aps_xsd **out, struct aps_diag *diag)
{
    (void)sources; /* none is read */
    (void)n;
    (void)pool;
    (void)out;
    aps_err_explain(diag, "this build reads no XML and no schemas for it: it was configured with "
                          "--disable-xml");
    return APS_ERR_CONFLICT;
}

/* Of a schema, which nobody has. */
struct aps_xsd_check *aps_xsd_check_new(apr_pool_t *pool, const struct aps_xsd *xsd,
                                        const struct aps_xsd_options *options)
{
    (void)pool; /* there is nothing to make */
    (void)xsd;
    (void)options;
    return NULL;
}

bool aps_xsd_check_feed(struct aps_xsd_check *c, struct aps_str piece)
{
    (void)c; /* nothing is read */
    (void)piece;
    return false;
}

enum aps_xsd_verdict aps_xsd_check_finish(struct aps_xsd_check *c)
{
    (void)c; /* nothing was read */
    return APS_XSD_UNDECIDED;
}

void aps_xsd_check_close(struct aps_xsd_check *c)
{
    (void)c; /* it holds nothing */
}

enum aps_xml_fault aps_xsd_check_fault(const struct aps_xsd_check *c)
{
    (void)c; /* every text */
    return APS_XML_ABSENT;
}

void aps_xsd_check_fault_explain(const struct aps_xsd_check *c, struct aps_diag *diag)
{
    (void)c; /* every text */
    aps_err_explain(diag, "this build reads no XML: it was configured with --disable-xml");
}

uint32_t aps_xsd_check_failures(const struct aps_xsd_check *c)
{
    (void)c; /* nothing was read */
    return 0;
}

void aps_xsd_check_print(const struct aps_xsd_check *c, uint32_t i, struct aps_json *out)
{
    (void)c; /* there is none */
    (void)i;
    aps_json_null(out);
}
