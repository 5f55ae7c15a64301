/* Deliveries of webhooks: a section takes those of one endpoint of the store, each once.
 *
 * That a request is none shows before anything is read.  Whether it is signed by who knows the
 * secret shows when all its content is there; only then is anything but its address charged, and
 * last of all is it marked as accepted.  Where the handler does not answer with success the mark is
 * taken away, since the sender will try again. */
#include "mod.h"

#include <apr_strings.h>

#include "apisec/once.h"
#include "apisec/webhook.h"

/* How long a delivery is known to have been accepted, at least: senders try again for a day or two,
 * with a new time; and what has no time could be sent again at any. */
#define REMEMBER (72 * APS_HOUR)

/* ---- Words ---- */

static const int repeats[] = {HTTP_OK, HTTP_ACCEPTED, HTTP_NO_CONTENT, HTTP_CONFLICT};

static int read_repeat(const char *text)
{
    uint64_t status = 0;
    if (aps_num_parse(aps_str(text), 100, 599, &status, NULL) == APS_OK)
        for (size_t i = 0; i < sizeof repeats / sizeof repeats[0]; i++)
            if (repeats[i] == (int)status)
                return repeats[i];
    return 0;
}

const char *mod_webhook_parse(cmd_parms *cmd, int argc, char *const argv[],
                              const struct mod_webhook **out)
{
    struct mod_webhook *webhook = apr_pcalloc(cmd->pool, sizeof *webhook);
    webhook->repeat = HTTP_OK;
    if (argc < 1 || argc > 2 || !aps_str_is_name(aps_str(argv[0])))
        return "want the name of a webhook of the store, and maybe repeat=STATUS";
    webhook->name = aps_str(apr_pstrdup(cmd->pool, argv[0]));
    if (argc == 2 &&
        (strncmp(argv[1], "repeat=", 7) != 0 || (webhook->repeat = read_repeat(argv[1] + 7)) == 0))
        return apr_psprintf(cmd->pool, "\"%s\": want repeat=200, 202, 204 or 409", argv[1]);
    *out = webhook;
    return NULL;
}

/* ---- The endpoint ---- */

#define KEYS_MAX 16

/* An endpoint of the store with its live secrets made ready. */
struct endpoint {
    struct aps_webhook_spec spec;
    size_t n;
    struct aps_webhook_key *keys[KEYS_MAX];
};

static apr_status_t free_keys(void *data)
{
    struct endpoint *e = data;
    for (size_t i = 0; i < e->n; i++)
        aps_webhook_key_free(e->keys[i]);
    e->n = 0;
    return APR_SUCCESS;
}

static bool add_key(struct endpoint *e, const struct aps_snapshot_secret *secret, aps_nsec now)
{
    if ((secret->until != 0 && now >= secret->until) || e->n == KEYS_MAX)
        return false;
    if (aps_webhook_key(e->spec.scheme, aps_secret_str(&secret->value), &e->keys[e->n], NULL) !=
        APS_OK)
        return false;
    e->n++;
    return true;
}

/* NULL: there is none, or no secret of it is live. */
static const struct endpoint *endpoint_of(struct mod_req *m, struct aps_str name)
{
    apr_pool_t *pool = m->first->pool;
    const struct aps_snapshot *snap = aps_view_snapshot(m->view);
    const struct aps_hook *hook = aps_snapshot_webhook(snap, name);
    if (hook == NULL)
        return NULL;
    struct endpoint *e = apr_pcalloc(pool, sizeof *e);
    e->spec = hook->spec;
    apr_pool_cleanup_register(pool, e, free_keys, apr_pool_cleanup_null);
    size_t n = 0;
    const struct aps_snapshot_secret *secrets = mod_secret(m, aps_hook_secret(pool, hook), &n);
    for (size_t i = n; i > 0; i--) /* the newest first: nearly all are signed with it */
        (void)add_key(e, &secrets[i - 1], mod_req_now(m).wall); /* the others may do */
    return e->n != 0 ? e : NULL;
}

