/* api_check.h - what the files that check a description's form share. */
#ifndef INSPECT_API_CHECK_H
#define INSPECT_API_CHECK_H

#include "api_build.h"

/* Kinds of values; those after ROOT are objects. */
enum api_kind {
    API_ANY,
    API_TEXT,
    API_URI,
    API_URL,
    API_TEMPLATE, /* a URL with {names} */
    API_EMAIL,
    API_FLAG,
    API_NUMBER,
    API_COUNT,
    API_ROOT,
    API_INFO,
    API_CONTACT,
    API_LICENSE,
    API_SERVER,
    API_VARIABLE,
    API_COMPONENTS,
    API_ITEM,
    API_OPERATION,
    API_DOCS,
    API_PARAMETER,
    API_HEADER,
    API_BODY,
    API_MEDIA,
    API_ENCODING,
    API_RESPONSE,
    API_EXAMPLE,
    API_LINK,
    API_TAG,
    API_SCHEME,
    API_FLOWS,
    API_IMPLICIT,
    API_TOKEN,
    API_CODE,
    API_SCHEMA,
    API_DISCRIMINATOR,
    API_XML,
    API_PATHS, /* from here on: with names of their own choice */
    API_RESPONSES,
    API_CALLBACK,
    API_REQUIREMENT,
};

enum api_shape { API_ONE, API_LIST, API_MAP };

enum {
    API_F_OLD = 1,
    API_F_NEW = 2,
    API_F_NEED = 4,
    API_F_NEED_OLD = 8,
    API_F_REF = 16,
    API_F_NAMES = 32,
    API_F_FILLED = 64,
};

struct api_field {
    enum api_kind of;
    struct aps_str name;
    enum api_shape shape;
    enum api_kind value;
    unsigned flags;
};

/* The field of this name, or NULL. */
const struct api_field *aps_api_field_find(enum api_kind of, struct aps_str name, bool old);
/* The first field that has to be there and is not, or NULL. */
const char *aps_api_field_missing(const struct api_build *b, struct api_at at, enum api_kind of);

/* What a table of fields cannot say (api_rule.c). */
bool aps_api_rule(struct api_build *b, struct api_at at, enum api_kind kind);
/* A text, a flag or a number. */
bool aps_api_rule_value(struct api_build *b, struct api_at at, enum api_kind kind);
/* A key of PATHS, RESPONSES or CALLBACK; of a map of components. */
bool aps_api_rule_key(struct api_build *b, struct api_at at, enum api_kind kind,
                      struct aps_str name);
bool aps_api_rule_name(struct api_build *b, struct api_at at, struct aps_str name);

/* A security requirement names schemes and scopes of the description. */
bool aps_api_demand(struct api_build *b, struct api_at requirement);

/* The names of a path's template are its parameters; those of a server's URL its variables. */
bool aps_api_template_item(struct api_build *b, struct aps_str path, struct api_at item);
bool aps_api_template_server(struct api_build *b, struct api_at server);

/* The expressions of callbacks' URLs name what requests and responses of the operation have. */
bool aps_api_callback(struct api_build *b, struct api_at item, struct api_at operation);

/* A link leads to an operation of the description and gives it parameters that it has. */
bool aps_api_link(struct api_build *b, struct api_at link);
/* Called with each parameter of a path item or an operation, references followed; false ends it. */
typedef bool (*api_parameter_fn)(struct api_build *b, struct api_at at, struct aps_str in,
                                 struct aps_str name, void *arg);
/* False: one cannot be read, or `fn` has said so. */
bool aps_api_link_parameters(struct api_build *b, struct api_at holder, api_parameter_fn fn,
                             void *arg);
/* Whether a path item or an operation has this parameter: a name, or a place, a dot and a name. */
bool aps_api_link_parameter(struct api_build *b, struct api_at holder, struct aps_str name,
                            bool *io_found);

/* What does not hinder anybody from enforcing the rest: an error for who asks whether the
 * description is right, a warning for who compiles it. */
bool aps_api_check_minor(struct api_build *b, struct api_at at, const char *fmt, ...)
    APS_PRINTF(3, 4);

#endif
