/* store_api.c - APIs and their documents in the store; each change with its change row. */
#include "apisec/store_api.h"

#include <apr_escape.h>

#include "apisec/version.h"
#include "own.h"

/* Bytes of a row: SQLite takes a row of at most 1 MiB here. */
enum { PART = 256 * 1024 };

/* ---- kinds ---- */

static const char *const kinds[] = {
    [APS_STORE_API_OPENAPI] = "openapi",
    [APS_STORE_API_SCHEMA] = "json-schema",
    [APS_STORE_API_XSD] = "xsd",
};

enum { KINDS = sizeof kinds / sizeof *kinds };

const char *aps_store_api_kind_name(enum aps_store_api_kind kind)
{
    return (size_t)kind < KINDS ? kinds[kind] : NULL;
}

enum aps_store_api_kind aps_store_api_kind(struct aps_str name)
{
    for (size_t i = APS_STORE_API_NONE + 1; i < KINDS; i++)
        if (aps_str_eq(name, aps_str(kinds[i])))
            return (enum aps_store_api_kind)i;
    return APS_STORE_API_NONE;
}

/* ---- reading ---- */

static enum aps_err read_row(struct aps_sql *q, apr_pool_t *pool, struct aps_store_api *out,
                             struct aps_diag *diag)
{
    struct aps_str digest = aps_sql_get_str(q, 5);
    struct aps_store_api api = {
        .name = aps_str_copy(pool, aps_sql_get_str(q, 0)),
        .edition = (uint64_t)aps_sql_get_i64(q, 1),
        .kind = aps_store_api_kind(aps_sql_get_str(q, 2)),
        .title = aps_str_copy(pool, aps_sql_get_str(q, 3)),
        .version = aps_str_copy(pool, aps_sql_get_str(q, 4)),
        .size = (uint64_t)aps_sql_get_i64(q, 6),
        .release = aps_str_copy(pool, aps_sql_get_str(q, 7)),
        .created_at = aps_sql_get_i64(q, 8),
        .changed_at = aps_sql_get_i64(q, 9),
    };

    if (api.kind == APS_STORE_API_NONE || digest.n != sizeof api.digest ||
        !aps_str_is_name(api.name) || api.size == 0 || api.size > APS_STORE_API_BLOCK_MAX) {
        aps_err_explain(diag, "%s: the row of API \"%.*s\" is damaged%s",
                        sqlite3_db_filename(q->db, "main"), APS_STR_SHOW(api.name),
                        aps_db_mend(q->db));
        return APS_ERR_CORRUPT;
    }
    memcpy(api.digest, digest.p, sizeof api.digest);
    *out = api;
    return APS_OK;
}

enum aps_err aps_store_api_load(sqlite3 *db, struct aps_str name, apr_pool_t *pool,
                                const struct aps_store_api **out, size_t *out_n,
                                struct aps_diag *diag)
{
    apr_array_header_t *list = apr_array_make(pool, 8, sizeof(struct aps_store_api));
    struct aps_sql q;
    enum aps_err err = APS_OK, end;

    aps_sql_begin(&q, db,
                  "SELECT name, edition, kind, title, version, digest, size, release, created_at,"
                  " changed_at FROM api WHERE ?1 = '' OR name = ?1 ORDER BY name");
    aps_sql_str(&q, name);
    while (err == APS_OK && aps_sql_row(&q))
        err = read_row(&q, pool, apr_array_push(list), diag);
    end = aps_sql_end(&q, err == APS_OK ? diag : NULL);
    if (err != APS_OK || end != APS_OK)
        return err != APS_OK ? err : end;
    *out = (const struct aps_store_api *)list->elts;
    *out_n = (size_t)list->nelts;
    return APS_OK;
}

enum aps_err aps_store_apis(struct aps_store *st, apr_pool_t *pool,
                            const struct aps_store_api **out, size_t *out_n, struct aps_diag *diag)
{
    return aps_store_api_load(st->db, (struct aps_str){NULL, 0}, pool, out, out_n, diag);
}

static enum aps_err find(struct aps_store *st, struct aps_str name, apr_pool_t *pool, bool *out_has,
                         struct aps_store_api *out, struct aps_diag *diag)
{
    const struct aps_store_api *list = NULL;
    size_t n = 0;
    enum aps_err err =
        name.n != 0 ? aps_store_api_load(st->db, name, pool, &list, &n, diag) : APS_OK;

