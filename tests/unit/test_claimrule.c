#include "t_token.h"

#include "apisec/claimrule.h"

static const struct aps_str *path_of(const char *text, size_t *out_n)
{
    const struct aps_str *path = NULL;

    assert_int_equal(aps_claimrule_path(t_pool, aps_str(text), &path, out_n, NULL), APS_OK);
    return path;
}

static struct aps_claimrule rule(const char *claim, enum aps_claimrule_kind kind, const char *value,
                                 const char *to)
{
    struct aps_claimrule r = {.kind = kind, .value = aps_str(value), .to = aps_str(to)};

    r.path = path_of(claim, &r.npath);
    return r;
}

/* What the rules of `kind` give, joined by blanks; or the word of the verdict. */
static const char *apply(const struct aps_claimrule *rules, size_t n, enum aps_claimrule_kind kind,
                         const char *claims)
{
    struct aps_claimrule_list list;
    struct aps_jsonread r;
    const char *out = "";
    enum aps_token verdict;

    aps_jsonread_init(&r, t_pool, t_hash_key);
    assert_int_equal(aps_jsonread(&r, aps_str(claims), &aps_jsonread_strict), APS_JSONREAD_OK);
    verdict = aps_claimrule_apply(rules, n, kind, &r, aps_jsonread_root(&r), t_pool, &list, NULL);
    if (verdict != APS_TOKEN_OK)
        return aps_token_word(verdict);
    for (size_t i = 0; i < list.n; i++)
        out = apr_psprintf(t_pool, "%s%s%.*s", out, i == 0 ? "" : " ", APS_STR_ARG(list.items[i]));
    return out;
}

