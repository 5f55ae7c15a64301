#include <apisec/version.h>

const char *aps_version(void)
{
    return APS_VERSION;
}
