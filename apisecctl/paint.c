/* paint.c - which words are coloured, and how. */
#include "paint.h"

/* The first row that fits holds; a NULL value fits any that is set. */
static const struct {
    const char *field, *value;
    enum ctl_paint paint;
} rows[] = {
    {"status", "active", CTL_PAINT_GOOD},   {"status", "revoked", CTL_PAINT_BAD},
    {"status", "expired", CTL_PAINT_BAD},   {"decision", "allow", CTL_PAINT_GOOD},
    {"decision", "refuse", CTL_PAINT_BAD},  {"result", "ok", CTL_PAINT_GOOD},
    {"result", "allow", CTL_PAINT_GOOD},    {"result", "not_judged", CTL_PAINT_DOUBT},
    {"result", NULL, CTL_PAINT_BAD},        {"same", "yes", CTL_PAINT_GOOD},
    {"same", "no", CTL_PAINT_BAD},          {"published_fault", NULL, CTL_PAINT_BAD},
    {"state_fault", NULL, CTL_PAINT_DOUBT}, {"dry_run", NULL, CTL_PAINT_DOUBT},
    {"severity", "ok", CTL_PAINT_GOOD},     {"severity", "info", CTL_PAINT_NONE},
    {"severity", "error", CTL_PAINT_BAD},   {"severity", "warning", CTL_PAINT_DOUBT},
};

static const char *const codes[] = {
    [CTL_PAINT_NONE] = "",        [CTL_PAINT_HEADING] = "\033[1m", [CTL_PAINT_GOOD] = "\033[32m",
    [CTL_PAINT_BAD] = "\033[31m", [CTL_PAINT_DOUBT] = "\033[33m",
};

enum ctl_paint ctl_paint_of(const char *field, struct aps_str value)
{
    if (value.n == 0 || aps_str_eq(value, APS_STR_LIT("-")))
        return CTL_PAINT_NONE;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].field, field) == 0 &&
            (rows[i].value == NULL || aps_str_eq(aps_str(rows[i].value), value)))
            return rows[i].paint;
    return CTL_PAINT_NONE;
}

const char *ctl_paint_begin(enum ctl_paint paint)
{
    return codes[paint];
}

const char *ctl_paint_end(enum ctl_paint paint)
{
    return paint == CTL_PAINT_NONE ? "" : "\033[0m";
}
