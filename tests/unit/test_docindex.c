/* Members and items are found by name and number alike in small and large objects and arrays. */
#include "t.h"
#include "t_pool.h"

#include <apr_strings.h>

#include "../../libapisec/inspect/docindex.h"
#include "apisec/json.h"

#define LARGE (4 * DOCINDEX_FEW)

/* {"few":{"0":0,...},"many":{...},"list":[0,...],"short":[0]} */
static void read_text(apr_pool_t *pool, struct aps_jsonread *r, struct docindex *x)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcde";
    const char *few = "", *many = "", *list = "";

    for (unsigned i = 0; i < LARGE; i++) {
        if (i < DOCINDEX_FEW)
            few = apr_psprintf(pool, "%s%s\"%u\":%u", few, i > 0 ? "," : "", i, i);
        many = apr_psprintf(pool, "%s%s\"%u\":%u", many, i > 0 ? "," : "", i, i);
        list = apr_psprintf(pool, "%s%s%u", list, i > 0 ? "," : "", i);
    }
    aps_jsonread_init(r, pool, key);
    assert_int_equal(aps_jsonread(r,
                                  aps_str(apr_psprintf(pool,
                                                       "{\"few\":{%s},\"many\":{%s,\"7\":null},"
                                                       "\"list\":[%s],\"short\":[0]}",
                                                       few, many, list)),
                                  &aps_jsonread_plain),
                     APS_JSONREAD_OK);
    aps_docindex_init(x, pool, r);
}

static const struct aps_jsonread_node *at(const struct docindex *x, const char *name)
{
    return aps_docindex_member(x, aps_jsonread_root(x->reader), aps_str(name));
}

static void expect_number(const struct docindex *x, const struct aps_jsonread_node *v, unsigned i)
{
    char want[16];

    assert_non_null(v);
    assert_int_equal(aps_jsonread_kind(v), APS_JSON_NUMBER);
    (void)apr_snprintf(want, sizeof want, "%u", i); /* it fits */
    assert_true(aps_str_eq(aps_jsonread_str(x->reader, v), aps_str(want)));
}

static void every_member_is_found_and_no_other(void **state)
{
    struct aps_jsonread r;
    struct docindex x;
    char name[16];

    read_text(*state, &r, &x);
    for (unsigned i = 0; i < LARGE; i++) {
        (void)apr_snprintf(name, sizeof name, "%u", i); /* it fits */
        expect_number(&x, aps_docindex_member(&x, at(&x, "many"), aps_str(name)), i);
        if (i < DOCINDEX_FEW)
            expect_number(&x, aps_docindex_member(&x, at(&x, "few"), aps_str(name)), i);
    }
    assert_null(aps_docindex_member(&x, at(&x, "many"), APS_STR_LIT("64")));
    assert_null(aps_docindex_member(&x, at(&x, "few"), APS_STR_LIT("16")));
    assert_null(aps_docindex_member(&x, at(&x, "list"), APS_STR_LIT("0")));
    assert_null(aps_docindex_member(&x, NULL, APS_STR_LIT("0")));
}

static void every_item_is_found_and_no_other(void **state)
{
    struct aps_jsonread r;
    struct docindex x;

    read_text(*state, &r, &x);
    for (unsigned i = 0; i < LARGE; i++)
        expect_number(&x, aps_docindex_item(&x, at(&x, "list"), i), i);
    expect_number(&x, aps_docindex_item(&x, at(&x, "short"), 0), 0);
    assert_null(aps_docindex_item(&x, at(&x, "list"), LARGE));
    assert_null(aps_docindex_item(&x, at(&x, "short"), 1));
}

static void a_token_leads_to_a_member_or_an_item(void **state)
{
    struct aps_jsonread r;
    struct docindex x;

    read_text(*state, &r, &x);
    expect_number(&x, aps_docindex_step(&x, at(&x, "many"), APS_STR_LIT("63")), 63);
    expect_number(&x, aps_docindex_step(&x, at(&x, "list"), APS_STR_LIT("63")), 63);
    assert_null(aps_docindex_step(&x, at(&x, "list"), APS_STR_LIT("64")));
    assert_null(aps_docindex_step(&x, at(&x, "list"), APS_STR_LIT("063")));
    assert_null(aps_docindex_step(&x, at(&x, "list"), APS_STR_LIT("-")));
    assert_null(aps_docindex_step(&x, aps_docindex_item(&x, at(&x, "list"), 0), APS_STR_LIT("0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(every_member_is_found_and_no_other),
        t_pool_test(every_item_is_found_and_no_other),
        t_pool_test(a_token_leads_to_a_member_or_an_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
