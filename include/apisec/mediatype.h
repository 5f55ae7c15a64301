/* mediatype.h - the media type of a body or a part, read strictly (RFC 9110 8.3.1).
 *
 * A type is not guessed from what is malformed, and a parameter that stands twice is refused, as
 * two readers could take one each (POS-02). Threads and processes: pure functions. */
#ifndef APISEC_MEDIATYPE_H
#define APISEC_MEDIATYPE_H

#include "apisec/str.h"

enum aps_mediatype_fault {
    APS_MEDIATYPE_OK,
    APS_MEDIATYPE_MALFORMED,
    APS_MEDIATYPE_LIST,     /* a comma: the field was sent twice */
    APS_MEDIATYPE_REPEATED, /* a parameter stands twice */
    APS_MEDIATYPE_CHARSET,  /* one but utf-8 */
};

/* Borrowed from the text; .p NULL where there is none. */
struct aps_mediatype {
    struct aps_str type; /* type/subtype, in the case that it has */
    struct aps_str charset;
    struct aps_str boundary;
};

/* Read a Content-Type.  *out is set where the answer is OK. */
enum aps_mediatype_fault aps_mediatype_read(struct aps_str text, struct aps_mediatype *out);

/* Whether the type is of this range: "image/png", "image/" and a star, or two stars, or
 * "application/" and "*+json" for all subtypes that end so; letters compare without case. */
bool aps_mediatype_is(struct aps_str type, struct aps_str range);

/* Whether a text is such a range, in lower case. */
bool aps_mediatype_is_range(struct aps_str text);

/* Whether it is of one of a list with commas. */
bool aps_mediatype_is_in(struct aps_str type, struct aps_str ranges);

/* application/json, or a subtype that ends in +json (RFC 6839 3.1). */
bool aps_mediatype_is_json(struct aps_str type);

/* Cut "name=value" or name="value" off a list behind its ';': of parameters (RFC 9110 5.6.6).  With
 * `escapes`, as Content-Disposition has them: a value in quotes may have \" and \\, and none may
 * be missing between two ';'.  False: malformed.  At the end *out_name is empty. */
bool aps_mediatype_next(struct aps_str *io_rest, bool escapes, struct aps_str *out_name,
                        struct aps_str *out_value);

/* token (RFC 9110 5.6.2) */
bool aps_mediatype_is_token(struct aps_str s);

#endif
