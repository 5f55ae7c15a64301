#include "t_token.h"

#include "apisec/issuer_record.h"
#include "t_issuer.h"

static struct aps_str print(const struct aps_issuer *issuer)
{
    return aps_issuer_record_print(t_pool, issuer);
}

/* What is printed and read is printed the same again. */
static void records_come_back(void **state)
{
    static const struct aps_str hosts[] = {{"keys.example", 12}};
    struct aps_issuer i = t_issuer(), back;
    (void)state;
    i.jwt.mixed = i.jwt.plain = i.private_net = i.insecure_http = true;
    i.jwt.claims.profile = false;
    i.jwt.claims.aud_may_miss = true;
    i.jwt.claims.leeway = 0;
    i.jwt.claims.max_age = APS_HOUR;
    i.jwt.claims.max_life = APS_DAY;
    i.jwt.claims.rules = t_rules;
    i.jwt.claims.nrules = 3;
    i.jwt.claims.needs = t_needs;
    i.jwt.claims.nneeds = 2;
    i.hosts = hosts;
    i.nhosts = 1;
    i.life = (struct aps_jwks_life){APS_MINUTE, 0, 5 * APS_SEC};
    i.introspect = APS_STR_LIT("https://login.example/i");
    i.client_id = APS_STR_LIT("me \"too\"");
    i.answer_ttl = 0;
    i.ca = APS_STR_LIT("/etc/ca.pem");
    assert_int_equal(aps_issuer_record_read(print(&i), t_pool, &back, NULL), APS_OK);
    assert_true(aps_str_eq(print(&i), print(&back)));
    assert_true(back.jwt.mixed && back.jwt.plain && back.private_net && back.insecure_http);
    assert_false(back.jwt.claims.profile);
    assert_int_equal(back.jwt.claims.leeway, 0);
    assert_int_equal(back.jwt.claims.rules[1].npath, 2);
    assert_true(aps_str_eq(back.jwt.claims.rules[1].path[1], t_realm[1]));
    assert_null(back.jwt.claims.rules[1].value.p);
    assert_int_equal(back.jwt.claims.rules[2].kind, APS_CLAIMRULE_SCOPE);
    assert_true(aps_str_eq(back.jwt.claims.needs[0].value, APS_STR_LIT("x")));
    assert_int_equal(back.life.max_stale, 0);
    assert_int_equal(back.answer_ttl, 0);
}

static void the_usual_is_short(void **state)
{
    struct aps_issuer i = t_issuer(), back;
    (void)state;
    assert_string_equal(print(&i).p,
                        "{\"issuer\":\"https://login.example\",\"audiences\":[\"https://"
                        "api.example\"],\"algs\":[\"RS256\",\"ES256\",\"EdDSA\"],\"leeway\":30,"
                        "\"keys\":\"url\",\"jwks\":\"https://login.example/keys\",\"ttl\":600,"
                        "\"max_stale\":3600,\"interval\":30,\"answer_ttl\":60}");
    assert_int_equal(aps_issuer_record_read(print(&i), t_pool, &back, NULL), APS_OK);
    assert_true(back.jwt.claims.profile);
}

/* A member that is not known may narrow what is taken: nothing is taken. */
static void what_is_not_known_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"keys\":\"url\",\"more\":1}",
        "{\"keys\":\"other\"}",
        "{\"keys\":\"url\",\"issuer\":1}",
        "{\"keys\":\"url\",\"algs\":[\"none\"]}",
        "{\"keys\":\"url\",\"algs\":[1]}",
        "{\"keys\":\"url\",\"leeway\":-1}",
        "{\"keys\":\"url\",\"leeway\":1.5}",
        "{\"keys\":\"url\",\"mixed\":false}",
        "{\"keys\":\"url\",\"roles\":[1]}",
        "{\"keys\":\"url\",\"roles\":[{}]}",
        "{\"keys\":\"url\",\"roles\":[{\"claim\":\"/\"}]}",
        "{\"keys\":\"url\",\"needs\":[{\"claim\":\"a\",\"more\":1}]}",
    };
    struct aps_issuer out = {.edition = 7};
    struct aps_diag diag;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum aps_err err = aps_issuer_record_read(aps_str(cases[i]), t_pool, &out, &diag);
        if (err == APS_OK)
            print_error("%s\n", cases[i]);
        assert_int_equal(err, APS_ERR_CORRUPT);
        assert_int_equal(out.edition, 7);
    }
    assert_int_equal(
        aps_issuer_record_read(APS_STR_LIT("{\"keys\":\"none\"}"), t_pool, &out, &diag), APS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(the_usual_is_short),
        cmocka_unit_test(what_is_not_known_is_refused),
    };
    return cmocka_run_group_tests(tests, t_pool_setup, t_pool_teardown);
}
