#include "t.h"

#include "apisec/param.h"
#include "t_pool.h"
#include "t_schema.h"

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";

struct tried {
    bool good, doubled;
    const char *failures;
};

static const struct aps_param_options strict = {.undeclared = true};

/* Judge a request by an operation with these parameters, whose schemas are entries in order. */
static struct tried try_all(apr_pool_t *pool, const struct aps_api_operation *operation,
                            const char *const *schemas, uint32_t n,
                            const struct aps_param_request *request,
                            const struct aps_param_options *options)
{
    const struct aps_schema_image *image = t_schema_open(pool, schemas, n, APS_SCHEMA_OAS31);
    struct aps_schema_judge *judge = aps_schema_judge_new(pool, &aps_schema_judge_usual);
    struct aps_param_reader *reader = aps_param_reader_new(pool, judge, key);
    struct aps_failures failures;
    struct tried t = {.doubled = false};

    aps_failures_init(&failures, pool);
    t.good =
        aps_param_judge(reader, pool, image, operation, request, options, &failures, &t.doubled);
    assert_int_equal(t.good, failures.n == 0);
    t.failures =
        apr_pstrmemdup(pool, aps_failures_text(&failures).p, aps_failures_text(&failures).n);
    return t;
}

/* One parameter, whose texts are in the place that it names. */
static struct tried try_one(apr_pool_t *pool, struct aps_api_param param, const char *schema,
                            const char *text, const struct aps_param_options *options)
{
    const struct aps_api_operation operation = {.params = &param, .params_n = 1};
    const struct aps_str value = aps_str(text);
    const struct aps_param_field field = {
        param.in == APS_API_COOKIE ? APS_STR_LIT("Cookie") : APS_STR_LIT("Color"), value};
    struct aps_param_request request = {.captures = &value};

    param.name = APS_STR_LIT("color");
    request.captures_n = param.in == APS_API_PATH;
    if (param.in == APS_API_QUERY)
        request.query = value;
    if (param.in == APS_API_HEADER || param.in == APS_API_COOKIE) {
        request.fields = &field;
        request.fields_n = text != NULL;
    }
    return try_all(pool, &operation, &schema, 1, &request, options);
}

#define STRING "{\"type\":\"string\"}"
#define LIST "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define NUMBERS "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}"
#define MAP                                                                                        \
    "{\"type\":\"object\",\"properties\":{\"R\":{\"type\":\"integer\"},\"G\":{\"type\":"           \
    "\"integer\"}}}"

#define DEEP                                                                                       \
    "{\"properties\":{\"l\":{\"type\":\"array\"},\"o\":{\"items\":{\"minProperties\":2}},\"m\":"   \
    "{\"type\":\"object\"}}}"

