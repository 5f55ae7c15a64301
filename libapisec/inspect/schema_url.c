/* schema_url.c - x-apisec-url: strings that are URLs of a list (POS-23).
 *
 * The one keyword of ours that judges a value; it counts in every dialect. */
#include "schema_build.h"

#define OURS "x-apisec-"
#define NAME OURS "url"

static bool refuse(struct schema_build *b, const struct schema_work *w)
{
    return aps_schema_build_fail(b, APS_ERR_FORMAT, w->pointer,
                                 NAME ": want a rule such as https://api.example or "
                                      "https://*.cdn.example:8443, or a list of 1 to %d of them",
                                 SCHEMA_URLS_MAX);
}

/* A record whose place is kept for the rule. */
static bool put_rule(struct schema_build *b, const struct schema_work *w,
                     const struct aps_jsonread_node *v, uint32_t at)
{
    struct aps_urlrule rule;
    struct aps_diag diag = {{0}};
    struct schema_text text;
    struct aps_str said;

    if (aps_jsonread_kind(v) != APS_JSON_STRING)
        return refuse(b, w);
    said = aps_jsonread_str(&w->doc->reader, v);
    if (aps_urlrule_parse(said.n > 0 ? said : APS_STR_LIT(""), &rule, &diag) != APS_OK)
        return aps_schema_build_fail(b, APS_ERR_FORMAT, w->pointer, NAME ": %s", diag.text);
    if (!aps_schema_build_text(b, said, &text))
        return false;
    *(struct schema_text *)schema_part(b, SCHEMA_S_URLS, at) = text;
    return true;
}

bool aps_schema_url_fill(struct schema_build *b, uint32_t node, struct schema_node *io)
{
    const struct schema_work w = *schema_work(b, node);
    const struct aps_jsonread_node *v = schema_get(&w, NAME), *rule;
    uint32_t n = 1, at;

    if (v == NULL)
        return true;
    if (aps_jsonread_kind(v) == APS_JSON_ARRAY)
        n = aps_jsonread_count(v);
    if (n == 0 || n > SCHEMA_URLS_MAX)
        return refuse(b, &w);
    if ((io->types & SCHEMA_T_STRING) == 0)
        return aps_schema_build_fail(b, APS_ERR_FORMAT, w.pointer,
                                     NAME " counts for type string only");
    if ((at = aps_schema_build_add(b, SCHEMA_S_URLS, n)) == 0)
        return false;
    rule = aps_jsonread_kind(v) == APS_JSON_ARRAY ? aps_jsonread_first(v) : v;
    for (uint32_t i = 0; i < n; i++, rule = aps_jsonread_next(rule))
        if (!put_rule(b, &w, rule, at + i))
            return false;
    /* Null passes where the type says so; no number is a host. */
    io->types &= SCHEMA_T_STRING | (schema_get(&w, "type") != NULL ? (uint32_t)SCHEMA_T_NULL : 0u);
    io->flags |= SCHEMA_STRINGS;
    io->urls = at;
    io->urls_n = n;
    return true;
}

bool aps_schema_url_check(struct schema_build *b, uint32_t node)
{
    const struct schema_work w = *schema_work(b, node);
    const bool old = w.resource->dialect == APS_SCHEMA_OAS30;

    if (w.resource->dialect == APS_SCHEMA_2020_12)
        return true; /* what is unknown there is listed, whoever's it is */
    for (const struct aps_jsonread_node *m = aps_jsonread_first(w.value);
         m < aps_jsonread_end(w.value); m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = aps_jsonread_str(&w.doc->reader, m);

        if (!aps_str_starts(name, APS_STR_LIT(OURS)) ||
            aps_str_eq(name, APS_STR_LIT(OURS "sanitize")))
            continue;
        if (!aps_str_eq(name, APS_STR_LIT(NAME)))
            return aps_schema_build_fail(
                b, APS_ERR_FORMAT, w.pointer,
                "%.*s is unknown in a schema; want " OURS "sanitize or " NAME, APS_STR_SHOW(name));
        if (old && schema_get(&w, "$ref") != NULL)
            return aps_schema_build_fail(b, APS_ERR_FORMAT, w.pointer,
                                         NAME " does not count beside $ref in OpenAPI 3.0; put "
                                              "both into allOf");
    }
    return true;
}
