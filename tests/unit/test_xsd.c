/* POS-15, POS-16, POS-21: schemas are compiled from a bundle and from nothing else, what a
 * document says of its schema is not looked at, failures say where and what was expected, and what
 * would take too long is refused. */
#include "t.h"
#include "t_pool.h"

#include <apr_strings.h>

#include "apisec/buf.h"
#include "apisec/xsd.h"

#define XSD(body) "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>" body "</xs:schema>"

static const char order[] =
    XSD("<xs:element name='order'><xs:complexType><xs:sequence>"
        "<xs:element name='item' maxOccurs='unbounded'><xs:complexType><xs:sequence>"
        "<xs:element name='n' type='number'/><xs:element name='code' minOccurs='0'><xs:simpleType>"
        "<xs:restriction base='xs:string'><xs:pattern value='[A-Z]{2}-\\d+'/></xs:restriction>"
        "</xs:simpleType></xs:element></xs:sequence>"
        "<xs:attribute name='id' type='xs:int' use='required'/></xs:complexType></xs:element>"
        "</xs:sequence></xs:complexType></xs:element>"
        "<xs:simpleType name='number'><xs:restriction base='xs:int'><xs:maxInclusive value='9'/>"
        "</xs:restriction></xs:simpleType>");

static aps_nsec stopped(void)
{
    return 1;
}

/* What is asked for is not done in a time of the test's machine. */
static const struct aps_xsd_options patient = {&aps_xml_strict, stopped, APS_SEC, false};

static const struct aps_xsd *compile(apr_pool_t *pool, const char *text)
{
    const struct aps_xsd_source source = {APS_STR_LIT("main.xsd"), aps_str(text)};
    const struct aps_xsd *xsd = NULL;
    struct aps_diag diag = {""};

    if (aps_xsd_compile(&source, 1, pool, &xsd, &diag) != APS_OK)
        fail_msg("%s", diag.text);
    return xsd;
}

static struct aps_xsd_check *check_pieces(apr_pool_t *pool, const struct aps_xsd *xsd,
                                          const struct aps_xsd_options *options,
                                          struct aps_str text, size_t piece)
{
    struct aps_xsd_check *c = aps_xsd_check_new(pool, xsd, options);

    assert_non_null(c);
    for (size_t at = 0, n; at < text.n; at += n) {
        n = text.n - at < piece ? text.n - at : piece;
        if (!aps_xsd_check_feed(c, (struct aps_str){text.p + at, n}))
            break;
    }
    return c;
}

/* The verdict and failures, as text: the same in one piece and in many. */
static const char *judge(apr_pool_t *pool, const struct aps_xsd *xsd, struct aps_str text)
{
    const char *seen[2] = {NULL, NULL};

    for (size_t k = 0; k < 2; k++) {
        struct aps_xsd_check *c = check_pieces(pool, xsd, &patient, text, k == 0 ? text.n + 1 : 3);
        const char *name = aps_xsd_check_name(aps_xsd_check_finish(c));
        struct aps_json w;

        aps_json_init_pool(&w, pool, 0);
        aps_json_array(&w);
        for (uint32_t i = 0; i < aps_xsd_check_failures(c); i++)
            aps_xsd_check_print(c, i, &w);
        aps_json_end(&w);
        seen[k] = apr_psprintf(pool, "%s %s", name, aps_json_text(&w).p);
        aps_xsd_check_close(c);
    }
    assert_string_equal(seen[0], seen[1]);
    return seen[0];
}

#define FAILURE(pointer, keyword, expected, value)                                                 \
    "{\"pointer\":\"" pointer "\",\"keyword\":\"" keyword "\",\"schema\":\"main.xsd\","            \
    "\"expected\":\"" expected "\",\"value\":\"" value "\"}"

