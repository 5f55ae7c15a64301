/* xsd_check.c - a text through the XML reader and libxml2's streaming validator, and what it finds.
 *
 * The validator is given what the reader gives: nothing of a document is kept but the way to the
 * element at hand. */
#include <apr_strings.h>

#include "xml_lib.h"
#include "xsd_impl.h"
#include "xsd_path.h"

#define VALUE_MAX 64 /* bytes of a value that are kept to be shown */
#define EXPECTED_MAX 200
#define KEYWORD_MAX 24

struct failure {
    const char *pointer;
    const char *expected;
    struct aps_str value;
    char keyword[KEYWORD_MAX];
    bool facet; /* libxml2 says of a value first which facet, then which type it misses */
};

struct aps_xsd_check {
    apr_pool_t *pool;
    apr_pool_t *element_pool; /* for the element at hand */
    const struct aps_xsd *xsd;
    const struct aps_xsd_options *options;
    struct aps_xml *xml;
    struct aps_xml_sink sink;
    xmlSchemaValidCtxtPtr validator;
    xmlSchemaSAXPlugPtr plug;
    xmlSAXHandlerPtr sax; /* the validator's handlers, and what they are given */
    void *sax_self;
    const xmlChar **attributes; /* of an element, as libxml2 wants them */
    const xmlChar **namespaces;
    struct xsd_path path;
    const struct aps_xml_element *open; /* while its start is judged */
    aps_nsec until;
    enum aps_xsd_verdict verdict; /* UNDECIDED: none so far */
    enum aps_xml_fault fault;
    uint32_t elements;
    uint32_t given; /* of those that are open, how many the validator knows */
    uint32_t limit; /* of the text of the element at hand */
    uint32_t text_n;
    uint32_t value_n;
    char value[VALUE_MAX + 4]; /* how that text begins: up to where it is cut, and one character */
    struct failure failures[APS_XSD_FAILURES];
    uint32_t failures_n;
    struct aps_diag why; /* of an XML fault */
};

const struct aps_xsd_options aps_xsd_usual = {
    .xml = &aps_xml_strict,
    .clock = aps_clock_monotonic,
    .time_max = APS_SEC,
};

static bool end_with(struct aps_xsd_check *c, enum aps_xsd_verdict verdict)
{
    if (c->verdict == APS_XSD_UNDECIDED || c->verdict == APS_XSD_INVALID)
        c->verdict = verdict;
    return false;
}

/* ---- failures */

/* "[facet 'pattern'] ...": the facet's name. */
static bool read_facet(const char *text, char out[KEYWORD_MAX])
{
    static const char head[] = "[facet '";
    const char *name = text + sizeof head - 1;
    size_t n;

    if (strncmp(text, head, sizeof head - 1) != 0)
        return false;
    n = strcspn(name, "'");
    if (n == 0 || n >= KEYWORD_MAX)
        return false;
    apr_cpystrn(out, name, n + 1);
    return true;
}

static const char *keyword_of(int code)
{
    switch (code) {
    case XML_SCHEMAV_ELEMENT_CONTENT:
    case XML_SCHEMAV_CVC_COMPLEX_TYPE_2_1:
    case XML_SCHEMAV_CVC_COMPLEX_TYPE_2_2:
    case XML_SCHEMAV_CVC_COMPLEX_TYPE_2_3:
    case XML_SCHEMAV_CVC_COMPLEX_TYPE_2_4:
    case XML_SCHEMAV_CVC_ELT_1:
        return "content";
    case XML_SCHEMAV_CVC_COMPLEX_TYPE_3_1:
    case XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_1:
    case XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_2:
    case XML_SCHEMAV_CVC_COMPLEX_TYPE_4:
        return "attribute";
    case XML_SCHEMAV_CVC_IDC:
        return "key";
    default:
        return "type";
    }
}

/* Behind "Element 'x', attribute 'y': "; *out_attribute is y, or empty. */
static const char *skip_place(const char *message, struct aps_str *out_attribute)
{
    static const char element[] = "Element '", attribute[] = "', attribute '", end[] = "': ";
    const char *colon = strstr(message, end), *name;

    *out_attribute = (struct aps_str){"", 0};
    if (strncmp(message, element, sizeof element - 1) != 0 || colon == NULL)
        return message;
    name = strstr(message, attribute);
    if (name != NULL && name < colon) {
        name += sizeof attribute - 1;
        if (*name == '{' && memchr(name, '}', (size_t)(colon - name)) != NULL)
            name = (const char *)memchr(name, '}', (size_t)(colon - name)) + 1;
        *out_attribute = (struct aps_str){name, (size_t)(colon - name)};
    }
    return colon + sizeof end - 1;
}

