#include "t.h"

#include <apr_strings.h>

#include "apisec/httpsig.h"
#include "t_pool.h"

/* A header section as lines, "Name: value" each; a value may hold obs-fold. */
static struct aps_httpsig_lines lines_of(apr_pool_t *pool, const char *const *texts, size_t n)
{
    struct aps_httpsig_line *of = apr_palloc(pool, (n + 1) * sizeof *of);

    for (size_t i = 0; i < n; i++) {
        const char *colon = strchr(texts[i], ':');

        of[i].name = (struct aps_str){texts[i], (size_t)(colon - texts[i])};
        of[i].value = aps_str(colon + 1);
    }
    return (struct aps_httpsig_lines){of, n};
}

#define LINES(pool, list) lines_of(pool, list, sizeof(list) / sizeof *(list))

/* The value of a component, or NULL where there is a fault. */
static const char *value(void **state, const struct aps_httpsig_message *m, const char *component,
                         enum aps_httpsig_fault *out_fault)
{
    struct aps_diag diag = {""};
    struct aps_sf *id;
    struct aps_buf b;

    assert_int_equal(aps_sf_read(aps_str(component), APS_SF_ITEM, &aps_sf_wide, *state, &id, NULL),
                     APS_OK);
    aps_buf_init(&b, *state, 2000);
    aps_buf_add(&b, APS_STR_LIT("before:"));
    *out_fault = aps_httpsig_base_value(m, id, *state, &b, &diag);
    if (*out_fault != APS_HTTPSIG_OK) {
        assert_int_equal(b.n, 7); /* nothing was appended */
        if (strstr(diag.text, "; want ") == NULL && strstr(diag.text, ": want ") == NULL)
            fail_msg("%s: %s", component, diag.text);
        return NULL;
    }
    aps_buf_add_char(&b, '\0');
    return b.p + 7;
}

static void assert_value(void **state, const struct aps_httpsig_message *m, const char *component,
                         const char *want)
{
    enum aps_httpsig_fault fault;
    const char *got = value(state, m, component, &fault);

    if (got == NULL || strcmp(got, want) != 0)
        fail_msg("%s: %s (%s), want %s", component, got, aps_httpsig_token(fault), want);
}

static void assert_fault(void **state, const struct aps_httpsig_message *m, const char *component,
                         enum aps_httpsig_fault want)
{
    enum aps_httpsig_fault fault;
    const char *got = value(state, m, component, &fault);

    if (fault != want)
        fail_msg("%s: %s (%s), want %s", component, got, aps_httpsig_token(fault),
                 aps_httpsig_token(want));
}

/* RFC 9421 2.1 */
static void fields(void **state) /* SIG-12 */
{
    static const char *const texts[] = {
        "Host: www.example.com",
        "X-OWS-Header:   Leading and trailing whitespace.   ",
        "X-Obs-Fold-Header: Obsolete\r\n    line folding.",
        "X-Folds: a \t\r\n\t b\n c",
        "X-Fold-First:\r\n a",
        "X-Fold-Last:a\r\n ",
        "X-Tab: a\tb",
        "Cache-Control: max-age=60",
        "CACHE-control:    must-revalidate",
        "X-Empty-Header: ",
        "X-Twice:",
        "x-twice: b",
        "X-Null: a",
    };
    struct aps_httpsig_message m = {.fields = LINES(*state, texts)};

    assert_value(state, &m, "\"host\"", "www.example.com");
    assert_value(state, &m, "\"x-ows-header\"", "Leading and trailing whitespace.");
    assert_value(state, &m, "\"x-obs-fold-header\"", "Obsolete line folding.");
    assert_value(state, &m, "\"x-folds\"", "a b c");
    assert_value(state, &m, "\"x-fold-first\"", "a");
    assert_value(state, &m, "\"x-fold-last\"", "a");
    assert_value(state, &m, "\"x-tab\"", "a\tb");
    assert_value(state, &m, "\"cache-control\"", "max-age=60, must-revalidate");
    assert_value(state, &m, "\"x-empty-header\"", "");
    assert_value(state, &m, "\"x-twice\"", ", b");
    assert_fault(state, &m, "\"x-absent\"", APS_HTTPSIG_MISSING);
    assert_fault(state, &m, "\"host\";tr", APS_HTTPSIG_MISSING);
}

