/* claimrule.c - values of claims -> roles and scopes. */
#include "apisec/claimrule.h"

static const struct aps_str scope_path[] = {{"scope", 5}};
const struct aps_claimrule aps_claimrule_scope = {
    scope_path, 1, APS_CLAIMRULE_SCOPE, {NULL, 0}, {NULL, 0}};

/* One name of a pointer, with ~1 and ~0 undone (RFC 6901 4). */
static bool unescape(apr_pool_t *pool, struct aps_str text, struct aps_str *out)
{
    char *name = apr_palloc(pool, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        name[n++] = text.p[i];
        if (text.p[i] != '~')
            continue;
        if (++i == text.n || (text.p[i] != '0' && text.p[i] != '1'))
            return false;
        name[n - 1] = text.p[i] == '0' ? '~' : '/';
    }
    *out = (struct aps_str){name, n};
    return n != 0;
}

enum aps_err aps_claimrule_path(apr_pool_t *pool, struct aps_str text,
                                const struct aps_str **out_path, size_t *out_n,
                                struct aps_diag *diag)
{
    struct aps_str *path = apr_pcalloc(pool, APS_CLAIMRULE_PATH_MAX * sizeof *path);
    struct aps_str rest = text, word;
    size_t n = 0;
    bool good = text.n != 0;

    if (good && text.p[0] != '/') {
        path[n++] = aps_str_copy(pool, text);
    } else if (good) {
        rest = (struct aps_str){text.p + 1, text.n - 1};
        good = rest.n != 0 && rest.p[rest.n - 1] != '/';
        while (good && aps_str_next(&rest, '/', &word))
            good = n < APS_CLAIMRULE_PATH_MAX && unescape(pool, word, &path[n++]);
    }
    if (!good) {
        aps_err_explain(diag,
                        "claim \"%.*s\": want its name, such as groups, or a JSON Pointer of at "
                        "most %d names, such as /realm_access/roles",
                        APS_STR_SHOW(text), APS_CLAIMRULE_PATH_MAX);
        return APS_ERR_FORMAT;
    }
    *out_path = path;
    *out_n = n;
    return APS_OK;
}

const struct aps_jsonread_node *aps_claimrule_find(const struct aps_jsonread *r,
                                                   const struct aps_jsonread_node *claims,
                                                   const struct aps_str *path, size_t n)
{
    for (size_t i = 0; i < n && claims != NULL; i++)
        claims = aps_jsonread_get(r, claims, path[i]);
    return claims;
}

struct job {
    const struct aps_claimrule *rule;
    apr_pool_t *pool;
    struct aps_claimrule_list *out;
    struct aps_diag *diag;
};

static size_t cap_of(enum aps_claimrule_kind kind)
{
    return kind == APS_CLAIMRULE_ROLE ? APS_CLAIMRULE_ROLES_MAX : APS_CLAIMRULE_SCOPES_MAX;
}

/* scope-token of RFC 6749 3.3. */
static bool is_scope(struct aps_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
            return false;
    return s.n != 0 && s.n <= APS_CLAIMRULE_SCOPE_LEN;
}

static enum aps_token add(struct job *job, struct aps_str item)
{
    if (aps_str_is_in(item, job->out->items, job->out->n))
        return APS_TOKEN_OK;
    if (job->out->n == cap_of(job->rule->kind)) {
        aps_err_explain(job->diag, "more than %zu %s", cap_of(job->rule->kind),
                        job->rule->kind == APS_CLAIMRULE_ROLE ? "roles" : "scopes");
        return APS_TOKEN_MAPPING;
    }
    if (job->out->items == NULL)
        job->out->items = apr_palloc(job->pool, cap_of(job->rule->kind) * sizeof item);
    job->out->items[job->out->n++] = item;
    return APS_TOKEN_OK;
}

static enum aps_token take_value(struct job *job, struct aps_str value)
{
    const struct aps_claimrule *rule = job->rule;

    if (rule->value.p != NULL && !aps_str_eq(rule->value, value))
        return APS_TOKEN_OK;
    if (rule->to.p != NULL)
        return add(job, rule->to);
    if (rule->kind == APS_CLAIMRULE_ROLE) /* what is no name is no role of any store */
        return aps_str_is_name(value) ? add(job, value) : APS_TOKEN_OK;
    if (is_scope(value))
        return add(job, value);
    aps_err_explain(job->diag, "scope \"%.*s\": want 1 to %d printable characters but \" and \\",
                    APS_STR_SHOW(value), APS_CLAIMRULE_SCOPE_LEN);
    return APS_TOKEN_CLAIMS;
}

static enum aps_token take_text(struct job *job, struct aps_str text)
{
    enum aps_token verdict = APS_TOKEN_OK;
    struct aps_str word;

    if (job->rule->kind == APS_CLAIMRULE_ROLE)
        return take_value(job, text);
    while (verdict == APS_TOKEN_OK && aps_str_next(&text, ' ', &word))
        if (word.n != 0)
            verdict = take_value(job, word);
    return verdict;
}

static enum aps_token refuse_type(struct job *job)
{
    const struct aps_str name = job->rule->path[job->rule->npath - 1];

    aps_err_explain(job->diag, "claim \"%.*s\": want a string or an array of strings",
                    APS_STR_SHOW(name));
    return APS_TOKEN_CLAIMS;
}

static enum aps_token apply(struct job *job, const struct aps_jsonread *r,
                            const struct aps_jsonread_node *v)
{
    enum aps_token verdict = APS_TOKEN_OK;
    const struct aps_jsonread_node *item;

    if (v == NULL)
        return APS_TOKEN_OK;
    if (aps_jsonread_kind(v) == APS_JSON_STRING)
        return take_text(job, aps_jsonread_str(r, v));
    if (aps_jsonread_kind(v) != APS_JSON_ARRAY)
        return refuse_type(job);
    for (item = aps_jsonread_first(v); verdict == APS_TOKEN_OK && item < aps_jsonread_end(v);
         item = aps_jsonread_next(item))
        verdict = aps_jsonread_kind(item) == APS_JSON_STRING
                      ? take_value(job, aps_jsonread_str(r, item))
                      : refuse_type(job);
    return verdict;
}

enum aps_token aps_claimrule_apply(const struct aps_claimrule *rules, size_t n,
                                   enum aps_claimrule_kind kind, const struct aps_jsonread *r,
                                   const struct aps_jsonread_node *claims, apr_pool_t *pool,
                                   struct aps_claimrule_list *out, struct aps_diag *diag)
{
    struct job job = {NULL, pool, out, diag};
    enum aps_token verdict = APS_TOKEN_OK;

    *out = (struct aps_claimrule_list){NULL, 0};
    for (size_t i = 0; i < n && verdict == APS_TOKEN_OK; i++) {
        job.rule = &rules[i];
        if (rules[i].kind == kind)
            verdict = apply(&job, r, aps_claimrule_find(r, claims, rules[i].path, rules[i].npath));
    }
    return verdict;
}
