/* xml.c - blocks of an XML text through the scanner, and then through libxml2's push parser. */
#include <apr_strings.h>
#include <libxml/xmlschemastypes.h>

#include "xml_fault.h"
#include "xml_lib.h"
#include "xml_scan.h"

#define BLOCK 8192 /* bytes; all that comes after works on blocks, not on pieces */
#define WHY 256

struct aps_xml {
    apr_pool_t *pool;
    const struct aps_xml_options *options;
    const struct aps_xml_sink *sink;
    xmlParserCtxtPtr parser;
    struct aps_xml_attribute *attributes;
    struct aps_xml_namespace *namespaces;
    char *values; /* of the element at hand, those that had an ampersand */
    size_t values_cap;
    struct xml_scan scan;
    enum aps_xml_fault fault; /* UNDECIDED: none so far */
    bool begun;               /* the first block was looked at */
    bool finished;
    uint64_t total; /* bytes that came */
    uint64_t done;  /* bytes of blocks before this one */
    uint64_t at;    /* of the fault */
    size_t held;
    char block[BLOCK];
    char why[WHY];
};

static void refuse(struct aps_xml *x, enum aps_xml_fault fault)
{
    if (x->fault != APS_XML_UNDECIDED)
        return;
    x->fault = fault;
    x->at = x->done;
    xmlStopParser(x->parser);
}

/* ---- what libxml2 calls */

static void on_error(void *self, xml_error error)
{
    struct aps_xml *x = self;

    if (error->level < XML_ERR_ERROR || x->fault != APS_XML_UNDECIDED)
        return;
    if (error->message != NULL)
        apr_cpystrn(x->why, error->message, sizeof x->why);
    if (x->why[0] != '\0' && x->why[strlen(x->why) - 1] == '\n')
        x->why[strlen(x->why) - 1] = '\0';
    refuse(x, error->code == XML_ERR_NO_MEMORY ? APS_XML_NOMEM : APS_XML_MALFORMED);
}

static struct aps_xml_name name_of(const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    return (struct aps_xml_name){xml_str(local), xml_str(prefix), xml_str(uri)};
}

static bool is_xinclude(struct aps_str uri)
{
    return aps_str_eq(uri, APS_STR_LIT("http://www.w3.org/2001/XInclude")) ||
           aps_str_eq(uri, APS_STR_LIT("http://www.w3.org/2003/XInclude"));
}

/* ---- libxml2's five pointers for an attribute: local name, prefix, namespace, value, its end */

static struct aps_str value_of(const xmlChar **a)
{
    return (struct aps_str){(const char *)a[3], (size_t)(a[4] - a[3])};
}

/* An ampersand comes as &#38;, and nothing else with an ampersand does. */
static size_t resolve(struct aps_str value, char *out)
{
    static const char escaped[] = "&#38;";
    size_t n = 0;

    for (size_t i = 0; i < value.n; i++) {
        out[n++] = value.p[i];
        if (value.p[i] == '&' && value.n - i >= 5 && memcmp(value.p + i, escaped, 5) == 0)
            i += 4;
    }
    return n;
}

/* Room for those values of an element that are not as they come; false without memory. */
static bool make_room(struct aps_xml *x, uint32_t n, const xmlChar **attributes)
{
    size_t want = 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct aps_str value = value_of(attributes + (size_t)5 * i);

        if (memchr(value.p, '&', value.n) != NULL)
            want += value.n;
    }
    if (want <= x->values_cap)
        return true;
    x->values_cap = 2 * want;
    return (x->values = apr_palloc(x->pool, x->values_cap)) != NULL;
}

static void fill_attributes(struct aps_xml *x, uint32_t n, const xmlChar **attributes)
{
    char *to = x->values;

    for (uint32_t i = 0; i < n; i++) {
        const xmlChar **a = attributes + (size_t)5 * i;
        struct aps_str value = value_of(a);

        if (memchr(value.p, '&', value.n) != NULL) {
            value.n = resolve(value, to);
            value.p = to;
            to += value.n;
        }
        x->attributes[i] = (struct aps_xml_attribute){name_of(a[0], a[1], a[2]), value};
    }
}

static void fill_namespaces(struct aps_xml *x, uint32_t n, const xmlChar **namespaces)
{
    for (uint32_t i = 0; i < n; i++)
        x->namespaces[i] = (struct aps_xml_namespace){xml_str(namespaces[2 * (size_t)i]),
                                                      xml_str(namespaces[2 * (size_t)i + 1])};
}

