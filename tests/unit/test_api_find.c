#include "t.h"

#include "t_api.h"
#include "t_pool.h"

#define OK "{'responses':{'200':{'description':''}}}"
#define P(name) "{'name':'" name "','in':'path','required':true,'schema':{}}"
#define GET(path, params) "'" path "':{'parameters':[" params "],'get':" OK "}"

static const char description[] = T_API(
    "3.1.0",
    "'/pets':{'get':" OK ",'post':" OK "},"
    "'/pets/mine':{'get':" OK
    "}," GET("/pets/{id}", P("id")) "," GET("/pets/{id}/toys", P("id")) "," GET("/pets/mine/food", "") "," GET(
        "/pets/{pet}.json",
        P("pet")) "," GET("/pets/{a}-{b}",
                          P("b") "," P(
                              "a")) "," GET("/x/{a}/y",
                                            P("a")) "," GET("/{any}/b/{c}",
                                                            P("any") "," P(
                                                                "c")) "," GET("/a:{x}",
                                                                              P("x")) ",'/"
                                                                                      "':{'head'"
                                                                                      ":" OK
                                                                                      "}," GET(
                                                                                          "/caf%C3%"
                                                                                          "A9/"
                                                                                          "s%70ot",
                                                                                          "") "," GET("/end/",
                                                                                                      "")) "}";

struct want {
    const char *path, *template, *captures; /* template NULL: none */
};

static void check(const struct aps_api *api, const struct want *w)
{
    struct aps_api_match match;
    const enum aps_api_found found = aps_api_find(api, APS_METHOD_GET, aps_str(w->path), &match);
    char captures[256] = "";

    if ((found == APS_API_NO_PATH) != (w->template == NULL))
        fail_msg("%s: %d", w->path, found);
    if (found == APS_API_NO_PATH)
        return;
    for (uint32_t i = 0; i < match.captures_n; i++) {
        const struct aps_api_param *p = &match.operation->params[i];

        assert_int_equal(p->in, APS_API_PATH);
        (void)snprintf(captures + strlen(captures), sizeof captures - strlen(captures),
                       "%.*s=%.*s;", APS_STR_ARG(p->name), APS_STR_ARG(match.captures[i]));
    }
    if (!aps_str_eq(match.operation->path, aps_str(w->template)) ||
        strcmp(captures, w->captures) != 0)
        fail_msg("%s: %.*s %s", w->path, APS_STR_ARG(match.operation->path), captures);
}

/* POS-01 */
static void concrete_paths_win_and_names_span_no_slash(void **state)
{
    static const struct want cases[] = {
        {"/pets", "/pets", ""},
        {"/pets/mine", "/pets/mine", ""},
        {"/pets/m%69ne", "/pets/mine", ""},
        {"/pets/7", "/pets/{id}", "id=7;"},
        {"/pets/minex", "/pets/{id}", "id=minex;"},
        {"/pets/a%2Fb", "/pets/{id}", "id=a%2Fb;"},
        {"/pets/mine/toys", "/pets/{id}/toys", "id=mine;"},
        {"/pets/mine/food", "/pets/mine/food", ""},
        {"/pets/7/food", NULL, ""},
        {"/pets/7.json", "/pets/{pet}.json", "pet=7;"},
        {"/pets/7.json.json", "/pets/{pet}.json", "pet=7.json;"},
        {"/pets/7%2ejson", "/pets/{pet}.json", "pet=7;"},
        {"/pets/.json", "/pets/{id}", "id=.json;"},
        {"/pets/7.json/toys", "/pets/{id}/toys", "id=7.json;"},
        {"/pets/1-2-3", "/pets/{a}-{b}", "a=1;b=2-3;"},
        {"/pets/--", "/pets/{id}", "id=--;"},
        {"/pets/", NULL, ""},
        {"/pets/a/b", NULL, ""},
        {"/pets//toys", NULL, ""},
        {"/x/b/y", "/x/{a}/y", "a=b;"},
        {"/x/b/z", "/{any}/b/{c}", "any=x;c=z;"},
        {"/a:1", "/a:{x}", "x=1;"},
        {"/a:", NULL, ""},
        {"/b:1", NULL, ""},
        {"/caf%C3%A9/spot", "/caf%C3%A9/s%70ot", ""},
        {"/caf\303\251/sp%6ft", "/caf%C3%A9/s%70ot", ""},
        {"/end/", "/end/", ""},
        {"/end", NULL, ""},
        {"/Pets", NULL, ""},
        {"", NULL, ""},
        {"pets", NULL, ""},
        {"//", NULL, ""},
        {"/a/b/c/d/e/f/g/h", NULL, ""},
    };
    struct aps_api_report report;
    const struct aps_api *api = t_api_open(*state, description, &report);

    assert_int_equal(report.gaps->nelts, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(api, &cases[i]);
}

/* POS-01: another method has a list of those that there are; HEAD is answered by GET. */
static void methods_of_a_path_are_told(void **state)
{
    static const struct {
        const char *path;
        enum aps_method method;
        enum aps_api_found found;
        unsigned allowed;
    } cases[] = {
        {"/pets", APS_METHOD_GET, APS_API_FOUND, 7},
        {"/pets", APS_METHOD_HEAD, APS_API_FOUND, 7},
        {"/pets", APS_METHOD_POST, APS_API_FOUND, 7},
        {"/pets", APS_METHOD_PUT, APS_API_NO_METHOD, 7},
        {"/pets", APS_METHOD_NONE, APS_API_NO_METHOD, 7},
        {"/", APS_METHOD_HEAD, APS_API_FOUND, 2},
        {"/", APS_METHOD_GET, APS_API_NO_METHOD, 2},
        {"/none", APS_METHOD_GET, APS_API_NO_PATH, 0},
    };
    struct aps_api_report report;
    const struct aps_api *api = t_api_open(*state, description, &report);
    const struct aps_api_operation *all;
    struct aps_api_match match;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const enum aps_api_found found =
            aps_api_find(api, cases[i].method, aps_str(cases[i].path), &match);

        assert_int_equal(found, cases[i].found);
        assert_true(found == APS_API_NO_PATH || match.allowed == cases[i].allowed);
    }
    assert_int_equal(aps_api_operations(api, &all), 14);
    for (uint32_t i = 1; i < 14; i++)
        assert_true(aps_str_compare(all[i - 1].path, all[i].path) <= 0);
    assert_true(aps_str_eq(all[0].id, APS_STR_LIT("HEAD /")));
    assert_true(aps_str_eq(aps_api_title(api), APS_STR_LIT("Pets")));
    assert_true(aps_str_eq(aps_api_version(api), APS_STR_LIT("1.2")));
}

