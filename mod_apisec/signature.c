/* Signed requests (RFC 9421): the words of ApiSecSignature, who signed, and the content.
 *
 * The signature is judged with the fields, before limits are charged, and says who calls.  It
 * covers the content's digest, not the content: that is compared in the gate of fixups, when all of
 * it is there, and no handler has any of it before (SIG-15).  A nonce is used up last of all, so
 * that nobody else's request and no refusal spends it. */
#include "mod.h"

#include <apr_strings.h>

#include "apisec/digestfield.h"
#include "apisec/httpsig.h"
#include "apisec/once.h"

/* ---- Words ---- */

#define MAX_AGE_MAX APS_HOUR
#define TAG_MAX 64

/* Names with commas or blanks between, or an inner list, which the word is in quotes for. */
static const char *read_components(apr_pool_t *pool, const char *text, struct mod_signature *out)
{
    struct aps_diag diag = {{0}};
    struct aps_sf *components = NULL;
    char *names = apr_pstrdup(pool, text);
    for (char *p = names; *names != '(' && *p != '\0'; p++)
        if (*p == ',')
            *p = ' ';
    enum aps_err err = aps_httpsig_components(aps_str(names), pool, &components, &diag);
    if (err != APS_OK)
        return apr_pstrdup(pool, aps_err_say(err, &diag));
    if (components == NULL)
        return "components= names none";
    out->policy.require = components;
    return NULL;
}

static const char *read_age(apr_pool_t *pool, const char *text, struct mod_signature *out)
{
    if (aps_num_parse_duration(aps_str(text), &out->policy.max_age, NULL) != APS_OK ||
        out->policy.max_age < APS_SEC || out->policy.max_age > MAX_AGE_MAX)
        return apr_psprintf(pool, "max-age=%s: want 1s to 1h", text);
    return NULL;
}

static const char *read_word(apr_pool_t *pool, const char *word, struct mod_signature *out)
{
    if (strncmp(word, "components=", 11) == 0)
        return read_components(pool, word + 11, out);
    if (strncmp(word, "max-age=", 8) == 0)
        return read_age(pool, word + 8, out);
    if (strcmp(word, "nonce") == 0) {
        out->policy.nonce = true;
        return NULL;
    }
    if (strcmp(word, "hmac") == 0) {
        out->hmac = out->policy.nonce = true;
        return NULL;
    }
    if (strncmp(word, "tag=", 4) == 0 && word[4] != '\0' && strlen(word + 4) <= TAG_MAX &&
        aps_key_is_scope(aps_str(word + 4))) { /* printable, and nothing that wants an escape */
        out->policy.tag = aps_str(apr_pstrdup(pool, word + 4));
        return NULL;
    }
    return apr_psprintf(pool,
                        "\"%s\": want On, Off, hmac, nonce, components=, tag= or max-age=", word);
}

/* What the answer to an unsigned request asks for (RFC 9421 5.1).  NULL: it cannot be said. */
static const char *ask_for(apr_pool_t *pool, const struct mod_signature *s)
{
    struct aps_sf list = {.kind = APS_SF_INNER, .items = (struct aps_sf *)s->policy.require};
    struct aps_buf buf;
    aps_buf_init(&buf, pool, 4096);
    if (aps_sf_print_value(&list, &buf, NULL) != APS_OK)
        return NULL;
    const char *tag =
        s->policy.tag.n != 0 ? apr_psprintf(pool, ";tag=\"%s\"", s->policy.tag.p) : "";
    return apr_psprintf(pool, "sig=%.*s;created;keyid%s%s", APS_STR_ARG(aps_buf_text(&buf)),
                        s->policy.nonce ? ";nonce" : "", tag);
}

