#include "t.h"

#include "apisec/form.h"
#include "t_pool.h"
#include "t_schema.h"

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";

static const char schema[] =
    "{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{"
    "\"id\":{\"type\":\"integer\"},\"none\":false,"
    "\"name\":{\"type\":\"string\",\"maxLength\":4},"
    "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"numbers\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
    "\"at\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}},"
    "\"additionalProperties\":false},"
    "\"points\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"x\"]}},"
    "\"deep\":{\"type\":\"object\",\"properties\":{\"y\":{\"type\":\"boolean\"}}},"
    "\"spread\":{\"type\":\"object\",\"properties\":{\"r\":{\"type\":\"integer\"}}},"
    "\"spaced\":{\"type\":\"array\",\"minItems\":2},"
    "\"photo\":{\"type\":\"string\",\"format\":\"binary\",\"minLength\":2,\"maxLength\":8},"
    "\"files\":{\"type\":\"array\",\"maxItems\":2,\"items\":{\"type\":\"string\",\"format\":"
    "\"binary\"}}}}";

static const struct aps_api_param part_header = {
    .name = {"x-size", sizeof "x-size" - 1}, .in = APS_API_HEADER, .required = true, .schema = 1};

static const struct aps_api_encoding encodings[] = {
    {.property = {"numbers", sizeof "numbers" - 1}, .style = APS_API_FORM, .styled = true},
    {.property = {"deep", sizeof "deep" - 1},
     .style = APS_API_DEEP,
     .explode = true,
     .styled = true},
    {.property = {"spread", sizeof "spread" - 1},
     .style = APS_API_FORM,
     .explode = true,
     .styled = true},
    {.property = {"spaced", sizeof "spaced" - 1},
     .style = APS_API_SPACE,
     .styled = true,
     .headers = &part_header,
     .headers_n = 1},
    {.property = {"photo", sizeof "photo" - 1},
     .types = {"image/png, image/jpeg", sizeof "image/png, image/jpeg" - 1},
     .headers = &part_header,
     .headers_n = 1},
};

struct tried {
    bool good, doubled;
    const char *failures;
};

static struct tried try_form(apr_pool_t *pool, const char *body, bool multipart, bool undeclared)
{
    const char *const schemas[] = {schema, "{\"type\":\"integer\",\"maximum\":9}"};
    const struct aps_api_media media = {.encodings = encodings,
                                        .encodings_n = sizeof encodings / sizeof *encodings};
    const struct aps_form form = {.image = t_schema_open(pool, schemas, 2, APS_SCHEMA_OAS31),
                                  .media = &media,
                                  .undeclared = undeclared};
    struct aps_schema_judge *judge = aps_schema_judge_new(pool, &aps_schema_judge_usual);
    struct aps_param_reader *reader = aps_param_reader_new(pool, judge, key);
    struct aps_failures failures;
    struct tried t = {.doubled = false};

    aps_failures_init(&failures, pool);
    t.good = multipart
                 ? aps_form_multipart(reader, pool, &form, APS_STR_LIT("b"), &aps_multipart_usual,
                                      aps_str(body), &failures, &t.doubled)
                 : aps_form_judge(reader, pool, &form, aps_str(body), &failures, &t.doubled);
    assert_int_equal(t.good, failures.n == 0);
    t.failures =
        apr_pstrmemdup(pool, aps_failures_text(&failures).p, aps_failures_text(&failures).n);
    return t;
}

struct sample {
    const char *body;
    const char *keyword; /* NULL: good */
};

static void try_samples(apr_pool_t *pool, const struct sample *cases, size_t n, bool multipart)
{
    for (size_t i = 0; i < n; i++) {
        const struct tried t = try_form(pool, cases[i].body, multipart, true);

        if (t.good != (cases[i].keyword == NULL) ||
            (!t.good && strstr(t.failures,
                               apr_psprintf(pool, "\"keyword\":\"%s\"", cases[i].keyword)) == NULL))
            fail_msg("%zu %s: %s", i, cases[i].body, t.failures);
    }
}

