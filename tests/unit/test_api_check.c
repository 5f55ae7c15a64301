#include "t.h"

#include "apisec/api_check.h"
#include "t_api.h"
#include "t_pool.h"

struct wrong {
    const char *text, *say;
};

static void all_are_wrong(apr_pool_t *pool, const struct wrong *cases, size_t n)
{
    struct aps_diag diag;

    for (size_t i = 0; i < n; i++) {
        enum aps_err err;

        diag.text[0] = '\0';
        err = aps_api_check(t_api_text(pool, cases[i].text), pool, &diag);
        if ((err != APS_ERR_FORMAT && err != APS_ERR_NOT_FOUND) ||
            strstr(diag.text, cases[i].say) == NULL)
            fail_msg("%s: %s, want %s", cases[i].text, diag.text, cases[i].say);
    }
}

static void all_are_right(apr_pool_t *pool, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct aps_diag diag = {.text = ""};

        if (aps_api_check(t_api_text(pool, texts[i]), pool, &diag) != APS_OK)
            fail_msg("%s: %s", texts[i], diag.text);
    }
}

#define WRONG(cases) all_are_wrong(*state, cases, sizeof cases / sizeof *cases)
#define INFO "'info':{'title':'','version':''}"
#define OLD(more) "{'openapi':'3.0.3'," INFO ",'paths':{}," more "}"
#define NEW(more) "{'openapi':'3.1.0'," INFO "," more "}"
#define PARTS(kind, value) "'components':{'" kind "':{'a':" value "}}"

/* POS-01: fields, those that have to be there, and their types. */
static void fields_are_those_of_their_object(void **state)
{
    static const struct wrong cases[] = {
        {"[]", "want an OpenAPI object"},
        {"{", "byte"},
        {"{'openapi':'2.0'}", "want a version of 3.0 or 3.1"},
        {"{'openapi':'3.2.0'," INFO ",'paths':{}}", "want a version of 3.0 or 3.1"},
        {"{'openapi':'3.0.x'," INFO ",'paths':{}}", "want a version"},
        {"{'openapi':'3.1.0-'," INFO ",'paths':{}}", "want a version"},
        {"{'openapi':'3.0.3'," INFO "}", "#: want paths"},
        {"{'openapi':'3.1.0'," INFO "}", "want paths, components or webhooks"},
        {"{'openapi':'3.0.3','info':{'title':''},'paths':{}}", "#/info: want version"},
        {OLD("'webhooks':{}"), "\"webhooks\" is no field of OpenAPI 3.0"},
        {NEW("'path':{}"), "\"path\" is no field"},
        {OLD("'servers':{}"), "#/servers: want an array"},
        {OLD("'servers':[{}]"), "#/servers/0: want url"},
        {OLD("'servers':[{'url':'http://a:b/'}]"), "no URL"},
        {OLD("'tags':[{'name':'a'},{'name':'a'}]"), "\"a\" stands twice"},
        {NEW("'components':{'schema':{}}"), "no field"},
        {NEW("'components':{'schemas':{'a b':{}}}"), "want names"},
        {NEW("'components':{'schemas':{'':{}}}"), "want names"},
        {OLD("'components':{'pathItems':{}}"), "no field"},
        {NEW("'paths':{'a':{}}"), "want a / first"},
        {NEW("'paths':{'/a':[]}"), "#/paths/~1a: want an object"},
        {NEW("'paths':{'/a':{'fetch':{}}}"), "\"fetch\" is no field"},
        {OLD("'x-a':1,'security':[{'a':'b'}]"), "want an array"},
        {NEW("'paths':{'/a':{'get':{'responses':{}}}}"), "one response at least"},
        {NEW("'paths':{'/a':{'get':{'responses':{'2xx':{'description':''}}}}}"), "want a status"},
        {NEW("'paths':{'/a':{'get':{'responses':{'600':{'description':''}}}}}"), "want a status"},
        {NEW("'paths':{'/a':{'get':{'responses':{'200':{}}}}}"), "want description"},
        {NEW("'paths':{'/a':{'get':{'deprecated':'no'}}}"), "want true or false"},
        {NEW("'paths':{'/a':{'get':{'operationId':'x'},'put':{'operationId':'x'}}}"),
         "stands twice"},
        {NEW(PARTS("requestBodies", "{}")), "want content"},
        {NEW(PARTS("examples", "{'value':1,'externalValue':'a'}")), "not both"},
        {NEW("'components':{'schemas':{'a':3}}"), "want an object"},
        {NEW("'components':{'schemas':{'a':{'type':'text'}}}"), "#/components/schemas/a"},
    };

    WRONG(cases);
}

