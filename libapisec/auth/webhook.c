/* webhook.c - the five schemes of signed deliveries.
 *
 * Each scheme reads its fields into the same form: what is signed in front of the body, and a list
 * of signatures; the rest is common. */
#include "apisec/b64.h"
#include "apisec/num.h"
#include "apisec/secret.h"
#include "webhook_key.h"

enum { PARTS_MAX = 5 }; /* in front of the body */

/* One signature that was read. */
struct signature {
    bool public; /* Ed25519's; else a MAC */
    uint8_t bytes[APS_B64_DECODED_MAX(88)];
    size_t n;
};

struct job {
    const struct aps_webhook_spec *spec;
    const struct aps_webhook_delivery *delivery;
    apr_pool_t *pool;
    struct aps_diag *diag;
    struct aps_str fields[APS_WEBHOOK_FIELDS];
    struct aps_str id, time; /* .p is NULL: the scheme signs none */
    struct aps_str parts[PARTS_MAX];
    size_t nparts;
    struct signature *list;
    size_t nlist;
};

static const struct row {
    int status;
    const char *word, *text;
} rows[APS_WEBHOOK_COUNT] = {
#define W(name, status, word, text) [APS_WEBHOOK_##name] = {status, word, text},
#include "apisec/webhook.def"
#undef W
};

static const struct row *row_of(enum aps_webhook verdict)
{
    return &rows[(unsigned)verdict < APS_WEBHOOK_COUNT ? verdict : APS_WEBHOOK_UNDECIDED];
}

int aps_webhook_status(enum aps_webhook verdict)
{
    return row_of(verdict)->status;
}

const char *aps_webhook_word(enum aps_webhook verdict)
{
    return row_of(verdict)->word;
}

const char *aps_webhook_text(enum aps_webhook verdict)
{
    return row_of(verdict)->text;
}

enum aps_webhook_scheme aps_webhook_scheme(struct aps_str name)
{
    static const struct aps_str names[] = {
        [APS_WEBHOOK_SCHEME_STANDARD] = {"standard", 8},
        [APS_WEBHOOK_SCHEME_GITHUB] = {"github", 6},
        [APS_WEBHOOK_SCHEME_STRIPE] = {"stripe", 6},
        [APS_WEBHOOK_SCHEME_SLACK] = {"slack", 5},
        [APS_WEBHOOK_SCHEME_HMAC] = {"hmac", 4},
    };

    for (unsigned i = APS_WEBHOOK_SCHEME_STANDARD; i <= APS_WEBHOOK_SCHEME_HMAC; i++)
        if (aps_str_eq(name, names[i]))
            return (enum aps_webhook_scheme)i;
    return APS_WEBHOOK_SCHEME_NONE;
}

size_t aps_webhook_fields(const struct aps_webhook_spec *spec, const char *out[APS_WEBHOOK_FIELDS])
{
    memset(out, 0, APS_WEBHOOK_FIELDS * sizeof *out);
    switch (spec->scheme) {
    case APS_WEBHOOK_SCHEME_STANDARD:
        out[0] = "webhook-signature";
        out[1] = "webhook-timestamp";
        out[2] = "webhook-id";
        return 3;
    case APS_WEBHOOK_SCHEME_GITHUB:
        out[0] = "X-Hub-Signature-256";
        return 1;
    case APS_WEBHOOK_SCHEME_STRIPE:
        out[0] = "Stripe-Signature";
        return 1;
    case APS_WEBHOOK_SCHEME_SLACK:
        out[0] = "X-Slack-Signature";
        out[1] = "X-Slack-Request-Timestamp";
        return 2;
    case APS_WEBHOOK_SCHEME_HMAC:
        out[0] = spec->signature_field;
        out[1] = spec->time_field;
        return spec->time_field != NULL ? 2 : 1;
    case APS_WEBHOOK_SCHEME_NONE:
        break;
    }
    return 0;
}

/* Cut off a start that may be there. */
static bool cut(struct aps_str *text, struct aps_str start)
{
    if (!aps_str_starts(*text, start))
        return false;
    *text = (struct aps_str){text->p + start.n, text->n - start.n};
    return true;
}

static enum aps_webhook malformed(struct job *job, const char *what)
{
    aps_err_explain(job->diag, "%s", what);
    return APS_WEBHOOK_MALFORMED;
}

