/* cmd_import.c - a document of `export` into a store: all of it or nothing, with what changes told.
 *
 * Everything is done as commands would do it, and what a document cannot bring or may not undo is
 * told and left; with --dry-run it is the same, and nothing is committed. */
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "apisec/random.h"
#include "ctl.h"
#include "item_api.h"
#include "item_print.h"
#include "item_put.h"

#define BYTES_MAX (256 * 1024 * 1024)

enum action { SAME, ADDED, CHANGED, DELETED, LEFT, MISSING, ACTIONS };

struct import {
    struct ctl *c;
    struct aps_jsonread doc;
    apr_array_header_t *items[CTL_ITEM_KINDS]; /* of struct ctl_item; NULL: not in the document */
    apr_hash_t *names[CTL_ITEM_KINDS];         /* of those */
    apr_hash_t *before[CTL_ITEM_KINDS];        /* name -> the store's text; not of keys */
    struct ctl_item_put_done *done[CTL_ITEM_KINDS]; /* one for each item */
    apr_array_header_t *dropped;                    /* of struct dropped */
    apr_array_header_t *apis;                       /* of struct changed_api */
    uint64_t count[ACTIONS];
};

struct dropped {
    enum ctl_item_kind kind;
    struct aps_str name;
    struct ctl_item_put_done done;
};

struct changed_api {
    struct aps_str name, before, now;
};

static bool has(apr_hash_t *names, struct aps_str name)
{
    return apr_hash_get(names, name.p, (apr_ssize_t)name.n) != NULL;
}

/* ---- the document ---- */

static enum aps_err wrong(struct ctl *c, const char *said)
{
    aps_err_explain(&c->diag, "%s: %s", c->call.arg[0], said);
    return APS_ERR_FORMAT;
}

static enum aps_err read_items(struct import *imp, enum ctl_item_kind kind,
                               const struct aps_jsonread_node *list)
{
    struct ctl *c = imp->c;
    enum aps_err err = APS_OK;

    if (aps_jsonread_kind(list) != APS_JSON_ARRAY)
        return wrong(c, apr_psprintf(c->pool, "\"%s\": want an array", ctl_item_word(kind)));
    imp->items[kind] = apr_array_make(c->pool, 16, sizeof(struct ctl_item));
    imp->names[kind] = apr_hash_make(c->pool);
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list);
         err == APS_OK && v < aps_jsonread_end(list); v = aps_jsonread_next(v)) {
        struct ctl_item item;

        if ((err = ctl_item_read(c, kind, &imp->doc, v, &item)) != APS_OK)
            break;
        if (kind != CTL_ITEM_ADJUSTMENT && has(imp->names[kind], item.name))
            return wrong(c, apr_psprintf(c->pool, "\"%.*s\" stands twice in %s",
                                         APS_STR_SHOW(item.name), ctl_item_word(kind)));
        APR_ARRAY_PUSH(imp->items[kind], struct ctl_item) = item;
        apr_hash_set(imp->names[kind], item.name.p, (apr_ssize_t)item.name.n, "");
    }
    imp->done[kind] =
        apr_pcalloc(c->pool, ((size_t)imp->items[kind]->nelts + 1) * sizeof *imp->done[kind]);
    return err;
}

static enum aps_err read_member(struct import *imp, const struct aps_jsonread_node *m)
{
    const struct aps_str name = aps_jsonread_str(&imp->doc, m);
    enum ctl_item_kind kind;

    if (ctl_item_kind_named(name, &kind))
        return read_items(imp, kind, m + 1);
    if (aps_str_eq(name, APS_STR_LIT("prefix")) && aps_jsonread_kind(m + 1) == APS_JSON_STRING)
        return APS_OK; /* told, as whose keys it is about */
    if (aps_str_eq(name, APS_STR_LIT("apisec_export")))
        return APS_OK; /* looked at before */
    return wrong(imp->c, apr_psprintf(imp->c->pool, "the member \"%.*s\" is not known here",
                                      APS_STR_SHOW(name)));
}

