/* issuerdef.c - the options of `issuer add` and `issuer set` -> the definition of an issuer. */
#include "issuerdef.h"

#include <apr_strings.h>

#include "apisec/num.h"
#include "blob.h"
#include "edit.h"
#include "input.h"
#include "ruletext.h"

enum { SECRET_MAX = 1024 };

/* What add takes where no --alg is given: the usual ones of public keys. */
static const enum aps_alg usual_algs[] = {APS_ALG_RS256, APS_ALG_PS256, APS_ALG_ES256,
                                          APS_ALG_ES384, APS_ALG_ES512, APS_ALG_ED25519};

static const char *value_of(const struct ctl *c, enum ctl_opt opt)
{
    return ctl_command_value(&c->call, opt);
}

static bool is_none(const char *value)
{
    return strcmp(value, "none") == 0;
}

/* ---- Lists as texts ---- */

const struct aps_str *ctl_issuerdef_rules(apr_pool_t *pool, const struct aps_claims_policy *claims,
                                          enum aps_claimrule_kind kind, size_t *out_n)
{
    struct aps_str *texts = apr_pcalloc(pool, (claims->nrules + 1) * sizeof *texts);
    size_t n = 0;

    for (size_t i = 0; i < claims->nrules; i++)
        if (claims->rules[i].kind == kind)
            texts[n++] = ctl_ruletext_print_rule(pool, &claims->rules[i]);
    *out_n = n;
    return texts;
}

const struct aps_str *ctl_issuerdef_needs(apr_pool_t *pool, const struct aps_claims_policy *claims)
{
    struct aps_str *texts = apr_pcalloc(pool, (claims->nneeds + 1) * sizeof *texts);

    for (size_t i = 0; i < claims->nneeds; i++)
        texts[i] = ctl_ruletext_print_need(pool, &claims->needs[i]);
    return texts;
}

const struct aps_str *ctl_issuerdef_algs(apr_pool_t *pool, const struct aps_issuer *issuer)
{
    struct aps_str *names = apr_pcalloc(pool, (issuer->jwt.nalgs + 1) * sizeof *names);

    for (size_t i = 0; i < issuer->jwt.nalgs; i++)
        names[i] = aps_str(aps_alg_jose(issuer->jwt.algs[i]));
    return names;
}

/* ---- Reading lists ---- */

static enum aps_err edit(struct ctl *c, struct ctl_edit kind, bool is_new,
                         const struct aps_str **list, size_t *n)
{
    kind.noun = "issuer";
    kind.is_new = is_new;
    return c->call.values[kind.opt] == NULL ? APS_OK : ctl_edit(c, &kind, *list, *n, list, n);
}

static enum aps_err canon_alg(apr_pool_t *pool, struct aps_str word, struct aps_str *out,
                              struct aps_diag *diag)
{
    const char *all = "";

    if (aps_alg_from_jose(word) != APS_ALG_NONE) {
        *out = word;
        return APS_OK;
    }
    for (int i = APS_ALG_NONE + 1; i < APS_ALG_COUNT; i++)
        all = apr_pstrcat(pool, all, i > APS_ALG_NONE + 1 ? ", " : "",
                          aps_alg_jose((enum aps_alg)i), NULL);
    aps_err_explain(diag, "--alg \"%.*s\": want one or more of %s", APS_STR_SHOW(word), all);
    return APS_ERR_FORMAT;
}

static enum aps_err read_algs(struct ctl *c, bool is_new, struct aps_jwt_issuer *jwt)
{
    const struct ctl_edit kind = {.opt = CTL_OPT_ALG, .what = "algorithm", .canon = canon_alg};
    const struct aps_issuer whose = {.jwt = *jwt};
    const struct aps_str *names = ctl_issuerdef_algs(c->pool, &whose);
    enum aps_alg *algs;
    enum aps_err err = edit(c, kind, is_new, &names, &jwt->nalgs);

    if (err != APS_OK)
        return err;
    algs = apr_pcalloc(c->pool, (jwt->nalgs + 1) * sizeof *algs);
    for (size_t i = 0; i < jwt->nalgs; i++)
        algs[i] = aps_alg_from_jose(names[i]);
    jwt->algs = algs;
    return APS_OK;
}