/* MISSING unless all are there. */
static enum aps_webhook read_fields(struct job *job)
{
    const char *names[APS_WEBHOOK_FIELDS];
    const size_t n = aps_webhook_fields(job->spec, names);

    for (size_t i = 0; i < n; i++) {
        job->fields[i] = aps_str_trim(aps_str(job->delivery->values[i]));
        if (job->fields[i].n == 0) {
            aps_err_explain(job->diag, "no field %s", names[i] != NULL ? names[i] : "");
            return APS_WEBHOOK_MISSING;
        }
    }
    return n != 0 ? APS_WEBHOOK_OK : APS_WEBHOOK_UNDECIDED;
}

static bool decode_hex(struct aps_str text, struct signature *out)
{
    if (text.n != 2 * APS_MAC_LEN)
        return false;
    for (size_t i = 0; i < APS_MAC_LEN; i++) {
        int high = aps_num_hex(text.p[2 * i]), low = aps_num_hex(text.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out->bytes[i] = (uint8_t)(high << 4 | low);
    }
    out->n = APS_MAC_LEN;
    return true;
}

static bool decode_b64(struct aps_str text, size_t want, struct signature *out)
{
    return text.n == APS_B64_ENCODED_MAX(want) && aps_b64_decode(text, out->bytes, &out->n) &&
           out->n == want;
}

/* Keep one that was read.  Of two kinds each is compared with keys of its kind. */
static bool add_signature(struct job *job, const struct signature *one)
{
    if (job->nlist == APS_WEBHOOK_SIGNATURES_MAX)
        return false;
    if (job->list == NULL)
        job->list = apr_palloc(job->pool, APS_WEBHOOK_SIGNATURES_MAX * sizeof *job->list);
    job->list[job->nlist++] = *one;
    return true;
}

static void add_part(struct job *job, struct aps_str part)
{
    job->parts[job->nparts++] = part;
}

/* An id goes in front of a `.`, so that one with a dot could be read in two ways. */
static bool is_id(struct aps_str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (id.p[i] <= ' ' || id.p[i] > '~' || id.p[i] == '.' || id.p[i] == ',')
            return false;
    return id.n <= APS_WEBHOOK_ID_MAX;
}

/* `v1,` and base64 of a MAC, `v1a,` and base64 of a signature, between blanks; versions that are
 * not known are passed over. */
static enum aps_webhook read_standard_fields(struct job *job)
{
    struct aps_str rest = job->fields[0], word;
    struct signature one;

    job->time = job->fields[1];
    job->id = job->fields[2];
    if (!is_id(job->id))
        return malformed(job, "webhook-id: want 1 to 256 printable characters but . and ,");
    while (aps_str_next(&rest, ' ', &word)) {
        one.public = aps_str_starts(word, APS_STR_LIT("v1a,"));
        if (!cut(&word, APS_STR_LIT("v1,")) && !cut(&word, APS_STR_LIT("v1a,")))
            continue;
        if (decode_b64(word, one.public ? 64 : APS_MAC_LEN, &one) && !add_signature(job, &one))
            return malformed(job, "webhook-signature: more than 16 signatures");
    }
    add_part(job, job->id);
    add_part(job, APS_STR_LIT("."));
    add_part(job, job->time);
    add_part(job, APS_STR_LIT("."));
    return APS_WEBHOOK_OK;
}

static enum aps_webhook read_github_fields(struct job *job)
{
    struct signature one = {.public = false};

    if (!cut(&job->fields[0], APS_STR_LIT("sha256=")) || !decode_hex(job->fields[0], &one) ||
        !add_signature(job, &one))
        return malformed(job, "X-Hub-Signature-256: want sha256= and 64 hexadecimal digits");
    return APS_WEBHOOK_OK;
}

/* t= once, v1= any number of times, others passed over. */
static enum aps_webhook read_stripe_fields(struct job *job)
{
    struct aps_str rest = job->fields[0], word;
    struct signature one = {.public = false};

    if (memchr(rest.p, ' ', rest.n) != NULL)
        return malformed(job, "Stripe-Signature: a blank in it, as if two fields were joined");
    while (aps_str_next(&rest, ',', &word)) {
        if (cut(&word, APS_STR_LIT("t="))) {
            if (job->time.p != NULL)
                return malformed(job, "Stripe-Signature: t= twice");
            job->time = word;
        } else if (cut(&word, APS_STR_LIT("v1=")) && decode_hex(word, &one) &&
                   !add_signature(job, &one)) {
            return malformed(job, "Stripe-Signature: more than 16 signatures");
        }
    }
    if (job->time.p == NULL)
        return malformed(job, "Stripe-Signature: no t=");
    add_part(job, job->time);
    add_part(job, APS_STR_LIT("."));
    return APS_WEBHOOK_OK;
}

static enum aps_webhook read_slack_fields(struct job *job)
{
    struct signature one = {.public = false};

    if (!cut(&job->fields[0], APS_STR_LIT("v0=")) || !decode_hex(job->fields[0], &one) ||
        !add_signature(job, &one))
        return malformed(job, "X-Slack-Signature: want v0= and 64 hexadecimal digits");
    job->time = job->fields[1];
    add_part(job, APS_STR_LIT("v0:"));
    add_part(job, job->time);
    add_part(job, APS_STR_LIT(":"));
    return APS_WEBHOOK_OK;
}

static enum aps_webhook read_hmac_fields(struct job *job)
{
    struct signature one = {.public = false};

    if ((job->spec->prefix.n != 0 && !cut(&job->fields[0], job->spec->prefix)) ||
        !(job->spec->base64 ? decode_b64(job->fields[0], APS_MAC_LEN, &one)
                            : decode_hex(job->fields[0], &one)) ||
        !add_signature(job, &one))
        return malformed(job, job->spec->base64
                                  ? "the signature: want its prefix and 44 characters of base64"
                                  : "the signature: want its prefix and 64 hexadecimal digits");
    if (job->spec->time_field == NULL)
        return APS_WEBHOOK_OK;
    job->time = job->fields[1];
    add_part(job, job->time);
    add_part(job, APS_STR_LIT("."));
    return APS_WEBHOOK_OK;
}

static enum aps_webhook read_scheme(struct job *job)
{
    switch (job->spec->scheme) {
    case APS_WEBHOOK_SCHEME_STANDARD:
        return read_standard_fields(job);
    case APS_WEBHOOK_SCHEME_GITHUB:
        return read_github_fields(job);
    case APS_WEBHOOK_SCHEME_STRIPE:
        return read_stripe_fields(job);
    case APS_WEBHOOK_SCHEME_SLACK:
        return read_slack_fields(job);
    case APS_WEBHOOK_SCHEME_HMAC:
        return read_hmac_fields(job);
    case APS_WEBHOOK_SCHEME_NONE:
        break;
    }
    return APS_WEBHOOK_UNDECIDED;
}

/* Seconds, in the one spelling that a number has, since it is the text that is signed. */
static enum aps_webhook check_time(struct job *job, aps_nsec now, struct aps_webhook_seen *out)
{
    const aps_nsec window = job->spec->window, whole = now / APS_SEC * APS_SEC;
    uint64_t s;

    out->time = out->until = -1;
    if (job->time.p == NULL)
        return APS_WEBHOOK_OK;
    if (aps_num_parse(job->time, 0, (uint64_t)1 << 33, &s, NULL) != APS_OK)
        return malformed(job, "the time: want seconds since 1970 as a decimal number");
    out->time = (aps_nsec)s * APS_SEC;
    out->until = out->time + window + APS_SEC;
    if (out->time - whole <= window && whole - out->time <= window)
        return APS_WEBHOOK_OK;
    aps_err_explain(job->diag, "the time is %lld s from now: want at most %lld",
                    (long long)((out->time - whole) / APS_SEC), (long long)(window / APS_SEC));
    return APS_WEBHOOK_TIME;
}

/* Pieces in front of the body, and the body's. */
static const struct aps_str *all_parts(const struct job *job, size_t *out_n)
{
    const size_t n = job->nparts + job->delivery->nbody;
    struct aps_str *all = apr_palloc(job->pool, (n + 1) * sizeof *all);

    memcpy(all, job->parts, job->nparts * sizeof *all);
    if (job->delivery->nbody != 0)
        memcpy(all + job->nparts, job->delivery->body, job->delivery->nbody * sizeof *all);
    *out_n = n;
    return all;
}

/* In one piece, which Ed25519 needs. */
static struct aps_str join(const struct aps_str *parts, size_t n, apr_pool_t *pool)
{
    size_t len = 0;
    char *text, *at;

    for (size_t i = 0; i < n; i++)
        len += parts[i].n;
    text = at = apr_palloc(pool, len + 1);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n != 0)
            memcpy(at, parts[i].p, parts[i].n);
        at += parts[i].n;
    }
    return (struct aps_str){text, len};
}

