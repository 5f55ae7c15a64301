#include "t.h"

#include <stdlib.h>

#include "apisec/graphql.h"
#include "t_pool.h"

#define T(lit) APS_STR_LIT(lit)

static const unsigned char key[APS_SIPHASH_KEY_LEN] = "0123456789abcdef";

struct fixture {
    apr_pool_t *pool;
    struct aps_graphql g;
    struct aps_jsonread r;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (f == NULL || t_pool_setup((void **)&f->pool) != 0)
        return -1;
    aps_graphql_init(&f->g, f->pool, key);
    aps_jsonread_init(&f->r, f->pool, key);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    (void)t_pool_teardown((void **)&f->pool); /* always 0 */
    free(f);
    return 0;
}

static void expect(struct fixture *f, const char *shown, enum aps_graphql_fault got,
                   enum aps_graphql_fault want)
{
    struct aps_diag diag = {{0}};

    aps_graphql_fault_explain(&f->g, &diag);
    if (got != want)
        fail_msg("%.200s: %s, want %s", shown, diag.text, aps_graphql_fault_name(want));
    assert_true(strlen(diag.text) > 20);
    assert_int_equal(got, f->g.fault);
}

/* On a copy of its exact size. */
static void judge(struct fixture *f, struct aps_str text, const struct aps_graphql_options *o,
                  enum aps_graphql_fault want)
{
    char *copy = test_malloc(text.n + 1);

    memcpy(copy, text.p, text.n);
    expect(f, text.p, aps_graphql_text(&f->g, (struct aps_str){copy, text.n}, o), want);
    test_free(copy);
}

struct row {
    struct aps_str text;
    enum aps_graphql_fault want;
};

static void judge_rows(struct fixture *f, const struct row *rows, size_t n,
                       const struct aps_graphql_options *o)
{
    for (size_t i = 0; i < n; i++)
        judge(f, rows[i].text, o, rows[i].want);
}
#define JUDGE(f, rows, o) judge_rows(f, rows, sizeof(rows) / sizeof *(rows), o)

