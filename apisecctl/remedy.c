/* remedy.c - what would change the answer of a trial.
 *
 * Whether a role would help is asked of the engine that decides, with the role added. */
#include "remedy.h"

#include <apr_strings.h>

#include "apisec/num.h"
#include "plain_path.h"
#include "quote.h"

#define OTHERS_MAX 10 /* roles that are named one by one */

struct remedies {
    const struct ctl_trial *t;
    apr_pool_t *pool;
    const char *place;
    apr_array_header_t *all; /* of struct ctl_remedy */
};

static void add(struct remedies *r, const char *command, const char *fmt, ...) APS_PRINTF(3, 4);

static void add(struct remedies *r, const char *command, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    APR_ARRAY_PUSH(r->all, struct ctl_remedy) =
        (struct ctl_remedy){apr_pvsprintf(r->pool, fmt, args), command};
    va_end(args);
}

/* "apisecctl --store DIR WORDS". */
static const char *command(struct remedies *r, const char *fmt, ...) APS_PRINTF(2, 3);

static const char *command(struct remedies *r, const char *fmt, ...)
{
    const char *words;
    va_list args;

    va_start(args, fmt);
    words = apr_pvsprintf(r->pool, fmt, args);
    va_end(args);
    return apr_pstrcat(r->pool, "apisecctl", r->place, " ", words, NULL);
}

static const char *quoted(struct remedies *r, struct aps_str text)
{
    return ctl_quote(r->pool, text);
}

static const char *key_id(struct remedies *r)
{
    return quoted(r, r->t->key.id);
}

/* Who asks, as options of `explain`; `more` is one role that the caller has besides. */
static const char *who(struct remedies *r, const struct aps_role *more)
{
    const struct ctl_trial *t = r->t;
    struct aps_str names[APS_KEY_ROLES_MAX + 1];
    size_t n = 0;

    if (t->has_key)
        return apr_pstrcat(r->pool, "--key-id ", key_id(r), NULL);
    for (; n < t->nroles; n++)
        names[n] = aps_role_name(t->roles[n]);
    if (more != NULL)
        names[n++] = aps_role_name(more);
    return apr_pstrcat(r->pool, "--role ", ctl_quote_list(r->pool, names, n), NULL);
}

/* The section that is an API, as options of `explain`; its content is not repeated. */
static const char *where(struct remedies *r)
{
    const struct ctl_described *d = &r->t->described;
    const char *text = "";

    if (d->name.n == 0)
        return text;
    text = apr_pstrcat(r->pool, " --api ", quoted(r, d->name), NULL);
    if (d->at.n != 0)
        text = apr_pstrcat(r->pool, text, " --at ", quoted(r, d->at), NULL);
    if (r->t->open)
        text = apr_pstrcat(r->pool, text, " --require public", NULL);
    return d->undeclared ? apr_pstrcat(r->pool, text, " --undeclared pass", NULL) : text;
}

static const char *ask(struct remedies *r, const struct aps_role *more, struct aps_str method,
                       struct aps_str target)
{
    const char *line = apr_pstrcat(r->pool, aps_str_copy(r->pool, method).p, " ",
                                   aps_str_copy(r->pool, target).p, NULL);

    return command(r, "explain %s%s %s", who(r, more), where(r), quoted(r, aps_str(line)));
}

/* ---- The request itself ---- */

static void for_method(struct remedies *r)
{
    static const char methods[] = "GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS";
    struct aps_str upper = aps_str_copy(r->pool, r->t->asked.method);
    char *p = apr_pstrmemdup(r->pool, upper.p, upper.n);

    for (size_t i = 0; i < upper.n; i++)
        if (p[i] >= 'a' && p[i] <= 'z')
            p[i] = (char)(p[i] - 'a' + 'A');
    upper.p = p;
    if (aps_method_parse(upper) != APS_METHOD_NONE)
        add(r, ask(r, NULL, upper, r->t->asked.target), "the method is written in capitals: %s", p);
    else
        add(r, NULL, "another method: %s can be granted", methods);
}

