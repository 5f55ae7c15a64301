/* near.c - did you mean ...?  The fewest insertions, deletions and changes (Levenshtein). */
#include "near.h"

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(struct aps_str a, struct aps_str b)
{
    unsigned row[CTL_NEAR_MAX + 1];

    for (unsigned j = 0; j <= b.n; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned above = row[j];
            unsigned change = diagonal + (a.p[i - 1] == b.p[j - 1] ? 0 : 1);

            row[j] = least(least(above + 1, row[j - 1] + 1), change);
            diagonal = above;
        }
    }
    return row[b.n];
}

void ctl_near_init(struct ctl_near *near, struct aps_str word)
{
    *near = (struct ctl_near){.word = word, .distance = word.n < 3 ? 2 : 3};
}

void ctl_near_try(struct ctl_near *near, struct aps_str candidate)
{
    size_t a = near->word.n;
    size_t b = candidate.n;
    unsigned d;

    if (a > CTL_NEAR_MAX || b > CTL_NEAR_MAX || (a > b ? a - b : b - a) >= near->distance)
        return;
    d = distance(near->word, candidate);
    if (d >= near->distance)
        return;
    near->distance = d;
    memcpy(near->best, candidate.p, b);
    near->best[b] = '\0';
}

const char *ctl_near_found(const struct ctl_near *near)
{
    return near->distance > 0 && near->best[0] != '\0' ? near->best : NULL;
}
