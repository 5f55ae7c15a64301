/* POS-15, POS-17: whatever could make a reader of XML fetch, include or expand something is
 * refused before libxml2 sees it; the caps hold; and pieces make no difference. */
#include "t.h"
#include "t_pool.h"

#include <apr_strings.h>

#include "apisec/buf.h"
#include "apisec/xml.h"

/* What a sink was given, as text. */
struct seen {
    apr_pool_t *pool;
    char *text;
    size_t n;
    size_t cap;
    unsigned opened; /* more than fits is counted alone */
};

static void put(struct seen *s, struct aps_str text)
{
    if (s->n + text.n >= s->cap)
        return;
    memcpy(s->text + s->n, text.p, text.n);
    s->n += text.n;
    s->text[s->n] = '\0';
}

static void put_name(struct seen *s, const struct aps_xml_name *name)
{
    assert_int_equal(strlen(name->local.p), name->local.n);
    if (name->uri.n > 0) {
        put(s, APS_STR_LIT("{"));
        put(s, name->uri);
        put(s, APS_STR_LIT("}"));
    }
    put(s, name->local);
}

static bool see_open(void *self, const struct aps_xml_element *e)
{
    struct seen *s = self;

    s->opened++;
    put(s, APS_STR_LIT("<"));
    put_name(s, &e->name);
    for (uint32_t i = 0; i < e->attributes_n; i++) {
        put(s, APS_STR_LIT(" "));
        put_name(s, &e->attributes[i].name);
        put(s, APS_STR_LIT("="));
        put(s, e->attributes[i].value);
    }
    put(s, APS_STR_LIT(">"));
    return !aps_str_eq(e->name.local, APS_STR_LIT("stop"));
}

static bool see_text(void *self, struct aps_str text, bool cdata)
{
    (void)cdata;
    put(self, text);
    return true;
}

static bool see_close(void *self, const struct aps_xml_name *name)
{
    (void)name;
    put(self, APS_STR_LIT("/"));
    return true;
}

static enum aps_xml_fault read_pieces(struct aps_str text, size_t piece,
                                      const struct aps_xml_options *options, struct seen *s)
{
    const struct aps_xml_sink sink = {see_open, see_text, see_close, s};
    struct aps_xml *x = aps_xml_new(s->pool, options, &sink);
    enum aps_xml_fault fault;
    struct aps_diag diag = {""};

    assert_non_null(x);
    s->n = s->opened = 0;
    s->text[0] = '\0';
    for (size_t at = 0, n; at < text.n; at += n) {
        n = text.n - at < piece ? text.n - at : piece;
        if (!aps_xml_feed(x, (struct aps_str){text.p + at, n}))
            break;
    }
    fault = aps_xml_finish(x);
    assert_int_equal(aps_xml_finish(x), fault);
    aps_xml_fault_explain(x, &diag);
    assert_string_not_equal(diag.text, "");
    aps_xml_close(x);
    return fault;
}

/* The same verdict and values in pieces of any length. */
static enum aps_xml_fault read_all(apr_pool_t *pool, struct aps_str text,
                                   const struct aps_xml_options *options, const char **out_seen)
{
    static const size_t pieces[] = {1, 2, 3, 7, 64, 8191, 8192, 8193};
    const size_t cap = 4096;
    struct seen whole = {.pool = pool, .text = apr_palloc(pool, cap), .cap = cap};
    struct seen cut = {.pool = pool, .text = apr_palloc(pool, cap), .cap = cap};
    enum aps_xml_fault fault = read_pieces(text, text.n + 1, options, &whole);

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        assert_int_equal(read_pieces(text, pieces[i], options, &cut), fault);
        assert_string_equal(cut.text, whole.text);
        assert_int_equal(cut.opened, whole.opened);
    }
    if (out_seen != NULL)
        *out_seen = whole.text;
    return fault;
}