static const struct {
    const char *text, *want;
} rows[] = {
    {"<order><item id='1'><n>3</n></item></order>", "valid []"},
    {"<order><item id='1'><n>3</n><code>AB-12</code></item></order>", "valid []"},
    {"<order xmlns=''><item xmlns='' id='1'><n xmlns:p='u'>3</n></item></order>", "valid []"},
    {"<order><item id='1'><n>3</n></item><item id='2'><n>x</n></item></order>",
     "invalid [" FAILURE("/order/item[2]/n", "type", "a valid value of the atomic type 'number'.",
                         "x") "]"},
    {"<order><item id='1'><n>30</n></item></order>",
     "invalid [" FAILURE("/order/item/n", "maxInclusive",
                         "The value '30' is greater than the maximum value allowed ('9').",
                         "30") "]"},
    {"<order><item id='1'><n>3</n><code>A&amp;-1</code></item></order>",
     "invalid [" FAILURE("/order/item/code", "pattern",
                         "accepted by the pattern '[A-Z]{2}-\\\\d+'.", "A&-1") "]"},
    {"<order><item id='a&amp;'><n>3</n></item></order>",
     "invalid [" FAILURE("/order/item/@id", "type", "a valid value of the atomic type 'xs:int'.",
                         "a&") "]"},
    {"<order><item><n>3</n></item></order>",
     "invalid [" FAILURE("/order/item", "attribute", "The attribute 'id' is required but missing.",
                         "") "]"},
    {"<order><item id='1'/></order>",
     "invalid [" FAILURE("/order/item", "content", "Missing child element(s). Expected is ( n ).",
                         "") "]"},
    {"<order><item id='1'><m>3</m></item></order>",
     "invalid [" FAILURE("/order/item/m", "content",
                         "This element is not expected. Expected is ( n ).", "") "]"},
    {"<other/>", "invalid [" FAILURE(
                     "/other", "content",
                     "No matching global declaration available for the validation root.", "") "]"},
    /* where a document says its schema is, nobody looks */
    {"<order xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
     "xsi:noNamespaceSchemaLocation='/nosuch.xsd' xsi:schemaLocation='u http://127.0.0.1:1/u.xsd'>"
     "<item id='1'><n>3</n></item></order>",
     "valid []"},
    {"<other xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
     "xsi:noNamespaceSchemaLocation='data:,'/>",
     "invalid [" FAILURE("/other", "content",
                         "No matching global declaration available for the validation root.",
                         "") "]"},
    /* the XML comes first */
    {"<!DOCTYPE order SYSTEM 'x'><order/>", "xml []"},
    {"<order>", "xml []"},
};

static void failures_say_where_and_what(void **state) /* POS-16, POS-21 */
{
    const struct aps_xsd *xsd = compile(*state, order);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(judge(*state, xsd, aps_str(rows[i].text)), rows[i].want);
}

