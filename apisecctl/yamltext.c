/* yamltext.c - JSON values as YAML text, for people to read and edit.
 *
 * The reader has bounded how deep values lie, and so how deep this goes. */
#include "yamltext.h"

#include <apr_lib.h>

#include "apisec/buf.h"

#define TEXT_MAX (256u << 20)
#define STEP 2 /* spaces for each level */

struct yaml {
    const struct aps_jsonread *reader;
    struct aps_buf text;
};

/* ---- one text ---- */

/* What YAML 1.1 or 1.2 reads as something else than a text. */
static bool is_word_of_yaml(struct aps_str s)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (aps_str_eq_nocase(s, aps_str(words[i])))
            return true;
    return false;
}

/* It begins with a letter, so that it is no number and no sign of YAML; `inner` is what may stand
 * in it besides letters and digits. */
static bool is_plain(struct aps_str s, const char *begin, const char *inner)
{
    if (s.n == 0 || (!apr_isalpha(*s.p) && strchr(begin, *s.p) == NULL) || s.p[s.n - 1] == ' ' ||
        is_word_of_yaml(s))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!apr_isalnum(s.p[i]) && (s.p[i] == '\0' || strchr(inner, s.p[i]) == NULL))
            return false;
    return true;
}

static void put_spaces(struct yaml *y, unsigned n)
{
    while (n-- != 0)
        aps_buf_add_char(&y->text, ' ');
}

static void put_name(struct yaml *y, const struct aps_jsonread_node *name)
{
    struct aps_str text = aps_jsonread_str(y->reader, name);

    aps_buf_add(&y->text, is_plain(text, "/", "_-./{}") ? text : aps_jsonread_raw(y->reader, name));
    aps_buf_add_char(&y->text, ':');
}

static bool is_nested(const struct aps_jsonread_node *v)
{
    return aps_jsonread_kind(v) >= APS_JSON_ARRAY && aps_jsonread_count(v) != 0;
}

/* What stands on a line: a text, a number, [] or {}. */
static void put_short(struct yaml *y, const struct aps_jsonread_node *v)
{
    struct aps_str text = aps_jsonread_raw(y->reader, v);

    if (aps_jsonread_kind(v) == APS_JSON_ARRAY)
        text = APS_STR_LIT("[]");
    else if (aps_jsonread_kind(v) == APS_JSON_OBJECT)
        text = APS_STR_LIT("{}");
    else if (aps_jsonread_kind(v) == APS_JSON_STRING &&
             is_plain(aps_jsonread_str(y->reader, v), "", " _-./,();"))
        text = aps_jsonread_str(y->reader, v);
    aps_buf_add(&y->text, text);
    aps_buf_add_char(&y->text, '\n');
}

/* ---- what lies within ---- */

static void put_nested(struct yaml *y, const struct aps_jsonread_node *v, unsigned indent,
                       bool begun);

static void put_members(struct yaml *y, const struct aps_jsonread_node *object, unsigned indent,
                        bool begun)
{
    for (const struct aps_jsonread_node *m = aps_jsonread_first(object);
         m < aps_jsonread_end(object); m = aps_jsonread_next(m + 1)) {
        if (!begun)
            put_spaces(y, indent);
        begun = false;
        put_name(y, m);
        aps_buf_add_char(&y->text, is_nested(m + 1) ? '\n' : ' ');
        if (is_nested(m + 1))
            put_nested(y, m + 1, indent + STEP, false);
        else
            put_short(y, m + 1);
    }
}

/* `begun`: the first line has its indentation already. */
static void put_items(struct yaml *y, const struct aps_jsonread_node *array, unsigned indent,
                      bool begun)
{
    for (const struct aps_jsonread_node *v = aps_jsonread_first(array); v < aps_jsonread_end(array);
         v = aps_jsonread_next(v)) {
        if (!begun)
            put_spaces(y, indent);
        begun = false;
        aps_buf_add(&y->text, APS_STR_LIT("- "));
        if (is_nested(v))
            put_nested(y, v, indent + STEP, true);
        else
            put_short(y, v);
    }
}

static void put_nested(struct yaml *y, const struct aps_jsonread_node *v, unsigned indent,
                       bool begun)
{
    if (aps_jsonread_kind(v) == APS_JSON_OBJECT)
        put_members(y, v, indent, begun);
    else
        put_items(y, v, indent, begun);
}

struct aps_str ctl_yamltext(const struct aps_jsonread *reader,
                            const struct aps_jsonread_node *value, apr_pool_t *pool)
{
    struct yaml y = {.reader = reader};

    aps_buf_init(&y.text, pool, TEXT_MAX);
    if (is_nested(value))
        put_nested(&y, value, 0, false);
    else
        put_short(&y, value);
    return aps_buf_text(&y.text);
}
