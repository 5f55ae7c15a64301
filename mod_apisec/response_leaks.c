/* Leaks in an answer: in its content, its fields and its trailers (NEG-16). */
#include "responses.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "apisec/leak.h"
#include "judges.h"

#define FIELD_SHOWN 64 /* bytes of a field's name, in the log */
#define RANGES_MAX 256 /* of one text that are written over; where there are more it is refused */

struct range {
    uint64_t at, n;
};

/* What is found in one text. */
struct found {
    struct range *ranges; /* RANGES_MAX; NULL: nothing is written over */
    uint32_t n;
    bool opaque;      /* nobody reads numbers in it */
    const char *kind; /* of the first; NULL: none */
};

static bool note(void *ctx, const struct aps_leak_finding *finding)
{
    struct found *found = ctx;
    if (found->opaque && finding->kind == APS_LEAK_CARD)
        return true;
    if (found->kind == NULL)
        found->kind = aps_leak_kind_name(finding->kind);
    if (found->ranges != NULL && found->n < RANGES_MAX)
        found->ranges[found->n] = (struct range){finding->offset, finding->length};
    found->n++;
    return found->ranges != NULL;
}

/* Digits become other digits and letters other letters, so that JSON stays JSON; what a backslash
 * is before stays as it is. */
static void mask(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\\')
            i++;
        else if (apr_isdigit(p[i]))
            p[i] = '1';
        else if (apr_isalpha(p[i]))
            p[i] = 'x';
    }
}

/* ALLOW: there is none, or all are written over in a copy. */
static enum aps_reason look_through(request_rec *r, const struct aps_leak_rules *rules,
                                    struct found *found, struct aps_str *io_text)
{
    struct aps_leak scan;
    aps_leak_init(&scan, r->pool, rules, note, found);
    if (aps_leak_feed(&scan, *io_text) != APS_OK)
        return APS_REASON_INTERNAL;
    aps_leak_end(&scan);
    if (found->n == 0)
        return APS_REASON_ALLOW;
    if (found->ranges == NULL || found->n > RANGES_MAX)
        return APS_REASON_RESPONSE_LEAK;
    char *copy = apr_pstrmemdup(r->pool, io_text->p, io_text->n);
    for (uint32_t i = 0; i < found->n; i++)
        mask(copy + found->ranges[i].at, (size_t)found->ranges[i].n);
    io_text->p = copy;
    return APS_REASON_ALLOW;
}

/* NULL: there is no memory for them. */
static const struct aps_leak_rules *rules_of(request_rec *r, struct mod_leaks *leaks)
{
    struct aps_str prefix = {NULL, 0};
    if (leaks->rules != NULL)
        return leaks->rules;
    if (mod_process_view(leaks->m) != NULL)
        prefix = aps_snapshot_prefix(aps_view_snapshot(leaks->m->view));
    if (leaks->masks)
        leaks->ranges = apr_palloc(r->pool, RANGES_MAX * sizeof *leaks->ranges);
    leaks->rules = mod_judges_leaks(leaks->kinds, prefix, r->pool);
    return leaks->rules;
}

/* The log has the first. */
static void tell(request_rec *r, struct mod_leaks *leaks, const char *kind, const char *field)
{
    if (leaks->told || kind == NULL)
        return;
    leaks->told = true;
    leaks->m->fault = aps_str(field == NULL ? apr_pstrcat(r->pool, "leak ", kind, NULL)
                                            : apr_psprintf(r->pool, "leak %s in the field %.*s",
                                                           kind, FIELD_SHOWN, field));
}

enum aps_reason mod_response_leaks_text(request_rec *r, struct mod_leaks *leaks,
                                        struct aps_str *io_text, bool *out_masked)
{
    const struct aps_leak_rules *rules = rules_of(r, leaks);
    struct found found = {.ranges = leaks->ranges};
    if (rules == NULL)
        return APS_REASON_INTERNAL;
    enum aps_reason reason = look_through(r, rules, &found, io_text);
    tell(r, leaks, found.kind, NULL);
    *out_masked = found.n != 0 && leaks->masks;
    return reason;
}

/* What only means something to whoever gave it may look like the number of a card. */
static bool is_opaque(const char *field)
{
    return ap_cstr_casecmp(field, "Set-Cookie") == 0 || ap_cstr_casecmp(field, "ETag") == 0;
}

enum aps_reason mod_response_leaks_fields(request_rec *r, struct mod_leaks *leaks,
                                          const apr_table_t *fields)
{
    const struct aps_leak_rules *rules = rules_of(r, leaks);
    const apr_array_header_t *list = fields != NULL ? apr_table_elts(fields) : NULL;
    enum aps_reason worst = rules != NULL ? APS_REASON_ALLOW : APS_REASON_INTERNAL;
    for (int i = 0; rules != NULL && list != NULL && i < list->nelts; i++) {
        apr_table_entry_t *e = (apr_table_entry_t *)(void *)list->elts + i;
        struct found found = {.ranges = leaks->ranges, .opaque = is_opaque(e->key)};
        struct aps_str value = aps_str(e->val);
        enum aps_reason reason = look_through(r, rules, &found, &value);
        tell(r, leaks, found.kind, e->key);
        e->val = (char *)value.p;
        if (reason != APS_REASON_ALLOW)
            worst = reason;
    }
    return worst;
}
