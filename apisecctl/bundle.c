/* bundle.c - a description or schema in files -> the documents that it is made of. */
#include "bundle.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apisec/jsonread.h"
#include "apisec/random.h"
#include "apisec/yaml.h"

enum form { JSON, YAML, XML };

struct reader {
    apr_pool_t *pool;
    char *root;                  /* the folder, without symlinks */
    apr_array_header_t *sources; /* struct aps_schema_source */
    apr_array_header_t *notes;
    uint64_t bytes;
    struct aps_jsonread json;
};

/* ---- one file ---- */

static enum aps_err fault(struct aps_diag *diag, const char *path, const char *what)
{
    char text[128];
    enum aps_err err = errno == ENOENT || errno == ENOTDIR ? APS_ERR_NOT_FOUND : APS_ERR_IO;

    aps_err_explain(diag, "%s: cannot %s: %s", path, what, strerror_r(errno, text, sizeof text));
    return err;
}

static enum aps_err read_bytes(struct reader *r, int fd, const char *path, size_t n,
                               struct aps_str *out, struct aps_diag *diag)
{
    char *text = apr_palloc(r->pool, n + 1);

    for (size_t done = 0; done < n;) {
        ssize_t got = read(fd, text + done, n - done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault(diag, path, "read it");
        if (got == 0) {
            aps_err_explain(diag, "%s changed while it was read", path);
            return APS_ERR_IO;
        }
        done += (size_t)got;
    }
    text[n] = '\0';
    *out = (struct aps_str){text, n};
    return APS_OK;
}

/* A path without symlinks. */
static enum aps_err read_file(struct reader *r, const char *path, struct aps_str *out,
                              struct aps_diag *diag)
{
    struct stat st;
    enum aps_err err = APS_OK;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

    if (fd < 0 || fstat(fd, &st) != 0) {
        err = fault(diag, path, "open it");
    } else if (!S_ISREG(st.st_mode)) {
        aps_err_explain(diag, "%s is no regular file", path);
        err = APS_ERR_UNSAFE;
    } else if (st.st_size <= 0 || (uint64_t)st.st_size > APS_STORE_API_TEXT_MAX - r->bytes) {
        aps_err_explain(diag, "%s has %lld bytes: want 1 to %d in all files", path,
                        (long long)st.st_size, APS_STORE_API_TEXT_MAX);
        err = APS_ERR_RANGE;
    } else {
        r->bytes += (uint64_t)st.st_size;
        err = read_bytes(r, fd, path, (size_t)st.st_size, out, diag);
    }
    if (fd >= 0)
        (void)close(fd); /* read only */
    return err;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcasecmp(name + n - m, end) == 0;
}

static enum form form_of(const char *name, struct aps_str text)
{
    size_t i = text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    if (ends_in(name, ".json"))
        return JSON;
    if (ends_in(name, ".yaml") || ends_in(name, ".yml"))
        return YAML;
    while (i < text.n && strchr(" \t\r\n", text.p[i]) != NULL)
        i++;
    if (i < text.n && text.p[i] == '<')
        return XML;
    return i < text.n && text.p[i] == '{' ? JSON : YAML;
}

/* Hold the nodes of a JSON text; a name that stands twice is a slip, of which nobody knows what
 * was meant. */
static enum aps_err judge_json(struct reader *r, const char *name, struct aps_str text,
                               struct aps_diag *diag)
{
    struct aps_jsonread_options options = aps_jsonread_plain;
    struct aps_diag why = {""};
    unsigned line = 1;

    options.duplicates = false;
    if (aps_jsonread(&r->json, text, &options) == APS_JSONREAD_OK)
        return APS_OK;
    for (uint32_t i = 0; i < r->json.fault_at && i < text.n; i++)
        line += text.p[i] == '\n';
    aps_jsonread_fault_explain(&r->json, &why);
    aps_err_explain(diag, "%s: line %u: %s", name, line, why.text);
    return APS_ERR_FORMAT;
}

static enum aps_err to_json(struct reader *r, const char *name, struct aps_str *text,
                            struct aps_diag *diag)
{
    struct aps_diag why = {""};
    struct aps_str json;
    enum aps_err err;

