#include "t.h"

#include "apisec/b64.h"
#include "apisec/httpsig.h"
#include "apisec/sign.h"
#include "t_keys.h"
#include "t_pool.h"

/* RFC 9421 B.1.4, B.1.5. */
static const char rfc_ed25519[] = "-----BEGIN PUBLIC KEY-----\n"
                                  "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n"
                                  "-----END PUBLIC KEY-----\n";
static const char rfc_secret[] =
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";

#define LINES_MAX 16

/* A request whose fields a test adds one by one. */
struct request {
    struct aps_httpsig_message m;
    struct aps_httpsig_line of[LINES_MAX];
};

static void add(struct request *r, const char *name, struct aps_str value)
{
    assert_true(r->m.fields.n < LINES_MAX);
    r->of[r->m.fields.n++] = (struct aps_httpsig_line){aps_str(name), value};
    r->m.fields.of = r->of;
}

/* RFC 9421 B.2, the request. */
static void init(struct request *r)
{
    memset(r, 0, sizeof *r);
    r->m.method = APS_STR_LIT("POST");
    r->m.target = APS_STR_LIT("/foo?param=Value&Pet=dog");
    r->m.scheme = APS_STR_LIT("https");
    r->m.authority = APS_STR_LIT("example.com");
    add(r, "Host", APS_STR_LIT("example.com"));
    add(r, "Date", APS_STR_LIT("Tue, 20 Apr 2021 02:07:55 GMT"));
    add(r, "Content-Type", APS_STR_LIT("application/json"));
    add(r, "Content-Digest",
        APS_STR_LIT("sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+"
                    "AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"));
    add(r, "Content-Length", APS_STR_LIT("18"));
}

static void init_signed(struct request *r, const char *input, const char *signature)
{
    init(r);
    add(r, "Signature-Input", aps_str(input));
    add(r, "Signature", aps_str(signature));
}

static struct aps_verify_key *rfc_secret_key(void)
{
    struct aps_verify_key *key = NULL;
    uint8_t bytes[APS_B64_DECODED_MAX(sizeof rfc_secret)];
    size_t n;

    assert_true(aps_b64_decode(APS_STR_LIT(rfc_secret), bytes, &n));
    assert_int_equal(
        aps_verify_secret(APS_ALG_HS256, (struct aps_str){(char *)bytes, n}, &key, NULL), APS_OK);
    return key;
}

static enum aps_httpsig_fault verify(void **state, const struct request *r,
                                     const struct aps_verify_key *key)
{
    const struct aps_httpsig *list;
    size_t n;
    enum aps_httpsig_fault fault = aps_httpsig_read(&r->m, *state, &list, &n, NULL);

    return fault != APS_HTTPSIG_OK ? fault : aps_httpsig_verify(&r->m, &list[0], key, *state, NULL);
}

#define B25_INPUT                                                                                  \
    "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-"   \
    "secret\""
#define B25_SIGNATURE "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:"
#define B26_INPUT                                                                                  \
    "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")"  \
    ";created=1618884473;keyid=\"test-key-ed25519\""
#define B26_SIGNATURE                                                                              \
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBK" \
    "RCw==:"

/* RFC 9421 B.2.5 and B.2.6; further white space in Signature-Input is printed away. */
static void vectors_of_the_rfc_hold(void **state) /* SIG-01, SIG-14 */
{
    struct aps_verify_key *hmac = rfc_secret_key(), *ed25519 = NULL;
    struct request r;

    assert_int_equal(aps_verify_pem(APS_ALG_ED25519, APS_STR_LIT(rfc_ed25519), &ed25519, NULL),
                     APS_OK);
    init_signed(&r, B25_INPUT, B25_SIGNATURE);
    assert_int_equal(verify(state, &r, hmac), APS_HTTPSIG_OK);
    assert_int_equal(verify(state, &r, ed25519), APS_HTTPSIG_WRONG);
    init_signed(&r, B26_INPUT, B26_SIGNATURE);
    assert_int_equal(verify(state, &r, ed25519), APS_HTTPSIG_OK);
    assert_int_equal(verify(state, &r, hmac), APS_HTTPSIG_WRONG);
    init_signed(&r,
                "  sig-b25=( \"date\"   \"@authority\" \"content-type\" );  created=1618884473; "
                "keyid=\"test-shared-secret\"  ",
                B25_SIGNATURE);
    assert_int_equal(verify(state, &r, hmac), APS_HTTPSIG_OK);
    aps_verify_free(hmac);
    aps_verify_free(ed25519);
}

/* One bit in any byte of what is covered, of the parameters, and of the signature. */
static void one_changed_byte_fails(void **state) /* SIG-01 */
{
    struct aps_verify_key *hmac = rfc_secret_key();
    struct request r;

    init_signed(&r, B25_INPUT, B25_SIGNATURE);
    struct aps_str *covered[] = {&r.of[1].value, &r.m.authority, &r.of[2].value, &r.of[5].value,
                                 &r.of[6].value};
    for (size_t i = 0; i < sizeof covered / sizeof *covered; i++) {
        const struct aps_str before = *covered[i];
        char *changed = apr_palloc(*state, before.n);

        *covered[i] = (struct aps_str){changed, before.n};
        for (size_t k = 0; k < before.n; k++) {
            memcpy(changed, before.p, before.n);
            changed[k] ^= 1;
            if (verify(state, &r, hmac) == APS_HTTPSIG_OK)
                fail_msg("byte %zu of %.*s", k, APS_STR_ARG(before));
        }
        *covered[i] = before;
    }
    assert_int_equal(verify(state, &r, hmac), APS_HTTPSIG_OK);
    r.of[4].value = APS_STR_LIT("19"); /* which is not covered */
    assert_int_equal(verify(state, &r, hmac), APS_HTTPSIG_OK);
    aps_verify_free(hmac);
}