/* How much of a text fits, whole characters alone. */
static size_t cut(struct aps_str text, size_t max)
{
    size_t n = text.n < max ? text.n : max;

    while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

/* "The value 'x' is not accepted by ...", "'x' is not a valid value of ...": what comes behind "is
 * not" is wanted, and the value is shown elsewhere. */
static struct aps_str expectation_of(const char *text)
{
    static const char of_facet[] = "The value '", is_not[] = "' is not ";
    const char *facet = strstr(text, "'] "), *behind = NULL;
    struct aps_str expected;

    if (*text == '[' && facet != NULL)
        text = facet + 3;
    if (*text == '\'' || strncmp(text, of_facet, sizeof of_facet - 1) == 0)
        behind = strstr(text + 1, is_not);
    if (behind != NULL)
        text = behind + sizeof is_not - 1;
    expected = (struct aps_str){text, strcspn(text, "\n")};
    expected.n = cut(expected, EXPECTED_MAX);
    return expected;
}

/* Of the attribute that is complained of, or of the element's text so far. */
static struct aps_str value_of(const struct aps_xsd_check *c, struct aps_str attribute)
{
    struct aps_str value = {c->value, c->value_n};

    for (uint32_t i = 0; c->open != NULL && i < c->open->attributes_n; i++)
        if (aps_str_eq(c->open->attributes[i].name.local, attribute))
            value = c->open->attributes[i].value;
    value.n = cut(value, VALUE_MAX);
    return value;
}

static bool is_datatype(int code)
{
    return code >= XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1 &&
           code <= XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_3;
}

/* The type that a value misses, right behind the facet of it that it misses. */
static bool is_told(const struct aps_xsd_check *c, const struct failure *f, int code)
{
    const struct failure *last = c->failures_n > 0 ? &c->failures[c->failures_n - 1] : NULL;

    return last != NULL && is_datatype(code) && last->facet &&
           strcmp(last->pointer, f->pointer) == 0;
}

static void note(struct aps_xsd_check *c, const char *message, int code)
{
    struct failure f = {.pointer = NULL};
    struct aps_str attribute, expected;

    if (c->failures_n == (c->options->first ? 1 : APS_XSD_FAILURES))
        return;
    message = skip_place(message, &attribute);
    f.facet = read_facet(message, f.keyword);
    if (!f.facet)
        apr_cpystrn(f.keyword, keyword_of(code), sizeof f.keyword);
    f.pointer = aps_xsd_path_print(&c->path, attribute, c->pool);
    if (is_told(c, &f, code))
        return;
    expected = expectation_of(message);
    f.expected = apr_pstrmemdup(c->pool, expected.p, expected.n);
    f.value = aps_str_copy(c->pool, value_of(c, attribute));
    c->failures[c->failures_n++] = f;
}

static void on_error(void *self, xml_error error)
{
    struct aps_xsd_check *c = self;

    if (error->level < XML_ERR_ERROR)
        return;
    if (error->code == XML_ERR_NO_MEMORY) {
        (void)end_with(c, APS_XSD_NOMEM); /* false, for callers that go on */
        return;
    }
    if (c->verdict == APS_XSD_UNDECIDED)
        c->verdict = APS_XSD_INVALID;
    note(c, error->message != NULL ? error->message : "", error->code);
}

/* ---- what the reader gives */

/* Whether to go on after the validator has seen a part of the text. */
static bool goes_on(struct aps_xsd_check *c)
{
    const int code = xmlSchemaIsValid(c->validator);

    if (code < 0) /* it stopped: a pattern was at its bound */
        return end_with(c, APS_XSD_PATTERN);
    if (c->verdict == APS_XSD_INVALID)
        return !c->options->first;
    if (c->verdict != APS_XSD_UNDECIDED)
        return false;
    return c->options->clock() < c->until || end_with(c, APS_XSD_TIME);
}

static uint32_t limit_of(const struct aps_xsd_check *c, char kind, struct aps_str name)
{
    char key[2 + 256];
    const uint32_t *limit;

    if (c->xsd->limits.least == UINT32_MAX)
        return UINT32_MAX;
    if (name.n > sizeof key - 3)
        return c->xsd->limits.least;
    key[0] = kind;
    key[1] = ':';
    memcpy(key + 2, name.p, name.n);
    limit = apr_hash_get(c->xsd->limits.of, key, (apr_ssize_t)(name.n + 2));
    return limit != NULL ? *limit : UINT32_MAX;
}

static bool is_instance(const struct aps_xml_attribute *a, struct aps_str local)
{
    return aps_str_eq(a->name.uri, APS_STR_LIT(XSD_INSTANCE)) && aps_str_eq(a->name.local, local);
}

/* Where a document says its schema is, nobody looks. */
static bool is_location(const struct aps_xml_attribute *a)
{
    return is_instance(a, APS_STR_LIT("schemaLocation")) ||
           is_instance(a, APS_STR_LIT("noNamespaceSchemaLocation"));
}

/* Values of attributes within their limits; and the limit of the element's text. */
static bool set_limits(struct aps_xsd_check *c, const struct aps_xml_element *e)
{
    c->limit = limit_of(c, 'E', e->name.local);
    for (uint32_t i = 0; i < e->attributes_n; i++) {
        if (e->attributes[i].value.n > limit_of(c, 'A', e->attributes[i].name.local))
            return end_with(c, APS_XSD_PATTERN);
        if (is_instance(&e->attributes[i], APS_STR_LIT("type")))
            c->limit = c->xsd->limits.least;
    }
    return true;
}

static const xmlChar *pointer_of(struct aps_str text)
{
    return text.n > 0 ? xml_text(text.p) : NULL;
}

/* The validator takes &#38; for an ampersand, as libxml2's parser writes one. */
static struct aps_str escape(struct aps_xsd_check *c, struct aps_str value)
{
    static const char escaped[] = "&#38;";
    size_t n = 0;
    char *copy;

    if (memchr(value.p, '&', value.n) == NULL)
        return value;
    copy = apr_palloc(c->element_pool, value.n * 5);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '&') {
            memcpy(copy + n, escaped, 5);
            n += 5;
        } else {
            copy[n++] = value.p[i];
        }
    }
    return (struct aps_str){copy, n};
}

