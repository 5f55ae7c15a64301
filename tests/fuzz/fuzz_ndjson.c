/* A text in pieces against the same text whole: the same fault, line and values.  The first byte
 * says how long pieces are, and whether lines may be empty. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/ndjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* Adds up what is seen. */
static bool sum(void *ctx, const struct aps_jsonread *r, uint32_t line)
{
    uint64_t *total = ctx;

    *total = *total * 31 + aps_siphash_64(aps_jsonread_raw(r, aps_jsonread_root(r)), key) + line;
    return true;
}

static void run(apr_pool_t *pool, struct aps_str text, size_t piece, bool empty_lines,
                struct aps_ndjson *s, uint64_t *total)
{
    static const struct aps_jsonread_options line = {.bytes_max = 40,
                                                     .depth_max = 8,
                                                     .nodes_max = 40,
                                                     .string_max = 30,
                                                     .members_max = 9,
                                                     .items_max = 9,
                                                     .digits_max = 20};
    static struct aps_ndjson_options options = {.line = &line, .lines_max = 20};

    options.empty_lines = empty_lines;
    *total = 0;
    aps_ndjson_init(s, pool, key, &options, sum, total);
    for (size_t at = 0; at < text.n; at += piece) {
        const size_t n = text.n - at < piece ? text.n - at : piece;
        char *copy = malloc(n);

        expect(copy != NULL);
        memcpy(copy, text.p + at, n);
        aps_ndjson_feed(s, (struct aps_str){copy, n});
        free(copy);
    }
    aps_ndjson_end(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_ndjson whole, cut;
    uint64_t whole_total, cut_total;
    apr_pool_t *pool = NULL;
    struct aps_diag diag;

    if (size < 2 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    const struct aps_str text = {(const char *)data + 1, size - 1};
    run(pool, text, text.n, data[0] >= 128, &whole, &whole_total);
    run(pool, text, data[0] % 128 + 1u, data[0] >= 128, &cut, &cut_total);
    expect(whole.fault == cut.fault && whole.line == cut.line && whole.values == cut.values);
    expect(whole_total == cut_total && whole.reader.fault == cut.reader.fault);
    aps_ndjson_fault_explain(&cut, &diag);
    apr_pool_destroy(pool);
    return 0;
}