/* RFC 9421 2.4: the response to that request, signed with B.1.3. */
static void a_response_is_bound_to_its_request(void **state)
{
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\n"
                              "w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n"
                              "-----END PUBLIC KEY-----\n";
    struct aps_httpsig_line of[] = {
        {APS_STR_LIT("Date"), APS_STR_LIT("Tue, 20 Apr 2021 02:07:56 GMT")},
        {APS_STR_LIT("Content-Type"), APS_STR_LIT("application/json")},
        {APS_STR_LIT("Content-Length"), APS_STR_LIT("62")},
        {APS_STR_LIT("Content-Digest"),
         APS_STR_LIT("sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJDbkkWWQz6PhhU9kxsTbARtY2"
                     "PTBOzq24uJFpHsMuAg==:")},
        {APS_STR_LIT("Signature-Input"),
         APS_STR_LIT("reqres=(\"@status\" \"content-digest\" \"content-type\" \"@authority\";req "
                     "\"@method\";req \"@path\";req \"content-digest\";req);created=1618884479;"
                     "keyid=\"test-key-ecc-p256\"")},
        {APS_STR_LIT("Signature"),
         APS_STR_LIT("reqres=:dMT/A/76ehrdBTD/2Xx8QuKV6FoyzEP/I9hdzKN8LQJLNgzU4W767HK05rx1i8meNQQg"
                     "QPgQp8wq2ive3tV5Ag==:")},
    };
    struct aps_verify_key *key = NULL;
    struct request request, response;

    init(&request);
    memset(&response, 0, sizeof response);
    response.m.status = 503;
    response.m.fields = (struct aps_httpsig_lines){of, sizeof of / sizeof *of};
    response.m.request = &request.m;
    assert_int_equal(aps_verify_pem(APS_ALG_ES256, APS_STR_LIT(pem), &key, NULL), APS_OK);
    assert_int_equal(verify(state, &response, key), APS_HTTPSIG_OK);
    request.m.method = APS_STR_LIT("PUT");
    assert_int_equal(verify(state, &response, key), APS_HTTPSIG_WRONG);
    aps_verify_free(key);
}

/* ---- reading */

static void fields_that_are_refused(void **state) /* SIG-09, SIG-13 */
{
    static const struct {
        const char *input, *signature; /* NULL: no such field */
        enum aps_httpsig_fault fault;
    } cases[] = {
        {NULL, NULL, APS_HTTPSIG_ABSENT},
        {"a=()", NULL, APS_HTTPSIG_LABEL},
        {NULL, "a=:YQ==:", APS_HTTPSIG_LABEL},
        {"a=()", "b=:YQ==:", APS_HTTPSIG_LABEL},
        {"a=(), b=()", "a=:YQ==:", APS_HTTPSIG_LABEL},
        {"a=()", "a=:YQ==:, b=:YQ==:", APS_HTTPSIG_LABEL},
        {"a=(), b=()", "a=:YQ==:, c=:YQ==:", APS_HTTPSIG_LABEL},
        {"", "", APS_HTTPSIG_FIELD},
        {"", "a=:YQ==:", APS_HTTPSIG_FIELD},
        {"a=()", "", APS_HTTPSIG_FIELD},
        {"a", "a=:YQ==:", APS_HTTPSIG_FIELD},
        {"a=\"@method\"", "a=:YQ==:", APS_HTTPSIG_FIELD},
        {"a=()", "a", APS_HTTPSIG_FIELD},
        {"a=()", "a=YQ", APS_HTTPSIG_FIELD},
        {"a=()", "a=(:YQ==:)", APS_HTTPSIG_FIELD},
        {"a=(", "a=:YQ==:", APS_HTTPSIG_FIELD},
        {"a=(),", "a=:YQ==:", APS_HTTPSIG_FIELD},
        {"a=()", "a=:YQ", APS_HTTPSIG_FIELD},
        {"a=()", "a=:YQ:", APS_HTTPSIG_FIELD},
        {"a=()", "a=:YR==:", APS_HTTPSIG_FIELD},
        {"A=()", "A=:YQ==:", APS_HTTPSIG_FIELD},
        {"a=()\x01", "a=:YQ==:", APS_HTTPSIG_FIELD},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aps_httpsig *list;
        struct aps_diag diag = {""};
        struct request r;
        size_t n;

        init(&r);
        if (cases[i].input != NULL)
            add(&r, "signature-input", aps_str(cases[i].input));
        if (cases[i].signature != NULL)
            add(&r, "SIGNATURE", aps_str(cases[i].signature));
        if (aps_httpsig_read(&r.m, *state, &list, &n, &diag) != cases[i].fault)
            fail_msg("%s | %s: %s", cases[i].input, cases[i].signature, diag.text);
        assert_non_null(strstr(diag.text, "want "));
    }
}