static enum aps_err canon_rule(apr_pool_t *pool, struct aps_str word, enum aps_claimrule_kind kind,
                               struct aps_str *out, struct aps_diag *diag)
{
    struct aps_claimrule rule;
    enum aps_err err = ctl_ruletext_rule(pool, word, kind, &rule, diag);

    if (err == APS_OK)
        *out = ctl_ruletext_print_rule(pool, &rule);
    return err;
}

static enum aps_err canon_role(apr_pool_t *pool, struct aps_str word, struct aps_str *out,
                               struct aps_diag *diag)
{
    return canon_rule(pool, word, APS_CLAIMRULE_ROLE, out, diag);
}

static enum aps_err canon_scope(apr_pool_t *pool, struct aps_str word, struct aps_str *out,
                                struct aps_diag *diag)
{
    return canon_rule(pool, word, APS_CLAIMRULE_SCOPE, out, diag);
}

/* Roles first, then scopes, as they are stored. */
static enum aps_err read_rules(struct ctl *c, bool is_new, struct aps_claims_policy *claims)
{
    const struct ctl_edit kinds[] = {{.opt = CTL_OPT_ROLE_CLAIM,
                                      .what = "rule",
                                      .clears = true,
                                      .whole = true,
                                      .canon = canon_role},
                                     {.opt = CTL_OPT_SCOPE_CLAIM,
                                      .what = "rule",
                                      .clears = true,
                                      .whole = true,
                                      .canon = canon_scope}};
    apr_array_header_t *all = apr_array_make(c->pool, 8, sizeof(struct aps_claimrule));
    enum aps_err err = APS_OK;

    for (int kind = APS_CLAIMRULE_ROLE; kind <= APS_CLAIMRULE_SCOPE && err == APS_OK; kind++) {
        size_t n;
        const struct aps_str *texts =
            ctl_issuerdef_rules(c->pool, claims, (enum aps_claimrule_kind)kind, &n);

        err = edit(c, kinds[kind], is_new, &texts, &n);
        for (size_t i = 0; i < n && err == APS_OK; i++)
            err = ctl_ruletext_rule(c->pool, texts[i], (enum aps_claimrule_kind)kind,
                                    &APR_ARRAY_PUSH(all, struct aps_claimrule), &c->diag);
    }
    if (err != APS_OK)
        return err;
    claims->rules = (struct aps_claimrule *)(void *)all->elts;
    claims->nrules = (size_t)all->nelts;
    return APS_OK;
}

static enum aps_err canon_need(apr_pool_t *pool, struct aps_str word, struct aps_str *out,
                               struct aps_diag *diag)
{
    struct aps_claims_need need;
    enum aps_err err = ctl_ruletext_need(pool, word, &need, diag);

    if (err == APS_OK)
        *out = ctl_ruletext_print_need(pool, &need);
    return err;
}

static enum aps_err read_needs(struct ctl *c, bool is_new, struct aps_claims_policy *claims)
{
    const struct ctl_edit kind = {
        .opt = CTL_OPT_NEED, .what = "claim", .clears = true, .whole = true, .canon = canon_need};
    const struct aps_str *texts = ctl_issuerdef_needs(c->pool, claims);
    struct aps_claims_need *needs;
    enum aps_err err = edit(c, kind, is_new, &texts, &claims->nneeds);

    needs = apr_pcalloc(c->pool, (claims->nneeds + 1) * sizeof *needs);
    for (size_t i = 0; i < claims->nneeds && err == APS_OK; i++)
        err = ctl_ruletext_need(c->pool, texts[i], &needs[i], &c->diag);
    claims->needs = needs;
    return err;
}

static enum aps_err read_lists(struct ctl *c, bool is_new, struct aps_issuer *to)
{
    const struct ctl_edit audiences = {.opt = CTL_OPT_AUDIENCE, .what = "audience", .whole = true};
    const struct ctl_edit hosts = {.opt = CTL_OPT_HOST, .what = "host", .clears = true};
    struct aps_claims_policy *claims = &to->jwt.claims;
    enum aps_err err;

