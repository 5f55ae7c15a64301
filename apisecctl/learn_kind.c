/* learn_kind.c - does a segment of a path look like an id, and of which kind? */
#include "learn_kind.h"

#include <apr_lib.h>

#define UUID_LEN 36
#define DATE_LEN 10
#define LONG_ID 12   /* with a digit in it, no word is so long */
#define LONGER_ID 32 /* no word at all is */
#define INTEGER_MAX 18

struct letters {
    size_t digits, hex, others; /* `hex`: a to f; `others` are no letters either */
};

static struct letters count(struct aps_str s)
{
    struct letters n = {0};

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (apr_isdigit(c))
            n.digits++;
        else if (apr_isxdigit(c))
            n.hex++;
        else if (!apr_isalpha(c))
            n.others++;
    }
    return n;
}

/* '9' stands for a digit, 'f' for a hexadecimal one. */
static bool is_like(struct aps_str s, const char *form)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (form[i] == '9' ? !apr_isdigit(c) : form[i] == 'f' ? !apr_isxdigit(c) : c != form[i])
            return false;
    }
    return true;
}

enum ctl_learn_kind ctl_learn_kind_of(struct aps_str s)
{
    struct letters n = count(s);

    if (s.n == n.digits && s.n <= INTEGER_MAX && s.n != 0)
        return CTL_LEARN_INTEGER;
    if (s.n == UUID_LEN && is_like(s, "ffffffff-ffff-ffff-ffff-ffffffffffff"))
        return CTL_LEARN_UUID;
    if (s.n == DATE_LEN && is_like(s, "9999-99-99"))
        return CTL_LEARN_DATE;
    if (memchr(s.p, '@', s.n) != NULL || s.n >= LONGER_ID ||
        (n.digits >= 3 && s.n >= LONG_ID) || /* an ULID, a digest, a token */
        (n.digits != 0 && n.digits + n.hex == s.n && s.n >= 8) ||
        (n.digits >= 4 && n.digits * 2 >= s.n) || /* ord-4711 */
        memchr(s.p, '{', s.n) != NULL ||
        memchr(s.p, '}', s.n) != NULL) /* no template can name it */
        return CTL_LEARN_TEXT;
    return CTL_LEARN_WORD;
}

enum ctl_learn_kind ctl_learn_kind_join(enum ctl_learn_kind a, enum ctl_learn_kind b)
{
    return a == b ? a : CTL_LEARN_TEXT;
}