static void a_long_value_is_shortened_and_ten_failures_are_listed(void **state) /* POS-21 */
{
    const struct aps_xsd *xsd = compile(*state, order);
    struct aps_xsd_options first = patient;
    struct aps_xsd_check *c;
    struct aps_buf b;
    const char *seen;

    aps_buf_init(&b, *state, 1u << 20);
    aps_buf_add(&b, APS_STR_LIT("<order>"));
    for (unsigned i = 0; i < 12; i++)
        aps_buf_add(
            &b, APS_STR_LIT("<item id='1'><n>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                            "aaaaaaaaaaaa\xc3\xa4\xc3\xa4</n></item>"));
    aps_buf_add(&b, APS_STR_LIT("</order>"));
    seen = judge(*state, xsd, aps_buf_text(&b));
    assert_non_null(strstr(seen, "\"/order/item[10]/n\""));
    assert_null(strstr(seen, "item[11]"));
    assert_non_null(strstr(seen, "aaa\"}"));
    assert_null(strstr(seen, "\\\\x"));
    first.first = true;
    c = check_pieces(*state, xsd, &first, aps_buf_text(&b), 100);
    assert_int_equal(aps_xsd_check_finish(c), APS_XSD_INVALID);
    assert_int_equal(aps_xsd_check_failures(c), 1);
    aps_xsd_check_close(c);
    c = check_pieces(*state, xsd, &first, APS_STR_LIT("<order><item a='1' b='2'/></order>"), 100);
    assert_int_equal(aps_xsd_check_finish(c), APS_XSD_INVALID); /* one tag, three failures */
    assert_int_equal(aps_xsd_check_failures(c), 1);
    aps_xsd_check_close(c);
}

static void many_names_of_siblings_are_counted_among_all(void **state)
{
    const struct aps_xsd *xsd =
        compile(*state, XSD("<xs:element name='r'><xs:complexType><xs:sequence>"
                            "<xs:any maxOccurs='unbounded' processContents='lax'/>"
                            "</xs:sequence></xs:complexType></xs:element>"
                            "<xs:element name='x' type='xs:int'/>"));

    assert_string_equal(judge(*state, xsd,
                              APS_STR_LIT("<r><a/><b/><c/><d/><e/><f/><g/><h/><i/><j/><k/><l/><m/>"
                                          "<n/><o/><p/><x>?</x><a/></r>")),
                        "invalid [" FAILURE("/r/*[17]", "type",
                                            "a valid value of the atomic type 'xs:int'.", "?") "]");
}

/* ---- bundles */

static enum aps_err compile_bundle(apr_pool_t *pool, const char *const *texts, uint32_t n,
                                   const struct aps_xsd **out, struct aps_diag *diag)
{
    struct aps_xsd_source sources[4];

    for (uint32_t i = 0; i < n; i++)
        sources[i] = (struct aps_xsd_source){aps_str(texts[2 * (size_t)i]),
                                             aps_str(texts[2 * (size_t)i + 1])};
    return aps_xsd_compile(sources, n, pool, out, diag);
}

#define SCHEMA "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' "

static void references_lead_to_the_bundle_alone(void **state) /* POS-16 */
{
    static const char *const texts[] = {
        "api/main.xsd",
        SCHEMA
        "xmlns:t='urn:t' xmlns='urn:m' targetNamespace='urn:m' elementFormDefault='qualified'>"
        "<xs:include schemaLocation='parts/item.xsd'/>"
        "<xs:import namespace='urn:t' schemaLocation='http://schemas.invalid/t.xsd'/>"
        "<xs:element name='m'><xs:complexType><xs:sequence><xs:element ref='item'/>"
        "</xs:sequence><xs:attribute ref='t:a'/></xs:complexType></xs:element></xs:schema>",
        "api/parts/item.xsd",
        SCHEMA "><xs:include schemaLocation='../main.xsd'/><xs:element name='item' type='xs:int'/>"
               "</xs:schema>",
        "http://schemas.invalid/t.xsd",
        SCHEMA "targetNamespace='urn:t'><xs:attribute name='a' type='xs:int'/></xs:schema>",
    };
    const struct aps_xsd *xsd = NULL;
    struct aps_diag diag = {""};

    if (compile_bundle(*state, texts + 0, 3, &xsd, &diag) != APS_OK)
        fail_msg("%s", diag.text);
    assert_string_equal(judge(*state, xsd,
                              APS_STR_LIT("<m xmlns='urn:m' xmlns:t='urn:t' t:a='1'>"
                                          "<item>1</item></m>")),
                        "valid []");
    assert_non_null(strstr(judge(*state, xsd,
                                 APS_STR_LIT("<m xmlns='urn:m' xmlns:t='urn:t' "
                                             "t:a='x'><item>y</item></m>")),
                           "/m/item"));
    assert_int_equal(compile_bundle(*state, texts, 2, &xsd, &diag), APS_ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "http://schemas.invalid/t.xsd"));
}

/* An import without a place finds the text of its namespace; a file of the machine is never one. */
static void nothing_is_loaded_from_elsewhere(void **state) /* POS-16 */
{
    static const char *const texts[] = {
        "main.xsd",
        SCHEMA "xmlns:t='urn:t'><xs:import namespace='urn:t'/>"
               "<xs:element name='m' type='t:x'/></xs:schema>",
        "t.xsd",
        SCHEMA "targetNamespace='urn:t'><xs:simpleType name='x'><xs:restriction base='xs:int'/>"
               "</xs:simpleType></xs:schema>",
    };
    static const char *const places[] = {
        "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/", "apisec-bundle:///0",
        "main",        "../main.xsd"};
    const struct aps_xsd *xsd = NULL;
    struct aps_diag diag = {""};

    if (compile_bundle(*state, texts, 2, &xsd, &diag) != APS_OK)
        fail_msg("%s", diag.text);
    assert_string_equal(judge(*state, xsd, APS_STR_LIT("<m>1</m>")), "valid []");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *const bad[] = {
            "main.xsd", apr_psprintf(*state, XSD("<xs:include schemaLocation='%s'/>"), places[i])};

        assert_int_equal(compile_bundle(*state, bad, 1, &xsd, &diag), APS_ERR_NOT_FOUND);
        assert_non_null(strstr(diag.text, places[i]));
    }
}

