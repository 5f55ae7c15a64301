/* jsonread_fault.c - the table of faults and the sentences that explain them. */
#include <stdio.h>

#include "jsonread_impl.h"

static const struct row {
    const char *token;
    const char *text;
} rows[APS_JSONREAD_COUNT] = {
#define F(name, token, text) [APS_JSONREAD_##name] = {token, text},
#include "apisec/jsonread.def"
#undef F
};

const char *aps_jsonread_fault_name(enum aps_jsonread_fault fault)
{
    return (unsigned)fault < APS_JSONREAD_COUNT ? rows[fault].token : "unknown";
}

/* What completes the sentence of a cap, which ends in "than". */
static const char *print_cap(const struct aps_jsonread *r, char out[16])
{
    const struct aps_jsonread_options *o = r->options;
    const uint32_t caps[] = {
        [APS_JSONREAD_BYTES] = o->bytes_max,     [APS_JSONREAD_DEPTH] = o->depth_max,
        [APS_JSONREAD_NODES] = o->nodes_max,     [APS_JSONREAD_STRING] = o->string_max,
        [APS_JSONREAD_MEMBERS] = o->members_max, [APS_JSONREAD_ITEMS] = o->items_max,
        [APS_JSONREAD_DIGITS] = o->digits_max,
    };

    if (r->fault < APS_JSONREAD_BYTES)
        return "";
    (void)snprintf(out, 16, " %u", caps[r->fault]); /* ten digits fit */
    return out;
}

#define SHOWN 12 /* bytes of the text in a sentence about it: where, not what */

void aps_jsonread_fault_explain(const struct aps_jsonread *r, struct aps_diag *diag)
{
    const struct aps_str rest = {r->text.p + r->fault_at, r->text.n - r->fault_at};
    const int shown = rest.n < SHOWN ? (int)rest.n : SHOWN;
    const char *text = rows[r->fault].text;
    char cap[16];

    if (shown == 0)
        aps_err_explain(diag, "JSON, byte %u, the end: %s%s", r->fault_at, text, print_cap(r, cap));
    else
        aps_err_explain(diag, "JSON, byte %u, \"%.*s\": %s%s", r->fault_at, shown, rest.p, text,
                        print_cap(r, cap));
}

const char *aps_jsonread_fault_set(struct aps_jsonread *r, const char *p,
                                   enum aps_jsonread_fault fault)
{
    r->fault = p == r->end && fault == APS_JSONREAD_SYNTAX ? APS_JSONREAD_END : fault;
    r->fault_at = (uint32_t)(p - r->text.p);
    return NULL;
}