/* Nothing that could end a line of the base, or be read in two ways. */
static void values_that_cannot_be_signed(void **state) /* SIG-12 */
{
    static const char *const texts[] = {
        "A: x\ny",  "B: x\r",      "C: x\ry", "D: x\r\n", "E: x\x01",
        "F: x\x7f", "G: \xc3\xbc", "H: \x80", "I: x\n",   "J: \nx",
    };
    struct aps_httpsig_message m = {.fields = LINES(*state, texts)};
    struct aps_httpsig_line nul = {APS_STR_LIT("n"), APS_STR_LIT("a\0b")};

    for (char c = 'a'; c <= 'j'; c++) {
        char component[] = "\"a\"";

        component[1] = c;
        assert_fault(state, &m, component, APS_HTTPSIG_VALUE);
    }
    m.fields = (struct aps_httpsig_lines){&nul, 1};
    assert_fault(state, &m, "\"n\"", APS_HTTPSIG_VALUE);
    assert_fault(state, &m, "\"n\";bs", APS_HTTPSIG_VALUE);
}

/* RFC 9421 2.1.1, 2.1.2, 2.1.3 */
static void structured_fields(void **state)
{
    static const char *const texts[] = {
        "Example-Dict:  a=1,    b=2;x=1;y=2,   c=(a   b   c), d",
        "Example-Header: value, with, lots",
        "Example-Header: of, commas",
        "Latin: \xfc",
        "Item: \"a\"; b=?1",
        "Lines: a=1",
        "Lines: b=2,a=3",
        "Same: a, b;x=1.0",
        "Either: a, a",
        "Date: Tue, 20 Apr 2021 02:07:56 GMT",
        "Empty:",
        "Cut: a=1, ",
    };
    struct aps_httpsig_message m = {.fields = LINES(*state, texts)};

    assert_value(state, &m, "\"example-dict\"", "a=1,    b=2;x=1;y=2,   c=(a   b   c), d");
    assert_value(state, &m, "\"example-dict\";sf", "a=1, b=2;x=1;y=2, c=(a b c), d");
    assert_value(state, &m, "\"example-dict\";key=\"a\"", "1");
    assert_value(state, &m, "\"example-dict\";key=\"b\"", "2;x=1;y=2");
    assert_value(state, &m, "\"example-dict\";key=\"c\"", "(a b c)");
    assert_value(state, &m, "\"example-dict\";key=\"d\"", "?1");
    assert_value(state, &m, "\"example-dict\";key=\"d\";sf", "?1");
    assert_value(state, &m, "\"lines\";sf", "a=3, b=2");
    assert_value(state, &m, "\"lines\";key=\"a\"", "3");
    assert_value(state, &m, "\"item\";sf", "\"a\";b");
    assert_value(state, &m, "\"same\";sf", "a, b;x=1.0");
    assert_value(state, &m, "\"empty\";sf", "");
    assert_value(state, &m, "\"example-header\";bs",
                 ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:");
    assert_value(state, &m, "\"latin\";bs", ":/A==:");
    assert_value(state, &m, "\"empty\";bs", "::");
    assert_fault(state, &m, "\"example-dict\";key=\"e\"", APS_HTTPSIG_MISSING);
    assert_fault(state, &m, "\"example-dict\";key=\"A\"", APS_HTTPSIG_MISSING);
    assert_fault(state, &m, "\"date\";sf", APS_HTTPSIG_VALUE);
    assert_fault(state, &m, "\"date\";key=\"a\"", APS_HTTPSIG_VALUE);
    assert_fault(state, &m, "\"item\";key=\"a\"", APS_HTTPSIG_VALUE);
    assert_fault(state, &m, "\"cut\";sf", APS_HTTPSIG_VALUE);
    assert_fault(state, &m, "\"either\";sf", APS_HTTPSIG_VALUE); /* a list or a dictionary */
    assert_fault(state, &m, "\"x-absent\";sf", APS_HTTPSIG_MISSING);
    assert_fault(state, &m, "\"x-absent\";bs", APS_HTTPSIG_MISSING);
    assert_fault(state, &m, "\"x-absent\";key=\"a\"", APS_HTTPSIG_MISSING);
}

/* RFC 9421 2.1.4, 2.4: each from its own place. */
static void trailers_and_requests(void **state)
{
    static const char *const head[] = {"Expires: header", "Trailer: Expires"};
    static const char *const tail[] = {"Expires: Wed, 9 Nov 2022 07:28:00 GMT"};
    static const char *const asked[] = {"Signature: sig1=:YQ==:", "Expires: asked"};
    const struct aps_httpsig_message request = {
        .method = APS_STR_LIT("POST"),
        .target = APS_STR_LIT("/foo?param=Value"),
        .scheme = APS_STR_LIT("https"),
        .authority = APS_STR_LIT("example.com"),
        .fields = LINES(*state, asked),
    };
    struct aps_httpsig_message m = {
        .status = 503,
        .fields = LINES(*state, head),
        .trailers = LINES(*state, tail),
        .request = &request,
    };

    assert_value(state, &m, "\"@status\"", "503");
    assert_value(state, &m, "\"trailer\"", "Expires");
    assert_value(state, &m, "\"expires\"", "header");
    assert_value(state, &m, "\"expires\";tr", "Wed, 9 Nov 2022 07:28:00 GMT");
    assert_value(state, &m, "\"expires\";req", "asked");
    assert_value(state, &m, "\"signature\";req;key=\"sig1\"", ":YQ==:");
    assert_value(state, &m, "\"@method\";req", "POST");
    assert_value(state, &m, "\"@authority\";req", "example.com");
    assert_value(state, &m, "\"@query-param\";name=\"param\";req", "Value");
    assert_fault(state, &m, "\"expires\";req;tr", APS_HTTPSIG_MISSING);
    assert_fault(state, &m, "\"@method\"", APS_HTTPSIG_COMPONENT);
    assert_fault(state, &m, "\"@status\";req", APS_HTTPSIG_COMPONENT);
    assert_fault(state, &request, "\"@status\"", APS_HTTPSIG_COMPONENT);
    assert_fault(state, &request, "\"@method\";req", APS_HTTPSIG_COMPONENT); /* SIG-09 */
    assert_fault(state, &request, "\"expires\";req", APS_HTTPSIG_COMPONENT);
    m.request = NULL;
    assert_fault(state, &m, "\"@method\";req", APS_HTTPSIG_MISSING);
    m.request = &m; /* a response is no request */
    assert_fault(state, &m, "\"@method\";req", APS_HTTPSIG_MISSING);
    for (unsigned status = 99; status <= 1000; status += 901) {
        m.status = status;
        assert_fault(state, &m, "\"@status\"", APS_HTTPSIG_VALUE);
    }
    m.status = 999;
    assert_value(state, &m, "\"@status\"", "999");
    m.status = 100;
    assert_value(state, &m, "\"@status\"", "100");
}

static struct aps_httpsig_message request_of(const char *method, const char *target,
                                             const char *scheme, const char *authority)
{
    return (struct aps_httpsig_message){
        .method = aps_str(method),
        .target = aps_str(target),
        .scheme = aps_str(scheme),
        .authority = aps_str(authority),
    };
}

/* RFC 9421 2.2.2, 2.2.5 to 2.2.7, for each form of a request target (RFC 9112 3.2). */
static void request_targets(void **state) /* SIG-11 */
{
    static const struct {
        const char *method, *target;
        const char *uri, *request_target, *path, *query; /* NULL: a fault */
    } cases[] = {
        {"POST", "/path?param=value", "https://www.example.com/path?param=value",
         "/path?param=value", "/path", "?param=value"},
        {"GET", "/", "https://www.example.com/", "/", "/", "?"},
        {"GET", "/?", "https://www.example.com/?", "/?", "/", "?"},
        {"GET", "/a%2Fb/../%7e?x=%41+", "https://www.example.com/a%2Fb/../%7e?x=%41+",
         "/a%2Fb/../%7e?x=%41+", "/a%2Fb/../%7e", "?x=%41+"},
        {"GET", "//a?b?c", "https://www.example.com//a?b?c", "//a?b?c", "//a", "?b?c"},
        {"GET", "http://other.example/p?q", "https://www.example.com/p?q",
         "http://other.example/p?q", "/p", "?q"},
        {"GET", "http://other.example", "https://www.example.com/", "http://other.example", "/",
         "?"},
        {"GET", "http://other.example?q", "https://www.example.com/?q", "http://other.example?q",
         "/", "?q"},
        {"OPTIONS", "*", "https://www.example.com", "*", NULL, NULL},
        {"CONNECT", "www.example.com:80", NULL, "www.example.com:80", NULL, NULL},
        {"GET", "", NULL, NULL, NULL, NULL},
        {"GET", "www.example.com:80", NULL, NULL, NULL, NULL},
        {"GET", "?q", NULL, NULL, NULL, NULL},
        {"GET", "http:/a", NULL, NULL, NULL, NULL},
        {"GET", "1http://a/", NULL, NULL, NULL, NULL},
        {"GET", "/a b", NULL, NULL, NULL, NULL},
        {"GET", "/a#b", NULL, NULL, NULL, NULL},
        {"GET", "/\xc3\xbc", NULL, NULL, NULL, NULL},
        {"GET", "/a\nb", NULL, NULL, NULL, NULL},
        {"GET", "/a\x7f", NULL, NULL, NULL, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aps_httpsig_message m =
            request_of(cases[i].method, cases[i].target, "https", "www.example.com");
        const struct {
            const char *component, *want;
        } asked[] = {
            {"\"@target-uri\"", cases[i].uri},
            {"\"@request-target\"", cases[i].request_target},
            {"\"@path\"", cases[i].path},
            {"\"@query\"", cases[i].query},
        };

        for (size_t k = 0; k < sizeof asked / sizeof *asked; k++)
            if (asked[k].want != NULL)
                assert_value(state, &m, asked[k].component, asked[k].want);
            else
                assert_fault(state, &m, asked[k].component, APS_HTTPSIG_VALUE);
    }
}

/* RFC 9421 2.2.1, 2.2.3, 2.2.4 */
static void methods_and_origins(void **state) /* SIG-11 */
{
    static const struct {
        const char *scheme, *authority;
        const char *want; /* NULL: a fault */
    } origins[] = {
        {"https", "www.example.com", "www.example.com"},
        {"https", "WWW.Example.COM", "www.example.com"},
        {"https", "www.example.com:443", "www.example.com"},
        {"HTTPS", "www.example.com:443", "www.example.com"},
        {"http", "www.example.com:443", "www.example.com:443"},
        {"http", "www.example.com:80", "www.example.com"},
        {"https", "www.example.com:80", "www.example.com:80"},
        {"https", "www.example.com:8443", "www.example.com:8443"},
        {"https", "www.example.com:", "www.example.com"},
        {"https", "[2001:DB8::1]", "[2001:db8::1]"},
        {"https", "[2001:db8::1]:443", "[2001:db8::1]"},
        {"https", "[2001:db8::1]:8443", "[2001:db8::1]:8443"},
        {"https", "", NULL},
        {"https", ":443", NULL},
        {"https", "user@www.example.com", NULL},
        {"https", "www.example.com/", NULL},
        {"https", "www.example.com:80a", NULL},
        {"https", "www.example.com:80:80", NULL},
        {"https", "[::1]x", NULL},
        {"https", "a b", NULL},
        {"https", "a\n", NULL},
        {"https", "\xc3\xbc", NULL},
    };
    static const char *const methods[] = {"GET", "get", "M-SEARCH", "!#$%&'*+-.^_`|~"};
    static const char *const bad[] = {"", "G T", "GET\n", "G(T", "\xc3\xbc"};
    static const char *const schemes[] = {"", "ht tp", "1http", "http:", "\xfc"};
    struct aps_httpsig_message m;

    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        m = request_of("GET", "/", origins[i].scheme, origins[i].authority);
        if (origins[i].want != NULL)
            assert_value(state, &m, "\"@authority\"", origins[i].want);
        else
            assert_fault(state, &m, "\"@authority\"", APS_HTTPSIG_VALUE);
        if (origins[i].want == NULL)
            assert_fault(state, &m, "\"@target-uri\"", APS_HTTPSIG_VALUE);
    }
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        m = request_of(methods[i], "/", "http", "a");
        assert_value(state, &m, "\"@method\"", methods[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        m = request_of(bad[i], "/", "http", "a");
        assert_fault(state, &m, "\"@method\"", APS_HTTPSIG_VALUE);
    }
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        m = request_of("GET", "/", schemes[i], "a");
        assert_fault(state, &m, "\"@scheme\"", APS_HTTPSIG_VALUE);
        assert_fault(state, &m, "\"@target-uri\"", APS_HTTPSIG_VALUE);
    }
    m = request_of("GET", "/", "HTTP", "a");
    assert_value(state, &m, "\"@scheme\"", "http");
    assert_value(state, &m, "\"@target-uri\"", "http://a/");
}

/* RFC 9421 2.2.8 */
static void query_parameters(void **state)
{
    static const struct {
        const char *target, *name, *want;
        enum aps_httpsig_fault fault;
    } cases[] = {
        {"/path?param=value&foo=bar&baz=batman&qux=", "baz", "batman", APS_HTTPSIG_OK},
        {"/path?param=value&foo=bar&baz=batman&qux=", "qux", "", APS_HTTPSIG_OK},
        {"/path?param=value&foo=bar&baz=batman&qux=", "param", "value", APS_HTTPSIG_OK},
        {"/p?var=this%20is%20a%20big%0Amultiline%20value", "var",
         "this%20is%20a%20big%0Amultiline%20value", APS_HTTPSIG_OK},
        {"/p?bar=with+plus+whitespace", "bar", "with%20plus%20whitespace", APS_HTTPSIG_OK},
        {"/p?fa%C3%A7ade%22%3A%20=something", "fa%C3%A7ade%22%3A%20", "something", APS_HTTPSIG_OK},
        {"/p?fa%c3%a7ade=%7e", "fa%C3%A7ade", "%7E", APS_HTTPSIG_OK},
        {"/p?%61=%41~!'()*-._", "a", "A%7E%21%27%28%29*-._", APS_HTTPSIG_OK},
        {"/p?a=b=c", "a", "b%3Dc", APS_HTTPSIG_OK},
        {"/p?&&a&&", "a", "", APS_HTTPSIG_OK},
        {"/p?a=%", "a", "%25", APS_HTTPSIG_OK},
        {"/p?a=%4", "a", "%254", APS_HTTPSIG_OK},
        {"/p?a=%4g%41", "a", "%254gA", APS_HTTPSIG_OK},
        {"/p?a=?b", "a", "%3Fb", APS_HTTPSIG_OK},
        {"/p?a=1;b=2", "a", "1%3Bb%3D2", APS_HTTPSIG_OK},
        {"/p?=x", "", "x", APS_HTTPSIG_OK},
        {"/p?a%00=x", "a%00", "x", APS_HTTPSIG_OK},
        {"/p?a=1&a=2", "a", NULL, APS_HTTPSIG_VALUE},
        {"/p?a=1&%61=2", "a", NULL, APS_HTTPSIG_VALUE},
        {"/p?a=1&a", "a", NULL, APS_HTTPSIG_VALUE},
        {"/p?a=%ff", "a", NULL, APS_HTTPSIG_VALUE},
        {"/p?%ff=a&b=c", "b", "c", APS_HTTPSIG_OK},
        {"/p?%ff=a", "%FF", NULL, APS_HTTPSIG_MISSING},
        {"/p?a=1", "A", NULL, APS_HTTPSIG_MISSING},
        {"/p?a=1", "b", NULL, APS_HTTPSIG_MISSING},
        {"/p?a=1", "%61", NULL, APS_HTTPSIG_MISSING}, /* names are signed as they are encoded */
        {"/p?fa%c3%a7ade=", "fa%c3%a7ade", NULL, APS_HTTPSIG_MISSING},
        {"/p?", "a", NULL, APS_HTTPSIG_MISSING},
        {"/p", "a", NULL, APS_HTTPSIG_MISSING},
        {"/p", "", NULL, APS_HTTPSIG_MISSING},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aps_httpsig_message m = request_of("GET", cases[i].target, "https", "a");
        char component[100];

        (void)snprintf(component, sizeof component, "\"@query-param\";name=\"%s\"", cases[i].name);
        if (cases[i].want != NULL)
            assert_value(state, &m, component, cases[i].want);
        else
            assert_fault(state, &m, component, cases[i].fault);
    }
}

/* RFC 9421 2.5: names and parameters that are not understood, or do not go together. */
static void identifiers_that_are_no_components(void **state) /* SIG-09, SIG-10 */
{
    static const char *const bad[] = {
        "\"@signature-params\"",
        "\"@unknown\"",
        "\"@Method\"",
        "\"@\"",
        "\"\"",
        "\"Host\"",
        "\"ho st\"",
        "\"host:\"",
        "host",
        "1",
        ":aG9zdA==:",
        "\"host\";x",
        "\"host\";sf=1",
        "\"host\";sf=?0",
        "\"host\";bs=?0",
        "\"host\";tr=\"a\"",
        "\"host\";key",
        "\"host\";key=a",
        "\"host\";name=\"a\"",
        "\"host\";bs;sf",
        "\"host\";bs;key=\"a\"",
        "\"@method\";sf",
        "\"@method\";bs",
        "\"@method\";tr",
        "\"@method\";key=\"a\"",
        "\"@method\";name=\"a\"",
        "\"@method\";x",
        "\"@query\";name=\"a\"",
        "\"@query-param\"",
        "\"@query-param\";name",
        "\"@query-param\";name=a",
        "\"@query-param\";name=\"a\";sf",
    };
    static const char *const texts[] = {"Host: a", "@method: PUT", "@x: y"};
    struct aps_httpsig_message m = request_of("GET", "/?a=b", "https", "a");

    m.fields = LINES(*state, texts);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fault(state, &m, bad[i], APS_HTTPSIG_COMPONENT);
    assert_value(state, &m, "\"@method\"", "GET"); /* never the field of that name */
    assert_value(state, &m, "\"host\";sf=?1", "a");
}

static struct aps_httpsig signature_of(void **state, const char *input)
{
    struct aps_httpsig_params none = {0};
    struct aps_sf *v, *params;
    struct aps_httpsig sig;
    struct aps_sf *list;

    assert_int_equal(aps_sf_read(aps_str(input), APS_SF_LIST, &aps_sf_wide, *state, &v, NULL),
                     APS_OK);
    params = v->params;
    assert_int_equal(aps_httpsig_make(v->items, &none, *state, &sig, NULL), APS_HTTPSIG_OK);
    list = apr_pmemdup(*state, sig.input, sizeof *list);
    list->params = params;
    sig.input = list;
    return sig;
}

/* RFC 9421 2.5, byte by byte: lines ended by LF, the last one not. */
static void the_base_is_exact(void **state) /* SIG-01 */
{
    static const char *const texts[] = {
        "Host: example.com",
        "Content-Digest: sha-512=:YQ==:",
        "Content-Length: 18",
        "X-Empty:",
    };
    struct aps_httpsig_message m =
        request_of("POST", "/foo?param=Value&Pet=dog", "https", "example.com");
    struct aps_httpsig sig = signature_of(
        state, "(\"@method\"  \"@authority\" \"@path\" \"content-digest\";  sf \"x-empty\" "
               "\"@query-param\";name=\"Pet\");created=1618884473;keyid=\"test-key\";x=1.50;y=?1");
    struct aps_str base;

    m.fields = LINES(*state, texts);
    assert_int_equal(aps_httpsig_base(&m, &sig, *state, &base, NULL), APS_HTTPSIG_OK);
    assert_true(aps_str_eq(
        base, APS_STR_LIT("\"@method\": POST\n"
                          "\"@authority\": example.com\n"
                          "\"@path\": /foo\n"
                          "\"content-digest\";sf: sha-512=:YQ==:\n"
                          "\"x-empty\": \n"
                          "\"@query-param\";name=\"Pet\": dog\n"
                          "\"@signature-params\": (\"@method\" \"@authority\" \"@path\" "
                          "\"content-digest\";sf \"x-empty\" \"@query-param\";name=\"Pet\")"
                          ";created=1618884473;keyid=\"test-key\";x=1.5;y")));
    sig = signature_of(state, "()");
    assert_int_equal(aps_httpsig_base(&m, &sig, *state, &base, NULL), APS_HTTPSIG_OK);
    assert_true(aps_str_eq(base, APS_STR_LIT("\"@signature-params\": ()")));
    sig = signature_of(state, "(\"host\" \"x-absent\")");
    assert_int_equal(aps_httpsig_base(&m, &sig, *state, &base, NULL), APS_HTTPSIG_MISSING);
    sig.fault = APS_HTTPSIG_TWICE;
    assert_int_equal(aps_httpsig_base(&m, &sig, *state, &base, NULL), APS_HTTPSIG_TWICE);
}

/* Below, at and above the most that is signed; `"a": ` and LF, and 26 bytes of the last line. */
static void a_base_has_its_bound(void **state)
{
    const size_t room = APS_HTTPSIG_BASE_MAX - 6 - (sizeof "\"@signature-params\": (\"a\")" - 1);
    char *text = apr_palloc(*state, room + 2);
    struct aps_httpsig_line line = {APS_STR_LIT("a"), {text, 0}};
    struct aps_httpsig_message m = {.fields = {&line, 1}};
    const struct aps_httpsig sig = signature_of(state, "(\"a\")");
    struct aps_diag diag;
    struct aps_str base;

    memset(text, 'x', room + 2);
    for (line.value.n = room - 1; line.value.n <= room + 1; line.value.n++) {
        enum aps_httpsig_fault fault = aps_httpsig_base(&m, &sig, *state, &base, &diag);

        assert_int_equal(fault, line.value.n <= room ? APS_HTTPSIG_OK : APS_HTTPSIG_SIZE);
        if (fault == APS_HTTPSIG_OK)
            assert_int_equal(base.n, APS_HTTPSIG_BASE_MAX - room + line.value.n);
        else
            assert_non_null(strstr(diag.text, "want less"));
    }
    line.value.n = 2 * APS_HTTPSIG_BASE_MAX;
    line.value.p = apr_pcalloc(*state, line.value.n);
    memset((char *)(uintptr_t)line.value.p, 'x', line.value.n);
    assert_int_equal(aps_httpsig_base(&m, &sig, *state, &base, NULL), APS_HTTPSIG_SIZE);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const how[] = {"(\"a\";sf)", "(\"a\";bs)", "(\"a\";key=\"x\")"};
        const struct aps_httpsig other = signature_of(state, how[i]);

        assert_int_equal(aps_httpsig_base(&m, &other, *state, &base, NULL), APS_HTTPSIG_SIZE);
    }
}