static const struct {
    const char *text;
    enum aps_err err;
    const char *why;
} broken[] = {
    {"", APS_ERR_FORMAT, "not well-formed"},
    {"<a/>", APS_ERR_FORMAT, "its outermost element is not xs:schema"},
    {"<!DOCTYPE a><a/>", APS_ERR_FORMAT, "a document type"},
    {XSD("<xs:element name='a' type='b'/>"), APS_ERR_FORMAT, "line 1: "},
    {XSD("<xs:element/>"), APS_ERR_FORMAT, "line 1: "},
    {XSD("<xs:simpleType name='t'><xs:restriction base='xs:string'><xs:pattern value='('/>"
         "</xs:restriction></xs:simpleType>"),
     APS_ERR_FORMAT, "line 1: "},
    {XSD("<xs:element name='a'><xs:complexType><xs:sequence><xs:element name='b' minOccurs='0'/>"
         "<xs:element name='b'/></xs:sequence></xs:complexType></xs:element>"),
     APS_ERR_FORMAT, "determinist"},
    {XSD("<xs:group name='g'><xs:sequence><xs:group ref='g'/></xs:sequence></xs:group>"),
     APS_ERR_RANGE, "in a circle"},
};

static void what_is_wrong_with_a_schema_is_said(void **state)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        const char *const texts[] = {"main.xsd", broken[i].text};
        const struct aps_xsd *xsd = NULL;
        struct aps_diag diag = {""};

        assert_int_equal(compile_bundle(*state, texts, 1, &xsd, &diag), broken[i].err);
        if (strstr(diag.text, broken[i].why) == NULL)
            fail_msg("%s: %s", broken[i].why, diag.text);
    }
}

/* ---- what takes long */

/* `n` times the format, in which # is 0, 1, 2 and so on, and ^ the next of them. */
static const char *many(apr_pool_t *pool, const char *head, const char *format, unsigned n,
                        const char *tail)
{
    struct aps_buf b;

    aps_buf_init(&b, pool, 8u << 20);
    aps_buf_add(&b, aps_str(head));
    for (unsigned i = 0; i < n; i++)
        for (const char *p = format; *p != '\0'; p++) {
            if (*p == '#')
                aps_buf_add(&b, aps_str(apr_psprintf(pool, "%u", i)));
            else if (*p == '^')
                aps_buf_add(&b, aps_str(apr_psprintf(pool, "%u", i + 1)));
            else
                aps_buf_add_char(&b, *p);
        }
    aps_buf_add(&b, aps_str(tail));
    return apr_pstrmemdup(pool, b.p, b.n);
}

#define MODEL "<xs:element name='r'><xs:complexType><xs:sequence>"
#define MODEL_END "</xs:sequence></xs:complexType></xs:element></xs:schema>"

static enum aps_err compile_text(apr_pool_t *pool, const char *text)
{
    const char *const texts[] = {"main.xsd", text};
    const struct aps_xsd *xsd = NULL;

    return compile_bundle(pool, texts, 1, &xsd, NULL);
}