/* POS-01: what cannot be told apart is an error. */
static void paths_that_mean_the_same_are_an_error(void **state)
{
    static const struct {
        const char *text, *say;
    } cases[] = {
        {T_API("3.0.3", GET("/a/{x}", P("x")) "," GET("/a/{y}", P("y"))) "}", "are the same"},
        {T_API("3.0.3", GET("/a", "") "," GET("/%61", "")) "}", "are the same"},
        {T_API("3.0.3", GET("a", "")) "}", "want a / first"},
        {T_API("3.0.3", GET("/{a", "")) "}", "without its }"},
        {T_API("3.0.3", GET("/a}", "")) "}", "without its {"},
        {T_API("3.0.3", GET("/{a}{b}", "")) "}", "some text between"},
        {T_API("3.0.3", GET("/{}", "")) "}", "want a name"},
        {T_API("3.0.3", GET("/{a/b}", "")) "}", "want a name"},
        {T_API("3.0.3", GET("/{a}/{a}", "")) "}", "twice"},
    };
    struct aps_api_report report;
    struct aps_str block = {NULL, 0};
    struct aps_diag diag;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (t_api_compile(*state, cases[i].text, &block, &report, &diag) == APS_OK ||
            strstr(diag.text, cases[i].say) == NULL)
            fail_msg("%s: %s", cases[i].text, diag.text);
}

/* POS-01: the place of an API is taken off whole segments, as they are when they are decoded. */
static void what_lies_below_a_place(void **state)
{
    static const struct {
        const char *path, *at, *want; /* NULL: it does not lie there */
    } rows[] = {
        {"/shop/a", "/shop", "/a"},
        {"/shop", "/shop", "/"},
        {"/shop/", "/shop", "/"},
        {"/shops", "/shop", NULL},
        {"/sho", "/shop", NULL},
        {"/%73hop/%61", "/shop", "/%61"},
        {"/shop%2", "/shop", NULL},
        {"/Shop/a", "/shop", NULL},
        {"/a", "", "/a"},
        {"*", "", NULL},
        {"", "", NULL},
        {"/a/b/c", "/a/b", "/c"},
        {"/%c3%a9/b", "/\xc3\xa9", "/b"},
        {"/shop%2fa", "/shop/a", "/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct aps_str path = aps_str(rows[i].path);
        const bool below = aps_api_below(&path, aps_str(rows[i].at));
        const char *want = rows[i].want != NULL ? rows[i].want : rows[i].path;

        if (below != (rows[i].want != NULL) || !aps_str_eq(path, aps_str(want)))
            fail_msg("%s at %s: %d, %.*s", rows[i].path, rows[i].at, below, APS_STR_ARG(path));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(concrete_paths_win_and_names_span_no_slash),
        t_pool_test(methods_of_a_path_are_told),
        t_pool_test(paths_that_mean_the_same_are_an_error),
        t_pool_test(what_lies_below_a_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
