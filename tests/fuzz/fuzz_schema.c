/* A schema, a line feed and a value: compiling and judging end, one failure and all failures give
 * the same verdict, and the same schema gives the same image.  Then the image with a few bytes
 * changed and its sum made good: what opening does not refuse reads no byte outside of it. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "../../libapisec/inspect/schema_impl.h"
#include "apisec/schema_compile.h"
#include "apisec/schema_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static enum aps_schema_verdict judge(apr_pool_t *pool, const struct aps_schema_image *image,
                                     const struct aps_jsonread *r, bool first, uint8_t way,
                                     bool damaged)
{
    struct aps_schema_judge_options o = aps_schema_judge_usual;
    struct aps_schema_judge *j;
    enum aps_schema_verdict verdict;
    char room[4096];
    struct aps_json w;

    o.steps_max = 20000;
    o.match_max = 1000;
    o.first = first;
    o.way = way % 3;
    j = aps_schema_judge_new(pool, &o);
    expect(j != NULL);
    verdict = aps_schema_judge(j, image, 0, r, aps_jsonread_root(r));
    /* Of a damaged image the quick checks and those that tell failures may differ. */
    expect(damaged || verdict != APS_SCHEMA_VALID || aps_schema_judge_failures(j) == 0);
    expect(damaged || verdict != APS_SCHEMA_INVALID || aps_schema_judge_failures(j) > 0);
    for (uint32_t i = 0; i < aps_schema_judge_failures(j); i++) {
        aps_json_init(&w, room, sizeof room);
        aps_schema_judge_print(j, i, &w);
    }
    return verdict;
}

/* Change what the data say and open it again. */
static void damage(apr_pool_t *pool, struct aps_str block, const uint8_t *data, size_t size,
                   const struct aps_jsonread *r)
{
    const struct aps_schema_image *image = NULL;
    char *copy = apr_palloc(pool, block.n);
    struct schema_head *head = (void *)copy;

    expect(copy != NULL);
    memcpy(copy, block.p, block.n);
    for (size_t i = 0; i + 2 < size && i < 24; i += 3) {
        const size_t at = 16 + ((size_t)data[i] << 8 | data[i + 1]) % (block.n - 16);

        copy[at] = (char)(copy[at] ^ data[i + 2]);
    }
    head->sum = aps_schema_image_sum(copy, block.n);
    if (aps_schema_image_open(pool, (struct aps_str){copy, block.n}, &image, NULL) == APS_OK &&
        r != NULL)
        (void)judge(pool, image, r, false, 1, true); /* any verdict will do */
}

static void run(apr_pool_t *pool, uint8_t choice, struct aps_str schema, struct aps_str value,
                const uint8_t *data, size_t size)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";
    const struct aps_schema_source source = {.text = schema};
    const struct aps_schema_compile what = {.sources = &source,
                                            .sources_n = 1,
                                            .dialect = choice % 3,
                                            .formats = (choice & 4) != 0,
                                            .content = (choice & 8) != 0,
                                            .lax = (choice & 16) != 0};
    apr_array_header_t *warnings = apr_array_make(pool, 4, sizeof(const char *));
    const struct aps_schema_image *image = NULL;
    struct aps_str block = {NULL, 0}, again = {NULL, 0};
    struct aps_jsonread r;
    struct aps_diag diag = {.text = ""};
    enum aps_schema_verdict all, first;
    bool read;

    if (aps_schema_compile(&what, pool, &block, warnings, &diag) != APS_OK) {
        expect(diag.text[0] != '\0');
        return;
    }
    expect(aps_schema_compile(&what, pool, &again, NULL, NULL) == APS_OK);
    expect(aps_str_eq(block, again));
    expect(aps_schema_image_open(pool, block, &image, &diag) == APS_OK);
    aps_jsonread_init(&r, pool, key);
    read = aps_jsonread(&r, value, &aps_jsonread_strict) == APS_JSONREAD_OK;
    if (read) {
        all = judge(pool, image, &r, false, choice >> 5, false);
        first = judge(pool, image, &r, true, choice >> 5, false);
        expect((all == APS_SCHEMA_VALID) == (first == APS_SCHEMA_VALID) ||
               all < APS_SCHEMA_INVALID || all > APS_SCHEMA_INVALID);
    }
    damage(pool, block, data, size, read ? &r : NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut;
    apr_pool_t *pool = NULL;

    if (size < 2 || (cut = memchr(data, '\n', size)) == NULL || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    run(pool, data[0],
        (struct aps_str){(const char *)data + 1, (size_t)(cut - data) - (cut > data)},
        (struct aps_str){(const char *)cut + 1, size - (size_t)(cut + 1 - data)}, cut,
        size - (size_t)(cut - data));
    apr_pool_destroy(pool);
    return 0;
}
