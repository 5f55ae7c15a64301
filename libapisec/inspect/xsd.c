/* xsd.c - a bundle of schemas -> what libxml2 has compiled.
 *
 * libxml2 loads the texts of a bundle by addresses that nothing else has, "apisec-bundle:///3", to
 * which each schemaLocation is rewritten.  It asks a function for them that each thread has one of;
 * for the time of a call that is ours, which knows the bundle and nothing else. */
#include <apr_strings.h>
#include <libxml/uri.h>
#include <libxml/xmlIO.h>

#include "xml_lib.h"
#include "xsd_impl.h"

#define ADDRESS "apisec-bundle:///"

struct bundle {
    const struct aps_xsd_source *sources;
    uint32_t n;
    apr_pool_t *pool;
    xmlDocPtr *docs; /* with rewritten addresses */
    xmlChar **texts; /* the same, printed */
    int *lengths;
    struct aps_diag *diag;
};

/* ---- the texts, as trees */

/* The name of the text that an address stands for. */
static struct aps_str source_at(const struct bundle *b, const char *address)
{
    for (uint32_t i = 0; i < b->n && address != NULL; i++)
        if (b->docs[i] != NULL && strcmp((const char *)b->docs[i]->URL, address) == 0)
            return b->sources[i].name;
    return b->sources[0].name;
}

static void on_error(void *self, xml_error error)
{
    struct bundle *b = self;
    const char *message = error->message != NULL ? error->message : "";

    /* What is wrong with a pattern is told without its place, and then again with it. */
    if (b->diag->text[0] != '\0' || error->level < XML_ERR_ERROR ||
        error->domain == XML_FROM_REGEXP)
        return;
    aps_err_explain(b->diag, "schema \"%.*s\", line %d: %.*s",
                    APS_STR_SHOW(source_at(b, error->file)), error->line,
                    (int)strcspn(message, "\n"), message);
}

static enum aps_err read_source(struct bundle *b, uint32_t i)
{
    const struct aps_str text = b->sources[i].text;
    struct aps_diag why = {""};

    switch (aps_xml(b->pool, text, &aps_xml_plain, NULL, &why)) {
    case APS_XML_OK:
        break;
    case APS_XML_NOMEM:
        return APS_ERR_NOMEM;
    default:
        aps_err_explain(b->diag, "schema \"%.*s\": %.300s", APS_STR_SHOW(b->sources[i].name),
                        why.text);
        return APS_ERR_FORMAT;
    }
    b->docs[i] = xmlReadMemory(text.p, (int)text.n, apr_psprintf(b->pool, ADDRESS "%u", i), NULL,
                               XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_NOERROR |
                                   XML_PARSE_NOWARNING);
    if (b->docs[i] == NULL)
        return APS_ERR_NOMEM; /* the text was read a moment ago */
    if (!aps_xsd_weigh_is(xmlDocGetRootElement(b->docs[i]), "schema")) {
        aps_err_explain(b->diag, "schema \"%.*s\": its outermost element is not xs:schema",
                        APS_STR_SHOW(b->sources[i].name));
        return APS_ERR_FORMAT;
    }
    return APS_OK;
}

/* ---- references from one to another */

static bool find_name(const struct bundle *b, const char *name, uint32_t *out)
{
    for (uint32_t i = 0; i < b->n; i++)
        if (aps_str_eq(b->sources[i].name, aps_str(name))) {
            *out = i;
            return true;
        }
    return false;
}

/* A location as it stands, or relative to the name of the text that it stands in. */
static bool find_location(const struct bundle *b, uint32_t from, const char *location,
                          uint32_t *out)
{
    const char *base = apr_pstrmemdup(b->pool, b->sources[from].name.p, b->sources[from].name.n);
    xmlChar *uri = xmlBuildURI(xml_text(location), xml_text(base));
    const bool found =
        (uri != NULL && find_name(b, (const char *)uri, out)) || find_name(b, location, out);

    xmlFree(uri);
    return found;
}

