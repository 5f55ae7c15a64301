/* leak_tail.c - what has to follow a text of leak.def. */
#include "leak_impl.h"

/* Characters of one class: at least `min`, at most `max`, and then none. */
struct run {
    char class;
    size_t min, max;
};

static bool is_in(char class, char c)
{
    switch (class) {
    case 'D':
        return aps_leak_is_digit(c);
    case 'U':
        return aps_leak_is_digit(c) || (c >= 'A' && c <= 'Z');
    case 'X':
        return aps_leak_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    case 'B':
        return aps_leak_is_alnum(c) || c == '-' || c == '_';
    case 'A':
        return aps_leak_is_alnum(c);
    default: /* W, E */
        return aps_leak_is_alnum(c) || (c != '\0' && strchr("_$.<>`", c) != NULL);
    }
}

/* What stands behind a % of the tail, which moves on. */
static struct run read_run(const char **tail)
{
    struct run run = {.class = **tail, .min = 0};

    for (++*tail; aps_leak_is_digit(**tail); ++*tail)
        run.min = run.min * 10 + (size_t)(**tail - '0');
    run.max = run.min;
    if (run.class == 'D') {
        run.min = 1;
        run.max = 9;
    } else if (run.class == 'W' || run.class == 'E') {
        run.min = 1;
        run.max = 80;
    } else if (**tail == '+') {
        run.max = 255;
        ++*tail;
    }
    return run;
}

static bool ends_in(const char *p, size_t n, struct aps_str end)
{
    return n >= end.n && memcmp(p + n - end.n, end.p, end.n) == 0;
}

static enum aps_leak_answer take_run(const struct aps_leak_window *w, size_t *at,
                                     const struct run *run)
{
    size_t i = *at;

    while (i < w->n && i - *at <= run->max && is_in(run->class, w->p[i]))
        i++;
    if (i == w->n && i - *at <= run->max && !w->final)
        return APS_LEAK_MORE;
    if (i - *at < run->min || i - *at > run->max)
        return APS_LEAK_NO;
    if (run->class == 'E' && !ends_in(w->p + *at, i - *at, APS_STR_LIT("Exception")) &&
        !ends_in(w->p + *at, i - *at, APS_STR_LIT("Error")))
        return APS_LEAK_NO;
    *at = i;
    return APS_LEAK_YES;
}

enum aps_leak_answer aps_leak_tail(const struct aps_leak_window *w, size_t at, const char *tail,
                                   size_t *out_end)
{
    while (*tail != '\0') {
        if (*tail == '%') {
            tail++;
            const struct run run = read_run(&tail);
            const enum aps_leak_answer answer = take_run(w, &at, &run);

            if (answer != APS_LEAK_YES)
                return answer;
            continue;
        }
        if (at == w->n)
            return aps_leak_cut(w);
        if (w->p[at++] != *tail++)
            return APS_LEAK_NO;
    }
    *out_end = at;
    return APS_LEAK_YES;
}
