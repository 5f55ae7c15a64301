/* kind_leak.c - does `payload` say what no response must? */
#include "apisec/leak.h"
#include "vectors.h"

static bool note(void *ctx, const struct aps_leak_finding *finding)
{
    *(enum aps_leak_kind *)ctx = finding->kind;
    return false;
}

const char *t_kind_leak(const struct t_row *row, struct aps_json *out)
{
    const struct aps_leak_rules *rules = NULL;
    enum aps_leak_kind kind = APS_LEAK_KINDS;
    struct aps_leak s;
    struct aps_str body;

    if (!t_row_bytes(row, "payload", &body))
        return "want a string payload, or payload_b64 in base64";
    if (aps_leak_rules_new(row->pool, UINT32_MAX, NULL, 0, &rules) != APS_OK)
        return "out of memory";
    aps_leak_init(&s, row->pool, rules, note, &kind);
    if (aps_leak_feed(&s, body) != APS_OK)
        return "out of memory";
    aps_leak_end(&s);
    aps_json_put_str(out, "got", kind == APS_LEAK_KINDS ? "benign" : aps_leak_kind_name(kind));
    return NULL;
}