static void for_override(struct remedies *r)
{
    struct aps_str path = r->t->asked.target;

    path.n = (size_t)((const char *)memchr(path.p, '?', path.n) - path.p);
    add(r, ask(r, NULL, r->t->asked.method, path),
        "a query without _method: the method that is meant stands in the request line");
}

static void for_path(struct remedies *r)
{
    const struct ctl_trial *t = r->t;
    const char *query = memchr(t->asked.target.p, '?', t->asked.target.n);
    struct aps_str raw = t->asked.target;
    const char *plain;

    if (query != NULL)
        raw.n = (size_t)(query - raw.p);
    plain = ctl_plain_path(r->pool, raw);
    add(r, plain != NULL ? ask(r, NULL, t->asked.method, aps_str(plain)) : NULL,
        "%s in the path: %s%s%s", t->path_fault, ctl_plain_path_rule(t->path_fault),
        plain != NULL ? "; where that is meant, it is written " : "", plain != NULL ? plain : "");
}

/* ---- The key ---- */

/* The options that give another key what this one has. */
static const char *same_options(struct remedies *r)
{
    const struct aps_key *key = &r->t->key;
    char text[APS_NET_TEXT_MAX];
    char rate[APS_NUM_RATE_MAX];
    const char *all =
        apr_pstrcat(r->pool, "--role ", ctl_quote_list(r->pool, key->roles, key->nroles), NULL);

    if (key->owner.n > 0)
        all = apr_pstrcat(r->pool, all, " --owner ", quoted(r, key->owner), NULL);
    if (key->org.n > 0)
        all = apr_pstrcat(r->pool, all, " --org ", quoted(r, key->org), NULL);
    if (key->nscopes > 0)
        all = apr_pstrcat(r->pool, all, " --scope ",
                          ctl_quote_list(r->pool, key->scopes, key->nscopes), NULL);
    if (key->limit.rate.count != 0)
        all =
            apr_pstrcat(r->pool, all, " --limit ", aps_num_print_rate(key->limit.rate, rate), NULL);
    if (key->plan.n > 0)
        all = apr_pstrcat(r->pool, all, " --plan ", quoted(r, key->plan), NULL);
    for (size_t i = 0; i < key->noverrides; i++)
        all = apr_pstrcat(r->pool, all, " --override ", quoted(r, key->overrides[i]), NULL);
    for (size_t i = 0; i < key->nnets; i++)
        all = apr_pstrcat(r->pool, all, " --cidr ", aps_net_print(&key->nets[i], text), NULL);
    if (key->nhosts > 0)
        all = apr_pstrcat(r->pool, all, " --host ",
                          ctl_quote_list(r->pool, key->hosts, key->nhosts), NULL);
    return all;
}

static void for_revoked(struct remedies *r)
{
    const struct aps_key *key = &r->t->key;
    struct aps_str stem = key->name;
    char at[APS_NUM_TIME_MAX];

    if (stem.n > 60)
        stem.n = 60;
    add(r,
        command(r, "key create %s %s",
                quoted(r, aps_str(apr_psprintf(r->pool, "%.*s-new", APS_STR_ARG(stem)))),
                same_options(r)),
        "another key with the same roles: this one was revoked at %s, which is for good",
        aps_num_print_time(key->revoked_at, false, at));
}

static void for_expired(struct remedies *r)
{
    char at[APS_NUM_TIME_MAX];

    add(r, command(r, "key set %s --expires 90d", key_id(r)), "a later expiry: the key ended at %s",
        aps_num_print_time(r->t->key.expires_at, false, at));
}

static void for_not_yet(struct remedies *r)
{
    char at[APS_NUM_TIME_MAX];

    add(r, command(r, "key set %s --not-before none", key_id(r)),
        "to wait until %s, or no such time: the key begins to work then",
        aps_num_print_time(r->t->key.not_before, false, at));
}

