/* apidiff.c - what another description or schema would change, and what of it breaks clients. */
#include "apidiff.h"

#include <apr_strings.h>

#include "jsondoc.h"
#include "schemadiff.h"

struct diff {
    apr_pool_t *pool;
    ctl_apidiff_fn fn;
    void *arg;
    const char *operation; /* that is looked at: "GET /pets" */
    bool answers;          /* what is sent to clients: more of it may break them */
};

static struct ctl_jsonat get(struct ctl_jsonat at, const char *name)
{
    return ctl_jsondoc_get(at, aps_str(name));
}

static void tell(struct diff *d, const char *change, const char *where, bool breaks)
{
    const struct ctl_apidiff_row row = {change, d->operation, where, breaks};

    d->fn(d->arg, &row);
}

static void changed(struct diff *d, bool breaks, const char *what, const char *how)
{
    tell(d, "changed", apr_pstrcat(d->pool, what, how, NULL), breaks);
}

/* ---- schemas ---- */

static void tell_schema(void *arg, const char *where, const char *keyword)
{
    struct diff *d = arg;

    changed(d, true, apr_pstrcat(d->pool, where, ": ", keyword, NULL),
            d->answers ? " gives more than before" : " takes less than before");
}

/* What was taken is to be taken; what is given is to be what was given. */
static void compare_schemas(struct diff *d, struct ctl_jsonat was, struct ctl_jsonat is,
                            const char *where)
{
    if (d->answers)
        ctl_schemadiff(is, was, where, tell_schema, d);
    else
        ctl_schemadiff(was, is, where, tell_schema, d);
}

/* ---- media types ---- */

static void compare_content(struct diff *d, struct ctl_jsonat was, struct ctl_jsonat is,
                            const char *where)
{
    struct ctl_jsonat old = get(was, "content"), now = get(is, "content");
    struct aps_str name = {NULL, 0};

    for (struct ctl_jsonat v = ctl_jsondoc_first(old, &name); v.v != NULL;
         v = ctl_jsondoc_next(old, v, &name)) {
        struct ctl_jsonat media = ctl_jsondoc_get(now, name);
        const char *type = apr_pstrmemdup(d->pool, name.p, name.n);

        if (media.v == NULL)
            changed(d, true, apr_pstrcat(d->pool, where, ": ", type, NULL), " is gone");
        else
            compare_schemas(d, get(ctl_jsondoc_deref(v), "schema"), get(media, "schema"),
                            apr_pstrcat(d->pool, where, " ", type, NULL));
    }
    for (struct ctl_jsonat v = ctl_jsondoc_first(now, &name); v.v != NULL;
         v = ctl_jsondoc_next(now, v, &name))
        if (ctl_jsondoc_get(old, name).v == NULL)
            changed(
                d, false,
                apr_pstrcat(d->pool, where, ": ", apr_pstrmemdup(d->pool, name.p, name.n), NULL),
                " is new");
}

/* ---- parameters ---- */

static bool is_required(struct ctl_jsonat at)
{
    return ctl_jsondoc_is(get(at, "required"), APS_JSON_TRUE);
}

static struct ctl_jsonat find_in(struct ctl_jsonat list, struct ctl_jsonat like)
{
    struct ctl_jsonat v = ctl_jsondoc_first(list, NULL);

    for (; v.v != NULL; v = ctl_jsondoc_next(list, v, NULL)) {
        struct ctl_jsonat p = ctl_jsondoc_deref(v);

        if (aps_str_eq(ctl_jsondoc_str(get(p, "in")), ctl_jsondoc_str(get(like, "in"))) &&
            aps_str_eq(ctl_jsondoc_str(get(p, "name")), ctl_jsondoc_str(get(like, "name"))))
            return p;
    }
    return v;
}

/* What an operation is made of: its own, then that of its path. */
struct operation {
    struct ctl_jsonat self, path;
};