static void on_open(void *self, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
                    int namespaces_n, const xmlChar **namespaces, int attributes_n, int defaulted,
                    const xmlChar **attributes)
{
    struct aps_xml *x = self;
    struct aps_xml_element e = {.name = name_of(local, prefix, uri),
                                .attributes = x->attributes,
                                .attributes_n = (uint32_t)attributes_n,
                                .namespaces = x->namespaces,
                                .namespaces_n = (uint32_t)namespaces_n};

    (void)defaulted; /* without a document type there is none */
    if (x->fault != APS_XML_UNDECIDED)
        return;
    if (is_xinclude(e.name.uri))
        refuse(x, APS_XML_XINCLUDE);
    else if (xmlDictSize(x->parser->dict) > (int)x->options->names_max)
        refuse(x, APS_XML_NAMES);
    else if (e.attributes_n + e.namespaces_n > x->options->attributes_max)
        refuse(x, APS_XML_ATTRIBUTES);
    else if (!make_room(x, e.attributes_n, attributes))
        refuse(x, APS_XML_NOMEM);
    else if (x->sink != NULL) {
        fill_namespaces(x, e.namespaces_n, namespaces);
        fill_attributes(x, e.attributes_n, attributes);
        if (!x->sink->open(x->sink->self, &e))
            refuse(x, APS_XML_STOPPED);
    }
}

static void on_close(void *self, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    struct aps_xml *x = self;
    const struct aps_xml_name name = name_of(local, prefix, uri);

    if (x->fault == APS_XML_UNDECIDED && x->sink != NULL && !x->sink->close(x->sink->self, &name))
        refuse(x, APS_XML_STOPPED);
}

static void give_text(struct aps_xml *x, const xmlChar *text, int n, bool cdata)
{
    if (x->fault == APS_XML_UNDECIDED && x->sink != NULL && n > 0 &&
        !x->sink->text(x->sink->self, (struct aps_str){(const char *)text, (size_t)n}, cdata))
        refuse(x, APS_XML_STOPPED);
}

static void on_text(void *self, const xmlChar *text, int n)
{
    give_text(self, text, n, false);
}

static void on_cdata(void *self, const xmlChar *text, int n)
{
    give_text(self, text, n, true);
}

/* The scanner lets none of these through; should it ever, they are refused here. */
static void on_subset(void *self, const xmlChar *name, const xmlChar *public_id,
                      const xmlChar *system_id)
{
    (void)name; /* whatever they are */
    (void)public_id;
    (void)system_id;
    refuse(self, APS_XML_DOCTYPE);
}

static xmlParserInputPtr on_entity(void *self, const xmlChar *public_id, const xmlChar *system_id)
{
    (void)public_id; /* whatever they are */
    (void)system_id;
    refuse(self, APS_XML_ENTITY);
    return NULL;
}

static void on_reference(void *self, const xmlChar *name)
{
    (void)name; /* whatever it is */
    refuse(self, APS_XML_ENTITY);
}

/* Without the handlers that are not here, libxml2 keeps no entities, makes no tree, and has nobody
 * to ask for an external text. */
static const xmlSAXHandler handler = {
    .initialized = XML_SAX2_MAGIC,
    .internalSubset = on_subset,
    .externalSubset = on_subset,
    .resolveEntity = on_entity,
    .reference = on_reference,
    .startElementNs = on_open,
    .endElementNs = on_close,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .cdataBlock = on_cdata,
    .serror = on_error,
};

/* ---- a reader's life */

void aps_xml_start(void)
{
    xmlInitParser();
    (void)xmlSchemaInitTypes(); /* some versions say that memory was short; compiling does too */
}

const char *aps_xml_version(apr_pool_t *pool)
{
    const long version = strtol(xmlParserVersion, NULL, 10); /* "20914", and what follows */

    return apr_psprintf(pool, "libxml2 %ld.%ld.%ld", version / 10000, version / 100 % 100,
                        version % 100);
}

void aps_xml_close(struct aps_xml *x)
{
    if (x->parser != NULL)
        xmlFreeParserCtxt(x->parser);
    x->parser = NULL;
}

static apr_status_t close_parser(void *x)
{
    aps_xml_close(x);
    return APR_SUCCESS;
}

struct aps_xml *aps_xml_new(apr_pool_t *pool, const struct aps_xml_options *options,
                            const struct aps_xml_sink *sink)
{
    struct aps_xml *x = apr_palloc(pool, sizeof *x);
    xmlSAXHandler own = handler;
    const size_t most = options->attributes_max;

    if (x == NULL)
        return NULL;
    memset(x, 0, offsetof(struct aps_xml, block));
    x->why[0] = '\0';
    x->pool = pool;
    x->options = options;
    x->sink = sink;
    x->attributes = apr_palloc(pool, most * sizeof *x->attributes);
    x->namespaces = apr_palloc(pool, most * sizeof *x->namespaces);
    if (x->attributes == NULL || x->namespaces == NULL ||
        !aps_xml_scan_init(&x->scan, pool, options))
        return NULL;
    x->parser = xmlCreatePushParserCtxt(&own, x, NULL, 0, NULL);
    if (x->parser == NULL)
        return NULL;
    apr_pool_cleanup_register(pool, x, close_parser, apr_pool_cleanup_null);
    (void)xmlCtxtUseOptions(x->parser, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC); /* known to all */
    return x;
}