/* POS-20: the grammar of October 2021. */
static void documents_are_read_strictly(void **state)
{
    static const struct row rows[] = {
        {T("{a}"), APS_GRAPHQL_OK},
        {T("query{a}"), APS_GRAPHQL_OK},
        {T("\xef\xbb\xbf query Q ( $a : Int = 1 , $b:[[A!]!]=[[1 2],[3]] @d(x:1) ) @e { a } # c"),
         APS_GRAPHQL_OK},
        {T("mutation{a(b:{c:[1,2.5,-0,1e9,-1.5E+3,\"x\",true,null,ENUM,$v],d:{}}){e}}"),
         APS_GRAPHQL_OK},
        {T("{a:b,c:d{e f}}"), APS_GRAPHQL_OK},
        {T("{a(s:\"\",t:\"\\u00e9\\n\\\"\",u:\"\"\"x \"\" \\\"\"\"\n y\"\"\")}"), APS_GRAPHQL_OK},
        {T("{a(s:\"\\ud83d\\ude00 \xf0\x9f\x98\x80\")}"), APS_GRAPHQL_OK},
        {T("{...{a}...@include(if:true){b}...on T{c}...F}fragment F on T@d{e}"), APS_GRAPHQL_OK},
        {T("{on fragment query type true null}"), APS_GRAPHQL_OK},
        {T("query on{a}"), APS_GRAPHQL_OK},
        {T("{a(x:[])}"), APS_GRAPHQL_OK},
        {T("{a(x:[[],[{}]] y:{a:[]})}"), APS_GRAPHQL_OK},
        {T(""), APS_GRAPHQL_SYNTAX},
        {T(" # x"), APS_GRAPHQL_SYNTAX},
        {T("{}"), APS_GRAPHQL_SYNTAX},
        {T("{a{}}"), APS_GRAPHQL_SYNTAX},
        {T("{a"), APS_GRAPHQL_SYNTAX},
        {T("{a}}"), APS_GRAPHQL_SYNTAX},
        {T("a"), APS_GRAPHQL_SYNTAX},
        {T("{a()}"), APS_GRAPHQL_SYNTAX},
        {T("{a(b)}"), APS_GRAPHQL_SYNTAX},
        {T("{a(b:)}"), APS_GRAPHQL_SYNTAX},
        {T("{a(b:[)}"), APS_GRAPHQL_SYNTAX},
        {T("{a(b:[})}"), APS_GRAPHQL_SYNTAX},
        {T("{a(b:{1:2})}"), APS_GRAPHQL_SYNTAX},
        {T("{a(b:{c 2})}"), APS_GRAPHQL_SYNTAX},
        {T("{a(b:{c:2]})}"), APS_GRAPHQL_SYNTAX},
        {T("{a:}"), APS_GRAPHQL_SYNTAX},
        {T("{1}"), APS_GRAPHQL_SYNTAX},
        {T("{a @}"), APS_GRAPHQL_SYNTAX},
        {T("{...}"), APS_GRAPHQL_SYNTAX},
        {T("{...on}"), APS_GRAPHQL_SYNTAX},
        {T("{...on{a}}"), APS_GRAPHQL_SYNTAX},
        {T("query()  {a}"), APS_GRAPHQL_SYNTAX},
        {T("query($a:Int=$b){a}"), APS_GRAPHQL_SYNTAX},
        {T("query($a:Int=[$b]){a}"), APS_GRAPHQL_SYNTAX},
        {T("query($a:Int@d(x:$b)){a}"), APS_GRAPHQL_SYNTAX},
        {T("query($a:[Int){a}"), APS_GRAPHQL_SYNTAX},
        {T("query($a:Int!!){a}"), APS_GRAPHQL_SYNTAX},
        {T("query(a:Int){a}"), APS_GRAPHQL_SYNTAX},
        {T("fragment on on T{a}{b}"), APS_GRAPHQL_SYNTAX},
        {T("fragment F T{a}{b}"), APS_GRAPHQL_SYNTAX},
        {T("{a}fragment F on T"), APS_GRAPHQL_SYNTAX},
        {T("type T{a:Int}"), APS_GRAPHQL_SYNTAX},
        {T("schema{query:Q}"), APS_GRAPHQL_SYNTAX},
        {T("{a}extend type T{a:Int}"), APS_GRAPHQL_SYNTAX},
        {T("{a|b}"), APS_GRAPHQL_SYNTAX},
        {T("{a&b}"), APS_GRAPHQL_SYNTAX},
        {T("{a..}"), APS_GRAPHQL_CHARACTER},
        {T("{a?}"), APS_GRAPHQL_CHARACTER},
        {T("{a;b}"), APS_GRAPHQL_CHARACTER},
        {T("{a\0}"), APS_GRAPHQL_CHARACTER},
        {T("{a#\x01\n}"), APS_GRAPHQL_CHARACTER},
        {T("{a(b:\"\x01\")}"), APS_GRAPHQL_CHARACTER},
        {T("{\xc3\xa9}"), APS_GRAPHQL_CHARACTER},
        {T("{a(b:\"\xff\")}"), APS_GRAPHQL_UTF8},
        {T("{a#\xc3"), APS_GRAPHQL_UTF8},
        {T("{a(b:\"\"\"\xed\xa0\x80\"\"\")}"), APS_GRAPHQL_UTF8},
        {T("{a(b:\"x)}"), APS_GRAPHQL_STRING},
        {T("{a(b:\"x\n\")}"), APS_GRAPHQL_STRING},
        {T("{a(b:\"\\x\")}"), APS_GRAPHQL_STRING},
        {T("{a(b:\"\\u12\")}"), APS_GRAPHQL_STRING},
        {T("{a(b:\"\\u{41}\")}"), APS_GRAPHQL_STRING},
        {T("{a(b:\"\\ud800\")}"), APS_GRAPHQL_STRING},
        {T("{a(b:\"\\udc00\")}"), APS_GRAPHQL_STRING},
        {T("{a(b:\"\"\"x\"\")}"), APS_GRAPHQL_STRING},
        {T("{a(b:\"\"\"x\\\"\"\")}"), APS_GRAPHQL_STRING},
        {T("{a(b:\"\\"), APS_GRAPHQL_STRING},
        {T("{a(b:01)}"), APS_GRAPHQL_NUMBER},
        {T("{a(b:-)}"), APS_GRAPHQL_NUMBER},
        {T("{a(b:1.)}"), APS_GRAPHQL_NUMBER},
        {T("{a(b:1.e1)}"), APS_GRAPHQL_NUMBER},
        {T("{a(b:1e)}"), APS_GRAPHQL_NUMBER},
        {T("{a(b:1x)}"), APS_GRAPHQL_NUMBER},
        {T("{a(b:1.5.5)}"), APS_GRAPHQL_NUMBER},
        {T("{a(b:0x1)}"), APS_GRAPHQL_NUMBER},
    };

    JUDGE((struct fixture *)*state, rows, &aps_graphql_strict);
}

