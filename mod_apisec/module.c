#include <httpd.h>
#include <http_config.h>

/* The only symbol that leaves the shared object. */
__attribute__((visibility("default"))) module AP_MODULE_DECLARE_DATA apisec_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, NULL, AP_MODULE_FLAG_NONE};