/* libxml2's form of an element; returns the number of its attributes. */
static int fill(struct aps_xsd_check *c, const struct aps_xml_element *e)
{
    int n = 0;

    for (uint32_t i = 0; i < e->namespaces_n; i++) {
        c->namespaces[2 * (size_t)i] = pointer_of(e->namespaces[i].prefix);
        c->namespaces[2 * (size_t)i + 1] = xml_text(e->namespaces[i].uri.p);
    }
    for (uint32_t i = 0; i < e->attributes_n; i++) {
        const struct aps_xml_attribute *a = &e->attributes[i];
        const xmlChar **to = c->attributes + (size_t)5 * (size_t)n;
        struct aps_str value;

        if (is_location(a))
            continue;
        value = escape(c, a->value);
        to[0] = xml_text(a->name.local.p);
        to[1] = pointer_of(a->name.prefix);
        to[2] = pointer_of(a->name.uri);
        to[3] = xml_text(value.p);
        to[4] = xml_text(value.p + value.n);
        n++;
    }
    return n;
}

static bool on_open(void *self, const struct aps_xml_element *e)
{
    struct aps_xsd_check *c = self;
    int n;

    aps_xsd_path_enter(&c->path, &e->name);
    c->text_n = c->value_n = 0;
    if (c->xsd->limits.identity && ++c->elements > XSD_IDENTITY_MAX)
        return end_with(c, APS_XSD_NODES);
    if (!set_limits(c, e))
        return false;
    n = fill(c, e);
    c->open = e;
    c->sax->startElementNs(c->sax_self, xml_text(e->name.local.p), pointer_of(e->name.prefix),
                           pointer_of(e->name.uri), (int)e->namespaces_n, c->namespaces, n, 0,
                           c->attributes);
    c->open = NULL;
    c->given++;
    apr_pool_clear(c->element_pool);
    return goes_on(c);
}

static bool on_text(void *self, struct aps_str text, bool cdata)
{
    struct aps_xsd_check *c = self;
    const size_t room = sizeof c->value - c->value_n, n = text.n < room ? text.n : room;

    memcpy(c->value + c->value_n, text.p, n);
    c->value_n += (uint32_t)n;
    if (text.n > c->limit - c->text_n)
        return end_with(c, APS_XSD_PATTERN);
    c->text_n += (uint32_t)text.n;
    if (cdata)
        c->sax->cdataBlock(c->sax_self, xml_text(text.p), (int)text.n);
    else
        c->sax->characters(c->sax_self, xml_text(text.p), (int)text.n);
    return goes_on(c);
}

static bool on_close(void *self, const struct aps_xml_name *name)
{
    struct aps_xsd_check *c = self;

    c->sax->endElementNs(c->sax_self, xml_text(name->local.p), pointer_of(name->prefix),
                         pointer_of(name->uri));
    c->given--;
    aps_xsd_path_leave(&c->path);
    c->text_n = c->value_n = 0;
    return goes_on(c);
}

/* ---- a check's life */

static void ignore(void *self, xml_error error)
{
    (void)self; /* the verdict stands */
    (void)error;
}

/* Where a text was not read to its end, libxml2 forgets to free what it keeps for the identity
 * constraints of elements that are open; so they are closed. */