static void schemas_that_unfold_without_end_are_refused(void **state) /* POS-15 */
{
    apr_pool_t *pool = *state;
    const char *doubled =
        "<xs:group name='g#'><xs:sequence><xs:group ref='g^'/><xs:group ref='g^'/>"
        "</xs:sequence></xs:group>";
    const char *attributes = "<xs:attributeGroup name='g#'><xs:attributeGroup ref='g^'/>"
                             "<xs:attributeGroup ref='g^'/></xs:attributeGroup>";

    assert_int_equal(compile_text(pool, many(pool, SCHEMA ">", doubled, 30,
                                             "<xs:group name='g30'><xs:sequence/></xs:group>"
                                             "</xs:schema>")),
                     APS_ERR_RANGE);
    assert_int_equal(compile_text(pool, many(pool, SCHEMA ">", attributes, 30,
                                             "<xs:attributeGroup name='g30'/></xs:schema>")),
                     APS_ERR_RANGE);
    assert_int_equal(
        compile_text(pool, many(pool, SCHEMA ">" MODEL, "<xs:element name='e#' minOccurs='0'/>",
                                400, MODEL_END)),
        APS_OK);
    assert_int_equal(
        compile_text(pool, many(pool, SCHEMA ">" MODEL, "<xs:element name='e#' minOccurs='0'/>",
                                401, MODEL_END)),
        APS_ERR_RANGE);
    assert_int_equal(compile_text(pool, many(pool, SCHEMA ">" MODEL, "<xs:element name='e#'/>",
                                             2000, MODEL_END)),
                     APS_OK);
    assert_int_equal(compile_text(pool, many(pool, SCHEMA ">" MODEL, "<xs:element name='e#'/>",
                                             2001, MODEL_END)),
                     APS_ERR_RANGE);
    assert_int_equal(compile_text(pool, many(pool,
                                             SCHEMA ">" MODEL "<xs:sequence minOccurs='1000000' "
                                                    "maxOccurs='1000000000'>",
                                             "<xs:element name='e#' maxOccurs='999999999'/>", 20,
                                             "</xs:sequence>" MODEL_END)),
                     APS_OK);
    /* a definition that xs:redefine makes of itself is no circle */
    {
        const char *const texts[] = {
            "main.xsd",
            XSD("<xs:redefine schemaLocation='b.xsd'><xs:group name='g'><xs:sequence>"
                "<xs:group ref='g'/><xs:element name='y'/></xs:sequence></xs:group></xs:redefine>"
                "<xs:element name='r'><xs:complexType><xs:group ref='g'/></xs:complexType>"
                "</xs:element>"),
            "b.xsd",
            XSD("<xs:group name='g'><xs:sequence><xs:element name='x'/></xs:sequence></xs:group>")};
        const struct aps_xsd *xsd = NULL;

        assert_int_equal(compile_bundle(pool, texts, 2, &xsd, NULL), APS_OK);
        assert_string_equal(judge(pool, xsd, APS_STR_LIT("<r><x/><y/></r>")), "valid []");
    }
}

/* `n` times `part` as the value of an element with this pattern. */
static const struct {
    const char *pattern, *part, *tail;
    unsigned n;
    const char *want;
} patterns[] = {
    {"(a+b)+", "a", "b", 200000, "valid"},
    {"([A-Z][a-z]{1,20}_){4}S", "Ab_", "S", 4, "valid"},
    {"([A-Z][a-z]{1,20}_){4}S", "Ab_", "S", 5, "invalid"},
    {"[^-]+(-[^-]+)*", "ab-", "c", 60000, "valid"},
    {"[a-z-[aeiou]]+", "b", "", 100000, "valid"},
    {"\\p{Lu}?\\w\\d\\.", "", "a1.", 0, "valid"},
    {".*foo.*", "a", "foo", 4000, "valid"},
    {".*foo.*", "a", "foo", 100000, "pattern"},
    {"a*a*a*a*b", "a", "b", 30, "valid"},
    {"a*a*a*a*b", "a", "c", 500, "pattern"},
    {"(a|aa)+b", "a", "b", 30, "valid"},
    {"(a|aa)+b", "a", "c", 500, "pattern"},
    {"(\\w+\\s?)+x", "a", "x", 40, "valid"},
};

static void a_pattern_is_not_tried_on_more_than_it_bears(void **state) /* POS-15 */
{
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        apr_pool_t *pool = *state;
        const struct aps_xsd *xsd = compile(
            pool,
            apr_psprintf(pool,
                         XSD("<xs:element name='r' type='u'/>"
                             "<xs:simpleType name='u'><xs:restriction base='t'/></xs:simpleType>"
                             "<xs:simpleType name='t'><xs:restriction base='xs:string'>"
                             "<xs:pattern value='%s'/></xs:restriction></xs:simpleType>"),
                         patterns[i].pattern));
        const char *text = many(pool, "<r>", patterns[i].part, patterns[i].n,
                                apr_pstrcat(pool, patterns[i].tail, "</r>", NULL));
        const char *seen = judge(pool, xsd, aps_str(text));

        if (strncmp(seen, patterns[i].want, strlen(patterns[i].want)) != 0)
            fail_msg("%s: %.100s", patterns[i].pattern, seen);
        apr_pool_clear(pool);
    }
}