    *out_has = err == APS_OK && n == 1;
    if (*out_has)
        *out = list[0];
    return err;
}

enum aps_err aps_store_api_get(struct aps_store *st, struct aps_str name, apr_pool_t *pool,
                               struct aps_store_api *out, struct aps_diag *diag)
{
    bool has = false;
    enum aps_err err = find(st, name, pool, &has, out, diag);

    if (err != APS_OK || has)
        return err;
    aps_err_explain(diag, "there is no API \"%.*s\"; `api list` shows them", APS_STR_SHOW(name));
    return APS_ERR_NOT_FOUND;
}

/* ---- documents ---- */

struct document {
    struct aps_str uri;
    char *text;
    size_t n, cap;
};

/* How many documents the API has, and the bytes of each, which were bounded when they were put. */
static enum aps_err measure(struct aps_store *st, struct aps_str name, apr_pool_t *pool,
                            apr_array_header_t *documents, struct aps_diag *diag)
{
    struct aps_sql q;
    bool good = true;
    uint64_t bytes = 0;

    aps_sql_begin(&q, st->db,
                  "SELECT n, min(uri), sum(length(text)) FROM api_source WHERE api = ?"
                  " GROUP BY n ORDER BY n");
    aps_sql_str(&q, name);
    while (good && aps_sql_row(&q)) {
        int64_t cap = aps_sql_get_i64(&q, 2);

        good = aps_sql_get_i64(&q, 0) == documents->nelts &&
               documents->nelts < APS_STORE_API_SOURCES_MAX && cap > 0 &&
               (bytes += (uint64_t)cap) <= APS_STORE_API_TEXT_MAX;
        if (good)
            *(struct document *)apr_array_push(documents) = (struct document){
                .uri = aps_str_copy(pool, aps_sql_get_str(&q, 1)),
                .text = apr_palloc(pool, (size_t)cap),
                .cap = (size_t)cap,
            };
    }
    enum aps_err err = aps_sql_end(&q, diag);
    if (err != APS_OK || (good && documents->nelts != 0))
        return err;
    aps_err_explain(diag, "%s: the documents of API \"%.*s\" are damaged%s",
                    sqlite3_db_filename(st->db, "main"), APS_STR_SHOW(name), aps_db_mend(st->db));
    return APS_ERR_CORRUPT;
}

static enum aps_err read_parts(struct aps_store *st, struct aps_str name,
                               apr_array_header_t *documents, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, "SELECT n, text FROM api_source WHERE api = ? ORDER BY n, part");
    aps_sql_str(&q, name);
    while (aps_sql_row(&q)) {
        /* The same rows as were measured just now: nobody else changes them meanwhile. */
        struct document *d = &APR_ARRAY_IDX(documents, aps_sql_get_i64(&q, 0), struct document);
        struct aps_str text = aps_sql_get_str(&q, 1);

        if (text.n > d->cap - d->n)
            continue;
        memcpy(d->text + d->n, text.p, text.n);
        d->n += text.n;
    }
    return aps_sql_end(&q, diag);
}

static enum aps_err load_bundle(struct aps_store *st, const struct aps_store_api *api,
                                apr_pool_t *pool, struct aps_store_api_bundle *out,
                                struct aps_diag *diag)
{
    apr_array_header_t *documents = apr_array_make(pool, 4, sizeof(struct document));
    struct aps_schema_source *sources;
    enum aps_err err;

    if ((err = measure(st, api->name, pool, documents, diag)) != APS_OK ||
        (err = read_parts(st, api->name, documents, diag)) != APS_OK)
        return err;
    sources = apr_pcalloc(pool, (size_t)documents->nelts * sizeof *sources);
    for (int i = 0; i < documents->nelts; i++) {
        const struct document *d = &APR_ARRAY_IDX(documents, i, struct document);

        sources[i].uri = d->uri;
        sources[i].text = (struct aps_str){d->text, d->n};
    }
    *out = (struct aps_store_api_bundle){api->kind, sources, (uint32_t)documents->nelts};
    return APS_OK;
}

enum aps_err aps_store_api_bundle(struct aps_store *st, struct aps_str name, apr_pool_t *pool,
                                  struct aps_store_api_bundle *out, struct aps_diag *diag)
{
    struct aps_store_api api;
    enum aps_err err = aps_store_api_get(st, name, pool, &api, diag);