static const struct {
    const char *text, *fault, *seen;
} rows[] = {
    {"<a/>", "ok", "<a>/"},
    {" \n<a/>\n", "ok", "<a>/"},
    {"\xef\xbb\xbf<a/>", "ok", "<a>/"},
    {"<?xml version=\"1.0\"?><a/>", "ok", "<a>/"},
    {"<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<a/>", "ok", "<a>/"},
    {"<a b='1' c=\"x&lt;&#65;&#x42; y\">t&amp;u<![CDATA[<!DOCTYPE a>]]></a>", "ok",
     "<a b=1 c=x<AB y>t&u<!DOCTYPE a>/"},
    {"<a b='t&amp;u&#38;v&amp;#38;' c='&amp;'/>", "ok", "<a b=t&u&v&#38; c=&>/"},
    {"<a><!-- <!DOCTYPE a [<!ENTITY b 'c'>]> --><b/></a>", "ok", "<a><b>//"},
    {"<p:a xmlns:p='u' xmlns='d' p:q='1' r='2'><b/></p:a>", "ok", "<{u}a {u}q=1 r=2><{d}b>//"},
    {"<a>\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80</a>", "ok",
     "<a>\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80/"},
    /* declarations, which would bring entities */
    {"<!DOCTYPE a><a/>", "doctype", ""},
    {"<!doctype a><a/>", "doctype", ""},
    {"<?xml version='1.0'?><!-- -->\n<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "doctype", ""},
    {"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "doctype", ""},
    {"<!ENTITY x 'y'><a/>", "doctype", ""},
    {"<a><!DOCTYPE a></a>", "doctype", ""},
    {"<a><!ENTITY % x SYSTEM 'http://127.0.0.1/'></a>", "doctype", ""},
    {"<a><![INCLUDE[x]]></a>", "doctype", ""},
    {"<a><!-x></a>", "doctype", ""},
    {"<a>&x;</a>", "entity", ""},
    {"<a b='&x;'/>", "entity", ""},
    {"<a>%x;</a>", "ok", "<a>%x;/"},
    {"<a>&nbsp;</a>", "entity", ""},
    {"<a>& </a>", "entity", ""},
    {"<a>&;</a>", "entity", ""},
    {"<a>&#00000000000000000065;</a>", "entity", ""},
    {"<a>&#0;</a>", "malformed", ""},
    {"<a>&#xd800;</a>", "malformed", ""},
    {"<a>&#x;</a>", "malformed", ""},
    {"<?xml-stylesheet href='a.xsl'?><a/>", "instruction", ""},
    {"<a><?php x?></a>", "instruction", ""},
    {"<a/><?x?>", "instruction", ""},
    {" <?xml version='1.0'?><a/>", "instruction", ""},
    {"<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>", "xinclude", ""},
    {"<a xmlns:i='http://www.w3.org/2001/XInclude'><i:fallback/></a>", "xinclude", "<a>"},
    {"<include xmlns='http://www.w3.org/2003/XInclude' parse='text'/>", "xinclude", ""},
    /* encodings */
    {"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "encoding", ""},
    {"<?xml version='1.0' encoding='UTF-16'?><a/>", "encoding", ""},
    {"<?xml version='1.0' encoding='UTF-7'?><a/>", "encoding", ""},
    {"<?xml version='1.0' encoding=''?><a/>", "encoding", ""},
    {"<?xml version='1.1'?><a/>", "encoding", ""},
    {"<?xml version='1.0' charset='utf-8'?><a/>", "malformed", ""},
    {"<?xml version='1.0' encoding=utf-8?><a/>", "malformed", ""},
    {"<?xml encoding='utf-8' version='1.0'?><a/>", "malformed", ""},
    {"<?xml version='1.0'><a/>", "malformed", ""},
    {"\xfe\xff<a/>", "encoding", ""},
    {"\xff\xfe<a/>", "encoding", ""},
    {"Lo\xa7\x94", "encoding", ""},
    {"+ADw-a/+AD4-", "encoding", ""},
    {"+/v8-<a/>", "encoding", ""},
    {"<a>\xc3</a>", "utf8", ""},
    {"<a>\xc0\xbc</a>", "utf8", ""},
    {"<a>\xed\xa0\x80</a>", "utf8", ""},
    {"<a/>\xe2\x82", "utf8", ""},
    {"\xef\xbb\xbf\xef\xbb\xbf<a/>", "malformed", ""},
    /* not well-formed */
    {"", "malformed", ""},
    {" ", "malformed", ""},
    {"a", "malformed", ""},
    {"<", "malformed", ""},
    {"<a", "malformed", ""},
    {"<a>", "malformed", ""},
    {"<a></b>", "malformed", ""},
    {"<a/><b/>", "malformed", ""},
    {"</a>", "malformed", ""},
    {"<a/>x", "malformed", ""},
    {"<a b='1' b='2'/>", "malformed", ""},
    {"<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", "malformed", ""},
    {"<p:a/>", "malformed", ""},
    {"<a p:b=''/>", "malformed", ""},
    {"<a:b:c xmlns:a='u'/>", "malformed", ""},
    {"<a b='<'/>", "malformed", ""},
    {"<a b=1/>", "malformed", ""},
    {"<a b/>", "malformed", ""},
    {"<a b='1'c='2'/>", "malformed", ""},
    {"<a>]]></a>", "malformed", ""},
    {"<a><!-- -- --></a>", "malformed", ""},
    {"<a><!-- ---></a>", "malformed", ""},
    {"<a><![CDATA[x]]</a>", "malformed", ""},
    {"<a>\x01</a>", "malformed", ""},
    {"<1/>", "malformed", ""},
    {"< a/>", "malformed", ""},
    {"<a / >", "malformed", ""},
    {"<a><stop/></a>", "stopped", NULL},
};

static void what_a_text_comes_to(void **state) /* POS-15 */
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *seen = NULL;
        const struct aps_str text = aps_str(rows[i].text);
        const enum aps_xml_fault fault = read_all(*state, text, &aps_xml_strict, &seen);

        if (strcmp(aps_xml_fault_name(fault), rows[i].fault) != 0)
            fail_msg("%s: %s, want %s", rows[i].text, aps_xml_fault_name(fault), rows[i].fault);
        if (fault == APS_XML_OK || strcmp(rows[i].fault, "xinclude") == 0)
            assert_string_equal(seen, rows[i].seen);
        apr_pool_clear(*state);
    }
}

/* Each character as `width` bytes, at `at` its own byte. */
static struct aps_str widen(apr_pool_t *pool, const char *text, size_t width, size_t at)
{
    const size_t n = strlen(text);
    char *wide = apr_pcalloc(pool, n * width);

    for (size_t i = 0; i < n; i++)
        wide[i * width + at] = text[i];
    return (struct aps_str){wide, n * width};
}

static void a_document_type_hides_in_no_encoding(void **state) /* POS-15 */
{
    static const char text[] = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>";
    static const size_t widths[][2] = {{2, 0}, {2, 1}, {4, 0}, {4, 3}};
    static const char nul[] = "<a>\0</a>", late[] = "<a/>\0";

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(read_all(*state, widen(*state, text, widths[i][0], widths[i][1]),
                                  &aps_xml_strict, NULL),
                         APS_XML_ENCODING);
    assert_int_equal(read_all(*state, (struct aps_str){nul, sizeof nul - 1}, &aps_xml_strict, NULL),
                     APS_XML_NUL);
    assert_int_equal(
        read_all(*state, (struct aps_str){late, sizeof late - 1}, &aps_xml_strict, NULL),
        APS_XML_NUL);
}

static struct aps_str repeat(apr_pool_t *pool, const char *head, const char *part, size_t n,
                             const char *tail)
{
    const size_t one = strlen(part), before = strlen(head), after = strlen(tail);
    char *text = apr_palloc(pool, before + n * one + after), *p = text;

    memcpy(p, head, before);
    for (p += before; n > 0; n--, p += one)
        memcpy(p, part, one);
    memcpy(p, tail, after);
    return (struct aps_str){text, (size_t)(p - text) + after};
}

/* head, n times part, tail: `most` is the largest n that passes. */
static const struct {
    const char *head, *part, *tail;
    size_t most;
    enum aps_xml_fault above;
} caps[] = {
    {"<a b='", "x", "'/>", 20, APS_XML_VALUE},
    {"<a b='", "&lt;", "'/>", 5, APS_XML_VALUE},
    {"<a>", "x", "</a>", 30, APS_XML_TEXT},
    {"<a>&lt;<!-- -->", "x", "</a>", 26, APS_XML_TEXT},
    {"<a>", "&gt;", "</a>", 7, APS_XML_TEXT},
    {"<a><![CDATA[", "x", "]]></a>", 30, APS_XML_TEXT},
    {"<", "x", "/>", 10, APS_XML_NAME},
    {"<a ", "x", "=''/>", 10, APS_XML_NAME},
    {"<a>", "<b/>", "</a>", 49, APS_XML_NODES},
    {"<a>", "<!---->", "</a>", 49, APS_XML_NODES},
    {"<a>", "<![CDATA[]]>", "</a>", 49, APS_XML_NODES},
    {"<a>", "<b c=''/>", "</a>", 24, APS_XML_NODES},
    {"<a", " ", "/>", 1996, APS_XML_BYTES},
};

static void caps_hold_where_they_say(void **state) /* POS-15 */
{
    static const struct aps_xml_options options = {.bytes_max = 2000,
                                                   .depth_max = 5,
                                                   .nodes_max = 50,
                                                   .attributes_max = 4,
                                                   .value_max = 20,
                                                   .name_max = 10,
                                                   .text_max = 30,
                                                   .namespaces_max = 3,
                                                   .names_max = 40};

    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++)
        for (size_t over = 0; over < 2; over++) {
            const struct aps_str text =
                repeat(*state, caps[i].head, caps[i].part, caps[i].most + over, caps[i].tail);
            const enum aps_xml_fault fault = read_all(*state, text, &options, NULL);

            if (fault != (over == 0 ? APS_XML_OK : caps[i].above))
                fail_msg("%.*s: %s", APS_STR_ARG(text), aps_xml_fault_name(fault));
        }
    assert_int_equal(
        read_all(*state, APS_STR_LIT("<a><a><a><a><a/></a></a></a></a>"), &options, NULL),
        APS_XML_OK);
    assert_int_equal(
        read_all(*state, APS_STR_LIT("<a><a><a><a><a><a/></a></a></a></a></a>"), &options, NULL),
        APS_XML_DEPTH);
    assert_int_equal(read_all(*state, APS_STR_LIT("<a b='' c='' d='' e=''/>"), &options, NULL),
                     APS_XML_OK);
    assert_int_equal(read_all(*state, APS_STR_LIT("<a b='' c='' d='' e='' f=''/>"), &options, NULL),
                     APS_XML_ATTRIBUTES);
    /* declarations count where they hold */
    assert_int_equal(
        read_all(*state,
                 APS_STR_LIT(
                     "<a xmlns='u'><b xmlns:c='u' xmlns:d='u'/><b xmlns:c='u' xmlns='v'></b></a>"),
                 &options, NULL),
        APS_XML_OK);
    assert_int_equal(
        read_all(*state,
                 APS_STR_LIT("<a xmlns='u'><b xmlns:c='u' xmlns:d='u'><b xmlns='v'/></b></a>"),
                 &options, NULL),
        APS_XML_NAMESPACES);
}