/* POS-14: the table of styles of OpenAPI, and what each has to give. */
static void each_style_gives_its_value(void **state)
{
    static const struct {
        enum aps_api_in in;
        enum aps_api_style style;
        bool explode;
        const char *schema, *text, *value; /* NULL: refused */
    } cases[] = {
        {APS_API_PATH, APS_API_SIMPLE, false, STRING, "blue", "\"blue\""},
        {APS_API_PATH, APS_API_SIMPLE, false, STRING, "b%2Cl", "\"b,l\""},
        {APS_API_PATH, APS_API_SIMPLE, false, STRING, "b+l", "\"b+l\""},
        {APS_API_PATH, APS_API_SIMPLE, false, LIST, "blue,b%2Cc,brown",
         "[\"blue\",\"b,c\",\"brown\"]"},
        {APS_API_PATH, APS_API_SIMPLE, true, NUMBERS, "1,22", "[1,22]"},
        {APS_API_PATH, APS_API_SIMPLE, false, MAP, "R,100,G,200", "{\"R\":100,\"G\":200}"},
        {APS_API_PATH, APS_API_SIMPLE, true, MAP, "R=100,G=200", "{\"R\":100,\"G\":200}"},
        {APS_API_PATH, APS_API_SIMPLE, false, MAP, "R,100,G", NULL},
        {APS_API_PATH, APS_API_SIMPLE, true, MAP, "R=100,G", NULL},
        {APS_API_PATH, APS_API_LABEL, false, STRING, ".blue", "\"blue\""},
        {APS_API_PATH, APS_API_LABEL, false, STRING, "blue", NULL},
        {APS_API_PATH, APS_API_LABEL, false, LIST, ".blue,black", "[\"blue\",\"black\"]"},
        {APS_API_PATH, APS_API_LABEL, false, LIST, ".blue.black", "[\"blue\",\"black\"]"},
        {APS_API_PATH, APS_API_LABEL, true, LIST, ".blue.black", "[\"blue\",\"black\"]"},
        {APS_API_PATH, APS_API_LABEL, true, LIST, ".blue,black", "[\"blue,black\"]"},
        {APS_API_PATH, APS_API_LABEL, false, MAP, ".R,100,G,200", "{\"R\":100,\"G\":200}"},
        {APS_API_PATH, APS_API_LABEL, false, MAP, ".R.100.G.200", "{\"R\":100,\"G\":200}"},
        {APS_API_PATH, APS_API_LABEL, true, MAP, ".R=100.G=200", "{\"R\":100,\"G\":200}"},
        {APS_API_PATH, APS_API_MATRIX, false, STRING, ";color=blue", "\"blue\""},
        {APS_API_PATH, APS_API_MATRIX, false, STRING, ";color", "\"\""},
        {APS_API_PATH, APS_API_MATRIX, false, STRING, ";colour=blue", NULL},
        {APS_API_PATH, APS_API_MATRIX, false, STRING, ";color=a;color=b", NULL},
        {APS_API_PATH, APS_API_MATRIX, false, LIST, ";color=blue,black", "[\"blue\",\"black\"]"},
        {APS_API_PATH, APS_API_MATRIX, true, LIST, ";color=blue;color=black",
         "[\"blue\",\"black\"]"},
        {APS_API_PATH, APS_API_MATRIX, true, LIST, ";color=blue;c=black", NULL},
        {APS_API_PATH, APS_API_MATRIX, false, MAP, ";color=R,100,G,200", "{\"R\":100,\"G\":200}"},
        {APS_API_PATH, APS_API_MATRIX, true, MAP, ";R=100;G=200", "{\"R\":100,\"G\":200}"},
        {APS_API_QUERY, APS_API_FORM, true, STRING, "color=b%20l+u", "\"b l u\""},
        {APS_API_QUERY, APS_API_FORM, true, STRING, "c%6Flor=a%2Bb", "\"a+b\""},
        {APS_API_QUERY, APS_API_FORM, true, STRING, "color=a&color=b", NULL},
        {APS_API_QUERY, APS_API_FORM, true, STRING, "color", "\"\""},
        {APS_API_QUERY, APS_API_FORM, true, LIST, "color=blue&color=b,c", "[\"blue\",\"b,c\"]"},
        {APS_API_QUERY, APS_API_FORM, false, LIST, "color=blue,b%2Cc", "[\"blue\",\"b,c\"]"},
        {APS_API_QUERY, APS_API_FORM, false, LIST, "color=a&color=b", NULL},
        {APS_API_QUERY, APS_API_FORM, true, MAP, "G=200&R=100", "{\"R\":100,\"G\":200}"},
        {APS_API_QUERY, APS_API_FORM, false, MAP, "color=R,100,G,200", "{\"R\":100,\"G\":200}"},
        {APS_API_QUERY, APS_API_FORM, false, MAP, "color=R,100,R,200", NULL},
        {APS_API_QUERY, APS_API_SPACE, false, LIST, "color=a%20b+c", "[\"a\",\"b\",\"c\"]"},
        {APS_API_QUERY, APS_API_SPACE, true, LIST, "color=a%20b&color=c", "[\"a b\",\"c\"]"},
        {APS_API_QUERY, APS_API_SPACE, false, MAP, "color=R%20100%20G%20200",
         "{\"R\":100,\"G\":200}"},
        {APS_API_QUERY, APS_API_PIPE, false, LIST, "color=a|b%7Cc%7cd",
         "[\"a\",\"b\",\"c\",\"d\"]"},
        {APS_API_QUERY, APS_API_PIPE, false, NUMBERS, "color=1|2", "[1,2]"},
        {APS_API_QUERY, APS_API_PIPE, false, MAP, "color=R|100|G|200", "{\"R\":100,\"G\":200}"},
        {APS_API_QUERY, APS_API_DEEP, true, MAP, "color[R]=100&color%5BG%5D=200",
         "{\"R\":100,\"G\":200}"},
        {APS_API_QUERY, APS_API_DEEP, true, MAP, "color[R]=100&color[R]=200", NULL},
        {APS_API_QUERY, APS_API_DEEP, true, MAP, "color[R=100", NULL},
        {APS_API_QUERY, APS_API_DEEP, true, MAP, "color[R]x=100", NULL},
        {APS_API_QUERY, APS_API_DEEP, true,
         "{\"properties\":{\"a\":{\"type\":\"object\"},\"l\":{\"type\":\"array\"}}}",
         "color[a][b]=x&color[l]=1&color[l]=z&color[m][]=true",
         "{\"a\":{\"b\":\"x\"},\"l\":[1,\"z\"],\"m\":[true]}"},
        {APS_API_QUERY, APS_API_DEEP, true, DEEP, "color[l][0]=1&color[l][1]=2", "{\"l\":[1,2]}"},
        {APS_API_QUERY, APS_API_DEEP, true, DEEP, "color[l][1]=1", NULL},
        {APS_API_QUERY, APS_API_DEEP, true, DEEP, "color[l][0]=1&color[l][0]=2", NULL},
        {APS_API_QUERY, APS_API_DEEP, true, DEEP, "color[l][00]=1", NULL},
        {APS_API_QUERY, APS_API_DEEP, true, DEEP, "color[o][0][a]=x&color[o][0][b]=y&color[o][1]=",
         "{\"o\":[{\"a\":\"x\",\"b\":\"y\"},\"\"]}"},
        {APS_API_QUERY, APS_API_DEEP, true, DEEP, "color[m][0]=x", "{\"m\":{\"0\":\"x\"}}"},
        {APS_API_QUERY, APS_API_DEEP, true, DEEP, "color[a][b][c][d][e][f]=x",
         "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":\"x\"}}}}}}"},
        {APS_API_QUERY, APS_API_DEEP, true, DEEP, "color[a][b][c][d][e][f][g]=x", NULL},
        {APS_API_HEADER, APS_API_SIMPLE, false, STRING, " blue, black ", "\"blue, black\""},
        {APS_API_HEADER, APS_API_SIMPLE, false, STRING, "100%", "\"100%\""},
        {APS_API_HEADER, APS_API_SIMPLE, false, LIST, "blue, black", "[\"blue\",\"black\"]"},
        {APS_API_HEADER, APS_API_SIMPLE, false, MAP, "R, 100, G, 200", "{\"R\":100,\"G\":200}"},
        {APS_API_HEADER, APS_API_SIMPLE, true, MAP, "R=100,G=200", "{\"R\":100,\"G\":200}"},
        {APS_API_COOKIE, APS_API_FORM, true, STRING, "a=1; color=b%20lue; b=2", "\"b lue\""},
        {APS_API_COOKIE, APS_API_FORM, true, STRING, "color=a+b; junk=100%", "\"a+b\""},
        {APS_API_COOKIE, APS_API_FORM, true, STRING, "color=100%", NULL},
        {APS_API_COOKIE, APS_API_FORM, true, STRING, "color=a; color=b", NULL},
        {APS_API_COOKIE, APS_API_FORM, true, STRING, "color=a; color[x]=b", NULL},
        {APS_API_COOKIE, APS_API_FORM, true, STRING, "color[x]=b", NULL},
        {APS_API_COOKIE, APS_API_FORM, true, STRING, "color=a; colors[x]=b; color.x=c", "\"a\""},
        {APS_API_COOKIE, APS_API_FORM, false, LIST, "color=a,b", "[\"a\",\"b\"]"},
        {APS_API_COOKIE, APS_API_FORM, true, LIST, "color=a; color=b", "[\"a\",\"b\"]"},
        {APS_API_COOKIE, APS_API_FORM, false, MAP, "color=R,100,G,200", "{\"R\":100,\"G\":200}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aps_api_param p = {.in = cases[i].in,
                                        .style = cases[i].style,
                                        .explode = cases[i].explode,
                                        .required = true};
        const char *value = cases[i].value != NULL ? cases[i].value : "{\"not\":{}}";
        const char *schema =
            cases[i].value == NULL
                ? cases[i].schema
                : apr_psprintf(*state, "{\"allOf\":[%s,{\"const\":%s}]}", cases[i].schema, value);
        const struct tried t = try_one(*state, p, schema, cases[i].text, &strict);

        if (t.good != (cases[i].value != NULL))
            fail_msg("%zu %s: %s", i, cases[i].text, t.failures);
    }
}