/* A fault of one of several stays with it. */
static void signatures_that_are_refused(void **state) /* SIG-09 */
{
    static const struct {
        const char *input;
        enum aps_httpsig_fault fault;
    } cases[] = {
        {"(\"@method\" \"host\");x=(1)", APS_HTTPSIG_FIELD},
        {"(\"@method\" \"host\");x=1;unknown;created=1;expires=2;nonce=\"a\";alg=\"b\";tag=\"c\"",
         APS_HTTPSIG_OK},
        {"();created=1.0", APS_HTTPSIG_PARAM},
        {"();created=\"1\"", APS_HTTPSIG_PARAM},
        {"();created=@1", APS_HTTPSIG_PARAM},
        {"();created", APS_HTTPSIG_PARAM},
        {"();expires=\"1\"", APS_HTTPSIG_PARAM},
        {"();nonce=1", APS_HTTPSIG_PARAM},
        {"();nonce=a", APS_HTTPSIG_PARAM},
        {"();alg=hmac-sha256", APS_HTTPSIG_PARAM},
        {"();keyid=:YQ==:", APS_HTTPSIG_PARAM},
        {"();tag", APS_HTTPSIG_PARAM},
        {"(\"host\" \"host\")", APS_HTTPSIG_TWICE},
        {"(\"@method\" \"@path\" \"@method\")", APS_HTTPSIG_TWICE},
        {"(\"a\";sf;tr \"a\";tr;sf)", APS_HTTPSIG_TWICE},
        {"(\"a\";sf;tr \"a\";sf)", APS_HTTPSIG_OK},
        {"(\"a\";key=\"b\" \"a\";key=\"c\" \"a\")", APS_HTTPSIG_OK},
        {"(\"a\";key=\"b\" \"a\";key=\"b\")", APS_HTTPSIG_TWICE},
        {"(\"a\" \"a\";tr \"a\";req)", APS_HTTPSIG_OK},
        {"(\"@query-param\";name=\"a\" \"@query-param\";name=\"b\")", APS_HTTPSIG_OK},
        {"(\"@signature-params\")", APS_HTTPSIG_COMPONENT},
        {"(\"a\" \"@nosuch\")", APS_HTTPSIG_COMPONENT},
        {"(a)", APS_HTTPSIG_COMPONENT},
        {"(\"A\")", APS_HTTPSIG_COMPONENT},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aps_httpsig *list;
        char input[200];
        struct request r;
        size_t n;
        enum aps_httpsig_fault fault;

        (void)snprintf(input, sizeof input, "x=(\"@method\"), y=%s", cases[i].input);
        init_signed(&r, input, "y=:Yg==:, x=:YQ==:");
        fault = aps_httpsig_read(&r.m, *state, &list, &n, NULL);
        if (cases[i].fault == APS_HTTPSIG_FIELD) {
            assert_int_equal(fault, APS_HTTPSIG_FIELD);
            continue;
        }
        assert_int_equal(fault, APS_HTTPSIG_OK);
        assert_int_equal(n, 2);
        assert_int_equal(list[0].fault, APS_HTTPSIG_OK);
        assert_true(aps_str_eq(list[0].signature, APS_STR_LIT("a")));
        assert_true(aps_str_eq(list[1].signature, APS_STR_LIT("b")));
        if (list[1].fault != cases[i].fault)
            fail_msg("%s: %s", cases[i].input, aps_httpsig_token(list[1].fault));
    }
}

/* `n` pieces between a start and an end, "%zu" being the number of the piece. */
static struct aps_str repeat(void **state, const char *start, const char *piece, size_t n,
                             const char *end)
{
    struct aps_buf b;

    aps_buf_init(&b, *state, SIZE_MAX);
    aps_buf_add(&b, aps_str(start));
    for (size_t i = 0; i < n; i++) {
        const char *mark = strchr(piece, '#');
        char number[24];

        (void)snprintf(number, sizeof number, "%zu", i);
        aps_buf_add(&b, (struct aps_str){piece, (size_t)(mark - piece)});
        aps_buf_add(&b, aps_str(number));
        aps_buf_add(&b, aps_str(mark + 1));
    }
    aps_buf_add(&b, aps_str(end));
    return aps_buf_text(&b);
}

/* Below, at and above each bound of what is read. */
static void bounds_of_reading_hold(void **state)
{
    static const struct {
        const char *start, *piece, *end;
        size_t max;
    } cases[] = {
        {"a=(", " \"f#\"", ")", APS_HTTPSIG_COMPONENTS_MAX},
        {"a=()", ";p#=1", "", APS_HTTPSIG_PARAMS_MAX},
    };
    const struct aps_httpsig *list;
    struct request r;
    size_t n;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = cases[i].max - 1; k <= cases[i].max + 1; k++) {
            init_signed(&r, "", "a=:YQ==:");
            r.of[5].value = repeat(state, cases[i].start, cases[i].piece, k, cases[i].end);
            assert_int_equal(aps_httpsig_read(&r.m, *state, &list, &n, NULL),
                             k <= cases[i].max ? APS_HTTPSIG_OK : APS_HTTPSIG_FIELD);
        }
    for (size_t k = APS_HTTPSIG_SIGNATURES_MAX - 1; k <= APS_HTTPSIG_SIGNATURES_MAX + 1; k++) {
        init_signed(&r, "", "");
        r.of[5].value = repeat(state, "z=()", ", s#=()", k - 1, "");
        r.of[6].value = repeat(state, "z=:YQ==:", ", s#=:YQ==:", k - 1, "");
        assert_int_equal(aps_httpsig_read(&r.m, *state, &list, &n, NULL),
                         k <= APS_HTTPSIG_SIGNATURES_MAX ? APS_HTTPSIG_OK : APS_HTTPSIG_FIELD);
    }
    for (size_t k = APS_HTTPSIG_FIELD_MAX - 1; k <= APS_HTTPSIG_FIELD_MAX + 1; k++) {
        char *text = apr_palloc(*state, k);

        init_signed(&r, "a=()", "");
        memset(text, 'A', k);
        memcpy(text, "a=:", 3);
        memcpy(text + k - 1 - k % 4, ":    ", 1 + k % 4); /* spaces at the end are cut off */
        r.of[6].value = (struct aps_str){text, k};
        if ((k - 1 - k % 4 - 3) % 4 != 1)
            assert_int_equal(aps_httpsig_read(&r.m, *state, &list, &n, NULL),
                             k <= APS_HTTPSIG_FIELD_MAX ? APS_HTTPSIG_OK : APS_HTTPSIG_FIELD);
    }
}

