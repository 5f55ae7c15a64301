/* A byte that says how the body is cut, and a body whose boundary is "b": read whole and in pieces
 * it gives the same parts and the same fault; parts lie behind each other, and no boundary is in
 * one. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTS_MAX 16

static const struct aps_multipart_options options = {.parts_max = PARTS_MAX,
                                                     .headers_max = 300,
                                                     .name_max = 40,
                                                     .part_max = 2000,
                                                     .total_max = 4000};

struct seen {
    struct aps_str body;
    uint64_t end; /* of the last part */
    uint32_t n;
    uint64_t at[PARTS_MAX], length[PARTS_MAX];
};

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static bool note(void *context, const struct aps_multipart_part *part)
{
    struct seen *s = context;

    expect(s->n < PARTS_MAX && part->at > s->end && part->at + part->n <= s->body.n);
    expect(part->n <= options.part_max && part->name.n > 0 && part->name.n <= options.name_max);
    expect(part->n < 5 || memmem(s->body.p + part->at, part->n, "\n--b", 4) == NULL);
    expect(part->headers_n > 0 && part->headers_n <= APS_MULTIPART_HEADERS_MAX);
    (void)aps_multipart_head_is_safe(part->filename, 255); /* any answer will do */
    s->end = part->at + part->n;
    s->at[s->n] = part->at;
    s->length[s->n++] = part->n;
    return true;
}

static enum aps_multipart_fault read_in(apr_pool_t *pool, struct seen *s, size_t step)
{
    enum aps_multipart_fault fault;
    struct aps_multipart *m = aps_multipart_new(pool, APS_STR_LIT("b"), &options, note, s, &fault);

    expect(m != NULL);
    for (size_t i = 0, n; i < s->body.n; i += n) {
        n = s->body.n - i < step ? s->body.n - i : step;
        fault = aps_multipart_feed(m, (struct aps_str){s->body.p + i, n});
    }
    fault = aps_multipart_finish(m);
    expect(aps_multipart_at(m) <= s->body.n && fault < APS_MULTIPART_COUNT);
    return fault;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = {.n = 0}, cut;
    apr_pool_t *pool = NULL;

    if (size < 1 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    whole.body = (struct aps_str){(const char *)data + 1, size - 1};
    cut = whole;
    expect(read_in(pool, &whole, size) == read_in(pool, &cut, 1 + data[0] % 16));
    expect(whole.n == cut.n);
    for (uint32_t i = 0; i < whole.n; i++)
        expect(whole.at[i] == cut.at[i] && whole.length[i] == cut.length[i]);
    apr_pool_destroy(pool);
    return 0;
}