/* POS-10: a text is a number where the schema takes one and it is written as JSON writes it. */
static void texts_have_the_types_that_schemas_take(void **state)
{
    static const struct {
        const char *schema, *text;
        bool good;
    } cases[] = {
        {"{\"type\":\"integer\"}", "12", true},
        {"{\"type\":\"integer\"}", "1.0", true},
        {"{\"type\":\"integer\"}", "1.5", false},
        {"{\"type\":\"integer\"}", "012", false},
        {"{\"type\":\"integer\"}", "%2B12", false},
        {"{\"type\":\"integer\"}", "12%20", false},
        {"{\"type\":\"integer\"}", "0x1", false},
        {"{\"type\":\"integer\"}", "", false},
        {"{\"type\":\"integer\",\"maximum\":9007199254740993}", "9007199254740994", false},
        {"{\"type\":\"number\"}", "-1.5e3", true},
        {"{\"type\":\"number\"}", "1e999", false},
        {"{\"type\":\"number\"}", "1.", false},
        {"{\"type\":\"number\"}", "1e", false},
        {"{\"type\":\"number\"}", "NaN", false},
        {"{\"type\":\"boolean\"}", "true", true},
        {"{\"type\":\"boolean\"}", "True", false},
        {"{\"type\":\"boolean\"}", "1", false},
        {"{\"type\":[\"integer\",\"null\"]}", "null", true},
        {"{\"type\":\"string\"}", "12", true},
        {"{\"type\":\"string\",\"maxLength\":4}", "null", true},
        {"{\"type\":[\"string\",\"integer\"],\"maximum\":5}", "12", true}, /* as a string */
        {"{\"type\":[\"string\",\"integer\"],\"minLength\":3}", "12", true},
        {"{\"type\":[\"string\",\"integer\"],\"minLength\":3,\"maximum\":5}", "12", false},
        {"{\"oneOf\":[{\"type\":\"string\",\"pattern\":\"^[a-z]+$\"},{\"type\":\"integer\"}]}",
         "12", true},
        {"{\"enum\":[1,2]}", "2", true},
        {"{\"enum\":[\"1\",\"2\"]}", "2", true},
        {"{}", "2", true},
        {"{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}",
         "a,b", true},
        {"{\"format\":\"date\",\"type\":\"string\"}", "2026-02-30", false},
        {"{\"format\":\"date\",\"type\":\"string\"}", "2026-02-28", true},
        {"false", "x", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aps_api_param p = {.in = APS_API_PATH, .style = APS_API_SIMPLE};
        const struct tried t = try_one(*state, p, cases[i].schema, cases[i].text, &strict);

        if (t.good != cases[i].good)
            fail_msg("%s %s: %s", cases[i].schema, cases[i].text, t.failures);
    }
}

/* POS-14, NEG-01: what cannot be decoded is a fault wherever it stands in a query. */
static void texts_are_decoded_once(void **state)
{
    static const struct {
        const char *query;
        const char *keyword; /* NULL: good */
        bool doubled;
    } cases[] = {
        {"color=%41", NULL, false},
        {"color=%2541", NULL, true},
        {"color=%25zz", NULL, false},
        {"color=%", "encoding", false},
        {"color=%4", "encoding", false},
        {"color=%4g", "encoding", false},
        {"color=%00", "encoding", false},
        {"color=%ff", "encoding", false},
        {"color=%c0%af", "encoding", false},
        {"color=%ed%a0%80", "encoding", false},
        {"color=%c3%a9", NULL, false},
        {"color=a&other=%", "encoding", false},
        {"color=a&%=1", "encoding", false},
        {"color=a&other=%2541", NULL, true},
        {"color=a&other=1", NULL, false},
        {"color=a&&", NULL, false},
        {"color=a&+color=b", "undeclared", false},
        {"color=a&color[]=b", "undeclared", false},
        {"color=a&color[=b", NULL, false},
        {"color=a&.color=b", NULL, false},
    };
    const struct aps_api_param p = {
        .in = APS_API_QUERY, .style = APS_API_FORM, .explode = true, .required = true};
    const struct aps_param_options loose = {.undeclared = false};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tried t = try_one(*state, p, STRING, cases[i].query, &loose);

        if (t.good != (cases[i].keyword == NULL) || t.doubled != cases[i].doubled ||
            (!t.good && strstr(t.failures, cases[i].keyword) == NULL))
            fail_msg("%s: %s", cases[i].query, t.failures);
    }
}