    if ((err = edit(c, audiences, is_new, &claims->audiences, &claims->naudiences)) != APS_OK ||
        (err = edit(c, hosts, is_new, &to->hosts, &to->nhosts)) != APS_OK ||
        (err = read_algs(c, is_new, &to->jwt)) != APS_OK ||
        (err = read_rules(c, is_new, claims)) != APS_OK)
        return err;
    return read_needs(c, is_new, claims);
}

/* ---- Flags and times ---- */

struct flag {
    enum ctl_opt opt;
    bool *to;
};

static enum aps_err take_away(struct ctl *c, const struct flag *flags, size_t n,
                              struct aps_str word)
{
    const char *all = "";

    for (size_t i = 0; i < n; i++) {
        const char *name = ctl_command_options[flags[i].opt].name + 2;

        all = apr_pstrcat(c->pool, all, i > 0 ? ", " : "", name, NULL);
        if (!aps_str_eq(word, aps_str(name)))
            continue;
        if (c->call.values[flags[i].opt] != NULL) {
            aps_err_explain(&c->diag, "--%s and --without %s: want one of them", name, name);
            return APS_ERR_USAGE;
        }
        *flags[i].to = false;
        return APS_OK;
    }
    aps_err_explain(&c->diag, "--without \"%.*s\": want one or more of %s", APS_STR_SHOW(word),
                    all);
    return APS_ERR_FORMAT;
}

static enum aps_err read_flags(struct ctl *c, struct aps_issuer *to)
{
    const struct flag flags[] = {
        {CTL_OPT_PLAIN_TYP, &to->jwt.plain},
        {CTL_OPT_MIXED, &to->jwt.mixed},
        {CTL_OPT_AUD_MAY_MISS, &to->jwt.claims.aud_may_miss},
        {CTL_OPT_PRIVATE, &to->private_net},
        {CTL_OPT_INSECURE_HTTP, &to->insecure_http},
    };
    const size_t n = sizeof flags / sizeof *flags;
    const apr_array_header_t *gone = c->call.values[CTL_OPT_WITHOUT];
    enum aps_err err = APS_OK;

    for (size_t i = 0; i < n; i++)
        *flags[i].to = *flags[i].to || c->call.values[flags[i].opt] != NULL;
    for (int i = 0; gone != NULL && i < gone->nelts; i++) {
        struct aps_str rest = aps_str(APR_ARRAY_IDX(gone, i, const char *));
        struct aps_str word;

        while (err == APS_OK && aps_str_next(&rest, ',', &word))
            err = take_away(c, flags, n, word);
    }
    to->jwt.claims.profile = !to->jwt.plain;
    return err;
}

/* `none` is 0. */
static enum aps_err read_times(struct ctl *c, struct aps_issuer *to)
{
    const struct {
        enum ctl_opt opt;
        aps_nsec *to;
    } times[] = {
        {CTL_OPT_LEEWAY, &to->jwt.claims.leeway},
        {CTL_OPT_MAX_AGE, &to->jwt.claims.max_age},
        {CTL_OPT_MAX_LIFE, &to->jwt.claims.max_life},
        {CTL_OPT_KEYS_TTL, &to->life.ttl},
        {CTL_OPT_KEYS_STALE, &to->life.max_stale},
        {CTL_OPT_FETCH_INTERVAL, &to->life.min_interval},
        {CTL_OPT_ANSWER_TTL, &to->answer_ttl},
    };

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        const char *text = value_of(c, times[i].opt);
        struct aps_diag why = {{0}};

        if (text == NULL)
            continue;
        if (is_none(text) || strcmp(text, "0") == 0) {
            *times[i].to = 0;
        } else if (aps_num_parse_duration(aps_str(text), times[i].to, &why) != APS_OK) {
            aps_err_explain(&c->diag, "%s: %s; or none", ctl_command_options[times[i].opt].name,
                            why.text);
            return APS_ERR_FORMAT;
        }
    }
    return APS_OK;
}

/* ---- Places ---- */

