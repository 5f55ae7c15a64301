/* limitlist.c - limits as options give them. */
#include "limitlist.h"

#include <apr_strings.h>

static enum aps_err wrong(struct ctl *c, enum ctl_opt opt, const char *value, const char *why)
{
    aps_err_explain(&c->diag, "%s \"%.100s\": %s; see apisecctl help %s",
                    ctl_command_options[opt].name, value, why, c->call.name);
    return APS_ERR_FORMAT;
}

static struct aps_str trimmed(struct aps_str text)
{
    while (text.n > 0 && text.p[0] == ' ') {
        text.p++;
        text.n--;
    }
    while (text.n > 0 && text.p[text.n - 1] == ' ')
        text.n--;
    return text;
}

static bool is_none(const char *value)
{
    return strcmp(value, "none") == 0;
}

enum aps_err ctl_limitlist_read(struct ctl *c, enum ctl_opt opt, bool is_new,
                                struct ctl_limitlist *out)
{
    const apr_array_header_t *values = c->call.values[opt];
    size_t n = values != NULL ? (size_t)values->nelts : 0;
    struct aps_str *put = apr_palloc(c->pool, (n + 1) * sizeof *put);
    struct aps_str *drop = apr_palloc(c->pool, (n + 1) * sizeof *drop);

    *out = (struct ctl_limitlist){.put = put, .drop = drop};
    for (size_t i = 0; i < n; i++) {
        const char *value = APR_ARRAY_IDX(values, (int)i, const char *);
        bool minus = value[0] == '-', sign = minus || value[0] == '+';
        struct aps_str text = trimmed(aps_str(value + (sign ? 1 : 0)));

        if (is_none(value) && (opt != CTL_OPT_OVERRIDE || n > 1))
            return wrong(c, opt, value, "want limits, such as 'calls rate=10/s by=key'");
        out->none = is_none(value);
        if (out->none)
            continue;
        if (text.n == 0)
            return wrong(c, opt, value, "want a limit, such as 'calls rate=10/s by=key', or -NAME");
        if (minus && is_new)
            return wrong(c, opt, value, "what is new has nothing to take from");
        if (minus)
            drop[out->ndrop++] = text;
        else
            put[out->nput++] = text;
    }
    return APS_OK;
}

struct aps_str ctl_limitlist_name(struct aps_str text)
{
    struct aps_str rest = trimmed(text), word = {NULL, 0};

    (void)aps_str_next(&rest, ' ', &word); /* none of an empty text */
    return word;
}
