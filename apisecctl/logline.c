/* logline.c - one line of the audit log -> the request that it tells of. */
#include "logline.h"

#include "apisec/audit.h"
#include "apisec/net.h"
#include "apisec/num.h"

#define CUT_MIN 32 /* no text of a line is cut shorter */

static enum aps_err wrong_kind(struct aps_str name, const char *want, struct aps_diag *diag)
{
    aps_err_explain(diag, "its \"%.*s\" is no %s: want a line as %%^AJ writes it",
                    APS_STR_ARG(name), want);
    return APS_ERR_FORMAT;
}

enum kind { TEXT, NUMBER, LIST };

/* What of a line is used; the others are passed over. */
static const struct field {
    struct aps_str name;
    enum kind kind;
    bool needed;
    size_t at; /* in struct ctl_logline */
} fields[] = {
#define F(name, member, kind, needed)                                                              \
    {                                                                                              \
        APS_STR_LIT(name), kind, needed, offsetof(struct ctl_logline, member)                      \
    }
    F("ts", ts, TEXT, false),
    F("host", host, TEXT, false),
    F("ip", ip, TEXT, false),
    F("method", method, TEXT, true),
    F("path", path, TEXT, true),
    F("route", route, TEXT, false),
    F("decision", decision, TEXT, true),
    F("reason", reason, TEXT, true),
    F("fault", fault, TEXT, false),
    F("key", key, TEXT, false),
    F("kv", kv, NUMBER, false),
    F("status", status, NUMBER, false),
    F("user", user, TEXT, false),
    F("roles", roles, LIST, false),
#undef F
};

static enum aps_err read_list(const struct aps_jsonread_node *value, struct aps_str name,
                              const struct aps_jsonread_node **out, struct aps_diag *diag)
{
    if (aps_jsonread_kind(value) != APS_JSON_ARRAY)
        return wrong_kind(name, "list", diag);
    for (const struct aps_jsonread_node *v = aps_jsonread_first(value); v < aps_jsonread_end(value);
         v = aps_jsonread_next(v))
        if (aps_jsonread_kind(v) != APS_JSON_STRING)
            return wrong_kind(name, "list of texts", diag);
    *out = value;
    return APS_OK;
}

static enum aps_err read_number(const struct aps_jsonread *reader,
                                const struct aps_jsonread_node *value, struct aps_str name,
                                uint64_t *out, struct aps_diag *diag)
{
    if (aps_jsonread_kind(value) != APS_JSON_NUMBER ||
        aps_num_parse(aps_jsonread_str(reader, value), 0, UINT64_MAX, out, NULL) != APS_OK)
        return wrong_kind(name, "number", diag);
    return APS_OK;
}

static enum aps_err read_field(const struct aps_jsonread *reader, const struct field *field,
                               const struct aps_jsonread_node *value, struct ctl_logline *line,
                               struct aps_diag *diag)
{
    void *to = (char *)line + field->at;

    if (field->kind == LIST)
        return read_list(value, field->name, to, diag);
    if (field->kind == NUMBER)
        return read_number(reader, value, field->name, to, diag);
    if (aps_jsonread_kind(value) != APS_JSON_STRING)
        return wrong_kind(field->name, "text", diag);
    *(struct aps_str *)to = aps_jsonread_str(reader, value);
    return APS_OK;
}

static enum aps_err check_version(const struct aps_jsonread *reader, struct aps_diag *diag)
{
    struct aps_str name = APS_STR_LIT("v");
    const struct aps_jsonread_node *value =
        aps_jsonread_get(reader, aps_jsonread_root(reader), name);
    uint64_t version = 0;
    enum aps_err err;

    if (value != NULL && (err = read_number(reader, value, name, &version, diag)) != APS_OK)
        return err;
    if (version == APS_AUDIT_VERSION)
        return APS_OK;
    aps_err_explain(diag, "its \"v\" is not %d: want a line as this release's %%^AJ writes it",
                    APS_AUDIT_VERSION);
    return APS_ERR_FORMAT;
}

#define COUNT_OF(list) (sizeof(list) / sizeof(list)[0])

static const struct field *field_of(struct aps_str name)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (aps_str_eq(fields[i].name, name))
            return &fields[i];
    return NULL;
}

static enum aps_err read_fields(const struct aps_jsonread *reader, struct ctl_logline *line,
                                struct aps_diag *diag)
{
    const struct aps_jsonread_node *object = aps_jsonread_root(reader);
    unsigned seen = 0;

    for (const struct aps_jsonread_node *m = aps_jsonread_first(object);
         m < aps_jsonread_end(object); m = aps_jsonread_next(m + 1)) {
        const struct field *field = field_of(aps_jsonread_str(reader, m));
        enum aps_err err;

        if (field == NULL)
            continue;
        if ((err = read_field(reader, field, m + 1, line, diag)) != APS_OK)
            return err;
        seen |= 1u << (field - fields);
    }
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (fields[i].needed && (seen & 1u << i) == 0) {
            aps_err_explain(diag, "it has no \"%s\": want a line as %%^AJ writes it",
                            fields[i].name.p);
            return APS_ERR_FORMAT;
        }
    return APS_OK;
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
    if ((err = check_version(reader, diag)) != APS_OK ||
        (err = read_fields(reader, &line, diag)) != APS_OK)
        return err;
    *out = line;
    return APS_OK;
}

/* "2027-01-31T12:00:00.123Z" */
enum aps_err ctl_logline_time(const struct ctl_logline *line, aps_nsec *out, struct aps_diag *diag)
{
    enum { SECONDS = 19, WHOLE = 24 };
    char text[SECONDS + 2];
    uint64_t millis = 0;

    if (line->ts.n == WHOLE && line->ts.p[SECONDS] == '.' && line->ts.p[WHOLE - 1] == 'Z') {
        memcpy(text, line->ts.p, SECONDS);
        memcpy(text + SECONDS, "Z", 2);
        for (size_t i = SECONDS + 1; i < WHOLE - 1 && millis < 1000; i++)
            millis = line->ts.p[i] >= '0' && line->ts.p[i] <= '9'
                         ? millis * 10 + (uint64_t)(line->ts.p[i] - '0')
                         : 1000;
        if (millis < 1000 && aps_num_parse_time(aps_str(text), 0, out, NULL) == APS_OK) {
            *out += (aps_nsec)millis * APS_MSEC;
            return APS_OK;
        }
    }
    aps_err_explain(diag, "its \"ts\" is no time that exists: want a line as %%^AJ writes it");
    return APS_ERR_FORMAT;
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