static void names_and_pointers(void **state)
{
    static const struct {
        const char *text, *names; /* joined by blanks; NULL: refused */
    } cases[] = {
        {"groups", "groups"},
        {"https://example.com/roles", "https://example.com/roles"},
        {"/realm_access/roles", "realm_access roles"},
        {"/https:~1~1example.com~1roles", "https://example.com/roles"},
        {"/a~0b", "a~b"},
        {"/a~01", "a~1"},
        {"a~b", "a~b"},
        {"/1/2/3/4/5/6/7/8", "1 2 3 4 5 6 7 8"},
        {"/1/2/3/4/5/6/7/8/9", NULL},
        {"", NULL},
        {"/", NULL},
        {"//", NULL},
        {"/a//b", NULL},
        {"/a/", NULL},
        {"/a~", NULL},
        {"/a~2", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aps_str *path = NULL;
        struct aps_diag diag = {{0}};
        const char *seen = "";
        size_t n = 0;

        if (cases[i].names == NULL) {
            assert_int_equal(aps_claimrule_path(t_pool, aps_str(cases[i].text), &path, &n, &diag),
                             APS_ERR_FORMAT);
            assert_null(path);
            assert_string_not_equal(diag.text, "");
            continue;
        }
        path = path_of(cases[i].text, &n);
        for (size_t j = 0; j < n; j++)
            seen = apr_psprintf(t_pool, "%s%s%.*s", seen, j == 0 ? "" : " ", APS_STR_ARG(path[j]));
        assert_string_equal(seen, cases[i].names);
    }
}

/* JWT-21 */
static void scopes_are_words(void **state)
{
    static const struct {
        const char *claims, *want;
    } cases[] = {
        {"{}", ""},
        {"{\"scope\":\"\"}", ""},
        {"{\"scope\":\"a\"}", "a"},
        {"{\"scope\":\"orders:read orders:write\"}", "orders:read orders:write"},
        {"{\"scope\":\" a  b a \"}", "a b"},
        {"{\"scope\":[\"a\",\"b\"]}", "a b"},
        {"{\"scope\":[\"a b\"]}", "token_claims"},
        {"{\"scope\":[\"\"]}", "token_claims"},
        {"{\"scope\":[\"a\",1]}", "token_claims"},
        {"{\"scope\":1}", "token_claims"},
        {"{\"scope\":null}", "token_claims"},
        {"{\"scope\":{}}", "token_claims"},
        {"{\"scope\":\"a\\tb\"}", "token_claims"},
        {"{\"scope\":\"a\\\"b\"}", "token_claims"},
        {"{\"scope\":\"a\\\\b\"}", "token_claims"},
        {"{\"scope\":\"\\u00e9\"}", "token_claims"},
        {"{\"scp\":\"a\"}", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(apply(&aps_claimrule_scope, 1, APS_CLAIMRULE_SCOPE, cases[i].claims),
                            cases[i].want);
}

static void roles_are_what_was_declared(void **state)
{
    const struct aps_claimrule rules[] = {
        rule("groups", APS_CLAIMRULE_ROLE, "cn=admins", "admin"),
        rule("groups", APS_CLAIMRULE_ROLE, "staff", "reader"),
        rule("groups", APS_CLAIMRULE_SCOPE, "staff", "orders:read"),
        rule("/realm_access/roles", APS_CLAIMRULE_ROLE, NULL, NULL),
        rule("tier", APS_CLAIMRULE_ROLE, NULL, "customer"),
    };
    static const struct {
        const char *claims, *roles, *scopes;
    } cases[] = {
        {"{}", "", ""},
        {"{\"groups\":\"cn=admins\"}", "admin", ""},
        {"{\"groups\":[\"x\",\"staff\",\"cn=admins\"]}", "admin reader", "orders:read"},
        {"{\"groups\":\"staff cn=admins\"}", "", "orders:read"},
        {"{\"groups\":[\"STAFF\",\"staff \"]}", "", ""},
        {"{\"realm_access\":{\"roles\":[\"a\",\"b\",\"a\"]}}", "a b", ""},
        {"{\"realm_access\":{\"roles\":[\"../x\",\"a b\",\"\"]}}", "", ""},
        {"{\"realm_access\":[{\"roles\":[\"a\"]}],\"roles\":[\"c\"]}", "", ""},
        {"{\"realm_access\":\"a\"}", "", ""},
        {"{\"tier\":\"gold\"}", "customer", ""},
        {"{\"tier\":true}", "token_claims", ""},
        {"{\"groups\":{\"staff\":true}}", "token_claims", "token_claims"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(apply(rules, 5, APS_CLAIMRULE_ROLE, cases[i].claims), cases[i].roles);
        assert_string_equal(apply(rules, 5, APS_CLAIMRULE_SCOPE, cases[i].claims), cases[i].scopes);
    }
}

/* At, below and above each cap. */
static void there_are_caps(void **state)
{
    static const struct {
        enum aps_claimrule_kind kind;
        int max;
    } caps[] = {{APS_CLAIMRULE_ROLE, 64}, {APS_CLAIMRULE_SCOPE, 256}};

    (void)state;
    for (size_t c = 0; c < 2; c++) {
        struct aps_claimrule r = rule("x", caps[c].kind, NULL, NULL);
        const char *list = "";

        for (int n = 1; n <= caps[c].max + 1; n++) {
            list = apr_psprintf(t_pool, "%s%s\"%d\"", list, n == 1 ? "" : ",", n);
            if (n >= caps[c].max)
                assert_int_equal(
                    strcmp(apply(&r, 1, caps[c].kind,
                                 apr_pstrcat(t_pool, "{\"x\":[", list, ",\"1\"]}", NULL)),
                           "token_mapping") == 0,
                    n > caps[c].max);
        }
    }
    for (int n = 255; n <= 257; n++)
        assert_int_equal(strcmp(apply(&aps_claimrule_scope, 1, APS_CLAIMRULE_SCOPE,
                                      apr_psprintf(t_pool, "{\"scope\":\"%0*d\"}", n, 0)),
                                "token_claims") == 0,
                         n > 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_pointers),
        cmocka_unit_test(scopes_are_words),
        cmocka_unit_test(roles_are_what_was_declared),
        cmocka_unit_test(there_are_caps),
    };

    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