    if (form_of(name, *text) != YAML)
        return APS_OK;
    if ((err = aps_yaml_to_json(*text, r->pool, &json, &why)) == APS_OK)
        *text = json;
    else
        aps_err_explain(diag, "%s: %s", name, aps_err_say(err, &why));
    return err;
}

/* ---- references ---- */

static void note(struct reader *r, const char *from, struct aps_str ref, const char *why)
{
    const char *text = apr_psprintf(r->pool, "%s: reference \"%.*s\" was not followed: %s", from,
                                    APS_STR_SHOW(ref), why);

    for (int i = 0; i < r->notes->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(r->notes, i, const char *), text) == 0)
            return;
    *(const char **)apr_array_push(r->notes) = text;
}

static bool has(const struct reader *r, const char *name)
{
    for (int i = 0; i < r->sources->nelts; i++)
        if (aps_str_eq(APR_ARRAY_IDX(r->sources, i, struct aps_schema_source).uri, aps_str(name)))
            return true;
    return false;
}

/* The path of `ref` below the folder, from that of the document it stands in (RFC 3986 5.2.4);
 * NULL: it leads above. */
static char *resolve(apr_pool_t *pool, const char *from, struct aps_str ref)
{
    const char *slash = strrchr(from, '/');
    char *rest = apr_psprintf(pool, "%.*s/%.*s", slash != NULL ? (int)(slash - from) : 0, from,
                              APS_STR_ARG(ref));
    apr_array_header_t *parts = apr_array_make(pool, 8, sizeof(const char *));
    char *last = NULL;

    for (char *part = apr_strtok(rest, "/", &last); part; part = apr_strtok(NULL, "/", &last)) {
        if (strcmp(part, ".") == 0)
            continue;
        if (strcmp(part, "..") != 0)
            *(const char **)apr_array_push(parts) = part;
        else if (apr_array_pop(parts) == NULL)
            return NULL;
    }
    return apr_array_pstrcat(pool, parts, '/');
}

/* The file that a path of a URI stands for, without symlinks; NULL, and why not. */
static const char *locate(struct reader *r, const char *name, const char **out_why)
{
    char found[PATH_MAX];
    char *path = apr_pstrdup(r->pool, name);
    size_t n = strlen(r->root);
    apr_status_t escaped = apr_unescape_url(path, name, APR_ESCAPE_STRING, NULL, NULL, 0, NULL);

    if (escaped != APR_SUCCESS && escaped != APR_NOTFOUND) { /* which is: it has no escape */
        *out_why = "its path is malformed";
        return NULL;
    }
    path = apr_pstrcat(r->pool, r->root, "/", path, NULL);
    if (realpath(path, found) == NULL) {
        *out_why = "no such file is below the folder of the description";
        return NULL;
    }
    if (strncmp(found, r->root, n) != 0 || (n > 1 && found[n] != '/')) {
        *out_why = "it leads out of the folder of the description";
        return NULL;
    }
    return apr_pstrdup(r->pool, found);
}

static void push(struct reader *r, const char *name, struct aps_str text)
{
    struct aps_schema_source *source = apr_array_push(r->sources);

    *source = (struct aps_schema_source){
        .uri = aps_str(apr_pstrcat(r->pool, APS_STORE_API_ROOT, name, NULL)), .text = text};
}

/* Without its fragment. */
static struct aps_str path_of(struct aps_str ref)
{
    const char *hash = ref.n != 0 ? memchr(ref.p, '#', ref.n) : NULL;

    return hash != NULL ? (struct aps_str){ref.p, (size_t)(hash - ref.p)} : ref;
}

static enum aps_err follow(struct reader *r, const char *from, struct aps_str ref,
                           struct aps_diag *diag)
{
    struct aps_diag unread = {""};
    const char *why = NULL, *name, *path;
    struct aps_str text = {NULL, 0}, below = path_of(ref);