static enum aps_err read_document(struct import *imp)
{
    const struct aps_jsonread_node *root = aps_jsonread_root(&imp->doc);
    const struct aps_jsonread_node *version =
        aps_jsonread_get(&imp->doc, root, APS_STR_LIT("apisec_export"));
    enum aps_err err = APS_OK;

    if (version == NULL || aps_jsonread_kind(version) != APS_JSON_NUMBER)
        return wrong(imp->c, "no document of `apisecctl export`: want an object with the member "
                             "\"apisec_export\"");
    if (!aps_str_eq(aps_jsonread_str(&imp->doc, version), APS_STR_LIT("1")))
        return wrong(imp->c, "a document of another version: this program knows version 1");
    for (const struct aps_jsonread_node *m = aps_jsonread_first(root);
         err == APS_OK && m < aps_jsonread_end(root); m = aps_jsonread_next(m + 1))
        err = read_member(imp, m);
    return err;
}

static enum aps_err parse(struct import *imp, struct aps_str text)
{
    static const struct aps_jsonread_options options = {.bytes_max = BYTES_MAX,
                                                        .depth_max = 12,
                                                        .nodes_max = 8000000,
                                                        .string_max =
                                                            BYTES_MAX, /* a description is one */
                                                        .members_max = 64,
                                                        .items_max = 1000000,
                                                        .digits_max = 32};
    unsigned char key[APS_SIPHASH_KEY_LEN];
    struct aps_diag why = {""};
    enum aps_err err = aps_random_fill(key, sizeof key);

    if (err != APS_OK)
        return err;
    aps_jsonread_init(&imp->doc, imp->c->pool, key);
    if (aps_jsonread(&imp->doc, text, &options) == APS_JSONREAD_OK)
        return read_document(imp);
    aps_jsonread_fault_explain(&imp->doc, &why);
    return imp->doc.fault == APS_JSONREAD_NOMEM ? APS_ERR_NOMEM : wrong(imp->c, why.text);
}

/* ---- the store ---- */

struct noting {
    apr_pool_t *pool;
    apr_hash_t *texts;
};

static enum aps_err note(void *arg, struct aps_str name, struct aps_str text)
{
    struct noting *n = arg;
    struct aps_str *copy = apr_palloc(n->pool, sizeof *copy);
    const struct aps_str key = aps_str_copy(n->pool, name);

    *copy = aps_str_copy(n->pool, text);
    apr_hash_set(n->texts, key.p, (apr_ssize_t)key.n, copy);
    return APS_OK;
}

static enum aps_err note_all(struct import *imp, enum ctl_item_kind kind, apr_hash_t **out)
{
    struct noting n = {imp->c->pool, apr_hash_make(imp->c->pool)};
    enum aps_err err = ctl_item_print_each(imp->c, kind, note, &n);

    *out = n.texts;
    return err;
}

static struct aps_str text_in(apr_hash_t *texts, struct aps_str name)
{
    const struct aps_str *text = apr_hash_get(texts, name.p, (apr_ssize_t)name.n);

    return text != NULL ? *text : (struct aps_str){NULL, 0};
}

/* The store's own; a key is found by its id, else by its name. */
static enum aps_err find_own(struct import *imp, const struct ctl_item *item, struct aps_str *out)
{
    enum aps_err err;

    if (item->kind != CTL_ITEM_KEY) {
        *out = text_in(imp->before[item->kind], item->name);
        return APS_OK;
    }
    err = ctl_item_print_one(imp->c, item->kind, ctl_item_text(item, CTL_ITEM_KEY_ID), out);
    return err == APS_OK && out->n == 0 ? ctl_item_print_one(imp->c, item->kind, item->name, out)
                                        : err;
}

static enum aps_err put_one(struct import *imp, const struct ctl_item *item,
                            struct ctl_item_put_done *done)
{
    struct aps_str own = {NULL, 0};
    enum aps_err err = find_own(imp, item, &own);

    return err == APS_OK ? ctl_item_put(imp->c, item, own, done) : err;
}

/* Roles are tied to each other once all are there. */
static enum aps_err tie_roles(struct import *imp)
{
    const apr_array_header_t *roles = imp->items[CTL_ITEM_ROLE];
    enum aps_err err = APS_OK;

