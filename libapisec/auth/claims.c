/* claims.c - claims read, and the checks put to them one after the other. */
#include "apisec/claims.h"

#include <stdio.h>

#include "apisec/b64.h"
#include "apisec/jsonnum.h"

#define TIME_MAX ((int64_t)1 << 33) /* seconds: the year 2242, which nanoseconds hold */
#define AMR_MAX 32

struct job {
    const struct aps_jsonread *r;
    const struct aps_jsonread_node *object;
    const struct aps_claims_policy *policy;
    aps_nsec now;
    apr_pool_t *pool;
    struct aps_claims *out;
    struct aps_diag *diag;
};

typedef enum aps_token check_fn(struct job *job);

static const struct aps_jsonread_node *get(const struct job *job, const char *name)
{
    return aps_jsonread_get(job->r, job->object, aps_str(name));
}

static enum aps_token refuse(struct job *job, enum aps_token verdict, const char *fmt, ...)
    APS_PRINTF(3, 4);

static enum aps_token refuse(struct job *job, enum aps_token verdict, const char *fmt, ...)
{
    char text[sizeof job->diag->text];
    va_list args;

    if (job->diag == NULL)
        return verdict;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* cut, if it is too long */
    va_end(args);
    aps_err_explain(job->diag, "%s", text);
    return verdict;
}

/* A string that is not empty; *out has a NULL pointer where there is none. */
static enum aps_token read_text(struct job *job, const char *name, struct aps_str *out)
{
    const struct aps_jsonread_node *v = get(job, name);
    struct aps_str text;

    *out = (struct aps_str){NULL, 0};
    if (v == NULL)
        return APS_TOKEN_OK;
    text = aps_jsonread_kind(v) == APS_JSON_STRING ? aps_jsonread_str(job->r, v) : *out;
    if (text.n == 0 || text.n > APS_CLAIMS_TEXT_MAX)
        return refuse(job, APS_TOKEN_CLAIMS, "claim %s: want a string of 1 to %d bytes", name,
                      APS_CLAIMS_TEXT_MAX);
    *out = text;
    return APS_TOKEN_OK;
}

/* Digits behind a point as nanoseconds; what is less is left out. */
static aps_nsec fraction(struct aps_str digits)
{
    aps_nsec ns = 0;

    for (size_t i = 0; i < 9; i++)
        ns = 10 * ns + (i < digits.n ? digits.p[i] - '0' : 0);
    return ns;
}

/* A NumericDate (RFC 7519 2): an integer in any spelling, or with a fraction and no exponent. */
static bool read_seconds(struct aps_str number, aps_nsec *out)
{
    const char *point = memchr(number.p, '.', number.n);
    struct aps_str whole = number, rest = {NULL, 0};
    int64_t s;

    if (!aps_jsonnum_is_integer(number)) {
        if (point == NULL || memchr(number.p, 'e', number.n) != NULL ||
            memchr(number.p, 'E', number.n) != NULL)
            return false;
        whole.n = (size_t)(point - number.p);
        rest = (struct aps_str){point + 1, number.n - whole.n - 1};
    }
    if (number.p[0] == '-' || !aps_jsonnum_i64(whole, &s) || s < 0 || s > TIME_MAX)
        return false;
    *out = s * APS_SEC + fraction(rest);
    return true;
}

static enum aps_token read_time(struct job *job, const char *name, aps_nsec *out)
{
    const struct aps_jsonread_node *v = get(job, name);

    *out = -1;
    if (v == NULL)
        return APS_TOKEN_OK;
    if (aps_jsonread_kind(v) != APS_JSON_NUMBER || !read_seconds(aps_jsonread_str(job->r, v), out))
        return refuse(job, APS_TOKEN_CLAIMS, "claim %s: want a number of seconds from 0 to 2^33",
                      name);
    return APS_TOKEN_OK;
}

static enum aps_token read_amr(struct job *job)
{
    const struct aps_jsonread_node *amr = get(job, "amr"), *v;
    struct aps_claimrule_list *out = &job->out->amr;