const char *mod_signature_parse(cmd_parms *cmd, int argc, char *const argv[],
                                const struct mod_signature **out)
{
    static const struct mod_signature off = {.off = true};
    struct mod_signature *s = apr_pcalloc(cmd->pool, sizeof *s);
    struct aps_sf *body = NULL;
    const char *fault = NULL;
    if (argc == 1 && ap_cstr_casecmp(argv[0], "Off") == 0) {
        *out = &off;
        return NULL;
    }
    if (argc == 0)
        return "want On, Off, hmac, nonce, components=, tag= or max-age=";
    s->policy.max_age = APS_HTTPSIG_MAX_AGE;
    s->policy.max_ahead = APS_HTTPSIG_MAX_AHEAD;
    fault = read_components(cmd->pool, APS_HTTPSIG_REQUIRE, s);
    if (aps_httpsig_components(APS_STR_LIT(APS_HTTPSIG_REQUIRE_BODY), cmd->pool, &body, NULL) !=
        APS_OK)
        return "out of memory";
    s->policy.require_body = body;
    if (argc == 1 && ap_cstr_casecmp(argv[0], "On") == 0)
        argc = 0;
    for (int i = 0; i < argc && fault == NULL; i++)
        fault = read_word(cmd->pool, argv[i], s);
    if (fault == NULL)
        s->ask = ask_for(cmd->pool, s);
    *out = s;
    return fault;
}

/* ---- The message ---- */

static struct aps_httpsig_lines lines_of(const struct mod_req *m)
{
    const apr_array_header_t *fields = apr_table_elts(mod_body_fields(m));
    struct aps_httpsig_line *lines =
        apr_palloc(m->first->pool, (size_t)(fields->nelts + 1) * sizeof *lines);
    for (int i = 0; i < fields->nelts; i++) {
        const apr_table_entry_t *e = &APR_ARRAY_IDX(fields, i, apr_table_entry_t);
        lines[i] = (struct aps_httpsig_line){aps_str(e->key), aps_str(e->val)};
    }
    return (struct aps_httpsig_lines){lines, (size_t)fields->nelts};
}

/* Scheme and authority as clients know them, never from a field of the request (SIG-11). */
static void message_of(const struct mod_req *m, struct aps_httpsig_message *out)
{
    const request_rec *first = m->first;
    const char *origin = mod_config_origin(first);
    struct aps_str rest = aps_str(origin), scheme = {origin, strcspn(origin, ":")};
    *out = (struct aps_httpsig_message){
        .method = aps_str(first->method),
        .target = aps_str(mod_req_target(m)),
        .scheme = scheme,
        .authority = {rest.p + scheme.n + 3, rest.n - scheme.n - 3},
        .fields = lines_of(m),
    };
}

static bool has_body(const struct mod_req *m)
{
    const apr_table_t *fields = mod_body_fields(m);
    const char *length = apr_table_get(fields, "Content-Length");
    return apr_table_get(fields, "Transfer-Encoding") != NULL ||
           (length != NULL && strspn(length, "0") != strlen(length));
}

/* ---- The key ---- */

struct search {
    struct mod_req *m;
    const struct mod_signature *want;
    aps_nsec now;
    const struct aps_signer *signer; /* the last that was found */
};

static apr_status_t free_key(void *key)
{
    aps_verify_free(key);
    return APR_SUCCESS;
}

/* NULL: none is live, or none is needed. */
static const struct aps_secret *secret_of(const struct search *s, const struct aps_signer *signer)
{
    if (signer->public.n != 0)
        return NULL;
    return mod_secret_newest(s->m, aps_signer_secret(s->m->first->pool, signer->keyid));
}

static const struct aps_verify_key *find_key(void *context, struct aps_str keyid)
{
    struct search *s = context;
    struct aps_verify_key *key = NULL;
    const struct aps_signer *signer = aps_snapshot_signer(aps_view_snapshot(s->m->view), keyid);
    if (signer == NULL || (signer->until != 0 && s->now >= signer->until) ||
        (s->want->hmac && signer->alg != APS_ALG_HS256))
        return NULL;
    const struct aps_secret *secret = secret_of(s, signer);
    if ((signer->public.n == 0 && secret == NULL) ||
        aps_signer_verifier(signer, secret, &key, NULL) != APS_OK)
        return NULL;
    apr_pool_cleanup_register(s->m->first->pool, key, free_key, apr_pool_cleanup_null);
    s->m->key_id = signer->key;
    return key;
}

/* ---- Who signed ---- */

