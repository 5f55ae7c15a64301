/* POS-15: an XML body is judged as the value that its schema is about, by the names that the
 * description gives to elements and attributes. */
#include "t.h"
#include "t_pool.h"

#include <apr_strings.h>

#include "apisec/api_compile.h"
#include "apisec/apixml.h"

/* The schema of a body of each path; the components that they refer to. */
static const struct {
    const char *path, *content;
} bodies[] = {
    {"/person", "{\"application/xml\":{\"schema\":{\"$ref\":\"#/components/schemas/Person\"}}}"},
    {"/animals", "{\"application/xml\":{\"schema\":{\"$ref\":\"#/components/schemas/Animals\"}}}"},
    {"/tree", "{\"text/xml\":{\"schema\":{\"$ref\":\"#/components/schemas/Tree\"}}}"},
    {"/list", "{\"a/b+xml\":{\"schema\":{\"type\":\"array\",\"xml\":{\"name\":\"ns\"},"
              "\"maxItems\":2,\"items\":{\"type\":\"integer\",\"xml\":{\"name\":\"n\"}}}}}"},
    {"/any", "{\"application/xml\":{\"schema\":{}}}"},
    {"/none", "{\"application/xml\":{}}"},
};

static const char components[] =
    "\"Person\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"id\"],\"xml\":{\"name\":\"person\"},"
    "\"properties\":{\"id\":{\"type\":\"integer\",\"xml\":{\"attribute\":true}},"
    "\"name\":{\"type\":\"string\",\"xml\":{\"name\":\"fullName\","
    "\"namespace\":\"urn:n\",\"prefix\":\"p\"}},\"nick\":{\"type\":\"string\","
    "\"nullable\":true,\"enum\":[\"a\",null]},\"live\":{\"type\":\"boolean\"},"
    "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
    "\"xml\":{\"name\":\"tag\"}}}}},\"Animals\":{\"type\":\"object\","
    "\"properties\":{\"plain\":{\"type\":\"array\",\"maxItems\":2,"
    "\"items\":{\"type\":\"integer\"}},\"boxed\":{\"type\":\"array\",\"maxItems\":2,"
    "\"xml\":{\"wrapped\":true,\"name\":\"box\"},\"items\":{\"type\":\"integer\","
    "\"xml\":{\"name\":\"animal\"}}},\"same\":{\"type\":\"array\",\"maxItems\":2,"
    "\"xml\":{\"wrapped\":true},\"items\":{\"type\":\"integer\"}}}},"
    "\"Tree\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{\"left\":{\"$ref\":\"#/components/schemas/Tree\"},"
    "\"leaf\":{\"type\":\"number\"}}}";

static const struct {
    const char *path, *body;
    bool valid;
} rows[] = {
    {"/person", "<person id='7'/>", true},
    {"/person", "<person id='7'>\n <live>true</live>\n</person>", true},
    {"/person", "<person id='x'/>", false},
    {"/person", "<person/>", false},
    {"/person", "<other id='7'/>", false},
    {"/person", "<person id='7'>text</person>", false},
    {"/person", "<person id='7'><live>true</live>text</person>", false},
    {"/person", "<person><id>7</id></person>", false},  /* it is an attribute */
    {"/person", "<person id='7' live='true'/>", false}, /* and this is none */
    {"/person", "<person id='7' other='1'/>", false},
    {"/person", "<person id='7'><other/></person>", false},
    {"/person", "<person id='7'><live>maybe</live></person>", false},
    {"/person", "<person id='7'><live>true</live><live>true</live></person>", false},
    {"/person", "<person id='7'><live><b/></live></person>", false},
    {"/person", "<person id='7'><p:fullName xmlns:p='urn:n'>A</p:fullName></person>", true},
    {"/person", "<person id='7'><fullName xmlns='urn:n'>A</fullName></person>", true},
    {"/person", "<person id='7'><p:fullName xmlns:p='urn:m'>A</p:fullName></person>", false},
    {"/person", "<person id='7'><fullName>A</fullName></person>", false},
    {"/person", "<person id='7'><name>A</name></person>", false},
    {"/person", "<person id='7' xmlns='urn:d'><live>true</live></person>", true},
    {"/person", "<person id='7' xmlns:e='urn:e'><e:live>true</e:live></person>", false},
    {"/person", "<person id='7' xmlns:e='urn:e' e:id='7'/>", false},
    {"/person", "<person id='7'><tag>1</tag><tag>true</tag></person>", true},
    {"/person", "<person id='7'><tags>a</tags></person>", false},
    {"/person",
     "<person id='7' xmlns:i='http://www.w3.org/2001/XMLSchema-instance' "
     "i:schemaLocation='a b'><nick i:nil='true'/></person>",
     true},
    {"/person", "<person id='7'><nick>b</nick></person>", false},
    {"/person", "<person id='7'><nick/></person>", false},
    {"/animals", "<x><plain>1</plain><plain>2</plain></x>", true},
    {"/animals", "<x><plain>1</plain></x>", true},
    {"/animals", "<x><plain>1</plain><plain>2</plain><plain>3</plain></x>", false},
    {"/animals", "<x><plain>a</plain></x>", false},
    {"/animals", "<x><box><animal>1</animal><animal>2</animal></box></x>", true},
    {"/animals", "<x><box/></x>", true},
    {"/animals", "<x><box><plain>1</plain></box></x>", false},
    {"/animals", "<x><box>1</box></x>", false},
    {"/animals", "<x><box a='1'/></x>", false},
    {"/animals", "<x><box><animal>1</animal></box><box><animal>2</animal></box></x>", false},
    {"/animals", "<x><same><same>1</same></same></x>", true},
    {"/animals", "<x><same><same>a</same></same></x>", false},
    {"/animals", "<x><more><of>it</of></more></x>", true},
    {"/tree", "<Tree><left><left><leaf>1.5</leaf></left></left></Tree>", true},
    {"/tree", "<Tree><left><left><leaf>one</leaf></left></left></Tree>", false},
    {"/tree", "<Tree><left><right/></left></Tree>", false},
    {"/list", "<ns><n>1</n><n>2</n></ns>", true},
    {"/list", "<ns><n>1</n><n>2</n><n>3</n></ns>", false},
    {"/list", "<ns><m>1</m></ns>", false},
    {"/any", "<a b='1'><c>2</c><c/></a>", true},
    {"/any", "<a><b>1</b>text</a>", false},
    {"/any", "<a>\n<b>1</b>\n<b>1</b>\n</a>", true},
    {"/none", "<a>x<b/></a>", true},
    {"/none", "<!DOCTYPE a><a/>", false},
    {"/any", "<!DOCTYPE a><a/>", false},
    {"/any", "<a><b></a></b>", false},
    {"/any", "<a><a><a><a><a><a><a><a><a><a>1</a></a></a></a></a></a></a></a></a></a>", false},
};