/* POS-14: required, repeated, empty and reserved. */
static void presence_and_emptiness_are_judged(void **state)
{
    struct aps_api_param p = {.in = APS_API_QUERY, .style = APS_API_FORM, .explode = true};
    const struct aps_param_options reserved = {.reserved = true};

    assert_true(try_one(*state, p, STRING, NULL, &strict).good);
    p.required = true;
    assert_string_equal(try_one(*state, p, STRING, NULL, &strict).failures,
                        "[{\"in\":\"query\",\"name\":\"color\",\"keyword\":\"required\","
                        "\"expected\":\"a value\"}]");
    assert_string_equal(try_one(*state, p, STRING, "color=1&color=2", &strict).failures,
                        "[{\"in\":\"query\",\"name\":\"color\",\"keyword\":\"repeated\","
                        "\"expected\":\"one value\",\"value\":\"1\"}]");
    assert_false(try_one(*state, p, "{\"type\":\"integer\"}", "color=", &strict).good);
    p.empty = true;
    assert_true(try_one(*state, p, "{\"type\":\"integer\"}", "color=", &strict).good);
    assert_true(try_one(*state, p, "{\"type\":\"integer\"}", "color", &strict).good);
    assert_true(try_one(*state, p, STRING, "color=a/b", &strict).good);
    assert_false(try_one(*state, p, STRING, "color=a/b", &reserved).good);
    assert_true(try_one(*state, p, STRING, "color=a%2Fb", &reserved).good);
    p.reserved = true;
    assert_true(try_one(*state, p, STRING, "color=a/b", &reserved).good);
}

