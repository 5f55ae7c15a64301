/* leak_key.c - private keys, keys of this deployment, numbers of cards. */
#include "apisec/keytext.h"
#include "leak_impl.h"

#define LABEL_MAX 64
#define BODY_MIN 32 /* characters of base64: documentation shows lines without a key */

static bool is_at(const struct aps_leak_window *w, size_t at, struct aps_str text)
{
    return w->n - at >= text.n && memcmp(w->p + at, text.p, text.n) == 0;
}

static bool is_base64(char c)
{
    return aps_leak_is_alnum(c) || c == '+' || c == '/' || c == '=';
}

static bool ends_in(struct aps_str s, struct aps_str end)
{
    return s.n >= end.n && memcmp(s.p + s.n - end.n, end.p, end.n) == 0;
}

/* The label of what begins (RFC 7468 3), up to and with its hyphens. */
static enum aps_leak_answer label(const struct aps_leak_window *w, size_t at, size_t *out_end)
{
    size_t n = 0;
    struct aps_str text;

    while (at + n < w->n && n < LABEL_MAX && w->p[at + n] != '-')
        n++;
    if (n == LABEL_MAX)
        return APS_LEAK_NO;
    if (w->n - at - n < 5)
        return aps_leak_cut(w);
    if (!is_at(w, at + n, APS_STR_LIT("-----")))
        return APS_LEAK_NO;
    text = (struct aps_str){w->p + at, n};
    if (!ends_in(text, APS_STR_LIT("PRIVATE KEY")) &&
        !ends_in(text, APS_STR_LIT("PRIVATE KEY BLOCK")))
        return APS_LEAK_NO;
    *out_end = at + n + 5;
    return APS_LEAK_YES;
}

/* Where its last line ends, whose hyphens begin at `at`. */
static size_t last_line(const struct aps_leak_window *w, size_t at)
{
    static const struct aps_str end = {"-----END ", 9}, hyphens = {"-----", 5};
    size_t i;

    if (!is_at(w, at, end))
        return at;
    for (i = at + end.n; i < w->n && i - at < LABEL_MAX && w->p[i] != '-';)
        i++;
    return is_at(w, i, hyphens) ? i + hyphens.n : i;
}

/* Lines of base64 and, where they are encrypted, of fields (RFC 1421), as they are or escaped. */
enum aps_leak_answer aps_leak_key_pem(const struct aps_leak_window *w, size_t at, size_t *out_end)
{
    const size_t begin = at;
    size_t body = 0;
    enum aps_leak_answer answer = label(w, at, &at);

    if (answer != APS_LEAK_YES)
        return answer;
    while (at < w->n && at - begin < APS_LEAK_PEM_MAX) {
        const char c = w->p[at];

        if (c == '-' && !w->final && w->n - at < LABEL_MAX + 5)
            return APS_LEAK_MORE;
        if (c == '-' && is_at(w, at, APS_STR_LIT("-----")))
            break;
        if (!is_base64(c) && (c == '\0' || strchr("\r\n\t \\:,-", c) == NULL))
            break;
        body += is_base64(c);
        at++;
    }
    if (at == w->n && at - begin < APS_LEAK_PEM_MAX && !w->final)
        return APS_LEAK_MORE;
    if (body < BODY_MIN)
        return APS_LEAK_NO;
    *out_end = at < w->n ? last_line(w, at) : at;
    return APS_LEAK_YES;
}

enum aps_leak_answer aps_leak_key_own(const struct aps_leak_window *w, size_t at,
                                      struct aps_str prefix, size_t *out_end)
{
    const size_t n =
        prefix.n + 1 + APS_KEYTEXT_ID_LEN + 1 + APS_KEYTEXT_SECRET_LEN + APS_KEYTEXT_CHECK_LEN;
    struct aps_keytext parts;

    if (w->n - at < n)
        return aps_leak_cut(w);
    if (!aps_keytext_parse((struct aps_str){w->p + at, n}, prefix, &parts))
        return APS_LEAK_NO;
    *out_end = at + n;
    return APS_LEAK_YES;
}

/* Up to 19 digits, in one run or in groups with one kind of separator. */
struct number {
    uint8_t digits[20];
    uint8_t n, groups;
    uint8_t group[5];
    char separator;
    size_t end;
};

/* Digits at `at`; false: too many. */
static bool take_group(const struct aps_leak_window *w, struct number *number)
{
    uint8_t n = 0;

    while (number->end < w->n && aps_leak_is_digit(w->p[number->end])) {
        if (number->n == 19)
            return false;
        number->digits[number->n++] = (uint8_t)(w->p[number->end++] - '0');
        n++;
    }
    number->group[number->groups++] = n;
    return true;
}

/* Whether a separator and a digit follow; MORE: it cannot be seen yet. */
static enum aps_leak_answer has_group(const struct aps_leak_window *w, const struct number *number)
{
    const size_t at = number->end;

    if (number->n == number->group[0] && number->n >= 13)
        return APS_LEAK_NO;
    if (at == w->n)
        return aps_leak_cut(w);
    if (w->p[at] != ' ' && w->p[at] != '-')
        return APS_LEAK_NO;
    if (number->separator != '\0' && w->p[at] != number->separator)
        return APS_LEAK_NO;
    if (at + 1 == w->n)
        return aps_leak_cut(w);
    return aps_leak_is_digit(w->p[at + 1]) ? APS_LEAK_YES : APS_LEAK_NO;
}