static void for_rotated(struct remedies *r)
{
    add(r, command(r, "key rotate %s --overlap 24h", key_id(r)),
        "the newest text of the key, version %lu; a text that nobody has is made anew",
        (unsigned long)r->t->key.secret[0].version);
}

static void for_decoy(struct remedies *r)
{
    add(r, command(r, "key list"),
        "another key: this one is a decoy, which lets nobody in and shows who has stolen it");
}

static const char *nets_text(struct remedies *r)
{
    const char *all = "";
    char text[APS_NET_TEXT_MAX];

    for (size_t i = 0; i < r->t->key.nnets; i++)
        all = apr_pstrcat(r->pool, all, i > 0 ? ", " : "", aps_net_print(&r->t->key.nets[i], text),
                          NULL);
    return all;
}

static const char *list_text(struct remedies *r, const struct aps_str *texts, size_t n)
{
    const char *all = "";

    for (size_t i = 0; i < n; i++)
        all = apr_pstrcat(r->pool, all, i > 0 ? ", " : "", aps_str_copy(r->pool, texts[i]).p, NULL);
    return all;
}

static void for_network(struct remedies *r)
{
    add(r, command(r, "key set %s --cidr +%s", key_id(r), r->t->asked.address),
        "a network that holds %s: the key may be used from %s", r->t->asked.address, nets_text(r));
}

static void for_host(struct remedies *r)
{
    const struct aps_key *key = &r->t->key;

    add(r,
        command(r, "key set %s --host %s", key_id(r),
                quoted(r, aps_str(apr_pstrcat(r->pool, "+", r->t->asked.host, NULL)))),
        "the host %s: the key may be used on %s", r->t->asked.host,
        list_text(r, key->hosts, key->nhosts));
}

static void for_lost_role(struct remedies *r)
{
    const char *role = quoted(r, r->t->lost);

    add(r, command(r, "role create %s", role), "a role %s: the key names one that is not there",
        role);
    if (r->t->key.nroles > 1)
        add(r, command(r, "key set %s --role -%s", key_id(r), role), "a key without role %s", role);
}

static void for_lost_plan(struct remedies *r)
{
    const struct aps_planbook_choice *choice = &r->t->held.choice;
    const char *plan = quoted(r, choice->name);

    if (r->t->described.match.operation != NULL &&
        r->t->held.reason != APS_REASON_PLAN_UNKNOWN) { /* that of the operation */
        add(r, NULL, "a plan %s in the store, which x-apisec-limit of %s names",
            quoted(r, r->t->described.match.operation->limit),
            ctl_described_operation(r->pool, r->t->described.match.operation));
        return;
    }
    if (choice->source == APS_PLANBOOK_KEY)
        add(r, command(r, "key set %s --plan none", key_id(r)), "a key without plan %s", plan);
    else if (choice->source == APS_PLANBOOK_ROLE)
        add(r, command(r, "role set %s --plan none", quoted(r, choice->role)),
            "role %s without plan %s", quoted(r, choice->role), plan);
    if (r->t->has_key && r->t->key.noverrides != 0)
        add(r, command(r, "key set %s --override none", key_id(r)),
            "a key without limits of its own");
}

/* ---- Grants and denials ---- */

struct entry {
    const struct aps_role *role; /* whose entry it is in the end */
    const struct aps_grant *grant;
    struct aps_str origin;
};

/* The grants, or the denials, of the caller's roles that cover the request, each once. */
static apr_array_header_t *entries(struct remedies *r, bool deny)
{
    const struct ctl_trial *t = r->t;
    apr_array_header_t *found = apr_array_make(r->pool, 4, sizeof(struct entry));

    for (size_t i = 0; i < t->nroles; i++) {
        size_t n;
        const struct aps_grant *grants = aps_role_grants(t->roles[i], &n);

        for (size_t k = 0; k < n; k++) {
            struct entry e = {t->roles[i], &grants[k], aps_role_grant_origin(t->roles[i], k)};
            bool seen = false;

            if (e.grant->deny != deny || (e.grant->methods & t->method) == 0 ||
                !aps_pattern_matches(e.grant->pattern, t->path))
                continue;
            for (int s = 0; s < found->nelts; s++) {
                const struct entry *old = &APR_ARRAY_IDX(found, s, struct entry);

                seen |= aps_str_eq(old->origin, e.origin) &&
                        aps_str_eq(old->grant->text, e.grant->text);
            }
            if (!seen)
                APR_ARRAY_PUSH(found, struct entry) = e;
        }
    }
    return found;
}

