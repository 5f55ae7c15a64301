/* XML: the verdict and the values of a text are the same in one piece and in pieces; and what is
 * accepted has no document type, and is well-formed to libxml2's own reader of whole texts. */
#include <apr_general.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* All that a sink was given, folded: texts as one, however they come. */
struct seen {
    uint64_t fold;
    unsigned depth;
};

static void fold(struct seen *s, struct aps_str text)
{
    for (size_t i = 0; i < text.n; i++)
        s->fold = (s->fold ^ (unsigned char)text.p[i]) * 0x100000001b3u;
}

static bool see_open(void *self, const struct aps_xml_element *e)
{
    struct seen *s = self;

    s->depth++;
    fold(s, APS_STR_LIT("<"));
    fold(s, e->name.local);
    fold(s, e->name.uri);
    for (uint32_t i = 0; i < e->attributes_n; i++) {
        fold(s, e->attributes[i].name.local);
        fold(s, e->attributes[i].value);
    }
    for (uint32_t i = 0; i < e->namespaces_n; i++)
        fold(s, e->namespaces[i].uri);
    return true;
}

static bool see_text(void *self, struct aps_str text, bool cdata)
{
    (void)cdata;
    fold(self, text);
    return true;
}

static bool see_close(void *self, const struct aps_xml_name *name)
{
    struct seen *s = self;

    expect(s->depth-- > 0);
    fold(s, name->local);
    return true;
}

static enum aps_xml_fault read_pieces(apr_pool_t *pool, struct aps_str text, size_t piece,
                                      const struct aps_xml_options *options, struct seen *s)
{
    const struct aps_xml_sink sink = {see_open, see_text, see_close, s};
    struct aps_xml *x = aps_xml_new(pool, options, &sink);
    enum aps_xml_fault fault;
    struct aps_diag diag;
    bool more = true;

    expect(x != NULL);
    for (size_t at = 0, n; at < text.n && more; at += n) {
        n = text.n - at < piece ? text.n - at : piece;
        more = aps_xml_feed(x, (struct aps_str){text.p + at, n});
    }
    fault = aps_xml_finish(x);
    aps_xml_fault_explain(x, &diag);
    expect(fault != APS_XML_UNDECIDED && fault != APS_XML_STOPPED);
    expect(fault != APS_XML_OK || s->depth == 0);
    aps_xml_close(x);
    return fault;
}

static void ignore(void *self, const char *text, ...)
{
    (void)self; /* the verdict is enough */
    (void)text;
}

static void check_whole(struct aps_str text)
{
    xmlDocPtr doc;

    xmlSetGenericErrorFunc(NULL, ignore);
    doc = xmlReadMemory(text.p, (int)text.n, NULL, NULL, XML_PARSE_NONET);
    expect(doc != NULL && doc->intSubset == NULL && doc->extSubset == NULL);
    xmlFreeDoc(doc);
}

/* The usual caps, our own files', or narrow ones. */
static struct aps_xml_options options_of(uint8_t choice)
{
    struct aps_xml_options o = choice % 3 == 0 ? aps_xml_strict : aps_xml_plain;

    if (choice % 3 == 2) {
        o.bytes_max = 60u + choice;
        o.depth_max = choice % 7;
        o.nodes_max = choice % 29;
        o.attributes_max = choice % 5;
        o.value_max = choice % 11;
        o.name_max = choice % 13;
        o.text_max = choice % 23;
        o.namespaces_max = choice % 3;
        o.names_max = choice % 19;
    }
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aps_xml_options o;
    struct seen whole = {0, 0}, cut = {0, 0};
    struct aps_str text;
    apr_pool_t *pool = NULL;
    enum aps_xml_fault fault;

    if (size == 0 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    aps_xml_start();
    text = (struct aps_str){(const char *)data + 1, size - 1};
    o = options_of(data[0]);
    fault = read_pieces(pool, text, text.n + 1, &o, &whole);
    expect(read_pieces(pool, text, 1 + data[0] % 17, &o, &cut) == fault);
    expect(whole.fold == cut.fold && whole.depth == cut.depth);
    if (fault == APS_XML_OK)
        check_whole(text);
    apr_pool_destroy(pool);
    return 0;
}
