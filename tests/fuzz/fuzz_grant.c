/* A grant that is read prints to a text that is read as the same grant. */
#include <stdlib.h>
#include <apr_general.h>
#include <apisec/role.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_str text = {(const char *)data, size};
    struct aps_grant g, again;
    struct aps_diag diag = {{0}};
    apr_pool_t *pool;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    if (aps_grant_parse(pool, text, false, &g, &diag) != APS_OK) {
        if (diag.text[0] == '\0')
            abort();
    } else if (aps_grant_parse(pool, g.text, false, &again, NULL) != APS_OK ||
               !aps_str_eq(g.text, again.text) || g.methods != again.methods ||
               (g.methods != 0) != (g.pattern != NULL)) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
