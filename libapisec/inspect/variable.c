/* variable.c - names as PHP changes them (php_register_variable_ex). */
#include "apisec/variable.h"

#include <string.h>

static bool is_changed(char c, bool brackets)
{
    return c == ' ' || c == '.' || (brackets && c == '[');
}

void aps_variable_read(struct aps_str name, char *buf, struct aps_variable *out)
{
    const char *bracket;

    while (name.n != 0 && *name.p == ' ')
        name = (struct aps_str){name.p + 1, name.n - 1};
    *out = (struct aps_variable){name, {name.p + name.n, 0}};
    bracket = name.n != 0 ? memchr(name.p, '[', name.n) : NULL;
    if (bracket != NULL && memchr(bracket, ']', name.n - (size_t)(bracket - name.p)) != NULL) {
        out->base.n = (size_t)(bracket - name.p);
        out->index = (struct aps_str){bracket, name.n - out->base.n};
        bracket = NULL;
    }
    for (size_t i = 0; i < out->base.n; i++)
        buf[i] = is_changed(name.p[i], bracket != NULL) ? '_' : name.p[i];
    out->base.p = buf;
}

bool aps_variable_is_other_name(struct aps_str name, struct aps_str declared, char *buf)
{
    struct aps_variable a, b;

    if (aps_str_eq(name, declared))
        return false;
    aps_variable_read(name, buf, &a);
    aps_variable_read(declared, buf + name.n, &b);
    return a.base.n != 0 && aps_str_eq(a.base, b.base);
}
