/* cmd_webhook.c - endpoints for webhooks: whose deliveries, how they are signed, their secrets. */
#include <apr_strings.h>

#include "apisec/num.h"
#include "ctl.h"
#include "ended.h"
#include "newsecret.h"
#include "overlap.h"

static struct aps_str ref(const struct ctl *c)
{
    return aps_str(c->call.arg[0]);
}

/* ---- As it is printed ---- */

static void show_spec(struct ctl *c, const struct aps_webhook_spec *spec)
{
    const bool own = spec->scheme == APS_WEBHOOK_SCHEME_HMAC;
    char window[APS_NUM_DURATION_MAX];

    ctl_output_str(c->out, "scheme", aps_str(aps_hook_scheme(spec->scheme)));
    ctl_output_str(c->out, "window", aps_str(aps_num_print_duration(spec->window, window)));
    ctl_output_str(c->out, "signature_field", aps_str(spec->signature_field));
    ctl_output_str(c->out, "time_field", aps_str(spec->time_field));
    ctl_output_str(c->out, "prefix", spec->prefix);
    ctl_output_str(c->out, "encoding", aps_str(!own ? NULL : spec->base64 ? "base64" : "hex"));
}

/* Those that work; within a list people see how many. */
static enum aps_err show_secrets(struct ctl *c, const struct aps_hook *hook, bool in_list)
{
    const struct aps_store_secret *secrets;
    size_t n, live = 0;
    enum aps_err err = aps_store_secrets(c->store, aps_hook_secret(c->pool, hook), c->pool,
                                         &secrets, &n, &c->diag);

    if (err != APS_OK)
        return err;
    for (size_t i = 0; i < n; i++)
        live += secrets[i].until == 0 || secrets[i].until > c->now ? 1 : 0;
    if (in_list && !ctl_output_is_json(c->out)) {
        ctl_output_u64(c->out, "secrets", live);
        return APS_OK;
    }
    ctl_output_table(c->out, "secrets", "version created_at until");
    for (size_t i = 0; i < n; i++) {
        if (secrets[i].until != 0 && secrets[i].until <= c->now)
            continue;
        ctl_output_row(c->out);
        ctl_output_u64(c->out, "version", secrets[i].version);
        ctl_output_time(c->out, "created_at", secrets[i].created_at);
        ctl_output_time(c->out, "until", secrets[i].until);
        ctl_output_end(c->out);
    }
    ctl_output_end(c->out);
    return APS_OK;
}

/* A row; with the new secret where c->fresh holds one. */
static enum aps_err show(struct ctl *c, const struct aps_hook *hook, bool in_list)
{
    enum aps_err err;

    ctl_output_row(c->out);
    ctl_output_str(c->out, "name", hook->name);
    if (c->fresh.n > 0)
        ctl_output_secret(c->out, "secret", &c->fresh);
    show_spec(c, &hook->spec);
    ctl_output_str(c->out, "secret_of", hook->secret_name);
    ctl_output_time(c->out, "created_at", hook->created_at);
    if (!in_list && ctl_command_is_dry_run(&c->call))
        ctl_output_bool(c->out, "dry_run", true);
    err = show_secrets(c, hook, in_list);
    ctl_output_end(c->out);
    return err;
}

static enum aps_err show_stored(struct ctl *c)
{
    struct aps_hook hook;
    enum aps_err err = aps_store_webhook_get(c->store, ref(c), c->pool, &hook, &c->diag);

    return err == APS_OK ? show(c, &hook, false) : err;
}

/* ---- Options ---- */

static enum aps_err read_scheme(struct ctl *c, enum aps_webhook_scheme *out)
{
    const char *text = ctl_command_value(&c->call, CTL_OPT_SCHEME);

    *out = aps_webhook_scheme(aps_str(text));
    if (*out != APS_WEBHOOK_SCHEME_NONE)
        return APS_OK;
    aps_err_explain(&c->diag, "--scheme \"%s\": want standard, github, stripe, slack or hmac",
                    text);
    return APS_ERR_FORMAT;
}