/* POS-20 */
static void fragments_are_there_used_and_in_no_cycle(void **state)
{
    static const struct row rows[] = {
        {T("{...F}fragment F on T{a}"), APS_GRAPHQL_OK},
        {T("{...A}fragment B on T{b}fragment A on T{...B a}"), APS_GRAPHQL_OK},
        {T("{...A ...B ...A}fragment A on T{...B}fragment B on T{b}"), APS_GRAPHQL_OK},
        {T("{...F}"), APS_GRAPHQL_UNKNOWN},
        {T("{a}fragment A on T{...B}fragment B on T{...C}"), APS_GRAPHQL_UNKNOWN},
        {T("{a}fragment F on T{a}"), APS_GRAPHQL_UNUSED},
        {T("{a}fragment A on T{...B}fragment B on T{b}"), APS_GRAPHQL_UNUSED},
        {T("{...A}fragment A on T{a}fragment B on T{...A}"), APS_GRAPHQL_UNUSED},
        {T("{...F}fragment F on T{...F}"), APS_GRAPHQL_CYCLE},
        {T("{...A}fragment A on T{a{b{...B}}}fragment B on T{...on X{c{...A}}}"),
         APS_GRAPHQL_CYCLE},
        {T("{a}fragment A on T{...B}fragment B on T{...C}fragment C on T{...A}"),
         APS_GRAPHQL_CYCLE},
        {T("{...A}fragment A on T{a}fragment A on T{b}"), APS_GRAPHQL_DUPLICATE},
        {T("{a}{b}"), APS_GRAPHQL_DUPLICATE},
        {T("query A{a}{b}"), APS_GRAPHQL_DUPLICATE},
        {T("query A{a}mutation A{b}"), APS_GRAPHQL_DUPLICATE},
        {T("fragment A on T{a}"), APS_GRAPHQL_UNUSED},
        {T("query A{a}query B{b}"), APS_GRAPHQL_OPERATION},
        {T("query A{...A}fragment A on T{a}"), APS_GRAPHQL_OK},
    };

    JUDGE((struct fixture *)*state, rows, &aps_graphql_strict);
}

/* POS-20 */
static void what_is_off_is_refused(void **state)
{
    static const struct row rows[] = {
        {T("{__schema{types{name}}}"), APS_GRAPHQL_INTROSPECTION},
        {T("{__type(name:\"T\"){name}}"), APS_GRAPHQL_INTROSPECTION},
        {T("{x:__schema{a}}"), APS_GRAPHQL_INTROSPECTION},
        {T("{...F}fragment F on Query{__schema{a}}"), APS_GRAPHQL_INTROSPECTION},
        {T("{...on Query{__schema{a}}}"), APS_GRAPHQL_INTROSPECTION},
        {T("{__schema#\n{a}}"), APS_GRAPHQL_INTROSPECTION},
        {T("{__service{sdl}}"), APS_GRAPHQL_INTROSPECTION},
        {T("{__schema:a}"), APS_GRAPHQL_OK},
        {T("{a{__typename}}"), APS_GRAPHQL_OK},
        {T("{_schema}"), APS_GRAPHQL_OK},
        {T("subscription{a}"), APS_GRAPHQL_SUBSCRIPTION_OFF},
        {T("mutation{a}"), APS_GRAPHQL_OK},
    };
    static const struct row on[] = {
        {T("{__schema{types{name}}}"), APS_GRAPHQL_OK},
        {T("subscription{a}"), APS_GRAPHQL_OK},
        {T("mutation{a}"), APS_GRAPHQL_MUTATION_OFF},
    };
    struct aps_graphql_options o = aps_graphql_strict;

    JUDGE((struct fixture *)*state, rows, &aps_graphql_strict);
    o.introspection = o.subscriptions = true;
    o.mutations = false;
    JUDGE((struct fixture *)*state, on, &o);
}

