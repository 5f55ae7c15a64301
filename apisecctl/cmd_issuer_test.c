/* cmd_issuer_test.c - can the keys of an issuer be had, and which of them would be used?
 *
 * The issuer is asked as httpd asks it, by the same code and under the same rules, but from this
 * account and with its view of the network. */
#include <apr_strings.h>

#include "apisec/ask.h"
#include "apisec/discover.h"
#include "apisec/introspect.h"
#include "apisec/random.h"
#include "ctl.h"
#include "keyrows.h"

struct test {
    struct ctl *c;
    const struct aps_issuer *issuer;
    struct aps_jwks set;
    bool failed;
};

static void tell(struct test *t, const char *check, struct aps_str url, const char *address,
                 const char *fault)
{
    struct ctl *c = t->c;

    ctl_output_row(c->out);
    ctl_output_str(c->out, "check", aps_str(check));
    ctl_output_str(c->out, "result", aps_str(fault == NULL ? "pass" : "fail"));
    ctl_output_str(c->out, "url", url);
    ctl_output_str(c->out, "address", aps_str(address));
    ctl_output_str(c->out, "detail", aps_str(fault));
    ctl_output_end(c->out);
}

/* A place of metadata that has none is no fault while the other one has it. */
static void on_step(void *arg, const struct aps_discover_step *step)
{
    tell(arg, step->what, step->url, step->address, step->why);
}

static void check_keys(struct test *t)
{
    const struct aps_fetch_options options = {.connect_max = 0};
    struct aps_diag why = {{0}};
    struct aps_str text = {NULL, 0};
    enum aps_err err = APS_OK;

    if (t->issuer->source == APS_ISSUER_NONE)
        return;
    if (t->issuer->source == APS_ISSUER_STATIC) {
        t->set = *t->issuer->jwt.keys;
        tell(t, "keys", aps_str("the store's own"), "", NULL);
        return;
    }
    err = aps_discover_keys(t->issuer, &options, t->c->pool, &t->set, &text, on_step, t, &why);
    t->failed = t->failed || err != APS_OK;
}

/* What the issuer says of a text that is no token of it, by which it is seen to know the client. */
static const char *ask(struct test *t, const struct aps_snapshot_secret *secret,
                       struct aps_fetch_answer *answer)
{
    const struct aps_fetch_options options = {.connect_max = 0};
    const struct aps_claims_policy policy = aps_issuer_answers(t->issuer);
    struct aps_jsonread *reader = apr_palloc(t->c->pool, sizeof *reader);
    unsigned char key[APS_SIPHASH_KEY_LEN];
    struct aps_claims said;
    struct aps_diag why = {{0}};
    enum aps_err err = aps_random_fill(key, sizeof key);

    if (err == APS_OK)
        err = aps_ask(t->issuer, &secret->value, aps_str("apisecctl-issuer-test"), &options,
                      t->c->pool, answer, &why);
    if (err != APS_OK)
        return apr_pstrdup(t->c->pool, aps_err_say(err, &why));
    switch (
        aps_introspect(answer->body, &policy, t->c->now, key, t->c->pool, reader, &said, &why)) {
    case APS_TOKEN_INACTIVE:
        return NULL;
    case APS_TOKEN_ANSWER:
        return apr_psprintf(t->c->pool, "%s%s%s", aps_token_text(APS_TOKEN_ANSWER),
                            why.text[0] != '\0' ? ": " : "", why.text);
    default:
        return "it says that a text which is no token of it is active";
    }
}

static void check_introspection(struct test *t)
{
    const struct aps_str name = aps_issuer_secret(t->c->pool, t->issuer->name);
    struct aps_fetch_answer answer = {.status = 0};
    const struct aps_snapshot_secret *secrets = NULL;
    struct aps_diag why = {{0}};
    const char *fault = "its secret is missing: give it with issuer set --client-id";
    size_t n = 0;

    if (t->issuer->introspect.p == NULL)
        return;
    enum aps_err err = aps_snapshot_secret(t->c->copy, name, t->c->pool, &secrets, &n, &why);
    if (err != APS_OK)
        fault = apr_pstrdup(t->c->pool, aps_err_say(err, &why));
    else if (n != 0)
        fault = ask(t, &secrets[n - 1], &answer);
    tell(t, "introspection", t->issuer->introspect, answer.address, fault);
    t->failed = t->failed || fault != NULL;
}

enum aps_err ctl_issuer_test(struct ctl *c)
{
    const struct aps_str name = aps_str(c->call.arg[0]);
    struct test t = {.c = c};
    size_t n = 0;
    const struct aps_issuer *list = aps_snapshot_issuers(c->copy, &n);

    for (size_t i = 0; i < n; i++)
        if (aps_str_eq(list[i].name, name))
            t.issuer = &list[i];
    if (t.issuer == NULL) {
        aps_err_explain(&c->diag, "there is no issuer \"%.*s\"; `issuer list` shows them",
                        APS_STR_SHOW(name));
        return APS_ERR_NOT_FOUND;
    }
    ctl_output_row(c->out);
    ctl_output_str(c->out, "name", name);
    ctl_output_str(c->out, "issuer", t.issuer->jwt.claims.iss);
    ctl_output_str(c->out, "keys", aps_str(aps_issuer_source_name(t.issuer->source)));
    ctl_output_table(c->out, "steps", "check result url address detail");
    check_keys(&t);
    check_introspection(&t);
    ctl_output_end(c->out);
    ctl_output_u64(c->out, "usable", t.set.usable);
    ctl_keyrows(c, "found_keys", &t.set);
    ctl_output_bool(c->out, "passed", !t.failed);
    ctl_output_end(c->out);
    return t.failed ? APS_ERR_CHECK : APS_OK;
}
