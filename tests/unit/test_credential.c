#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <apr_encode.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apisec/credential.h>

static apr_pool_t *pool;

static const struct aps_credential_source all[] = {
    {APS_CREDENTIAL_HEADER, "X-API-Key"},
    {APS_CREDENTIAL_BEARER, "Authorization"},
    {APS_CREDENTIAL_BASIC, "Authorization"},
    {APS_CREDENTIAL_HEADER, "X-Other-Key"},
};

/* The reason; where it is ALLOW, the text must be `want` and come from source `at`. */
static enum aps_reason find(const char *key, const char *authorization, const char *other,
                            const char *want, size_t at)
{
    const char *values[] = {key, authorization, authorization, other};
    struct aps_str text = {"untouched", 9};
    size_t source = 99;
    enum aps_reason reason = aps_credential_find(all, values, 4, pool, &text, &source);
    if (reason == APS_REASON_ALLOW) {
        assert_int_equal(text.n, strlen(want));
        assert_memory_equal(text.p, want, text.n);
        assert_int_equal(source, at);
    } else {
        assert_string_equal(text.p, "untouched");
        assert_int_equal(source, 99);
    }
    return reason;
}

/* KEY-08: the fields that are configured, and nothing else. */
static void one_credential_is_found(void **state)
{
    (void)state;
    assert_int_equal(find("abc_1", NULL, NULL, "abc_1", 0), APS_REASON_ALLOW);
    assert_int_equal(find(" \tabc ", NULL, NULL, "abc", 0), APS_REASON_ALLOW);
    assert_int_equal(find(NULL, NULL, "abc", "abc", 3), APS_REASON_ALLOW);
    assert_int_equal(find(NULL, "Bearer abc", NULL, "abc", 1), APS_REASON_ALLOW);
    assert_int_equal(find(NULL, "bEARER   a-._~+/9== ", NULL, "a-._~+/9==", 1), APS_REASON_ALLOW);
    assert_int_equal(find(NULL, NULL, NULL, "", 0), APS_REASON_CREDENTIAL_MISSING);
    assert_int_equal(aps_credential_find(all, NULL, 0, pool, NULL, NULL),
                     APS_REASON_CREDENTIAL_MISSING);
}

/* A scheme that is not asked for is nobody's, however long. */
static void foreign_schemes_are_ignored(void **state)
{
    char *token = apr_palloc(pool, 20000);
    (void)state;
    memset(token, 'A', 20000);
    memcpy(token, "Negotiate ", 10);
    token[19999] = '\0';
    assert_int_equal(find(NULL, token, NULL, "", 0), APS_REASON_CREDENTIAL_MISSING);
    assert_int_equal(find("abc", token, NULL, "abc", 0), APS_REASON_ALLOW);
    assert_int_equal(find(NULL, "Digest username=\"a\", realm=\"Bearer x\"", NULL, "", 0),
                     APS_REASON_CREDENTIAL_MISSING);
    assert_int_equal(find(NULL, "", NULL, "", 0), APS_REASON_CREDENTIAL_MISSING);
    assert_int_equal(find(NULL, "Bearerabc", NULL, "", 0), APS_REASON_CREDENTIAL_MISSING);
    assert_int_equal(find(NULL, "Bearer\tabc", NULL, "", 0), APS_REASON_CREDENTIAL_MISSING);
}