/* The limit of a type is that of every element and attribute of it. */
static void limits_hold_for_attributes_and_for_types_that_a_document_names(void **state)
{
    const struct aps_xsd *xsd = compile(
        *state,
        XSD("<xs:element name='r'><xs:complexType><xs:simpleContent>"
            "<xs:extension base='xs:string'><xs:attribute name='k' type='t'/></xs:extension>"
            "</xs:simpleContent></xs:complexType></xs:element>"
            "<xs:simpleType name='t'><xs:restriction base='xs:string'>"
            "<xs:pattern value='(a|aa)+b'/></xs:restriction></xs:simpleType>"
            "<xs:element name='any' type='xs:anySimpleType'/>"));
    const char *value = many(*state, "", "a", 200, "");

    assert_string_equal(judge(*state, xsd, aps_str(apr_psprintf(*state, "<r>%s</r>", value))),
                        "valid []");
    assert_string_equal(judge(*state, xsd, aps_str(apr_psprintf(*state, "<r k='%s'/>", value))),
                        "pattern []");
    assert_string_equal(
        judge(*state, xsd,
              aps_str(apr_psprintf(*state,
                                   "<any xmlns:i='http://www.w3.org/2001/XMLSchema-instance' "
                                   "i:type='t'>%s</any>",
                                   value))),
        "pattern []");
}

static aps_nsec never(void)
{
    static aps_nsec now;

    return now += APS_SEC;
}

static void time_and_identity_have_bounds(void **state) /* POS-15 */
{
    const struct aps_xsd *xsd = compile(*state, order);
    const struct aps_xsd *keys =
        compile(*state, XSD("<xs:element name='r'><xs:complexType><xs:sequence>"
                            "<xs:element name='a' maxOccurs='unbounded'><xs:complexType>"
                            "<xs:attribute name='k'/></xs:complexType></xs:element></xs:sequence>"
                            "</xs:complexType><xs:key name='K'><xs:selector xpath='a'/>"
                            "<xs:field xpath='@k'/></xs:key></xs:element>"));
    const struct aps_xsd_options hasty = {&aps_xml_strict, never, 3 * APS_SEC, false};
    struct aps_xsd_check *c = check_pieces(
        *state, xsd, &hasty, APS_STR_LIT("<order><item id='1'><n>1</n></item></order>"), 100);

    assert_int_equal(aps_xsd_check_finish(c), APS_XSD_TIME);
    aps_xsd_check_close(c);
    assert_string_equal(judge(*state, keys, APS_STR_LIT("<r><a k='1'/><a k='2'/></r>")),
                        "valid []");
    assert_non_null(strstr(judge(*state, keys, APS_STR_LIT("<r><a k='1'/><a k='1'/></r>")),
                           "\"keyword\":\"key\""));
    assert_string_equal(
        judge(*state, keys, aps_str(many(*state, "<r>", "<a k='#'/>", 10000, "</r>"))), "nodes []");
}

/* POS-17: a build without XML has no schemas for it either, and says why. */
static void without_the_library_nothing_is_compiled(void **state)
{
    const struct aps_xsd_source source = {APS_STR_LIT("main.xsd"), aps_str(order)};
    const struct aps_xsd *xsd = NULL;
    struct aps_diag diag = {""};

    assert_int_equal(aps_xsd_compile(&source, 1, *state, &xsd, &diag), APS_ERR_CONFLICT);
    assert_non_null(strstr(diag.text, "--disable-xml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(failures_say_where_and_what),
        t_pool_test(a_long_value_is_shortened_and_ten_failures_are_listed),
        t_pool_test(many_names_of_siblings_are_counted_among_all),
        t_pool_test(references_lead_to_the_bundle_alone),
        t_pool_test(nothing_is_loaded_from_elsewhere),
        t_pool_test(what_is_wrong_with_a_schema_is_said),
        t_pool_test(schemas_that_unfold_without_end_are_refused),
        t_pool_test(a_pattern_is_not_tried_on_more_than_it_bears),
        t_pool_test(limits_hold_for_attributes_and_for_types_that_a_document_names),
        t_pool_test(time_and_identity_have_bounds),
    };
    const struct CMUnitTest absent[] = {
        t_pool_test(without_the_library_nothing_is_compiled),
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