static void end_elements(struct aps_xsd_check *c)
{
    const struct xml_guard before = xml_guard_take(ignore, NULL);

    xmlSchemaSetValidStructuredErrors(c->validator, ignore, NULL);
    for (; c->given > 0; c->given--) {
        const struct aps_xml_name *name = &c->path.levels[c->given].name;

        c->sax->endElementNs(c->sax_self, xml_text(name->local.p), pointer_of(name->prefix),
                             pointer_of(name->uri));
    }
    xml_guard_give(&before);
}

void aps_xsd_check_close(struct aps_xsd_check *c)
{
    if (c->plug != NULL)
        end_elements(c);
    aps_xml_close(c->xml);
    if (c->plug != NULL)
        (void)xmlSchemaSAXUnplug(c->plug); /* it was plugged */
    if (c->validator != NULL)
        xmlSchemaFreeValidCtxt(c->validator);
    c->plug = NULL;
    c->validator = NULL;
}

static apr_status_t close_check(void *c)
{
    aps_xsd_check_close(c);
    return APR_SUCCESS;
}

static bool plug(struct aps_xsd_check *c)
{
    c->validator = xmlSchemaNewValidCtxt(c->xsd->schema);
    if (c->validator == NULL)
        return false;
    xmlSchemaSetValidStructuredErrors(c->validator, on_error, c);
    c->plug = xmlSchemaSAXPlug(c->validator, &c->sax, &c->sax_self);
    return c->plug != NULL;
}

struct aps_xsd_check *aps_xsd_check_new(apr_pool_t *pool, const struct aps_xsd *xsd,
                                        const struct aps_xsd_options *options)
{
    struct aps_xsd_check *c = apr_pcalloc(pool, sizeof *c);
    const size_t most = options->xml->attributes_max;

    if (c == NULL || apr_pool_create(&c->element_pool, pool) != APR_SUCCESS)
        return NULL;
    c->pool = pool;
    c->xsd = xsd;
    c->options = options;
    c->sink = (struct aps_xml_sink){on_open, on_text, on_close, c};
    c->xml = aps_xml_new(pool, options->xml, &c->sink);
    c->attributes = apr_palloc(pool, most * 5 * sizeof *c->attributes);
    c->namespaces = apr_palloc(pool, most * 2 * sizeof *c->namespaces);
    if (c->xml == NULL || c->attributes == NULL || c->namespaces == NULL ||
        !aps_xsd_path_init(&c->path, pool, options->xml->depth_max))
        return NULL;
    apr_pool_cleanup_register(pool, c, close_check, apr_pool_cleanup_null);
    if (!plug(c))
        return NULL;
    c->until = options->clock() + options->time_max;
    return c;
}

bool aps_xsd_check_feed(struct aps_xsd_check *c, struct aps_str piece)
{
    const struct xml_guard before = xml_guard_take(on_error, c);
    const bool more = aps_xml_feed(c->xml, piece);

    xml_guard_give(&before);
    return more;
}

enum aps_xsd_verdict aps_xsd_check_finish(struct aps_xsd_check *c)
{
    const struct xml_guard before = xml_guard_take(on_error, c);

    if (c->fault == APS_XML_UNDECIDED)
        c->fault = aps_xml_finish(c->xml);
    xml_guard_give(&before);
    if (c->fault == APS_XML_NOMEM)
        (void)end_with(c, APS_XSD_NOMEM); /* false, for callers that go on */
    else if (c->fault != APS_XML_OK && c->fault != APS_XML_STOPPED)
        (void)end_with(c, APS_XSD_XML); /* likewise */
    if (c->verdict == APS_XSD_UNDECIDED && c->fault == APS_XML_OK)
        c->verdict = APS_XSD_VALID;
    return c->verdict;
}

enum aps_xml_fault aps_xsd_check_fault(const struct aps_xsd_check *c)
{
    return c->fault;
}

void aps_xsd_check_fault_explain(const struct aps_xsd_check *c, struct aps_diag *diag)
{
    aps_xml_fault_explain(c->xml, diag);
}

uint32_t aps_xsd_check_failures(const struct aps_xsd_check *c)
{
    return c->failures_n;
}

void aps_xsd_check_print(const struct aps_xsd_check *c, uint32_t i, struct aps_json *out)
{
    const struct failure *f = &c->failures[i];

    aps_json_object(out);
    aps_json_put_str(out, "pointer", f->pointer);
    aps_json_put_str(out, "keyword", f->keyword);
    aps_json_name(out, "schema");
    aps_json_str(out, c->xsd->name);
    aps_json_put_str(out, "expected", f->expected);
    aps_json_name(out, "value");
    aps_json_str(out, f->value);
    aps_json_end(out);
}
