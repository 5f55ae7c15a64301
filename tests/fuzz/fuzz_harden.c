/* A text in pieces of as many bytes as the first byte says is the same text as the whole.  If it is
 * JSON, so is what comes out, with equal values and without what HTML would end at. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/harden.h"
#include "apisec/jsonread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void run(apr_pool_t *pool, struct aps_str text, size_t piece, struct aps_buf *out)
{
    struct aps_harden h = {.string = false};

    aps_buf_init(out, pool, text.n * 6 + 12);
    for (size_t at = 0; at < text.n; at += piece)
        aps_harden_feed(
            &h, (struct aps_str){text.p + at, text.n - at < piece ? text.n - at : piece}, out);
    aps_harden_end(&h, out);
    expect(!out->full);
}

static void check(const struct aps_jsonread *a, const struct aps_jsonread *b)
{
    expect(a->count == b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        expect(aps_jsonread_kind(&a->nodes[i]) == aps_jsonread_kind(&b->nodes[i]));
        if (aps_jsonread_kind(&a->nodes[i]) < APS_JSON_ARRAY)
            expect(
                aps_str_eq(aps_jsonread_str(a, &a->nodes[i]), aps_jsonread_str(b, &b->nodes[i])));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_buf whole, cut;
    struct aps_jsonread before, after;
    apr_pool_t *pool = NULL;

    if (size == 0 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    const struct aps_str text = {(const char *)data + 1, size - 1};
    run(pool, text, text.n + 1, &whole);
    run(pool, text, data[0] % 16 + 1u, &cut);
    expect(aps_str_eq(aps_buf_text(&whole), aps_buf_text(&cut)));
    aps_jsonread_init(&before, pool, key);
    aps_jsonread_init(&after, pool, key);
    if (aps_jsonread(&before, text, &aps_jsonread_plain) == APS_JSONREAD_OK) {
        expect(aps_jsonread(&after, aps_buf_text(&cut), &aps_jsonread_plain) == APS_JSONREAD_OK);
        check(&before, &after);
        for (size_t i = 0; i < cut.n; i++)
            expect(cut.p[i] == '\0' || strchr("<>&", cut.p[i]) == NULL);
    }
    apr_pool_destroy(pool);
    return 0;
}
