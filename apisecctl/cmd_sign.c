/* cmd_sign.c - a signed request (RFC 9421), for trying things out. */
#include <apr_strings.h>

#include "apisec/b64.h"
#include "apisec/digestfield.h"
#include "apisec/httpsig.h"
#include "apisec/num.h"
#include "apisec/random.h"
#include "apisec/url.h"
#include "blob.h"
#include "ctl.h"
#include "quote.h"
#include "signkey.h"

#define BODY_MAX (1024 * 1024 - 1) /* bytes */
#define NONCE_LEN 18               /* bytes, which are 24 characters */

struct request {
    struct ctl *c;
    struct aps_httpsig_message m;
    struct aps_str url;
    apr_array_header_t *fields; /* of struct aps_httpsig_line */
    const char *body;           /* its file, or NULL */
    aps_nsec created, expires;
    enum aps_alg alg;
    struct aps_str base;
};

static const char *value_of(const struct request *q, enum ctl_opt opt)
{
    return ctl_command_value(&q->c->call, opt);
}

/* ---- The message ---- */

static bool is_token(struct aps_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"(),/:;<=>?@[\\]{}", s.p[i]) != NULL)
            return false;
    return s.n != 0;
}

static enum aps_err read_request(struct request *q)
{
    struct aps_str url = aps_str(q->c->call.arg[0]);
    struct aps_url parts;
    enum aps_err err;
    size_t at, end;

    if (!aps_str_next(&url, ' ', &q->m.method) || !is_token(q->m.method) || url.n == 0) {
        aps_err_explain(&q->c->diag,
                        "request \"%s\": want 'METHOD URL', such as 'GET https://api.example/a'",
                        q->c->call.arg[0]);
        return APS_ERR_FORMAT;
    }
    if ((err = aps_url_parse(url, &parts, &q->c->diag)) != APS_OK)
        return err;
    q->m.scheme = parts.https ? APS_STR_LIT("https") : APS_STR_LIT("http");
    at = end = q->m.scheme.n + 3;
    while (end < url.n && url.p[end] != '/' && url.p[end] != '?')
        end++;
    q->m.authority = (struct aps_str){url.p + at, end - at};
    q->m.target = (struct aps_str){url.p + end, url.n - end};
    if (q->m.target.n == 0 || q->m.target.p[0] == '?')
        q->m.target = aps_str(apr_pstrcat(q->c->pool, "/", url.p + end, NULL));
    q->url = url;
    return APS_OK;
}

static void add_field(struct request *q, struct aps_str name, struct aps_str value)
{
    APR_ARRAY_PUSH(q->fields, struct aps_httpsig_line) = (struct aps_httpsig_line){name, value};
}

static enum aps_err read_fields(struct request *q)
{
    const apr_array_header_t *given = q->c->call.values[CTL_OPT_FIELD];

    for (int i = 0; given != NULL && i < given->nelts; i++) {
        const struct aps_str text = aps_str(APR_ARRAY_IDX(given, i, const char *));
        struct aps_str value = text, name;
        bool good = aps_str_next(&value, ':', &name) && is_token(name) && name.n < text.n;

        value = aps_str_trim(value);
        for (size_t k = 0; k < value.n; k++)
            good = good && value.p[k] >= ' ' && value.p[k] <= '~';
        if (!good) {
            aps_err_explain(&q->c->diag,
                            "--field \"%s\": want 'NAME: VALUE' of printable ASCII, such as "
                            "'Content-Type: application/json'",
                            text.p);
            return APS_ERR_FORMAT;
        }
        add_field(q, name, value);
    }
    return APS_OK;
}

static enum aps_err read_body(struct request *q)
{
    struct aps_secret hold = {0};
    struct aps_buf text;
    enum aps_err err;

    if ((q->body = value_of(q, CTL_OPT_BODY)) == NULL)
        return APS_OK;
    if ((err = ctl_blob_file(q->body, "body", BODY_MAX, &hold, &q->c->diag)) != APS_OK)
        return err;
    aps_buf_init(&text, q->c->pool, APS_HTTPSIG_FIELD_MAX);
    err = aps_digestfield_print(APS_ALG_HASH_SHA256, aps_secret_str(&hold), &text);
    aps_secret_wipe(&hold);
    if (err == APS_OK)
        add_field(q, APS_STR_LIT("Content-Digest"), aps_buf_text(&text));
    return err;
}

