/* item.h - a thing of a store as a configuration document has it: a JSON object without secrets.
 *
 * A document is
 *     {"apisec_export":1,"prefix":"apisec",
 *     "plans":[
 *     {...},
 *     ...
 *     ],
 *     ...}
 * one item on each line, in order of name, its members in the order of items.def and only where
 * they say something, so that two documents of one configuration are the same bytes. */
#ifndef APISECCTL_ITEM_H
#define APISECCTL_ITEM_H

#include "apisec/jsonread.h"
#include "ctl.h"

enum ctl_item_kind {
#define K(name, word) CTL_ITEM_##name,
#define F(kind, name, member, type, looser)
#include "items.def"
#undef K
#undef F
    CTL_ITEM_KINDS
};

enum ctl_item_field {
#define K(name, word)
#define F(kind, name, member, type, looser) CTL_ITEM_##kind##_##name,
#include "items.def"
#undef K
#undef F
    CTL_ITEM_FIELDS
};

#define CTL_ITEM_VERSION 1

const char *ctl_item_word(enum ctl_item_kind kind);
/* False: it is the word of none. */
bool ctl_item_kind_named(struct aps_str word, enum ctl_item_kind *out);
/* The words of all kinds with commas between; lives in `pool`. */
const char *ctl_item_words(apr_pool_t *pool);
const char *ctl_item_member(enum ctl_item_field field);

/* ---- as a document has it ---- */

struct ctl_item {
    enum ctl_item_kind kind;
    struct aps_str name; /* its first member */
    const struct aps_jsonread *doc;
    const struct aps_jsonread_node *value[CTL_ITEM_FIELDS]; /* of its kind's fields; or NULL */
};

/* Read an object.  FORMAT: a member that is not known or has another type, no name. */
APS_MUST_CHECK enum aps_err ctl_item_read(struct ctl *c, enum ctl_item_kind kind,
                                          const struct aps_jsonread *doc,
                                          const struct aps_jsonread_node *object,
                                          struct ctl_item *out);
/* What is not there is an empty text, 0, false, no list. */
struct aps_str ctl_item_text(const struct ctl_item *item, enum ctl_item_field field);
/* As it is written. */
struct aps_str ctl_item_raw(const struct ctl_item *item, enum ctl_item_field field);
bool ctl_item_flag(const struct ctl_item *item, enum ctl_item_field field);
/* In c->pool. */
const struct aps_str *ctl_item_list(struct ctl *c, const struct ctl_item *item,
                                    enum ctl_item_field field, size_t *out_n);

/* ---- what differs ---- */

/* A text of ctl_item_print_one; an empty one has no members.  Lives in c->pool. */
APS_MUST_CHECK enum aps_err ctl_item_parse(struct ctl *c, enum ctl_item_kind kind,
                                           struct aps_str text, struct ctl_item *out);
bool ctl_item_has_same(const struct ctl_item *a, const struct ctl_item *b,
                       enum ctl_item_field field);
/* In all that is more than told. */
bool ctl_item_is_same(const struct ctl_item *a, const struct ctl_item *b);

struct ctl_item_diff {
    apr_array_header_t *fields; /* of struct aps_str: members that differ */
    apr_array_header_t *looser; /* those of them by which more may be let through */
};
/* Two texts of ctl_item_print_one.  In c->pool. */
APS_MUST_CHECK enum aps_err ctl_item_compare(struct ctl *c, enum ctl_item_kind kind,
                                             struct aps_str before, struct aps_str after,
                                             struct ctl_item_diff *out);

#endif