/* ---- what a policy asks for */

static struct aps_sf *components(void **state, const char *text)
{
    struct aps_sf *v;

    assert_int_equal(aps_httpsig_components(aps_str(text), *state, &v, NULL), APS_OK);
    return v;
}

static const struct aps_httpsig *read_input(void **state, struct request *r, const char *input)
{
    const struct aps_httpsig *list;
    char *text = apr_palloc(*state, strlen(input) + 3);
    size_t n;

    memcpy(text, "a=", 2);
    memcpy(text + 2, input, strlen(input) + 1);
    init_signed(r, text, "a=:YQ==:");
    assert_int_equal(aps_httpsig_read(&r->m, *state, &list, &n, NULL), APS_HTTPSIG_OK);
    return list;
}

static void less_coverage_fails(void **state) /* SIG-02 */
{
    static const struct {
        const char *require, *input;
        bool fine;
    } cases[] = {
        {APS_HTTPSIG_REQUIRE, "(\"@method\" \"@authority\" \"@path\" \"@query\")", true},
        {APS_HTTPSIG_REQUIRE, "(\"@query\" \"x\" \"@path\" \"@authority\" \"@method\")", true},
        {APS_HTTPSIG_REQUIRE, "(\"@method\" \"@authority\" \"@path\")", false},
        {APS_HTTPSIG_REQUIRE, "(\"@method\" \"@authority\" \"@query\")", false},
        {APS_HTTPSIG_REQUIRE, "(\"@method\" \"@path\" \"@query\")", false},
        {APS_HTTPSIG_REQUIRE, "(\"@authority\" \"@path\" \"@query\")", false},
        {APS_HTTPSIG_REQUIRE, "()", false},
        {APS_HTTPSIG_REQUIRE, "(\"@method\" \"@target-uri\")", true},
        {APS_HTTPSIG_REQUIRE, "(\"@method\" \"@authority\" \"@request-target\")", true},
        {APS_HTTPSIG_REQUIRE, "(\"@method\" \"@request-target\")", false},
        {APS_HTTPSIG_REQUIRE, "(\"@target-uri\")", false},
        {"@target-uri", "(\"@scheme\" \"@authority\" \"@path\" \"@query\")", false},
        {"@request-target", "(\"@target-uri\")", false},
        {"@scheme", "(\"@target-uri\")", true},
        {"@scheme", "(\"@request-target\")", false},
        {"(\"@query-param\";name=\"a\")", "(\"@query-param\";name=\"a\")", true},
        {"(\"@query-param\";name=\"a\")", "(\"@query-param\";name=\"b\")", false},
        {"(\"@query-param\";name=\"a\")", "(\"@query\")", true},
        {"(\"@query-param\";name=\"a\")", "(\"@target-uri\")", true},
        {"(\"@query-param\";name=\"a\")", "(\"@path\")", false},
        {"@query", "(\"@query-param\";name=\"a\")", false},
        {"a", "(\"a\")", true},
        {"a", "(\"a\";bs)", true},
        {"a", "(\"a\";sf)", false},
        {"a", "(\"a\";key=\"b\")", false},
        {"a", "(\"a\";tr)", false},
        {"a", "(\"a\";req)", false},
        {"a", "(\"ab\")", false},
        {"(\"a\";bs)", "(\"a\";bs)", true},
        {"(\"a\";bs)", "(\"a\")", false},
        {"(\"a\";sf)", "(\"a\";sf)", true},
        {"(\"a\";sf)", "(\"a\")", true},
        {"(\"a\";sf)", "(\"a\";bs)", true},
        {"(\"a\";key=\"b\")", "(\"a\";key=\"b\")", true},
        {"(\"a\";key=\"b\")", "(\"a\";key=\"c\")", false},
        {"(\"a\";key=\"b\")", "(\"a\")", true},
        {"(\"a\";key=\"b\")", "(\"a\";sf)", true},
        {"(\"a\";tr)", "(\"a\")", false},
        {"(\"a\";tr;sf)", "(\"a\";sf;tr)", true},
        {"(\"@method\";req)", "(\"@method\")", false},
        {"", "()", true},
        {"()", "()", true},
    };
    struct aps_httpsig_policy policy = {.max_age = APS_HTTPSIG_MAX_AGE};
    struct aps_httpsig_at at = {.now = 100 * APS_SEC};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int body = 0; body < 2; body++) {
            struct request r;
            char input[200];
            const struct aps_httpsig *sig;

            (void)snprintf(input, sizeof input, "%s;created=100", cases[i].input);
            sig = read_input(state, &r, input);
            policy.require = body == 0 ? components(state, cases[i].require) : NULL;
            policy.require_body = body == 1 ? components(state, cases[i].require) : NULL;
            at.has_body = body == 1;
            if (aps_httpsig_check(sig, &policy, &at, NULL) !=
                (cases[i].fine ? APS_HTTPSIG_OK : APS_HTTPSIG_UNCOVERED))
                fail_msg("%s | %s", cases[i].require, cases[i].input);
            at.has_body = false;
            if (body == 1)
                assert_int_equal(aps_httpsig_check(sig, &policy, &at, NULL), APS_HTTPSIG_OK);
        }
}

