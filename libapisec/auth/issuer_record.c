/* issuer_record.c - a definition -> its canonical text -> the definition. */
#include "apisec/issuer_record.h"

#include "apisec/recordtext.h"

/* ---- paths ---- */

static bool is_bare(const struct aps_str *path, size_t n)
{
    return n == 1 && path[0].p[0] != '/';
}

struct aps_str aps_issuer_record_path(apr_pool_t *pool, const struct aps_str *path, size_t n)
{
    size_t max = 1, at = 0;
    char *text;

    if (is_bare(path, n))
        return aps_str_copy(pool, path[0]);
    for (size_t i = 0; i < n; i++)
        max += 1 + 2 * path[i].n;
    text = apr_palloc(pool, max);
    for (size_t i = 0; i < n; i++) {
        text[at++] = '/';
        for (size_t k = 0; k < path[i].n; k++) {
            const char c = path[i].p[k];

            if (c == '~' || c == '/') {
                text[at++] = '~';
                text[at++] = c == '~' ? '0' : '1';
            } else {
                text[at++] = c;
            }
        }
    }
    text[at] = '\0';
    return (struct aps_str){text, at};
}

/* ---- writing ---- */

static void put_rules(struct aps_json *w, apr_pool_t *pool, const char *name,
                      const struct aps_issuer *issuer, enum aps_claimrule_kind kind)
{
    const struct aps_claims_policy *claims = &issuer->jwt.claims;
    bool begun = false;

    for (size_t i = 0; i < claims->nrules; i++) {
        const struct aps_claimrule *rule = &claims->rules[i];

        if (rule->kind != kind)
            continue;
        if (!begun) {
            aps_json_name_n(w, name, strlen(name));
            aps_json_array(w);
        }
        begun = true;
        aps_json_object(w);
        aps_recordtext_put(w, "claim", aps_issuer_record_path(pool, rule->path, rule->npath));
        aps_recordtext_put(w, "value", rule->value);
        aps_recordtext_put(w, "to", rule->to);
        aps_json_end(w);
    }
    if (begun)
        aps_json_end(w);
}

static void put_needs(struct aps_json *w, apr_pool_t *pool, const struct aps_claims_policy *claims)
{
    if (claims->nneeds == 0)
        return;
    aps_json_name(w, "needs");
    aps_json_array(w);
    for (size_t i = 0; i < claims->nneeds; i++) {
        const struct aps_claims_need *need = &claims->needs[i];

        aps_json_object(w);
        aps_recordtext_put(w, "claim", aps_issuer_record_path(pool, need->path, need->npath));
        aps_recordtext_put(w, "value", need->value);
        aps_json_end(w);
    }
    aps_json_end(w);
}

static void put_algs(struct aps_json *w, const struct aps_jwt_issuer *jwt)
{
    aps_json_name(w, "algs");
    aps_json_array(w);
    for (size_t i = 0; i < jwt->nalgs; i++)
        aps_json_str(w, aps_str(aps_alg_jose(jwt->algs[i])));
    aps_json_end(w);
}

static void put_claims(struct aps_json *w, apr_pool_t *pool, const struct aps_issuer *issuer)
{
    const struct aps_claims_policy *claims = &issuer->jwt.claims;

    put_algs(w, &issuer->jwt);
    aps_recordtext_put_flag(w, "mixed", issuer->jwt.mixed);
    aps_recordtext_put_flag(w, "plain_typ", issuer->jwt.plain);
    aps_json_put_u64(w, "leeway", (uint64_t)(claims->leeway / APS_SEC));
    aps_recordtext_put_secs(w, "max_age", claims->max_age);
    aps_recordtext_put_secs(w, "max_life", claims->max_life);
    put_needs(w, pool, claims);
    put_rules(w, pool, "roles", issuer, APS_CLAIMRULE_ROLE);
    put_rules(w, pool, "scopes", issuer, APS_CLAIMRULE_SCOPE);
}

