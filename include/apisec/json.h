/* json.h - a JSON writer that cannot produce broken JSON nor overrun its buffer.
 *
 * Two kinds of buffer: fixed, in the caller's memory, and growing, in a pool.  Commas, colons and
 * nesting are the writer's work; that a name stands before each value of an object, and only
 * there, is the caller's.
 * Full: a call whose text does not fit writes none of it and marks the writer as full, and from
 * then on no call writes anything, also where it would fit.  So the bytes so far are the start of
 * valid JSON, up to the end of a whole name or value, and what to do is up to the caller: begin
 * again with less, or drop the line.  Nesting beyond APS_JSON_DEPTH, one end too many, and a pool
 * without memory count as full.
 * Strings: `"` and `\` get a backslash; control characters (aps_str_is_control: C0, DEL, C1, line
 * and paragraph separators, bidi controls) become \uXXXX; each byte that is not valid UTF-8 becomes
 * \\xHH, which a reader decodes to the four characters \xHH; all else stays as it is (AUD-04).
 * Threads and processes: one writer belongs to one caller. */
#ifndef APISEC_JSON_H
#define APISEC_JSON_H

#include <apr_pools.h>
#include <stdint.h>

#include "apisec/str.h"

#define APS_JSON_DEPTH 16

struct aps_json {
    char *buf;
    size_t len;
    size_t cap;       /* equals len once the writer is full */
    size_t fast;      /* where the fast ways end: cap, or 0 where they may not be taken */
    apr_pool_t *pool; /* where a growing buffer lives; NULL for a fixed one */
    unsigned depth;
    unsigned spaces; /* indentation for each level; 0: all on one line */
    bool full;       /* something did not fit */
    char close[APS_JSON_DEPTH];
};

/* Write into `buf` of `cap` bytes (at least 2); never past it. */
void aps_json_init(struct aps_json *w, char *buf, size_t cap);

/* Write into memory that grows in `pool`; `spaces` 2 for people, 0 for one line. */
void aps_json_init_pool(struct aps_json *w, apr_pool_t *pool, unsigned spaces);

void aps_json_object(struct aps_json *w); /* { */
void aps_json_array(struct aps_json *w);  /* [ */
void aps_json_end(struct aps_json *w);    /* the matching } or ] */

/* The name of the next value; `name` is a literal of [a-z_] and is not escaped. */
static inline void aps_json_name(struct aps_json *w, const char *name);
void aps_json_name_n(struct aps_json *w, const char *name, size_t n); /* the same, length known */

void aps_json_str(struct aps_json *w, struct aps_str value);
/* At most `max` bytes of the value, then "..." where it was cut, on a character's boundary.
 * Escapes may make the written text up to six times as long. */
void aps_json_str_max(struct aps_json *w, struct aps_str value, size_t max);
void aps_json_u64(struct aps_json *w, uint64_t value);
void aps_json_bool(struct aps_json *w, bool value);
void aps_json_null(struct aps_json *w);
/* A value that is JSON already, as a writer made it; copied as it is.  Empty text writes null. */
void aps_json_raw(struct aps_json *w, struct aps_str json);

/* Shorthands: name and value; a text that is NULL is written as null. */
static inline void aps_json_put_str(struct aps_json *w, const char *name, const char *value);
static inline void aps_json_put_u64(struct aps_json *w, const char *name, uint64_t value);
static inline void aps_json_put_bool(struct aps_json *w, const char *name, bool value);

/* What was written so far, also of an unfinished or full writer; a growing buffer is NUL-ended.
 * Borrowed from the writer, until its next call. */
struct aps_str aps_json_text(const struct aps_json *w);

/* Forget the first `n` bytes of that text, which its owner has written elsewhere: at most all but
 * the last, which the writer may still change.  For a growing buffer. */
void aps_json_forget(struct aps_json *w, size_t n);

/* Here, so that a literal is copied by stores of known length; aps_json_name_n does the rest. */
static inline void aps_json_name(struct aps_json *w, const char *name)
{
    size_t n = strlen(name);
    char *p = w->buf + w->len;

    if (!__builtin_constant_p(n) || w->len + n + 3 > w->fast) {
        aps_json_name_n(w, name, n);
        return;
    }
    *p = '"';
    memcpy(p + 1, name, n);
    memcpy(p + 1 + n, "\":", 2);
    w->len += n + 3;
}

static inline void aps_json_put_str(struct aps_json *w, const char *name, const char *value)
{
    aps_json_name(w, name);
    if (value != NULL)
        aps_json_str(w, aps_str(value));
    else
        aps_json_null(w);
}

static inline void aps_json_put_u64(struct aps_json *w, const char *name, uint64_t value)
{
    aps_json_name(w, name);
    aps_json_u64(w, value);
}

static inline void aps_json_put_bool(struct aps_json *w, const char *name, bool value)
{
    aps_json_name(w, name);
    aps_json_bool(w, value);
}

#endif