/* POS-14 */
static void json_in_a_parameter_is_json(void **state)
{
    struct aps_api_param p = {.in = APS_API_QUERY, .json = true, .required = true};

    assert_true(try_one(*state, p, MAP, "color=%7B%22R%22:1%7D", &strict).good);
    assert_false(try_one(*state, p, MAP, "color=%7B%22R%22:%22x%22%7D", &strict).good);
    assert_false(try_one(*state, p, MAP, "color=%7B%22R%22:1", &strict).good);
    assert_false(try_one(*state, p, MAP, "color=%7B%22R%22:1,%22R%22:1%7D", &strict).good);
    assert_false(try_one(*state, p, STRING, "color=12", &strict).good);
    assert_true(try_one(*state, p, STRING, "color=%2212%22", &strict).good);
    assert_true(try_one(*state, p, STRING, "color=ab", &strict).good); /* no JSON: a string */
    assert_false(try_one(*state, p, STRING, "color=%22a%22&color=%22b%22", &strict).good);
    p.in = APS_API_HEADER;
    assert_true(try_one(*state, p, MAP, "{\"R\": 1}", &strict).good);
}

/* POS-01, POS-14: each place has its own parameters, and what is declared nowhere is a fault only
 * in the query. */
static void places_are_kept_apart(void **state)
{
    static const char *const schemas[] = {"{\"type\":\"integer\"}", MAP, STRING, STRING};
    const struct aps_api_need need = {.kind = APS_API_KEY_QUERY, .name = APS_STR_LIT("apikey")};
    const struct aps_api_way way = {.needs = &need, .needs_n = 1};
    const struct aps_api_param params[] = {
        {.name = APS_STR_LIT("R"), .in = APS_API_QUERY, .style = APS_API_FORM, .explode = true},
        {.name = APS_STR_LIT("rgb"),
         .in = APS_API_QUERY,
         .style = APS_API_FORM,
         .explode = true,
         .schema = 1},
        {.name = APS_STR_LIT("x-id"), .in = APS_API_HEADER, .required = true, .schema = 2},
        {.name = APS_STR_LIT("sid"),
         .in = APS_API_COOKIE,
         .style = APS_API_FORM,
         .explode = true,
         .required = true,
         .schema = 3},
    };
    const struct aps_api_operation o = {
        .params = params, .params_n = 4, .security = &way, .security_n = 1};
    const struct aps_param_field fields[] = {
        {APS_STR_LIT("X-ID"), APS_STR_LIT("1")},
        {APS_STR_LIT("Other"), APS_STR_LIT("1")},
        {APS_STR_LIT("Cookie"), APS_STR_LIT("sid=1; other=2")},
        {APS_STR_LIT("x-id"), APS_STR_LIT("2")},
        {APS_STR_LIT("cookie"), APS_STR_LIT("sid=3")},
    };
    struct aps_param_request q = {
        .query = APS_STR_LIT("R=1&G=2&apikey=k"), .fields = fields, .fields_n = 3};

    assert_true(try_all(*state, &o, schemas, 4, &q, &strict).good);
    q.fields_n = 4;
    assert_non_null(strstr(try_all(*state, &o, schemas, 4, &q, &strict).failures, "repeated"));
    q.fields = fields + 2;
    q.fields_n = 3;
    assert_non_null(strstr(try_all(*state, &o, schemas, 4, &q, &strict).failures, "repeated"));
    q.fields = fields;
    q.query = APS_STR_LIT("sid=1&x-id=2");
    q.fields_n = 2;
    assert_string_equal(
        try_all(*state, &o, schemas, 4, &q, &strict).failures,
        "[{\"in\":\"cookie\",\"name\":\"sid\",\"keyword\":\"required\",\"expected\":\"a "
        "value\"},{\"in\":\"query\",\"name\":\"sid\",\"keyword\":\"undeclared\",\"expected\":\"a "
        "parameter of the operation\"},{\"in\":\"query\",\"name\":\"x-id\",\"keyword\":"
        "\"undeclared\",\"expected\":\"a parameter of the operation\"}]");
}

