/* cmd_token_decode.c - what a token says, whoever wrote it.
 *
 * Nothing is verified and nothing is refused for what it says, so that a token that httpd refuses
 * can be looked at.  Only the decoded members are shown, never the token. */
#include <apr_strings.h>

#include "apisec/alg.h"
#include "apisec/b64.h"
#include "apisec/jws.h"
#include "apisec/random.h"
#include "blob.h"
#include "ctl.h"
#include "member.h"

enum { HEADER, CLAIMS, SIGNATURE, PARTS };

static const char *const part_names[PARTS] = {"header", "claims", "signature"};

struct decoded {
    struct ctl *c;
    struct aps_str text[PARTS];
    struct aps_jsonread reader[2];
    const struct aps_jsonread_node *root[2];
};

/* ---- Reading ---- */

static enum aps_err not_three(struct ctl *c, struct aps_str token, size_t parts)
{
    const char *what = apr_psprintf(c->pool, "%" APR_SIZE_T_FMT " parts", parts);

    if (token.p[0] == '{' || token.p[0] == '[')
        what = "JSON";
    else if (parts == 1)
        what = "no dots, as an API key or an opaque token has none, of which only its issuer knows";
    else if (parts == 5)
        what = "five parts, as an encrypted token (JWE) has";
    aps_err_explain(&c->diag,
                    "this is no JWT: %s; want the token alone, three parts of base64url with two "
                    "dots between them",
                    what);
    return APS_ERR_FORMAT;
}

static enum aps_err split(struct decoded *d, struct aps_str token)
{
    size_t parts = 1;

    for (size_t i = 0, at = 0; i <= token.n; i++) {
        if (i < token.n && token.p[i] != '.')
            continue;
        if (parts <= PARTS)
            d->text[parts - 1] = (struct aps_str){token.p + at, i - at};
        at = i + 1;
        parts += i < token.n;
    }
    return parts == PARTS ? APS_OK : not_three(d->c, token, parts);
}

static enum aps_err decode(struct decoded *d, int part)
{
    const struct aps_str text = d->text[part];
    char *bytes = apr_palloc(d->c->pool, APS_B64_DECODED_MAX(text.n));
    size_t n;

    if (text.n == 0 && part != SIGNATURE) {
        aps_err_explain(&d->c->diag, "the %s of the token is empty: want three parts of base64url",
                        part_names[part]);
        return APS_ERR_FORMAT;
    }
    if (!aps_b64_url_decode(text, (uint8_t *)bytes, &n)) {
        aps_err_explain(&d->c->diag,
                        "the %s of the token: want base64url, A-Z, a-z, 0-9, - and _ in "
                        "their one spelling, without =, blanks and line ends",
                        part_names[part]);
        return APS_ERR_FORMAT;
    }
    d->text[part] = (struct aps_str){bytes, n};
    return APS_OK;
}

static enum aps_err read_object(struct decoded *d, int part,
                                const unsigned char key[APS_SIPHASH_KEY_LEN])
{
    struct aps_jsonread *r = &d->reader[part];
    struct aps_diag why = {{0}};

    aps_jsonread_init(r, d->c->pool, key);
    if (aps_jsonread(r, d->text[part], &aps_jsonread_strict) != APS_JSONREAD_OK)
        aps_jsonread_fault_explain(r, &why);
    else if (aps_jsonread_kind(d->root[part] = aps_jsonread_root(r)) != APS_JSON_OBJECT)
        aps_err_explain(&why, "want a JSON object");
    else
        return APS_OK;
    aps_err_explain(&d->c->diag, "the %s of the token: %s", part_names[part], why.text);
    return APS_ERR_FORMAT;
}

static enum aps_err read_token(struct decoded *d, struct aps_str token)
{
    unsigned char key[APS_SIPHASH_KEY_LEN];
    enum aps_err err = aps_random_fill(key, sizeof key);

    if (err != APS_OK || (err = split(d, token)) != APS_OK)
        return err;
    for (int part = 0; part < PARTS; part++)
        if ((err = decode(d, part)) != APS_OK)
            return err;
    if ((err = read_object(d, HEADER, key)) != APS_OK)
        return err;
    return read_object(d, CLAIMS, key);
}

/* ---- Warnings ---- */

static const struct aps_jsonread_node *get(const struct decoded *d, int part, const char *name)
{
    return aps_jsonread_get(&d->reader[part], d->root[part], aps_str(name));
}

static struct aps_str get_text(const struct decoded *d, int part, const char *name)
{
    const struct aps_jsonread_node *v = get(d, part, name);

    if (v == NULL || aps_jsonread_kind(v) != APS_JSON_STRING)
        return (struct aps_str){NULL, 0};
    return aps_jsonread_str(&d->reader[part], v);
}

static void warn(const struct decoded *d, const char *word, const char *text)
{
    ctl_output_row(d->c->out);
    ctl_output_str(d->c->out, "text", aps_str(text));
    ctl_output_str(d->c->out, "warning", aps_str(word));
    ctl_output_end(d->c->out);
}

