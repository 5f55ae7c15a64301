/* logask.c - one line of a log -> who asked, when, and which limits he would be charged for. */
#include "logask.h"

#include <apr_strings.h>

#include "apisec/accesslog.h"
#include "apisec/random.h"
#include "apisec/reason.h"
#include "logline.h"

#define COUNT_OF(list) (sizeof(list) / sizeof(list)[0])

static const struct aps_str formats[] = {
    [CTL_LOGASK_COMBINED] = APS_STR_LIT("combined"),
    [CTL_LOGASK_JSON] = APS_STR_LIT("json"),
};

static const struct aps_str field_names[] = {
    [CTL_LOGASK_IP] = APS_STR_LIT("ip"),       [CTL_LOGASK_USER] = APS_STR_LIT("user"),
    [CTL_LOGASK_PATH] = APS_STR_LIT("path"),   [CTL_LOGASK_KEY] = APS_STR_LIT("key"),
    [CTL_LOGASK_ROLES] = APS_STR_LIT("roles"), [CTL_LOGASK_ROUTE] = APS_STR_LIT("route"),
    [CTL_LOGASK_HOST] = APS_STR_LIT("host"),
};

static const struct level {
    struct aps_str name;
    unsigned bit;
    enum ctl_logask_field own[2]; /* of each format */
} levels[CTL_LOGASK_LEVELS] = {
    [CTL_LOGASK_BY_KEY] = {APS_STR_LIT("key"), APS_LIMIT_BY_KEY, {CTL_LOGASK_NONE, CTL_LOGASK_KEY}},
    [CTL_LOGASK_BY_USER] = {APS_STR_LIT("user"),
                            APS_LIMIT_BY_USER,
                            {CTL_LOGASK_USER, CTL_LOGASK_USER}},
    [CTL_LOGASK_BY_ORG] = {APS_STR_LIT("org"),
                           APS_LIMIT_BY_ORG,
                           {CTL_LOGASK_NONE, CTL_LOGASK_NONE}},
    [CTL_LOGASK_BY_ROLE] = {APS_STR_LIT("role"),
                            APS_LIMIT_BY_ROLE,
                            {CTL_LOGASK_NONE, CTL_LOGASK_ROLES}},
    [CTL_LOGASK_BY_ROUTE] = {APS_STR_LIT("route"),
                             APS_LIMIT_BY_ROUTE,
                             {CTL_LOGASK_NONE, CTL_LOGASK_ROUTE}},
};

enum aps_err ctl_logask_parse_format(struct aps_str text, enum ctl_logask_format *out,
                                     struct aps_diag *diag)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (aps_str_eq(text, formats[i])) {
            *out = (enum ctl_logask_format)i;
            return APS_OK;
        }
    aps_err_explain(diag,
                    "log format \"%.*s\": want combined, which also reads the common format, or "
                    "json, which %%^AJ writes",
                    APS_STR_SHOW(text));
    return APS_ERR_FORMAT;
}

/* ---- which field is which level ---- */

static const char *fields_of(enum ctl_logask_format format)
{
    return format == CTL_LOGASK_JSON ? "ip, user, path, key, roles, route or host"
                                     : "ip, user or path";
}

static enum ctl_logask_field field_of(enum ctl_logask_format format, struct aps_str name)
{
    enum ctl_logask_field last = format == CTL_LOGASK_JSON ? CTL_LOGASK_HOST : CTL_LOGASK_PATH;

    for (unsigned i = CTL_LOGASK_IP; i <= last; i++)
        if (aps_str_eq(name, field_names[i]))
            return (enum ctl_logask_field)i;
    return CTL_LOGASK_NONE;
}

/* LEVEL=FIELD */
static enum aps_err read_field(struct ctl_logask *ask, struct aps_str text, struct aps_diag *diag)
{
    struct aps_str name = text, level;
    enum ctl_logask_field field;

    if (aps_str_next(&name, '=', &level) && level.n < text.n) {
        field = field_of(ask->format, name);
        for (size_t i = 0; i < COUNT_OF(levels) && field != CTL_LOGASK_NONE; i++)
            if (aps_str_eq(level, levels[i].name)) {
                ask->field[i] = field;
                return APS_OK;
            }
    }
    aps_err_explain(diag,
                    "field \"%.*s\": want LEVEL=FIELD, such as key=user; LEVEL key, user, org, "
                    "role or route, FIELD %s",
                    APS_STR_SHOW(text), fields_of(ask->format));
    return APS_ERR_FORMAT;
}

static enum aps_err check_levels(const struct ctl_logask *ask, unsigned by, struct aps_diag *diag)
{
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        if ((by & levels[i].bit) == 0 || ask->field[i] != CTL_LOGASK_NONE)
            continue;
        aps_err_explain(diag,
                        "a limit is by=%s, which a line of the %s format does not tell: say by "
                        "--by-field %s=FIELD what stands for it, FIELD being %s",
                        levels[i].name.p, formats[ask->format].p, levels[i].name.p,
                        fields_of(ask->format));
        return APS_ERR_USAGE;
    }
    return APS_OK;
}