    if (amr == NULL)
        return APS_TOKEN_OK;
    if (aps_jsonread_kind(amr) != APS_JSON_ARRAY || aps_jsonread_count(amr) > AMR_MAX)
        return refuse(job, APS_TOKEN_CLAIMS, "claim amr: want an array of at most %d strings",
                      AMR_MAX);
    out->items = apr_palloc(job->pool, AMR_MAX * sizeof *out->items);
    for (v = aps_jsonread_first(amr); v < aps_jsonread_end(amr); v = aps_jsonread_next(v)) {
        if (aps_jsonread_kind(v) != APS_JSON_STRING)
            return refuse(job, APS_TOKEN_CLAIMS, "claim amr: want an array of strings");
        out->items[out->n++] = aps_jsonread_str(job->r, v);
    }
    return APS_TOKEN_OK;
}

/* client_id is RFC 9068's; azp is what OpenID Connect calls the same party. */
static enum aps_token check_types(struct job *job)
{
    struct aps_claims *c = job->out;
    struct aps_str azp;
    enum aps_token v = APS_TOKEN_OK;

    if ((v = read_text(job, "iss", &c->iss)) != APS_TOKEN_OK ||
        (v = read_text(job, "sub", &c->sub)) != APS_TOKEN_OK ||
        (v = read_text(job, "client_id", &c->client_id)) != APS_TOKEN_OK ||
        (v = read_text(job, "azp", &azp)) != APS_TOKEN_OK ||
        (v = read_text(job, "jti", &c->jti)) != APS_TOKEN_OK ||
        (v = read_text(job, "acr", &c->acr)) != APS_TOKEN_OK ||
        (v = read_time(job, "exp", &c->exp)) != APS_TOKEN_OK ||
        (v = read_time(job, "nbf", &c->nbf)) != APS_TOKEN_OK ||
        (v = read_time(job, "iat", &c->iat)) != APS_TOKEN_OK ||
        (v = read_time(job, "auth_time", &c->auth_time)) != APS_TOKEN_OK ||
        (v = read_amr(job)) != APS_TOKEN_OK)
        return v;
    if (c->client_id.p == NULL && !job->policy->profile)
        c->client_id = azp;
    c->is_client = c->sub.p == NULL || aps_str_eq(c->sub, c->client_id);
    return APS_TOKEN_OK;
}

static enum aps_token check_issuer(struct job *job)
{
    const struct aps_str iss = job->out->iss;

    if (iss.p == NULL && job->policy->answer)
        return APS_TOKEN_OK;
    if (iss.p == NULL || !aps_str_eq(iss, job->policy->iss))
        return refuse(job, APS_TOKEN_ISSUER, "iss \"%.*s\": want \"%.*s\"", APS_STR_SHOW(iss),
                      APS_STR_SHOW(job->policy->iss));
    return APS_TOKEN_OK;
}

static bool is_audience(const struct job *job, struct aps_str text)
{
    return aps_str_is_in(text, job->policy->audiences, job->policy->naudiences);
}

/* One string, or an array of nothing else (RFC 7519 4.1.3). */
static enum aps_token check_audience(struct job *job)
{
    const struct aps_jsonread_node *aud = get(job, "aud"), *v;
    bool found = false;

    if (aud == NULL && job->policy->answer && job->policy->aud_may_miss)
        return APS_TOKEN_OK;
    if (aud == NULL)
        return refuse(job, APS_TOKEN_AUDIENCE, "aud is missing");
    if (aps_jsonread_kind(aud) == APS_JSON_STRING)
        found = is_audience(job, aps_jsonread_str(job->r, aud));
    else if (aps_jsonread_kind(aud) == APS_JSON_ARRAY)
        for (v = aps_jsonread_first(aud); v < aps_jsonread_end(aud); v = aps_jsonread_next(v)) {
            if (aps_jsonread_kind(v) != APS_JSON_STRING)
                return refuse(job, APS_TOKEN_AUDIENCE, "aud: want a string or an array of strings");
            found = found || is_audience(job, aps_jsonread_str(job->r, v));
        }
    if (!found)
        return refuse(job, APS_TOKEN_AUDIENCE, "aud %.*s: want \"%.*s\"",
                      APS_STR_SHOW(aps_jsonread_raw(job->r, aud)),
                      APS_STR_SHOW(job->policy->audiences[0]));
    return APS_TOKEN_OK;
}

static enum aps_token check_expired(struct job *job)
{
    if (job->out->exp < 0 && job->policy->answer)
        return APS_TOKEN_OK;
    if (job->out->exp < 0)
        return refuse(job, APS_TOKEN_CLAIM_MISSING, "exp is missing");
    if (job->now >= job->out->exp + job->policy->leeway)
        return refuse(job, APS_TOKEN_EXPIRED, "exp is %lld s ago",
                      (long long)((job->now - job->out->exp) / APS_SEC));
    return APS_TOKEN_OK;
}