/* Samples that have brought readers down, at the usual caps: each is over in the time of a text of
 * its length, or refused by a cap. */
static void samples_end_within_the_caps(void **state) /* POS-15 */
{
    apr_pool_t *pool = *state;
    struct aps_buf names;
    struct seen s = {.pool = pool, .text = apr_palloc(pool, 16), .cap = 16};
    struct aps_str laughs =
        repeat(pool, "<!DOCTYPE l [<!ENTITY a 'ha'>", "<!ENTITY b '&a;&a;'>", 10, "]><l>&b;</l>");
    struct aps_str quadratic =
        repeat(pool, "<!DOCTYPE q [<!ENTITY a '", "a", 50000, "'>]><q>&a;&a;</q>");
    struct aps_str deep = repeat(pool, "", "<a>", 100000, "");
    struct aps_str wide = repeat(pool, "<a ", "b='' ", 100000, "/>");
    struct aps_str spaces = repeat(pool, "", "<a xmlns:b='u' xmlns:c='u' xmlns:d='u'>", 30, "");
    struct aps_str tag = repeat(pool, "<a", " ", 1u << 19, "/>");

    assert_int_equal(read_pieces(laughs, 1, &aps_xml_strict, &s), APS_XML_DOCTYPE);
    assert_int_equal(read_pieces(quadratic, 1, &aps_xml_strict, &s), APS_XML_DOCTYPE);
    assert_int_equal(read_pieces(deep, 1, &aps_xml_strict, &s), APS_XML_DEPTH);
    assert_int_equal(read_pieces(wide, 1, &aps_xml_strict, &s), APS_XML_ATTRIBUTES);
    assert_int_equal(read_pieces(spaces, 1, &aps_xml_strict, &s), APS_XML_NAMESPACES);
    assert_int_equal(read_pieces(tag, 1, &aps_xml_strict, &s), APS_XML_OK);
    aps_buf_init(&names, pool, 1u << 20);
    aps_buf_add(&names, APS_STR_LIT("<a>"));
    for (unsigned i = 0; i < 3000; i++)
        aps_buf_add(&names, aps_str(apr_psprintf(pool, "<n%u/>", i)));
    assert_int_equal(read_pieces(aps_buf_text(&names), 1, &aps_xml_strict, &s), APS_XML_NAMES);
}