/* POS-20: at each cap, and one above. */
static void caps_hold_with_fragments_expanded(void **state)
{
    static const struct aps_graphql_options o = {
        .bytes_max = 100,
        .tokens_max = 40,
        .depth_max = 3,
        .fields_max = 6,
        .roots_max = 3,
        .aliases_max = 2,
        .directives_max = 2,
        .fragments_max = 2,
        .operations_max = 1,
        .values_max = 2,
    };
    static const struct row rows[] = {
        {T("{a{b{c}}}"), APS_GRAPHQL_OK},
        {T("{a{b{c{d}}}}"), APS_GRAPHQL_DEPTH},
        {T("{a{...F}}fragment F on T{b{c}}"), APS_GRAPHQL_OK},
        {T("{a{b{...F}}}fragment F on T{c}"), APS_GRAPHQL_OK},
        {T("{a{b{...F}}}fragment F on T{c{d}}"), APS_GRAPHQL_DEPTH},
        {T("{a{b{...{...{...{...{c}}}}}}}"), APS_GRAPHQL_OK},
        {T("{a{b c d e f}}"), APS_GRAPHQL_OK},
        {T("{a{b c d e f g}}"), APS_GRAPHQL_FIELDS},
        {T("{x{...F}y{...F}}fragment F on T{a b}"), APS_GRAPHQL_OK},
        {T("{x{...F}y{...F}}fragment F on T{a b c}"), APS_GRAPHQL_FIELDS},
        {T("{a b c}"), APS_GRAPHQL_OK},
        {T("{a b c d}"), APS_GRAPHQL_ROOTS},
        {T("{a ...F ...on Q{d}}fragment F on Q{b}"), APS_GRAPHQL_OK},
        {T("{a ...F ...on Q{d}}fragment F on Q{b ...on Q{c}}"), APS_GRAPHQL_ROOTS},
        {T("{x:a y:b c}"), APS_GRAPHQL_OK},
        {T("{x:a y:b z:c}"), APS_GRAPHQL_ALIASES},
        {T("{a{...F}b{...F}c{...F}}fragment F on T{x:a}"), APS_GRAPHQL_ALIASES},
        {T("{a@x@y}"), APS_GRAPHQL_OK},
        {T("{a@x@y@z}"), APS_GRAPHQL_DIRECTIVES},
        {T("query@x{a@y ...F}fragment F on T@z{b}"), APS_GRAPHQL_DIRECTIVES},
        {T("query($a:I@x@y@z){a}"), APS_GRAPHQL_DIRECTIVES},
        {T("{...A...B}fragment A on T{a}fragment B on T{b}"), APS_GRAPHQL_OK},
        {T("{...A}fragment A on T{a}fragment B on T{b}fragment C on T{c}"), APS_GRAPHQL_FRAGMENTS},
        {T("query A{a}query B{b}"), APS_GRAPHQL_OPERATIONS},
        {T("{a(x:[[1]],y:{z:{w:1}})}"), APS_GRAPHQL_OK},
        {T("{a(x:[[[1]]])}"), APS_GRAPHQL_VALUES},
        {T("{a(x:[{y:[1]}])}"), APS_GRAPHQL_VALUES},
        {T("query($a:[[I]]){a}"), APS_GRAPHQL_OK},
        {T("query($a:[[[I]]]){a}"), APS_GRAPHQL_VALUES},
        {T("{a(x:[1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1])}"),
         APS_GRAPHQL_OK},
        {T("{a(x:[1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1])}"),
         APS_GRAPHQL_TOKENS},
        {T("{a}                                                                              "
           "                   "),
         APS_GRAPHQL_OK},
        {T("{a}                                                                              "
           "                    "),
         APS_GRAPHQL_BYTES},
    };
    static const struct aps_graphql_options none = {.bytes_max = 0};

    JUDGE((struct fixture *)*state, rows, &o);
    judge(*state, T("{a}"), &none, APS_GRAPHQL_BYTES);
}

/* Brackets of every kind, deeper than any stack: refused, and no call is deeper for it. */
static void deep_nesting_ends(void **state)
{
    static const char *const opens[] = {"{a", "{...", "{a(x:[", "[", "{", "{a(x:{y:", "..."};
    static char text[200000];
    struct fixture *f = *state;
    struct aps_graphql_options o = aps_graphql_strict;

    o.bytes_max = o.tokens_max = o.depth_max = o.values_max = UINT32_MAX;
    for (size_t k = 0; k < sizeof opens / sizeof *opens; k++) {
        const size_t n = strlen(opens[k]);
        size_t at = 0;

        for (; at + n < sizeof text; at += n)
            memcpy(text + at, opens[k], n);
        assert_int_not_equal(aps_graphql_text(&f->g, (struct aps_str){text, at}, &o),
                             APS_GRAPHQL_OK);
    }
    memcpy(text, "{a(x:", 5);
    memset(text + 5, '[', sizeof text - 5);
    assert_int_equal(aps_graphql_text(&f->g, (struct aps_str){text, sizeof text}, &o),
                     APS_GRAPHQL_VALUES);
}

