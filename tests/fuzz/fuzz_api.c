/* A description, as YAML or JSON, a NUL and a path: checking and compiling end, the same text gives
 * the same block, and what was compiled opens.  Then the block with a few bytes changed and its
 * sum made good: what opening does not refuse reads no byte outside of it. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "../../libapisec/inspect/api_impl.h"
#include "apisec/api_check.h"
#include "apisec/api_compile.h"
#include "apisec/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* Every byte that a request could lead to. */
static void use(const struct aps_api *api, struct aps_str path)
{
    const struct aps_api_operation *all;
    struct aps_api_match match;
    const uint32_t n = aps_api_operations(api, &all);

    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < all[i].params_n; k++)
            expect(all[i].params[k].name.p != NULL);
        for (uint32_t k = 0; k < all[i].bodies_n; k++)
            for (uint32_t s = 0; s < all[i].bodies[k].sanitize_n; s++)
                expect(all[i].bodies[k].sanitize[s].pointer.p != NULL);
        (void)aps_api_find(api, APS_METHOD_GET, all[i].path, &match); /* any answer will do */
    }
    if (aps_api_find(api, APS_METHOD_GET, path, &match) != APS_API_FOUND)
        return;
    for (uint32_t i = 0; i < match.captures_n; i++)
        expect(match.captures[i].n > 0 && match.captures[i].p > path.p &&
               match.captures[i].p + match.captures[i].n <= path.p + path.n &&
               memchr(match.captures[i].p, '/', match.captures[i].n) == NULL);
}

static void damage(apr_pool_t *pool, struct aps_str block, struct aps_str path)
{
    const struct aps_api *api = NULL;
    char *copy = apr_palloc(pool, block.n);

    expect(copy != NULL);
    memcpy(copy, block.p, block.n);
    for (size_t i = 0; i + 2 < path.n && i < 24; i += 3) {
        const size_t at = ((size_t)(uint8_t)path.p[i] << 8 | (uint8_t)path.p[i + 1]) % block.n;

        copy[at] = (char)(copy[at] ^ path.p[i + 2]);
    }
    ((struct api_head *)copy)->sum = aps_api_open_sum(copy, block.n);
    if (aps_api_open(pool, (struct aps_str){copy, block.n}, &api, NULL) == APS_OK)
        use(api, path);
}

static void run(apr_pool_t *pool, struct aps_str text, struct aps_str path)
{
    const struct aps_api_options options = {.formats = true, .loose = path.n % 2 != 0};
    struct aps_schema_source source = {.document = true};
    struct aps_str block = {NULL, 0}, again = {NULL, 0};
    const struct aps_api *api = NULL;
    struct aps_api_report report;
    struct aps_diag diag = {.text = ""};
    enum aps_err err;

    if (aps_yaml_to_json(text, pool, &source.text, &diag) != APS_OK)
        return;
    diag.text[0] = '\0';
    expect(aps_api_check(source.text, pool, &diag) == APS_OK || diag.text[0] != '\0');
    diag.text[0] = '\0';
    if ((err = aps_api_compile(&source, 1, &options, pool, &block, &report, &diag)) != APS_OK) {
        expect(diag.text[0] != '\0' && err != APS_ERR_CORRUPT);
        return;
    }
    expect(aps_api_compile(&source, 1, &options, pool, &again, &report, NULL) == APS_OK);
    expect(aps_str_eq(block, again));
    expect(aps_api_open(pool, block, &api, &diag) == APS_OK);
    use(api, path);
    damage(pool, block, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = size > 0 ? memchr(data, 0, size) : NULL;
    const size_t n = cut != NULL ? (size_t)(cut - data) : size;
    apr_pool_t *pool = NULL;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    run(pool, (struct aps_str){(const char *)data, n},
        cut != NULL ? (struct aps_str){(const char *)cut + 1, size - n - 1}
                    : (struct aps_str){"/", 1});
    apr_pool_destroy(pool);
    return 0;
}
