#include "t.h"

#include "apisec/sf.h"
#include "t_pool.h"

static struct aps_sf *read_as(void **state, enum aps_sf_type type, const char *text)
{
    struct aps_sf *v = NULL;

    assert_int_equal(aps_sf_read(aps_str(text), type, &aps_sf_wide, *state, &v, NULL), APS_OK);
    return v;
}

static void assert_str(struct aps_str s, const char *want)
{
    assert_int_equal(s.n, strlen(want));
    if (s.n != 0)
        assert_memory_equal(s.p, want, s.n);
}

/* What is read comes out in the canonical form; NULL: it is refused. */
struct round {
    const char *from, *to;
};

static void rounds(void **state, enum aps_sf_type type, const struct round *rounds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct round *r = &rounds[i];
        struct aps_sf untouched, *v = &untouched;
        struct aps_diag diag = {""};
        struct aps_buf b;
        enum aps_err err = aps_sf_read(aps_str(r->from), type, &aps_sf_wide, *state, &v, &diag);

        if (r->to == NULL) {
            if (err != APS_ERR_FORMAT)
                fail_msg("%s is accepted", r->from);
            assert_ptr_equal(v, &untouched);
            assert_non_null(strstr(diag.text, ": want "));
            continue;
        }
        if (err != APS_OK)
            fail_msg("%s", diag.text);
        aps_buf_init(&b, *state, 1000);
        assert_int_equal(aps_sf_print(v, type, &b, NULL), APS_OK);
        assert_str(aps_buf_text(&b), r->to);
    }
}

#define ROUNDS(state, type, list) rounds(state, type, list, sizeof(list) / sizeof *(list))

/* RFC 9651 4.2.4, 3.3.1, 3.3.2: at and above the number of digits on both sides of the point. */
static void numbers(void **state) /* SIG-13 */
{
    static const struct round list[] = {
        {"0", "0"},
        {"-0", "0"},
        {"00", "0"},
        {"042", "42"},
        {"-42", "-42"},
        {"999999999999999", "999999999999999"},
        {"-999999999999999", "-999999999999999"},
        {"1000000000000000", NULL},
        {"0000000000000001", NULL},
        {"-1000000000000000", NULL},
        {"1.0", "1.0"},
        {"1.20", "1.2"},
        {"1.234", "1.234"},
        {"1.004", "1.004"},
        {"-0.5", "-0.5"},
        {"-0.0", "0.0"},
        {"999999999999.999", "999999999999.999"},
        {"1000000000000.0", NULL},
        {"0000000000001.0", NULL},
        {"1.2345", NULL},
        {"1.", NULL},
        {"1.a", NULL},
        {".1", NULL},
        {"-", NULL},
        {"-a", NULL},
        {"--1", NULL},
        {"+1", NULL},
        {"1..2", NULL},
        {"1.2.3", NULL},
        {"1e3", NULL},
        {"0x1", NULL},
        {"1 2", NULL},
        {"1,", NULL},
    };
    struct aps_sf *v;

    ROUNDS(state, APS_SF_ITEM, list);
    v = read_as(state, APS_SF_ITEM, "-1.5");
    assert_int_equal(v->kind, APS_SF_DECIMAL);
    assert_true(v->number == -1500);
    v = read_as(state, APS_SF_ITEM, "7");
    assert_int_equal(v->kind, APS_SF_INTEGER);
    assert_true(v->number == 7);
}