    if (below.n == 0)
        return APS_OK;
    if (memchr(below.p, ':', below.n) != NULL || below.p[0] == '/' ||
        memchr(below.p, '?', below.n) != NULL || memchr(below.p, '\0', below.n) != NULL) {
        note(r, from, ref, "nothing is fetched, and files are named by relative paths");
        return APS_OK;
    }
    if ((name = resolve(r->pool, from, below)) == NULL) {
        note(r, from, ref, "it leads above the folder of the description");
        return APS_OK;
    }
    if (has(r, apr_pstrcat(r->pool, APS_STORE_API_ROOT, name, NULL)))
        return APS_OK;
    if ((path = locate(r, name, &why)) == NULL) {
        note(r, from, ref, why);
        return APS_OK;
    }
    if (r->sources->nelts == APS_STORE_API_SOURCES_MAX) {
        aps_err_explain(diag, "the description is made of more than %d files",
                        APS_STORE_API_SOURCES_MAX);
        return APS_ERR_RANGE;
    }
    if (read_file(r, path, &text, &unread) != APS_OK || to_json(r, name, &text, &unread) != APS_OK)
        note(r, from, ref, unread.text);
    else
        push(r, name, text);
    return APS_OK;
}

static bool is_reference(struct aps_str name)
{
    return aps_str_eq(name, APS_STR_LIT("$ref")) || aps_str_eq(name, APS_STR_LIT("$dynamicRef"));
}

/* Names of schemas by the values of a discriminator, some of which are references. */
static enum aps_err follow_mapping(struct reader *r, const char *from,
                                   const struct aps_jsonread_node *mapping, struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    if (aps_jsonread_kind(mapping) != APS_JSON_OBJECT)
        return err;
    for (const struct aps_jsonread_node *m = aps_jsonread_first(mapping);
         err == APS_OK && m < aps_jsonread_end(mapping); m = aps_jsonread_next(m + 1)) {
        struct aps_str to = aps_jsonread_str(&r->json, m + 1);

        if (aps_jsonread_kind(m + 1) == APS_JSON_STRING && memchr(to.p, '.', to.n) != NULL)
            err = follow(r, from, to, diag);
    }
    return err;
}

/* All nodes in their order: whatever depth they are at. */
static enum aps_err follow_all(struct reader *r, const char *from, struct aps_diag *diag)
{
    const struct aps_jsonread_node *v = aps_jsonread_root(&r->json);
    const struct aps_jsonread_node *end = v + r->json.count;
    enum aps_err err = APS_OK;

    for (; err == APS_OK && v + 1 < end; v++) {
        if (aps_jsonread_kind(v) != APS_JSON_NAME)
            continue;
        if (is_reference(aps_jsonread_str(&r->json, v)) &&
            aps_jsonread_kind(v + 1) == APS_JSON_STRING)
            err = follow(r, from, aps_jsonread_str(&r->json, v + 1), diag);
        else if (aps_str_eq(aps_jsonread_str(&r->json, v), APS_STR_LIT("mapping")))
            err = follow_mapping(r, from, v + 1, diag);
    }
    return err;
}

/* ---- XML ---- */

/* The value of an attribute whose name ends before `*at`; empty: there is none. */
static struct aps_str attribute(struct aps_str text, size_t at)
{
    struct aps_str value = {NULL, 0};
    const char *end;

    while (at < text.n && strchr(" \t\r\n=", text.p[at]) != NULL)
        at++;
    if (at >= text.n || (text.p[at] != '"' && text.p[at] != '\''))
        return value;
    end = memchr(text.p + at + 1, text.p[at], text.n - at - 1);
    if (end != NULL)
        value = (struct aps_str){text.p + at + 1, (size_t)(end - text.p) - at - 1};
    return value;
}

/* What xs:include, xs:import and xs:redefine name.  The compiler reads XML as it is; what is found
 * here too much is only read in vain. */
static enum aps_err follow_locations(struct reader *r, const char *from, struct aps_str text,
                                     struct aps_diag *diag)
{
    static const char name[] = "schemaLocation";
    enum aps_err err = APS_OK;

    for (size_t at = 0; err == APS_OK && at < text.n;) {
        const char *found = memmem(text.p + at, text.n - at, name, sizeof name - 1);

        if (found == NULL)
            break;
        at = (size_t)(found - text.p) + sizeof name - 1;
        if (found != text.p && found[-1] != ':') /* that of a document's own schema */
            err = follow(r, from, attribute(text, at), diag);
    }
    return err;
}

/* ---- all of it ---- */

static enum aps_store_api_kind kind_of(struct reader *r)
{
    const struct aps_jsonread_node *root = aps_jsonread_root(&r->json);

    if (aps_jsonread_get(&r->json, root, APS_STR_LIT("openapi")) != NULL ||
        aps_jsonread_get(&r->json, root, APS_STR_LIT("swagger")) != NULL)
        return APS_STORE_API_OPENAPI;
    return APS_STORE_API_SCHEMA;
}

