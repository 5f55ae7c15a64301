/* leak_impl.h - what the files of leak.h share. */
#ifndef APS_LEAK_IMPL_H
#define APS_LEAK_IMPL_H

#include "apisec/leak.h"

/* Bytes of a text of leak.def, and of a prefix with its _. */
#define APS_LEAK_TEXT_MAX 60
/* What stays before the place that is looked at: a text up to its anchor, and what is before it. */
#define APS_LEAK_BEHIND 64
/* What has to follow that place before it is looked at, unless nothing follows. */
#define APS_LEAK_AHEAD 64
/* Bytes of a private key. */
#define APS_LEAK_PEM_MAX 8192

/* A piece of the body.  `final`: nothing follows. */
struct aps_leak_window {
    const char *p;
    size_t n;
    bool final;
};

enum aps_leak_answer {
    APS_LEAK_NO,
    APS_LEAK_YES, /* with an end */
    APS_LEAK_MORE /* it hangs on what follows */
};

struct aps_leak_row {
    enum aps_leak_kind kind;
    bool word;
    uint8_t anchor; /* where in the text is looked for it */
    struct aps_str text;
    const char *tail;
    int16_t next; /* of the same bucket, or -1 */
};

/* What may follow a text: leak.def's last column, from `at` on. */
enum aps_leak_answer aps_leak_tail(const struct aps_leak_window *w, size_t at, const char *tail,
                                   size_t *out_end);

/* What follows "-----BEGIN ". */
enum aps_leak_answer aps_leak_key_pem(const struct aps_leak_window *w, size_t at, size_t *out_end);
/* An API key that begins at `at`. */
enum aps_leak_answer aps_leak_key_own(const struct aps_leak_window *w, size_t at,
                                      struct aps_str prefix, size_t *out_end);
/* The number of a card that begins at `at`. */
enum aps_leak_answer aps_leak_key_card(const struct aps_leak_window *w, size_t at, size_t *out_end);

static inline bool aps_leak_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool aps_leak_is_alnum(char c)
{
    return aps_leak_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether a letter, digit or _ stands before `at`; the last of an escape such as \n is none. */
static inline bool aps_leak_is_word_before(const struct aps_leak_window *w, size_t at)
{
    const char c = at > 0 ? w->p[at - 1] : ' ';

    if (at > 1 && w->p[at - 2] == '\\' && c != '\0' && strchr("bfnrt", c) != NULL)
        return false;
    return aps_leak_is_alnum(c) || c == '_';
}

static inline enum aps_leak_answer aps_leak_cut(const struct aps_leak_window *w)
{
    return w->final ? APS_LEAK_NO : APS_LEAK_MORE;
}

#endif