static void warn_header(const struct decoded *d)
{
    static const char *const keys[] = {"jwk", "jku", "x5u", "x5c"};
    const struct aps_str alg = get_text(d, HEADER, "alg");

    if (alg.p == NULL)
        warn(d, "no-alg", "the header has no alg: httpd takes no such token");
    else if (aps_str_eq_nocase(alg, APS_STR_LIT("none")))
        warn(d, "alg-none",
             "alg is none: nobody has signed it, and httpd never takes such a token");
    else if (aps_alg_from_jose(alg) == APS_ALG_NONE)
        warn(d, "alg-unknown", "alg is of no kind that httpd verifies");
    if (d->text[SIGNATURE].n == 0)
        warn(d, "no-signature", "the signature is empty");
    if (get(d, HEADER, "crit") != NULL || get(d, HEADER, "b64") != NULL)
        warn(d, "crit", "the header asks for an extension (crit, b64), and httpd has none");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (get(d, HEADER, keys[i]) != NULL) {
            warn(d, "key-inside",
                 "the header brings or names its own key (jwk, jku, x5u, x5c), which proves "
                 "nothing: httpd takes no such token");
            break;
        }
}

static void warn_claims(const struct decoded *d)
{
    const struct aps_jsonread *r = &d->reader[CLAIMS];
    aps_nsec exp, nbf;

    if (get_text(d, CLAIMS, "iss").n == 0)
        warn(d, "no-iss", "iss is missing or no text: nobody knows whose token it is");
    if (get(d, CLAIMS, "aud") == NULL)
        warn(d, "no-aud", "aud is missing: the token says not for whom it is");
    if (get(d, CLAIMS, "exp") == NULL)
        warn(d, "no-exp", "exp is missing: the token has no end");
    else if (!ctl_member_time(r, get(d, CLAIMS, "exp"), &exp))
        warn(d, "bad-exp", "exp is no number of seconds since 1970");
    else if (exp <= d->c->now)
        warn(d, "expired", "exp has come: the token is expired");
    if (get(d, CLAIMS, "nbf") != NULL && !ctl_member_time(r, get(d, CLAIMS, "nbf"), &nbf))
        warn(d, "bad-nbf", "nbf is no number of seconds since 1970");
    else if (get(d, CLAIMS, "nbf") != NULL && nbf > d->c->now)
        warn(d, "not-yet", "nbf has not come: the token does not work yet");
}

/* ---- Showing ---- */

static const char *meaning(const struct decoded *d, int part, struct aps_str name,
                           const struct aps_jsonread_node *value)
{
    static const struct aps_str times[] = {
        {"exp", 3}, {"nbf", 3}, {"iat", 3}, {"auth_time", 9}, {"updated_at", 10}};
    aps_nsec at;

    if (part != CLAIMS || !aps_str_is_in(name, times, sizeof times / sizeof *times) ||
        !ctl_member_time(&d->reader[part], value, &at))
        return "";
    return ctl_member_when(d->c->pool, at, d->c->now);
}

/* For people each member on its line; in JSON the object as it is. */
static void show_part(const struct decoded *d, int part)
{
    struct ctl_out *out = d->c->out;
    const struct aps_jsonread *r = &d->reader[part];
    const struct aps_jsonread_node *m;

    if (ctl_output_is_json(out)) {
        ctl_output_json(out, part_names[part], ctl_member_json(d->c->pool, r, d->root[part]));
        return;
    }
    ctl_output_table(out, part_names[part],
                     part == CLAIMS ? "claim value meaning" : "member value");
    for (m = aps_jsonread_first(d->root[part]); m < aps_jsonread_end(d->root[part]);
         m = aps_jsonread_next(m + 1)) {
        const struct aps_str name = aps_jsonread_str(r, m);

        ctl_output_row(out);
        ctl_output_str(out, part == CLAIMS ? "claim" : "member", name);
        ctl_output_str(out, "value", ctl_member_text(d->c->pool, r, m + 1));
        ctl_output_str(out, "meaning", aps_str(meaning(d, part, name, m + 1)));
        ctl_output_end(out);
    }
    ctl_output_end(out);
}

static void show_time(const struct decoded *d, const char *claim, const char *name)
{
    aps_nsec at = 0;

    if (ctl_member_time(&d->reader[CLAIMS], get(d, CLAIMS, claim), &at))
        ctl_output_time(d->c->out, name, at);
    else
        ctl_output_null(d->c->out, name);
}

static void show(const struct decoded *d)
{
    struct ctl_out *out = d->c->out;

    ctl_output_heading(out, "NOTHING OF THIS IS VERIFIED: anybody can write such a token.\n");
    ctl_output_row(out);
    ctl_output_bool(out, "verified", false);
    show_part(d, HEADER);
    show_part(d, CLAIMS);
    if (ctl_output_is_json(out)) {
        show_time(d, "iat", "issued_at");
        show_time(d, "nbf", "not_before");
        show_time(d, "exp", "expires_at");
    }
    ctl_output_block(out, "warnings", "warnings", "text");
    warn_header(d);
    warn_claims(d);
    ctl_output_end(out);
    ctl_output_end(out);
}

enum aps_err ctl_token_decode(struct ctl *c)
{
    struct decoded *d = apr_pcalloc(c->pool, sizeof *d);
    struct aps_secret hold = {0};
    struct aps_str token;
    enum aps_err err;

    d->c = c;
    if ((err = ctl_blob_stdin("token", APS_JWS_MAX, &hold, &token, &c->diag)) == APS_OK &&
        (err = read_token(d, token)) == APS_OK)
        show(d);
    aps_secret_wipe(&hold);
    return err;
}
