/* sanitize_form.c - values of application/x-www-form-urlencoded. */
#include "apisec/num.h"
#include "apisec/variable.h"
#include "sanitize_impl.h"

/* Where one parameter ends. */
static size_t end_of(struct aps_str form, size_t at, char c)
{
    const char *p = at < form.n ? memchr(form.p + at, c, form.n - at) : NULL;

    return p != NULL ? (size_t)(p - form.p) : form.n;
}

/* NULL: a % is none, or no room, which `to` says. */
static const struct aps_buf *decode(struct aps_str s, struct aps_buf *to)
{
    aps_buf_cut(to, 0);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i] == '+' ? ' ' : s.p[i];

        if (c == '%') {
            if (s.n - i < 3 || aps_num_hex(s.p[i + 1]) < 0 || aps_num_hex(s.p[i + 2]) < 0)
                return NULL;
            c = (char)(aps_num_hex(s.p[i + 1]) * 16 + aps_num_hex(s.p[i + 2]));
            i += 2;
        }
        aps_buf_add_char(to, c);
    }
    return to->full ? NULL : to;
}

static bool is_utf8(struct aps_str s)
{
    size_t n;

    for (; s.n != 0; s = (struct aps_str){s.p + n, s.n - n})
        if ((n = aps_str_utf8(s)) == 0)
            return false;
    return true;
}

/* As the URL standard writes forms (5.2). */
static void encode(struct aps_str s, struct aps_buf *to)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            memchr("*-._", c, 4) != NULL) {
            aps_buf_add_char(to, (char)c);
        } else if (c == ' ') {
            aps_buf_add_char(to, '+');
        } else {
            const char unit[] = {'%', hex[c >> 4], hex[c & 15]};

            aps_buf_add(to, (struct aps_str){unit, sizeof unit});
        }
    }
}

static struct aps_str pointer_of(struct aps_str name, char out[APS_SANITIZE_POINTER_MAX])
{
    size_t n = 0;

    out[n++] = '/';
    for (size_t i = 0; i < name.n && n + 2 < APS_SANITIZE_POINTER_MAX; i++) {
        const bool special = name.p[i] == '~' || name.p[i] == '/';

        if (special)
            out[n++] = '~';
        out[n++] = !special ? name.p[i] : name.p[i] == '~' ? '0' : '1';
    }
    return (struct aps_str){out, n};
}

/* The value between `at` and `end`, whose name is decoded. */
static enum aps_err change(struct aps_sanitize_run *run, struct aps_buf *raw, struct aps_str name,
                           unsigned actions, size_t at, size_t end)
{
    char pointer[APS_SANITIZE_POINTER_MAX];
    const struct aps_str shown = pointer_of(name, pointer);
    struct aps_str value, made;

    run->result->applied |= actions;
    if (decode((struct aps_str){run->text.p + at, end - at}, raw) == NULL)
        return raw->full ? APS_ERR_RANGE : APS_ERR_FORMAT;
    value = aps_buf_text(raw);
    if (!is_utf8(value))
        return APS_ERR_FORMAT;
    if (!aps_sanitize_value(actions, value, run->work, &made))
        return APS_ERR_RANGE;
    if (aps_str_eq(made, value))
        return APS_OK;
    aps_sanitize_copy(run, at, end);
    encode(made, &run->out);
    aps_sanitize_note(run, shown);
    return APS_OK;
}

/* What is asked of the name, and of the field that a program may take it for; `buf` has room for
 * it.
 */
static unsigned actions_of(const struct aps_sanitize *rules, struct aps_str name, char *buf)
{
    const uint64_t all = aps_sanitize_all(rules);
    uint64_t set = aps_sanitize_narrow(rules, all, 0, name);
    struct aps_variable variable;

    aps_variable_read(name, buf, &variable);
    if (!aps_str_eq(variable.base, name))
        set |= aps_sanitize_narrow(rules, all, 0, variable.base);
    return aps_sanitize_actions(rules, set, 1);
}

static enum aps_err parameter(struct aps_sanitize_run *run, struct aps_buf *raw, char *buf,
                              size_t at, size_t end)
{
    const size_t sign = end_of((struct aps_str){run->text.p, end}, at, '=');
    unsigned actions;

    if (decode((struct aps_str){run->text.p + at, sign - at}, raw) == NULL)
        return raw->full ? APS_ERR_RANGE : APS_ERR_FORMAT;
    actions = actions_of(run->rules, aps_buf_text(raw), buf);
    if (actions == 0 || sign == end)
        return APS_OK;
    return change(run, raw, aps_buf_text(raw), actions, sign + 1, end);
}

enum aps_err aps_sanitize_form(const struct aps_sanitize *rules, struct aps_str form,
                               apr_pool_t *pool, size_t max, struct aps_sanitize_result *out)
{
    struct aps_sanitize_result result;
    struct aps_sanitize_run run;
    struct aps_buf raw;
    char *buf = apr_palloc(pool, form.n + 1);
    enum aps_err err = buf != NULL ? APS_OK : APS_ERR_RANGE;

    aps_sanitize_begin(&run, rules, form, pool, max, &result);
    aps_buf_init(&raw, pool, form.n);
    for (size_t at = 0, end; at < form.n && err == APS_OK; at = end + 1) {
        end = end_of(form, at, '&');
        err = parameter(&run, &raw, buf, at, end);
    }
    if (err == APS_OK)
        err = aps_sanitize_end(&run);
    if (err == APS_OK)
        *out = result;
    return err;
}