static struct ctl_jsonat find_param(const struct operation *op, struct ctl_jsonat like)
{
    struct ctl_jsonat p = find_in(get(op->self, "parameters"), like);

    return p.v != NULL ? p : find_in(get(op->path, "parameters"), like);
}

static const char *name_of(struct diff *d, struct ctl_jsonat p)
{
    return apr_psprintf(d->pool, "%.*s parameter %.*s", APS_STR_SHOW(ctl_jsondoc_str(get(p, "in"))),
                        APS_STR_SHOW(ctl_jsondoc_str(get(p, "name"))));
}

static struct ctl_jsonat schema_of(struct ctl_jsonat p)
{
    struct ctl_jsonat schema = get(p, "schema");

    if (schema.v == NULL)
        schema = get(ctl_jsondoc_deref(ctl_jsondoc_first(get(p, "content"), NULL)), "schema");
    return schema;
}

/* A parameter of the old description. */
static void compare_old_param(struct diff *d, const struct operation *is, struct ctl_jsonat p)
{
    struct ctl_jsonat now = find_param(is, p);
    const char *name = name_of(d, p);

    if (now.v == NULL)
        changed(d, !aps_str_eq(ctl_jsondoc_str(get(p, "in")), APS_STR_LIT("header")), name,
                " is gone");
    else
        compare_schemas(d, schema_of(p), schema_of(now), name);
}

static void compare_new_param(struct diff *d, const struct operation *was, struct ctl_jsonat p)
{
    struct ctl_jsonat old = find_param(was, p);

    if (old.v == NULL)
        changed(d, is_required(p), name_of(d, p),
                is_required(p) ? " is new, and required" : " is new");
    else if (is_required(p) && !is_required(old))
        changed(d, true, name_of(d, p), " is required now");
}

static void each_param(struct diff *d, const struct operation *of, const struct operation *other,
                       void (*fn)(struct diff *d, const struct operation *other,
                                  struct ctl_jsonat p))
{
    const struct ctl_jsonat lists[] = {get(of->self, "parameters"), get(of->path, "parameters")};

    for (size_t i = 0; i < 2; i++)
        for (struct ctl_jsonat v = ctl_jsondoc_first(lists[i], NULL); v.v != NULL;
             v = ctl_jsondoc_next(lists[i], v, NULL)) {
            struct ctl_jsonat p = ctl_jsondoc_deref(v);

            if (i == 0 || find_in(lists[0], p).v == NULL) /* else the operation has its own */
                fn(d, other, p);
        }
}

/* ---- operations ---- */

static void compare_body(struct diff *d, struct ctl_jsonat was, struct ctl_jsonat is)
{
    if (was.v != NULL && is.v == NULL)
        changed(d, true, "body: it is taken no more", "");
    else if (was.v == NULL && is.v != NULL)
        changed(d, is_required(is), "body: it is new", is_required(is) ? ", and required" : "");
    else if (is_required(is) && !is_required(was))
        changed(d, true, "body: it is required now", "");
    if (was.v != NULL && is.v != NULL)
        compare_content(d, was, is, "body");
}

static void compare_responses(struct diff *d, struct ctl_jsonat was, struct ctl_jsonat is)
{
    struct aps_str name = {NULL, 0};

    d->answers = true;
    for (struct ctl_jsonat v = ctl_jsondoc_first(was, &name); v.v != NULL;
         v = ctl_jsondoc_next(was, v, &name)) {
        struct ctl_jsonat now = ctl_jsondoc_get(is, name);
        const char *status = apr_psprintf(d->pool, "response %.*s", APS_STR_SHOW(name));

        if (now.v == NULL)
            changed(d, name.p[0] == '2', status, " is gone");
        else
            compare_content(d, ctl_jsondoc_deref(v), now, status);
    }
    for (struct ctl_jsonat v = ctl_jsondoc_first(is, &name); v.v != NULL;
         v = ctl_jsondoc_next(is, v, &name))
        if (ctl_jsondoc_get(was, name).v == NULL)
            changed(
                d, false,
                apr_pstrcat(d->pool, "response ", apr_pstrmemdup(d->pool, name.p, name.n), NULL),
                " is new");
    d->answers = false;
}

