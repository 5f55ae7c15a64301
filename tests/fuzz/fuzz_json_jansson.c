/* The JSON reader beside jansson, which shares no code with it: both accept or both refuse, and see
 * the same values.  They differ where docs/json.md says so: jansson reads 2,048 levels, so deeper
 * texts than 500 are left out, accepts a raw NUL behind a value, so texts with one are, and takes
 * exponents of any length, so what is refused here for its size says nothing.  Neither takes a name
 * twice nor \u0000; integers are read as doubles there, since jansson has none beyond 64 bits. */
#include <apr_general.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/jsonread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* NUL-ended; the caller frees. */
static char *copy_of(struct aps_str s)
{
    char *copy = malloc(s.n + 1);

    expect(copy != NULL);
    memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

static void check_number(struct aps_str text, const json_t *value)
{
    char *copy = copy_of(text);

    expect(json_is_real(value) && json_real_value(value) == strtod(copy, NULL));
    free(copy);
}

static void check(const struct aps_jsonread *r, const struct aps_jsonread_node *v,
                  const json_t *value);

static void check_array(const struct aps_jsonread *r, const struct aps_jsonread_node *v,
                        const json_t *value)
{
    const struct aps_jsonread_node *item = aps_jsonread_first(v);

    expect(json_is_array(value) && json_array_size(value) == aps_jsonread_count(v));
    for (size_t i = 0; i < json_array_size(value); i++, item = aps_jsonread_next(item))
        check(r, item, json_array_get(value, i));
}

static void check_object(const struct aps_jsonread *r, const struct aps_jsonread_node *v,
                         const json_t *value)
{
    expect(json_is_object(value) && json_object_size(value) == aps_jsonread_count(v));
    for (const struct aps_jsonread_node *m = aps_jsonread_first(v); m < aps_jsonread_end(v);
         m = aps_jsonread_next(m + 1)) {
        char *name = copy_of(aps_jsonread_str(r, m));
        const json_t *member = json_object_get(value, name);

        expect(member != NULL);
        check(r, m + 1, member);
        free(name);
    }
}

/* At most 500 levels deep. */
static void check(const struct aps_jsonread *r, const struct aps_jsonread_node *v,
                  const json_t *value)
{
    const enum aps_jsonread_kind kind = aps_jsonread_kind(v);
    struct aps_str text = {NULL, 0};

    if (kind < APS_JSON_ARRAY)
        text = aps_jsonread_str(r, v);
    switch (kind) {
    case APS_JSON_NULL:
        expect(json_is_null(value));
        break;
    case APS_JSON_FALSE:
        expect(json_is_false(value));
        break;
    case APS_JSON_TRUE:
        expect(json_is_true(value));
        break;
    case APS_JSON_NUMBER:
        check_number(text, value);
        break;
    case APS_JSON_ARRAY:
        check_array(r, v, value);
        break;
    case APS_JSON_OBJECT:
        check_object(r, v, value);
        break;
    default:
        expect(json_is_string(value) && json_string_length(value) == text.n &&
               memcmp(json_string_value(value), text.p, text.n) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";
    const size_t flags = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL;
    const struct aps_str text = {(const char *)data, size};
    struct aps_jsonread_options o = aps_jsonread_plain;
    enum aps_jsonread_fault fault;
    struct aps_jsonread r;
    apr_pool_t *pool = NULL;
    json_t *value;

    if (size == 0 || memchr(data, '\0', size) != NULL || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    o.depth_max = 500;
    o.duplicates = o.nul = o.overflow = false;
    aps_jsonread_init(&r, pool, key);
    fault = aps_jsonread(&r, text, &o);
    value = json_loadb(text.p, text.n, flags, NULL);
    if (fault == APS_JSONREAD_OK) {
        expect(value != NULL);
        check(&r, aps_jsonread_root(&r), value);
    } else {
        expect(value == NULL || fault == APS_JSONREAD_DEPTH || fault == APS_JSONREAD_OVERFLOW);
    }
    json_decref(value);
    apr_pool_destroy(pool);
    return 0;
}