    for (int i = 0; err == APS_OK && i < roles->nelts; i++)
        err = ctl_item_put_untie(imp->c, &APR_ARRAY_IDX(roles, i, struct ctl_item));
    for (int i = 0; err == APS_OK && i < roles->nelts; i++)
        err = ctl_item_put_tie(imp->c, &APR_ARRAY_IDX(roles, i, struct ctl_item));
    return err;
}

static enum aps_err put_kind(struct import *imp, enum ctl_item_kind kind)
{
    enum aps_err err = APS_OK;

    if (imp->items[kind] == NULL)
        return APS_OK;
    if (kind != CTL_ITEM_KEY)
        err = note_all(imp, kind, &imp->before[kind]);
    for (int i = 0; err == APS_OK && i < imp->items[kind]->nelts; i++)
        err =
            put_one(imp, &APR_ARRAY_IDX(imp->items[kind], i, struct ctl_item), &imp->done[kind][i]);
    return err == APS_OK && kind == CTL_ITEM_ROLE ? tie_roles(imp) : err;
}

/* ---- --prune ---- */

/* One that the document has not; true: it is gone now. */
static enum aps_err drop_one(struct import *imp, struct dropped *d, bool *out_gone)
{
    enum aps_err err = ctl_item_put_drop(imp->c, d->kind, d->name, &d->done);

    *out_gone = err == APS_OK && d->done.fate == CTL_ITEM_PUT;
    return err;
}

/* Roles may be used by roles that go as well, so they are tried until none goes any more. */
static enum aps_err drop_kind(struct import *imp, enum ctl_item_kind kind)
{
    const int first = imp->dropped->nelts;
    enum aps_err err = APS_OK;
    bool again = true;

    for (apr_hash_index_t *i = apr_hash_first(imp->c->pool, imp->before[kind]); i != NULL;
         i = apr_hash_next(i)) {
        struct dropped d = {.kind = kind, .done.fate = CTL_ITEM_LEFT};
        const void *name;
        apr_ssize_t n;

        apr_hash_this(i, &name, &n, NULL);
        d.name = (struct aps_str){name, (size_t)n};
        if (!has(imp->names[kind], d.name))
            APR_ARRAY_PUSH(imp->dropped, struct dropped) = d;
    }
    while (err == APS_OK && again) {
        again = false;
        for (int i = first; err == APS_OK && i < imp->dropped->nelts; i++) {
            struct dropped *d = &APR_ARRAY_IDX(imp->dropped, i, struct dropped);
            bool gone = false;

            if (d->done.fate == CTL_ITEM_LEFT)
                err = drop_one(imp, d, &gone);
            again = again || gone;
        }
    }
    return err;
}

static enum aps_err prune(struct import *imp)
{
    static const enum ctl_item_kind order[] = {
        CTL_ITEM_API,    CTL_ITEM_CERTIFICATE, CTL_ITEM_SIGNER, CTL_ITEM_WEBHOOK,
        CTL_ITEM_ISSUER, CTL_ITEM_ROLE,        CTL_ITEM_PLAN};
    enum aps_err err = APS_OK;

    imp->dropped = apr_array_make(imp->c->pool, 4, sizeof(struct dropped));
    if (imp->c->call.values[CTL_OPT_PRUNE] == NULL)
        return APS_OK;
    for (size_t i = 0; err == APS_OK && i < sizeof order / sizeof *order; i++)
        if (imp->items[order[i]] != NULL)
            err = drop_kind(imp, order[i]);
    return err;
}

/* ---- what became of it ---- */

static const char *const actions[ACTIONS] = {"same",    "added", "changed",
                                             "deleted", "left",  "missing"};

static void show_item(struct import *imp, enum ctl_item_kind kind, struct aps_str name,
                      enum action action, const struct ctl_item_diff *diff, const char *why)
{
    struct ctl_out *out = imp->c->out;
    const bool changed = action == CHANGED;