static enum aps_err read_encoding(struct ctl *c, const char *text, bool *out_base64)
{
    *out_base64 = strcmp(text, "base64") == 0;
    if (*out_base64 || strcmp(text, "hex") == 0)
        return APS_OK;
    aps_err_explain(&c->diag, "--encoding \"%s\": want hex or base64", text);
    return APS_ERR_FORMAT;
}

static const char *unless_none(const char *text)
{
    return strcmp(text, "none") != 0 ? text : NULL;
}

/* What is given of the scheme hmac; the others have their own. */
static enum aps_err read_own(struct ctl *c, struct aps_webhook_spec *spec)
{
    static const enum ctl_opt own[] = {CTL_OPT_SIGNATURE_FIELD, CTL_OPT_TIME_FIELD, CTL_OPT_PREFIX,
                                       CTL_OPT_ENCODING};
    const char *given[sizeof own / sizeof *own];

    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        given[i] = ctl_command_value(&c->call, own[i]);
        if (given[i] == NULL || spec->scheme == APS_WEBHOOK_SCHEME_HMAC)
            continue;
        aps_err_explain(&c->diag, "%s is of the scheme hmac: %s has fields and forms of its own",
                        ctl_command_options[own[i]].name, aps_hook_scheme(spec->scheme));
        return APS_ERR_USAGE;
    }
    if (given[0] != NULL)
        spec->signature_field = given[0];
    if (given[1] != NULL)
        spec->time_field = unless_none(given[1]);
    if (given[2] != NULL)
        spec->prefix = aps_str(unless_none(given[2]));
    if (given[3] != NULL && read_encoding(c, given[3], &spec->base64) != APS_OK)
        return APS_ERR_FORMAT;
    if (spec->scheme != APS_WEBHOOK_SCHEME_HMAC || spec->signature_field != NULL)
        return APS_OK;
    aps_err_explain(&c->diag, "--signature-field is missing: of the scheme hmac one says which "
                              "header field has the signature, such as X-Signature");
    return APS_ERR_USAGE;
}

/* What is given in place of what *spec has. */
static enum aps_err read_spec(struct ctl *c, struct aps_webhook_spec *spec)
{
    const char *window = ctl_command_value(&c->call, CTL_OPT_WINDOW);

    if (window != NULL && spec->scheme == APS_WEBHOOK_SCHEME_GITHUB) {
        aps_err_explain(&c->diag, "--window %s: github signs no time that could be judged", window);
        return APS_ERR_USAGE;
    }
    if (window != NULL) {
        enum aps_err err = aps_num_parse_duration(aps_str(window), &spec->window, &c->diag);

        if (err != APS_OK)
            return err;
    }
    return read_own(c, spec);
}

/* ---- The commands ---- */

static enum ctl_newsecret form_of(enum aps_webhook_scheme scheme)
{
    return scheme == APS_WEBHOOK_SCHEME_STANDARD ? CTL_NEWSECRET_STANDARD : CTL_NEWSECRET_HEX;
}

/* A secret that is not stored is of no use to anybody. */
static void note_fresh(struct ctl *c)
{
    if (ctl_command_is_dry_run(&c->call))
        aps_secret_wipe(&c->fresh);
    if (c->fresh.n == 0)
        return;
    c->fresh_of = apr_psprintf(c->pool, "webhook %s", c->call.arg[0]);
    c->fresh_again =
        apr_psprintf(c->pool, "webhook rotate %s --generate --overlap 0", c->call.arg[0]);
}

/* By itself, or that of the store which --secret names. */
static enum aps_err read_secret(struct ctl *c, struct aps_hook *hook, struct aps_secret *hold,
                                struct aps_str *out)
{
    const char *name = ctl_command_value(&c->call, CTL_OPT_SECRET);