static struct aps_str describe(apr_pool_t *pool)
{
    const char *paths = "";

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        paths = apr_psprintf(pool,
                             "%s%s\"%s\":{\"post\":{\"requestBody\":{\"content\":%s},"
                             "\"responses\":{\"200\":{\"description\":\"\"}}}}",
                             paths, i > 0 ? "," : "", bodies[i].path, bodies[i].content);
    return aps_str(apr_psprintf(pool,
                                "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"t\","
                                "\"version\":\"1\"},\"paths\":{%s},"
                                "\"components\":{\"schemas\":{%s}}}",
                                paths, components));
}

static const struct aps_api *open_api(apr_pool_t *pool)
{
    const struct aps_schema_source source = {APS_STR_LIT("file:///api.json"), describe(pool), true};
    const struct aps_api_options options = {.formats = true};
    const struct aps_api *api = NULL;
    struct aps_str block = {NULL, 0};
    struct aps_api_report report;
    struct aps_diag diag = {""};

    if (aps_api_compile(&source, 1, &options, pool, &block, &report, &diag) != APS_OK ||
        aps_api_open(pool, block, &api, &diag) != APS_OK)
        fail_msg("%s", diag.text);
    return api;
}

static const struct aps_api_media *media_of(const struct aps_api *api, const char *path)
{
    struct aps_api_match match;

    assert_int_equal(aps_api_find(api, APS_METHOD_POST, aps_str(path), &match), APS_API_FOUND);
    return &match.operation->bodies[0];
}

static void bodies_are_judged_by_the_names_of_their_schema(void **state) /* POS-15 */
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "test";
    const struct aps_api *api = open_api(*state);
    struct aps_apixml_judge judge = {aps_schema_judge_new(*state, &aps_schema_judge_usual),
                                     &aps_xml_strict, key};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct aps_api_media *media = media_of(api, rows[i].path);
        struct aps_failures failures;
        bool valid;

        aps_failures_init(&failures, *state);
        valid = aps_apixml_body(&judge, *state, api, media, aps_str(rows[i].body), &failures);
        assert_int_equal(failures.n == 0, valid);
        if (valid != rows[i].valid)
            fail_msg("%s: %.*s", rows[i].body, APS_STR_ARG(aps_failures_text(&failures)));
    }
}

static void a_table_is_looked_at_before_it_is_used(void **state)
{
    static const char *const tables[] = {
        "",
        "{}",
        "[]",
        "[1]",
        "[{}]",
        "[{\"k\":\"x\"}]",
        "[{\"k\":\"a\",\"i\":1}]",
        "[{\"k\":\"a\",\"i\":-1}]",
        "[{\"k\":\"a\",\"i\":99999999999}]",
        "[{\"k\":\"o\",\"p\":[\"a\"]}]",
        "[{\"k\":\"o\",\"p\":[\"a\",1]}]",
        "[{\"k\":\"o\",\"p\":[0,\"a\"]}]",
    };
    const struct aps_apixml *table = NULL;

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        assert_int_equal(aps_apixml_open(*state, aps_str(tables[i]), &table), APS_ERR_CORRUPT);
    assert_int_equal(aps_apixml_open(*state, aps_str("[{\"k\":\"o\",\"p\":[\"a\",0]}]"), &table),
                     APS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(bodies_are_judged_by_the_names_of_their_schema),
        t_pool_test(a_table_is_looked_at_before_it_is_used),
    };
    const struct CMUnitTest absent[] = {
        t_pool_test(a_table_is_looked_at_before_it_is_used),
    };
    void *pool = NULL;
    bool there;

    aps_xml_start();
    if (t_pool_setup(&pool) != 0)
        return 1;
    there = aps_xml_version(pool) != NULL;
    (void)t_pool_teardown(&pool); /* it returns 0 */
    return there ? cmocka_run_group_tests(tests, NULL, NULL)
                 : cmocka_run_group_tests(absent, NULL, NULL);
}