/* POS-20: 2^50 fields are counted in 50 steps. */
static void exponential_fragments_end(void **state)
{
    struct fixture *f = *state;
    struct aps_graphql_options o = aps_graphql_strict;
    char text[8000];
    size_t n = (size_t)snprintf(text, sizeof text, "{...F0}");

    for (int i = 0; i < 49; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "fragment F%d on T{a{...F%d ...F%d}}", i,
                              i + 1, i + 1);
    n += (size_t)snprintf(text + n, sizeof text - n, "fragment F49 on T{a}");
    o.depth_max = 100;
    assert_int_equal(aps_graphql_text(&f->g, (struct aps_str){text, n}, &o), APS_GRAPHQL_FIELDS);
    o.fields_max = UINT32_MAX;
    assert_int_equal(aps_graphql_text(&f->g, (struct aps_str){text, n}, &o), APS_GRAPHQL_OK);
    assert_int_equal(f->g.seen.counts.fields, UINT32_MAX);
    assert_int_equal(f->g.seen.counts.depth, 50);
    assert_int_equal(f->g.seen.counts.roots, 1);
}

struct json_row {
    const char *text;
    enum aps_graphql_fault want;
    bool get;
};

static void judge_json(struct fixture *f, const char *text, bool get,
                       const struct aps_graphql_options *o, enum aps_graphql_fault want)
{
    assert_int_equal(aps_jsonread(&f->r, aps_str(text), &aps_jsonread_strict), APS_JSONREAD_OK);
    expect(f, text, aps_graphql_request_json(&f->g, &f->r, get, o), want);
}

/* POS-20 */
static void requests_in_json_are_read_strictly(void **state)
{
    static const struct json_row rows[] = {
        {"{\"query\":\"{a}\"}", APS_GRAPHQL_OK, false},
        {"{\"query\":\"{a}\",\"operationName\":null,\"variables\":null,\"extensions\":null}",
         APS_GRAPHQL_OK, false},
        {"{\"query\":\"query A{a}query B{b}\",\"operationName\":\"B\",\"variables\":{\"a\":1}}",
         APS_GRAPHQL_OK, false},
        {"{\"query\":\"query A{a}query B{b}\",\"operationName\":\"C\"}", APS_GRAPHQL_OPERATION,
         false},
        {"{\"query\":\"query A{a}query B{b}\",\"operationName\":\"\"}", APS_GRAPHQL_OPERATION,
         false},
        {"{\"query\":\"query A{a}query B{b}\"}", APS_GRAPHQL_OPERATION, false},
        {"{\"query\":\"{a}\",\"operationName\":\"A\"}", APS_GRAPHQL_OPERATION, false},
        {"{\"query\":\"{a}\",\"operationName\":\"\"}", APS_GRAPHQL_OPERATION, false},
        {"{\"query\":\"query A{...F}fragment F on T{a}\",\"operationName\":\"F\"}",
         APS_GRAPHQL_OPERATION, false},
        {"{\"query\":\"mutation{a}\"}", APS_GRAPHQL_OK, false},
        {"{\"query\":\"mutation{a}\"}", APS_GRAPHQL_METHOD, true},
        {"{\"query\":\"query A{a}mutation B{b}\",\"operationName\":\"A\"}", APS_GRAPHQL_METHOD,
         true},
        {"{\"query\":1}", APS_GRAPHQL_TYPE, false},
        {"{\"query\":[\"{a}\"]}", APS_GRAPHQL_TYPE, false},
        {"{\"query\":\"{a}\",\"operationName\":1}", APS_GRAPHQL_TYPE, false},
        {"{\"query\":\"{a}\",\"variables\":[]}", APS_GRAPHQL_TYPE, false},
        {"{\"query\":\"{a}\",\"variables\":\"{}\"}", APS_GRAPHQL_TYPE, false},
        {"{\"query\":\"{a}\",\"extensions\":1}", APS_GRAPHQL_TYPE, false},
        {"{\"query\":\"{a}\",\"id\":1}", APS_GRAPHQL_MEMBER, false},
        {"{}", APS_GRAPHQL_MISSING, false},
        {"{\"query\":null}", APS_GRAPHQL_MISSING, false},
        {"{\"query\":\"\"}", APS_GRAPHQL_SYNTAX, false},
        {"1", APS_GRAPHQL_REQUEST, false},
        {"\"{a}\"", APS_GRAPHQL_REQUEST, false},
        {"[]", APS_GRAPHQL_REQUEST, false},
        {"[{\"query\":\"{a}\"},{\"query\":\"{b}\"}]", APS_GRAPHQL_OK, false},
        {"[{\"query\":\"{a}\"},{\"query\":\"{b}\"},{\"query\":\"{c}\"}]", APS_GRAPHQL_BATCH, false},
        {"[{\"query\":\"{a}\"},{\"query\":\"{\"}]", APS_GRAPHQL_SYNTAX, false},
        {"[{\"query\":\"{a}\"},[{\"query\":\"{b}\"}]]", APS_GRAPHQL_REQUEST, false},
        {"{\"extensions\":{\"persistedQuery\":{\"version\":1,\"sha256Hash\":\"ab\"}}}",
         APS_GRAPHQL_HASH, false},
        {"{\"query\":\"{a}\",\"extensions\":{\"persistedQuery\":1}}", APS_GRAPHQL_HASH, false},
        {"{\"query\":\"{a}\",\"extensions\":{\"persistedQuery\":{\"version\":2}}}",
         APS_GRAPHQL_HASH, false},
        {"{\"query\":\"{a}\",\"extensions\":{\"other\":1}}", APS_GRAPHQL_OK, false},
    };
    struct aps_graphql_options o = aps_graphql_strict;
    struct fixture *f = *state;

    o.batch_max = 2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        judge_json(f, rows[i].text, rows[i].get, &o, rows[i].want);
    judge_json(f, "[{\"query\":\"{a}\"},{\"query\":\"{\"}]", false, &o, APS_GRAPHQL_SYNTAX);
    assert_int_equal(f->g.item, 1);
    judge_json(f, "[{\"query\":\"{a}\"}]", false, &aps_graphql_strict, APS_GRAPHQL_BATCH);
}