/* One second on both sides of each bound. */
static void times_have_bounds(void **state) /* SIG-04, SIG-05 */
{
    static const struct {
        const char *params;
        int64_t now;
        enum aps_httpsig_fault fault;
    } cases[] = {
        {"", 1000, APS_HTTPSIG_CREATED},
        {";expires=2000", 1000, APS_HTTPSIG_CREATED},
        {";created=1000", 999, APS_HTTPSIG_OK},
        {";created=1000", 995, APS_HTTPSIG_OK},
        {";created=1000", 994, APS_HTTPSIG_EARLY},
        {";created=1000", 1299, APS_HTTPSIG_OK},
        {";created=1000", 1300, APS_HTTPSIG_OK},
        {";created=1000", 1301, APS_HTTPSIG_STALE},
        {";created=1000;expires=1100", 1099, APS_HTTPSIG_OK},
        {";created=1000;expires=1100", 1100, APS_HTTPSIG_EXPIRED},
        {";created=1000;expires=1100", 1101, APS_HTTPSIG_EXPIRED},
        {";created=1000;expires=9999", 1301, APS_HTTPSIG_STALE},
        {";created=1000;expires=0", 1000, APS_HTTPSIG_EXPIRED},
        {";created=1000;expires=-1", 1000, APS_HTTPSIG_EXPIRED},
        {";created=-999999999999999", 1000, APS_HTTPSIG_STALE},
        {";created=999999999999999", 1000, APS_HTTPSIG_EARLY},
        {";created=1000;expires=999999999999999", 1000, APS_HTTPSIG_OK},
    };
    struct aps_httpsig_policy policy = {.max_age = APS_HTTPSIG_MAX_AGE,
                                        .max_ahead = APS_HTTPSIG_MAX_AHEAD};
    struct request r;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_httpsig_at at = {.now = cases[i].now * APS_SEC + APS_SEC - 1};
        struct aps_diag diag = {""};
        char input[100];

        (void)snprintf(input, sizeof input, "()%s", cases[i].params);
        if (aps_httpsig_check(read_input(state, &r, input), &policy, &at, &diag) != cases[i].fault)
            fail_msg("%s at %lld: %s", cases[i].params, (long long)cases[i].now, diag.text);
        if (cases[i].fault != APS_HTTPSIG_OK)
            assert_non_null(strstr(diag.text, "want "));
    }
    static const struct aps_httpsig_at at = {.now = 1000 * APS_SEC};
    policy.nonce = true;
    assert_int_equal(
        aps_httpsig_check(read_input(state, &r, "();created=1000"), &policy, &at, NULL),
        APS_HTTPSIG_NONCE);
    assert_int_equal(
        aps_httpsig_check(read_input(state, &r, "();created=1000;nonce=\"\""), &policy, &at, NULL),
        APS_HTTPSIG_NONCE);
    assert_int_equal(
        aps_httpsig_check(read_input(state, &r, "();created=1000;nonce=\"a\""), &policy, &at, NULL),
        APS_HTTPSIG_OK);
    assert_int_equal(
        aps_httpsig_check(read_input(state, &r, "(\"A\");created=1000"), &policy, &at, NULL),
        APS_HTTPSIG_COMPONENT);
}

static void components_of_a_policy(void **state)
{
    static const struct {
        const char *text;
        enum aps_err err;
    } cases[] = {
        {"", APS_OK},
        {"  ", APS_OK},
        {"()", APS_OK},
        {" @method\t host ", APS_OK},
        {"(\"host\";sf \"@path\")", APS_OK},
        {"(\"host\" \"host\")", APS_ERR_FORMAT},
        {"host host", APS_ERR_FORMAT},
        {"Host", APS_ERR_FORMAT},
        {"@nosuch", APS_ERR_FORMAT},
        {"@query-param", APS_ERR_FORMAT},
        {"@method,@path", APS_ERR_FORMAT},
        {"\"host\"", APS_ERR_FORMAT},
        {"(host)", APS_ERR_FORMAT},
        {"(\"host\"", APS_ERR_FORMAT},
        {"(\"host\"), (\"date\")", APS_ERR_RANGE},
        {"(\"host\");created=1", APS_ERR_FORMAT},
    };
    struct aps_sf untouched, *v;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_diag diag = {""};

        v = &untouched;
        if (aps_httpsig_components(aps_str(cases[i].text), *state, &v, &diag) != cases[i].err)
            fail_msg("%s: %s", cases[i].text, diag.text);
        if (cases[i].err != APS_OK) {
            assert_ptr_equal(v, &untouched);
            assert_non_null(strstr(diag.text, "want "));
        }
    }
    v = components(state, " @method\t host ");
    assert_true(aps_str_eq(v->text, APS_STR_LIT("@method")));
    assert_true(aps_str_eq(v->next->text, APS_STR_LIT("host")));
    assert_null(v->next->next);
    assert_null(components(state, " "));
    for (size_t k = APS_HTTPSIG_COMPONENTS_MAX - 1; k <= APS_HTTPSIG_COMPONENTS_MAX + 1; k++) {
        const enum aps_err want = k <= APS_HTTPSIG_COMPONENTS_MAX ? APS_OK : APS_ERR_RANGE;

        assert_int_equal(aps_httpsig_components(repeat(state, "", " f#", k, ""), *state, &v, NULL),
                         want);
        assert_int_equal(
            aps_httpsig_components(repeat(state, "(", " \"f#\"", k, ")"), *state, &v, NULL), want);
    }
}

/* ---- keys */

static const char secret_a[] = "0123456789abcdef0123456789abcdef";
static const char secret_b[] = "fedcba9876543210fedcba9876543210";

struct keys {
    struct aps_verify_key *a, *b;
    unsigned asked;
};

static const struct aps_verify_key *find_key(void *context, struct aps_str keyid)
{
    struct keys *keys = context;

    keys->asked++;
    return aps_str_eq(keyid, APS_STR_LIT("a"))   ? keys->a
           : aps_str_eq(keyid, APS_STR_LIT("b")) ? keys->b
                                                 : NULL;
}

