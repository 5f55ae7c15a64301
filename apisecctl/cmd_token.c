/* cmd_token.c - single tokens that are revoked (JWT-20).
 *
 * A token with iss and jti is known by those, any other by its text.  When its end is not known for
 * sure it stays revoked for good: who brings a token that nobody could verify may say what he likes
 * about when it ends. */
#include <apr_escape.h>
#include <apr_strings.h>

#include "apisec/gone.h"
#include "apisec/num.h"
#include "blob.h"
#include "ctl.h"
#include "tokenjudge.h"

struct gone {
    struct aps_store_token token;
    struct aps_str jti;   /* .p is NULL: it is known by its text */
    const char *verified; /* "yes" or "no"; NULL: there is no text */
};

/* ---- What is revoked ---- */

static enum aps_err read_until(struct ctl *c, struct gone *gone)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_EXPIRES);
    enum aps_err err;

    if (text == NULL)
        return APS_OK;
    if ((err = aps_num_parse_time(aps_str(text), c->now, &gone->token.until, &c->diag)) == APS_OK &&
        gone->token.until <= c->now) {
        aps_err_explain(&c->diag, "--expires \"%s\": want a time ahead of now", text);
        err = APS_ERR_RANGE;
    }
    return err;
}

static enum aps_err by_jti(struct ctl *c, struct gone *gone, const char *jti)
{
    const char *name = ctl_command_value(&c->call, CTL_OPT_ISSUER);
    struct aps_store_issuer issuer;
    enum aps_err err;

    if (name == NULL) {
        aps_err_explain(&c->diag, "--jti and --issuer NAME go together: a jti is one of its issuer "
                                  "alone");
        return APS_ERR_USAGE;
    }
    gone->jti = aps_str(jti);
    if (gone->jti.n == 0 || gone->jti.n > APS_CLAIMS_TEXT_MAX) {
        aps_err_explain(&c->diag, "--jti: want 1 to %d bytes", APS_CLAIMS_TEXT_MAX);
        return APS_ERR_RANGE;
    }
    if ((err = aps_store_issuer_get(c->store, aps_str(name), c->pool, &issuer, &c->diag)) != APS_OK)
        return err;
    gone->token.issuer = issuer.def.name;
    return aps_gone_jti(issuer.def.jwt.claims.iss, gone->jti, gone->token.hash);
}

/* iss and jti as the token says, whether that is true or not. */
static struct aps_str said(const struct ctl_tokenjudge *j, const char *name)
{
    const struct aps_jsonread_node *v =
        aps_jsonread_get(&j->jwt.reader, aps_jsonread_root(&j->jwt.reader), aps_str(name));

    if (v == NULL || aps_jsonread_kind(v) != APS_JSON_STRING)
        return (struct aps_str){NULL, 0};
    return aps_jsonread_str(&j->jwt.reader, v);
}

/* Until when it is kept: no leeway that an issuer may get reaches further. */
static enum aps_err end_of(struct ctl *c, const struct ctl_tokenjudge *j, struct gone *gone)
{
    char text[APS_NUM_TIME_MAX];
    const aps_nsec end = j->jwt.claims.exp + APS_CLAIMS_LEEWAY_MAX;

    if (j->jwt.claims.exp < 0 || gone->token.until != 0)
        return APS_OK;
    if (end <= c->now) {
        aps_err_explain(&c->diag, "the token ended by itself at %s: there is nothing to revoke",
                        aps_num_print_time(j->jwt.claims.exp, false, text));
        return APS_ERR_CONFLICT;
    }
    gone->token.until = end;
    return APS_OK;
}

static enum aps_err by_token(struct ctl *c, struct gone *gone, struct aps_str text)
{
    struct ctl_tokenjudge *j = apr_pcalloc(c->pool, sizeof *j);
    struct aps_str jti;
    enum aps_err err;