/* Each component of a field reads all of it, so how much is read has a bound of its own: eight
 * times 8 KiB of a dictionary or a query, and one byte more. */
static void what_is_read_has_its_bound(void **state)
{
    static const char *const of[] = {
        "(\"a\";key=\"a\" \"a\";key=\"b\" \"a\";key=\"c\" \"a\";key=\"d\" \"a\";key=\"e\" "
        "\"a\";key=\"f\" \"a\";key=\"g\" \"a\";key=\"h\")",
        "(\"@query-param\";name=\"a\" \"@query-param\";name=\"b\" \"@query-param\";name=\"c\" "
        "\"@query-param\";name=\"d\" \"@query-param\";name=\"e\" \"@query-param\";name=\"f\" "
        "\"@query-param\";name=\"g\" \"@query-param\";name=\"h\")",
        "(\"a\";sf \"a\";key=\"a\" \"a\";key=\"b\" \"a\";key=\"c\" \"a\";key=\"d\" "
        "\"a\";key=\"e\")", /* three types, and five members */
    };
    const size_t each = APS_HTTPSIG_READ_MAX / 8;

    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        const struct aps_httpsig sig = signature_of(state, of[i]);

        for (size_t n = each - 1; n <= each + 1; n++) {
            const bool query = i == 1;
            struct aps_httpsig_message m = request_of("GET", "/", "https", "a");
            char *text = apr_palloc(*state, n + 1);
            struct aps_httpsig_line line = {APS_STR_LIT("a"), {text, n}};
            struct aps_str base;

            memset(text, 'x', n + 1);
            if (query) { /* the path is not a part of what is read */
                memcpy(text, "/?a&b&c&d&e&f&g&h&", 18);
                m.target = (struct aps_str){text, n + 1};
            } else {
                memcpy(text, "a,b,c,d,e,f,g,h,", 16);
                m.fields = (struct aps_httpsig_lines){&line, 1};
            }
            assert_int_equal(aps_httpsig_base(&m, &sig, *state, &base, NULL),
                             n <= each ? APS_HTTPSIG_OK : APS_HTTPSIG_SIZE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(fields),
        t_pool_test(values_that_cannot_be_signed),
        t_pool_test(structured_fields),
        t_pool_test(trailers_and_requests),
        t_pool_test(request_targets),
        t_pool_test(methods_and_origins),
        t_pool_test(query_parameters),
        t_pool_test(identifiers_that_are_no_components),
        t_pool_test(the_base_is_exact),
        t_pool_test(a_base_has_its_bound),
        t_pool_test(what_is_read_has_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
