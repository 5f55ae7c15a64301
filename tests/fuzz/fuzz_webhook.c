/* Fields of a delivery from outside: the first byte chooses the scheme, then come three lines, the
 * values of its fields (an empty one is missing), and the body.  What is judged good is so whatever
 * the body's pieces are, and is not any more with another body. */
#include <stdlib.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apisec/webhook.h>

#define NOW (1614265330 * APS_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct aps_webhook_spec *spec, struct aps_webhook_key *key,
                  struct aps_webhook_delivery *d, apr_pool_t *pool,
                  const struct aps_webhook_seen *seen)
{
    const struct aps_str body = d->body[0], pieces[] = {{body.p, body.n / 2},
                                                        {body.p + body.n / 2, body.n - body.n / 2},
                                                        {"x", 1}};
    struct aps_webhook_seen again;

    expect(seen->key == 0 && (seen->time == -1) == (seen->until == -1));
    d->body = pieces;
    d->nbody = 2;
    expect(aps_webhook(spec, &key, 1, d, NOW, pool, &again, NULL) == APS_WEBHOOK_OK);
    expect(memcmp(seen->once, again.once, sizeof again.once) == 0);
    if (seen->until != -1)
        expect(aps_webhook(spec, &key, 1, d, seen->until, pool, &again, NULL) == APS_WEBHOOK_TIME);
    d->nbody = 3;
    expect(aps_webhook(spec, &key, 1, d, NOW, pool, &again, NULL) == APS_WEBHOOK_SIGNATURE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        struct aps_webhook_spec spec;
        const char *secret;
    } schemes[] = {
        {{.scheme = APS_WEBHOOK_SCHEME_STANDARD}, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        {{.scheme = APS_WEBHOOK_SCHEME_GITHUB}, "It's a Secret to Everybody"},
        {{.scheme = APS_WEBHOOK_SCHEME_STRIPE}, "whsec_test_secret"},
        {{.scheme = APS_WEBHOOK_SCHEME_SLACK}, "8f742231b10e8888abcd99yyyzzz85a5"},
        {{.scheme = APS_WEBHOOK_SCHEME_HMAC, .signature_field = "a", .prefix = {"p=", 2}}, "s"},
        {{.scheme = APS_WEBHOOK_SCHEME_HMAC,
          .signature_field = "a",
          .time_field = "b",
          .base64 = true},
         "s"},
        {{.scheme = APS_WEBHOOK_SCHEME_STANDARD},
         "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
    };
    const size_t which = size != 0 ? data[0] % (sizeof schemes / sizeof *schemes) : 0;
    struct aps_webhook_spec spec = schemes[which].spec;
    struct aps_str rest = {(const char *)data + 1, size - 1}, line;
    struct aps_webhook_delivery d = {.body = &rest, .nbody = 1};
    struct aps_webhook_key *key = NULL;
    struct aps_webhook_seen seen;
    enum aps_webhook verdict;
    apr_pool_t *pool;

    if (size == 0 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS)
        return 0;
    for (size_t i = 0; i < APS_WEBHOOK_FIELDS && aps_str_next(&rest, '\n', &line); i++)
        if (line.n != 0)
            d.values[i] = apr_pstrmemdup(pool, line.p, line.n);
    spec.window = APS_WEBHOOK_WINDOW;
    expect(aps_webhook_key(spec.scheme, aps_str(schemes[which].secret), &key, NULL) == APS_OK);
    verdict = aps_webhook(&spec, &key, 1, &d, NOW, pool, &seen, NULL);
    expect(verdict != APS_WEBHOOK_UNDECIDED && verdict != APS_WEBHOOK_INTERNAL);
    if (verdict == APS_WEBHOOK_OK)
        check(&spec, key, &d, pool, &seen);
    aps_webhook_key_free(key);
    apr_pool_destroy(pool);
    return 0;
}