/* POS-20: an array asks no more than one request may. */
static void an_array_keeps_to_the_caps_as_a_whole(void **state)
{
    static const struct {
        const char *text;
        enum aps_graphql_fault want;
        uint32_t item;
    } rows[] = {
        {"[{'query':'{a b}'},{'query':'{a b}'}]", APS_GRAPHQL_OK, 1},
        {"[{'query':'{a b}'},{'query':'{a b}'},{'query':'{a}'}]", APS_GRAPHQL_BATCH_ROOTS, 2},
        {"[{'query':'{...F} fragment F on T{a b}'},{'query':'{a b c}'}]", APS_GRAPHQL_BATCH_ROOTS,
         1},
        {"[{'query':'{a{b{c}}}'},{'query':'{a{b{c}}}'}]", APS_GRAPHQL_OK, 1},
        {"[{'query':'{a{b{c d}}}'},{'query':'{a{b{c}}}'}]", APS_GRAPHQL_BATCH_FIELDS, 1},
        {"[{'query':'{x:a y:b}'},{'query':'{z:a}'}]", APS_GRAPHQL_OK, 1},
        {"[{'query':'{x:a y:b}'},{'query':'{z:a w:b}'}]", APS_GRAPHQL_BATCH_ALIASES, 1},
        {"[{'query':'{a@x}'},{'query':'{a@x}'}]", APS_GRAPHQL_OK, 1},
        {"[{'query':'{a@x}'},{'query':'{a@x@y}'}]", APS_GRAPHQL_BATCH_DIRECTIVES, 1},
        {"[{'query':'{a(b:[1 2 3 4 5 6])}'},{'query':'{a(b:[1 2 3 4 5 6])}'}]", APS_GRAPHQL_OK, 1},
        {"[{'query':'{a(b:[1 2 3 4 5 6])}'},{'query':'{a(b:[1 2 3 4 5 6 7])}'}]",
         APS_GRAPHQL_BATCH_TOKENS, 1},
        /* of a document with several operations, the one that is meant */
        {"[{'query':'query A{a}query B{a b c d}','operationName':'A'},{'query':'{a b c}'}]",
         APS_GRAPHQL_OK, 1},
    };
    static struct aps_graphql_options o;
    struct fixture *f = *state;
    struct aps_diag diag;

    o = aps_graphql_strict;
    o.batch_max = 3;
    o.tokens_max = 30;
    o.fields_max = 6;
    o.roots_max = 4;
    o.aliases_max = 3;
    o.directives_max = 2;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[256];

        (void)snprintf(text, sizeof text, "%s", rows[i].text); /* they fit */
        for (char *p = text; *p != '\0'; p++)
            if (*p == '\'')
                *p = '"';
        judge_json(f, text, false, &o, rows[i].want);
        assert_int_equal(f->g.item, rows[i].item);
    }
    judge_json(f, "[{\"query\":\"{a b c}\"},{\"query\":\"{a b}\"}]", false, &o,
               APS_GRAPHQL_BATCH_ROOTS);
    aps_graphql_fault_explain(&f->g, &diag);
    assert_non_null(strstr(diag.text, "GraphQL request 2, "));
    assert_non_null(strstr(diag.text, "together, fragments expanded, than 4"));
}

