#include "t.h"

#include <apr_strings.h>

#include "apisec/yaml.h"
#include "t_pool.h"

static const char *json_of(apr_pool_t *pool, const char *yaml, struct aps_diag *diag)
{
    struct aps_str json = {NULL, 0};

    diag->text[0] = '\0';
    return aps_yaml_to_json(aps_str(yaml), pool, &json, diag) == APS_OK
               ? apr_pstrmemdup(pool, json.p, json.n)
               : NULL;
}

/* POS-01: the core schema of YAML 1.2, and keys as the text that they are. */
static void yaml_becomes_json(void **state)
{
    static const struct {
        const char *yaml, *json;
    } cases[] = {
        {"a: 1\nb: [x, 'y', \"z\"]\n", "{\"a\":1,\"b\":[\"x\",\"y\",\"z\"]}"},
        {"- null\n- ~\n-\n- Null\n- nULL\n", "[null,null,null,null,\"nULL\"]"},
        {"- true\n- True\n- FALSE\n- yes\n- on\n", "[true,true,false,\"yes\",\"on\"]"},
        {"- 0\n- -1\n- +1\n- 007\n- 1_000\n- 0o17\n- 0x1F\n- 0b1\n",
         "[0,-1,1,7,\"1_000\",15,31,\"0b1\"]"},
        {"- 1.50\n- .5\n- 5.\n- -1e+3\n- 1.5E3\n- 12e03\n- 3.0.1\n- 1e\n- .\n- +\n- e1\n",
         "[1.50,0.5,5,-1e+3,1.5E3,12e03,\"3.0.1\",\"1e\",\".\",\"+\",\"e1\"]"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"- 2027-01-31\n- 12:30:45\n", "[\"2027-01-31\",\"12:30:45\"]"},
        {"200: a\nnull: b\ntrue: c\n1.0: d\n",
         "{\"200\":\"a\",\"null\":\"b\",\"true\":\"c\",\"1.0\":\"d\"}"},
        {"a: |\n  one\n  two\nb: >-\n  one\n  two\n",
         "{\"a\":\"one\\u000atwo\\u000a\",\"b\":\"one two\"}"},
        {"\"a\\\"\\\\\\t\\u00e9\\0\"", "\"a\\\"\\\\\\u0009\303\251\\u0000\""},
        {"- !!str 1\n- !!int '2'\n- !!float 3\n- !!bool 'true'\n- !!null ''\n- ! 4\n",
         "[\"1\",2,3,true,null,\"4\"]"},
        {"!!map {a: !!seq []}", "{\"a\":[]}"},
        {"a: &x {b: [1, 2]}\nc: *x\nd: [*x, *x]\n",
         "{\"a\":{\"b\":[1,2]},\"c\":{\"b\":[1,2]},\"d\":[{\"b\":[1,2]},{\"b\":[1,2]}]}"},
        {"- &x 1\n- *x\n- &x 2\n- *x\n", "[1,1,2,2]"},
        {"%YAML 1.2\n---\na: b\n...\n", "{\"a\":\"b\"}"},
        {"{\"a\": [1, {\"b\": null}]}", "{\"a\": [1, {\"b\": null}]}"},
        {"{\"a\": [1, {b: null}]}", "{\"a\":[1,{\"b\":null}]}"},
        {"\"<<\": 1", "{\"<<\":1}"},
        {"\xef\xbb\xbf"
         "a: b",
         "{\"a\":\"b\"}"},
        {"# nothing else\n---\n", "null"},
    };
    struct aps_diag diag;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *json = json_of(*state, cases[i].yaml, &diag);

        if (json == NULL || strcmp(json, cases[i].json) != 0)
            fail_msg("%s: %s, want %s; %s", cases[i].yaml, json, cases[i].json, diag.text);
    }
}

/* POS-04, POS-12: what two readers could read differently, and what JSON has not. */
static void what_json_has_not_is_refused(void **state)
{
    static const struct {
        const char *yaml, *say;
    } cases[] = {
        {"", "want a document"},
        {"a: 1\n---\nb: 2\n", "line 2: a second document"},
        {"a: 1\nb: 2\n'a': 3\n", "line 3: the key \"a\" stands twice"},
        {"1: a\n'1': b\n", "stands twice"},
        {"a: .inf", "number that JSON has not"},
        {"a: -.INF", "number that JSON has not"},
        {"a: .NaN", "number that JSON has not"},
        {"a: 0x10000000000000000", "number that JSON has not"},
        {"a: 1e1234567890123456", "number that JSON has not"},
        {"a: &x 1\n<<: *x\n", "line 2: the merge key"},
        {"a: !mine 1", "a tag"},
        {"a: !!binary aGk=", "a tag"},
        {"a: !!python/object:x.Y {}", "a tag"},
        {"a: !!set {}", "a tag"},
        {"a: !!seq {}", "a tag"},
        {"a: !!int x", "does not fit"},
        {"a: !!bool 1", "does not fit"},
        {"? [a]\n: 1\n", "no scalar"},
        {"? {a: 1}\n: 1\n", "no scalar"},
        {"a: *x", "not been named"},
        {"a: &x [*x]", "what it is in"},
        {"a: &x b\n*x : c\n", "key is an alias"},
        {"&x a: b", "anchor at a key"},
        {"a: [1", "line"},
        {"a: \"\\q\"", "line 1"},
        {"\ta: b", "line 1"},
        {"a: \xff", "line"},
        {"a: 'x\x01'", "line"},
    };
    struct aps_diag diag;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *json = json_of(*state, cases[i].yaml, &diag);

        if (json != NULL || strstr(diag.text, cases[i].say) == NULL)
            fail_msg("%s: %s; %s", cases[i].yaml, json, diag.text);
    }
}

/* POS-12: at and above each bound; aliases of aliases end. */
static void what_a_text_comes_to_is_bounded(void **state)
{
    char *deep = apr_palloc(*state, 2 * APS_YAML_DEPTH_MAX + 4);
    char *laughs = apr_psprintf(*state, "- &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n");
    struct aps_str json = {"untouched", 9};
    struct aps_diag diag;
    char *huge;

    for (unsigned n = APS_YAML_DEPTH_MAX; n <= APS_YAML_DEPTH_MAX + 1; n++) {
        deep[0] = ' '; /* else it is JSON */
        memset(deep + 1, '[', n);
        memset(deep + 1 + n, ']', n);
        deep[1 + 2 * n] = '\0';
        assert_true((json_of(*state, deep, &diag) != NULL) == (n == APS_YAML_DEPTH_MAX));
    }
    for (unsigned i = 1; i < 12; i++)
        laughs =
            apr_psprintf(*state, "%s- &a%u [*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u]\n",
                         laughs, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_int_equal(aps_yaml_to_json(aps_str(laughs), *state, &json, &diag), APS_ERR_RANGE);
    huge = apr_palloc(*state, APS_YAML_BYTES_MAX + 1);
    memset(huge, ' ', APS_YAML_BYTES_MAX + 1);
    assert_int_equal(
        aps_yaml_to_json((struct aps_str){huge, APS_YAML_BYTES_MAX + 1}, *state, &json, &diag),
        APS_ERR_RANGE);
    assert_int_equal(json.n, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(yaml_becomes_json),
        t_pool_test(what_json_has_not_is_refused),
        t_pool_test(what_a_text_comes_to_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