static void read_texts(struct ctl *c, struct aps_issuer *to)
{
    const char *iss = value_of(c, CTL_OPT_ISSUER);
    const char *ca = value_of(c, CTL_OPT_CA);
    const char *introspect = value_of(c, CTL_OPT_INTROSPECT);
    const char *client = value_of(c, CTL_OPT_CLIENT_ID);

    if (iss != NULL)
        to->jwt.claims.iss = aps_str(iss);
    if (ca != NULL)
        to->ca = is_none(ca) ? (struct aps_str){NULL, 0} : aps_str(ca);
    if (client != NULL)
        to->client_id = aps_str(client);
    if (introspect != NULL)
        to->introspect = is_none(introspect) ? (struct aps_str){NULL, 0} : aps_str(introspect);
    if (introspect != NULL && is_none(introspect) && client == NULL)
        to->client_id = (struct aps_str){NULL, 0};
}

/* A URL, a file, or one of two words. */
static enum aps_err read_jwks(struct ctl *c, bool is_new, struct ctl_issuerdef *def)
{
    struct aps_issuer *to = &def->issuer;
    const char *source = value_of(c, CTL_OPT_JWKS);

    if (source == NULL && !is_new)
        return APS_OK;
    to->jwks_url = (struct aps_str){NULL, 0};
    if (source == NULL || strcmp(source, "discover") == 0) {
        to->source = APS_ISSUER_DISCOVER;
    } else if (is_none(source)) {
        to->source = APS_ISSUER_NONE;
    } else if (strstr(source, "://") != NULL) {
        to->source = APS_ISSUER_URL;
        to->jwks_url = aps_str(source);
    } else {
        to->source = APS_ISSUER_STATIC;
        return ctl_blob_read(source, aps_issuer_is_secret(to), "set of keys", APS_JWKS_BYTES_MAX,
                             &def->hold[0], &def->keys, &c->diag);
    }
    return APS_OK;
}

/* Who asks about tokens proves who it is by a secret that nothing but stdin brings (CLI-01). */
static enum aps_err read_secret(struct ctl *c, struct ctl_issuerdef *def)
{
    const char *source = value_of(c, CTL_OPT_JWKS);

    if (value_of(c, CTL_OPT_CLIENT_ID) == NULL || def->issuer.introspect.p == NULL)
        return APS_OK;
    if (source != NULL && strcmp(source, "-") == 0) {
        aps_err_explain(&c->diag, "--jwks - and --client-id: stdin brings the secret of the "
                                  "client; give the keys as a file or a descriptor");
        return APS_ERR_USAGE;
    }
    return ctl_input_secret("secret of the client", SECRET_MAX, &def->hold[1], &def->secret,
                            &c->diag);
}

static bool names_something(const struct ctl *c)
{
    static const enum ctl_opt others[] = {CTL_OPT_DRY_RUN, CTL_OPT_WAIT, CTL_OPT_TIMEOUT};

    for (int i = 0; i < CTL_OPT_COUNT; i++) {
        bool other = ctl_command_options[i].global;

        for (size_t k = 0; k < sizeof others / sizeof *others; k++)
            other = other || i == (int)others[k];
        if (!other && c->call.values[i] != NULL)
            return true;
    }
    return false;
}

static void set_usual(struct ctl *c, struct aps_issuer *to)
{
    aps_issuer_defaults(to);
    to->jwt.algs = usual_algs;
    to->jwt.nalgs = sizeof usual_algs / sizeof *usual_algs;
    to->jwt.claims.rules = &aps_claimrule_scope;
    to->jwt.claims.nrules = 1;
    to->name = aps_str(c->call.arg[0]);
}

enum aps_err ctl_issuerdef_read(struct ctl *c, bool is_new, struct ctl_issuerdef *def)
{
    enum aps_err err;

    if (is_new)
        set_usual(c, &def->issuer);
    if (!names_something(c)) {
        aps_err_explain(&c->diag, "nothing to set; see apisecctl help issuer set");
        return APS_ERR_USAGE;
    }
    read_texts(c, &def->issuer);
    if ((err = read_lists(c, is_new, &def->issuer)) != APS_OK ||
        (err = read_flags(c, &def->issuer)) != APS_OK ||
        (err = read_times(c, &def->issuer)) != APS_OK ||
        (err = read_jwks(c, is_new, def)) != APS_OK)
        return err;
    return read_secret(c, def);
}

void ctl_issuerdef_wipe(struct ctl_issuerdef *def)
{
    for (size_t i = 0; i < sizeof def->hold / sizeof *def->hold; i++)
        aps_secret_wipe(&def->hold[i]);
}