/* Documents join the list while it is walked. */
static enum aps_err read_refs(struct reader *r, enum aps_store_api_kind *kind,
                              struct aps_diag *diag)
{
    enum aps_err err = APS_OK;

    for (int i = 0; err == APS_OK && i < r->sources->nelts; i++) {
        struct aps_schema_source s = APR_ARRAY_IDX(r->sources, i, struct aps_schema_source);
        const char *name = s.uri.p + strlen(APS_STORE_API_ROOT);

        if (*kind == APS_STORE_API_XSD) {
            err = follow_locations(r, name, s.text, diag);
            continue;
        }
        err = judge_json(r, name, s.text, diag);
        if (err == APS_OK && i == 0 && *kind == APS_STORE_API_NONE)
            *kind = kind_of(r);
        if (err == APS_OK)
            err = follow_all(r, name, diag);
    }
    return err;
}

static enum aps_err read_main(struct reader *r, const char *path, const char **out_name,
                              struct aps_str *out, struct aps_diag *diag)
{
    char found[PATH_MAX];
    char *name;
    enum aps_err err;

    if (realpath(path, found) == NULL)
        return fault(diag, path, "find it");
    if ((err = read_file(r, found, out, diag)) != APS_OK)
        return err;
    name = strrchr(found, '/'); /* it begins with one */
    r->root = apr_pstrmemdup(r->pool, found, name == found ? 1 : (size_t)(name - found));
    *out_name = apr_pescape_path_segment(r->pool, apr_pstrdup(r->pool, name + 1));
    return APS_OK;
}

enum aps_err ctl_bundle_read(apr_pool_t *pool, const char *path, enum aps_store_api_kind kind,
                             struct ctl_bundle *out, struct aps_diag *diag)
{
    unsigned char key[APS_SIPHASH_KEY_LEN];
    struct reader r = {
        .pool = pool,
        .sources = apr_array_make(pool, 8, sizeof(struct aps_schema_source)),
        .notes = apr_array_make(pool, 4, sizeof(const char *)),
    };
    struct aps_str text = {NULL, 0};
    const char *name = NULL;
    enum aps_err err;

    if ((err = aps_random_fill(key, sizeof key)) != APS_OK)
        return err;
    aps_jsonread_init(&r.json, pool, key);
    if ((err = read_main(&r, path, &name, &text, diag)) != APS_OK)
        return err;
    if (kind == APS_STORE_API_NONE && form_of(name, text) == XML)
        kind = APS_STORE_API_XSD;
    if (kind != APS_STORE_API_XSD && (err = to_json(&r, name, &text, diag)) != APS_OK)
        return err;
    push(&r, name, text);
    if ((err = read_refs(&r, &kind, diag)) != APS_OK)
        return err;
    out->of = (struct aps_store_api_bundle){kind, (const struct aps_schema_source *)r.sources->elts,
                                            (uint32_t)r.sources->nelts};
    out->notes = r.notes;
    return APS_OK;
}

enum aps_err ctl_bundle_judge(apr_pool_t *pool, const struct aps_store_api_bundle *bundle,
                              struct aps_diag *diag)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN]; /* the administrator's own files */
    struct reader r = {.pool = pool};
    enum aps_err err = APS_OK;

    aps_jsonread_init(&r.json, pool, key);
    for (uint32_t i = 0; err == APS_OK && bundle->kind != APS_STORE_API_XSD && i < bundle->n; i++)
        err =
            judge_json(&r, apr_pstrmemdup(pool, bundle->sources[i].uri.p, bundle->sources[i].uri.n),
                       bundle->sources[i].text, diag);
    return err;
}

const char *ctl_bundle_resolve(apr_pool_t *pool, struct aps_str uri, struct aps_str ref)
{
    const char *from = apr_pstrmemdup(pool, uri.p, uri.n), *name;

    if (ref.n == 0)
        return from;
    if (strncmp(from, APS_STORE_API_ROOT, strlen(APS_STORE_API_ROOT)) != 0)
        return NULL;
    name = resolve(pool, from + strlen(APS_STORE_API_ROOT), ref);
    return name != NULL ? apr_pstrcat(pool, APS_STORE_API_ROOT, name, NULL) : NULL;
}