static void long_texts_come_through_whole(void **state)
{
    const char *parts[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "x&amp;"};

    for (size_t i = 0; i < 4; i++)
        for (size_t shift = 0; shift < 4; shift++) {
            const char *head = &"<a>...."[0];
            struct aps_str text =
                repeat(*state, apr_pstrndup(*state, head, 3 + shift), parts[i], 6000, "</a>");
            struct aps_str value = repeat(*state, apr_pstrndup(*state, "<a b='....", 6 + shift),
                                          parts[i], 2600, "'/>");

            assert_int_equal(read_all(*state, text, &aps_xml_strict, NULL), APS_XML_OK);
            assert_int_equal(read_all(*state, value, &aps_xml_strict, NULL), APS_XML_OK);
            apr_pool_clear(*state);
        }
}

static void instructions_are_passed_over_in_our_own_files(void **state)
{
    const char *seen = NULL;

    assert_int_equal(read_all(*state, APS_STR_LIT("<?a?><a><?b ? ?><?xm l?></a><?c > ?>"),
                              &aps_xml_plain, &seen),
                     APS_XML_OK);
    assert_string_equal(seen, "<a>/");
}

static void zeroed_options_refuse_every_text(void **state)
{
    static const struct aps_xml_options none;

    assert_int_equal(read_all(*state, APS_STR_LIT("<a/>"), &none, NULL), APS_XML_BYTES);
}