/* The answer for the caller's roles with `more` (may be NULL) and without `less` (the same). */
static enum aps_reason answer_with(struct remedies *r, const struct aps_role *more,
                                   const struct aps_role *less)
{
    const struct ctl_trial *t = r->t;
    const struct aps_role *roles[APS_KEY_ROLES_MAX + 1];
    size_t n = 0;

    for (size_t i = 0; i < t->nroles; i++)
        if (t->roles[i] != less)
            roles[n++] = t->roles[i];
    if (more != NULL)
        roles[n++] = more;
    return aps_access_path(aps_snapshot_roles(t->copy), roles, n, t->method, t->path).reason;
}

static void name_role_that_grants(struct remedies *r, const struct aps_role *role)
{
    struct aps_access one =
        aps_access_path(aps_snapshot_roles(r->t->copy), &role, 1, r->t->method, r->t->path);
    const char *name = quoted(r, aps_role_name(role));

    add(r,
        r->t->has_key ? command(r, "key set %s --role +%s", key_id(r), name)
                      : ask(r, role, r->t->asked.method, r->t->asked.target),
        "role %s besides: it grants \"%.*s\"", name, APS_STR_ARG(one.grant->text));
}

/* Roles of the store that would make it ALLOW. */
static void for_other_roles(struct remedies *r)
{
    const struct aps_rolebook *book = aps_snapshot_roles(r->t->copy);
    size_t found = 0;

    if (r->t->nroles == APS_KEY_ROLES_MAX)
        return;
    for (size_t i = 0; i < aps_rolebook_count(book); i++) {
        const struct aps_role *role = aps_rolebook_at(book, i);

        if (answer_with(r, role, NULL) == APS_REASON_ALLOW && ++found <= OTHERS_MAX)
            name_role_that_grants(r, role);
    }
    if (found > OTHERS_MAX)
        add(r, command(r, "role list"), "one of %lu more roles that grant it",
            (unsigned long)(found - OTHERS_MAX));
}

/* A path with a star would be granted with many others, and some cannot be granted by their own
 * text: a grant for those takes thought. */
static void for_own_roles(struct remedies *r)
{
    const struct ctl_trial *t = r->t;
    const char *text =
        apr_psprintf(r->pool, "%.*s %.*s", APS_STR_ARG(t->asked.method), APS_STR_ARG(t->path));
    struct aps_grant grant;

    if (memchr(t->path.p, '*', t->path.n) != NULL ||
        aps_grant_parse(r->pool, aps_str(text), false, &grant, NULL) != APS_OK ||
        !aps_pattern_matches(grant.pattern, t->path))
        return;
    for (size_t i = 0; i < t->nroles; i++) {
        const char *name = quoted(r, aps_role_name(t->roles[i]));

        add(r, command(r, "role grant %s %s", name, quoted(r, aps_str(text))),
            "a grant of role %s, for all who have it", name);
    }
}

static void for_missing(struct remedies *r)
{
    char methods[APS_METHODS_TEXT_MAX];

    if (r->t->granted != 0)
        add(r, NULL, "another method: roles of the store grant %s on this path",
            aps_methods_print(r->t->granted, methods));
    for_other_roles(r);
    for_own_roles(r);
}

