/* variable.c - names as PHP changes them (php_register_variable_ex). */
#include "apisec/variable.h"

#include <stdlib.h>
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

/* ---- Names that are one ---- */

struct named {
    size_t at; /* among all names */
    struct aps_variable variable;
};

/* Members of an array behind it, and what came first before what came later. */
static int compare(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = aps_str_compare(x->variable.base, y->variable.base);
    if (order == 0)
        order = aps_str_compare(x->variable.index, y->variable.index);
    return order != 0 ? order : x->at < y->at ? -1 : 1;
}

static bool is_same(const struct named *a, const struct named *b)
{
    return aps_str_eq(a->variable.base, b->variable.base) &&
           (a->variable.index.n == 0 || aps_str_eq(a->variable.index, b->variable.index));
}

size_t aps_variable_repeated(const struct aps_str *names, size_t n, apr_pool_t *pool)
{
    struct named *sorted = apr_palloc(pool, n * sizeof *sorted);
    for (size_t i = 0; i < n; i++) {
        sorted[i].at = i;
        aps_variable_read(names[i], apr_palloc(pool, names[i].n), &sorted[i].variable);
    }
    qsort(sorted, n, sizeof *sorted, compare);
    for (size_t i = 1; i < n; i++)
        if (is_same(&sorted[i - 1], &sorted[i]))
            return sorted[i - 1].at < sorted[i].at ? sorted[i].at : sorted[i - 1].at;
    return n;
}