static struct ctl_jsonat security_of(const struct operation *op)
{
    struct ctl_jsonat own = get(op->self, "security");

    return own.v != NULL ? own : get(ctl_jsondoc_root(op->self.docs), "security");
}

static void compare_operations(struct diff *d, const struct operation *was,
                               const struct operation *is)
{
    struct aps_str asked = ctl_jsondoc_raw(security_of(is));

    each_param(d, was, is, compare_old_param);
    each_param(d, is, was, compare_new_param);
    compare_body(d, get(was->self, "requestBody"), get(is->self, "requestBody"));
    compare_responses(d, get(was->self, "responses"), get(is->self, "responses"));
    if (!aps_str_eq(asked, ctl_jsondoc_raw(security_of(was))))
        changed(d, asked.n > 2, "security: other callers are asked for", "");
    if (ctl_jsondoc_is(get(is->self, "deprecated"), APS_JSON_TRUE) &&
        !ctl_jsondoc_is(get(was->self, "deprecated"), APS_JSON_TRUE))
        changed(d, false, "it is deprecated now", "");
}

static const char *const methods[] = {"get", "put", "post", "delete", "options", "head", "patch"};

/* Operations of one path; those that only `a` has are told as `change`. */
static void compare_paths(struct diff *d, struct ctl_jsonat a, struct ctl_jsonat b,
                          struct aps_str path, const char *change)
{
    bool added = strcmp(change, "added") == 0;

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const struct operation x = {get(a, methods[i]), a}, y = {get(b, methods[i]), b};
        char *name = apr_psprintf(d->pool, "%s %.*s", methods[i], APS_STR_ARG(path));

        for (char *p = name; *p != ' '; p++)
            *p = (char)(*p - 'a' + 'A');
        d->operation = name;
        if (x.self.v != NULL && y.self.v == NULL)
            tell(d, change, NULL, !added);
        else if (x.self.v != NULL && !added)
            compare_operations(d, &x, &y);
    }
}

static void compare_apis(struct diff *d, struct ctl_jsonat was, struct ctl_jsonat is)
{
    struct ctl_jsonat old = get(was, "paths"), now = get(is, "paths");
    struct aps_str path = {NULL, 0};

    for (struct ctl_jsonat v = ctl_jsondoc_first(old, &path); v.v != NULL;
         v = ctl_jsondoc_next(old, v, &path))
        compare_paths(d, ctl_jsondoc_deref(v), ctl_jsondoc_get(now, path), path, "removed");
    for (struct ctl_jsonat v = ctl_jsondoc_first(now, &path); v.v != NULL;
         v = ctl_jsondoc_next(now, v, &path))
        compare_paths(d, ctl_jsondoc_deref(v), ctl_jsondoc_get(old, path), path, "added");
}

enum aps_err ctl_apidiff(apr_pool_t *pool, const struct aps_store_api_bundle *was,
                         const struct aps_store_api_bundle *is, ctl_apidiff_fn fn, void *arg,
                         struct aps_diag *diag)
{
    struct diff d = {.pool = pool, .fn = fn, .arg = arg, .operation = ""};
    struct ctl_jsondocs old, now;
    enum aps_err err;

    if ((err = ctl_jsondoc_read(pool, was, &old, diag)) != APS_OK ||
        (err = ctl_jsondoc_read(pool, is, &now, diag)) != APS_OK)
        return err;
    if (was->kind == APS_STORE_API_OPENAPI)
        compare_apis(&d, ctl_jsondoc_root(&old), ctl_jsondoc_root(&now));
    else
        compare_schemas(&d, ctl_jsondoc_root(&old), ctl_jsondoc_root(&now), "");
    return APS_OK;
}
