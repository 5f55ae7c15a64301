/* untyped.h - values whose text has no types, and what they are under a schema.
 *
 * Parameters and forms leave texts, lists and members.  Under a schema a text becomes null, a
 * boolean or a number where the schema takes that and the text is exactly its JSON form; else it is
 * a string.  Where a schema takes strings too, the value may be read in two ways: as what it looks
 * like, and then as strings; it is valid if one of both is (docs/parameters.md).
 * Threads and processes: one caller. */
#ifndef INSPECT_UNTYPED_H
#define INSPECT_UNTYPED_H

#include "apisec/failures.h"
#include "apisec/schema_shape.h"

#define UNTYPED_DEPTH 8 /* of lists and members within each other */

enum untyped_kind {
    UNTYPED_TEXT,
    UNTYPED_JSON, /* the text is JSON that a reader has accepted */
    UNTYPED_LIST,
    UNTYPED_MAP,
};

struct untyped {
    enum untyped_kind kind;
    struct aps_str name; /* of a member */
    struct aps_str text;
    struct untyped *first, *last, *next;
};

/* What reads and judges them; all of it is kept from one value to the next. */
struct untyped_judge {
    struct aps_schema_judge *judge;
    const struct aps_jsonread_options *json;
    struct aps_jsonread reader;
    struct aps_json text;
    const struct aps_schema_image *image;
    bool ambiguous; /* the last reading has made something of a text that could be a string */
};

/* Begin; memory is the pool's.  Borrows the judge. */
void aps_untyped_init(struct untyped_judge *u, apr_pool_t *pool, struct aps_schema_judge *judge,
                      const unsigned char key[APS_SIPHASH_KEY_LEN]);

/* Values are of schemas of this image from now on. */
static inline void aps_untyped_use(struct untyped_judge *u, const struct aps_schema_image *image)
{
    u->image = image;
}

/* A new value, the last of `holder` unless that is NULL; NULL without memory. */
struct untyped *aps_untyped_add(apr_pool_t *pool, struct untyped *holder, enum untyped_kind kind,
                                struct aps_str name, struct aps_str text);

/* Make a value that stands alone the last of `holder`. */
void aps_untyped_put(struct untyped *holder, struct untyped *value);

/* The member of this name, or NULL. */
struct untyped *aps_untyped_get(const struct untyped *map, struct aps_str name);

/* Judge a value, in both ways where there are two, by the image's entry; the failures of the first
 * way stand in the judge.  APS_SCHEMA_UNDECIDED: reader.fault tells why the text is
 * not even JSON within the caps. */
enum aps_schema_verdict aps_untyped_judge(struct untyped_judge *u, uint32_t entry,
                                          const struct untyped *value);

/* List them. */
void aps_untyped_list(const struct untyped_judge *u, struct aps_failures *failures,
                      const struct aps_failures_place *place, enum aps_schema_verdict verdict);

/* Whether the text is a number as RFC 8259 6 writes it. */
bool aps_untyped_is_number(struct aps_str text);

#endif
