/* xsd_path.h - the way to the element at hand: /order/item[2].
 *
 * [2] is the second of its name among its siblings; the first goes without.  Where an element has
 * children of more names than are kept, a child of another name is counted among all: *[17].
 * Threads and processes: a path belongs to one reader. */
#ifndef INSPECT_XSD_PATH_H
#define INSPECT_XSD_PATH_H

#include "apisec/xml.h"

#define XSD_PATH_NAMES 16

struct xsd_path_level {
    struct aps_xml_name name;
    uint32_t nth;      /* of this name; or, where `any`, of all */
    bool any;          /* the name is none that is kept */
    uint32_t children; /* so far */
    uint32_t names_n;
    struct xsd_path_seen {
        const char *local, *uri; /* the same pointer is the same name */
        uint32_t n;
    } names[XSD_PATH_NAMES];
};

struct xsd_path {
    struct xsd_path_level *levels; /* [0] is above the outermost element */
    uint32_t depth;
};

/* False without memory. */
bool aps_xsd_path_init(struct xsd_path *path, apr_pool_t *pool, uint32_t depth_max);

void aps_xsd_path_enter(struct xsd_path *path, const struct aps_xml_name *name);
void aps_xsd_path_leave(struct xsd_path *path);

/* The way as text, with /@name where there is an attribute; lives in `pool`. */
const char *aps_xsd_path_print(const struct xsd_path *path, struct aps_str attribute,
                               apr_pool_t *pool);

#endif