enum aps_err ctl_logask_init(struct ctl_logask *ask, apr_pool_t *pool,
                             enum ctl_logask_format format, const apr_array_header_t *fields,
                             unsigned by, struct aps_diag *diag)
{
    unsigned char key[APS_SIPHASH_KEY_LEN];
    enum aps_err err = aps_random_fill(key, sizeof key);

    *ask = (struct ctl_logask){.format = format, .by = by};
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        ask->field[i] = levels[i].own[format];
    for (int i = 0; fields != NULL && i < fields->nelts && err == APS_OK; i++)
        err = read_field(ask, aps_str(APR_ARRAY_IDX(fields, i, const char *)), diag);
    if (err == APS_OK)
        err = check_levels(ask, by, diag);
    aps_jsonread_init(&ask->reader, pool, key);
    return err;
}

/* ---- what a line has ---- */

/* The fields of either format. */
struct fields {
    struct aps_str text[CTL_LOGASK_HOST + 1];
    const struct aps_jsonread_node *roles;
};

static struct aps_str text_of(const struct ctl_logask *ask, const struct fields *f,
                              enum ctl_logask_level level)
{
    enum ctl_logask_field field = ask->field[level];

    if (field != CTL_LOGASK_ROLES)
        return f->text[field];
    if (f->roles == NULL || aps_jsonread_count(f->roles) == 0)
        return (struct aps_str){NULL, 0};
    return aps_jsonread_str(&ask->reader, aps_jsonread_first(f->roles));
}

static enum aps_err set_roles(struct ctl_logask *ask, const struct fields *f,
                              struct aps_subject *who, struct aps_diag *diag)
{
    const struct aps_jsonread_node *v;

    who->roles = ask->role;
    if (ask->field[CTL_LOGASK_BY_ROLE] != CTL_LOGASK_ROLES) {
        ask->role[0] = text_of(ask, f, CTL_LOGASK_BY_ROLE);
        who->nroles = ask->role[0].n != 0 ? 1 : 0;
        return APS_OK;
    }
    if (f->roles == NULL)
        return APS_OK;
    for (v = aps_jsonread_first(f->roles); v < aps_jsonread_end(f->roles);
         v = aps_jsonread_next(v)) {
        if (who->nroles == APS_KEY_ROLES_MAX) {
            aps_err_explain(diag, "it has more than the %d roles that a key can have",
                            APS_KEY_ROLES_MAX);
            return APS_ERR_FORMAT;
        }
        ask->role[who->nroles++] = aps_jsonread_str(&ask->reader, v);
    }
    return APS_OK;
}

/* Who it is; `known`: he has proved it. */
static enum aps_err set_who(struct ctl_logask *ask, const struct fields *f, bool known,
                            struct aps_subject *who, struct aps_diag *diag)
{
    struct aps_str ip = f->text[CTL_LOGASK_IP];

    *who = (struct aps_subject){.store = 1, .route = text_of(ask, f, CTL_LOGASK_BY_ROUTE)};
    if ((ask->by & APS_LIMIT_BY_IP) != 0 && !aps_addr_parse(ip, &who->addr)) {
        aps_err_explain(diag,
                        "\"%.*s\" is no address, and a limit is by=ip: want a log with addresses "
                        "(HostnameLookups Off, ApiSecLogAddress full or truncated)",
                        APS_STR_SHOW(ip));
        return APS_ERR_FORMAT;
    }
    if (!known)
        return APS_OK;
    who->owner = text_of(ask, f, CTL_LOGASK_BY_USER);
    who->org = text_of(ask, f, CTL_LOGASK_BY_ORG);
    who->key = text_of(ask, f, CTL_LOGASK_BY_KEY);
    /* Who has no key, or is in a log that has none, is known by his other names. */
    if (who->key.n == 0)
        who->key = who->owner.n != 0 ? who->owner : who->org;
    return set_roles(ask, f, who, diag);
}

/* ---- httpd's own formats ---- */

static enum aps_err read_combined(struct ctl_logask *ask, struct aps_str text,
                                  struct ctl_logask_line *out, struct aps_diag *diag)
{
    struct fields f = {.roles = NULL};
    struct aps_accesslog log;
    struct aps_str path;
    enum aps_err err = aps_accesslog_read(text, &log, diag);