static void put_places(struct aps_json *w, const struct aps_issuer *issuer)
{
    aps_json_put_str(w, "keys", aps_issuer_source_name(issuer->source));
    aps_recordtext_put(w, "jwks", issuer->jwks_url);
    aps_recordtext_put_list(w, "hosts", issuer->hosts, issuer->nhosts);
    aps_json_put_u64(w, "ttl", (uint64_t)(issuer->life.ttl / APS_SEC));
    aps_json_put_u64(w, "max_stale", (uint64_t)(issuer->life.max_stale / APS_SEC));
    aps_json_put_u64(w, "interval", (uint64_t)(issuer->life.min_interval / APS_SEC));
    aps_recordtext_put(w, "introspect", issuer->introspect);
    aps_recordtext_put(w, "client_id", issuer->client_id);
    aps_recordtext_put_flag(w, "aud_may_miss", issuer->jwt.claims.aud_may_miss);
    aps_json_put_u64(w, "answer_ttl", (uint64_t)(issuer->answer_ttl / APS_SEC));
    aps_recordtext_put_flag(w, "private", issuer->private_net);
    aps_recordtext_put_flag(w, "insecure_http", issuer->insecure_http);
    aps_recordtext_put(w, "ca", issuer->ca);
}

void aps_issuer_record_members(struct aps_json *w, apr_pool_t *pool,
                               const struct aps_issuer *issuer)
{
    aps_recordtext_put(w, "issuer", issuer->jwt.claims.iss);
    aps_recordtext_put_list(w, "audiences", issuer->jwt.claims.audiences,
                            issuer->jwt.claims.naudiences);
    put_claims(w, pool, issuer);
    put_places(w, issuer);
}

struct aps_str aps_issuer_record_print(apr_pool_t *pool, const struct aps_issuer *issuer)
{
    struct aps_json w;

    aps_json_init_pool(&w, pool, 0);
    aps_json_object(&w);
    aps_issuer_record_members(&w, pool, issuer);
    aps_json_end(&w);
    return aps_json_text(&w);
}

/* ---- reading ---- */

static void read_algs(struct aps_recordtext *t, struct aps_jwt_issuer *out)
{
    const struct aps_str *names = NULL;
    enum aps_alg *algs;

    aps_recordtext_list(t, "algs", &names, &out->nalgs);
    algs = apr_pcalloc(t->pool, (out->nalgs + 1) * sizeof *algs);
    for (size_t i = 0; i < out->nalgs; i++)
        if ((algs[i] = aps_alg_from_jose(names[i])) == APS_ALG_NONE)
            aps_recordtext_fail(t);
    out->algs = algs;
}

static void read_path(struct aps_recordtext *t, const struct aps_str **out, size_t *out_n)
{
    struct aps_str text = {NULL, 0};

    aps_recordtext_str(t, "claim", &text);
    if (aps_claimrule_path(t->pool, text, out, out_n, NULL) != APS_OK)
        aps_recordtext_fail(t);
}

/* Objects of an array, one after the other, as `read` takes each. */
static size_t read_each(struct aps_recordtext *t, const char *name, size_t size, void **out,
                        void (*read)(struct aps_recordtext *t, void *to))
{
    const struct aps_jsonread_node *list = aps_recordtext_array(t, name);
    const struct aps_jsonread_node *object = t->object;
    const uint32_t left = t->left;
    size_t n = list != NULL ? aps_jsonread_count(list) : 0, i = 0;
    char *items = apr_pcalloc(t->pool, (n + 1) * size);

    if (list == NULL)
        return 0;
    for (const struct aps_jsonread_node *v = aps_jsonread_first(list); v < aps_jsonread_end(list);
         v = aps_jsonread_next(v)) {
        aps_recordtext_enter(t, v);
        read(t, items + i++ * size);
        aps_recordtext_leave(t);
    }
    t->object = object;
    t->left = left;
    *out = items;
    return n;
}

static void read_need(struct aps_recordtext *t, void *to)
{
    struct aps_claims_need *need = to;

    read_path(t, &need->path, &need->npath);
    aps_recordtext_str(t, "value", &need->value);
}

static void read_rule(struct aps_recordtext *t, void *to)
{
    struct aps_claimrule *rule = to;

    read_path(t, &rule->path, &rule->npath);
    aps_recordtext_str(t, "value", &rule->value);
    aps_recordtext_str(t, "to", &rule->to);
}