/* POS-01: what excludes each other, and hangs on each other. */
static void parameters_have_their_place_and_style(void **state)
{
#define PARAMETER(more) PARTS("parameters", "{'name':'a'," more "}")
    static const struct wrong cases[] = {
        {NEW(PARAMETER("'in':'body','schema':{}")), "in: want path"},
        {NEW(PARAMETER("'in':'query'")), "one of schema and content"},
        {NEW(PARAMETER("'in':'query','schema':{},'content':{'a/b':{}}")), "one of schema and"},
        {NEW(PARAMETER("'in':'query','content':{}")), "one member at least"},
        {NEW(PARAMETER("'in':'query','content':{'a/b':{},'a/c':{}}")), "want one media type"},
        {NEW(PARAMETER("'in':'query','content':{'a/b':{}},'style':'form'")), "not both"},
        {NEW(PARAMETER("'in':'path','schema':{}")), "want required true"},
        {NEW(PARAMETER("'in':'path','required':false,'schema':{}")), "want required true"},
        {NEW(PARAMETER("'in':'header','style':'form','schema':{}")), "style"},
        {NEW(PARAMETER("'in':'cookie','style':'simple','schema':{}")), "style"},
        {NEW(PARAMETER("'in':'query','style':'label','schema':{}")), "style"},
        {NEW(PARAMETER("'in':'query','style':'none','schema':{}")), "style"},
        {NEW(PARAMETER("'in':'header','allowEmptyValue':true,'schema':{}")), "query parameters"},
        {NEW(PARAMETER("'in':'query','schema':{},'example':1,'examples':{}")), "not both"},
        {NEW(PARTS("headers", "{'schema':{},'style':'form'}")), "want simple"},
        {NEW(PARTS("headers", "{'name':'a','schema':{}}")), "no field"},
        {NEW(PARTS("securitySchemes", "{'type':'basic'}")), "type: want"},
        {OLD(PARTS("securitySchemes", "{'type':'mutualTLS'}")), "type: want"},
        {NEW(PARTS("securitySchemes", "{'type':'apiKey','name':'a'}")), "want in"},
        {NEW(PARTS("securitySchemes", "{'type':'apiKey','name':'a','in':'path'}")), "in: want"},
        {NEW(PARTS("securitySchemes", "{'type':'http','scheme':'basic','flows':{}}")), "oauth2"},
        {NEW(PARTS("securitySchemes", "{'type':'http','scheme':'basic','bearerFormat':'a'}")),
         "scheme bearer"},
        {NEW(PARTS("securitySchemes", "{'type':'oauth2','flows':{}}")), "one flow"},
        {NEW(PARTS("securitySchemes",
                   "{'type':'oauth2','flows':{'password':{'tokenUrl':'https://a.example/'}}}")),
         "want scopes"},
        {NEW(PARTS("links", "{}")), "want operationRef or operationId"},
        {NEW(PARTS("links", "{'operationRef':'a','operationId':'b'}")), "not both"},
        {NEW("'paths':{'/a':{'parameters':[{'name':'a','in':'query','schema':{}},"
             "{'name':'a','in':'query','schema':{}}]}}"),
         "stands twice"},
    };

    WRONG(cases);
}

