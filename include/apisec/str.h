/* str.h - borrowed text: a pointer and a length, not always ended by NUL.
 *
 * Never owns its bytes.  A zeroed aps_str is the empty text.
 * Threads and processes: pure functions. */
#ifndef APISEC_STR_H
#define APISEC_STR_H

#include <apr_pools.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct aps_str {
    const char *p;
    size_t n;
};

/* For printf's "%.*s", which takes an int and stops at a NUL.  Uses `s` more than once. */
#define APS_STR_ARG(s) (int)((s).n < INT_MAX ? (s).n : INT_MAX), (s).n != 0 ? (s).p : ""

/* The same for a value in a sentence about it: at most 100 bytes, so that the rest has room. */
#define APS_STR_SHOW(s) (int)((s).n < 100 ? (s).n : 100), (s).n != 0 ? (s).p : ""

/* Borrows a string literal. */
#define APS_STR_LIT(lit) ((struct aps_str){(lit), sizeof(lit) - 1})

/* Borrows a NUL-ended text; NULL gives the empty text. */
static inline struct aps_str aps_str(const char *text)
{
    return (struct aps_str){text, text != NULL ? strlen(text) : 0};
}

/* Byte by byte, case-sensitive.  Not for secrets: see aps_secret_equal. */
static inline bool aps_str_eq(struct aps_str a, struct aps_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII letters compare without case. */
bool aps_str_eq_nocase(struct aps_str a, struct aps_str b);

bool aps_str_starts(struct aps_str s, struct aps_str start);

/* Cut the next word off `*rest`: bytes up to `sep`, which is taken away too.  False when nothing
 * is left, so a final separator ends the last word and starts none.  Two separators in a row give
 * an empty word. */
bool aps_str_next(struct aps_str *rest, char sep, struct aps_str *out_word);

/* Without spaces and tabs at both ends. */
struct aps_str aps_str_trim(struct aps_str s);

/* Whether `text` is one of the list's `n`. */
bool aps_str_is_in(struct aps_str text, const struct aps_str *list, size_t n);

/* The order of their bytes, as memcmp gives it; a text goes before one that begins with it. */
int aps_str_compare(struct aps_str a, struct aps_str b);

/* Bring a list into that order. */
void aps_str_sort(struct aps_str *list, size_t n);

/* A NUL-ended copy; lives in `pool`. */
struct aps_str aps_str_copy(apr_pool_t *pool, struct aps_str s);

/* A name that people give to things (roles, keys, limits, secrets): 1 to 64 bytes of
 * [A-Za-z0-9._-], beginning with a letter or a digit.  Nothing that a shell, SQL, HTML, a log or
 * a terminal would read otherwise (CLI-07). */
bool aps_str_is_name(struct aps_str s);

/* Text for people (owner, reason): 1 to 128 bytes of valid UTF-8 without control characters
 * (aps_str_is_control). */
bool aps_str_is_text(struct aps_str s);

/* Number of bytes of the valid UTF-8 character at s.p (1 to 4), or 0 if there is none: overlong
 * forms, surrogates, values above U+10FFFF and truncated tails are none (RFC 3629 3). */
size_t aps_str_utf8(struct aps_str s);

/* The same, and the character's code point; *out_code is set only when there is one. */
size_t aps_str_utf8_code(struct aps_str s, uint32_t *out_code);

/* Whether a character changes how a line, a log or a terminal reads the text around it: C0, DEL
 * and C1 controls, U+2028, U+2029, and the bidi controls U+061C, U+200E, U+200F, U+202A to
 * U+202E, U+2066 to U+2069 (AUD-04, CLI-08). */
bool aps_str_is_control(uint32_t code);

#endif