/* Roles, then scopes, in one list. */
static void read_rules(struct aps_recordtext *t, struct aps_claims_policy *claims)
{
    void *roles = NULL, *scopes = NULL;
    const size_t nroles = read_each(t, "roles", sizeof(struct aps_claimrule), &roles, read_rule);
    const size_t nscopes = read_each(t, "scopes", sizeof(struct aps_claimrule), &scopes, read_rule);
    struct aps_claimrule *all = apr_pcalloc(t->pool, (nroles + nscopes + 1) * sizeof *all);

    if (nroles != 0)
        memcpy(all, roles, nroles * sizeof *all);
    if (nscopes != 0)
        memcpy(all + nroles, scopes, nscopes * sizeof *all);
    for (size_t i = 0; i < nroles + nscopes; i++)
        all[i].kind = i < nroles ? APS_CLAIMRULE_ROLE : APS_CLAIMRULE_SCOPE;
    claims->rules = all;
    claims->nrules = nroles + nscopes;
}

static void read_claims(struct aps_recordtext *t, struct aps_issuer *out)
{
    struct aps_claims_policy *claims = &out->jwt.claims;
    void *needs = NULL;

    read_algs(t, &out->jwt);
    aps_recordtext_flag(t, "mixed", &out->jwt.mixed);
    aps_recordtext_flag(t, "plain_typ", &out->jwt.plain);
    claims->profile = !out->jwt.plain;
    aps_recordtext_secs(t, "leeway", &claims->leeway);
    aps_recordtext_secs(t, "max_age", &claims->max_age);
    aps_recordtext_secs(t, "max_life", &claims->max_life);
    claims->nneeds = read_each(t, "needs", sizeof *claims->needs, &needs, read_need);
    claims->needs = needs;
    read_rules(t, claims);
}

static void read_source(struct aps_recordtext *t, struct aps_issuer *out)
{
    struct aps_str name = {NULL, 0};

    aps_recordtext_str(t, "keys", &name);
    for (int i = APS_ISSUER_STATIC; i <= APS_ISSUER_NONE; i++)
        if (aps_str_eq(name, aps_str(aps_issuer_source_name((enum aps_issuer_source)i)))) {
            out->source = (enum aps_issuer_source)i;
            return;
        }
    aps_recordtext_fail(t);
}

static void read_places(struct aps_recordtext *t, struct aps_issuer *out)
{
    read_source(t, out);
    aps_recordtext_str(t, "jwks", &out->jwks_url);
    aps_recordtext_list(t, "hosts", &out->hosts, &out->nhosts);
    aps_recordtext_secs(t, "ttl", &out->life.ttl);
    aps_recordtext_secs(t, "max_stale", &out->life.max_stale);
    aps_recordtext_secs(t, "interval", &out->life.min_interval);
    aps_recordtext_str(t, "introspect", &out->introspect);
    aps_recordtext_str(t, "client_id", &out->client_id);
    aps_recordtext_flag(t, "aud_may_miss", &out->jwt.claims.aud_may_miss);
    aps_recordtext_secs(t, "answer_ttl", &out->answer_ttl);
    aps_recordtext_flag(t, "private", &out->private_net);
    aps_recordtext_flag(t, "insecure_http", &out->insecure_http);
    aps_recordtext_str(t, "ca", &out->ca);
}

enum aps_err aps_issuer_record_read(struct aps_str record, apr_pool_t *pool, struct aps_issuer *out,
                                    struct aps_diag *diag)
{
    struct aps_recordtext t;
    struct aps_issuer issuer;
    enum aps_err err;

    aps_issuer_defaults(&issuer);
    aps_recordtext_begin(&t, record, pool);
    aps_recordtext_str(&t, "issuer", &issuer.jwt.claims.iss);
    aps_recordtext_list(&t, "audiences", &issuer.jwt.claims.audiences,
                        &issuer.jwt.claims.naudiences);
    read_claims(&t, &issuer);
    read_places(&t, &issuer);
    if ((err = aps_recordtext_end(&t, "issuer", diag)) == APS_OK)
        *out = issuer;
    return err;
}