    imp->count[action]++;
    if (action == SAME)
        return;
    ctl_output_row(out);
    ctl_output_str(out, "kind", aps_str(ctl_item_word(kind)));
    ctl_output_str(out, "name", name);
    ctl_output_str(out, "action", aps_str(actions[action]));
    ctl_output_list(out, "fields",
                    changed ? (const struct aps_str *)(void *)diff->fields->elts : NULL,
                    changed ? (size_t)diff->fields->nelts : 0);
    ctl_output_list(out, "looser",
                    changed ? (const struct aps_str *)(void *)diff->looser->elts : NULL,
                    changed ? (size_t)diff->looser->nelts : 0);
    ctl_output_str(out, "why", aps_str(why));
    ctl_output_end(out);
}

static enum action action_of(const struct ctl_item_put_done *done, const struct ctl_item_diff *diff)
{
    if (done->fate == CTL_ITEM_MISSING)
        return MISSING;
    if (done->fate == CTL_ITEM_LEFT)
        return LEFT;
    if (done->before.n == 0)
        return ADDED;
    return diff->fields->nelts != 0 ? CHANGED : SAME;
}

/* As the store has it now. */
static enum aps_err find_after(struct import *imp, const struct ctl_item *item,
                               const struct ctl_item_put_done *done, apr_hash_t *after,
                               struct aps_str *out)
{
    struct ctl_item was;
    enum aps_err err;

    *out = (struct aps_str){NULL, 0};
    if (item->kind != CTL_ITEM_KEY) {
        *out = text_in(after, item->name);
        return APS_OK;
    }
    err = ctl_item_parse(imp->c, item->kind, done->before, &was);
    return err == APS_OK
               ? ctl_item_print_one(imp->c, item->kind, ctl_item_text(&was, CTL_ITEM_KEY_ID), out)
               : err;
}

static enum aps_err show_one(struct import *imp, const struct ctl_item *item,
                             const struct ctl_item_put_done *done, apr_hash_t *after)
{
    struct ctl_item_diff diff = {NULL, NULL};
    struct aps_str now = {NULL, 0};
    enum aps_err err = find_after(imp, item, done, after, &now);

    if (err == APS_OK)
        err = ctl_item_compare(imp->c, item->kind, done->before, now, &diff);
    if (err == APS_OK)
        show_item(imp, item->kind, item->name,
                  item->kind == CTL_ITEM_SECRET || item->kind == CTL_ITEM_ADJUSTMENT
                      ? (done->fate == CTL_ITEM_MISSING ? MISSING : SAME)
                      : action_of(done, &diff),
                  &diff, done->why);
    if (err == APS_OK && item->kind == CTL_ITEM_API && action_of(done, &diff) == CHANGED)
        APR_ARRAY_PUSH(imp->apis, struct changed_api) =
            (struct changed_api){item->name, done->before, now};
    return err;
}

static enum aps_err show_kind(struct import *imp, enum ctl_item_kind kind)
{
    apr_hash_t *after = NULL;
    enum aps_err err = APS_OK;

    if (imp->items[kind] == NULL)
        return APS_OK;
    if (kind != CTL_ITEM_KEY)
        err = note_all(imp, kind, &after);
    for (int i = 0; err == APS_OK && i < imp->items[kind]->nelts; i++)
        err = show_one(imp, &APR_ARRAY_IDX(imp->items[kind], i, struct ctl_item),
                       &imp->done[kind][i], after);
    return err;
}

struct api_rows {
    struct ctl_out *out;
    struct aps_str name;
};

static void show_api_row(void *arg, const struct ctl_apidiff_row *row)
{
    const struct api_rows *r = arg;

    ctl_output_row(r->out);
    ctl_output_str(r->out, "name", r->name);
    ctl_output_str(r->out, "change", aps_str(row->change));
    ctl_output_str(r->out, "operation", aps_str(row->operation));
    ctl_output_str(r->out, "where", aps_str(row->where));
    ctl_output_bool(r->out, "breaks", row->breaks);
    ctl_output_end(r->out);
}

/* Of descriptions and schemas that changed, what of them. */
static enum aps_err show_apis(struct import *imp)
{
    enum aps_err err = APS_OK;