    return err == APS_OK ? load_bundle(st, &api, pool, out, diag) : err;
}

static bool same_bundle(const struct aps_store_api_bundle *a, const struct aps_store_api_bundle *b)
{
    bool same = a->n == b->n;

    for (uint32_t i = 0; same && i < a->n; i++)
        same = aps_str_eq(a->sources[i].uri, b->sources[i].uri) &&
               aps_str_eq(a->sources[i].text, b->sources[i].text);
    return same;
}

/* ---- the change log's form ---- */

static struct aps_str describe(struct aps_store *st, const struct aps_store_api *api)
{
    char digest[2 * APS_DIGEST_LEN + 1];
    struct aps_json w;

    (void)apr_escape_hex(digest, api->digest, sizeof api->digest, 0, NULL); /* it cannot fail */
    aps_json_init_pool(&w, st->pool, 0);
    aps_json_object(&w);
    aps_json_name(&w, "name");
    aps_json_str(&w, api->name);
    aps_json_put_str(&w, "kind", aps_store_api_kind_name(api->kind));
    aps_json_name(&w, "title");
    aps_json_str(&w, api->title);
    aps_json_name(&w, "version");
    aps_json_str(&w, api->version);
    aps_json_put_str(&w, "digest", digest);
    aps_json_end(&w);
    return aps_json_text(&w);
}

/* ---- writing ---- */

static enum aps_err check_place(struct aps_store *st, const struct aps_store_api *api, bool has,
                                const struct aps_store_api *old, struct aps_diag *diag)
{
    int64_t n = 0;
    enum aps_err err;

    if (has && old->kind != api->kind) {
        aps_err_explain(diag,
                        "\"%.*s\" is %s, and this is %s: remove it first, or import under another "
                        "name",
                        APS_STR_ARG(api->name), aps_store_api_kind_name(old->kind),
                        aps_store_api_kind_name(api->kind));
        return APS_ERR_CONFLICT;
    }
    err = aps_db_number(st->db, "SELECT count(*) FROM api", 0, &n, diag);
    if (err == APS_OK && !has && n >= APS_STORE_API_MAX) {
        aps_err_explain(diag, "there are %lld APIs: a store has at most %d", (long long)n,
                        APS_STORE_API_MAX);
        return APS_ERR_CONFLICT;
    }
    return err;
}

static enum aps_err put_row(struct aps_store *st, const struct aps_store_api *api,
                            struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db,
                  "REPLACE INTO api(name, edition, kind, title, version, digest, size, release,"
                  " created_at, changed_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    aps_sql_str(&q, api->name);
    aps_sql_i64(&q, (int64_t)api->edition);
    aps_sql_str(&q, aps_str(aps_store_api_kind_name(api->kind)));
    aps_sql_str(&q, api->title);
    aps_sql_str(&q, api->version);
    aps_sql_blob(&q, api->digest, sizeof api->digest);
    aps_sql_i64(&q, (int64_t)api->size);
    aps_sql_str(&q, api->release);
    aps_sql_i64(&q, api->created_at);
    aps_sql_i64(&q, api->changed_at);
    return aps_sql_run(&q, diag);
}

static enum aps_err drop_sources(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    struct aps_sql q;

    aps_sql_begin(&q, st->db, "DELETE FROM api_source WHERE api = ?");
    aps_sql_str(&q, name);
    return aps_sql_run(&q, diag);
}

static enum aps_err put_part(struct aps_store *st, struct aps_str name, uint32_t n, size_t at,
                             const struct aps_schema_source *source, struct aps_diag *diag)
{
    size_t left = source->text.n - at;
    struct aps_sql q;

    aps_sql_begin(&q, st->db,
                  "INSERT INTO api_source(api, n, part, uri, text) VALUES(?, ?, ?, ?, ?)");
    aps_sql_str(&q, name);
    aps_sql_i64(&q, n);
    aps_sql_i64(&q, (int64_t)(at / PART));
    aps_sql_str(&q, source->uri);
    aps_sql_blob(&q, source->text.p + at, left < PART ? left : PART);
    return aps_sql_run(&q, diag);
}

