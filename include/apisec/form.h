/* form.h - the body of a form as one object, judged by the schema of its media type: urlencoded,
 * and multipart/form-data with files (POS-14, POS-18).
 *
 * A property is read as docs/parameters.md says: by the style of its encoding object, or by its
 * contentType, or as its schema has it.  A file is judged by its name, its type and its length; its
 * bytes are nobody's here.
 * Threads and processes: as param.h. */
#ifndef APISEC_FORM_H
#define APISEC_FORM_H

#include "apisec/multipart.h"
#include "apisec/param.h"

/* What both kinds are judged by; all borrowed. */
struct aps_form {
    const struct aps_schema_image *image;
    const struct aps_api_media *media;
    bool undeclared; /* a field that the schema does not speak of is a fault (POS-01) */
};

/* Whether `body` is what the schema asks; else why, in `failures`.  What is decoded lives in
 * `pool`. *out_doubled as aps_param_judge. */
bool aps_form_judge(struct aps_param_reader *r, apr_pool_t *pool, const struct aps_form *form,
                    struct aps_str body, struct aps_failures *failures, bool *out_doubled);

/* The same for parts with this boundary. */
bool aps_form_multipart(struct aps_param_reader *r, apr_pool_t *pool, const struct aps_form *form,
                        struct aps_str boundary, const struct aps_multipart_options *options,
                        struct aps_str body, struct aps_failures *failures, bool *out_doubled);

#endif
