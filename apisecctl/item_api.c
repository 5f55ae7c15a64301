/* item_api.c - the documents of an API as a configuration document has them. */
#include "item_api.h"

#include "apisec/json.h"

enum aps_err ctl_item_api_print(apr_pool_t *pool, const struct aps_store_api_bundle *bundle,
                                struct aps_str *out)
{
    struct aps_json w;

    aps_json_init_pool(&w, pool, 0);
    aps_json_array(&w);
    for (uint32_t i = 0; i < bundle->n; i++) {
        aps_json_object(&w);
        aps_json_name(&w, "uri");
        aps_json_str(&w, bundle->sources[i].uri);
        aps_json_name(&w, "text");
        aps_json_str(&w, bundle->sources[i].text);
        aps_json_end(&w);
    }
    aps_json_end(&w);
    if (w.full)
        return APS_ERR_NOMEM;
    *out = aps_json_text(&w);
    return APS_OK;
}

/* ---- reading ---- */

static enum aps_err wrong(struct ctl *c, struct aps_str said, const char *want)
{
    aps_err_explain(&c->diag, "\"%.*s\": want %s", APS_STR_SHOW(said), want);
    return APS_ERR_FORMAT;
}

/* A name below the root that a reference can lead to. */
static bool is_uri(struct aps_str uri)
{
    const struct aps_str root = APS_STR_LIT(APS_STORE_API_ROOT);

    if (uri.n <= root.n || memcmp(uri.p, root.p, root.n) != 0)
        return false;
    for (size_t i = root.n; i < uri.n; i++)
        if (uri.p[i] <= ' ' || uri.p[i] == 0x7f || uri.p[i] == '#' || uri.p[i] == '?')
            return false;
    return true;
}

static bool has(const struct aps_schema_source *sources, uint32_t n, struct aps_str uri)
{
    for (uint32_t i = 0; i < n; i++)
        if (aps_str_eq(sources[i].uri, uri))
            return true;
    return false;
}

/* The text of this member, which is there once at most. */
static struct aps_str text_of(const struct ctl_item *item, const struct aps_jsonread_node *object,
                              struct aps_str name)
{
    const struct aps_jsonread_node *v = aps_jsonread_get(item->doc, object, name);

    return v != NULL && aps_jsonread_kind(v) == APS_JSON_STRING ? aps_jsonread_str(item->doc, v)
                                                                : (struct aps_str){NULL, 0};
}

static enum aps_err read_document(struct ctl *c, const struct ctl_item *item,
                                  const struct aps_jsonread_node *object,
                                  struct aps_schema_source *out)
{
    out->uri = text_of(item, object, APS_STR_LIT("uri"));
    out->text = text_of(item, object, APS_STR_LIT("text"));
    if (aps_jsonread_count(object) != 2 || out->text.n == 0)
        return wrong(c, out->uri, "a document with the texts \"uri\" and \"text\" alone");
    return is_uri(out->uri) ? APS_OK : wrong(c, out->uri, APS_STORE_API_ROOT "PATH as its \"uri\"");
}

enum aps_err ctl_item_api_read(struct ctl *c, const struct ctl_item *item,
                               struct aps_store_api_bundle *out)
{
    const struct aps_str kind = ctl_item_text(item, CTL_ITEM_API_KIND);
    const struct aps_jsonread_node *list = item->value[CTL_ITEM_API_DOCUMENTS];
    const uint32_t count = list != NULL ? aps_jsonread_count(list) : 0;
    struct aps_store_api_bundle bundle = {.kind = aps_store_api_kind(kind)};
    struct aps_schema_source *sources = apr_pcalloc(c->pool, (count + 1) * sizeof *sources);
    enum aps_err err = APS_OK;

    if (bundle.kind == APS_STORE_API_NONE)
        return wrong(c, kind, "openapi, json-schema or xsd as its \"kind\"");
    if (count == 0 || count > APS_STORE_API_SOURCES_MAX) {
        aps_err_explain(&c->diag, "%u \"documents\": want 1 to %d", count,
                        APS_STORE_API_SOURCES_MAX);
        return APS_ERR_FORMAT;
    }
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list);
         err == APS_OK && v < aps_jsonread_end(list); v = aps_jsonread_next(v)) {
        struct aps_schema_source *s = &sources[bundle.n];

        err = read_document(c, item, v, s);
        if (err == APS_OK && has(sources, bundle.n++, s->uri))
            err = wrong(c, s->uri, "each document once");
    }
    bundle.sources = sources;
    if (err == APS_OK)
        *out = bundle;
    return err;
}

/* ---- what differs ---- */

static enum aps_err parse(struct ctl *c, struct aps_str text, struct aps_store_api_bundle *out)
{
    struct ctl_item item;
    enum aps_err err = ctl_item_parse(c, CTL_ITEM_API, text, &item);

    return err == APS_OK ? ctl_item_api_read(c, &item, out) : err;
}

enum aps_err ctl_item_api_diff(struct ctl *c, struct aps_str before, struct aps_str after,
                               ctl_apidiff_fn fn, void *arg)
{
    struct aps_store_api_bundle was, is;
    enum aps_err err = parse(c, before, &was);

    if (err == APS_OK)
        err = parse(c, after, &is);
    if (err != APS_OK || was.kind == APS_STORE_API_XSD)
        return err;
    return ctl_apidiff(c->pool, &was, &is, fn, arg, &c->diag);
}