static void a_fault_is_explained(void **state)
{
    struct aps_diag diag = {""};

    assert_int_equal(aps_xml(*state, APS_STR_LIT("<a><b></a>"), &aps_xml_strict, NULL, &diag),
                     APS_XML_MALFORMED);
    assert_non_null(strstr(diag.text, "not well-formed: Opening and ending tag mismatch: b"));
    assert_int_equal(aps_xml(*state, APS_STR_LIT("<a>\n<!DOCTYPE"), &aps_xml_strict, NULL, &diag),
                     APS_XML_DOCTYPE);
    assert_non_null(strstr(diag.text, "XML, near byte 6: a document type"));
    assert_string_equal(aps_xml_fault_name(APS_XML_COUNT), "unknown");
}

/* POS-17 */
static void the_version_is_told(void **state)
{
    const char *version = aps_xml_version(*state);

    assert_non_null(version);
    assert_int_equal(strncmp(version, "libxml2 2.", 10), 0);
}

/* POS-17: a build without XML refuses all of it, and says why. */
static void without_the_library_nothing_is_read(void **state)
{
    struct seen s = {.pool = *state, .text = apr_palloc(*state, 16), .cap = 16};
    struct aps_diag diag = {""};

    assert_null(aps_xml_version(*state));
    assert_int_equal(read_pieces(APS_STR_LIT("<a/>"), 1, &aps_xml_strict, &s), APS_XML_ABSENT);
    assert_int_equal(aps_xml(*state, APS_STR_LIT("<a/>"), &aps_xml_strict, NULL, &diag),
                     APS_XML_ABSENT);
    assert_non_null(strstr(diag.text, "--disable-xml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        t_pool_test(what_a_text_comes_to),
        t_pool_test(a_document_type_hides_in_no_encoding),
        t_pool_test(caps_hold_where_they_say),
        t_pool_test(samples_end_within_the_caps),
        t_pool_test(long_texts_come_through_whole),
        t_pool_test(instructions_are_passed_over_in_our_own_files),
        t_pool_test(zeroed_options_refuse_every_text),
        t_pool_test(a_fault_is_explained),
        t_pool_test(the_version_is_told),
    };
    const struct CMUnitTest absent[] = {
        t_pool_test(without_the_library_nothing_is_read),
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
