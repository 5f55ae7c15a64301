/* paint.h - which words are coloured, and how. */
#ifndef APISECCTL_PAINT_H
#define APISECCTL_PAINT_H

#include "apisec/str.h"

enum ctl_paint {
    CTL_PAINT_NONE,
    CTL_PAINT_HEADING,
    CTL_PAINT_GOOD,
    CTL_PAINT_BAD,
    CTL_PAINT_DOUBT,
};

/* By the name of a field and its value. */
enum ctl_paint ctl_paint_of(const char *field, struct aps_str value);

/* The escape codes before and after; both "" for NONE. */
const char *ctl_paint_begin(enum ctl_paint paint);
const char *ctl_paint_end(enum ctl_paint paint);

#endif
