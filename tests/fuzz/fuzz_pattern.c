/* Patterns against a slow matcher that tries everything: a first line is compiled, each further
 * line is a path. */
#include <apr_general.h>
#include <stdint.h>
#include <stdlib.h>

#include "apisec/pattern.h"

#define PATHS_MAX 64
#define STARS_MAX 8 /* the slow matcher takes time that is exponential in them */
#define PATH_MAX_BYTES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The meaning of a pattern, as its header says it, with nothing compiled. */
static bool slow(const char *p, const char *pend, const char *s, const char *send)
{
    if (pend - p == 3 && memcmp(p, "/**", 3) == 0)
        return s == send || *s == '/';
    if (p == pend)
        return s == send;
    if (*p == '*')
        return slow(p + 1, pend, s, send) || (s < send && *s != '/' && slow(p, pend, s + 1, send));
    return s < send && *s == *p && slow(p + 1, pend, s + 1, send);
}

static size_t count_stars(struct aps_str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '*';
    return n;
}

static void check_path(const struct aps_pattern *pattern, struct aps_str path)
{
    struct aps_str text = aps_pattern_text(pattern);
    bool got = aps_pattern_matches(pattern, path);

    if (path.n == 0 || path.p[0] != '/') {
        if (got)
            abort();
        return;
    }
    if (count_stars(text) > STARS_MAX || path.n > PATH_MAX_BYTES)
        return;
    if (got != slow(text.p, text.p + text.n, path.p, path.p + path.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    apr_pool_t *pool;
    const struct aps_pattern *pattern;
    struct aps_str rest = {(const char *)data, size}, text = {NULL, 0}, path;
    struct aps_diag diag = {""};
    enum aps_err err;

    if (root == NULL && (apr_initialize() != APR_SUCCESS || apr_pool_create(&root, NULL) != 0))
        abort();
    if (apr_pool_create(&pool, root) != APR_SUCCESS)
        abort();
    (void)aps_str_next(&rest, '\n', &text); /* nothing is the empty pattern */
    err = aps_pattern_compile(pool, text, &pattern, &diag);
    if ((err == APS_OK) != (diag.text[0] == '\0'))
        abort();
    for (int i = 0; err == APS_OK && i < PATHS_MAX && aps_str_next(&rest, '\n', &path); i++)
        check_path(pattern, path);
    apr_pool_destroy(pool);
    return 0;
}