    ctl_output_table(imp->c->out, "apis", "name change operation where breaks");
    for (int i = 0; err == APS_OK && i < imp->apis->nelts; i++) {
        const struct changed_api *api = &APR_ARRAY_IDX(imp->apis, i, struct changed_api);
        struct api_rows r = {imp->c->out, api->name};

        err = ctl_item_api_diff(imp->c, api->before, api->now, show_api_row, &r);
    }
    ctl_output_end(imp->c->out);
    return err;
}

static int by_name(const void *a, const void *b)
{
    const struct dropped *x = a, *y = b;

    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : aps_str_compare(x->name, y->name);
}

static enum aps_err show(struct import *imp)
{
    struct ctl_out *out = imp->c->out;
    enum aps_err err = APS_OK;

    ctl_output_row(out);
    ctl_output_str(out, "file", aps_str(imp->c->call.arg[0]));
    if (ctl_command_is_dry_run(&imp->c->call))
        ctl_output_bool(out, "dry_run", true);
    ctl_output_table(out, "items", "kind name action fields looser why");
    for (int i = 0; err == APS_OK && i < CTL_ITEM_KINDS; i++)
        err = show_kind(imp, (enum ctl_item_kind)i);
    qsort(imp->dropped->elts, (size_t)imp->dropped->nelts, sizeof(struct dropped), by_name);
    for (int i = 0; err == APS_OK && i < imp->dropped->nelts; i++) {
        const struct dropped *d = &APR_ARRAY_IDX(imp->dropped, i, struct dropped);

        show_item(imp, d->kind, d->name, d->done.fate == CTL_ITEM_PUT ? DELETED : LEFT, NULL,
                  d->done.why);
    }
    ctl_output_end(out);
    if (err == APS_OK)
        err = show_apis(imp);
    for (int i = 0; i < ACTIONS; i++)
        ctl_output_u64(out, actions[i], imp->count[i]);
    ctl_output_end(out);
    return err;
}

/* ---- the command ---- */

static enum aps_err read_all(struct ctl *c, int fd, struct aps_str *out)
{
    size_t cap = 64 * 1024, n = 0;
    char *text = apr_palloc(c->pool, cap);
    ssize_t got;

    while ((got = read(fd, text + n, cap - n)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            aps_err_explain(&c->diag, "%s cannot be read: %s", c->call.arg[0], strerror(errno));
            return APS_ERR_IO;
        }
        n += (size_t)got;
        if (n > BYTES_MAX) {
            aps_err_explain(&c->diag, "%s is larger than %d bytes", c->call.arg[0], BYTES_MAX);
            return APS_ERR_RANGE;
        }
        if (n == cap) {
            text = memcpy(apr_palloc(c->pool, 2 * cap), text, n);
            cap *= 2;
        }
    }
    *out = (struct aps_str){text, n};
    return APS_OK;
}

static enum aps_err read_file(struct ctl *c, struct aps_str *out)
{
    const char *path = c->call.arg[0];
    enum aps_err err;
    int fd;

    if (strcmp(path, "-") == 0)
        return read_all(c, STDIN_FILENO, out);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0) {
        aps_err_explain(&c->diag, "%s cannot be opened: %s", path, strerror(errno));
        return errno == ENOENT || errno == ENOTDIR ? APS_ERR_NOT_FOUND : APS_ERR_IO;
    }
    err = read_all(c, fd, out);
    (void)close(fd); /* only read */
    return err;
}

enum aps_err ctl_import(struct ctl *c)
{
    struct import *imp = apr_pcalloc(c->pool, sizeof *imp);
    struct aps_str text = {NULL, 0};
    enum aps_err err = read_file(c, &text);

    imp->c = c;
    imp->apis = apr_array_make(c->pool, 2, sizeof(struct changed_api));
    if (err == APS_OK)
        err = parse(imp, text);
    for (int i = 0; err == APS_OK && i < CTL_ITEM_KINDS; i++)
        err = put_kind(imp, (enum ctl_item_kind)i);
    if (err == APS_OK)
        err = prune(imp);
    if (err == APS_OK)
        err = show(imp);
    return err;
}