static void for_denied(struct remedies *r)
{
    const struct ctl_trial *t = r->t;
    apr_array_header_t *denials = entries(r, true);

    for (int i = 0; i < denials->nelts; i++) {
        const struct entry *e = &APR_ARRAY_IDX(denials, i, struct entry);
        bool own = aps_str_eq(e->origin, aps_role_name(e->role));

        add(r, command(r, "role revoke %s %s", quoted(r, e->origin), quoted(r, e->grant->text)),
            "role %.*s without its denial \"%.*s\"%s%.*s%s, which wins over every grant",
            APS_STR_ARG(e->origin), APS_STR_ARG(e->grant->text), own ? "" : " (role ",
            APS_STR_ARG(own ? (struct aps_str){0} : aps_role_name(e->role)),
            own ? "" : " inherits it)");
    }
    for (size_t i = 0; t->has_key && i < t->nroles; i++)
        if (answer_with(r, NULL, t->roles[i]) == APS_REASON_ALLOW) {
            const char *name = quoted(r, aps_role_name(t->roles[i]));

            add(r, command(r, "key set %s --role -%s", key_id(r), name), "a key without role %s",
                name);
        }
    if (entries(r, false)->nelts == 0) {
        add(r, NULL, "and a grant: without the denial no role of the caller grants it either");
        for_own_roles(r);
    }
}

/* ---- A description ---- */

static void for_api_path(struct remedies *r)
{
    const struct ctl_described *d = &r->t->described;

    add(r, command(r, "api show %s", quoted(r, d->name)),
        "another path: one of the description%s%s", d->at.n != 0 ? ", below " : "",
        aps_str_copy(r->pool, d->at).p);
}

static void for_api_method(struct remedies *r)
{
    char methods[APS_METHODS_TEXT_MAX];

    add(r, NULL, "another method: the description has %s on this path",
        aps_methods_print(r->t->described.match.allowed, methods));
}

/* What one scheme lists and the key has not. */
static void for_need(struct remedies *r, const struct aps_api_need *need, const char *way)
{
    const struct aps_key *key = &r->t->key;
    const bool scopes = need->kind == APS_API_OAUTH2 || need->kind == APS_API_OPENID;

    for (uint32_t i = 0; i < need->scopes_n; i++) {
        const char *name = quoted(r, need->scopes[i]);
        const bool has = scopes ? aps_key_has_scope(key, need->scopes[i])
                                : aps_str_is_in(need->scopes[i], key->roles, key->nroles);

        if (has)
            continue;
        add(r,
            r->t->has_key
                ? command(r, "key set %s %s +%s", key_id(r), scopes ? "--scope" : "--role", name)
                : NULL,
            "%s %s, for the alternative \"%s\"", scopes ? "scope" : "role", name, way);
    }
}

static void for_security(struct remedies *r)
{
    const struct aps_api_operation *o = r->t->described.match.operation;

    for (uint32_t i = 0; o != NULL && i < o->security_n && i < OTHERS_MAX; i++) {
        const char *way = ctl_described_way(r->pool, &o->security[i]);
        const int before = r->all->nelts;

        for (uint32_t k = 0; k < o->security[i].needs_n; k++)
            for_need(r, &o->security[i].needs[k], way);
        if (r->all->nelts == before)
            add(r, NULL, "a caller of the kind that the alternative \"%s\" wants", way);
    }
}

static void for_nobody(struct remedies *r)
{
    const struct aps_api_operation *o = r->t->described.match.operation;

    if (!r->t->open)
        add(r, NULL, "a caller: the section lets in nobody else, but with ApiSecRequire public");
    for (uint32_t i = 0; o != NULL && i < o->security_n && i < OTHERS_MAX; i++)
        add(r, NULL, "a caller, for the alternative \"%s\"",
            ctl_described_way(r->pool, &o->security[i]));
}

static void for_content(struct remedies *r)
{
    add(r, NULL, "a request without what the failures list");
}

static void for_held(struct remedies *r)
{
    add(r, NULL, "less content, or more held by the section: ApiSecBody any max=");
}

/* ---- What would end it ---- */