/* POS-21: ten failures at most, each shortened and escaped. */
static void failures_are_few_and_short(void **state)
{
    const struct aps_api_operation o = {.params_n = 0};
    struct aps_param_request q = {.query = APS_STR_LIT("a&b&c&d&e&f&g&h&i&j&k&l&m")};
    const struct aps_api_param p = {.in = APS_API_PATH, .style = APS_API_SIMPLE};
    static const char *const any[] = {"{}"};
    const char *text = try_all(*state, &o, any, 1, &q, &strict).failures;
    char value[400];

    assert_non_null(strstr(text, "\"j\""));
    assert_null(strstr(text, "\"k\""));
    memset(value, 'x', sizeof value);
    memcpy(value, "%1b%22", 6);
    value[sizeof value - 1] = '\0';
    text = try_one(*state, p, "{\"type\":\"string\",\"maxLength\":3}", value, &strict).failures;
    assert_true(strlen(text) < 300);
    assert_non_null(strstr(text, "\\u001b"));
    assert_non_null(strstr(text, "\"keyword\":\"maxLength\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(each_style_gives_its_value),
        t_pool_test(texts_have_the_types_that_schemas_take),
        t_pool_test(texts_are_decoded_once),
        t_pool_test(presence_and_emptiness_are_judged),
        t_pool_test(json_in_a_parameter_is_json),
        t_pool_test(places_are_kept_apart),
        t_pool_test(failures_are_few_and_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
