/* Three fields, as lines: X-API-Key, Authorization, another key field; an empty one is absent.
 * What is found is one word, out of exactly one of them. */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apisec/credential.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct aps_str text, size_t source, const char *const *values)
{
    if (source > 3 || text.n == 0)
        abort();
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f)
            abort();
    if (source == 0 ? values[3] != NULL : source == 3 && values[0] != NULL)
        abort();
    if ((source == 1 || source == 2) && (values[0] != NULL || values[3] != NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct aps_credential_source sources[] = {
        {APS_CREDENTIAL_HEADER, "X-API-Key"},
        {APS_CREDENTIAL_BEARER, "Authorization"},
        {APS_CREDENTIAL_BASIC, "Authorization"},
        {APS_CREDENTIAL_HEADER, "X-Other-Key"},
    };
    struct aps_str rest = {(const char *)data, size}, line, text;
    const char *field[3] = {NULL, NULL, NULL};
    size_t source;
    apr_pool_t *pool;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    for (size_t i = 0; i < 3 && aps_str_next(&rest, '\n', &line); i++)
        if (line.n != 0)
            field[i] = apr_pstrmemdup(pool, line.p, line.n);
    const char *values[] = {field[0], field[1], field[1], field[2]};
    if (aps_credential_find(sources, values, 4, pool, &text, &source) == APS_REASON_ALLOW)
        check(text, source, values);
    apr_pool_destroy(pool);
    return 0;
}