    if (ctl_tokenjudge_is_key(c, text)) {
        aps_err_explain(&c->diag,
                        "this is an API key: apisecctl key leaked finds it, and apisecctl "
                        "key revoke stops it");
        return APS_ERR_FORMAT;
    }
    if ((err = ctl_tokenjudge(c, text, j)) != APS_OK)
        return err;
    gone->verified = j->signed_by_issuer ? "yes" : "no";
    if (j->issuer == NULL)
        return aps_gone_token(text, gone->token.hash);
    gone->token.issuer = j->issuer->name;
    if (j->signed_by_issuer && (err = end_of(c, j, gone)) != APS_OK)
        return err;
    jti = said(j, "jti");
    if (jti.n == 0 || jti.n > APS_CLAIMS_TEXT_MAX)
        return aps_gone_token(text, gone->token.hash);
    gone->jti = aps_str_copy(c->pool, jti);
    return aps_gone_jti(j->issuer->jwt.claims.iss, gone->jti, gone->token.hash);
}

/* The copy tells how httpd reads the token. */
static enum aps_err by_stdin(struct ctl *c, struct gone *gone)
{
    const char *name = ctl_command_value(&c->call, CTL_OPT_ISSUER);
    struct aps_store_issuer issuer;
    struct aps_secret hold = {0};
    struct aps_str text;
    enum aps_err err = APS_OK;

    if (name != NULL) {
        err = aps_store_issuer_get(c->store, aps_str(name), c->pool, &issuer, &c->diag);
        if (err == APS_OK)
            gone->token.issuer = issuer.def.name;
    }
    if (err == APS_OK)
        err = ctl_place_copy(&c->place, &c->master, &c->copy, &c->diag);
    if (err == APS_OK)
        err = ctl_blob_stdin("token", APS_JWS_MAX, &hold, &text, &c->diag);
    if (err == APS_OK)
        err = by_token(c, gone, text);
    gone->token.issuer = aps_str_copy(c->pool, gone->token.issuer);
    aps_secret_wipe(&hold);
    return err;
}

static const char *hex_of(struct ctl *c, const uint8_t hash[APS_DIGEST_LEN])
{
    return apr_pescape_hex(c->pool, hash, APS_DIGEST_LEN, 0);
}

enum aps_err ctl_token_revoke(struct ctl *c)
{
    const char *jti = ctl_command_value(&c->call, CTL_OPT_JTI);
    struct gone gone = {.jti = {NULL, 0}};
    enum aps_err err = read_until(c, &gone);

    if (err == APS_OK)
        err = jti != NULL ? by_jti(c, &gone, jti) : by_stdin(c, &gone);
    if (err != APS_OK || (err = aps_store_token_revoke(c->store, &gone.token, &c->diag)) != APS_OK)
        return err;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "hash", aps_str(hex_of(c, gone.token.hash)));
    ctl_output_str(c->out, "by", aps_str(gone.jti.p != NULL ? "jti" : "text"));
    ctl_output_str(c->out, "issuer", gone.token.issuer);
    ctl_output_str(c->out, "jti", gone.jti);
    ctl_output_str(c->out, "verified", aps_str(gone.verified));
    ctl_output_time(c->out, "until", gone.token.until);
    if (ctl_command_is_dry_run(&c->call))
        ctl_output_bool(c->out, "dry_run", true);
    ctl_output_end(c->out);
    return APS_OK;
}

/* ---- Those that are ---- */

static enum aps_err show(void *arg, const struct aps_store_token *token)
{
    struct ctl *c = arg;
    const char *name = ctl_command_value(&c->call, CTL_OPT_ISSUER);

    if ((name != NULL && !aps_str_eq(aps_str(name), token->issuer)) ||
        (token->until != 0 && token->until <= c->now))
        return APS_OK;
    ctl_output_row(c->out);
    ctl_output_str(c->out, "hash", aps_str(hex_of(c, token->hash)));
    ctl_output_str(c->out, "issuer", token->issuer);
    ctl_output_time(c->out, "until", token->until);
    ctl_output_time(c->out, "revoked_at", token->created_at);
    ctl_output_end(c->out);
    return APS_OK;
}

enum aps_err ctl_token_gone(struct ctl *c)
{
    enum aps_err err;

    ctl_output_table(c->out, NULL, "hash issuer until revoked_at");
    err = aps_store_token_each(c->store, show, c, &c->diag);
    ctl_output_end(c->out);
    return err;
}
