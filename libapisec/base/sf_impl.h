/* sf_impl.h - what the files of the structured field reader and printer share. */
#ifndef SF_IMPL_H
#define SF_IMPL_H

#include "apisec/sf.h"

/* A value that is being read. */
struct sf_in {
    const char *p, *end;
    apr_pool_t *pool;
    enum aps_err err; /* why the reading stopped, */
    const char *want; /* and what is accepted at `p` */
};

/* Always false, so that a reader can say `return sf_stop(...)`. */
static inline bool sf_stop(struct sf_in *in, enum aps_err err, const char *want)
{
    in->err = err;
    in->want = want;
    return false;
}

static inline bool sf_bad(struct sf_in *in, const char *want)
{
    return sf_stop(in, APS_ERR_FORMAT, want);
}

static inline bool sf_no_memory(struct sf_in *in)
{
    return sf_stop(in, APS_ERR_NOMEM, "more memory");
}

static inline bool sf_take(struct sf_in *in, char c)
{
    if (in->p == in->end || *in->p != c)
        return false;
    in->p++;
    return true;
}

static inline bool sf_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool sf_is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static inline bool sf_is_alpha(char c)
{
    return sf_is_lower((char)(c | 0x20));
}

static inline bool sf_is_printable(char c)
{
    return c >= 0x20 && c <= 0x7e;
}

/* key: lcalpha or "*", then of these (RFC 9651 3.1.2). */
static inline bool sf_is_key_first(char c)
{
    return sf_is_lower(c) || c == '*';
}

static inline bool sf_is_key(char c)
{
    return sf_is_lower(c) || sf_is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}

/* sf-token: ALPHA or "*", then tchar (RFC 9110 5.6.2), ":" and "/" (RFC 9651 3.3.4). */
static inline bool sf_is_token_first(char c)
{
    return sf_is_alpha(c) || c == '*';
}

static inline bool sf_is_token(char c)
{
    return sf_is_alpha(c) || sf_is_digit(c) ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~:/", c) != NULL);
}

/* Read a bare item (RFC 9651 4.2.3.1) into kind, number and text of `out`. */
bool aps_sf_bare_read(struct sf_in *in, struct aps_sf *out);

/* Append a bare item (4.1.3.1).  False: in->err and in->want say why; whether `to` is full is asked
 * by the caller. */
bool aps_sf_bare_print(const struct aps_sf *v, struct aps_buf *to, struct sf_in *why);

#endif
