/* apixml_table.h - a table of names, opened.
 *
 * Text: [shape, ...], the first that of the body.  A shape is {"k": "o" (object), "a" (array) or
 * "s", "n": its name, "s": its namespace, "a": it is an attribute, "w": its items are wrapped,
 * "i": shape of its items, "p": [name, shape, ...] of its members}; all but k may be missing.
 * Threads and processes: read-only. */
#ifndef INSPECT_APIXML_TABLE_H
#define INSPECT_APIXML_TABLE_H

#include <apr_hash.h>

#include "apisec/apixml.h"

#define APIXML_NONE UINT32_MAX

struct apixml_member {
    struct aps_str property;
    struct aps_str local; /* of the element or attribute */
    struct aps_str uri;
    uint32_t shape; /* of one element: of the item, where `items` */
    bool named_uri; /* `uri` is asked for; else that of the parent, or none, will do */
    bool attribute;
    bool items;                       /* each element is an item of the member's array */
    const struct apixml_member *next; /* with the same local name */
};

struct apixml_shape {
    char kind; /* 'o', 'a', 's' */
    struct aps_str name, uri;
    bool attribute, wrapped;
    uint32_t item;
    struct apixml_member *members;
    uint32_t members_n;
    apr_hash_t *by_local;
    struct aps_str inner; /* of an array: the local name of its items, or empty: any */
    struct aps_str inner_uri;
};

struct aps_apixml {
    struct apixml_shape *shapes;
    uint32_t n;
};

#endif