/* POS-14, POS-01: a form is one object of the types that its schema takes. */
static void an_urlencoded_form_is_judged_as_an_object(void **state)
{
    static const struct sample cases[] = {
        {"id=1", NULL},
        {"id=1&name=a+b%2B", NULL},
        {"name=a", "required"},
        {"id=x", "type"},
        {"id=1&name=abcde", "maxLength"},
        {"id=1&none=1", "false"}, /* which takes no type is told by the schema */
        {"id=1&id=2", "repeated"},
        {"id=1&name=a&name=b", "repeated"},
        {"id=1&tags=a&tags=b", NULL},
        {"id=1&tags=a,b", NULL},
        {"id=1&numbers=1,2", NULL},
        {"id=1&numbers=1,x", "type"},
        {"id=1&numbers=1&numbers=2", "repeated"},
        {"id=1&at=%7B%22x%22:1%7D", NULL},
        {"id=1&at=%7B%22x%22:%221%22%7D", "type"},
        {"id=1&at=%7B%22y%22:1%7D", "additionalProperties"},
        {"id=1&at=x", "type"},
        {"id=1&deep=x", "style"},
        {"id=1&deep%5By%5D=true", NULL},
        {"id=1&spaced=a%20b", NULL},
        {"id=1&spaced=a+b", NULL},
        {"id=1&points=%7B%22x%22:1%7D&points=%7B%22x%22:2%7D", NULL},
        {"id=1&points=%7B%22x%22:1%7D&points=%7B%7D", "required"},
        {"id=1&deep[y]=true", NULL},
        {"id=1&deep[y]=1", "type"},
        {"id=1&deep[y]=true&deep[y]=true", "style"},
        {"id=1&r=7", NULL},
        {"id=1&r=x", "type"},
        {"id=1&other=1", "undeclared"},
        {"id=1&name=%", "encoding"},
        {"id=1&%ff=1", "encoding"},
        {"id=1&name=%00", "encoding"},
        {"id=1&at=1%7D,%22name%22:%22x", "type"}, /* nothing breaks out of its text */
    };

    try_samples(*state, cases, sizeof cases / sizeof *cases, false);
}

#define D "Content-Disposition: form-data; name="
#define PART(head, data) "--b\r\n" head "\r\n\r\n" data "\r\n"
#define ID PART(D "id", "1")
#define PNG "\r\nContent-Type: image/png\r\nX-Size: 3"
#define LAST "--b--\r\n"

/* POS-18: parts are members; files are judged by name, type and length. */
static void parts_are_members_of_an_object(void **state)
{
    static const struct sample cases[] = {
        {ID LAST, NULL},
        {PART(D "name", "a") LAST, "required"},
        {PART(D "id", "x") LAST, "type"},
        {ID ID LAST, "repeated"},
        {ID PART(D "tags", "a") PART(D "tags", "b") LAST, NULL},
        {ID PART(D "tags\r\nContent-Type: application/json", "[\"a\",\"b\"]") LAST, NULL},
        {ID PART(D "at", "{\"x\":1}") LAST, NULL},
        {ID PART(D "at\r\nContent-Type: application/json", "{\"x\":\"1\"}") LAST, "type"},
        {ID PART(D "name\r\nContent-Type: application/json", "{}") LAST, NULL}, /* a string */
        {ID PART(D "points", "{\"x\":1}") PART(D "points", "{}") LAST, "required"},
        {ID PART(D "other", "1") LAST, "undeclared"},
        {ID PART(D "name", "\xff") LAST, "encoding"},
        {ID PART(D "photo; filename=a.png" PNG, "\xff\xd8\x01") LAST, NULL},
        {ID PART(D "photo; filename=a.png" PNG, "x") LAST, "minLength"},
        {ID PART(D "photo; filename=a.png" PNG, "123456789") LAST, "maxLength"},
        {ID PART(D "photo; filename=\"../a.png\"" PNG, "123") LAST, "filename"},
        {ID PART(D "photo; filename=\".png\"" PNG, "123") LAST, "filename"},
        {ID PART(D "photo; filename=a.gif\r\nContent-Type: image/gif\r\nX-Size: 3", "123") LAST,
         "contentType"},
        {ID PART(D "photo; filename=a.png\r\nContent-Type: image/png", "123") LAST, "required"},
        {ID PART(D "photo; filename=a.png\r\nContent-Type: image/png\r\nX-Size: 10", "123") LAST,
         "maximum"},
        {ID PART(D "photo; filename=\"\"\r\nContent-Type: application/octet-stream", "") LAST,
         NULL},
        {ID PART(D "photo; filename=\"\"" PNG, "123") LAST, "filename"},
        {ID PART(D "files; filename=a", "\xff") PART(D "files; filename=b", "") LAST, NULL},
        {ID PART(D "files; filename=a", "1") PART(D "files; filename=A", "2") LAST, "repeated"},
        {ID PART(D "files; filename=a", "") PART(D "files; filename=b", "")
             PART(D "files; filename=c", "") LAST,
         "maxItems"},
        {ID PART(D "files\r\nContent-Type: image/png", "\xff") LAST, NULL},
        {ID PART(D "id; filename=a", "1") LAST, "repeated"},
        {PART(D "id; filename=a", "1") LAST, "type"},
        {ID, "multipart"},
        {"", "multipart"},
    };

    try_samples(*state, cases, sizeof cases / sizeof *cases, true);
}

