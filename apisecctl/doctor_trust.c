/* doctor_trust.c - signers, webhooks and issuers that end, or cannot be used. */
#include "doctor_trust.h"

#include <apr_strings.h>

#include "apisec/file.h"
#include "apisec/num.h"
#include "apisec/random.h"
#include "doctor_secret.h"

#define SECRET_OLD (365 * APS_DAY)

static const char *time_text(apr_pool_t *pool, aps_nsec wall)
{
    char text[APS_NUM_TIME_MAX];

    return apr_pstrdup(pool, aps_num_print_time(wall, false, text));
}

static const char *name_of(const struct ctl_doctor *d, struct aps_str name)
{
    return aps_str_copy(d->c->pool, name).p;
}

/* ---- signers ---- */

static enum aps_err judge_signer(void *arg, const struct aps_signer *signer)
{
    struct ctl_doctor *d = arg;
    struct ctl_doctor_at at;

    if (signer->until == 0 || signer->until > d->c->now + CTL_DOCTOR_SOON)
        return APS_OK;
    at = (struct ctl_doctor_at){.name = name_of(d, signer->keyid)};
    if (signer->until <= d->c->now)
        ctl_doctor_find(d, CTL_DOCTOR_SIGNER_EXPIRED, &at, "signer %s ended at %s", at.name,
                        time_text(d->c->pool, signer->until));
    else
        ctl_doctor_find(d, CTL_DOCTOR_SIGNER_EXPIRING, &at,
                        "signer %s ends at %s: add the next one beside it, then take it away",
                        at.name, time_text(d->c->pool, signer->until));
    return APS_OK;
}

/* ---- webhooks ---- */

/* When the last of its secrets ends; 0: one has no end, -1: none works. */
static aps_nsec works_until(const struct aps_store_secret *secrets, size_t n, aps_nsec now)
{
    aps_nsec last = -1;

    for (size_t i = 0; i < n; i++) {
        if (secrets[i].until == 0)
            return 0;
        if (secrets[i].until > now && secrets[i].until > last)
            last = secrets[i].until;
    }
    return last;
}

static void judge_secrets(struct ctl_doctor *d, const struct aps_hook *hook,
                          const struct aps_store_secret *secrets, size_t n)
{
    const bool named = hook->secret_name.n != 0;
    const char *name = name_of(d, hook->name);
    aps_nsec until = works_until(secrets, n, d->c->now);
    struct ctl_doctor_at at = {.name = named ? name_of(d, hook->secret_name) : name,
                               .value = named ? "secret" : "webhook"};

    if (until < 0)
        ctl_doctor_find(d, CTL_DOCTOR_WEBHOOK_MUTE, &at,
                        "webhook %s has no secret that works: every delivery is refused", name);
    else if (until != 0 && until <= d->c->now + CTL_DOCTOR_SOON)
        ctl_doctor_find(d, CTL_DOCTOR_WEBHOOK_ENDING, &at,
                        "webhook %s has no secret that works after %s", name,
                        time_text(d->c->pool, until));
    else if (n > 0 && d->c->now - secrets[n - 1].created_at > SECRET_OLD)
        ctl_doctor_find(d, CTL_DOCTOR_WEBHOOK_SECRET_OLD, &at,
                        "webhook %s has a secret that was made at %s", name,
                        time_text(d->c->pool, secrets[n - 1].created_at));
}

static enum aps_err judge_webhook(void *arg, const struct aps_hook *hook)
{
    struct ctl_doctor *d = arg;
    const struct aps_store_secret *secrets = NULL;
    size_t n = 0;
    struct aps_diag why = {""};
    enum aps_err err = aps_store_secrets(d->c->store, aps_hook_secret(d->c->pool, hook), d->c->pool,
                                         &secrets, &n, &why);

    if (err == APS_OK)
        judge_secrets(d, hook, secrets, n);
    else
        ctl_doctor_unchecked(d, "secrets of webhooks", aps_err_say(err, &why), "");
    return err;
}

/* ---- issuers ---- */

/* As the library that fetches opens it: anybody may read it. */
static void judge_ca(struct ctl_doctor *d, const struct aps_issuer *issuer, const char *name)
{
    const struct aps_file_want want = {.owner = geteuid(), .forbid = APS_FILE_PUBLIC};
    struct ctl_doctor_at at = {.name = name};
    const char *path = name_of(d, issuer->ca);
    char found[APS_FILE_PATH_MAX];
    struct aps_diag why = {""};
    struct stat st;
    enum aps_err err = aps_file_find(path, &want, found, &st, &why);

    if (err != APS_OK)
        ctl_doctor_find(d, CTL_DOCTOR_ISSUER_CA, &at,
                        "issuer %s is verified by %s, which cannot be used: %s", name, path,
                        aps_err_say(err, &why));
}

static void judge_keys(struct ctl_doctor *d, const struct aps_store_issuer *issuer,
                       const char *name)
{
    const struct aps_jwks_options options = aps_issuer_jwks(&issuer->def, false);
    unsigned char hash_key[APS_SIPHASH_KEY_LEN];
    struct ctl_doctor_at at = {.name = name};
    struct aps_jwks keys;
    struct aps_diag why = {""};
    enum aps_err err = aps_random_fill(hash_key, sizeof hash_key);

    if (err == APS_OK)
        err = aps_jwks_read(issuer->keys, &options, hash_key, d->c->pool, &keys, &why);
    if (err != APS_OK)
        ctl_doctor_find(d, CTL_DOCTOR_ISSUER_KEYS, &at,
                        "no key that the store has of issuer %s can be used: %s", name,
                        aps_err_say(err, &why));
}

static void judge_issuer(struct ctl_doctor *d, const struct aps_store_issuer *issuer)
{
    const char *name = name_of(d, issuer->def.name);
    struct ctl_doctor_at at = {.name = name};

    if (issuer->def.ca.p != NULL)
        judge_ca(d, &issuer->def, name);
    if (issuer->def.source == APS_ISSUER_STATIC && issuer->keys.n != 0)
        judge_keys(d, issuer, name);
    if (issuer->def.insecure_http)
        ctl_doctor_find(d, CTL_DOCTOR_ISSUER_HTTP, &at,
                        "issuer %s may be reached by plain HTTP on this machine", name);
}

static enum aps_err judge_issuers(struct ctl_doctor *d, struct aps_diag *why)
{
    const struct aps_store_issuer *issuers = NULL;
    size_t n = 0;
    enum aps_err err = aps_store_issuers(d->c->store, d->c->pool, &issuers, &n, why);

    for (size_t i = 0; err == APS_OK && i < n; i++)
        judge_issuer(d, &issuers[i]);
    return err;
}

void ctl_doctor_trust(struct ctl_doctor *d)
{
    struct aps_diag why = {""};
    enum aps_err err;

    if ((err = aps_store_signer_each(d->c->store, (struct aps_str){0}, judge_signer, d, &why)) !=
            APS_OK ||
        (err = aps_store_webhook_each(d->c->store, judge_webhook, d, &why)) != APS_OK ||
        (err = ctl_doctor_secrets(d, &why)) != APS_OK || (err = judge_issuers(d, &why)) != APS_OK) {
        ctl_doctor_unchecked(d, "signers, webhooks, secrets and issuers", aps_err_say(err, &why),
                             "");
        return;
    }
    for (int id = CTL_DOCTOR_SIGNER_EXPIRED; id <= CTL_DOCTOR_ISSUER_HTTP; id++)
        ctl_doctor_checked(d, (enum ctl_doctor_id)id);
}