static void fields_of(const struct mod_req *m, const struct aps_webhook_spec *spec,
                      const char *out[APS_WEBHOOK_FIELDS], size_t *out_n)
{
    const char *names[APS_WEBHOOK_FIELDS];
    *out_n = aps_webhook_fields(spec, names);
    memset(out, 0, APS_WEBHOOK_FIELDS * sizeof *out);
    for (size_t i = 0; i < *out_n; i++)
        out[i] = apr_table_get(m->first->headers_in, names[i]);
}

static enum aps_reason fail(struct mod_req *m, enum aps_reason reason)
{
    return aps_reason_is_authn_failure(reason) ? mod_stage_limit_fail(m, reason) : reason;
}

static enum aps_reason find(struct mod_req *m, struct aps_str name, const struct endpoint **out)
{
    if (mod_process.state == NULL)
        return APS_REASON_STATE_DOWN;
    if (mod_process_view(m) == NULL)
        return APS_REASON_STORE_DOWN;
    *out = endpoint_of(m, name);
    return *out != NULL ? APS_REASON_ALLOW : APS_REASON_WEBHOOK_UNKNOWN;
}

static enum aps_reason begin(struct mod_req *m, const struct mod_webhook *webhook)
{
    const char *values[APS_WEBHOOK_FIELDS];
    const struct endpoint *endpoint = NULL;
    size_t n = 0;
    enum aps_reason reason = find(m, webhook->name, &endpoint);
    if (reason != APS_REASON_ALLOW)
        return reason;
    /* The signature is the credential, and there is one in a request (AZ-12). */
    if (m->credential_reason != APS_REASON_CREDENTIAL_MISSING)
        return APS_REASON_CREDENTIAL_MULTIPLE;
    fields_of(m, &endpoint->spec, values, &n);
    for (size_t i = 0; i < n; i++)
        if (values[i] == NULL)
            return APS_REASON_WEBHOOK_MISSING;
    return APS_REASON_ALLOW;
}

enum aps_reason mod_webhook_begin(struct mod_req *m, const struct mod_webhook *webhook)
{
    m->webhook = webhook->name;
    return fail(m, begin(m, webhook));
}

/* ---- The delivery ---- */

static enum aps_reason reason_of(enum aps_webhook verdict)
{
    static const enum aps_reason reasons[APS_WEBHOOK_COUNT] = {
        [APS_WEBHOOK_OK] = APS_REASON_ALLOW,
        [APS_WEBHOOK_INTERNAL] = APS_REASON_INTERNAL,
        [APS_WEBHOOK_MISSING] = APS_REASON_WEBHOOK_MISSING,
        [APS_WEBHOOK_MALFORMED] = APS_REASON_WEBHOOK_MALFORMED,
        [APS_WEBHOOK_TIME] = APS_REASON_WEBHOOK_TIME,
        [APS_WEBHOOK_SIGNATURE] = APS_REASON_WEBHOOK_SIGNATURE,
        [APS_WEBHOOK_USED] = APS_REASON_WEBHOOK_REPEAT,
    };
    return (size_t)verdict < APS_WEBHOOK_COUNT ? reasons[verdict] : APS_REASON_UNDECIDED;
}

static enum aps_reason verify(struct mod_req *m, const struct endpoint *endpoint,
                              struct aps_webhook_seen *seen)
{
    struct aps_webhook_delivery delivery = {{NULL}, NULL, 0};
    struct aps_diag diag = {{0}};
    const struct aps_str sent = mod_body_sent(m);
    size_t n;
    fields_of(m, &endpoint->spec, delivery.values, &n);
    delivery.nbody = 1;
    delivery.body = &sent;
    enum aps_webhook verdict = aps_webhook(&endpoint->spec, endpoint->keys, endpoint->n, &delivery,
                                           mod_req_now(m).wall, m->first->pool, seen, &diag);
    if (verdict != APS_WEBHOOK_OK)
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, m->first, "APISEC0060: webhook %s: %s",
                      m->webhook.p, aps_err_say(APS_ERR_CHECK, &diag));
    return reason_of(verdict);
}