static void strings_and_tokens(void **state) /* SIG-13 */
{
    static const struct round list[] = {
        {"\"\"", "\"\""},
        {"\" a~\"", "\" a~\""},
        {"\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""},
        {"\"a\\", NULL},
        {"\"a\\\"", NULL},
        {"\"\\a\"", NULL},
        {"\"", NULL},
        {"\"a", NULL},
        {"\"\t\"", NULL},
        {"\"\x1f\"", NULL},
        {"\"\x7f\"", NULL},
        {"\"\xc3\xbc\"", NULL},
        {"\"a\"b", NULL},
        {"'a'", NULL},
        {"a", "a"},
        {"*", "*"},
        {"Z9!#$%&'*+-.^_`|~:/", "Z9!#$%&'*+-.^_`|~:/"},
        {"a(", NULL},
        {"a\"b\"", NULL},
        {"a=b", NULL},
        {"9a", NULL},
        {"a\x7f", NULL},
        {"a\xc3\xbc", NULL},
        {"", NULL},
        {"   ", NULL},
        {"  a  ", "a"},
        {"\ta", NULL},
        {"a\t", NULL},
        {"a\n", NULL},
    };
    struct aps_sf *v;
    struct aps_str nul = {"a\0b", 3};

    ROUNDS(state, APS_SF_ITEM, list);
    v = read_as(state, APS_SF_ITEM, "\"a\\\"b\\\\c\"");
    assert_int_equal(v->kind, APS_SF_STRING);
    assert_str(v->text, "a\"b\\c");
    v = read_as(state, APS_SF_ITEM, "text/html");
    assert_int_equal(v->kind, APS_SF_TOKEN);
    assert_str(v->text, "text/html");
    assert_int_equal(aps_sf_read(nul, APS_SF_ITEM, &aps_sf_wide, *state, &v, NULL), APS_ERR_FORMAT);
}

static void bytes(void **state) /* SIG-13 */
{
    static const struct round list[] = {
        {"::", "::"},         {":YQ==:", ":YQ==:"},
        {":YWI=:", ":YWI=:"}, {":YWJj:", ":YWJj:"},
        {":+/+/:", ":+/+/:"}, {":YQ:", ":YQ==:"}, /* without its padding */
        {":YWI:", ":YWI=:"},  {":YWJjYQ:", ":YWJjYQ==:"},
        {":YR==:", ":YQ==:"}, /* with bits that are not zero */
        {":Yf:", ":YQ==:"},   {":YWL=:", ":YWI=:"},
        {":Y/==:", ":Yw==:"}, {":YQ=:", NULL},
        {":YWI==:", NULL},    {":YWJj=:", NULL},
        {":=:", NULL},        {":====:", NULL},
        {":Y===:", NULL},     {":Y:", NULL},
        {":YWJjZ:", NULL},    {":Y=Q=:", NULL},
        {":-_-_:", NULL},     {":-_:", NULL},
        {":YQ ==:", NULL},    {":YQ==\n:", NULL},
        {":YQ==", NULL},      {":", NULL},
        {":YQ==:a", NULL},
    };
    struct aps_sf *v;

    ROUNDS(state, APS_SF_ITEM, list);
    v = read_as(state, APS_SF_ITEM, ":AP8Q:");
    assert_int_equal(v->kind, APS_SF_BYTES);
    assert_int_equal(v->text.n, 3);
    assert_memory_equal(v->text.p, "\x00\xff\x10", 3);
    assert_true(v->number == 0);
    assert_true(read_as(state, APS_SF_ITEM, ":YQ:")->number == 1);
    assert_true(read_as(state, APS_SF_ITEM, ":YR==:")->number == 1);
    assert_true(read_as(state, APS_SF_ITEM, "::")->number == 0);
}

static void other_values(void **state) /* SIG-13 */
{
    static const struct round list[] = {
        {"?0", "?0"},
        {"?1", "?1"},
        {"?", NULL},
        {"?2", NULL},
        {"?T", NULL},
        {"?10", NULL},
        {"@0", "@0"},
        {"@-1", "@-1"},
        {"@01", "@1"},
        {"@999999999999999", "@999999999999999"},
        {"@1000000000000000", NULL},
        {"@1.0", NULL},
        {"@", NULL},
        {"@a", NULL},
        {"@@1", NULL},
        {"%\"\"", "%\"\""},
        {"%\"a b\\\"", "%\"a b\\\""},
        {"%\"f%c3%bc\"", "%\"f%c3%bc\""},
        {"%\"%61%25%22\"", "%\"a%25%22\""},
        {"%\"%00%7f\"", "%\"%00%7f\""},
        {"%\"%C3%bc\"", NULL},
        {"%\"%c3%Bc\"", NULL},
        {"%\"%c3\"", NULL},
        {"%\"%c3%28\"", NULL},
        {"%\"%ed%a0%80\"", NULL},
        {"%\"%c0%80\"", NULL},
        {"%\"%\"", NULL},
        {"%\"%a\"", NULL},
        {"%\"%a", NULL},
        {"%\"%6g\"", NULL},
        {"%\"a", NULL},
        {"%\"\xc3\xbc\"", NULL},
        {"%\"\t\"", NULL},
        {"%a", NULL},
        {"%", NULL},
        {"%\"", NULL},
    };
    struct aps_sf *v;

    ROUNDS(state, APS_SF_ITEM, list);
    v = read_as(state, APS_SF_ITEM, "%\"f%c3%bc\"");
    assert_int_equal(v->kind, APS_SF_DISPLAY);
    assert_str(v->text, "f\xc3\xbc");
    v = read_as(state, APS_SF_ITEM, "@1659578233");
    assert_int_equal(v->kind, APS_SF_DATE);
    assert_true(v->number == 1659578233);
    v = read_as(state, APS_SF_ITEM, "?1");
    assert_int_equal(v->kind, APS_SF_BOOLEAN);
    assert_true(v->number == 1);
}

static void lists(void **state) /* SIG-13 */
{
    static const struct round list[] = {
        {"", ""},
        {"  ", ""},
        {"a", "a"},
        {"a,b", "a, b"},
        {"a \t,\t b", "a, b"},
        {"a, a", "a, a"},
        {"  a,b  ", "a, b"},
        {"()", "()"},
        {"( )", "()"},
        {"(  1   2 )", "(1 2)"},
        {"(1;a 2;b=3);c=\"d\", e", "(1;a 2;b=3);c=\"d\", e"},
        {"((1))", NULL},
        {"(1", NULL},
        {"(", NULL},
        {")", NULL},
        {"(1,2)", NULL},
        {"(1\t2)", NULL},
        {"(\"a\"\"b\")", NULL},
        {"(1 2", NULL},
        {"(1 ;a)", NULL},
        {"a,", NULL},
        {"a, ", NULL},
        {",a", NULL},
        {"a,,b", NULL},
        {"a b", NULL},
        {"\ta", NULL},
        {"a=1", NULL},
    };

    ROUNDS(state, APS_SF_LIST, list);
}

static void dictionaries(void **state) /* SIG-13 */
{
    static const struct round list[] = {
        {"", ""},
        {"a", "a"},
        {"a=?1", "a"},
        {"a=?0", "a=?0"},
        {"a=1,b;x=2, c=(1 2);y", "a=1, b;x=2, c=(1 2);y"},
        {"a=?1;x", "a;x"},
        {"*a_b-c.d*9=1", "*a_b-c.d*9=1"},
        {"a=1,b=2,a=3", "a=3, b=2"},
        {"a=(1);x,b,a", "a, b"},
        {"a;x=1;y;x=2", "a;x=2;y"},
        {"A=1", NULL},
        {"a =1", NULL},
        {"a= 1", NULL},
        {"1a=1", NULL},
        {"_a", NULL},
        {"a=", NULL},
        {"a=1 b=2", NULL},
        {"a,", NULL},
        {"a;", NULL},
        {"a;X", NULL},
        {"a;x=", NULL},
        {"a;x=(1)", NULL},
        {"a; x", "a;x"},
        {"a;\tx", NULL},
        {"a ;x", NULL},
        {"\"a\"=1", NULL},
    };

    ROUNDS(state, APS_SF_DICTIONARY, list);
}

/* Any error voids the whole field, wherever it is: a prefix that is a value does not count. */
static void an_error_voids_the_field(void **state) /* SIG-13 */
{
    static const char good[] = "sig1=(\"@method\" \"a\";key=\"b\");created=1, sig2=:YQ==:";
    char text[sizeof good];

    (void)read_as(state, APS_SF_DICTIONARY, good);
    for (size_t i = 0; i < sizeof good - 1; i++) {
        struct aps_sf untouched, *v = &untouched;

        memcpy(text, good, sizeof good);
        text[i] = '\x80';
        assert_int_equal(
            aps_sf_read(aps_str(text), APS_SF_DICTIONARY, &aps_sf_wide, *state, &v, NULL),
            APS_ERR_FORMAT);
        assert_ptr_equal(v, &untouched);
    }
}

static void nodes_are_what_the_text_says(void **state)
{
    const struct aps_sf *v = read_as(state, APS_SF_DICTIONARY, "a=(1 \"x\";p=?0);q=@5, b=2"), *p;

    assert_str(v->key, "a");
    assert_int_equal(v->kind, APS_SF_INNER);
    assert_true(v->items->number == 1);
    assert_null(v->items->params);
    assert_str(v->items->next->text, "x");
    assert_null(v->items->next->next);
    p = aps_sf_get(v->items->next->params, APS_STR_LIT("p"));
    assert_int_equal(p->kind, APS_SF_BOOLEAN);
    assert_true(p->number == 0);
    p = aps_sf_get(v->params, APS_STR_LIT("q"));
    assert_int_equal(p->kind, APS_SF_DATE);
    assert_ptr_equal(aps_sf_get(v, APS_STR_LIT("b")), v->next);
    assert_null(aps_sf_get(v, APS_STR_LIT("c")));
    assert_null(aps_sf_get(NULL, APS_STR_LIT("c")));
    assert_null(v->next->next);
    assert_null(read_as(state, APS_SF_LIST, ""));
}

/* On both sides of the number from which keys are kept in order, and of their room: new ones
 * before, between and behind the others, and each once more. */
static void keys_are_found_however_many(void **state)
{
    for (uint32_t n = 1; n <= 200; n += n < 70 ? 1 : 13) {
        struct aps_buf b;
        struct aps_sf *v;
        uint32_t seen = 0;

        aps_buf_init(&b, *state, SIZE_MAX);
        for (uint32_t i = 0; i < 2 * n; i++) {
            char member[40];

            (void)snprintf(member, sizeof member, "%sk%u=%u", i == 0 ? "" : ",", i % n * 101 % 257,
                           i);
            aps_buf_add(&b, aps_str(member));
        }
        assert_int_equal(
            aps_sf_read(aps_buf_text(&b), APS_SF_DICTIONARY, &aps_sf_wide, *state, &v, NULL),
            APS_OK);
        for (struct aps_sf *w = v; w != NULL; w = w->next, seen++) {
            assert_true(w->number == n + seen); /* at the first place, with the last value */
            assert_ptr_equal(aps_sf_get(v, w->key), w);
        }
        assert_int_equal(seen, n);
    }
}

/* `n` times `piece`, between a start and an end. */
static struct aps_str repeat(void **state, const char *start, const char *piece, size_t n,
                             const char *end)
{
    struct aps_buf b;

    aps_buf_init(&b, *state, SIZE_MAX);
    aps_buf_add(&b, aps_str(start));
    for (size_t i = 0; i < n; i++)
        aps_buf_add(&b, aps_str(piece));
    aps_buf_add(&b, aps_str(end));
    return aps_buf_text(&b);
}

static enum aps_err try_read(void **state, enum aps_sf_type type,
                             const struct aps_sf_limits *limits, struct aps_str text)
{
    struct aps_diag diag;
    struct aps_sf *v;
    enum aps_err err = aps_sf_read(text, type, limits, *state, &v, &diag);

    if (err == APS_ERR_RANGE)
        assert_non_null(strstr(diag.text, "want "));
    return err;
}

/* Below, at and above each limit. */
static void limits_hold(void **state)
{
    static const struct {
        enum aps_sf_type type;
        const char *start, *piece, *end; /* piece n times makes n + 1 of them */
        uint32_t max;
    } cases[] = {
        {APS_SF_LIST, "a", ",a", "", 1024},
        {APS_SF_DICTIONARY, "a", ",a", "", 1024}, /* the same key counts each time */
        {APS_SF_LIST, "(1", " 1", ")", 256},
        {APS_SF_LIST, "b,(1", " 1", "),c", 256},
        {APS_SF_ITEM, "a;b", ";b", "", 256},
        {APS_SF_LIST, "();b", ";b", "", 256},
        {APS_SF_LIST, "(1;b", ";b", ")", 256},
        {APS_SF_DICTIONARY, "a;b", ";b", "", 256},
        {APS_SF_ITEM, "\"aaa", "a", "\"", 65536 - 4},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint32_t k = cases[i].max - 1; k <= cases[i].max + 1; k++) {
            enum aps_err err =
                try_read(state, cases[i].type, &aps_sf_wide,
                         repeat(state, cases[i].start, cases[i].piece, k - 1, cases[i].end));

            assert_int_equal(err, k <= cases[i].max ? APS_OK : APS_ERR_RANGE);
        }
}

static void zeroed_limits_refuse_all_but_nothing(void **state)
{
    static const struct aps_sf_limits none = {0};

    assert_int_equal(try_read(state, APS_SF_LIST, &none, APS_STR_LIT("a")), APS_ERR_RANGE);
    assert_int_equal(try_read(state, APS_SF_LIST, &none, (struct aps_str){NULL, 0}), APS_OK);
    assert_int_equal(try_read(state, APS_SF_ITEM, &none, (struct aps_str){NULL, 0}),
                     APS_ERR_FORMAT);
}

/* What a program makes up is checked as what comes from outside is. */
static void what_no_field_can_say_is_not_printed(void **state)
{
    struct aps_sf inner = {.kind = APS_SF_INNER};
    struct aps_sf deep = {.kind = APS_SF_INNER, .items = &inner};
    struct aps_sf key = {.kind = APS_SF_INTEGER, .key = APS_STR_LIT("A")};
    struct aps_sf keyed = {.kind = APS_SF_TOKEN, .text = APS_STR_LIT("a"), .params = &key};
    const struct {
        struct aps_sf v;
        enum aps_sf_type type;
        enum aps_err err;
    } cases[] = {
        {{.kind = APS_SF_NONE}, APS_SF_ITEM, APS_ERR_FORMAT},
        {{.kind = APS_SF_NONE}, APS_SF_LIST, APS_ERR_FORMAT},
        {inner, APS_SF_ITEM, APS_ERR_FORMAT},
        {inner, APS_SF_LIST, APS_OK},
        {deep, APS_SF_LIST, APS_ERR_FORMAT},
        {keyed, APS_SF_ITEM, APS_ERR_FORMAT},
        {{.kind = APS_SF_INTEGER, .number = APS_SF_NUMBER_MAX}, APS_SF_ITEM, APS_OK},
        {{.kind = APS_SF_INTEGER, .number = APS_SF_NUMBER_MAX + 1}, APS_SF_ITEM, APS_ERR_RANGE},
        {{.kind = APS_SF_DECIMAL, .number = -APS_SF_NUMBER_MAX}, APS_SF_ITEM, APS_OK},
        {{.kind = APS_SF_DECIMAL, .number = -APS_SF_NUMBER_MAX - 1}, APS_SF_ITEM, APS_ERR_RANGE},
        {{.kind = APS_SF_DATE, .number = INT64_MIN}, APS_SF_ITEM, APS_ERR_RANGE},
        {{.kind = APS_SF_STRING, .text = APS_STR_LIT("a\n")}, APS_SF_ITEM, APS_ERR_FORMAT},
        {{.kind = APS_SF_STRING, .text = APS_STR_LIT("\xc3\xbc")}, APS_SF_ITEM, APS_ERR_FORMAT},
        {{.kind = APS_SF_STRING}, APS_SF_ITEM, APS_OK},
        {{.kind = APS_SF_TOKEN}, APS_SF_ITEM, APS_ERR_FORMAT},
        {{.kind = APS_SF_TOKEN, .text = APS_STR_LIT("1")}, APS_SF_ITEM, APS_ERR_FORMAT},
        {{.kind = APS_SF_TOKEN, .text = APS_STR_LIT("a b")}, APS_SF_ITEM, APS_ERR_FORMAT},
        {{.kind = APS_SF_TOKEN, .text = APS_STR_LIT("a\0b")}, APS_SF_ITEM, APS_ERR_FORMAT},
        {{.kind = APS_SF_DISPLAY, .text = APS_STR_LIT("\xff")}, APS_SF_ITEM, APS_ERR_FORMAT},
        {{.kind = APS_SF_INTEGER}, APS_SF_DICTIONARY, APS_ERR_FORMAT},
        {key, APS_SF_DICTIONARY, APS_ERR_FORMAT},
        {{.kind = APS_SF_INTEGER, .key = APS_STR_LIT("a=")}, APS_SF_DICTIONARY, APS_ERR_FORMAT},
        {{.kind = APS_SF_INTEGER, .key = APS_STR_LIT("9")}, APS_SF_DICTIONARY, APS_ERR_FORMAT},
        {{.kind = APS_SF_INTEGER, .key = APS_STR_LIT("*9")}, APS_SF_DICTIONARY, APS_OK},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aps_diag diag = {""};
        struct aps_buf b;

        aps_buf_init(&b, *state, 100);
        aps_buf_add(&b, APS_STR_LIT("before"));
        assert_int_equal(aps_sf_print(&cases[i].v, cases[i].type, &b, &diag), cases[i].err);
        if (cases[i].err != APS_OK) {
            assert_str(aps_buf_text(&b), "before");
            assert_non_null(strstr(diag.text, "want "));
        }
    }
    struct aps_buf b;
    aps_buf_init(&b, *state, 100);
    assert_int_equal(aps_sf_print(NULL, APS_SF_ITEM, &b, NULL), APS_ERR_FORMAT);
    assert_int_equal(aps_sf_print(NULL, APS_SF_DICTIONARY, &b, NULL), APS_OK);
}

/* The last byte that fits, and one less. */
static void a_full_buffer_gets_nothing(void **state)
{
    static const char text[] = "a=(1 :AP8QAP8Q:);b=\"c\", d=%\"%c3%bc\"";
    struct aps_sf *v = read_as(state, APS_SF_DICTIONARY, text);

    for (size_t max = 0; max <= sizeof text; max++) {
        struct aps_buf b;

        aps_buf_init(&b, *state, max);
        if (max < sizeof text - 1) {
            assert_int_equal(aps_sf_print(v, APS_SF_DICTIONARY, &b, NULL), APS_ERR_NOMEM);
            assert_int_equal(b.n, 0);
        } else {
            assert_int_equal(aps_sf_print(v, APS_SF_DICTIONARY, &b, NULL), APS_OK);
            assert_str(aps_buf_text(&b), text);
        }
    }
}

/* RFC 9421 2.1.2: the member's value alone. */
static void a_member_is_printed_without_its_key(void **state)
{
    static const struct round list[] = {
        {"a", "1"},
        {"b", "2;x=1;y=2"},
        {"c", "(a b c)"},
        {"d", "?1"},
    };
    struct aps_sf *v = read_as(state, APS_SF_DICTIONARY, "a=1, b=2;x=1;y=2, c=(a   b    c), d");

    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct aps_buf b;

        aps_buf_init(&b, *state, 100);
        assert_int_equal(aps_sf_print_value(aps_sf_get(v, aps_str(list[i].from)), &b, NULL),
                         APS_OK);
        assert_str(aps_buf_text(&b), list[i].to);
    }
}

static void a_fault_is_explained(void **state)
{
    struct aps_diag diag;
    struct aps_sf *v;

    assert_int_equal(
        aps_sf_read(APS_STR_LIT("a=1,b= 2"), APS_SF_DICTIONARY, &aps_sf_wide, *state, &v, &diag),
        APS_ERR_FORMAT);
    assert_string_equal(diag.text, "structured field \"a=1,b= 2\", byte 6: want a value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(numbers),
        t_pool_test(strings_and_tokens),
        t_pool_test(bytes),
        t_pool_test(other_values),
        t_pool_test(lists),
        t_pool_test(dictionaries),
        t_pool_test(an_error_voids_the_field),
        t_pool_test(nodes_are_what_the_text_says),
        t_pool_test(keys_are_found_however_many),
        t_pool_test(limits_hold),
        t_pool_test(zeroed_limits_refuse_all_but_nothing),
        t_pool_test(what_no_field_can_say_is_not_printed),
        t_pool_test(a_full_buffer_gets_nothing),
        t_pool_test(a_member_is_printed_without_its_key),
        t_pool_test(a_fault_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
