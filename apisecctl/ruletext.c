/* ruletext.c - rules about claims as people write them. */
#include "ruletext.h"

#include <apr_strings.h>

#include "apisec/issuer_record.h"

static const struct aps_str nothing = {NULL, 0};

/* Behind the one `sep` in the text, or false: there is none, or more of them. */
static bool split_at_only(struct aps_str text, char sep, struct aps_str *head, struct aps_str *tail)
{
    const char *at = memchr(text.p, sep, text.n);
    const size_t n = at != NULL ? (size_t)(at - text.p) : 0;

    if (at == NULL || memchr(at + 1, sep, text.n - n - 1) != NULL)
        return false;
    *head = (struct aps_str){text.p, n};
    *tail = (struct aps_str){at + 1, text.n - n - 1};
    return true;
}

/* The same at the last of them. */
static bool split_at_last(struct aps_str text, char sep, struct aps_str *head, struct aps_str *tail)
{
    size_t n = text.n;

    while (n > 0 && text.p[n - 1] != sep)
        n--;
    if (n == 0)
        return false;
    *head = (struct aps_str){text.p, n - 1};
    *tail = (struct aps_str){text.p + n, text.n - n};
    return true;
}

/* A claim in double quotes and what stands behind them. */
static bool split_quoted(struct aps_str text, struct aps_str *claim, struct aps_str *rest)
{
    const char *end = text.n > 1 ? memchr(text.p + 1, '"', text.n - 1) : NULL;

    if (end == NULL)
        return false;
    *claim = (struct aps_str){text.p + 1, (size_t)(end - text.p) - 1};
    *rest = (struct aps_str){end + 1, text.n - claim->n - 2};
    return true;
}

/* CLAIM, or CLAIM:VALUE=TO; `value` and `to` are nothing where there is only a claim. */
static bool split_rule(struct aps_str text, struct aps_str *claim, struct aps_str *value,
                       struct aps_str *to)
{
    struct aps_str head = nothing, rest = nothing;

    *value = *to = nothing;
    if (text.n != 0 && text.p[0] == '"') {
        if (!split_quoted(text, claim, &rest))
            return false;
        return rest.n == 0 ||
               (rest.p[0] == ':' &&
                split_at_last((struct aps_str){rest.p + 1, rest.n - 1}, '=', value, to));
    }
    if (split_at_last(text, '=', &head, to))
        return split_at_only(head, ':', claim, value);
    *claim = text;
    return text.n != 0 && (text.p[0] == '/' || memchr(text.p, ':', text.n) == NULL);
}

enum aps_err ctl_ruletext_rule(apr_pool_t *pool, struct aps_str text, enum aps_claimrule_kind kind,
                               struct aps_claimrule *out, struct aps_diag *diag)
{
    const char *what = kind == APS_CLAIMRULE_ROLE ? "ROLE" : "SCOPE";
    struct aps_claimrule rule = {.kind = kind};
    struct aps_str claim = nothing;
    enum aps_err err;

    if (!split_rule(text, &claim, &rule.value, &rule.to)) {
        aps_err_explain(diag,
                        "rule \"%.*s\": want CLAIM, such as groups, or CLAIM:VALUE=%s; a claim "
                        "stands in double quotes where a colon is in it or in VALUE",
                        APS_STR_SHOW(text), what);
        return APS_ERR_FORMAT;
    }
    if ((err = aps_claimrule_path(pool, claim, &rule.path, &rule.npath, diag)) == APS_OK)
        *out = rule;
    return err;
}

enum aps_err ctl_ruletext_need(apr_pool_t *pool, struct aps_str text, struct aps_claims_need *out,
                               struct aps_diag *diag)
{
    struct aps_claims_need need = {.value = nothing};
    struct aps_str claim = text, rest = nothing;
    bool good = true;
    enum aps_err err;

    if (text.n != 0 && text.p[0] == '"') {
        good = split_quoted(text, &claim, &rest) && (rest.n == 0 || rest.p[0] == '=');
        if (good && rest.n != 0)
            need.value = (struct aps_str){rest.p + 1, rest.n - 1};
    } else if (text.n != 0 && memchr(text.p, '=', text.n) != NULL) {
        rest = text;
        aps_str_next(&rest, '=', &claim);
        need.value = (struct aps_str){claim.p + claim.n + 1, text.n - claim.n - 1};
    }
    if (!good || (need.value.p != NULL && need.value.n == 0)) {
        aps_err_explain(diag,
                        "claim \"%.*s\": want CLAIM, such as email_verified, or CLAIM=VALUE, such "
                        "as tenant=eu",
                        APS_STR_SHOW(text));
        return APS_ERR_FORMAT;
    }
    if ((err = aps_claimrule_path(pool, claim, &need.path, &need.npath, diag)) == APS_OK)
        *out = need;
    return err;
}

/* ---- Printing ---- */

/* In quotes where it would be read otherwise. */
static const char *claim_text(apr_pool_t *pool, const struct aps_str *path, size_t n)
{
    const struct aps_str claim = aps_issuer_record_path(pool, path, n);
    const bool plain = memchr(claim.p, ':', claim.n) == NULL &&
                       memchr(claim.p, '=', claim.n) == NULL && strchr("\"+-", claim.p[0]) == NULL;

    return apr_psprintf(pool, plain ? "%.*s" : "\"%.*s\"", APS_STR_ARG(claim));
}

struct aps_str ctl_ruletext_print_rule(apr_pool_t *pool, const struct aps_claimrule *rule)
{
    const char *claim = claim_text(pool, rule->path, rule->npath);

    if (rule->to.p == NULL && rule->value.p == NULL)
        return aps_str(claim);
    if (rule->value.p != NULL && memchr(rule->value.p, ':', rule->value.n) != NULL &&
        claim[0] != '"')
        claim = apr_pstrcat(pool, "\"", claim, "\"", NULL);
    return aps_str(apr_psprintf(pool, "%s:%.*s=%.*s", claim, APS_STR_ARG(rule->value),
                                APS_STR_ARG(rule->to.p != NULL ? rule->to : rule->value)));
}

struct aps_str ctl_ruletext_print_need(apr_pool_t *pool, const struct aps_claims_need *need)
{
    const char *claim = claim_text(pool, need->path, need->npath);

    return need->value.p == NULL
               ? aps_str(claim)
               : aps_str(apr_psprintf(pool, "%s=%.*s", claim, APS_STR_ARG(need->value)));
}