/* KEY-09: two of them, of whatever kind, are refused. */
static void several_credentials_are_refused(void **state)
{
    static const struct {
        const char *key, *authorization, *other;
    } rows[] = {
        {"abc", "Bearer abc", NULL},
        {"abc", "Basic YWJjOg==", NULL},
        {"abc", NULL, "abc"},
        {"abc", NULL, ""},
        {"abc", "Bearer", NULL},
        {"", "Bearer abc", NULL},
        /* A field that was sent twice arrives joined. */
        {"abc, def", NULL, NULL},
        {"abc,abc", NULL, NULL},
        {"abc,", NULL, NULL},
        {", ", NULL, NULL},
        {NULL, "Bearer abc, Bearer def", NULL},
        {NULL, "Bearer abc, Basic YWJjOg==", NULL},
        {NULL, "Basic YWJjOg==, Basic YWJjOg==", NULL},
        {NULL, "Bearer, Bearer abc", NULL},
        {NULL, "Bearer abc, Digest a=b", NULL},
        {NULL, "Digest a=b, c=d, bearer abc", NULL},
        {NULL, "Negotiate AAAA,Basic YWJjOg==", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(find(rows[i].key, rows[i].authorization, rows[i].other, "", 0),
                         APS_REASON_CREDENTIAL_MULTIPLE);
}

static void unreadable_credentials_are_refused(void **state)
{
    static const struct {
        const char *key, *authorization;
    } rows[] = {
        {"", NULL},
        {" \t ", NULL},
        {"a b", NULL},
        {"a\tb", NULL},
        {"a\x01", NULL},
        {"a\x7f", NULL},
        {NULL, "Bearer"},
        {NULL, "Bearer "},
        {NULL, "Bearer a b"},
        {NULL, "Bearer a=b"},
        {NULL, "Bearer =="},
        {NULL, "Bearer \"abc\""},
        {NULL, "Bearer a\xc3\xa9"},
        {NULL, "Basic"},
        {NULL, "Basic "},
        {NULL, "Basic YWJj"},      /* no colon */
        {NULL, "Basic Og=="},      /* ":" */
        {NULL, "Basic YWJjOg"},    /* padding is missing */
        {NULL, "Basic YWJjOg="},   /* half of it */
        {NULL, "Basic YWJjOg==="}, /* too much */
        {NULL, "Basic YWJjOh=="},  /* bits behind the end */
        {NULL, "Basic YWJj Og=="},
        {NULL, "Basic YWJjO_=="},
        {NULL, "Basic Y"},
        {NULL, "Basic ="},
        {NULL, "Basic YTpiIGM="}, /* a blank in the key: "a:b c" */
        {NULL, "Basic YTpiAA=="}, /* a NUL in the key */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(find(rows[i].key, rows[i].authorization, NULL, "", 0),
                         APS_REASON_CREDENTIAL_MALFORMED);
}

/* A blank or a control byte is seen wherever it stands, in short and in long values. */
static void every_place_is_looked_at(void **state)
{
    static const char bad[] = {' ', '\t', '\x01', '\x1f', '\x7f'};
    static const char good[] = {'!', '~', '\x80', '\xff', '0'};
    char key[73];
    (void)state;
    for (size_t n = 3; n + 1 < sizeof key; n++)
        for (size_t i = 1; i + 1 < n; i++)
            for (size_t c = 0; c < sizeof bad; c++) {
                memset(key, 'k', n);
                key[n] = '\0';
                key[i] = bad[c];
                assert_int_equal(find(key, NULL, NULL, "", 0), APS_REASON_CREDENTIAL_MALFORMED);
                key[i] = good[c];
                assert_int_equal(find(key, NULL, NULL, key, 0), APS_REASON_ALLOW);
            }
}

/* JWT-23: of token68 is a byte or it is not, wherever it stands; `=` only at the end. */
static void every_byte_of_a_token_is_looked_at(void **state)
{
    static const char usual[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
    static const size_t lengths[] = {3, 15, 16, 17, 33, 64};
    char field[] = "Bearer tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt";
    char *token = field + 7;
    (void)state;
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++)
        for (size_t i = 1; i + 1 < lengths[k]; i++)
            for (int c = 1; c < 256; c++) {
                bool good = strchr(usual, c) != NULL;
                memset(token, 't', lengths[k]);
                token[lengths[k]] = '\0';
                token[i] = (char)c;
                assert_int_equal(find(NULL, field, NULL, token, 1),
                                 good       ? APS_REASON_ALLOW
                                 : c == ',' ? APS_REASON_CREDENTIAL_MULTIPLE
                                            : APS_REASON_CREDENTIAL_MALFORMED);
            }
}

static const char *basic(const char *pair)
{
    return apr_pstrcat(pool, "Basic ", apr_pencode_base64(pool, pair, APR_ENCODE_STRING, 0, NULL),
                       NULL);
}

static void basic_takes_the_password_or_a_lone_user(void **state)
{
    (void)state;
    assert_int_equal(find(NULL, basic("abc:"), NULL, "abc", 2), APS_REASON_ALLOW);
    assert_int_equal(find(NULL, basic(":abc"), NULL, "abc", 2), APS_REASON_ALLOW);
    assert_int_equal(find(NULL, basic("me:abc"), NULL, "abc", 2), APS_REASON_ALLOW);
    assert_int_equal(find(NULL, basic("me:a:b"), NULL, "a:b", 2), APS_REASON_ALLOW);
    assert_int_equal(find(NULL, basic("a??:a>>>"), NULL, "a>>>", 2), APS_REASON_ALLOW);
    assert_int_equal(find(NULL, "bAsIc   YWJjOg==", NULL, "abc", 2), APS_REASON_ALLOW);
}

/* KEY-18: at, below and above the caps. */
static void fields_are_capped(void **state)
{
    char key[300], bearer[APS_CREDENTIAL_BEARER_MAX + 2];
    (void)state;
    memset(key, 'k', sizeof key);
    key[APS_CREDENTIAL_KEY_MAX] = '\0';
    assert_int_equal(find(key, NULL, NULL, key, 0), APS_REASON_ALLOW);
    assert_int_equal(find(NULL, basic(apr_pstrcat(pool, "u:", key, NULL)), NULL, key, 2),
                     APS_REASON_ALLOW);
    key[APS_CREDENTIAL_KEY_MAX] = 'k';
    key[APS_CREDENTIAL_KEY_MAX + 1] = '\0';
    assert_int_equal(find(key, NULL, NULL, "", 0), APS_REASON_CREDENTIAL_MALFORMED);
    assert_int_equal(find(NULL, basic(apr_pstrcat(pool, "u:", key, NULL)), NULL, "", 0),
                     APS_REASON_CREDENTIAL_MALFORMED);

    memset(bearer, 'k', sizeof bearer);
    memcpy(bearer, "Bearer ", 7);
    bearer[APS_CREDENTIAL_BEARER_MAX] = '\0';
    assert_int_equal(find(NULL, bearer, NULL, bearer + 7, 1), APS_REASON_ALLOW);
    bearer[APS_CREDENTIAL_BEARER_MAX] = 'k';
    bearer[APS_CREDENTIAL_BEARER_MAX + 1] = '\0';
    assert_int_equal(find(NULL, bearer, NULL, "", 0), APS_REASON_CREDENTIAL_MALFORMED);
}

/* JWT-23, DPOP-05: the scheme in any case, token68, and never both schemes. */
static void a_token_by_either_scheme(void **state)
{
    static const struct aps_credential_source both[] = {
        {APS_CREDENTIAL_BEARER, "Authorization"},
        {APS_CREDENTIAL_DPOP, "Authorization"},
    };
    static const struct {
        const char *value;
        enum aps_reason want;
        size_t source;
    } rows[] = {
        {"Bearer abc", APS_REASON_ALLOW, 0},
        {"DPoP abc", APS_REASON_ALLOW, 1},
        {"dpop  abc ", APS_REASON_ALLOW, 1},
        {"DPOP abc", APS_REASON_ALLOW, 1},
        {"DPoP", APS_REASON_CREDENTIAL_MALFORMED, 0},
        {"DPoP a b", APS_REASON_CREDENTIAL_MALFORMED, 0},
        {"DPoP abc, DPoP abc", APS_REASON_CREDENTIAL_MULTIPLE, 0},
        {"DPoP abc, Bearer abc", APS_REASON_CREDENTIAL_MULTIPLE, 0},
        {"Bearer abc, DPoP abc", APS_REASON_CREDENTIAL_MULTIPLE, 0},
        {"Digest a=b, DPoP abc", APS_REASON_CREDENTIAL_MULTIPLE, 0},
        {"DPoPabc", APS_REASON_CREDENTIAL_MISSING, 0},
        {"Basic YWJjOg==", APS_REASON_CREDENTIAL_MISSING, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *values[] = {rows[i].value, rows[i].value};
        struct aps_str text;
        size_t source = 99;
        assert_int_equal(aps_credential_find(both, values, 2, pool, &text, &source), rows[i].want);
        if (rows[i].want == APS_REASON_ALLOW) {
            assert_int_equal(source, rows[i].source);
            assert_int_equal(text.n, 3);
            assert_memory_equal(text.p, "abc", 3);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_credential_is_found),
        cmocka_unit_test(foreign_schemes_are_ignored),
        cmocka_unit_test(several_credentials_are_refused),
        cmocka_unit_test(unreadable_credentials_are_refused),
        cmocka_unit_test(every_place_is_looked_at),
        cmocka_unit_test(every_byte_of_a_token_is_looked_at),
        cmocka_unit_test(basic_takes_the_password_or_a_lone_user),
        cmocka_unit_test(fields_are_capped),
        cmocka_unit_test(a_token_by_either_scheme),
    };
    apr_initialize();
    apr_pool_create(&pool, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_pool_destroy(pool);
    apr_terminate();
    return failed;
}