/* Whether one of the signatures is right under this secret. */
static enum aps_webhook check_mac(const struct job *job, struct aps_mac *mac,
                                  const struct aps_str *parts, size_t n)
{
    uint8_t want[APS_MAC_MAX];
    bool found = false;

    if (aps_mac_sum_parts(mac, parts, n, want) != APS_OK)
        return APS_WEBHOOK_INTERNAL;
    for (size_t i = 0; i < job->nlist; i++)
        if (!job->list[i].public && aps_secret_equal(job->list[i].bytes, want, APS_MAC_LEN))
            found = true;
    aps_secret_cleanse(want, sizeof want);
    return found ? APS_WEBHOOK_OK : APS_WEBHOOK_SIGNATURE;
}

static enum aps_webhook check_public(const struct job *job, const struct aps_verify_key *key,
                                     struct aps_str text)
{
    for (size_t i = 0; i < job->nlist; i++) {
        const struct signature *one = &job->list[i];
        enum aps_err err = APS_ERR_CHECK;

        if (one->public)
            err = aps_verify(key, text, (struct aps_str){(const char *)one->bytes, one->n});
        if (err == APS_OK)
            return APS_WEBHOOK_OK;
        if (err != APS_ERR_CHECK)
            return APS_WEBHOOK_INTERNAL;
    }
    return APS_WEBHOOK_SIGNATURE;
}