/* ---- What the signature says of itself ---- */

/* Names, or items of an inner list as they stand. */
static enum aps_err read_components(struct request *q, struct aps_sf **out)
{
    const apr_array_header_t *given = q->c->call.values[CTL_OPT_COMPONENT];
    const char *text = "(";

    if (given == NULL)
        return aps_httpsig_components(aps_str(q->body != NULL ? APS_HTTPSIG_REQUIRE
                                                  " " APS_HTTPSIG_REQUIRE_BODY
                                                              : APS_HTTPSIG_REQUIRE),
                                      q->c->pool, out, &q->c->diag);
    for (int i = 0; i < given->nelts; i++) {
        const char *one = APR_ARRAY_IDX(given, i, const char *);
        const char *quote = one[0] == '"' ? "" : "\"";

        text = apr_pstrcat(q->c->pool, text, i > 0 ? " " : "", quote, one, quote, NULL);
    }
    return aps_httpsig_components(aps_str(apr_pstrcat(q->c->pool, text, ")", NULL)), q->c->pool,
                                  out, &q->c->diag);
}

static enum aps_err read_times(struct request *q)
{
    const char *created = value_of(q, CTL_OPT_CREATED), *expires = value_of(q, CTL_OPT_EXPIRES);
    enum aps_err err = APS_OK;

    q->created = q->c->now;
    if (created != NULL)
        err = aps_num_parse_time(aps_str(created), q->c->now, &q->created, &q->c->diag);
    if (err == APS_OK && expires != NULL)
        err = aps_num_parse_time(aps_str(expires), q->created, &q->expires, &q->c->diag);
    if (err == APS_OK && expires != NULL && q->expires <= q->created) {
        aps_err_explain(&q->c->diag, "--expires %s: want a time after --created", expires);
        err = APS_ERR_RANGE;
    }
    return err;
}

static enum aps_err make_nonce(struct request *q, struct aps_str *out)
{
    char bytes[NONCE_LEN];
    char *text = apr_palloc(q->c->pool, APS_B64_ENCODED_MAX(NONCE_LEN));
    enum aps_err err = aps_random_fill(bytes, sizeof bytes);

    if (err == APS_OK)
        *out =
            (struct aps_str){text, aps_b64_url_encode((struct aps_str){bytes, sizeof bytes}, text)};
    return err;
}

static enum aps_err fault_to_err(struct ctl *c, enum aps_httpsig_fault fault)
{
    if (fault == APS_HTTPSIG_OK)
        return APS_OK;
    if (c->diag.text[0] == '\0')
        aps_err_explain(&c->diag, "%s", aps_httpsig_text(fault));
    return fault == APS_HTTPSIG_NOMEM ? APS_ERR_NOMEM : APS_ERR_FORMAT;
}

static enum aps_err make(struct request *q, struct aps_httpsig *sig)
{
    struct ctl *c = q->c;
    struct aps_httpsig_params params = {.keyid = aps_str(value_of(q, CTL_OPT_KEYID)),
                                        .tag = aps_str(value_of(q, CTL_OPT_TAG))};
    struct aps_sf *components = NULL;
    enum aps_err err = read_components(q, &components);

    if (err == APS_OK)
        err = read_times(q);
    if (err == APS_OK && value_of(q, CTL_OPT_NONCE) != NULL)
        err = make_nonce(q, &params.nonce);
    if (err != APS_OK)
        return err;
    params.created = q->created / APS_SEC;
    params.expires = q->expires / APS_SEC;
    err = fault_to_err(c, aps_httpsig_make(components, &params, c->pool, sig, &c->diag));
    q->m.fields =
        (struct aps_httpsig_lines){(const void *)q->fields->elts, (size_t)q->fields->nelts};
    if (err != APS_OK)
        return err;
    return fault_to_err(c, aps_httpsig_base(&q->m, sig, c->pool, &q->base, &c->diag));
}

static enum aps_err sign(struct request *q, struct aps_httpsig *sig)
{
    struct ctl *c = q->c;
    struct aps_sign_key *key = NULL;
    uint8_t bytes[APS_SIGN_MAX];
    struct aps_buf input, signature;
    size_t n = 0;
    enum aps_err err = ctl_signkey_read(c->pool, value_of(q, CTL_OPT_KEY), value_of(q, CTL_OPT_ALG),
                                        &key, &q->alg, &c->diag);

