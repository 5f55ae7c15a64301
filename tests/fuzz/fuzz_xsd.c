/* XML Schema.  A byte of choice, then: a document that one of some fixed schemas judges; or texts
 * of a bundle, a.xsd, b.xsd and so on, and a document, with a NUL between each and the next.
 * Compiling ends with a schema or a sentence; a document has the same verdict and failures in one
 * piece and in pieces, the same verdict where the first failure is enough, and the one that libxml2
 * has for the tree of the document. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "../../libapisec/inspect/xsd_impl.h"
#include "apisec/jsonread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SOURCES 3

static void expect(bool holds)
{
    if (!holds)
        abort();
}

#define XSD(body)                                                                                  \
    "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns='u' targetNamespace='u' "        \
    "elementFormDefault='qualified'>" body "</xs:schema>"

static const char *const schemas[] = {
    XSD("<xs:element name='a'><xs:complexType><xs:sequence>"
        "<xs:element name='b' type='n' minOccurs='0' maxOccurs='3'/>"
        "<xs:choice><xs:element name='c' nillable='true' type='xs:date'/>"
        "<xs:element ref='a'/><xs:any namespace='##other' processContents='lax'/></xs:choice>"
        "</xs:sequence><xs:attribute name='i' type='xs:int' use='required'/>"
        "<xs:attribute name='d' default='x' type='p'/></xs:complexType></xs:element>"
        "<xs:simpleType name='n'><xs:restriction base='xs:decimal'><xs:maxInclusive value='9'/>"
        "<xs:fractionDigits value='2'/></xs:restriction></xs:simpleType>"
        "<xs:simpleType name='p'><xs:restriction base='xs:string'>"
        "<xs:pattern value='[a-z]+(-[a-z]*)*x?'/></xs:restriction></xs:simpleType>"),
    XSD("<xs:element name='a'><xs:complexType><xs:sequence>"
        "<xs:element name='b' maxOccurs='unbounded'><xs:complexType><xs:simpleContent>"
        "<xs:extension base='xs:string'><xs:attribute name='i' type='xs:NMTOKEN'/>"
        "<xs:attribute name='r'/></xs:extension></xs:simpleContent></xs:complexType></xs:element>"
        "</xs:sequence></xs:complexType>"
        "<xs:key name='k'><xs:selector xpath='*'/><xs:field xpath='@i'/></xs:key>"
        "<xs:keyref name='f' refer='k'><xs:selector xpath='*'/><xs:field xpath='@r'/></xs:keyref>"
        "</xs:element>"),
    XSD("<xs:element name='a' type='t'/><xs:complexType name='t' mixed='true'><xs:all>"
        "<xs:element name='b' type='l' minOccurs='0'/><xs:element name='c' type='v' fixed='1'/>"
        "</xs:all><xs:anyAttribute processContents='skip'/></xs:complexType>"
        "<xs:complexType name='s'><xs:complexContent><xs:restriction base='t'><xs:all>"
        "<xs:element name='c' type='v' fixed='1'/></xs:all></xs:restriction></xs:complexContent>"
        "</xs:complexType>"
        "<xs:simpleType name='l'><xs:list itemType='xs:boolean'/></xs:simpleType>"
        "<xs:simpleType name='v'><xs:union memberTypes='xs:int xs:dateTime xs:duration'/>"
        "</xs:simpleType>"),
};

/* Time is another test's. */
static aps_nsec stopped(void)
{
    return 1;
}

/* ---- a document */

struct seen {
    enum aps_xsd_verdict verdict;
    struct aps_str failures;
};

static struct seen read_in(apr_pool_t *pool, const struct aps_xsd *xsd, struct aps_str text,
                           size_t piece, bool first)
{
    const struct aps_xsd_options options = {&aps_xml_strict, stopped, APS_SEC, first};
    struct aps_xsd_check *c = aps_xsd_check_new(pool, xsd, &options);
    struct aps_diag diag;
    struct aps_json w;
    struct seen s;
    uint32_t n;
    bool more = true;

    expect(c != NULL);
    for (size_t at = 0, m; at < text.n && more; at += m) {
        m = text.n - at < piece ? text.n - at : piece;
        more = aps_xsd_check_feed(c, (struct aps_str){text.p + at, m});
    }
    s.verdict = aps_xsd_check_finish(c);
    n = aps_xsd_check_failures(c);
    aps_xsd_check_fault_explain(c, &diag);
    aps_xsd_check_close(c);
    expect(s.verdict != APS_XSD_UNDECIDED && s.verdict != APS_XSD_TIME);
    expect(s.verdict != APS_XSD_VALID || n == 0);
    expect(s.verdict != APS_XSD_INVALID || n > 0);
    expect(n <= (first ? 1 : APS_XSD_FAILURES));
    aps_json_init_pool(&w, pool, 0);
    aps_json_array(&w);
    for (uint32_t i = 0; i < n; i++)
        aps_xsd_check_print(c, i, &w);
    aps_json_end(&w);
    s.failures = aps_json_text(&w);
    return s;
}