static enum aps_token check_not_yet(struct job *job)
{
    if (job->out->nbf > job->now + job->policy->leeway)
        return refuse(job, APS_TOKEN_NOT_YET, "nbf is %lld s ahead",
                      (long long)((job->out->nbf - job->now) / APS_SEC));
    return APS_TOKEN_OK;
}

static enum aps_token check_future(struct job *job)
{
    if (job->out->iat > job->now + job->policy->leeway)
        return refuse(job, APS_TOKEN_FROM_FUTURE, "iat is %lld s ahead",
                      (long long)((job->out->iat - job->now) / APS_SEC));
    return APS_TOKEN_OK;
}

static enum aps_token check_age(struct job *job)
{
    const aps_nsec max = job->policy->max_age, age = job->now - job->out->iat;

    if (max == 0)
        return APS_TOKEN_OK;
    if (job->out->iat < 0)
        return refuse(job, APS_TOKEN_CLAIM_MISSING, "iat is missing");
    if (age > max + job->policy->leeway)
        return refuse(job, APS_TOKEN_TOO_OLD, "iat is %lld s ago: want at most %lld",
                      (long long)(age / APS_SEC), (long long)(max / APS_SEC));
    return APS_TOKEN_OK;
}

static enum aps_token check_life(struct job *job)
{
    const aps_nsec max = job->policy->max_life;
    const aps_nsec from = job->out->iat >= 0 ? job->out->iat : job->now;

    if (max != 0 && job->out->exp >= 0 && job->out->exp - from > max)
        return refuse(job, APS_TOKEN_TOO_LONG_LIVED, "good for %lld s: want at most %lld",
                      (long long)((job->out->exp - from) / APS_SEC), (long long)(max / APS_SEC));
    return APS_TOKEN_OK;
}

static bool holds(const struct job *job, const struct aps_jsonread_node *v, struct aps_str want)
{
    if (aps_jsonread_kind(v) == APS_JSON_STRING)
        return aps_str_eq(aps_jsonread_str(job->r, v), want);
    if (aps_jsonread_kind(v) == APS_JSON_ARRAY)
        for (const struct aps_jsonread_node *i = aps_jsonread_first(v); i < aps_jsonread_end(v);
             i = aps_jsonread_next(i))
            if (aps_jsonread_kind(i) == APS_JSON_STRING &&
                aps_str_eq(aps_jsonread_str(job->r, i), want))
                return true;
    return false;
}

static enum aps_token check_needs(struct job *job)
{
    for (size_t i = 0; i < job->policy->nneeds; i++) {
        const struct aps_claims_need *need = &job->policy->needs[i];
        const struct aps_jsonread_node *v =
            aps_claimrule_find(job->r, job->object, need->path, need->npath);

        if (v == NULL || aps_jsonread_kind(v) == APS_JSON_NULL ||
            (need->value.p != NULL && !holds(job, v, need->value)))
            return refuse(job, APS_TOKEN_CLAIM_MISSING, "claim \"%.*s\" is missing or not \"%.*s\"",
                          APS_STR_SHOW(need->path[need->npath - 1]), APS_STR_SHOW(need->value));
    }
    return APS_TOKEN_OK;
}

/* A caller without a name is nobody; exp and aud have checks of their own. */
static enum aps_token check_required(struct job *job)
{
    const struct aps_claims *c = job->out;

    if (c->sub.p == NULL && (c->client_id.p == NULL || job->policy->profile))
        return refuse(job, APS_TOKEN_CLAIM_MISSING, "sub is missing");
    if (job->policy->profile && c->client_id.p == NULL)
        return refuse(job, APS_TOKEN_CLAIM_MISSING, "client_id is missing (RFC 9068)");
    if (job->policy->profile && c->iat < 0)
        return refuse(job, APS_TOKEN_CLAIM_MISSING, "iat is missing (RFC 9068)");
    if (job->policy->profile && c->jti.p == NULL)
        return refuse(job, APS_TOKEN_CLAIM_MISSING, "jti is missing (RFC 9068)");
    return check_needs(job);
}