static void open_keys(struct keys *keys)
{
    *keys = (struct keys){0};
    assert_int_equal(aps_verify_secret(APS_ALG_HS256, APS_STR_LIT(secret_a), &keys->a, NULL),
                     APS_OK);
    assert_int_equal(aps_verify_secret(APS_ALG_HS256, APS_STR_LIT(secret_b), &keys->b, NULL),
                     APS_OK);
}

static void close_keys(struct keys *keys)
{
    aps_verify_free(keys->a);
    aps_verify_free(keys->b);
}

/* Add a signature over `names`, made with the key of this id, to the fields. */
static void sign(void **state, struct request *r, const char *label, const char *names,
                 const struct aps_httpsig_params *params, const char *secret)
{
    struct aps_sign_key *key = NULL;
    struct aps_buf input, signature;
    struct aps_httpsig sig;
    uint8_t *bytes = apr_palloc(*state, APS_SIGN_MAX);
    struct aps_str base;
    size_t n;

    assert_int_equal(aps_httpsig_make(components(state, names), params, *state, &sig, NULL),
                     APS_HTTPSIG_OK);
    assert_int_equal(aps_httpsig_base(&r->m, &sig, *state, &base, NULL), APS_HTTPSIG_OK);
    assert_int_equal(aps_sign_secret(APS_ALG_HS256, aps_str(secret), &key, NULL), APS_OK);
    assert_int_equal(aps_sign(key, base, bytes, &n), APS_OK);
    aps_sign_free(key);
    sig.label = aps_str(label);
    sig.signature = (struct aps_str){(char *)bytes, n};
    aps_buf_init(&input, *state, 1000);
    aps_buf_init(&signature, *state, 1000);
    assert_int_equal(aps_httpsig_make_fields(&sig, &input, &signature, NULL), APS_OK);
    add(r, "Signature-Input", aps_buf_text(&input));
    add(r, "Signature", aps_buf_text(&signature));
}

static const struct aps_httpsig_at at_1000 = {.now = 1000 * APS_SEC};

static struct aps_httpsig_policy usual(void **state, const char *tag)
{
    return (struct aps_httpsig_policy){
        .require = components(state, APS_HTTPSIG_REQUIRE),
        .require_body = components(state, APS_HTTPSIG_REQUIRE_BODY),
        .tag = aps_str(tag),
        .max_age = APS_HTTPSIG_MAX_AGE,
        .max_ahead = APS_HTTPSIG_MAX_AHEAD,
    };
}

static void assert_found(void **state, const struct request *r, const char *tag,
                         enum aps_httpsig_fault want, const char *label)
{
    const struct aps_httpsig_policy policy = usual(state, tag);
    const struct aps_httpsig *sig = NULL;
    struct aps_diag diag = {""};
    struct keys keys;
    enum aps_httpsig_fault fault;

    open_keys(&keys);
    fault = aps_httpsig_find(&r->m, &policy, &at_1000, find_key, &keys, *state, &sig, &diag);
    if (fault != want)
        fail_msg("%s, %s", aps_httpsig_token(fault), diag.text);
    if (want == APS_HTTPSIG_OK)
        assert_true(aps_str_eq(sig->label, aps_str(label)));
    else
        assert_null(sig);
    assert_true(keys.asked <= APS_HTTPSIG_EXAMINED_MAX);
    close_keys(&keys);
}

static void algorithms_are_the_keys(void **state) /* SIG-03 */
{
    static const struct {
        const char *alg, *keyid;
        enum aps_httpsig_fault fault;
    } cases[] = {
        {"", "a", APS_HTTPSIG_OK},
        {"hmac-sha256", "a", APS_HTTPSIG_OK},
        {"HMAC-SHA256", "a", APS_HTTPSIG_ALG},
        {"HS256", "a", APS_HTTPSIG_ALG},
        {"ed25519", "a", APS_HTTPSIG_ALG},
        {"nosuch", "a", APS_HTTPSIG_ALG},
        {"", "c", APS_HTTPSIG_KEY},
        {"", "A", APS_HTTPSIG_KEY},
        {"", "", APS_HTTPSIG_KEYID},
        {"", "b", APS_HTTPSIG_WRONG},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aps_httpsig_params params = {
            .created = 1000, .alg = aps_str(cases[i].alg), .keyid = aps_str(cases[i].keyid)};
        struct request r;

        init(&r);
        sign(state, &r, "x", APS_HTTPSIG_REQUIRE, &params, secret_a);
        assert_found(state, &r, "", cases[i].fault, "x");
    }
    /* A key for what the registry does not have verifies nothing, nor does none. */
    struct aps_verify_key *key = NULL;
    struct request r;

    assert_int_equal(aps_verify_secret(APS_ALG_HS512,
                                       APS_STR_LIT("0123456789abcdef0123456789abcdef"
                                                   "0123456789abcdef0123456789abcdef"),
                                       &key, NULL),
                     APS_OK);
    init_signed(&r, B25_INPUT, B25_SIGNATURE);
    assert_int_equal(verify(state, &r, key), APS_HTTPSIG_ALG);
    assert_int_equal(verify(state, &r, NULL), APS_HTTPSIG_ALG);
    aps_verify_free(key);
}

