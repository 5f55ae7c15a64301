/* cmd_api.c - descriptions and schemas that requests are judged by: import, look, remove. */
#include <apr_escape.h>
#include <apr_strings.h>

#include "apisec/api.h"
#include "bundle.h"
#include "ctl.h"
#include "ended.h"

#define NOTES_MAX 20
#define GAPS "what is not enforced"

static struct aps_str ref(const struct ctl *c)
{
    return aps_str(c->call.arg[0]);
}

/* ---- files ---- */

static enum aps_err read_kind(struct ctl *c, enum aps_store_api_kind *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_KIND);

    *out = APS_STORE_API_NONE;
    if (text == NULL || (*out = aps_store_api_kind(aps_str(text))) != APS_STORE_API_NONE)
        return APS_OK;
    aps_err_explain(&c->diag, "--kind \"%s\": want openapi, json-schema or xsd", text);
    return APS_ERR_FORMAT;
}

static enum aps_err read_file(struct ctl *c, const char *path, struct ctl_bundle *out)
{
    enum aps_store_api_kind kind;
    enum aps_err err = read_kind(c, &kind);

    return err == APS_OK ? ctl_bundle_read(c->pool, path, kind, out, &c->diag) : err;
}

/* References that were not followed, below a message that something is missing. */
static void note_refs(struct ctl *c, const apr_array_header_t *notes)
{
    const char *text = "";

    for (int i = 0; i < notes->nelts && i < NOTES_MAX; i++)
        text = apr_psprintf(c->pool, "%s\n  %s", text, APR_ARRAY_IDX(notes, i, const char *));
    c->note = text;
}

/* ---- as it is printed ---- */

static void show_sentences(struct ctl *c, const char *name, const apr_array_header_t *list)
{
    struct aps_str *values = apr_palloc(c->pool, ((size_t)list->nelts + 1) * sizeof *values);

    if (ctl_output_is_json(c->out)) {
        for (int i = 0; i < list->nelts; i++)
            values[i] = aps_str(APR_ARRAY_IDX(list, i, const char *));
        ctl_output_list(c->out, name, values, (size_t)list->nelts);
        return;
    }
    ctl_output_u64(c->out, name, (uint64_t)list->nelts);
}

/* The same in full, as text below the fields. */
static const char *add_sentences(struct ctl *c, const char *text, const char *title,
                                 const apr_array_header_t *list)
{
    apr_array_header_t *parts = apr_array_make(c->pool, 2 * list->nelts + 2, sizeof(const char *));

    if (list->nelts == 0)
        return text;
    *(const char **)apr_array_push(parts) = apr_pstrcat(c->pool, text, "\n", title, ":", NULL);
    for (int i = 0; i < list->nelts; i++) {
        *(const char **)apr_array_push(parts) = "\n  ";
        *(const char **)apr_array_push(parts) = APR_ARRAY_IDX(list, i, const char *);
    }
    *(const char **)apr_array_push(parts) = "\n";
    return apr_array_pstrcat(c->pool, parts, 0);
}

static void tell(struct ctl *c, const char *text)
{
    if (text[0] != '\0' && !ctl_output_is_json(c->out))
        ctl_output_tail(c->out, "%s", text);
}

static void show_api(struct ctl *c, const struct aps_store_api *api)
{
    char digest[2 * APS_DIGEST_LEN + 1];

    (void)apr_escape_hex(digest, api->digest, sizeof api->digest, 0, NULL); /* it cannot fail */
    ctl_output_str(c->out, "name", api->name);
    ctl_output_str(c->out, "kind", aps_str(aps_store_api_kind_name(api->kind)));
    ctl_output_str(c->out, "title", api->title);
    ctl_output_str(c->out, "version", api->version);
    ctl_output_u64(c->out, "bytes", api->size);
    ctl_output_str(c->out, "digest", aps_str(digest));
    ctl_output_str(c->out, "release", api->release);
    ctl_output_time(c->out, "created_at", api->created_at);
    ctl_output_time(c->out, "changed_at", api->changed_at);
}

static void show_documents(struct ctl *c, const struct aps_store_api_bundle *bundle)
{
    ctl_output_table(c->out, "documents", "uri bytes");
    for (uint32_t i = 0; i < bundle->n; i++) {
        ctl_output_row(c->out);
        ctl_output_str(c->out, "uri", bundle->sources[i].uri);
        ctl_output_u64(c->out, "bytes", bundle->sources[i].text.n);
        ctl_output_end(c->out);
    }
    ctl_output_end(c->out);
}

