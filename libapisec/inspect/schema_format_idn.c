/* schema_format_idn.c - host names in any script (RFC 5890 to 5893).
 *
 * The tables of Unicode and the rules of context are those of libidn2: this is its door.  It judges
 * as a registry would (RFC 5891 4), so nothing is mapped: no capital letter, no compatibility form.
 */
#include <idn2.h>

#include "schema_impl.h"

#define NAME_MAX_BYTES 1024 /* in UTF-8; more can be no name of 253 bytes */
#define LABEL_MAX 63

static bool is_a_label(const char *text)
{
    uint8_t *label = NULL;
    const bool good =
        idn2_register_u8(NULL, (const uint8_t *)text, &label, IDN2_NO_TR46) == IDN2_OK;

    idn2_free(label);
    return good;
}

static bool is_u_label(const char *text)
{
    uint8_t *label = NULL;
    const bool good =
        idn2_register_u8((const uint8_t *)text, NULL, &label, IDN2_NO_TR46) == IDN2_OK &&
        strlen((const char *)label) <= LABEL_MAX;

    idn2_free(label);
    return good;
}

static bool is_ascii(struct aps_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((signed char)s.p[i] <= 0)
            return false;
    return true;
}

bool aps_schema_format_idn_label(struct aps_str label)
{
    char text[LABEL_MAX + 1];

    if (label.n > LABEL_MAX)
        return false;
    for (size_t i = 0; i < label.n; i++)
        text[i] = (char)(label.p[i] >= 'A' && label.p[i] <= 'Z' ? label.p[i] | 0x20 : label.p[i]);
    text[label.n] = '\0';
    return strncmp(text, "xn--", 4) == 0 && is_a_label(text);
}

/* ---- what libidn2 leaves out of RFC 5893 2 */

static bool is_right_to_left(uint32_t c)
{
    return (c >= 0x590 && c <= 0x8ff) || (c >= 0xfb1d && c <= 0xfdff) ||
           (c >= 0xfe70 && c <= 0xfeff) || (c >= 0x10800 && c <= 0x10fff) ||
           (c >= 0x1e800 && c <= 0x1efff);
}

/* Rules 1 and 4: once a name has a character from right to left, no label begins with a digit, and
 * none has digits of both kinds. */
static bool has_good_digits(struct aps_str s)
{
    bool start = true, early = false, turned = false, arabic = false, other = false, both = false;
    size_t n = 1;
    uint32_t c;

    for (size_t i = 0; i < s.n && n > 0; i += n) {
        n = aps_str_utf8_code((struct aps_str){s.p + i, s.n - i}, &c);
        if (n == 0)
            return false;
        if (start)
            arabic = other = false;
        early |= start && c >= '0' && c <= '9';
        turned |= is_right_to_left(c);
        arabic |= c >= 0x660 && c <= 0x669;
        other |= (c >= '0' && c <= '9') || (c >= 0x6f0 && c <= 0x6f9);
        both |= arabic && other;
        start = c == '.';
    }
    return !turned || (!early && !both);
}

/* The labels that are not ASCII, one by one: memchr has found no dot of another script, since those
 * are no letters of a label. */
static bool has_good_labels(struct aps_str s)
{
    char text[NAME_MAX_BYTES + 1];
    struct aps_str label;

    while (aps_str_next(&s, '.', &label)) {
        if (is_ascii(label))
            continue;
        memcpy(text, label.p, label.n);
        text[label.n] = '\0';
        if (memchr(text, '\0', label.n) != NULL || !is_u_label(text))
            return false;
    }
    return true;
}

/* All labels together: their length, and the direction of the whole (RFC 5893 2). */
static bool is_domain(struct aps_str s)
{
    char text[NAME_MAX_BYTES + 1];
    uint8_t *name = NULL;
    bool good;

    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    good = idn2_lookup_u8((const uint8_t *)text, &name, IDN2_NO_TR46) == IDN2_OK &&
           aps_schema_format_host(aps_str((const char *)name));
    idn2_free(name);
    return good;
}

bool aps_schema_format_idn(struct aps_str s)
{
    if (s.n == 0 || s.n > NAME_MAX_BYTES || memchr(s.p, '\0', s.n) != NULL)
        return false;
    return is_ascii(s) ? aps_schema_format_host(s)
                       : has_good_labels(s) && has_good_digits(s) && is_domain(s);
}
