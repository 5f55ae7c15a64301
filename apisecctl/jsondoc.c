/* jsondoc.c - values of a bundle's documents, and where references lead. */
#include "jsondoc.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"

enum { HOPS_MAX = 32 }; /* references that lead to references */

enum aps_err ctl_jsondoc_read(apr_pool_t *pool, const struct aps_store_api_bundle *bundle,
                              struct ctl_jsondocs *out, struct aps_diag *diag)
{
    static const unsigned char key[APS_SIPHASH_KEY_LEN]; /* the administrator's own files */
    struct ctl_jsondocs docs = {pool, bundle->n, bundle->sources,
                                apr_pcalloc(pool, bundle->n * sizeof *docs.read)};

    for (uint32_t i = 0; i < docs.n; i++) {
        aps_jsonread_init(&docs.read[i], pool, key);
        if (aps_jsonread(&docs.read[i], docs.sources[i].text, &aps_jsonread_plain) ==
            APS_JSONREAD_OK)
            continue;
        aps_jsonread_fault_explain(&docs.read[i], diag);
        return APS_ERR_FORMAT;
    }
    *out = docs;
    return APS_OK;
}

struct ctl_jsonat ctl_jsondoc_root(const struct ctl_jsondocs *docs)
{
    return (struct ctl_jsonat){docs, 0, aps_jsonread_root(&docs->read[0])};
}

bool ctl_jsondoc_is(struct ctl_jsonat at, enum aps_jsonread_kind kind)
{
    return at.v != NULL && aps_jsonread_kind(at.v) == kind;
}

struct aps_str ctl_jsondoc_str(struct ctl_jsonat at)
{
    if (ctl_jsondoc_is(at, APS_JSON_STRING) || ctl_jsondoc_is(at, APS_JSON_NUMBER))
        return aps_jsonread_str(&at.docs->read[at.doc], at.v);
    return (struct aps_str){NULL, 0};
}

struct aps_str ctl_jsondoc_raw(struct ctl_jsonat at)
{
    if (at.v == NULL)
        return (struct aps_str){NULL, 0};
    return aps_jsonread_raw(&at.docs->read[at.doc], at.v);
}

/* The member itself. */
static struct ctl_jsonat member(struct ctl_jsonat object, struct aps_str name)
{
    if (object.v != NULL)
        object.v = aps_jsonread_get(&object.docs->read[object.doc], object.v, name);
    return object;
}

/* ---- references ---- */

/* A piece of a JSON Pointer (RFC 6901 4). */
static struct aps_str unescape(apr_pool_t *pool, struct aps_str piece)
{
    char *text = apr_pstrmemdup(pool, piece.p, piece.n), *to = text;

    for (const char *p = text; *p != '\0'; p++) {
        bool escape = p[0] == '~' && (p[1] == '0' || p[1] == '1');

        *to++ = !escape ? *p : p[1] == '0' ? '~' : '/';
        p += escape;
    }
    *to = '\0';
    return aps_str(text);
}

static struct ctl_jsonat item(struct ctl_jsonat array, struct aps_str index)
{
    unsigned long at = strtoul(index.p, NULL, 10);
    struct ctl_jsonat v = ctl_jsondoc_first(array, NULL);

    while (v.v != NULL && at-- > 0)
        v = ctl_jsondoc_next(array, v, NULL);
    return v;
}

static struct ctl_jsonat follow(struct ctl_jsonat at, const char *pointer)
{
    struct aps_str rest = aps_str(pointer), piece;

    if (rest.n != 0 && rest.p[0] != '/')
        at.v = NULL; /* an anchor */
    while (at.v != NULL && rest.n != 0) {
        rest.p++;
        rest.n--;
        piece.p = rest.p;
        for (piece.n = 0; piece.n < rest.n && rest.p[piece.n] != '/';)
            piece.n++;
        rest.p += piece.n;
        rest.n -= piece.n;
        piece = unescape(at.docs->pool, piece);
        at = ctl_jsondoc_is(at, APS_JSON_ARRAY) ? item(at, piece) : member(at, piece);
    }
    return at;
}

static struct ctl_jsonat resolve(struct ctl_jsonat at, struct aps_str ref)
{
    apr_pool_t *pool = at.docs->pool;
    char *text = apr_pstrmemdup(pool, ref.p, ref.n), *hash = strchr(text, '#');
    const char *uri;
    char *pointer = apr_pstrdup(pool, hash != NULL ? hash + 1 : "");

    if (hash != NULL)
        *hash = '\0';
    if (strchr(pointer, '%') != NULL &&
        apr_unescape_url(pointer, pointer, APR_ESCAPE_STRING, NULL, NULL, 0, NULL) != APR_SUCCESS)
        return (struct ctl_jsonat){at.docs, 0, NULL};
    uri = ctl_bundle_resolve(pool, at.docs->sources[at.doc].uri, aps_str(text));
    for (uint32_t i = 0; uri != NULL && i < at.docs->n; i++)
        if (aps_str_eq(at.docs->sources[i].uri, aps_str(uri)))
            return follow((struct ctl_jsonat){at.docs, i, aps_jsonread_root(&at.docs->read[i])},
                          pointer);
    return (struct ctl_jsonat){at.docs, 0, NULL};
}

struct ctl_jsonat ctl_jsondoc_deref(struct ctl_jsonat at)
{
    for (int i = 0; i < HOPS_MAX && ctl_jsondoc_is(at, APS_JSON_OBJECT); i++) {
        struct ctl_jsonat ref = member(at, APS_STR_LIT("$ref"));

        if (!ctl_jsondoc_is(ref, APS_JSON_STRING))
            return at;
        at = resolve(at, ctl_jsondoc_str(ref));
    }
    return at;
}

struct ctl_jsonat ctl_jsondoc_get(struct ctl_jsonat object, struct aps_str name)
{
    return ctl_jsondoc_deref(member(object, name));
}

/* ---- walks ---- */

/* What stands at a place of the holder; behind its last, nothing. */
static struct ctl_jsonat place(struct ctl_jsonat holder, const struct aps_jsonread_node *v,
                               struct aps_str *out_name)
{
    bool object = ctl_jsondoc_is(holder, APS_JSON_OBJECT);
    struct ctl_jsonat at = {holder.docs, holder.doc, NULL};

    if (v >= aps_jsonread_end(holder.v))
        return at;
    if (object && out_name != NULL)
        *out_name = aps_jsonread_str(&holder.docs->read[holder.doc], v);
    at.v = object ? v + 1 : v;
    return at;
}

struct ctl_jsonat ctl_jsondoc_first(struct ctl_jsonat holder, struct aps_str *out_name)
{
    if (!ctl_jsondoc_is(holder, APS_JSON_ARRAY) && !ctl_jsondoc_is(holder, APS_JSON_OBJECT))
        return (struct ctl_jsonat){holder.docs, holder.doc, NULL};
    return place(holder, aps_jsonread_first(holder.v), out_name);
}

struct ctl_jsonat ctl_jsondoc_next(struct ctl_jsonat holder, struct ctl_jsonat before,
                                   struct aps_str *out_name)
{
    return place(holder, aps_jsonread_next(before.v), out_name);
}