/* POS-01: templates, requirements and scopes name what the description has. */
static void names_are_those_of_the_description(void **state)
{
#define X "{'name':'x','in':'path','required':true,'schema':{}}"
#define ANY "'responses':{'200':{'description':''}}"
#define SCHEME(more)                                                                               \
    PARTS("securitySchemes", "{'type':'oauth2','flows':{'implicit':{'authorizationUrl':"           \
                             "'https://a.example/','scopes':{'r':''}}}},'k':{'type':'http',"       \
                             "'scheme':'basic'}")                                                  \
    ",'security':[{" more "}]"
#define LINKED(link)                                                                               \
    "'/a/{x}':{'parameters':[" X "],'get':{'operationId':'a','responses':{'200':{'description':"   \
    "'','links':{'l':{" link "}}}}}}"
#define CALLBACK(url)                                                                              \
    "'/a':{'post':{'parameters':[{'name':'q','in':'query','schema':{}}],'requestBody':{'content':" \
    "{'application/json':{'schema':{'allOf':[{'properties':{'u':{'items':{}}}}]}}}},"              \
    "'callbacks':{'c':{'" url "':{}}}," ANY "}}"
    static const struct wrong cases[] = {
        {T_API("3.0.3", "'/a/{x}':{'get':{" ANY "}}") "}", "nothing is said of the path's {x}"},
        {T_API("3.0.3", "'/a':{'parameters':[" X "]}") "}", "{x} is not in the path"},
        {OLD("'servers':[{'url':'https://{h}/'}]"), "{h} is none of its variables"},
        {NEW("'paths':{},'servers':[{'url':'/"
             "{v}','variables':{'v':{'default':'a','enum':['b']}}}]"),
         "default is none"},
        {OLD("'security':[{'a':[]}]"), "there is no #/components/securitySchemes/a"},
        {OLD(SCHEME("'a':['w']")), "no flow has the scope"},
        {OLD(SCHEME("'k':['r']")), "scopes are of oauth2"},
        {T_API("3.0.3", LINKED("'operationId':'b'")) "}", "no operation \"b\""},
        {T_API("3.0.3", LINKED("'operationId':'a','parameters':{'y':1}")) "}", "no parameter of a"},
        {T_API("3.0.3", CALLBACK("{$request.body#/v}")) "}", "has no $request.body#/v"},
        {T_API("3.0.3", CALLBACK("{$request.query.p}")) "}", "has no $request.query.p"},
        {T_API("3.0.3", CALLBACK("$response.header.Location")) "}", "has no $response.header"},
    };
    static const char *const right[] = {
        T_API("3.0.3", "'/a/{x}':{'get':{'parameters':[" X "]," ANY "}}") "}",
        T_API("3.1.0", "'/a/{x}':{'get':{}},'/b':{'parameters':[" X "]}") "}",
        OLD("'servers':[{'url':'https://{h}:{p}/','variables':{'h':{'default':'a'},'p':"
            "{'default':'80'}}}]"),
        OLD(SCHEME("'a':['r'],'k':[]")),
        T_API("3.0.3", LINKED("'operationId':'a','parameters':{'path.x':1}")) "}",
        T_API("3.0.3", CALLBACK("https://a.example/{$request.body#/u/0}?q={$request.query.q}")) "}",
        T_API("3.0.3", CALLBACK("{$url}/{$request.header.host}")) "}",
    };

    WRONG(cases);
    all_are_right(*state, right, sizeof right / sizeof *right);
}

/* POS-12: references lead somewhere; those of circles end. */
static void references_lead_somewhere(void **state)
{
    static const struct wrong cases[] = {
        {NEW(PARTS("headers", "{'$ref':'#/components/headers/b'}")), "leads nowhere"},
        {NEW(PARTS("headers", "{'$ref':7}")), "want a string"},
        {NEW(PARTS("headers", "{'$ref':'#/info'},'b':{'schema':{},'$ref':'#/openapi'}")),
         "no object"},
        {NEW(PARTS("headers", "{'$ref':'#/openapi'}")), "no object"},
        {NEW(PARTS("headers", "{'$ref':'#/%4'}")), "hexadecimal"},
        {OLD(PARTS("schemas", "{'$ref':'#/components/schemas/b'}")), "leads nowhere"},
    };
    static const char *const right[] = {
        NEW(PARTS("headers", "{'$ref':'other.json#/a'}")),
        NEW(PARTS("headers", "{'$ref':'#/components/headers/a'}")),
        NEW("'paths':{'/a':{'$ref':'#/paths/~1a'}}"),
        OLD(PARTS("schemas", "{'properties':{'b':{'$ref':'#/components/schemas/a'}}}")),
        NEW(PARTS("schemas", "true")),
    };

    WRONG(cases);
    all_are_right(*state, right, sizeof right / sizeof *right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(fields_are_those_of_their_object),
        t_pool_test(parameters_have_their_place_and_style),
        t_pool_test(names_are_those_of_the_description),
        t_pool_test(references_lead_somewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