    if (err == APS_OK)
        err = aps_sign(key, q->base, bytes, &n);
    aps_sign_free(key);
    if (err != APS_OK)
        return err;
    sig->label = APS_STR_LIT("sig1");
    sig->signature = (struct aps_str){(const char *)bytes, n};
    aps_buf_init(&input, c->pool, APS_HTTPSIG_FIELD_MAX);
    aps_buf_init(&signature, c->pool, APS_HTTPSIG_FIELD_MAX);
    if ((err = aps_httpsig_make_fields(sig, &input, &signature, &c->diag)) != APS_OK)
        return err;
    add_field(q, APS_STR_LIT("Signature-Input"), aps_buf_text(&input));
    add_field(q, APS_STR_LIT("Signature"), aps_buf_text(&signature));
    return APS_OK;
}

/* ---- Showing ---- */

static const char *field_text(const struct request *q, int i)
{
    const struct aps_httpsig_line *f = &APR_ARRAY_IDX(q->fields, i, struct aps_httpsig_line);

    return apr_psprintf(q->c->pool, "%.*s: %.*s", APS_STR_ARG(f->name), APS_STR_ARG(f->value));
}

/* Nothing of what is signed is changed by curl on the way. */
static const char *curl_text(const struct request *q)
{
    apr_pool_t *pool = q->c->pool;
    const char *text =
        apr_pstrcat(pool, "curl --path-as-is -X ", ctl_quote(pool, q->m.method), NULL);

    for (int i = 0; i < q->fields->nelts; i++)
        text = apr_pstrcat(pool, text, " -H ", ctl_quote(pool, aps_str(field_text(q, i))), NULL);
    if (q->body != NULL)
        text = apr_pstrcat(pool, text, " --data-binary ",
                           ctl_quote(pool, aps_str(apr_pstrcat(pool, "@", q->body, NULL))), NULL);
    return apr_pstrcat(pool, text, " ", ctl_quote(pool, q->url), NULL);
}

static void show_json(const struct request *q)
{
    struct ctl_out *out = q->c->out;

    ctl_output_row(out);
    ctl_output_str(out, "method", q->m.method);
    ctl_output_str(out, "url", q->url);
    ctl_output_str(out, "keyid", aps_str(value_of(q, CTL_OPT_KEYID)));
    ctl_output_str(out, "alg", aps_str(aps_alg_httpsig(q->alg)));
    ctl_output_time(out, "created_at", q->created);
    ctl_output_time(out, "expires_at", q->expires);
    ctl_output_table(out, "fields", "name value");
    for (int i = 0; i < q->fields->nelts; i++) {
        const struct aps_httpsig_line *f = &APR_ARRAY_IDX(q->fields, i, struct aps_httpsig_line);

        ctl_output_row(out);
        ctl_output_str(out, "name", f->name);
        ctl_output_str(out, "value", f->value);
        ctl_output_end(out);
    }
    ctl_output_end(out);
    ctl_output_str(out, "base", q->base);
    ctl_output_str(out, "curl", aps_str(curl_text(q)));
    ctl_output_end(out);
}

static void show(const struct request *q)
{
    if (ctl_output_is_json(q->c->out)) {
        show_json(q);
    } else if (value_of(q, CTL_OPT_CURL) != NULL) {
        ctl_output_text(q->c->out, "%s\n", curl_text(q));
    } else {
        for (int i = 0; i < q->fields->nelts; i++)
            ctl_output_text(q->c->out, "%s\n", field_text(q, i));
    }
}

enum aps_err ctl_sign(struct ctl *c)
{
    struct request q = {.c = c};
    struct aps_httpsig sig;
    enum aps_err err;

    q.fields = apr_array_make(c->pool, 8, sizeof(struct aps_httpsig_line));
    if ((err = read_request(&q)) != APS_OK || (err = read_fields(&q)) != APS_OK ||
        (err = read_body(&q)) != APS_OK || (err = make(&q, &sig)) != APS_OK ||
        (err = sign(&q, &sig)) != APS_OK)
        return err;
    show(&q);
    return APS_OK;
}