/* SIG-08: by tag and key, never by label or order; what fails beside it does not matter. */
static void further_signatures_change_nothing(void **state)
{
    static const char full[] = APS_HTTPSIG_REQUIRE;
    static const struct aps_httpsig_params good = {
        .created = 1000, .keyid = {"a", 1}, .tag = {"app", 3}};
    static const struct aps_httpsig_params other_tag = {
        .created = 1000, .keyid = {"b", 1}, .tag = {"proxy", 5}};
    static const struct aps_httpsig_params unknown = {
        .created = 1000, .keyid = {"c", 1}, .tag = {"app", 3}};
    static const struct aps_httpsig_params stale = {
        .created = 1, .keyid = {"b", 1}, .tag = {"app", 3}};
    static const struct aps_httpsig_params second = {
        .created = 1000, .keyid = {"b", 1}, .tag = {"app", 3}};
    struct request r;

    for (int order = 0; order < 4; order++) { /* the good one first, second, third, last */
        init(&r);
        for (int i = 0; i < 4; i++)
            if (i == order)
                sign(state, &r, "good", full, &good, secret_a);
            else if ((i + 4 - order) % 4 == 1)
                sign(state, &r, "u", full, &unknown, secret_a);
            else if ((i + 4 - order) % 4 == 2)
                sign(state, &r, "s", full, &stale, secret_b);
            else
                sign(state, &r, "p", full, &other_tag, secret_b);
        assert_found(state, &r, "app", APS_HTTPSIG_OK, "good");
    }
    init(&r);
    sign(state, &r, "p", full, &other_tag, secret_b);
    assert_found(state, &r, "app", APS_HTTPSIG_TAG, NULL);
    assert_found(state, &r, "APP", APS_HTTPSIG_TAG, NULL);
    assert_found(state, &r, "", APS_HTTPSIG_OK, "p");
    /* None holds: what the one that came furthest lacks. */
    init(&r);
    sign(state, &r, "s", full, &stale, secret_b);
    sign(state, &r, "u", full, &unknown, secret_a);
    assert_found(state, &r, "app", APS_HTTPSIG_KEY, NULL);
    /* Two hold. */
    init(&r);
    sign(state, &r, "x", full, &good, secret_a);
    sign(state, &r, "y", full, &second, secret_b);
    assert_found(state, &r, "app", APS_HTTPSIG_SEVERAL, NULL);
    init(&r);
    sign(state, &r, "x", full, &good, secret_a);
    sign(state, &r, "y", full, &good, secret_a);
    assert_found(state, &r, "app", APS_HTTPSIG_SEVERAL, NULL);
    /* One with less than is asked for grants nothing. */
    init(&r);
    sign(state, &r, "x", "@method @path", &good, secret_a);
    assert_found(state, &r, "app", APS_HTTPSIG_UNCOVERED, NULL);
    init(&r);
    assert_found(state, &r, "app", APS_HTTPSIG_ABSENT, NULL);
}

/* At most so many are examined, whichever they are. */
static void the_number_of_signatures_has_a_bound(void **state) /* SIG-08 */
{
    for (size_t n = APS_HTTPSIG_EXAMINED_MAX - 1; n <= APS_HTTPSIG_EXAMINED_MAX + 1; n++) {
        const struct aps_httpsig_params good = {
            .created = 1000, .keyid = APS_STR_LIT("a"), .tag = APS_STR_LIT("t")};
        struct request r;

        init(&r);
        sign(state, &r, "good", APS_HTTPSIG_REQUIRE, &good, secret_a);
        add(&r, "Signature-Input", repeat(state, "w=();tag=\"u\"", ", x#=();tag=\"t\"", n - 1, ""));
        add(&r, "Signature", repeat(state, "w=:YQ==:", ", x#=:YQ==:", n - 1, ""));
        assert_found(state, &r, "t",
                     n <= APS_HTTPSIG_EXAMINED_MAX ? APS_HTTPSIG_OK : APS_HTTPSIG_MANY, "good");
    }
}

/* ---- making */

static void what_is_made_is_read(void **state)
{
    static const struct aps_httpsig_params params = {
        .created = 5,
        .expires = 9,
        .nonce = {"n\"\\", 3},
        .alg = {"hmac-sha256", 11},
        .keyid = {"k", 1},
        .tag = {"t", 1},
    };
    struct aps_buf input, signature;
    struct aps_httpsig sig;

    assert_int_equal(
        aps_httpsig_make(components(state, "@method host"), &params, *state, &sig, NULL),
        APS_HTTPSIG_OK);
    assert_true(sig.created->number == 5 && sig.expires->number == 9);
    assert_true(aps_str_eq(sig.nonce->text, params.nonce));
    sig.label = APS_STR_LIT("a");
    sig.signature = APS_STR_LIT("xyz");
    aps_buf_init(&input, *state, 1000);
    aps_buf_init(&signature, *state, 1000);
    assert_int_equal(aps_httpsig_make_fields(&sig, &input, &signature, NULL), APS_OK);
    assert_true(aps_str_eq(aps_buf_text(&input),
                           APS_STR_LIT("a=(\"@method\" \"host\");created=5;expires=9;nonce=\"n\\\""
                                       "\\\\\";alg=\"hmac-sha256\";keyid=\"k\";tag=\"t\"")));
    assert_true(aps_str_eq(aps_buf_text(&signature), APS_STR_LIT("a=:eHl6:")));
    aps_buf_init(&signature, *state, 3);
    assert_int_equal(aps_httpsig_make_fields(&sig, &input, &signature, NULL), APS_ERR_NOMEM);
    sig.label = APS_STR_LIT("A");
    assert_int_equal(aps_httpsig_make_fields(&sig, &input, &signature, NULL), APS_ERR_FORMAT);
}

