/* schema_uri.c - references against the URI of what they stand in (RFC 3986 5.2). */
#include "schema_build.h"

struct parts {
    struct aps_str scheme, authority, path, query; /* .p is NULL where there is none */
};

struct aps_str aps_schema_uri_fragment(struct aps_str *uri)
{
    const char *hash = uri->n > 0 ? memchr(uri->p, '#', uri->n) : NULL;
    struct aps_str fragment = {NULL, 0};

    if (hash != NULL) {
        fragment = (struct aps_str){hash + 1, uri->n - (size_t)(hash + 1 - uri->p)};
        uri->n = (size_t)(hash - uri->p);
    }
    return fragment;
}

static size_t span(struct aps_str s, size_t from, const char *stops)
{
    while (from < s.n && strchr(stops, s.p[from]) == NULL)
        from++;
    return from;
}

static struct aps_str cut(struct aps_str s, size_t from, size_t to)
{
    return (struct aps_str){s.p + from, to - from};
}

static struct parts parts_of(struct aps_str s)
{
    struct parts u = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    size_t at = 0, end = span(s, 0, ":/?");

    if (end > 0 && end < s.n && s.p[end] == ':') {
        u.scheme = cut(s, 0, end);
        at = end + 1;
    }
    if (s.n - at >= 2 && s.p[at] == '/' && s.p[at + 1] == '/') {
        end = span(s, at + 2, "/?");
        u.authority = cut(s, at + 2, end);
        at = end;
    }
    end = span(s, at, "?");
    u.path = cut(s, at, end);
    if (end < s.n)
        u.query = cut(s, end + 1, s.n);
    return u;
}

static char *put(char *to, struct aps_str s)
{
    if (s.n > 0)
        memcpy(to, s.p, s.n);
    return to + s.n;
}

/* Without `.` and `..`, in place; returns its length (RFC 3986 5.2.4). */
static size_t remove_dots(char *path, size_t n)
{
    struct aps_str rest = {path, n}, segment;
    char *to = path;
    bool slash;

    while (rest.n > 0) {
        slash = rest.p[0] == '/';
        segment = cut(rest, slash, span(rest, slash, "/"));
        rest = cut(rest, slash + segment.n, rest.n);
        if (aps_str_eq(segment, APS_STR_LIT("..")) || aps_str_eq(segment, APS_STR_LIT("."))) {
            if (segment.n == 2)
                while (to > path && *--to != '/')
                    continue;
            if (rest.n == 0 && (slash || to > path)) /* it named a folder */
                *to++ = '/';
            continue;
        }
        if (slash)
            *to++ = '/';
        memmove(to, segment.p, segment.n);
        to += segment.n;
    }
    return (size_t)(to - path);
}

struct aps_str aps_schema_uri_resolve(apr_pool_t *pool, struct aps_str base, struct aps_str ref)
{
    struct aps_str bare = ref, fragment = aps_schema_uri_fragment(&bare), folder = {NULL, 0};
    struct parts r = parts_of(bare), b;
    char *text, *to, *path;

    (void)aps_schema_uri_fragment(&base); /* a base has none */
    b = parts_of(base);
    if (r.scheme.p == NULL) {
        r.scheme = b.scheme;
        if (r.authority.p == NULL) {
            r.authority = b.authority;
            if (r.path.n == 0) {
                r.path = b.path;
                if (r.query.p == NULL)
                    r.query = b.query;
            } else if (r.path.p[0] != '/') {
                for (folder = b.path; folder.n > 0 && folder.p[folder.n - 1] != '/';)
                    folder.n--;
                if (folder.n == 0 && b.authority.p != NULL)
                    folder = APS_STR_LIT("/");
            }
        }
    }
    if ((text = apr_palloc(pool, base.n + ref.n + 16)) == NULL)
        return ref;
    to = put(text, r.scheme);
    if (r.scheme.p != NULL)
        *to++ = ':';
    if (r.authority.p != NULL)
        to = put(put(to, APS_STR_LIT("//")), r.authority);
    path = to;
    to = put(put(to, folder), r.path);
    to = path + remove_dots(path, (size_t)(to - path));
    if (r.query.p != NULL)
        to = put(put(to, APS_STR_LIT("?")), r.query);
    if (fragment.p != NULL)
        to = put(put(to, APS_STR_LIT("#")), fragment);
    return (struct aps_str){text, (size_t)(to - text)};
}