/* POS-20 */
static void requests_by_get_only_read(void **state)
{
    static const struct json_row rows[] = {
        {"query={a}", APS_GRAPHQL_OK, true},
        {"query=%7Ba+b%7D", APS_GRAPHQL_OK, true},
        {"%71uery=query+A{a}query+B{b}&operationName=A&variables={}&x=%", APS_GRAPHQL_PARAMETER,
         true},
        {"%71uery=query+A{a}query+B{b}&operationName=A&variables=%7b%22a%22:1}&x=1;y=2",
         APS_GRAPHQL_OK, true},
        {"query=mutation{a}", APS_GRAPHQL_METHOD, true},
        {"query=subscription{a}", APS_GRAPHQL_METHOD, true},
        {"query={a}&query={b}", APS_GRAPHQL_PARAMETER, true},
        {"query={a}&q%75ery={b}", APS_GRAPHQL_PARAMETER, true},
        {"query={a}%2", APS_GRAPHQL_PARAMETER, true},
        {"query={a}&variables=1", APS_GRAPHQL_TYPE, true},
        {"query={a}&variables=", APS_GRAPHQL_TYPE, true},
        {"query={a}&extensions={", APS_GRAPHQL_TYPE, true},
        {"query={a}&operationName=", APS_GRAPHQL_OPERATION, true},
        {"", APS_GRAPHQL_MISSING, true},
        {"a=b", APS_GRAPHQL_MISSING, true},
        {"Query={a}", APS_GRAPHQL_MISSING, true},
        {"query", APS_GRAPHQL_SYNTAX, true},
        {"query=%00", APS_GRAPHQL_CHARACTER, true},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(f, rows[i].text,
               aps_graphql_request_query(&f->g, aps_str(rows[i].text), &aps_graphql_strict),
               rows[i].want);
}

/* A request that brings the digest of `text`, and the text itself where `with`. */
static const char *persisted(apr_pool_t *pool, const char *text, const char *with)
{
    static char out[400];
    uint8_t sum[APS_DIGEST_LEN];
    size_t n;
    (void)pool;

    assert_int_equal(aps_digest_sum(aps_str(text), sum), APS_OK);
    n = (size_t)snprintf(
        out, sizeof out,
        "{%s%s%s\"extensions\":{\"persistedQuery\":{\"version\":1,\"sha256Hash\":\"",
        with != NULL ? "\"query\":\"" : "", with != NULL ? with : "", with != NULL ? "\"," : "");
    for (size_t i = 0; i < sizeof sum; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%02x", sum[i]);
    (void)snprintf(out + n, sizeof out - n, "\"}}}");
    return out;
}

/* POS-20: the list has the tokens of one document and the text of another. */
static void only_listed_documents_pass(void **state)
{
    struct fixture *f = *state;
    struct aps_graphql_known rows[2] = {{.reads = false}};
    const struct aps_graphql_list list = {rows, 2};
    struct aps_graphql_options o = aps_graphql_strict;

    assert_int_equal(aps_graphql_known_read(&f->g,
                                            T("query A { a(x: \"b  c\") ...F }\n"
                                              "fragment F on T { d, e }"),
                                            &o, &rows[0]),
                     APS_GRAPHQL_OK);
    assert_true(rows[0].reads);
    assert_int_equal(aps_digest_sum(T("mutation { m }"), rows[1].sum), APS_OK);
    aps_graphql_known_sort(rows, 2);
    o.list = &list;
    judge(f, T("#x\nquery A{a(x:\"b  c\")...F}fragment F on T{d e}"), &o, APS_GRAPHQL_OK);
    judge(f, T("query A{a(x:\"b c\")...F}fragment F on T{d e}"), &o, APS_GRAPHQL_UNLISTED);
    judge(f, T("query A{a(x:\"b  c\")...F}fragment F on T{de}"), &o, APS_GRAPHQL_UNLISTED);
    judge(f, T("query A{a(x:\"b  c\")...F}fragment F on T{d e f}"), &o, APS_GRAPHQL_UNLISTED);
    judge(f, T("mutation { m }"), &o, APS_GRAPHQL_OK);
    judge(f, T("mutation {m}"), &o, APS_GRAPHQL_UNLISTED);
    judge_json(f, persisted(f->pool, "mutation { m }", NULL), false, &o, APS_GRAPHQL_OK);
    judge_json(f, persisted(f->pool, "mutation { m }", NULL), true, &o, APS_GRAPHQL_METHOD);
    judge_json(f, persisted(f->pool, "mutation { m }", "mutation { m }"), false, &o,
               APS_GRAPHQL_OK);
    judge_json(f, persisted(f->pool, "{a}", NULL), false, &o, APS_GRAPHQL_UNLISTED);
    judge_json(f, persisted(f->pool, "{a}", NULL), false, &aps_graphql_strict,
               APS_GRAPHQL_UNLISTED);
    judge_json(f, persisted(f->pool, "{a}", "{a}"), true, &aps_graphql_strict, APS_GRAPHQL_OK);
    judge_json(f, persisted(f->pool, "{a}", "{b}"), false, &aps_graphql_strict, APS_GRAPHQL_HASH);
    o.list = &(const struct aps_graphql_list){NULL, 0};
    judge(f, T("{a}"), &o, APS_GRAPHQL_UNLISTED);
}

static void rows_of_a_list_are_read_strictly(void **state)
{
    struct fixture *f = *state;
    struct aps_graphql_known row;
    char hex[65] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    assert_int_equal(aps_graphql_known_parse(aps_str(hex), true, &row), APS_OK);
    assert_int_equal(row.sum[0], 0);
    assert_int_equal(row.sum[31], 0xff);
    assert_true(row.reads);
    assert_int_equal(aps_graphql_known_parse((struct aps_str){hex, 63}, true, &row),
                     APS_ERR_FORMAT);
    hex[63] = 'F';
    assert_int_equal(aps_graphql_known_parse(aps_str(hex), true, &row), APS_ERR_FORMAT);
    hex[63] = 'g';
    assert_int_equal(aps_graphql_known_parse(aps_str(hex), true, &row), APS_ERR_FORMAT);
    assert_int_equal(aps_graphql_known_read(&f->g, T("{"), &aps_graphql_strict, &row),
                     APS_GRAPHQL_SYNTAX);
    assert_int_equal(
        aps_graphql_known_read(&f->g, T("query A{a}mutation B{b}"), &aps_graphql_strict, &row),
        APS_GRAPHQL_OK);
    assert_false(row.reads);
}

static void what_is_asked_is_told(void **state)
{
    struct fixture *f = *state;

    judge_json(f,
               "{\"query\":\"query A{x:a{b}...F}mutation B{m} fragment F on T{c{d{y:e @z}}}\","
               "\"operationName\":\"A\"}",
               false, &aps_graphql_strict, APS_GRAPHQL_OK);
    assert_int_equal(f->g.seen.types, 1u << APS_GRAPHQL_QUERY);
    assert_true(aps_str_eq(f->g.seen.name, T("A")));
    assert_int_equal(f->g.seen.requests, 1);
    assert_int_equal(f->g.seen.counts.fields, 5);
    assert_int_equal(f->g.seen.counts.roots, 2);
    assert_int_equal(f->g.seen.counts.aliases, 2);
    assert_int_equal(f->g.seen.counts.directives, 1);
    assert_int_equal(f->g.seen.counts.depth, 3);
    assert_string_equal(aps_graphql_fault_name(APS_GRAPHQL_COUNT), "unknown");
    assert_int_equal(aps_graphql_text(&f->g, T("{a ?}"), &aps_graphql_strict),
                     APS_GRAPHQL_CHARACTER);
    assert_int_equal(f->g.fault_at, 3);
}

/* POS-20: where there is content, none of the parameters stands in the query. */
static void content_has_no_parameters_beside_it(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *query;
        enum aps_graphql_fault want;
    } cases[] = {
        {"", APS_GRAPHQL_OK},
        {"page=1&queries=2&=query", APS_GRAPHQL_OK},
        {"query", APS_GRAPHQL_PARAMETER},
        {"a=1&query=", APS_GRAPHQL_PARAMETER},
        {"%71uery=x", APS_GRAPHQL_PARAMETER},
        {"operationName=x", APS_GRAPHQL_PARAMETER},
        {"variables=x", APS_GRAPHQL_PARAMETER},
        {"extensions=x", APS_GRAPHQL_PARAMETER},
        {"a=%", APS_GRAPHQL_PARAMETER},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(f, cases[i].query,
               aps_graphql_request_none(&f->g, aps_str(cases[i].query), &aps_graphql_strict),
               cases[i].want);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(documents_are_read_strictly),
        TEST(fragments_are_there_used_and_in_no_cycle),
        TEST(what_is_off_is_refused),
        TEST(caps_hold_with_fragments_expanded),
        TEST(deep_nesting_ends),
        TEST(exponential_fragments_end),
        TEST(requests_in_json_are_read_strictly),
        TEST(an_array_keeps_to_the_caps_as_a_whole),
        TEST(requests_by_get_only_read),
        TEST(content_has_no_parameters_beside_it),
        TEST(only_listed_documents_pass),
        TEST(rows_of_a_list_are_read_strictly),
        TEST(what_is_asked_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