/* 3.1.1 4.8.15: styles of parts are those of a query, without its encoding. */
static void parts_have_the_style_of_their_encoding(void **state)
{
    static const struct sample cases[] = {
        {ID PART(D "numbers", "1,2") LAST, NULL},
        {ID PART(D "numbers\r\nContent-Type: text/csv", "1,2") LAST, NULL},
        {ID PART(D "numbers", "1,x") LAST, "type"},
        {ID PART(D "numbers", "1%2C2") LAST, "type"},
        {ID PART(D "numbers", "1") PART(D "numbers", "2") LAST, "repeated"},
        {ID PART(D "numbers", "1,\xff") LAST, "encoding"},
        {ID PART(D "numbers; filename=a", "1") LAST, "style"},
        {ID PART(D "\"deep[y]\"", "true") LAST, NULL},
        {ID PART(D "\"deep[y]\"", "7") LAST, "type"},
        {ID PART(D "\"deep[y]\"", "true") PART(D "\"deep[y]\"", "true") LAST, "style"},
        {ID PART(D "deep", "{\"y\":true}") LAST, "style"},
        {ID PART(D "r", "1") LAST, NULL},
        {ID PART(D "r", "x") LAST, "type"},
        {ID PART(D "spread", "1") LAST, "style"},
        {ID PART(D "spaced\r\nX-Size: 3", "a b") LAST, NULL},
        {ID PART(D "spaced\r\nX-Size: 3", "a+b") LAST, "minItems"},
        {ID PART(D "spaced\r\nX-Size: 3", "a%20b") LAST, "minItems"},
        {ID PART(D "spaced", "a b") LAST, "required"},
        {ID PART(D "spaced\r\nX-Size: 10", "a b") LAST, "maximum"},
    };

    try_samples(*state, cases, sizeof cases / sizeof *cases, true);
}

/* POS-01, NEG-01 */
static void undeclared_fields_and_double_encoding_are_the_callers_choice(void **state)
{
    assert_true(try_form(*state, "id=1&other=1", false, false).good);
    assert_true(try_form(*state, ID PART(D "other", "1") LAST, true, false).good);
    /* but no name that a program takes for a declared one */
    assert_false(try_form(*state, "id=1&+name=x", false, false).good);
    assert_false(try_form(*state, "id=1&name%5Bx%5D=x", false, false).good);
    assert_false(try_form(*state, ID PART(D "name[]", "1") LAST, true, false).good);
    assert_true(try_form(*state, "id=1&.name=x&name.=y", false, false).good);
    assert_false(try_form(*state, "id=1", false, true).doubled);
    assert_true(try_form(*state, "id=1&name=%2541", false, true).doubled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(an_urlencoded_form_is_judged_as_an_object),
        t_pool_test(parts_are_members_of_an_object),
        t_pool_test(parts_have_the_style_of_their_encoding),
        t_pool_test(undeclared_fields_and_double_encoding_are_the_callers_choice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
