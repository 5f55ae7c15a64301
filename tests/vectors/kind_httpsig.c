/* kind_httpsig.c - does the signature of this label hold, and what is the value of a component? */
#include <apr_strings.h>

#include "apisec/jsonnum.h"
#include "message.h"
#include "vectors.h"

/* The row's scheme; a request that says nothing of it came over TLS. */
static struct aps_str scheme_of(const struct t_row *row)
{
    struct aps_str scheme;

    return t_row_bytes(row, "scheme", &scheme) ? scheme : APS_STR_LIT("https");
}

static bool read_key(const struct t_row *row, struct aps_verify_key **out, const char **why,
                     struct aps_diag *diag)
{
    struct aps_str name, text;
    enum aps_err err;

    *why = "want an alg, and a public_pem or a secret_b64";
    if (!t_row_bytes(row, "alg", &name))
        return false;
    if (t_row_bytes(row, "public_pem", &text))
        err = aps_verify_pem(aps_alg_from_httpsig(name), text, out, diag);
    else if (t_row_bytes(row, "secret", &text))
        err = aps_verify_secret(aps_alg_from_httpsig(name), text, out, diag);
    else
        return false;
    *why = apr_pstrdup(row->pool, aps_err_say(err, diag));
    return err == APS_OK;
}

static const struct aps_httpsig *find_label(const struct aps_httpsig *list, size_t n,
                                            struct aps_str label)
{
    for (size_t i = 0; i < n; i++)
        if (aps_str_eq(list[i].label, label))
            return &list[i];
    return NULL;
}

/* The key is the one that the signature names, or the only one there is. */
static bool is_key_of(const struct t_row *row, const struct aps_httpsig *sig)
{
    struct aps_str keyid;

    return sig->keyid == NULL || !t_row_bytes(row, "keyid", &keyid) ||
           aps_str_eq(sig->keyid->text, keyid);
}

/* Nothing has to be covered; times are judged if the row says when it is. */
static bool is_timely(const struct t_row *row, const struct aps_httpsig *sig)
{
    static const struct aps_httpsig_policy policy = {
        .max_age = APS_HTTPSIG_MAX_AGE,
        .max_ahead = APS_HTTPSIG_MAX_AHEAD,
    };
    const struct aps_jsonread_node *now =
        aps_jsonread_get(row->reader, row->object, APS_STR_LIT("now"));
    struct aps_httpsig_at at = {0};
    int64_t seconds;

    if (now == NULL || aps_jsonread_kind(now) != APS_JSON_NUMBER)
        return true;
    if (!aps_jsonnum_i64(aps_jsonread_str(row->reader, now), &seconds) ||
        __builtin_mul_overflow(seconds, APS_SEC, &at.now))
        return false;
    return aps_httpsig_check(sig, &policy, &at, NULL) == APS_HTTPSIG_OK;
}

static bool holds(const struct t_row *row, const struct aps_httpsig_message *m,
                  const struct aps_verify_key *key)
{
    const struct aps_httpsig *list, *sig;
    struct aps_str label;
    size_t n;

    if (!t_row_bytes(row, "label", &label) ||
        aps_httpsig_read(m, row->pool, &list, &n, NULL) != APS_HTTPSIG_OK ||
        (sig = find_label(list, n, label)) == NULL)
        return false;
    return is_key_of(row, sig) && is_timely(row, sig) &&
           aps_httpsig_verify(m, sig, key, row->pool, NULL) == APS_HTTPSIG_OK;
}

const char *t_kind_httpsig(const struct t_row *row, struct aps_json *out)
{
    struct aps_httpsig_message m;
    struct aps_verify_key *key = NULL;
    struct aps_diag diag;
    struct aps_str text;
    const char *why;

    if (!t_row_bytes(row, "message", &text))
        return "want a string message, or message_b64 in base64";
    if (!read_key(row, &key, &why, &diag))
        return why;
    aps_json_put_str(out, "got",
                     t_message_read(text, scheme_of(row), row->pool, &m) && holds(row, &m, key)
                         ? "valid"
                         : "invalid");
    aps_verify_free(key);
    return NULL;
}

/* A component identifier is an item (RFC 9421 2). */
static bool value_of(const struct t_row *row, struct aps_str request, struct aps_str component,
                     struct aps_buf *to)
{
    struct aps_httpsig_message m;
    struct aps_sf *id;

    return t_message_read(request, scheme_of(row), row->pool, &m) &&
           aps_sf_read(component, APS_SF_ITEM, &aps_sf_wide, row->pool, &id, NULL) == APS_OK &&
           aps_httpsig_base_value(&m, id, row->pool, to, NULL) == APS_HTTPSIG_OK;
}

const char *t_kind_httpsig_component(const struct t_row *row, struct aps_json *out)
{
    struct aps_str request, component;
    struct aps_buf value;

    if (!t_row_bytes(row, "request", &request) || !t_row_bytes(row, "component", &component))
        return "want strings request and component";
    aps_buf_init(&value, row->pool, APS_HTTPSIG_BASE_MAX);
    aps_json_name(out, "got");
    if (value_of(row, request, component, &value))
        aps_json_str(out, aps_buf_text(&value));
    else
        aps_json_null(out);
    return NULL;
}
