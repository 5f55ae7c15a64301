/* The first byte says which actions are done to `/a`, `/a/...` and all items of an array.  What
 * comes out is as what went in but for strings, and no string that is named has what an action
 * takes away.  The same bytes are read as a form. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/sanitize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static bool opens(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("/!?", c) != NULL;
}

static void check_value(apr_pool_t *pool, unsigned actions, struct aps_str value)
{
    struct aps_buf work[2], again[2];
    struct aps_str once, twice;

    for (int i = 0; i < 2; i++) {
        aps_buf_init(&work[i], pool, 1 << 24);
        aps_buf_init(&again[i], pool, 1 << 24);
    }
    expect(aps_sanitize_value(actions, value, work, &once));
    expect(once.n <= value.n * 18);
    for (size_t i = 0; i < once.n; i++) {
        if ((actions & APS_SANITIZE_STRIP) != 0)
            expect(once.p[i] != '<' || i + 1 == once.n || once.p[i + 1] == '\0' ||
                   !opens(once.p[i + 1]));
        if ((actions & APS_SANITIZE_ESCAPE) != 0)
            expect(once.p[i] == '\0' || strchr("<>\"'", once.p[i]) == NULL);
    }
    if ((actions & APS_SANITIZE_ESCAPE) != 0)
        return;
    expect(aps_sanitize_value(actions, once, again, &twice));
    expect(aps_str_eq(once, twice));
}

static void check_same(const struct aps_jsonread *a, const struct aps_jsonread *b)
{
    expect(a->count == b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        const enum aps_jsonread_kind kind = aps_jsonread_kind(&a->nodes[i]);

        expect(kind == aps_jsonread_kind(&b->nodes[i]));
        if (kind == APS_JSON_NAME || kind == APS_JSON_NUMBER)
            expect(
                aps_str_eq(aps_jsonread_str(a, &a->nodes[i]), aps_jsonread_str(b, &b->nodes[i])));
    }
}

static void check_json(const struct aps_sanitize *rules, apr_pool_t *pool, struct aps_str text,
                       unsigned actions)
{
    struct aps_sanitize_result got;
    struct aps_jsonread before, after;

    aps_jsonread_init(&before, pool, key);
    aps_jsonread_init(&after, pool, key);
    if (aps_jsonread(&before, text, &aps_jsonread_strict) != APS_JSONREAD_OK)
        return;
    for (uint32_t i = 0; i < before.count; i++)
        if (aps_jsonread_kind(&before.nodes[i]) == APS_JSON_STRING)
            check_value(pool, actions, aps_jsonread_str(&before, &before.nodes[i]));
    expect(aps_sanitize_json(rules, &before, pool, 1 << 24, &got) == APS_OK);
    expect(aps_jsonread(&after, got.text, &aps_jsonread_plain) == APS_JSONREAD_OK);
    check_same(&before, &after);
}

/* Other parameters stay, byte by byte: as many, with the same names. */
static void check_form(const struct aps_sanitize *rules, apr_pool_t *pool, struct aps_str form)
{
    struct aps_sanitize_result got;
    struct aps_str before = form, after, a, b;

    if (aps_sanitize_form(rules, form, pool, 1 << 24, &got) != APS_OK)
        return;
    for (after = got.text; aps_str_next(&before, '&', &a);) {
        expect(aps_str_next(&after, '&', &b));
        const char *sign = a.n != 0 ? memchr(a.p, '=', a.n) : NULL;
        const size_t n = sign != NULL ? (size_t)(sign - a.p) : a.n;

        expect(b.n >= n && (n == 0 || memcmp(a.p, b.p, n) == 0));
    }
    expect(after.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct aps_str pointers[] = {{"/a", 2}, {"/a/*", 4}, {"/*/1", 4}, {"", 0}};
    struct aps_sanitize *rules;
    apr_pool_t *pool = NULL;

    if (size == 0 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    const struct aps_str text = {(const char *)data + 1, size - 1};
    rules = aps_sanitize_new(pool);
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++)
        expect(aps_sanitize_add(rules, pointers[i], data[0] & 15u, NULL) == APS_OK);
    check_json(rules, pool, text, data[0] & 15u);
    check_form(rules, pool, text);
    apr_pool_destroy(pool);
    return 0;
}