static void what_cannot_be_said_is_not_made(void **state)
{
    static const struct {
        struct aps_httpsig_params params;
        enum aps_httpsig_fault fault;
    } cases[] = {
        {{.created = 0}, APS_HTTPSIG_OK},
        {{.created = APS_SF_NUMBER_MAX}, APS_HTTPSIG_OK},
        {{.created = APS_SF_NUMBER_MAX + 1}, APS_HTTPSIG_PARAM},
        {{.expires = -APS_SF_NUMBER_MAX - 1}, APS_HTTPSIG_PARAM},
        {{.keyid = {"\xc3\xbc", 2}}, APS_HTTPSIG_PARAM},
        {{.nonce = {"a\n", 2}}, APS_HTTPSIG_PARAM},
    };
    struct aps_sf twice[] = {
        {.kind = APS_SF_STRING, .text = APS_STR_LIT("a"), .next = &twice[1]},
        {.kind = APS_SF_STRING, .text = APS_STR_LIT("a")},
    };
    struct aps_sf upper = {.kind = APS_SF_STRING, .text = APS_STR_LIT("A")};
    struct aps_httpsig sig = {.label = APS_STR_LIT("untouched")};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(aps_httpsig_make(NULL, &cases[i].params, *state, &sig, NULL),
                         cases[i].fault);
    sig.label = APS_STR_LIT("untouched");
    assert_int_equal(aps_httpsig_make(twice, &cases[0].params, *state, &sig, NULL),
                     APS_HTTPSIG_TWICE);
    assert_int_equal(aps_httpsig_make(&upper, &cases[0].params, *state, &sig, NULL),
                     APS_HTTPSIG_COMPONENT);
    assert_true(aps_str_eq(sig.label, APS_STR_LIT("untouched")));
}

/* Every algorithm of the registry, made and verified; one changed byte of the base fails. */
static void all_algorithms(void **state) /* SIG-14 */
{
    static const struct {
        const char *name, *private_pem, *public_pem;
        size_t len;
    } cases[] = {
        {"rsa-pss-sha512", t_private_rsa, t_public_rsa, 256},
        {"rsa-v1_5-sha256", t_private_rsa, t_public_rsa, 256},
        {"ecdsa-p256-sha256", t_private_p256, t_public_p256, 64},
        {"ecdsa-p384-sha384", t_private_p384, t_public_p384, 96},
        {"ed25519", t_private_ed25519, t_public_ed25519, 64},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const enum aps_alg alg = aps_alg_from_httpsig(aps_str(cases[i].name));
        const struct aps_httpsig_params params = {.alg = aps_str(cases[i].name)};
        struct aps_sign_key *maker = NULL;
        struct aps_verify_key *key = NULL;
        uint8_t bytes[APS_SIGN_MAX];
        struct aps_httpsig sig;
        struct aps_str base;
        struct request r;
        size_t n;

        init(&r);
        assert_int_equal(
            aps_httpsig_make(components(state, "@method date"), &params, *state, &sig, NULL),
            APS_HTTPSIG_OK);
        assert_int_equal(aps_httpsig_base(&r.m, &sig, *state, &base, NULL), APS_HTTPSIG_OK);
        assert_int_equal(aps_sign_pem(alg, aps_str(cases[i].private_pem), &maker, NULL), APS_OK);
        assert_int_equal(aps_verify_pem(alg, aps_str(cases[i].public_pem), &key, NULL), APS_OK);
        assert_int_equal(aps_sign(maker, base, bytes, &n), APS_OK);
        assert_int_equal(n, cases[i].len);
        sig.signature = (struct aps_str){(char *)bytes, n};
        assert_int_equal(aps_httpsig_verify(&r.m, &sig, key, *state, NULL), APS_HTTPSIG_OK);
        sig.signature.n--;
        assert_int_equal(aps_httpsig_verify(&r.m, &sig, key, *state, NULL), APS_HTTPSIG_WRONG);
        sig.signature.n++;
        r.m.method = APS_STR_LIT("PUT");
        assert_int_equal(aps_httpsig_verify(&r.m, &sig, key, *state, NULL), APS_HTTPSIG_WRONG);
        aps_sign_free(maker);
        aps_verify_free(key);
    }
}

static void faults_have_names(void **state)
{
    (void)state;
    assert_int_equal(APS_HTTPSIG_UNDECIDED, 0);
    for (int i = 0; i < APS_HTTPSIG_COUNT; i++) {
        const enum aps_httpsig_fault fault = (enum aps_httpsig_fault)i;

        assert_true(strlen(aps_httpsig_token(fault)) > 1);
        assert_true(strlen(aps_httpsig_text(fault)) > 5);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(aps_httpsig_token(fault),
                                    aps_httpsig_token((enum aps_httpsig_fault)k));
    }
    assert_string_equal(aps_httpsig_token(APS_HTTPSIG_STALE), "stale");
    assert_string_equal(aps_httpsig_token(APS_HTTPSIG_COUNT), "undecided");
    assert_string_equal(aps_httpsig_token((enum aps_httpsig_fault) - 1), "undecided");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(vectors_of_the_rfc_hold),
        t_pool_test(one_changed_byte_fails),
        t_pool_test(a_response_is_bound_to_its_request),
        t_pool_test(fields_that_are_refused),
        t_pool_test(signatures_that_are_refused),
        t_pool_test(bounds_of_reading_hold),
        t_pool_test(less_coverage_fails),
        t_pool_test(times_have_bounds),
        t_pool_test(components_of_a_policy),
        t_pool_test(algorithms_are_the_keys),
        t_pool_test(further_signatures_change_nothing),
        t_pool_test(the_number_of_signatures_has_a_bound),
        t_pool_test(what_is_made_is_read),
        t_pool_test(what_cannot_be_said_is_not_made),
        t_pool_test(all_algorithms),
        t_pool_test(faults_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