static void for_allowed_key(struct remedies *r)
{
    const struct aps_key *key = &r->t->key;
    char text[APS_NUM_TIME_MAX];

    add(r, command(r, "key set %s --expires 365d", key_id(r)),
        "the end of the key at %s, unless it gets a later one",
        aps_num_print_time(key->expires_at, false, text));
    add(r, command(r, "key revoke %s", key_id(r)), "the revocation of the key, for good");
    if (key->limit.rate.count != 0)
        add(r, command(r, "key set %s --limit none", key_id(r)),
            "more requests than %s, the key's own limit, unless it is taken away",
            aps_num_print_rate(key->limit.rate, text));
    if (key->nnets > 0)
        add(r, NULL, "another address than one of %s", nets_text(r));
    if (key->nhosts > 0)
        add(r, NULL, "another host than one of %s", list_text(r, key->hosts, key->nhosts));
}

static void for_allowed(struct remedies *r)
{
    apr_array_header_t *grants = entries(r, false);

    for (int i = 0; i < grants->nelts; i++) {
        const struct entry *e = &APR_ARRAY_IDX(grants, i, struct entry);

        add(r, command(r, "role revoke %s %s", quoted(r, e->origin), quoted(r, e->grant->text)),
            "the loss of grant \"%.*s\" of role %.*s%s", APS_STR_ARG(e->grant->text),
            APS_STR_ARG(e->origin),
            grants->nelts > 1 ? ", together with the other grants that give it" : "");
    }
    if (r->t->has_key)
        for_allowed_key(r);
}

typedef void (*remedy_fn)(struct remedies *r);

static const struct {
    enum aps_reason reason;
    remedy_fn find;
} finders[] = {
    {APS_REASON_ALLOW, for_allowed},
    {APS_REASON_METHOD_UNKNOWN, for_method},
    {APS_REASON_METHOD_REFUSED, for_method},
    {APS_REASON_METHOD_OVERRIDE, for_override},
    {APS_REASON_PATH_AMBIGUOUS, for_path},
    {APS_REASON_KEY_REVOKED, for_revoked},
    {APS_REASON_KEY_EXPIRED, for_expired},
    {APS_REASON_KEY_NOT_YET, for_not_yet},
    {APS_REASON_KEY_ROTATED, for_rotated},
    {APS_REASON_KEY_DECOY, for_decoy},
    {APS_REASON_KEY_NETWORK, for_network},
    {APS_REASON_KEY_HOST, for_host},
    {APS_REASON_ROLE_UNKNOWN, for_lost_role},
    {APS_REASON_PLAN_UNKNOWN, for_lost_plan},
    {APS_REASON_GRANT_DENIED, for_denied},
    {APS_REASON_GRANT_MISSING, for_missing},
    {APS_REASON_METHOD_NOT_GRANTED, for_missing},
    {APS_REASON_API_PATH, for_api_path},
    {APS_REASON_API_METHOD, for_api_method},
    {APS_REASON_API_SECURITY, for_security},
    {APS_REASON_SCOPE_MISSING, for_security},
    {APS_REASON_ROLE_MISSING, for_security},
    {APS_REASON_CREDENTIAL_MISSING, for_nobody},
    {APS_REASON_API_PARAMETER, for_content},
    {APS_REASON_API_TYPE, for_content},
    {APS_REASON_API_TYPE_REPEATED, for_content},
    {APS_REASON_API_BODY, for_content},
    {APS_REASON_API_BODY_SIZE, for_content},
    {APS_REASON_BODY_HELD, for_held},
};

apr_array_header_t *ctl_remedy_find(const struct ctl_trial *t, const char *place)
{
    struct remedies r = {t, t->pool, place, apr_array_make(t->pool, 8, sizeof(struct ctl_remedy))};

    for (size_t i = 0; i < sizeof finders / sizeof *finders; i++)
        if (finders[i].reason == t->reason)
            finders[i].find(&r);
    return r.all;
}
