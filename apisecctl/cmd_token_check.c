/* cmd_token_check.c - would this server take the token, and if not, which check is it that fails?
 *
 * Only what the checks come to is shown, never the token. */
#include <apr_strings.h>

#include "blob.h"
#include "ctl.h"
#include "tokenjudge.h"

/* The checks before those of the claims, each with the verdicts that are its own. */
static const struct {
    const char *name;
    enum aps_token first, last;
} stages[] = {
    {"form", APS_TOKEN_TOO_LONG, APS_TOKEN_CRITICAL},
    {"issuer", APS_TOKEN_ISSUER, APS_TOKEN_ISSUER},
    {"no key inside", APS_TOKEN_KEY_INSIDE, APS_TOKEN_KEY_INSIDE},
    {"algorithm", APS_TOKEN_ALG, APS_TOKEN_ALG},
    {"key", APS_TOKEN_NO_KEYS, APS_TOKEN_KEY_ALG},
    {"signature", APS_TOKEN_SIGNATURE, APS_TOKEN_SIGNATURE},
    {"type", APS_TOKEN_TYPE, APS_TOKEN_TYPE},
};

static const struct {
    enum aps_token check;
    const char *name;
} claims[] = {
    {APS_TOKEN_CLAIMS, "types of claims"},
    {APS_TOKEN_ISSUER, "iss"},
    {APS_TOKEN_AUDIENCE, "aud"},
    {APS_TOKEN_EXPIRED, "exp"},
    {APS_TOKEN_NOT_YET, "nbf"},
    {APS_TOKEN_FROM_FUTURE, "iat"},
    {APS_TOKEN_TOO_OLD, "age"},
    {APS_TOKEN_TOO_LONG_LIVED, "life"},
    {APS_TOKEN_CLAIM_MISSING, "needed claims"},
    {APS_TOKEN_CONFIRMATION, "cnf"},
    {APS_TOKEN_MAPPING, "roles and scopes"},
};

static void step(struct ctl *c, const char *name, bool good, const char *detail)
{
    ctl_output_row(c->out);
    ctl_output_str(c->out, "check", aps_str(name));
    ctl_output_str(c->out, "result", aps_str(good ? "pass" : "fail"));
    ctl_output_str(c->out, "detail", aps_str(detail));
    ctl_output_end(c->out);
}

/* The verdict's own sentence where there is no other. */
static const char *why(struct ctl *c, enum aps_token verdict, const struct aps_diag *diag)
{
    return apr_pstrdup(c->pool, diag->text[0] != '\0' ? diag->text : aps_token_text(verdict));
}

static const char *claim_name(enum aps_token check)
{
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
        if (claims[i].check == check)
            return claims[i].name;
    return aps_token_word(check);
}

/* What is not said by the row of a check that fails. */
static const char *hint(struct ctl *c, const struct ctl_tokenjudge *j, const char *text)
{
    if (j->verdict != APS_TOKEN_NO_KEYS)
        return text;
    if (j->refused != NULL)
        return apr_pstrcat(c->pool, text, "; ", j->refused, NULL);
    return apr_psprintf(c->pool,
                        "%s; httpd fetches them (--cache names where they are), and apisecctl "
                        "issuer test %.*s tells whether it can",
                        text, APS_STR_ARG(j->issuer->name));
}

/* Up to the first that fails; what comes behind it nobody can tell. */
static bool show_stages(struct ctl *c, const struct ctl_tokenjudge *j)
{
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        const bool own = j->verdict >= stages[i].first && j->verdict <= stages[i].last;
        const bool json = i == 0 && j->verdict == APS_TOKEN_CLAIMS;

        if (!j->signed_by_issuer && (own || json)) {
            step(c, stages[i].name, false, hint(c, j, why(c, j->verdict, &j->diag)));
            return false;
        }
        step(c, stages[i].name, true, NULL);
    }
    return true;
}

