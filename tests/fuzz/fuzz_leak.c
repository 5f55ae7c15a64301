/* A body in pieces of as many bytes as the first byte says gives the findings of the whole, and of
 * the whole put behind other bytes, so that other bytes of it are looked at.  What is told lies in
 * the body, in its order. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/leak.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

struct seen {
    uint64_t sum, end, before;
    unsigned n;
};

static bool note(void *ctx, const struct aps_leak_finding *finding)
{
    struct seen *seen = ctx;
    const uint64_t offset = finding->offset - seen->before;

    expect(finding->offset >= seen->end && finding->length > 0);
    seen->end = finding->offset + finding->length;
    seen->sum = (seen->sum * 31 + offset) * 31 + finding->length * 8 + finding->kind;
    seen->n++;
    return true;
}

/* Behind `before` blanks. */
static struct seen run(apr_pool_t *pool, const struct aps_leak_rules *rules, struct aps_str text,
                       size_t before, size_t piece)
{
    static const char blanks[] = "\n\n\n\n\n\n\n\n";
    struct seen seen = {.before = before};
    struct aps_leak s;

    aps_leak_init(&s, pool, rules, note, &seen);
    expect(aps_leak_feed(&s, (struct aps_str){blanks, before}) == APS_OK);
    for (size_t at = 0; at < text.n; at += piece) {
        const struct aps_str next = {text.p + at, text.n - at < piece ? text.n - at : piece};
        char *copy = malloc(next.n);

        expect(copy != NULL);
        memcpy(copy, next.p, next.n);
        expect(aps_leak_feed(&s, (struct aps_str){copy, next.n}) == APS_OK);
        free(copy);
        expect(aps_leak_settled(&s) <= before + at + next.n);
    }
    aps_leak_end(&s);
    expect(seen.end <= before + text.n);
    return seen;
}

/* Made once for each of two prefixes: of steps of two bytes, and of three. */
static const struct aps_leak_rules *rules_of(unsigned which)
{
    static const struct aps_str prefixes[] = {{"ab", 2}, {"apisec", 6}};
    static const struct aps_leak_rules *rules[2];
    static apr_pool_t *pool;

    if (pool == NULL)
        expect(apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS);
    if (rules[which] == NULL)
        expect(aps_leak_rules_new(pool, UINT32_MAX, &prefixes[which], 1, &rules[which]) == APS_OK);
    return rules[which];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct aps_leak_rules *rules;
    apr_pool_t *pool = NULL;

    if (size < 2)
        return 0;
    const struct aps_str text = {(const char *)data + 1, size - 1};
    rules = rules_of(data[0] % 2);
    expect(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    const struct seen whole = run(pool, rules, text, 0, text.n);
    const struct seen cut = run(pool, rules, text, data[0] % 7, data[0] % 101 + 1u);
    expect(whole.sum == cut.sum && whole.n == cut.n);
    apr_pool_destroy(pool);
    return 0;
}
