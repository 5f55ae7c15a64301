/* xsd_path.c - the way to an element, by the names and numbers of those around it. */
#include <apr_strings.h>

#include "apisec/buf.h"
#include "xsd_path.h"

#define PRINTED_MAX 2000 /* bytes */

bool aps_xsd_path_init(struct xsd_path *path, apr_pool_t *pool, uint32_t depth_max)
{
    path->depth = 0;
    path->levels = apr_palloc(pool, ((size_t)depth_max + 1) * sizeof *path->levels);
    if (path->levels != NULL)
        path->levels[0] = (struct xsd_path_level){.names_n = 0};
    return path->levels != NULL;
}

/* How many of this name there are now; 0: the name is not kept. */
static uint32_t count(struct xsd_path_level *l, const struct aps_xml_name *name)
{
    struct xsd_path_seen *s = l->names;

    for (uint32_t i = 0; i < l->names_n; i++, s++)
        if (s->local == name->local.p && s->uri == name->uri.p)
            return ++s->n;
    if (l->names_n == XSD_PATH_NAMES)
        return 0;
    l->names_n++;
    *s = (struct xsd_path_seen){name->local.p, name->uri.p, 1};
    return 1;
}

void aps_xsd_path_enter(struct xsd_path *path, const struct aps_xml_name *name)
{
    struct xsd_path_level *l = &path->levels[path->depth++];
    const uint32_t all = ++l->children, nth = count(l, name);

    l[1].name = *name;
    l[1].any = nth == 0;
    l[1].nth = nth == 0 ? all : nth;
    l[1].children = 0;
    l[1].names_n = 0;
}

void aps_xsd_path_leave(struct xsd_path *path)
{
    path->depth--;
}

const char *aps_xsd_path_print(const struct xsd_path *path, struct aps_str attribute,
                               apr_pool_t *pool)
{
    struct aps_buf b;

    aps_buf_init(&b, pool, PRINTED_MAX);
    for (uint32_t i = 1; i <= path->depth; i++) {
        const struct xsd_path_level *l = &path->levels[i];

        aps_buf_add_char(&b, '/');
        aps_buf_add(&b, l->any ? APS_STR_LIT("*") : l->name.local);
        if (l->any || l->nth > 1)
            aps_buf_add(&b, aps_str(apr_psprintf(pool, "[%u]", l->nth)));
    }
    if (attribute.n > 0) {
        aps_buf_add(&b, APS_STR_LIT("/@"));
        aps_buf_add(&b, attribute);
    }
    return apr_pstrmemdup(pool, b.n > 0 ? b.p : "/", b.n > 0 ? b.n : 1);
}