static void show_checks(struct ctl *c, const struct ctl_tokenjudge *j)
{
    ctl_output_table(c->out, "steps", "check result detail");
    if (show_stages(c, j)) {
        for (size_t i = 0; i < j->trace.n; i++)
            step(c, claim_name(j->trace.steps[i].check), j->trace.steps[i].verdict == APS_TOKEN_OK,
                 j->trace.steps[i].verdict == APS_TOKEN_OK
                     ? NULL
                     : why(c, j->trace.steps[i].verdict, &j->trace.steps[i].diag));
        if (j->verdict == APS_TOKEN_OK || j->verdict == APS_TOKEN_REVOKED)
            step(c, "not revoked", j->verdict == APS_TOKEN_OK,
                 j->verdict == APS_TOKEN_OK ? NULL : why(c, j->verdict, &j->diag));
    }
    ctl_output_end(c->out);
}

/* Roles that the store has, or those that it has not. */
static void show_roles(struct ctl *c, const char *name, const struct aps_claims *said, bool known)
{
    const struct aps_rolebook *book = aps_snapshot_roles(c->copy);
    struct aps_str *names = apr_pcalloc(c->pool, (said->roles.n + 1) * sizeof *names);
    size_t n = 0;

    for (size_t i = 0; i < said->roles.n; i++)
        if ((aps_rolebook_find(book, said->roles.items[i]) != NULL) == known)
            names[n++] = aps_str_copy(c->pool, said->roles.items[i]);
    ctl_output_list(c->out, name, names, n);
}

/* Who calls by it, as the log and REMOTE_USER have him. */
static void show_caller(struct ctl *c, const struct ctl_tokenjudge *j)
{
    static const struct aps_claims nothing = {.exp = -1};
    const struct aps_claims *said =
        j->trace.n != 0 && j->trace.steps[0].verdict == APS_TOKEN_OK ? &j->jwt.claims : &nothing;
    struct aps_str subject =
        said->is_client && said->client_id.p != NULL ? said->client_id : said->sub;
    const char *id =
        subject.p != NULL
            ? apr_psprintf(c->pool, "%.*s:%.*s", APS_STR_ARG(j->issuer->name), APS_STR_ARG(subject))
            : NULL;

    ctl_output_str(c->out, "id", aps_str(id));
    ctl_output_str(c->out, "caller",
                   aps_str(id == NULL        ? NULL
                           : said->is_client ? "client"
                                             : "user"));
    show_roles(c, "roles", said, true);
    show_roles(c, "unknown_roles", said, false);
    ctl_output_list(c->out, "scopes", said->scopes.items, said->scopes.n);
    ctl_output_str(c->out, "bound_to",
                   aps_str(said->has_jkt   ? "a DPoP key"
                           : said->has_x5t ? "a certificate"
                                           : NULL));
    ctl_output_time(c->out, "expires_at", said->exp > 0 ? said->exp : 0);
}

static void show(struct ctl *c, const struct ctl_tokenjudge *j)
{
    const bool good = j->verdict == APS_TOKEN_OK;

    ctl_output_row(c->out);
    ctl_output_bool(c->out, "accepted", good);
    ctl_output_str(c->out, "reason", aps_str(good ? NULL : aps_token_word(j->verdict)));
    ctl_output_str(c->out, "issuer",
                   j->issuer != NULL ? j->issuer->name : (struct aps_str){NULL, 0});
    ctl_output_time(c->out, "keys_fetched_at", j->fetched);
    show_caller(c, j);
    show_checks(c, j);
    ctl_output_end(c->out);
}

enum aps_err ctl_token_check(struct ctl *c)
{
    struct ctl_tokenjudge *j = apr_pcalloc(c->pool, sizeof *j);
    struct aps_secret hold = {0};
    struct aps_str text;
    enum aps_err err = ctl_blob_stdin("token", 2 * APS_JWS_MAX, &hold, &text, &c->diag);

    if (err == APS_OK && ctl_tokenjudge_is_key(c, text)) {
        aps_err_explain(&c->diag,
                        "this is an API key of the store: want a token; apisecctl explain "
                        "tells what a key may do");
        err = APS_ERR_FORMAT;
    }
    if (err == APS_OK && (err = ctl_tokenjudge(c, text, j)) == APS_OK) {
        show(c, j);
        err = j->verdict == APS_TOKEN_OK ? APS_OK : APS_ERR_CHECK;
    }
    aps_secret_wipe(&hold);
    return err;
}
