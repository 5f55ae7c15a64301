/* hook.c - endpoints for webhooks: their definition and its text. */
#include "apisec/hook.h"

#include <apr_strings.h>

#include "apisec/recordtext.h"

static const char *const schemes[] = {"none", "standard", "github", "stripe", "slack", "hmac"};

const char *aps_hook_scheme(enum aps_webhook_scheme scheme)
{
    return schemes[scheme];
}

struct aps_str aps_hook_secret(apr_pool_t *pool, const struct aps_hook *hook)
{
    return hook->secret_name.n != 0
               ? hook->secret_name
               : aps_str(apr_psprintf(pool, "webhook/%.*s", APS_STR_ARG(hook->name)));
}

/* ---- checks ---- */

/* A token of RFC 9110 5.6.2. */
static bool is_field(const char *name)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const size_t n = name != NULL ? strlen(name) : 0;

    return n != 0 && n <= APS_HOOK_FIELD_MAX && strspn(name, allowed) == n;
}

static enum aps_err check_field(const char *what, const char *name, struct aps_diag *diag)
{
    if (is_field(name))
        return APS_OK;
    aps_err_explain(diag, "%s \"%s\": want the name of a header field, of at most %d bytes", what,
                    name != NULL ? name : "", APS_HOOK_FIELD_MAX);
    return APS_ERR_FORMAT;
}

static enum aps_err check_hmac(const struct aps_webhook_spec *spec, struct aps_diag *diag)
{
    enum aps_err err = check_field("field of the signature", spec->signature_field, diag);

    if (err == APS_OK && spec->time_field != NULL)
        err = check_field("field of the time", spec->time_field, diag);
    if (err != APS_OK)
        return err;
    for (size_t i = 0; i < spec->prefix.n; i++)
        if (spec->prefix.p[i] <= ' ' || spec->prefix.p[i] > '~')
            err = APS_ERR_FORMAT;
    if (err == APS_OK && spec->prefix.n <= APS_HOOK_PREFIX_MAX)
        return APS_OK;
    aps_err_explain(diag,
                    "prefix \"%.*s\": want at most %d bytes of printable ASCII without spaces",
                    APS_STR_SHOW(spec->prefix), APS_HOOK_PREFIX_MAX);
    return APS_ERR_FORMAT;
}

static enum aps_err check_others(const struct aps_webhook_spec *spec, struct aps_diag *diag)
{
    if (spec->signature_field == NULL && spec->time_field == NULL && spec->prefix.p == NULL &&
        !spec->base64)
        return APS_OK;
    aps_err_explain(diag,
                    "scheme %s has its own fields: a field, prefix or encoding of one's choice is "
                    "of the scheme hmac alone",
                    aps_hook_scheme(spec->scheme));
    return APS_ERR_FORMAT;
}

enum aps_err aps_hook_check(const struct aps_hook *hook, struct aps_diag *diag)
{
    const struct aps_webhook_spec *spec = &hook->spec;

    if (!aps_str_is_name(hook->name)) {
        aps_err_explain(diag,
                        "webhook name \"%.*s\": want 1 to 64 letters, digits and . _ -, beginning "
                        "with a letter or a digit",
                        APS_STR_SHOW(hook->name));
        return APS_ERR_FORMAT;
    }
    if (hook->secret_name.n != 0 && !aps_str_is_name(hook->secret_name)) {
        aps_err_explain(diag, "secret \"%.*s\": want the name of one, as `secret list` shows it",
                        APS_STR_SHOW(hook->secret_name));
        return APS_ERR_FORMAT;
    }
    if (spec->scheme == APS_WEBHOOK_SCHEME_NONE) {
        aps_err_explain(diag, "a webhook without a scheme: want standard, github, stripe, slack or "
                              "hmac");
        return APS_ERR_FORMAT;
    }
    if (spec->window < APS_SEC || spec->window > APS_HOOK_WINDOW_MAX ||
        spec->window % APS_SEC != 0) {
        aps_err_explain(diag, "window of %lld ms: want whole seconds from 1s to 24h",
                        (long long)(spec->window / (APS_SEC / 1000)));
        return APS_ERR_RANGE;
    }
    return spec->scheme == APS_WEBHOOK_SCHEME_HMAC ? check_hmac(spec, diag)
                                                   : check_others(spec, diag);
}

/* ---- its text ---- */

void aps_hook_members(struct aps_json *w, const struct aps_hook *hook)
{
    const struct aps_webhook_spec *spec = &hook->spec;

    aps_json_put_str(w, "scheme", aps_hook_scheme(spec->scheme));
    aps_json_put_u64(w, "window", (uint64_t)(spec->window / APS_SEC));
    aps_recordtext_put(w, "signature_field", aps_str(spec->signature_field));
    aps_recordtext_put(w, "time_field", aps_str(spec->time_field));
    aps_recordtext_put(w, "prefix", spec->prefix);
    aps_recordtext_put_flag(w, "base64", spec->base64);
    if (hook->secret_name.n != 0)
        aps_recordtext_put(w, "secret", hook->secret_name);
}

struct aps_str aps_hook_print(apr_pool_t *pool, const struct aps_hook *hook)
{
    struct aps_json w;

    aps_json_init_pool(&w, pool, 0);
    aps_json_object(&w);
    aps_hook_members(&w, hook);
    aps_json_end(&w);
    return aps_json_text(&w);
}

enum aps_err aps_hook_read(struct aps_str record, apr_pool_t *pool, struct aps_hook *out,
                           struct aps_diag *diag)
{
    struct aps_str scheme = {NULL, 0}, signature = {NULL, 0}, time = {NULL, 0};
    struct aps_hook hook = {.name = {NULL, 0}};
    struct aps_recordtext t;
    enum aps_err err;

    aps_recordtext_begin(&t, record, pool);
    aps_recordtext_str(&t, "scheme", &scheme);
    aps_recordtext_secs(&t, "window", &hook.spec.window);
    aps_recordtext_str(&t, "signature_field", &signature);
    aps_recordtext_str(&t, "time_field", &time);
    aps_recordtext_str(&t, "prefix", &hook.spec.prefix);
    aps_recordtext_flag(&t, "base64", &hook.spec.base64);
    aps_recordtext_str(&t, "secret", &hook.secret_name);
    hook.spec.scheme = aps_webhook_scheme(scheme);
    hook.spec.signature_field = signature.p;
    hook.spec.time_field = time.p;
    if (hook.spec.scheme == APS_WEBHOOK_SCHEME_NONE ||
        (hook.secret_name.p != NULL && !aps_str_is_name(hook.secret_name)))
        aps_recordtext_fail(&t);
    if ((err = aps_recordtext_end(&t, "webhook", diag)) == APS_OK)
        *out = hook;
    return err;
}