static enum aps_err put_sources(struct aps_store *st, struct aps_str name,
                                const struct aps_store_api_bundle *bundle, struct aps_diag *diag)
{
    enum aps_err err = drop_sources(st, name, diag);

    for (uint32_t i = 0; err == APS_OK && i < bundle->n; i++)
        for (size_t at = 0; err == APS_OK && at < bundle->sources[i].text.n; at += PART)
            err = put_part(st, name, i, at, &bundle->sources[i], diag);
    return err;
}

/* The row of what was made of the bundle. */
static enum aps_err make_row(struct aps_store *st, const struct aps_store_api_made *made,
                             struct aps_store_api *out, struct aps_diag *diag)
{
    int64_t edition = 0;
    enum aps_err err = aps_digest_sum(made->block, out->digest);

    if (err == APS_OK)
        err = aps_store_change_next(st, &edition, diag);
    out->edition = (uint64_t)edition;
    out->title = made->title;
    out->version = made->version;
    out->size = made->block.n;
    out->release = aps_str(aps_version());
    out->created_at = out->changed_at = st->now;
    return err;
}

/* Whether the bundle is the one that is there, and would be published as it is. */
static enum aps_err is_same(struct aps_store *st, const struct aps_store_api *api,
                            const struct aps_store_api *old,
                            const struct aps_store_api_bundle *bundle, bool *out,
                            struct aps_diag *diag)
{
    struct aps_store_api_bundle there;
    enum aps_err err = load_bundle(st, old, st->pool, &there, diag);

    if (err == APS_OK)
        *out = aps_secret_equal(api->digest, old->digest, sizeof api->digest) &&
               same_bundle(&there, bundle);
    return err;
}

static enum aps_err put(struct aps_store *st, struct aps_store_api *api, bool has,
                        const struct aps_store_api *old, const struct aps_store_api_bundle *bundle,
                        struct aps_diag *diag)
{
    enum aps_err err;

    if (has)
        api->created_at = old->created_at;
    st->apis = true;
    if ((err = put_row(st, api, diag)) != APS_OK ||
        (err = put_sources(st, api->name, bundle, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, api->name, has ? describe(st, old) : (struct aps_str){NULL, 0},
                                describe(st, api), diag);
}

enum aps_err aps_store_api_put(struct aps_store *st, struct aps_str name,
                               const struct aps_store_api_bundle *bundle, apr_pool_t *pool,
                               struct aps_store_api_made *out, bool *out_changed,
                               struct aps_diag *diag)
{
    struct aps_store_api api = {.name = name, .kind = bundle->kind},
                         old = {.kind = APS_STORE_API_NONE};
    struct aps_store_api_made made;
    bool has = false, same = false;
    enum aps_err err;

    if (!aps_str_is_name(name)) {
        aps_err_explain(diag,
                        "name of an API \"%.*s\": want 1 to 64 letters, digits or . _ - beginning "
                        "with a letter or digit",
                        APS_STR_SHOW(name));
        return APS_ERR_FORMAT;
    }
    if ((err = aps_store_api_compile(bundle, pool, &made, diag)) != APS_OK ||
        (err = aps_store_begin(st, diag)) != APS_OK ||
        (err = find(st, name, st->pool, &has, &old, diag)) != APS_OK ||
        (err = check_place(st, &api, has, &old, diag)) != APS_OK ||
        (err = make_row(st, &made, &api, diag)) != APS_OK ||
        (has && (err = is_same(st, &api, &old, bundle, &same, diag)) != APS_OK) ||
        (!same && (err = put(st, &api, has, &old, bundle, diag)) != APS_OK))
        return err;
    *out = made;
    *out_changed = !same;
    return APS_OK;
}

enum aps_err aps_store_api_remove(struct aps_store *st, struct aps_str name, struct aps_diag *diag)
{
    struct aps_store_api old;
    struct aps_sql q;
    enum aps_err err;

    if ((err = aps_store_begin(st, diag)) != APS_OK ||
        (err = aps_store_api_get(st, name, st->pool, &old, diag)) != APS_OK ||
        (err = drop_sources(st, name, diag)) != APS_OK)
        return err;
    aps_sql_begin(&q, st->db, "DELETE FROM api WHERE name = ?");
    aps_sql_str(&q, name);
    if ((err = aps_sql_run(&q, diag)) != APS_OK)
        return err;
    return aps_store_change_put(st, name, describe(st, &old), (struct aps_str){NULL, 0}, diag);
}