/* A member of cnf that is SHA-256 in base64url.  One that cannot be checked here refuses, since the
 * issuer meant the token for its owner alone. */
static enum aps_token read_print(struct job *job, const struct aps_jsonread_node *cnf,
                                 struct aps_str name, bool checked, uint8_t out[APS_DIGEST_LEN],
                                 bool *out_has)
{
    const struct aps_jsonread_node *v = aps_jsonread_get(job->r, cnf, name);
    uint8_t bytes[APS_B64_DECODED_MAX(43)];
    size_t n = 0;

    if (v == NULL)
        return APS_TOKEN_OK;
    if (aps_jsonread_kind(v) != APS_JSON_STRING || aps_jsonread_str(job->r, v).n != 43 ||
        !aps_b64_url_decode(aps_jsonread_str(job->r, v), bytes, &n) || n != APS_DIGEST_LEN)
        return refuse(job, APS_TOKEN_CLAIMS, "cnf.%.*s: want SHA-256 in base64url",
                      APS_STR_SHOW(name));
    if (!checked)
        return refuse(job, APS_TOKEN_CONFIRMATION, "cnf.%.*s is not checked here",
                      APS_STR_SHOW(name));
    memcpy(out, bytes, n);
    *out_has = true;
    return APS_TOKEN_OK;
}

/* JWT-27 */
static enum aps_token check_confirmation(struct job *job)
{
    const struct aps_jsonread_node *cnf = get(job, "cnf");
    struct aps_claims *c = job->out;
    enum aps_token v = APS_TOKEN_OK;

    if (cnf == NULL)
        return APS_TOKEN_OK;
    if (aps_jsonread_kind(cnf) != APS_JSON_OBJECT)
        return refuse(job, APS_TOKEN_CLAIMS, "claim cnf: want an object");
    if ((v = read_print(job, cnf, APS_STR_LIT("jkt"), job->policy->checks_jkt, c->jkt,
                        &c->has_jkt)) != APS_TOKEN_OK ||
        (v = read_print(job, cnf, APS_STR_LIT("x5t#S256"), job->policy->checks_x5t, c->x5t,
                        &c->has_x5t)) != APS_TOKEN_OK)
        return v;
    if (!c->has_jkt && !c->has_x5t)
        return refuse(job, APS_TOKEN_CONFIRMATION, "cnf has none of the members that are checked");
    return APS_TOKEN_OK;
}

static enum aps_token check_mapping(struct job *job)
{
    const struct aps_claims_policy *p = job->policy;
    enum aps_token verdict =
        aps_claimrule_apply(p->rules, p->nrules, APS_CLAIMRULE_ROLE, job->r, job->object, job->pool,
                            &job->out->roles, job->diag);

    if (verdict != APS_TOKEN_OK)
        return verdict;
    return aps_claimrule_apply(p->rules, p->nrules, APS_CLAIMRULE_SCOPE, job->r, job->object,
                               job->pool, &job->out->scopes, job->diag);
}

/* In the order of token.def, but that all types are looked at first. */
static const struct {
    enum aps_token check;
    check_fn *fn;
} checks[] = {
    {APS_TOKEN_CLAIMS, check_types},
    {APS_TOKEN_ISSUER, check_issuer},
    {APS_TOKEN_AUDIENCE, check_audience},
    {APS_TOKEN_EXPIRED, check_expired},
    {APS_TOKEN_NOT_YET, check_not_yet},
    {APS_TOKEN_FROM_FUTURE, check_future},
    {APS_TOKEN_TOO_OLD, check_age},
    {APS_TOKEN_TOO_LONG_LIVED, check_life},
    {APS_TOKEN_CLAIM_MISSING, check_required},
    {APS_TOKEN_CONFIRMATION, check_confirmation},
    {APS_TOKEN_MAPPING, check_mapping},
};

#define CHECKS (sizeof checks / sizeof *checks)

_Static_assert(CHECKS <= sizeof((struct aps_claims_trace *)0)->steps /
                             sizeof *((struct aps_claims_trace *)0)->steps,
               "a trace has room for every check");

static enum aps_token run(struct job *job, struct aps_claims_trace *trace, struct aps_diag *diag)
{
    enum aps_token verdict = APS_TOKEN_OK, one;