static void show_operation(struct ctl *c, const struct aps_api_operation *op)
{
    char method[APS_METHODS_TEXT_MAX];

    ctl_output_row(c->out);
    ctl_output_str(c->out, "method", aps_str(aps_methods_print(op->method, method)));
    ctl_output_str(c->out, "path", op->path);
    ctl_output_str(c->out, "id", op->id);
    ctl_output_bool(c->out, "deprecated", op->deprecated);
    ctl_output_str(c->out, "limit", op->limit);
    ctl_output_bool(c->out, "stream", op->stream);
    ctl_output_end(c->out);
}

static enum aps_err show_operations(struct ctl *c, const struct aps_store_api_bundle *bundle,
                                    const struct aps_store_api_made *made)
{
    const struct aps_api_operation *ops = NULL;
    const struct aps_api *api = NULL;
    uint32_t n = 0;

    if (bundle->kind == APS_STORE_API_OPENAPI) {
        enum aps_err err = aps_api_open(c->pool, made->block, &api, &c->diag);

        if (err != APS_OK)
            return err;
        n = aps_api_operations(api, &ops);
    }
    ctl_output_table(c->out, "operations", "method path id");
    for (uint32_t i = 0; i < n; i++)
        show_operation(c, &ops[i]);
    ctl_output_end(c->out);
    return APS_OK;
}

/* ---- import, list, show, remove ---- */

enum aps_err ctl_api_import(struct ctl *c)
{
    struct aps_store_api_made made;
    struct aps_store_api api;
    struct ctl_bundle bundle;
    bool changed = false;
    enum aps_err err;

    if ((err = read_file(c, c->call.arg[1], &bundle)) != APS_OK)
        return err;
    err = aps_store_api_put(c->store, ref(c), &bundle.of, c->pool, &made, &changed, &c->diag);
    if (err != APS_OK) {
        note_refs(c, bundle.notes);
        return err;
    }
    if ((err = aps_store_api_get(c->store, ref(c), c->pool, &api, &c->diag)) != APS_OK)
        return err;
    ctl_output_row(c->out);
    show_api(c, &api);
    ctl_output_u64(c->out, "documents", bundle.of.n);
    ctl_output_bool(c->out, "changed", changed);
    show_sentences(c, "gaps", made.gaps);
    show_sentences(c, "warnings", made.warnings);
    if (ctl_command_is_dry_run(&c->call))
        ctl_output_bool(c->out, "dry_run", true);
    ctl_output_end(c->out);
    tell(c, add_sentences(c, add_sentences(c, "", GAPS, made.gaps), "warnings", made.warnings));
    return APS_OK;
}

enum aps_err ctl_api_list(struct ctl *c)
{
    const struct aps_store_api *list = NULL;
    size_t n = 0;
    enum aps_err err = aps_store_apis(c->store, c->pool, &list, &n, &c->diag);

    ctl_output_table(c->out, NULL, "name kind title version bytes changed_at");
    for (size_t i = 0; err == APS_OK && i < n; i++) {
        ctl_output_row(c->out);
        show_api(c, &list[i]);
        ctl_output_end(c->out);
    }
    ctl_output_end(c->out);
    return err;
}

/* One document as it is; several each under its URI. */
static void show_text(struct ctl *c, const struct aps_store_api_bundle *bundle)
{
    if (ctl_output_is_json(c->out)) {
        ctl_output_table(c->out, NULL, "uri text");
        for (uint32_t i = 0; i < bundle->n; i++) {
            ctl_output_row(c->out);
            ctl_output_str(c->out, "uri", bundle->sources[i].uri);
            ctl_output_str(c->out, "text", bundle->sources[i].text);
            ctl_output_end(c->out);
        }
        ctl_output_end(c->out);
        return;
    }
    for (uint32_t i = 0; i < bundle->n; i++) {
        if (bundle->n > 1)
            ctl_output_text(c->out, "%s# %.*s\n", i != 0 ? "\n" : "",
                            APS_STR_ARG(bundle->sources[i].uri));
        ctl_output_text(c->out, "%.*s\n", APS_STR_ARG(bundle->sources[i].text));
    }
}

enum aps_err ctl_api_show(struct ctl *c)
{
    struct aps_store_api_bundle bundle;
    struct aps_store_api_made made;
    struct aps_store_api api;
    enum aps_err err;

    if ((err = aps_store_api_get(c->store, ref(c), c->pool, &api, &c->diag)) != APS_OK ||
        (err = aps_store_api_bundle(c->store, ref(c), c->pool, &bundle, &c->diag)) != APS_OK)
        return err;
    if (c->call.values[CTL_OPT_DOCUMENTS] != NULL) {
        show_text(c, &bundle);
        return APS_OK;
    }
    if ((err = aps_store_api_compile(&bundle, c->pool, &made, &c->diag)) != APS_OK)
        return err;
    ctl_output_row(c->out);
    show_api(c, &api);
    show_sentences(c, "gaps", made.gaps);
    show_documents(c, &bundle);
    err = show_operations(c, &bundle, &made);
    ctl_output_end(c->out);
    return err;
}

