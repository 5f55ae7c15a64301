/* param_impl.h - a parameter on its way from pieces of text to values (param_style.c). */
#ifndef INSPECT_PARAM_IMPL_H
#define INSPECT_PARAM_IMPL_H

#include "apisec/param.h"
#include "pairs.h"
#include "untyped.h"

#define STYLE_READINGS 5

struct aps_param_reader {
    struct untyped_judge untyped;
};

/* A parameter, or a property of a form. */
struct styled {
    const struct aps_api_param *param;
    uint32_t shape;
    unsigned types; /* that its schema takes */
    struct decoder *decoder;
    /* Where its texts are: the values of fields or a capture, */
    const struct aps_str *texts;
    uint32_t texts_n;
    /* or pairs of a query, a form or cookies; */
    struct pairs *pairs;
    const struct aps_api_operation *operation; /* whose parameters own the names of pairs */
    const struct aps_schema_image *image;
    /* What came out. */
    struct untyped *readings[STYLE_READINGS]; /* the value, as it may be meant; best first */
    uint32_t readings_n;
    bool found;                /* there is a text of it */
    bool empty;                /* which is empty */
    bool repeated;             /* there are several where one may stand */
    enum pairs_fault fault;    /* one of them cannot be decoded */
    struct aps_str first_text; /* for failures */
};

/* Read the texts in every way that style and types leave; pairs are marked as taken. */
void aps_param_style(struct styled *s);

/* The types that count: a schema that names none takes what it has keywords for, else scalars. */
unsigned aps_param_style_types(const struct aps_schema_image *image, uint32_t shape,
                               enum aps_api_style style);

#endif