    job->diag = diag;
    for (size_t i = 0; i < CHECKS && (trace != NULL || verdict == APS_TOKEN_OK); i++) {
        if (trace != NULL) {
            job->diag = &trace->steps[i].diag;
            job->diag->text[0] = '\0';
        }
        one = checks[i].fn(job);
        if (trace != NULL) {
            trace->steps[i].check = checks[i].check;
            trace->steps[i].verdict = one;
            trace->n = i + 1;
            if (one != APS_TOKEN_OK && verdict == APS_TOKEN_OK)
                aps_err_explain(diag, "%s", job->diag->text);
        }
        if (verdict == APS_TOKEN_OK)
            verdict = one;
    }
    return verdict;
}

enum aps_token aps_claims(const struct aps_jsonread *r, const struct aps_jsonread_node *object,
                          const struct aps_claims_policy *policy, aps_nsec now, apr_pool_t *pool,
                          struct aps_claims *out, struct aps_claims_trace *trace,
                          struct aps_diag *diag)
{
    struct job job = {r, object, policy, now, pool, out, diag};

    *out = (struct aps_claims){.exp = -1, .nbf = -1, .iat = -1, .auth_time = -1};
    if (trace != NULL)
        trace->n = 0;
    if (object == NULL || aps_jsonread_kind(object) != APS_JSON_OBJECT)
        return refuse(&job, APS_TOKEN_CLAIMS, "the claims are no JSON object");
    return run(&job, trace, diag);
}

enum aps_err aps_claims_policy_check(const struct aps_claims_policy *policy, struct aps_diag *diag)
{
    if (policy->iss.n == 0)
        aps_err_explain(diag, "an issuer without its name: want the iss of its tokens");
    else if (policy->naudiences == 0)
        aps_err_explain(diag,
                        "issuer \"%.*s\" without an audience: want the aud that its tokens "
                        "have for this resource",
                        APS_STR_SHOW(policy->iss));
    else if (policy->leeway < 0 || policy->leeway > APS_CLAIMS_LEEWAY_MAX)
        aps_err_explain(diag, "issuer \"%.*s\", leeway of %lld s: want 0 to 120 s",
                        APS_STR_SHOW(policy->iss), (long long)(policy->leeway / APS_SEC));
    else if (policy->max_age < 0 || policy->max_life < 0)
        aps_err_explain(diag, "issuer \"%.*s\", a negative age or life", APS_STR_SHOW(policy->iss));
    else
        return APS_OK;
    return APS_ERR_RANGE;
}

bool aps_claims_has_scopes(const struct aps_claims *claims, const struct aps_str *scopes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!aps_str_is_in(scopes[i], claims->scopes.items, claims->scopes.n))
            return false;
    return true;
}

enum aps_token aps_claims_login(const struct aps_claims *claims,
                                const struct aps_claims_login *login, aps_nsec leeway, aps_nsec now)
{
    if (login->nacr != 0 &&
        (claims->acr.p == NULL || !aps_str_is_in(claims->acr, login->acr, login->nacr)))
        return APS_TOKEN_STEP_UP;
    for (size_t i = 0; i < login->namr; i++)
        if (!aps_str_is_in(login->amr[i], claims->amr.items, claims->amr.n))
            return APS_TOKEN_STEP_UP;
    if (login->max_age != 0 && (claims->auth_time < 0 || claims->auth_time > now + leeway ||
                                now - claims->auth_time > login->max_age + leeway))
        return APS_TOKEN_STEP_UP;
    return APS_TOKEN_OK;
}

aps_nsec aps_claims_until(const struct aps_claims *claims, aps_nsec ttl, aps_nsec now)
{
    return claims->exp >= 0 && claims->exp - now < ttl ? claims->exp : now + ttl;
}

enum aps_err aps_claims_id(struct aps_str iss, struct aps_str jti, uint8_t out[APS_DIGEST_LEN])
{
    struct aps_digest_run *run = NULL;
    const struct aps_str parts[] = {iss, jti};
    enum aps_err err = aps_digest_begin(&run);

    if (err != APS_OK)
        return err;
    for (size_t i = 0; i < 2; i++) {
        uint8_t len[4] = {(uint8_t)(parts[i].n >> 24), (uint8_t)(parts[i].n >> 16),
                          (uint8_t)(parts[i].n >> 8), (uint8_t)parts[i].n};

        aps_digest_add(run, len, sizeof len);
        aps_digest_add(run, parts[i].p, parts[i].n);
    }
    return aps_digest_end(run, out);
}