/* An import may leave it to the reader where its namespace is described. */
static bool find_namespace(const struct bundle *b, const char *name, uint32_t *out)
{
    for (uint32_t i = 0; i < b->n; i++) {
        const char *target =
            aps_xsd_weigh_attribute(b->pool, xmlDocGetRootElement(b->docs[i]), "targetNamespace");

        if (strcmp(target != NULL ? target : "", name) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static enum aps_err direct(const struct bundle *b, uint32_t from, xmlNode *node)
{
    const char *location = aps_xsd_weigh_attribute(b->pool, node, "schemaLocation");
    const char *space = aps_xsd_weigh_attribute(b->pool, node, "namespace");
    uint32_t to = 0;

    if (location == NULL) {
        if (!aps_xsd_weigh_is(node, "import") ||
            !find_namespace(b, space != NULL ? space : "", &to))
            return APS_OK; /* libxml2 says what is missing */
    } else if (!find_location(b, from, location, &to)) {
        aps_err_explain(b->diag,
                        "schema \"%.*s\" refers to \"%.100s\", which is not in the bundle; want a "
                        "text of this name, since nothing is fetched",
                        APS_STR_SHOW(b->sources[from].name), location);
        return APS_ERR_NOT_FOUND;
    }
    location = apr_psprintf(b->pool, ADDRESS "%u", to);
    return xmlSetProp(node, xml_text("schemaLocation"), xml_text(location)) != NULL ? APS_OK
                                                                                    : APS_ERR_NOMEM;
}

static enum aps_err direct_all(const struct bundle *b, uint32_t from)
{
    enum aps_err err = APS_OK;

    for (xmlNode *node = xmlDocGetRootElement(b->docs[from]); node != NULL && err == APS_OK;
         node = aps_xsd_weigh_next(node))
        if (aps_xsd_weigh_is(node, "include") || aps_xsd_weigh_is(node, "import") ||
            aps_xsd_weigh_is(node, "redefine"))
            err = direct(b, from, node);
    if (err != APS_OK)
        return err;
    xmlDocDumpMemory(b->docs[from], &b->texts[from], &b->lengths[from]);
    return b->texts[from] != NULL ? APS_OK : APS_ERR_NOMEM;
}

/* ---- libxml2's compiler */

static const struct bundle **loading(void)
{
    static _Thread_local const struct bundle *of_thread;

    return &of_thread;
}

static xmlParserInputBufferPtr load(const char *address, xmlCharEncoding encoding)
{
    const struct bundle *b = *loading();

    for (uint32_t i = 0; i < b->n; i++)
        if (strcmp((const char *)b->docs[i]->URL, address) == 0)
            return xmlParserInputBufferCreateMem((const char *)b->texts[i], b->lengths[i],
                                                 encoding);
    return NULL;
}

static xmlSchemaPtr compile(struct bundle *b)
{
    xmlSchemaParserCtxtPtr parser = xmlSchemaNewDocParserCtxt(b->docs[0]);
    const struct bundle *outer = *loading();
    const struct xml_guard before = xml_guard_take(on_error, b);
    xmlParserInputBufferCreateFilenameFunc loader;
    xmlSchemaPtr schema = NULL;

    if (parser != NULL) {
        *loading() = b;
        loader = xmlParserInputBufferCreateFilenameDefault(load);
        xmlSchemaSetParserStructuredErrors(parser, on_error, b);
        schema = xmlSchemaParse(parser);
        (void)xmlParserInputBufferCreateFilenameDefault(loader); /* the answer is `load` */
        *loading() = outer;
        xmlSchemaFreeParserCtxt(parser);
    }
    xmlResetLastError();
    xml_guard_give(&before);
    return schema;
}

static apr_status_t free_schema(void *data)
{
    struct aps_xsd *xsd = data;

    xmlSchemaFree(xsd->schema);
    xmlFreeDoc(xsd->doc);
    return APR_SUCCESS;
}

static enum aps_err compile_bundle(struct bundle *b, apr_pool_t *pool, struct aps_xsd *xsd)
{
    struct aps_diag none = {""};
    enum aps_err err = APS_OK;

    if (b->diag == NULL)
        b->diag = &none;
    b->diag->text[0] = '\0';
    for (uint32_t i = 0; i < b->n && err == APS_OK; i++)
        err = read_source(b, i);
    for (uint32_t i = 0; i < b->n && err == APS_OK; i++)
        err = direct_all(b, i);
    if (err == APS_OK)
        err = aps_xsd_weigh(b->docs, b->n, pool, &xsd->limits, b->diag);
    if (err != APS_OK)
        return err;
    if ((xsd->schema = compile(b)) != NULL)
        return APS_OK;
    if (b->diag->text[0] == '\0')
        aps_err_explain(b->diag, "the schema cannot be compiled");
    return APS_ERR_FORMAT;
}

enum aps_err aps_xsd_compile(const struct aps_xsd_source *sources, uint32_t n, apr_pool_t *pool,
                             const struct aps_xsd **out, struct aps_diag *diag)
{
    struct aps_xsd *xsd = apr_pcalloc(pool, sizeof *xsd);
    struct bundle b = {.sources = sources, .n = n, .diag = diag};
    enum aps_err err = APS_ERR_NOMEM;

    if (n == 0 || n > XSD_SOURCES_MAX) {
        aps_err_explain(diag, "%u texts of a schema; want 1 to %u", n, XSD_SOURCES_MAX);
        return APS_ERR_RANGE;
    }
    if (xsd == NULL || apr_pool_create(&b.pool, pool) != APR_SUCCESS)
        return APS_ERR_NOMEM;
    b.docs = apr_pcalloc(b.pool, n * sizeof *b.docs);
    b.texts = apr_pcalloc(b.pool, n * sizeof *b.texts);
    b.lengths = apr_pcalloc(b.pool, n * sizeof *b.lengths);
    if (b.docs == NULL || b.texts == NULL || b.lengths == NULL)
        goto out;
    if ((err = compile_bundle(&b, pool, xsd)) != APS_OK)
        goto out;
    xsd->name = aps_str_copy(pool, sources[0].name);
    xsd->doc = b.docs[0];
    b.docs[0] = NULL;
    apr_pool_cleanup_register(pool, xsd, free_schema, apr_pool_cleanup_null);
    *out = xsd;
out:
    for (uint32_t i = 0; i < n && b.docs != NULL && b.texts != NULL; i++) {
        xmlFreeDoc(b.docs[i]);
        xmlFree(b.texts[i]);
    }
    apr_pool_destroy(b.pool);
    return err;
}