static enum aps_reason reason_of(enum aps_httpsig_fault fault)
{
    static const enum aps_reason reasons[APS_HTTPSIG_COUNT] = {
        [APS_HTTPSIG_OK] = APS_REASON_ALLOW,
        [APS_HTTPSIG_ABSENT] = APS_REASON_SIGNATURE_MISSING,
        [APS_HTTPSIG_TAG] = APS_REASON_SIGNATURE_MISSING,
        [APS_HTTPSIG_FIELD] = APS_REASON_SIGNATURE_MALFORMED,
        [APS_HTTPSIG_LABEL] = APS_REASON_SIGNATURE_MALFORMED,
        [APS_HTTPSIG_MANY] = APS_REASON_SIGNATURE_MALFORMED,
        [APS_HTTPSIG_PARAM] = APS_REASON_SIGNATURE_MALFORMED,
        [APS_HTTPSIG_COMPONENT] = APS_REASON_SIGNATURE_MALFORMED,
        [APS_HTTPSIG_TWICE] = APS_REASON_SIGNATURE_MALFORMED,
        [APS_HTTPSIG_UNCOVERED] = APS_REASON_SIGNATURE_POLICY,
        [APS_HTTPSIG_CREATED] = APS_REASON_SIGNATURE_POLICY,
        [APS_HTTPSIG_NONCE] = APS_REASON_SIGNATURE_POLICY,
        [APS_HTTPSIG_EARLY] = APS_REASON_SIGNATURE_TIME,
        [APS_HTTPSIG_STALE] = APS_REASON_SIGNATURE_TIME,
        [APS_HTTPSIG_EXPIRED] = APS_REASON_SIGNATURE_TIME,
        [APS_HTTPSIG_KEYID] = APS_REASON_SIGNATURE_KEY,
        [APS_HTTPSIG_KEY] = APS_REASON_SIGNATURE_KEY,
        [APS_HTTPSIG_ALG] = APS_REASON_SIGNATURE_KEY,
        [APS_HTTPSIG_MISSING] = APS_REASON_SIGNATURE_WRONG,
        [APS_HTTPSIG_VALUE] = APS_REASON_SIGNATURE_WRONG,
        [APS_HTTPSIG_SIZE] = APS_REASON_SIGNATURE_WRONG,
        [APS_HTTPSIG_WRONG] = APS_REASON_SIGNATURE_WRONG,
        [APS_HTTPSIG_SEVERAL] = APS_REASON_CREDENTIAL_MULTIPLE,
        [APS_HTTPSIG_NOMEM] = APS_REASON_INTERNAL,
        [APS_HTTPSIG_CRYPTO] = APS_REASON_INTERNAL,
    };
    return (size_t)fault < APS_HTTPSIG_COUNT ? reasons[fault] : APS_REASON_UNDECIDED;
}

static bool is_signed(const request_rec *first)
{
    return apr_table_get(first->headers_in, "Signature") != NULL ||
           apr_table_get(first->headers_in, "Signature-Input") != NULL;
}

/* What is needed when the content is there; texts of the signature live in the request's pool. */
static void keep(struct mod_req *m, const struct aps_httpsig *sig, bool body)
{
    m->signature.has_body = body;
    m->signature.keyid = sig->keyid->text;
    m->signature.nonce = sig->nonce != NULL ? sig->nonce->text : (struct aps_str){NULL, 0};
    m->signature.created = sig->created->number * APS_SEC;
}

static enum aps_reason find(struct mod_req *m, const struct mod_signature *want)
{
    struct search search = {m, want, mod_req_now(m).wall, NULL};
    struct aps_httpsig_at at = {search.now, has_body(m)};
    struct aps_httpsig_message message;
    const struct aps_httpsig *sig = NULL;
    struct aps_diag diag = {{0}};
    message_of(m, &message);
    enum aps_httpsig_fault fault = aps_httpsig_find(&message, &want->policy, &at, find_key, &search,
                                                    m->first->pool, &sig, &diag);
    if (fault != APS_HTTPSIG_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, m->first, "APISEC0061: signature, %s: %s",
                      aps_httpsig_token(fault), diag.text);
        return reason_of(fault);
    }
    const struct aps_signer *signer =
        aps_snapshot_signer(aps_view_snapshot(m->view), sig->keyid->text);
    if (signer == NULL)
        return APS_REASON_INTERNAL; /* it was there a moment ago */
    m->key_id = signer->key;
    keep(m, sig, at.has_body);
    return aps_authn_id(m->view, signer->key, search.now, m->first->pool, &m->who);
}