enum aps_err ctl_api_remove(struct ctl *c)
{
    enum aps_err err = aps_store_api_remove(c->store, ref(c), &c->diag);

    if (err == APS_OK)
        ctl_ended(c, "name", ref(c), "removed");
    return err;
}

/* ---- validate, coverage ---- */

/* A fault of the file, not of the command. */
static bool is_fault(enum aps_err err)
{
    return err == APS_ERR_FORMAT || err == APS_ERR_NOT_FOUND || err == APS_ERR_RANGE;
}

static void add_fault(struct ctl *c, apr_array_header_t *faults, enum aps_err err)
{
    *(const char **)apr_array_push(faults) = apr_pstrdup(c->pool, aps_err_say(err, &c->diag));
    c->diag.text[0] = '\0';
}

/* What is wrong with it, one for each thing that was found: a file that cannot be read ends it. */
static enum aps_err look_for_faults(struct ctl *c, struct ctl_bundle *bundle,
                                    struct aps_store_api_made *made, apr_array_header_t *faults)
{
    enum aps_err err = read_file(c, c->call.arg[0], bundle);

    if (err == APS_ERR_FORMAT || err == APS_ERR_RANGE) {
        add_fault(c, faults, err);
        return APS_OK;
    }
    if (err != APS_OK)
        return err;
    err = aps_store_api_compile(&bundle->of, c->pool, made, &c->diag);
    if (!is_fault(err))
        return err;
    add_fault(c, faults, err);
    if (err == APS_ERR_NOT_FOUND)
        apr_array_cat(faults, bundle->notes);
    return APS_OK;
}

enum aps_err ctl_api_validate(struct ctl *c)
{
    apr_array_header_t *faults = apr_array_make(c->pool, 4, sizeof(const char *));
    struct aps_store_api_made made = {.gaps = apr_array_make(c->pool, 1, sizeof(const char *)),
                                      .warnings = apr_array_make(c->pool, 1, sizeof(const char *))};
    struct ctl_bundle bundle = {.of.kind = APS_STORE_API_NONE};
    enum aps_err err = look_for_faults(c, &bundle, &made, faults);

    if (err != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "file", aps_str(c->call.arg[0]));
    ctl_output_str(c->out, "kind", aps_str(aps_store_api_kind_name(bundle.of.kind)));
    ctl_output_str(c->out, "title", made.title);
    ctl_output_str(c->out, "version", made.version);
    ctl_output_bool(c->out, "valid", faults->nelts == 0);
    show_sentences(c, "faults", faults);
    show_sentences(c, "gaps", made.gaps);
    show_sentences(c, "warnings", made.warnings);
    ctl_output_end(c->out);
    tell(c, add_sentences(c, add_sentences(c, "", "faults", faults), "warnings", made.warnings));
    return faults->nelts == 0 ? APS_OK : APS_ERR_CHECK;
}

/* The bundle of a file, or that of the store. */
static enum aps_err find_bundle(struct ctl *c, struct ctl_bundle *out)
{
    const char *file = ctl_command_value(&c->call, CTL_OPT_FILE);

    if ((file != NULL) == (c->call.nargs != 0)) {
        aps_err_explain(&c->diag, "want the name of an API, or --file FILE; usage: apisecctl %s",
                        c->call.command->usage);
        return APS_ERR_USAGE;
    }
    if (file != NULL)
        return read_file(c, file, out);
    out->notes = apr_array_make(c->pool, 1, sizeof(const char *));
    return aps_store_api_bundle(c->store, ref(c), c->pool, &out->of, &c->diag);
}

enum aps_err ctl_api_coverage(struct ctl *c)
{
    const char *file = ctl_command_value(&c->call, CTL_OPT_FILE);
    struct aps_store_api_made made;
    struct ctl_bundle bundle;
    enum aps_err err;

    if ((err = find_bundle(c, &bundle)) != APS_OK)
        return err;
    if ((err = aps_store_api_compile(&bundle.of, c->pool, &made, &c->diag)) != APS_OK) {
        note_refs(c, bundle.notes);
        return err;
    }
    ctl_output_row(c->out);
    ctl_output_str(c->out, "name", file == NULL ? ref(c) : aps_str(file));
    ctl_output_str(c->out, "kind", aps_str(aps_store_api_kind_name(bundle.of.kind)));
    ctl_output_bool(c->out, "complete", made.gaps->nelts == 0);
    show_sentences(c, "gaps", made.gaps);
    ctl_output_end(c->out);
    tell(c, add_sentences(c, "", GAPS, made.gaps));
    return made.gaps->nelts == 0 ? APS_OK : APS_ERR_CHECK;
}
