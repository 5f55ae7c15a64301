/* form_impl.h - a form on its way to one object: what urlencoded and multipart share. */
#ifndef INSPECT_FORM_IMPL_H
#define INSPECT_FORM_IMPL_H

#include "apisec/form.h"
#include "param_impl.h"

struct form_run {
    struct aps_param_reader *r;
    apr_pool_t *pool;
    const struct aps_form *form;
    struct aps_failures *failures;
    uint32_t shape; /* of the form */
    struct untyped *root;
    bool doubled;
    bool good;
};

/* What is said of a property. */
struct form_property {
    const struct aps_api_encoding *encoding; /* or NULL */
    uint32_t shape;
    unsigned types, item_types; /* of the property, and of its items */
    bool known;                 /* the schema speaks of it */
};

/* Begin; false without memory. */
bool aps_form_start(struct form_run *run, struct aps_param_reader *r, apr_pool_t *pool,
                    const struct aps_form *form, struct aps_failures *failures);

struct form_property aps_form_property(const struct form_run *run, struct aps_str name);

/* Whether the schema does not name the field, and a program may take it for one that it names. */
bool aps_form_is_other_name(const struct form_run *run, struct aps_str name);

/* A failure of a field. */
void aps_form_fail(struct form_run *run, struct aps_str name, const char *keyword,
                   const char *expected, struct aps_str value);

/* Whether values of these types are written as JSON where nothing else is said (OpenAPI 3.1.1
 * 4.8.15): those that can be nothing but objects. */
bool aps_form_is_json(unsigned types);

/* The text becomes JSON if it is that. */
void aps_form_read_json(struct form_run *run, struct untyped *v);

/* Take what belongs to a property from the pairs, as the style of its encoding writes it. */
void aps_form_take(struct form_run *run, struct decoder *decoder, struct pairs *pairs,
                   struct aps_str name, const struct form_property *p);

/* Judge the object; returns whether all was good. */
bool aps_form_finish(struct form_run *run);

#endif