enum aps_reason mod_signature(struct mod_req *m, const struct mod_signature *want)
{
    m->signature = (struct mod_signed){.want = want,
                                       .spent_keyid = m->signature.spent_keyid,
                                       .spent_nonce = m->signature.spent_nonce};
    if (m->credential_reason != APS_REASON_CREDENTIAL_MISSING) /* one in a request (AZ-12) */
        return is_signed(m->first) ? APS_REASON_CREDENTIAL_MULTIPLE : APS_REASON_SIGNATURE_MISSING;
    return find(m, want);
}

/* ---- The content ---- */

static enum aps_reason compare(const struct mod_req *m, const char *field, struct aps_str sent)
{
    struct aps_digestfield want;
    struct aps_digestfield_run *run = NULL;
    struct aps_diag diag = {{0}};
    enum aps_err err = aps_digestfield_read(aps_str(field), m->first->pool, &want, &diag);
    if (err == APS_OK && (err = aps_digestfield_begin(&want, &run)) == APS_OK) {
        aps_digestfield_add(run, sent.p, sent.n);
        err = aps_digestfield_end(run);
    }
    if (err == APS_ERR_CRYPTO || err == APS_ERR_NOMEM)
        return APS_REASON_INTERNAL;
    return err == APS_OK ? APS_REASON_ALLOW : APS_REASON_DIGEST_WRONG;
}

/* SIG-06: where there is content the signature covers its digest, which is one of the bytes as they
 * are sent, coded or not (RFC 9530 2). */
static enum aps_reason check_digest(const struct mod_req *m)
{
    const char *field = apr_table_get(mod_body_fields(m), "Content-Digest");
    struct aps_str sent = mod_body_sent(m);
    if (sent.n != 0 && !m->signature.has_body) /* nobody asked for its digest */
        return APS_REASON_DIGEST_WRONG;
    if (field == NULL)
        return sent.n != 0 ? APS_REASON_DIGEST_WRONG : APS_REASON_ALLOW;
    return compare(m, field, sent);
}

/* SIG-05.  Where the request comes by a second section that asks for a nonce, it is the same. */
static enum aps_reason spend(struct mod_req *m, struct aps_table_now now)
{
    struct mod_signed *s = &m->signature;
    if (s->spent_keyid.n != 0 && aps_str_eq(s->spent_keyid, s->keyid) &&
        aps_str_eq(s->spent_nonce, s->nonce))
        return APS_REASON_ALLOW;
    uint64_t store = aps_snapshot_store_tag(aps_view_snapshot(m->view));
    aps_nsec until = s->created + s->want->policy.max_age + 2 * APS_SEC;
    struct aps_digest_run *run = NULL;
    uint8_t digest[APS_DIGEST_LEN];
    if (aps_digest_begin(&run) != APS_OK)
        return APS_REASON_INTERNAL;
    aps_digest_add(run, s->keyid.p, s->keyid.n);
    aps_digest_add(run, "", 1); /* neither has a NUL */
    aps_digest_add(run, s->nonce.p, s->nonce.n);
    if (aps_digest_end(run, digest) != APS_OK)
        return APS_REASON_INTERNAL;
    switch (aps_once(mod_process.state, APS_ONCE_NONCE, store, digest, until, now)) {
    case APS_ONCE_NEW:
        s->spent_keyid = s->keyid;
        s->spent_nonce = s->nonce;
        return APS_REASON_ALLOW;
    case APS_ONCE_USED:
        return APS_REASON_SIGNATURE_USED;
    case APS_ONCE_FULL:
        break;
    }
    return APS_REASON_ONCE_FULL;
}

static enum aps_reason judge(request_rec *r, struct mod_req *m, enum mod_engine engine, size_t max)
{
    enum aps_reason reason = mod_body_read(r, m, max);
    if (reason == APS_REASON_ALLOW)
        reason = check_digest(m);
    if (reason == APS_REASON_ALLOW && m->signature.want->policy.nonce && engine == MOD_ENGINE_ON)
        reason = spend(m, mod_req_now(m));
    return aps_reason_is_authn_failure(reason) ? mod_stage_limit_fail(m, reason) : reason;
}

enum aps_reason mod_signature_content(request_rec *r, struct mod_req *m, enum mod_engine engine,
                                      size_t max)
{
    if (m->signature.content == APS_REASON_UNDECIDED)
        m->signature.content = judge(r, m, engine, max);
    return m->signature.content;
}