    if (name == NULL)
        return ctl_newsecret(c, form_of(hook->spec.scheme), hold, out);
    if (c->call.values[CTL_OPT_GENERATE] != NULL) {
        aps_err_explain(&c->diag, "--secret and --generate: the secret %s is there already", name);
        return APS_ERR_USAGE;
    }
    hook->secret_name = aps_str(name);
    *out = (struct aps_str){NULL, 0};
    return APS_OK;
}

enum aps_err ctl_webhook_add(struct ctl *c)
{
    struct aps_hook hook = {.name = ref(c), .spec.window = APS_WEBHOOK_WINDOW};
    struct aps_secret hold = {0};
    struct aps_str secret;
    enum aps_err err;

    if ((err = read_scheme(c, &hook.spec.scheme)) != APS_OK ||
        (err = read_spec(c, &hook.spec)) != APS_OK ||
        (err = aps_hook_check(&hook, &c->diag)) != APS_OK)
        return err;
    if ((err = read_secret(c, &hook, &hold, &secret)) == APS_OK)
        err = aps_store_webhook_add(c->store, &hook, secret, &c->diag);
    aps_secret_wipe(&hold);
    if (err != APS_OK)
        return err;
    note_fresh(c);
    return show_stored(c);
}

static bool sets_something(const struct ctl *c)
{
    static const enum ctl_opt some[] = {CTL_OPT_WINDOW, CTL_OPT_SIGNATURE_FIELD, CTL_OPT_TIME_FIELD,
                                        CTL_OPT_PREFIX, CTL_OPT_ENCODING};

    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (c->call.values[some[i]] != NULL)
            return true;
    return false;
}

enum aps_err ctl_webhook_set(struct ctl *c)
{
    struct aps_hook hook;
    enum aps_err err;

    if ((err = aps_store_webhook_get(c->store, ref(c), c->pool, &hook, &c->diag)) != APS_OK ||
        (err = read_spec(c, &hook.spec)) != APS_OK)
        return err;
    if (!sets_something(c)) {
        aps_err_explain(&c->diag, "nothing to set; usage: apisecctl %s", c->call.command->usage);
        return APS_ERR_USAGE;
    }
    if ((err = aps_store_webhook_set(c->store, &hook, &c->diag)) != APS_OK)
        return err;
    return show_stored(c);
}

enum aps_err ctl_webhook_rotate(struct ctl *c)
{
    struct aps_secret hold = {0};
    struct aps_hook hook;
    struct aps_str secret;
    aps_nsec overlap;
    enum aps_err err;

    if ((err = ctl_overlap_read(c, APS_KEY_OVERLAP_DEFAULT, &overlap)) != APS_OK ||
        (err = aps_store_webhook_get(c->store, ref(c), c->pool, &hook, &c->diag)) != APS_OK)
        return err;
    if ((err = ctl_newsecret(c, form_of(hook.spec.scheme), &hold, &secret)) == APS_OK)
        err = aps_store_webhook_rotate(c->store, ref(c), secret, overlap, &c->diag);
    aps_secret_wipe(&hold);
    if (err != APS_OK)
        return err;
    note_fresh(c);
    return show_stored(c);
}

enum aps_err ctl_webhook_show(struct ctl *c)
{
    return show_stored(c);
}

static enum aps_err show_in_list(void *arg, const struct aps_hook *hook)
{
    return show(arg, hook, true);
}

enum aps_err ctl_webhook_list(struct ctl *c)
{
    enum aps_err err;

    ctl_output_table(c->out, NULL, "name scheme window secrets created_at");
    err = aps_store_webhook_each(c->store, show_in_list, c, &c->diag);
    ctl_output_end(c->out);
    return err;
}

enum aps_err ctl_webhook_delete(struct ctl *c)
{
    enum aps_err err = aps_store_webhook_delete(c->store, ref(c), &c->diag);

    if (err == APS_OK)
        ctl_ended(c, "name", ref(c), "deleted");
    return err;
}