/* One name for a delivery to this endpoint: another one may be sent the same content. */
static enum aps_reason name(struct mod_req *m, const struct aps_webhook_seen *seen)
{
    struct aps_digest_run *run;
    if (aps_digest_begin(&run) != APS_OK)
        return APS_REASON_INTERNAL;
    aps_digest_add(run, m->webhook.p, m->webhook.n + 1);
    aps_digest_add(run, seen->once, sizeof seen->once);
    return aps_digest_end(run, m->delivery.once) == APS_OK ? APS_REASON_ALLOW : APS_REASON_INTERNAL;
}

static uint64_t store_of(const struct mod_req *m)
{
    return aps_snapshot_store_tag(aps_view_snapshot(m->view));
}

/* WHK-06 */
static enum aps_reason take(struct mod_req *m, const struct aps_webhook_seen *seen)
{
    struct aps_table_now now = mod_req_now(m);
    aps_nsec until = now.wall + REMEMBER > seen->until ? now.wall + REMEMBER : seen->until;
    enum aps_reason reason = name(m, seen);
    if (reason != APS_REASON_ALLOW)
        return reason;
    switch (
        aps_once(mod_process.state, APS_ONCE_DELIVERY, store_of(m), m->delivery.once, until, now)) {
    case APS_ONCE_NEW:
        m->delivery.kept = true;
        return APS_REASON_ALLOW;
    case APS_ONCE_USED:
        return APS_REASON_WEBHOOK_REPEAT;
    case APS_ONCE_FULL:
        break;
    }
    return APS_REASON_ONCE_FULL;
}

static enum aps_reason judge(request_rec *r, struct mod_req *m, const struct mod_policy *policy,
                             size_t max)
{
    const struct endpoint *endpoint = NULL;
    struct aps_webhook_seen seen;
    enum aps_reason reason = mod_body_read(r, m, max);
    if (reason == APS_REASON_ALLOW)
        reason = find(m, policy->requires->webhook->name, &endpoint);
    if (reason == APS_REASON_ALLOW)
        reason = fail(m, verify(m, endpoint, &seen));
    if (reason != APS_REASON_ALLOW)
        return mod_stage_limit_refused(r, m, policy, reason);
    reason = mod_stage_limit_caller(r, m, policy, true);
    if (reason != APS_REASON_ALLOW || policy->engine != MOD_ENGINE_ON)
        return reason;
    return take(m, &seen);
}

enum aps_reason mod_webhook(request_rec *r, struct mod_req *m, const struct mod_policy *policy,
                            size_t max)
{
    const struct mod_webhook *webhook = policy->requires->webhook;
    /* A redirect within the server is the same delivery. */
    if (m->delivery.webhook != NULL && aps_str_eq(m->delivery.webhook->name, webhook->name))
        return m->delivery.reason;
    if (r->main != NULL) /* a part of a page is no delivery */
        return APS_REASON_WEBHOOK_MISSING;
    m->delivery.webhook = webhook;
    m->webhook = webhook->name;
    return m->delivery.reason = judge(r, m, policy, max);
}

/* ---- The answer ---- */

/* Success needs no handler and no document of httpd's. */
int mod_webhook_repeat(request_rec *r, struct mod_req *m)
{
    int status = m->delivery.webhook->repeat;
    if (!ap_is_HTTP_SUCCESS(status))
        return mod_answer_refuse(r, m, APS_REASON_WEBHOOK_REPEAT);
    apr_table_setn(r->headers_out, "X-Request-Id", mod_req_id(m));
    r->status = status;
    return DONE;
}

void mod_webhook_answered(struct mod_req *m, int status)
{
    if (!m->delivery.kept || ap_is_HTTP_SUCCESS(status))
        return;
    m->delivery.kept = false;
    aps_once_forget(mod_process.state, APS_ONCE_DELIVERY, store_of(m), m->delivery.once,
                    mod_req_now(m));
}
