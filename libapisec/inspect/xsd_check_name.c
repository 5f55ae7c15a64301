/* xsd_check_name.c - the verdicts' names. */
#include "apisec/xsd.h"

const char *aps_xsd_check_name(enum aps_xsd_verdict verdict)
{
    static const char *const names[] = {
        [APS_XSD_UNDECIDED] = "undecided", [APS_XSD_INVALID] = "invalid", [APS_XSD_XML] = "xml",
        [APS_XSD_TIME] = "time",           [APS_XSD_PATTERN] = "pattern", [APS_XSD_NODES] = "nodes",
        [APS_XSD_NOMEM] = "nomem",         [APS_XSD_VALID] = "valid",
    };

    return (unsigned)verdict < sizeof names / sizeof *names ? names[verdict] : "unknown";
}