static void ignore(void *self, xmlErrorPtr error)
{
    (void)self; /* the verdict is enough */
    (void)error;
}

/* The other way that libxml2 has. */
static bool is_valid_tree(const struct aps_xsd *xsd, struct aps_str text)
{
    xmlSchemaValidCtxtPtr validator = xmlSchemaNewValidCtxt(xsd->schema);
    xmlDocPtr doc = xmlReadMemory(text.p, (int)text.n, NULL, NULL, XML_PARSE_NONET);
    int answer;

    expect(validator != NULL && doc != NULL);
    xmlSchemaSetValidStructuredErrors(validator, ignore, NULL);
    answer = xmlSchemaValidateDoc(validator, doc);
    xmlSchemaFreeValidCtxt(validator);
    xmlFreeDoc(doc);
    return answer == 0;
}

static void judge(apr_pool_t *pool, const struct aps_xsd *xsd, uint8_t choice, struct aps_str text)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN] = "fuzz";
    const struct seen whole = read_in(pool, xsd, text, text.n + 1, false);
    const struct seen cut = read_in(pool, xsd, text, 1 + choice % 17, false);
    const struct seen first = read_in(pool, xsd, text, text.n + 1, true);
    struct aps_jsonread r;

    aps_jsonread_init(&r, pool, key);
    expect(aps_jsonread(&r, whole.failures, &aps_jsonread_plain) == APS_JSONREAD_OK);
    expect(whole.verdict == cut.verdict && aps_str_eq(whole.failures, cut.failures));
    expect((whole.verdict == APS_XSD_VALID) == (first.verdict == APS_XSD_VALID));
    if ((whole.verdict == APS_XSD_VALID || whole.verdict == APS_XSD_INVALID) &&
        memmem(text.p, text.n, "chemaLocation", 13) == NULL)
        expect(is_valid_tree(xsd, text) == (whole.verdict == APS_XSD_VALID));
}

/* ---- a schema */

static const struct aps_xsd *compile(apr_pool_t *pool, const struct aps_xsd_source *sources,
                                     uint32_t n)
{
    const struct aps_xsd *xsd = NULL;
    struct aps_diag diag = {.text = ""};

    if (aps_xsd_compile(sources, n, pool, &xsd, &diag) == APS_OK)
        return xsd;
    expect(xsd == NULL && diag.text[0] != '\0');
    return NULL;
}

/* A copy, since the sanitizer of leaks does not see what a pool's memory points to. */
static const struct aps_xsd *fixed(size_t i)
{
    static struct aps_xsd all[sizeof schemas / sizeof *schemas];
    const struct aps_xsd_source source = {APS_STR_LIT("a.xsd"), aps_str(schemas[i])};
    const struct aps_xsd *xsd;
    apr_pool_t *pool = NULL;

    if (all[i].schema == NULL) {
        expect(apr_pool_create(&pool, NULL) == APR_SUCCESS);
        xsd = compile(pool, &source, 1);
        expect(xsd != NULL);
        all[i] = *xsd;
    }
    return &all[i];
}

static void run_bundle(apr_pool_t *pool, uint8_t choice, struct aps_str rest)
{
    static const struct aps_str names[SOURCES] = {APS_STR_LIT("a.xsd"), APS_STR_LIT("b.xsd"),
                                                  APS_STR_LIT("d/c.xsd")};
    struct aps_xsd_source sources[SOURCES];
    const struct aps_xsd *xsd;
    const char *end;
    uint32_t n = 0;

    while (n < SOURCES && rest.n > 0 && (end = memchr(rest.p, '\0', rest.n)) != NULL) {
        const size_t length = (size_t)(end - rest.p);

        sources[n] = (struct aps_xsd_source){names[n], {rest.p, length}};
        rest = (struct aps_str){end + 1, rest.n - length - 1};
        n++;
    }
    xsd = compile(pool, sources, n);
    if (xsd != NULL)
        judge(pool, xsd, choice, rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_str rest;
    apr_pool_t *pool = NULL;

    if (size == 0 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    aps_xml_start();
    rest = (struct aps_str){(const char *)data + 1, size - 1};
    if (data[0] < 128)
        run_bundle(pool, data[0], rest);
    else
        judge(pool, fixed(data[0] % (sizeof schemas / sizeof *schemas)), data[0], rest);
    apr_pool_destroy(pool);
    return 0;
}
