/* kind_webhook.c - is the row's delivery good under its secret, at its time? */
#include <apr_strings.h>

#include "apisec/webhook.h"
#include "vectors.h"

/* The value of a field as httpd hands it over: several are joined. */
static const char *value_of(const struct t_row *row, const struct aps_jsonread_node *headers,
                            const char *name)
{
    const struct aps_jsonread *r = row->reader;
    const char *value = NULL;

    if (name == NULL)
        return NULL;
    for (const struct aps_jsonread_node *v = aps_jsonread_first(headers);
         v < aps_jsonread_end(headers); v = aps_jsonread_next(v)) {
        const struct aps_jsonread_node *pair = v + 1;
        struct aps_str text;

        if (aps_jsonread_kind(v) != APS_JSON_ARRAY || aps_jsonread_count(v) != 2 ||
            aps_jsonread_kind(pair) != APS_JSON_STRING ||
            aps_jsonread_kind(pair + 1) != APS_JSON_STRING ||
            !aps_str_eq_nocase(aps_jsonread_str(r, pair), aps_str(name)))
            continue;
        text = aps_jsonread_str(r, pair + 1);
        value = apr_psprintf(row->pool, "%s%s%.*s", value != NULL ? value : "",
                             value != NULL ? ", " : "", APS_STR_ARG(text));
    }
    return value;
}

const char *t_kind_webhook(const struct t_row *row, struct aps_json *out)
{
    const struct aps_jsonread_node *headers =
        aps_jsonread_get(row->reader, row->object, APS_STR_LIT("headers"));
    struct aps_webhook_spec spec = {.window = APS_WEBHOOK_WINDOW};
    const char *names[APS_WEBHOOK_FIELDS];
    struct aps_webhook_delivery delivery = {.nbody = 1};
    struct aps_webhook_key *key = NULL;
    struct aps_webhook_seen seen;
    struct aps_str scheme, secret, body;
    int64_t now = 0;
    bool good;

    if (!t_row_text(row, "scheme", &scheme) || !t_row_text(row, "secret", &secret) ||
        !t_row_bytes(row, "body", &body) || headers == NULL ||
        aps_jsonread_kind(headers) != APS_JSON_ARRAY)
        return "want strings scheme, secret and body, and an array headers of pairs";
    spec.scheme = aps_str_eq(scheme, APS_STR_LIT("standard-webhooks")) ? APS_WEBHOOK_SCHEME_STANDARD
                                                                       : aps_webhook_scheme(scheme);
    if (spec.scheme == APS_WEBHOOK_SCHEME_NONE || spec.scheme == APS_WEBHOOK_SCHEME_HMAC)
        return "want scheme standard-webhooks, github, stripe or slack";
    if ((!t_row_integer(row, "now", &now) && spec.scheme != APS_WEBHOOK_SCHEME_GITHUB) || now < 0 ||
        now > INT32_MAX)
        return "want now from 0 to 2^31-1";
    (void)aps_webhook_fields(&spec, names); /* all three are set */
    for (size_t i = 0; i < APS_WEBHOOK_FIELDS; i++)
        delivery.values[i] = value_of(row, headers, names[i]);
    delivery.body = &body;
    good = aps_webhook_key(spec.scheme, secret, &key, NULL) == APS_OK &&
           aps_webhook(&spec, &key, 1, &delivery, now * APS_SEC, row->pool, &seen, NULL) ==
               APS_WEBHOOK_OK;
    aps_webhook_key_free(key);
    aps_json_put_bool(out, "got", good);
    return NULL;
}