static enum aps_leak_answer read_number(const struct aps_leak_window *w, struct number *number)
{
    enum aps_leak_answer more;

    if (!take_group(w, number))
        return APS_LEAK_NO;
    while ((more = has_group(w, number)) == APS_LEAK_YES) {
        if (number->groups == 5)
            return APS_LEAK_NO;
        number->separator = w->p[number->end++];
        if (!take_group(w, number))
            return APS_LEAK_NO;
    }
    return more == APS_LEAK_MORE ? APS_LEAK_MORE : APS_LEAK_YES;
}

/* As cards are printed: 4-4-4-4, 4-4-4-4-3, 4-6-5, 4-6-4; or in one. */
static bool is_grouped(const struct number *number)
{
    static const uint8_t forms[][5] = {
        {4, 4, 4, 4, 0}, {4, 4, 4, 4, 3}, {4, 6, 5, 0, 0}, {4, 6, 4, 0, 0}};

    if (number->groups == 1)
        return true;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (memcmp(forms[i], number->group, sizeof forms[i]) == 0)
            return true;
    return false;
}

/* ISO/IEC 7812: from the first six digits on, which numbers of how many digits issuers have. */
static bool is_issued(const struct number *number)
{
    static const struct {
        uint32_t from, to;
        uint8_t min, max;
    } ranges[] = {
        {222100, 272099, 16, 16},                           /* Mastercard */
        {300000, 305999, 14, 19},                           /* Diners Club */
        {309500, 309599, 14, 19}, {340000, 349999, 15, 15}, /* American Express */
        {352800, 358999, 16, 19},                           /* JCB */
        {360000, 369999, 14, 19},                           /* Diners Club */
        {370000, 379999, 15, 15},                           /* American Express */
        {380000, 399999, 14, 19},                           /* Diners Club */
        {400000, 499999, 16, 16},                           /* Visa */
        {400000, 499999, 13, 13}, {400000, 499999, 19, 19},
        {510000, 559999, 16, 16}, /* Mastercard */
        {601100, 601199, 16, 19}, /* Discover */
        {620000, 629999, 16, 19}, /* UnionPay */
        {644000, 659999, 16, 19}, /* Discover */
    };
    uint32_t head = 0;

    for (int i = 0; i < 6; i++)
        head = head * 10 + number->digits[i];
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (head >= ranges[i].from && head <= ranges[i].to && number->n >= ranges[i].min &&
            number->n <= ranges[i].max)
            return true;
    return false;
}

/* ISO/IEC 7812-1, annex B. */
static bool is_checked(const struct number *number)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < number->n; i++) {
        unsigned d = number->digits[number->n - 1 - i];

        d = i % 2 == 1 ? d * 2 : d;
        sum += d > 9 ? d - 9 : d;
    }
    return sum % 10 == 0;
}

static bool is_card(const struct number *number)
{
    return number->n >= 13 && is_grouped(number) && is_issued(number) && is_checked(number);
}

/* A last group of fewer than four digits may be another number: a month, a code of three digits. */
static bool drop_group(struct number *number)
{
    const uint8_t n = number->group[number->groups - 1];

    if (number->groups == 1 || n > 3)
        return false;
    number->groups--;
    number->group[number->groups] = 0;
    number->n = (uint8_t)(number->n - n);
    number->end -= n + 1u;
    return true;
}

/* Whether the number is a part of more: of a word, a fraction, a row of groups. */
static bool is_part_before(const struct aps_leak_window *w, size_t at, char separator)
{
    const char c = at > 0 ? w->p[at - 1] : ' ';

    if (aps_leak_is_word_before(w, at) || c == '.' || c == '-' || c == '%')
        return true;
    return c == separator && at > 1 && aps_leak_is_digit(w->p[at - 2]);
}

static enum aps_leak_answer is_part_behind(const struct aps_leak_window *w, size_t at)
{
    if (at == w->n)
        return aps_leak_cut(w);
    if (aps_leak_is_alnum(w->p[at]) || w->p[at] == '_')
        return APS_LEAK_YES;
    if (w->p[at] != '.' && w->p[at] != '-')
        return APS_LEAK_NO;
    if (at + 1 == w->n)
        return aps_leak_cut(w);
    return aps_leak_is_alnum(w->p[at + 1]) ? APS_LEAK_YES : APS_LEAK_NO;
}

enum aps_leak_answer aps_leak_key_card(const struct aps_leak_window *w, size_t at, size_t *out_end)
{
    struct number number = {.n = 0, .end = at};
    enum aps_leak_answer answer;

    if (w->p[at] < '2' || w->p[at] > '6' || is_part_before(w, at, '\0'))
        return APS_LEAK_NO;
    answer = read_number(w, &number);
    if (answer != APS_LEAK_YES)
        return answer;
    if (!is_card(&number) && !(drop_group(&number) && is_card(&number)))
        return APS_LEAK_NO;
    if (is_part_before(w, at, number.separator))
        return APS_LEAK_NO;
    answer = is_part_behind(w, number.end);
    if (answer != APS_LEAK_NO)
        return answer == APS_LEAK_YES ? APS_LEAK_NO : APS_LEAK_MORE;
    *out_end = number.end;
    return APS_LEAK_YES;
}