    if (err != APS_OK)
        return err;
    path = log.target;
    (void)aps_str_next(&path, '?', &f.text[CTL_LOGASK_PATH]); /* none where it is empty */
    f.text[CTL_LOGASK_IP] = log.host;
    f.text[CTL_LOGASK_USER] = log.user;
    out->at = log.at;
    out->method = aps_method_parse(log.method);
    out->part = CTL_LOGASK_ALL;
    if (log.method.n == 0)
        out->part = CTL_LOGASK_NOTHING; /* no request that httpd could read */
    else if (log.status == 401)
        out->part = CTL_LOGASK_ADDRESS; /* the user is what somebody claimed */
    return set_who(ask, &f, out->part == CTL_LOGASK_ALL, &out->who, diag);
}

/* ---- the audit log ---- */

static enum aps_reason reason_of(struct aps_str token)
{
    for (unsigned i = 0; i < APS_REASON_COUNT; i++)
        if (aps_str_eq(token, aps_reason_words((enum aps_reason)i)->token))
            return (enum aps_reason)i;
    return APS_REASON_UNDECIDED;
}

/* In the order of the stages (mod_apisec/request.c). */
static enum ctl_logask_part part_of(enum aps_reason reason)
{
    if (aps_reason_is_pass(reason) || reason == APS_REASON_RATE_EXCEEDED)
        return CTL_LOGASK_ALL;
    if (reason >= APS_REASON_CREDENTIAL_MISSING && reason <= APS_REASON_DECOY_RATE)
        return CTL_LOGASK_ADDRESS;
    if (reason >= APS_REASON_ROLE_UNKNOWN && reason <= APS_REASON_USER_REQUIRED)
        return CTL_LOGASK_ALL; /* a verified caller's refusal costs him as usual (LIM-12) */
    return CTL_LOGASK_NOTHING;
}

static enum aps_err read_json(struct ctl_logask *ask, struct aps_str text,
                              struct ctl_logask_line *out, struct aps_diag *diag)
{
    struct ctl_logline line;
    struct fields f;
    enum aps_err err;

    if ((err = ctl_logline_read(&ask->reader, text, &line, diag)) != APS_OK ||
        (err = ctl_logline_time(&line, &out->at, diag)) != APS_OK)
        return err;
    f = (struct fields){.roles = line.roles};
    f.text[CTL_LOGASK_IP] = line.ip;
    f.text[CTL_LOGASK_USER] = line.user;
    f.text[CTL_LOGASK_PATH] = line.path;
    f.text[CTL_LOGASK_KEY] = line.key;
    f.text[CTL_LOGASK_ROUTE] = line.route;
    f.text[CTL_LOGASK_HOST] = line.host;
    out->method = aps_method_parse(line.method);
    out->part = part_of(reason_of(line.reason));
    /* The key's id alone is what the request claimed. */
    return set_who(ask, &f, out->part == CTL_LOGASK_ALL && (line.key.n == 0 || line.kv != 0),
                   &out->who, diag);
}

enum aps_err ctl_logask_read(struct ctl_logask *ask, struct aps_str text,
                             struct ctl_logask_line *out, struct aps_diag *diag)
{
    return ask->format == CTL_LOGASK_JSON ? read_json(ask, text, out, diag)
                                          : read_combined(ask, text, out, diag);
}

/* ---- for people ---- */

static struct aps_str named(const struct aps_limit *limit, const struct aps_subject *who, size_t i,
                            unsigned bit, char scratch[APS_NET_TEXT_MAX])
{
    struct aps_net net;

    switch (bit) {
    case APS_LIMIT_BY_KEY:
        return who->key;
    case APS_LIMIT_BY_USER:
        return who->owner.n != 0 ? who->owner : who->key;
    case APS_LIMIT_BY_ORG:
        return who->org.n != 0 ? who->org : who->owner.n != 0 ? who->owner : who->key;
    case APS_LIMIT_BY_ROLE:
        return who->roles[i];
    case APS_LIMIT_BY_IP:
        net.addr = aps_addr_prefix(&who->addr, limit->prefix4, limit->prefix6);
        net.bits = aps_addr_is_v4(&net.addr) ? (uint8_t)(96 + limit->prefix4) : limit->prefix6;
        return aps_str(aps_net_print(&net, scratch));
    default:
        return who->route;
    }
}

char *ctl_logask_print(const struct aps_limit *limit, const struct aps_subject *who, size_t i,
                       char out[CTL_LOGASK_WHO_MAX])
{
    size_t at = 0;

    for (unsigned bit = 1; bit <= APS_LIMIT_BY_ROUTE; bit <<= 1) {
        char scratch[APS_NET_TEXT_MAX];
        struct aps_str name;

        if ((limit->by & bit) == 0)
            continue;
        name = named(limit, who, i, bit, scratch);
        for (const char *plus = at != 0 ? " + " : ""; *plus != '\0' && at < CTL_LOGASK_WHO_MAX - 1;)
            out[at++] = *plus++;
        for (size_t k = 0; k < name.n && at < CTL_LOGASK_WHO_MAX - 1; k++)
            out[at++] = name.p[k] != '\0' ? name.p[k] : '?';
    }
    out[at] = '\0';
    return out;
}
