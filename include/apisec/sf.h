/* sf.h - structured field values (RFC 9651, which has all of RFC 8941 and Date and Display String).
 *
 * aps_sf_read judges a whole field value by its type and hands out what it says as nodes, linked
 * in the order of the text; what is not exactly of that type voids all of it.  aps_sf_print writes
 * nodes in the one canonical form.  A field that is sent in several lines is read as the lines
 * joined with ", " (RFC 9651 4.2).
 * Left to the reader by RFC 9651 4.2.7, and accepted: base64 without its padding, or with bits
 * behind its last byte that are not zero; the node tells, for who wants one spelling of its bytes.
 * Memory: nodes and decoded text live in the caller's pool, 72 bytes for each value and parameter
 * and twice the text's length for all that is decoded; other text is borrowed from the value.
 * Time: proportional to the text's length, and for n keys beside each other to n log n.
 * Threads and processes: pure functions; nodes belong to one caller. */
#ifndef APISEC_SF_H
#define APISEC_SF_H

#include "apisec/buf.h"
#include "apisec/err.h"
#include "apisec/str.h"

/* What a field is defined as (RFC 9651 3). */
enum aps_sf_type {
    APS_SF_ITEM,       /* 3.3: one value */
    APS_SF_LIST,       /* 3.1: members */
    APS_SF_DICTIONARY, /* 3.2: members with keys */
};

enum aps_sf_kind {
    APS_SF_NONE,    /* a zeroed node; never read, never printed */
    APS_SF_INTEGER, /* 3.3.1: number */
    APS_SF_DECIMAL, /* 3.3.2: number, in thousandths */
    APS_SF_STRING,  /* 3.3.3: text, printable ASCII */
    APS_SF_TOKEN,   /* 3.3.4: text */
    APS_SF_BYTES,   /* 3.3.5: text, any bytes; number 1: in other base64 than is printed */
    APS_SF_BOOLEAN, /* 3.3.6: number, 0 or 1 */
    APS_SF_DATE,    /* 3.3.7: number, seconds since 1970 */
    APS_SF_DISPLAY, /* 3.3.8: text, UTF-8 */
    APS_SF_INNER,   /* 3.1.1: an inner list */
};

/* The bounds of every number: fifteen decimal digits. */
#define APS_SF_NUMBER_MAX INT64_C(999999999999999)

/* A member of a list or dictionary, an item of an inner list, or a parameter. */
struct aps_sf {
    enum aps_sf_kind kind;
    int64_t number;
    struct aps_str text;   /* decoded */
    struct aps_str key;    /* of a dictionary's member or a parameter */
    struct aps_sf *items;  /* the first of an inner list; NULL: it is empty */
    struct aps_sf *params; /* the first parameter (3.1.2); NULL: none.  Parameters have none */
    struct aps_sf *next;   /* behind this one in its list; NULL: it is the last */
};

/* How much of each there may be.  Zeroed limits refuse all but an empty list or dictionary. */
struct aps_sf_limits {
    uint32_t bytes_max;   /* of the field value */
    uint32_t members_max; /* of a list or dictionary, a key that comes again included */
    uint32_t items_max;   /* of each inner list */
    uint32_t params_max;  /* of each item and inner list, a key that comes again included */
};

/* For fields that nothing more is known of: 64 KiB, and as many as RFC 9651 3.1, 3.1.1, 3.1.2 and
 * 3.2 ask each reader for: 1,024 members, 256 items, 256 parameters. */
extern const struct aps_sf_limits aps_sf_wide;

/* Read a field value (RFC 9651 4.2).  *out is its item or its first member, NULL for an empty list
 * or dictionary; a key that comes twice has the last value at the first place (4.2.2, 4.2.3.2).
 * Borrows `text` as long as the nodes are used.  APS_ERR_FORMAT: not a value of this type;
 * APS_ERR_RANGE: more than the limits; APS_ERR_NOMEM.  `diag` may be NULL. */
APS_MUST_CHECK enum aps_err aps_sf_read(struct aps_str text, enum aps_sf_type type,
                                        const struct aps_sf_limits *limits, apr_pool_t *pool,
                                        struct aps_sf **out, struct aps_diag *diag);

/* The member or parameter of this key among `first` and those behind it; NULL: none. */
const struct aps_sf *aps_sf_get(const struct aps_sf *first, struct aps_str key);

/* Append the canonical form of a field value (RFC 9651 4.1) to `to`.  An empty list or dictionary
 * appends nothing: such a field is not sent.  Of an item only `first` is looked at.
 * APS_ERR_FORMAT: something that no field can say, such as a key with a capital letter;
 * APS_ERR_RANGE: a number beyond fifteen digits; APS_ERR_NOMEM: `to` is full.  `to` then ends where
 * it did.  `diag` may be NULL. */
APS_MUST_CHECK enum aps_err aps_sf_print(const struct aps_sf *first, enum aps_sf_type type,
                                         struct aps_buf *to, struct aps_diag *diag);

/* The same for one value: an item or an inner list with its parameters, without its key
 * (RFC 9651 4.1.1.1, 4.1.3), as a member of a dictionary is signed (RFC 9421 2.1.2). */
APS_MUST_CHECK enum aps_err aps_sf_print_value(const struct aps_sf *value, struct aps_buf *to,
                                               struct aps_diag *diag);

#endif