static enum aps_webhook check_signature(const struct job *job, struct aps_webhook_key *const *keys,
                                        size_t nkeys, const struct aps_str *parts, size_t n,
                                        struct aps_webhook_seen *out)
{
    enum aps_webhook verdict = APS_WEBHOOK_SIGNATURE;
    struct aps_str text = {NULL, 0};

    for (size_t i = 0; i < nkeys && verdict == APS_WEBHOOK_SIGNATURE; i++) {
        if (keys[i]->public != NULL && text.p == NULL)
            text = join(parts, n, job->pool);
        verdict = keys[i]->public != NULL ? check_public(job, keys[i]->public, text)
                                          : check_mac(job, keys[i]->mac, parts, n);
        out->key = i;
    }
    return verdict;
}

/* The id is signed and stays the same when a sender tries again with a new time; where there is
 * none, all that is signed has to do. */
static enum aps_webhook set_once(const struct job *job, const struct aps_str *parts, size_t n,
                                 struct aps_webhook_seen *out)
{
    struct aps_digest_run *run = NULL;

    if (aps_digest_begin(&run) != APS_OK)
        return APS_WEBHOOK_INTERNAL;
    if (job->id.p != NULL)
        aps_digest_add(run, job->id.p, job->id.n);
    for (size_t i = 0; i < n && job->id.p == NULL; i++)
        aps_digest_add(run, parts[i].p, parts[i].n);
    return aps_digest_end(run, out->once) == APS_OK ? APS_WEBHOOK_OK : APS_WEBHOOK_INTERNAL;
}

enum aps_webhook aps_webhook(const struct aps_webhook_spec *spec,
                             struct aps_webhook_key *const *keys, size_t n,
                             const struct aps_webhook_delivery *delivery, aps_nsec now,
                             apr_pool_t *pool, struct aps_webhook_seen *out, struct aps_diag *diag)
{
    struct job job = {.spec = spec, .delivery = delivery, .pool = pool, .diag = diag};
    const struct aps_str *parts;
    enum aps_webhook verdict;
    size_t nparts;

    *out = (struct aps_webhook_seen){.time = -1, .until = -1};
    if ((verdict = read_fields(&job)) != APS_WEBHOOK_OK ||
        (verdict = read_scheme(&job)) != APS_WEBHOOK_OK ||
        (verdict = check_time(&job, now, out)) != APS_WEBHOOK_OK)
        return verdict;
    parts = all_parts(&job, &nparts);
    if ((verdict = check_signature(&job, keys, n, parts, nparts, out)) != APS_WEBHOOK_OK)
        return verdict;
    return set_once(&job, parts, nparts, out);
}
