/* A limit that is read prints to a text that is read as the same limit. */
#include <stdlib.h>
#include <apr_general.h>
#include <apisec/limit.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_str text = {(const char *)data, size};
    struct aps_limit limit, again;
    struct aps_diag diag = {{0}};
    apr_pool_t *pool;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    if (aps_limit_parse(pool, text, &limit, &diag) != APS_OK) {
        if (diag.text[0] == '\0')
            abort();
    } else if (aps_limit_parse(pool, limit.text, &again, NULL) != APS_OK ||
               !aps_str_eq(limit.text, again.text) || limit.by != again.by || limit.n != again.n ||
               limit.by == 0 || limit.n == 0) {
        abort();
    }
    apr_pool_destroy(pool);
    return 0;
}
