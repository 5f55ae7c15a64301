/* version.c - which release this is. */
#include <apisec/version.h>

const char *aps_version(void)
{
    return APS_VERSION;
}