/* ---- blocks */

/* Where the scanner refuses, `at` is exact. */
static void refuse_at(struct aps_xml *x, enum aps_xml_fault fault, size_t at)
{
    refuse(x, fault);
    x->at = x->done + at;
}

static void parse(struct aps_xml *x, const char *p, size_t n, bool last)
{
    const struct xml_guard before = xml_guard_take(on_error, x);
    const int code = xmlParseChunk(x->parser, p, (int)n, last);

    /* Warnings, which on_error passes over, may be a code too. */
    if (code != XML_ERR_OK && x->parser->wellFormed == 0)
        refuse(x, APS_XML_MALFORMED);
    if (last && (x->parser->wellFormed == 0 || x->parser->nsWellFormed == 0))
        refuse(x, APS_XML_MALFORMED);
    if (x->fault != APS_XML_UNDECIDED)
        xmlResetLastError();
    xml_guard_give(&before);
}

static size_t skip_mark(struct aps_xml *x)
{
    size_t mark = 0;

    if (!x->begun && !aps_xml_scan_start((struct aps_str){x->block, x->held}, &mark))
        refuse_at(x, APS_XML_ENCODING, 0);
    x->begun = true;
    return mark;
}

static void take_block(struct aps_xml *x, bool last)
{
    enum aps_xml_fault fault = APS_XML_UNDECIDED;
    const size_t from = skip_mark(x);
    const char *bad, *p = x->block + from;
    size_t n;

    if (x->fault != APS_XML_UNDECIDED)
        return;
    n = aps_xml_scan_utf8((struct aps_str){p, x->held - from}, last, &fault);
    bad = aps_xml_scan(&x->scan, p, p + n);
    if (bad != NULL)
        refuse_at(x, x->scan.fault, (size_t)(bad - x->block));
    else if (fault != APS_XML_UNDECIDED)
        refuse_at(x, fault, from + n);
    else
        parse(x, p, n, last);
    x->held -= from + n;
    memmove(x->block, p + n, x->held);
    x->done += from + n;
}

bool aps_xml_feed(struct aps_xml *x, struct aps_str piece)
{
    while (piece.n > 0 && x->fault == APS_XML_UNDECIDED) {
        const uint64_t left = x->options->bytes_max - x->total;
        size_t n = BLOCK - x->held;

        n = n < piece.n ? n : piece.n;
        n = n < left ? n : (size_t)left;
        if (n == 0) {
            refuse_at(x, APS_XML_BYTES, x->held);
            break;
        }
        memcpy(x->block + x->held, piece.p, n);
        x->held += n;
        x->total += n;
        piece = (struct aps_str){piece.p + n, piece.n - n};
        if (x->held == BLOCK)
            take_block(x, false);
    }
    return x->fault == APS_XML_UNDECIDED;
}

enum aps_xml_fault aps_xml_finish(struct aps_xml *x)
{
    if (!x->finished && x->fault == APS_XML_UNDECIDED)
        take_block(x, true);
    x->finished = true;
    if (x->fault == APS_XML_UNDECIDED && (x->scan.state != XML_SCAN_TEXT || x->scan.depth != 0))
        refuse(x, APS_XML_MALFORMED);
    if (x->fault == APS_XML_UNDECIDED)
        x->fault = APS_XML_OK;
    return x->fault;
}

void aps_xml_fault_explain(const struct aps_xml *x, struct aps_diag *diag)
{
    aps_xml_fault_say(x->options, x->fault, x->at, x->why, diag);
}

enum aps_xml_fault aps_xml(apr_pool_t *pool, struct aps_str text,
                           const struct aps_xml_options *options, const struct aps_xml_sink *sink,
                           struct aps_diag *diag)
{
    struct aps_xml *x = aps_xml_new(pool, options, sink);
    enum aps_xml_fault fault;

    if (x == NULL) {
        aps_err_explain(diag, "out of memory");
        return APS_XML_NOMEM;
    }
    (void)aps_xml_feed(x, text); /* finish says what it found */
    fault = aps_xml_finish(x);
    if (fault != APS_XML_OK)
        aps_xml_fault_explain(x, diag);
    aps_xml_close(x);
    return fault;
}
