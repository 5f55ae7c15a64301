/* logline.c - one line of the audit log -> the request that it tells of. */
#include "logline.h"

#include "apisec/audit.h"
#include "apisec/net.h"
#include "apisec/num.h"

#define CUT_MIN 32 /* no text of a line is cut shorter */

static enum aps_err wrong_kind(const char *name, const char *want, struct aps_diag *diag)
{
    aps_err_explain(diag, "its \"%s\" is no %s: want a line as %%^AJ writes it", name, want);
    return APS_ERR_FORMAT;
}

static enum aps_err read_text(struct aps_jsonread *reader, const char *name, bool needed,
                              struct aps_str *out, struct aps_diag *diag)
{
    const struct aps_jsonread_node *value =
        aps_jsonread_get(reader, aps_jsonread_root(reader), aps_str(name));

    if (value == NULL && !needed)
        return APS_OK;
    if (value == NULL) {
        aps_err_explain(diag, "it has no \"%s\": want a line as %%^AJ writes it", name);
        return APS_ERR_FORMAT;
    }
    if (aps_jsonread_kind(value) != APS_JSON_STRING)
        return wrong_kind(name, "text", diag);
    *out = aps_jsonread_str(reader, value);
    return APS_OK;
}

static enum aps_err read_number(struct aps_jsonread *reader, const char *name, uint64_t *out,
                                struct aps_diag *diag)
{
    const struct aps_jsonread_node *value =
        aps_jsonread_get(reader, aps_jsonread_root(reader), aps_str(name));

    if (value == NULL)
        return APS_OK;
    if (aps_jsonread_kind(value) != APS_JSON_NUMBER ||
        aps_num_parse(aps_jsonread_str(reader, value), 0, UINT64_MAX, out, NULL) != APS_OK)
        return wrong_kind(name, "number", diag);
    return APS_OK;
}

static enum aps_err read_roles(struct aps_jsonread *reader, struct ctl_logline *line,
                               struct aps_diag *diag)
{
    const struct aps_jsonread_node *list =
        aps_jsonread_get(reader, aps_jsonread_root(reader), APS_STR_LIT("roles"));

    if (list == NULL)
        return APS_OK;
    if (aps_jsonread_kind(list) != APS_JSON_ARRAY)
        return wrong_kind("roles", "list", diag);
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list); v < aps_jsonread_end(list);
         v = aps_jsonread_next(v))
        if (aps_jsonread_kind(v) != APS_JSON_STRING)
            return wrong_kind("roles", "list of texts", diag);
    line->roles = list;
    return APS_OK;
}

static enum aps_err read_fields(struct aps_jsonread *reader, struct ctl_logline *line,
                                struct aps_diag *diag)
{
    uint64_t version = 0;
    enum aps_err err;

    if ((err = read_number(reader, "v", &version, diag)) != APS_OK)
        return err;
    if (version != APS_AUDIT_VERSION) {
        aps_err_explain(diag, "its \"v\" is not %d: want a line as this release's %%^AJ writes it",
                        APS_AUDIT_VERSION);
        return APS_ERR_FORMAT;
    }
    if ((err = read_text(reader, "method", true, &line->method, diag)) != APS_OK ||
        (err = read_text(reader, "path", true, &line->path, diag)) != APS_OK ||
        (err = read_text(reader, "decision", true, &line->decision, diag)) != APS_OK ||
        (err = read_text(reader, "reason", true, &line->reason, diag)) != APS_OK ||
        (err = read_text(reader, "host", false, &line->host, diag)) != APS_OK ||
        (err = read_text(reader, "ip", false, &line->ip, diag)) != APS_OK ||
        (err = read_text(reader, "key", false, &line->key, diag)) != APS_OK ||
        (err = read_number(reader, "kv", &line->kv, diag)) != APS_OK)
        return err;
    return read_roles(reader, line, diag);
}

enum aps_err ctl_logline_read(struct aps_jsonread *reader, struct aps_str text,
                              struct ctl_logline *out, struct aps_diag *diag)
{
    struct aps_jsonread_options options = aps_jsonread_strict;
    struct ctl_logline line = {.kv = 0};
    enum aps_err err;

    options.nul = true; /* of a path that somebody tried */
    if (aps_jsonread(reader, text, &options) != APS_JSONREAD_OK) {
        aps_jsonread_fault_explain(reader, diag);
        return APS_ERR_FORMAT;
    }
    if (aps_jsonread_kind(aps_jsonread_root(reader)) != APS_JSON_OBJECT) {
        aps_err_explain(diag, "it is no JSON object: want a line as %%^AJ writes it");
        return APS_ERR_FORMAT;
    }
    if ((err = read_fields(reader, &line, diag)) != APS_OK)
        return err;
    *out = line;
    return APS_OK;
}

bool ctl_logline_is_cut(struct aps_str text)
{
    return text.n > CUT_MIN && memcmp(text.p + text.n - 3, "...", 3) == 0;
}

bool ctl_logline_hides_address(const struct ctl_logline *line)
{
    struct aps_addr addr, network;

    if (!aps_addr_parse(line->ip, &addr))
        return true;
    network = aps_addr_prefix(&addr, 24, 48);
    return memcmp(&addr, &network, sizeof addr) == 0;
}
